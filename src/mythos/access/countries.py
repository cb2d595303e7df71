"""Country codes: ISO 3166-1 alpha-2, upper case, officially assigned, and nothing else.

A code that is nearly right (`uk`, `EU`, `XK`, `USA`) would silently match nobody, so it is wrong input.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, cast

from mythos.errors import AccessError

COUNTRIES: Final = frozenset(
    code
    for line in Path(__file__).with_name("iso3166-1.txt").read_text("ascii").splitlines()
    if not line.startswith("#")
    for code in line.split()
)

_ADVICE: Final = {"UK": "The United Kingdom is GB.", "EL": "Greece is GR.", "EU": "Name the member states."}


def country(value: Any, *, where: str) -> str:
    """`value` as a country code.

    Raises:
        AccessError: lower case, unknown, reserved, or not text.
    """
    if isinstance(value, str) and value in COUNTRIES:
        return value
    raise AccessError(
        f"{where} is not a country code",
        expected="ISO 3166-1 alpha-2 in upper case, such as US",
        found=repr(value)[:40],
        advice=_ADVICE.get(str(value).upper(), ""),
    )


def country_list(value: Any, *, where: str) -> tuple[str, ...]:
    """`value` as a list of country codes, in its order.

    Raises:
        AccessError: not a list, or any code that `country` refuses.
    """
    if not isinstance(value, list):
        raise AccessError(
            f"{where} is not a list", expected="a list of country codes", found=repr(value)[:40]
        )
    codes = cast("list[Any]", value)
    return tuple([country(code, where=where) for code in codes])


# Territories whose people hold the citizenship of the state that the code does not name.
_CITIZENSHIP_OF: Final = {"PR": "US", "GU": "US", "VI": "US", "MP": "US"}


def nationality(codes: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What an issuer's nationality codes mean: (citizenships, countries that protect them).

    People of Puerto Rico, Guam, the US Virgin Islands and the Northern Marianas are US citizens; a national
    of American Samoa is a US national, hence "protected" under 8 USC 1324b(a)(3) (8 USC 1101(a)(22), 1408).
    """
    held: dict[str, None] = {}
    protected: dict[str, None] = {}
    for code in codes:
        held[_CITIZENSHIP_OF.get(code, code)] = None
        if code == "AS":
            protected["US"] = None
    return tuple(held), tuple(protected)
