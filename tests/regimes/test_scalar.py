from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.errors import InputError
from mythos.regimes.scalar import day, number, text


def test_numbers_keep_every_digit() -> None:
    assert number("1.0e26", "ops") == 10**26
    assert number("1.0000001e26", "ops") == 10**26 + 10**19
    assert number("9.0e23", "ops") / 3 == number("3.0e23", "ops")
    assert number("1/3", "share") == Fraction(1, 3)
    assert number(10**26 + 1, "ops") - number(Decimal("1e26"), "ops") == 1


@pytest.mark.parametrize("value", [1e26, 0.5, float("nan"), float("inf"), True])
def test_a_binary_float_is_refused_with_the_reason(value: object) -> None:
    with pytest.raises(InputError, match="binary"):
        number(value, "ops")


@pytest.mark.parametrize(
    "value", ["", "1e", "-1", "+1", "0x10", "1_000", "1,000", "1 ", "NaN", "1/0", "1/", None]
)
def test_other_spellings_are_refused(value: object) -> None:
    with pytest.raises(InputError):
        number(value, "ops")


@pytest.mark.parametrize("value", ["1e61", "1e-61", 10**70, Decimal("1e-99"), Decimal(-1), -1])
def test_absurd_numbers_are_refused(value: object) -> None:
    with pytest.raises(InputError, match="absurd"):
        number(value, "ops")


@given(st.integers(0, 10**40), st.integers(0, 20))
def test_text_reads_back(digits: int, places: int) -> None:
    value = Fraction(digits, 10**places)
    assert number(text(value), "x") == value


def test_text_is_for_people() -> None:
    assert text(Fraction(500_000_000)) == "500000000"
    assert text(Fraction(31 * 10**22)) == "3.1e23"
    assert text(Fraction(1, 3)) == "1/3"
    assert text(Fraction("5.92")) == "5.92"
    assert text(True) == "true"
    assert text(date(2026, 6, 12)) == "2026-06-12"


def test_days() -> None:
    assert day("2024-02-29", "d") == date(2024, 2, 29)
    assert day(date(2024, 2, 29), "d") == date(2024, 2, 29)
    for wrong in (
        "2025-02-29",
        "2025-2-1",
        "20250201",
        "2026-06-12T17:21:00",
        "2026-06-12T21:21:00Z",
        None,
        5,
    ):
        with pytest.raises(InputError, match="not a date"):
            day(wrong, "d")
