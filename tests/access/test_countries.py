"""Country codes: exactly the standard's, and what nationality codes mean."""

import pytest

from mythos.access.countries import COUNTRIES, country, country_list, nationality
from mythos.errors import AccessError


def test_the_list_is_the_standards():
    assert len(COUNTRIES) == 249
    assert {"US", "GB", "TW", "HK", "MO", "NO", "SS", "AQ", "UM", "AX", "BQ", "SX", "CW"} <= COUNTRIES
    assert all(len(code) == 2 and code.isascii() and code.isupper() for code in COUNTRIES)


@pytest.mark.parametrize(
    "code", ["UK", "EU", "XK", "SU", "AN", "YU", "EL", "us", "Us", "USA", "", "ＵＳ", None, True, 1]
)
def test_what_is_nearly_a_code_is_refused(code):
    assert code not in COUNTRIES
    with pytest.raises(AccessError, match="not a country code"):
        country(code, where="here")


def test_the_common_mistakes_are_told():
    with pytest.raises(AccessError, match="The United Kingdom is GB"):
        country("UK", where="here")


def test_a_list_keeps_its_order():
    assert country_list(["JP", "US"], where="here") == ("JP", "US")


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["PR"], (("US",), ())),
        (["GU", "VI", "MP", "US"], (("US",), ())),
        (["AS"], (("AS",), ("US",))),
        (["HK"], (("HK",), ())),
        (["JP", "PR"], (("JP", "US"), ())),
        ([], ((), ())),
    ],
)
def test_people_of_us_territories_are_citizens_or_nationals(codes, expected):
    assert nationality(codes) == expected
