"""Exact numbers and calendar days, read from their text and written back as text."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, Inexact, localcontext
from fractions import Fraction
from typing import Final, cast

from mythos.errors import InputError
from mythos.units import exact

Scalar = bool | str | date | Fraction

_NUMBER: Final = re.compile(r"\d{1,80}(\.\d{1,80})?([eE][+-]?\d{1,3})?\Z", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_DECIMALS: Final = 60
_PLAIN: Final = 10**12


def number(value: object, what: str) -> Fraction:
    """A number from 0, exactly as written; `1/3` is a fraction. A binary float is refused.

    Raises:
        InputError: a float, a sign, another spelling, or more than 10^60.
    """
    over, slash, under = value.partition("/") if isinstance(value, str) else (value, "", "1")
    parts = [over, under if slash else "1"]
    if any(isinstance(part, str) and not _NUMBER.match(part) for part in parts):
        raise InputError(
            f"{what} is not a number from 0", expected="decimal text such as 1.0e26", found=repr(value)[:60]
        )
    top, bottom = (_whole(part, what) for part in parts)
    if not bottom:
        raise InputError(f"{what} divides by zero", found=repr(value)[:60])
    return top / bottom


def _whole(value: object, what: str) -> Fraction:
    if not isinstance(value, str | int | float | Decimal):
        raise InputError(f"{what} is not a number", expected="decimal text", found=repr(value)[:60])
    parsed = exact(cast("Decimal", value), what=what)
    if parsed < 0 or cast("int", parsed.as_tuple().exponent) < -_DECIMALS:
        raise InputError(
            f"{what} is absurd", expected="a number from 0 with at most 60 decimals", found=str(value)[:60]
        )
    return Fraction(parsed)


def day(value: object, what: str) -> date:
    """A calendar day.

    Raises:
        InputError: not YYYY-MM-DD, a day that does not exist, or a time.
    """
    if type(value) is date:
        return value
    try:
        if isinstance(value, str) and _DATE.match(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise InputError(
        f"{what} is not a date",
        expected="a calendar day that exists, YYYY-MM-DD",
        found=repr(value)[:60],
        advice="A time is a different day in different zones: give the day where the rule is in force.",
    )


def text(value: Scalar | None) -> str:
    """A value for people and JSON: numbers as exact decimal text, `n/d` where decimals do not end."""
    if isinstance(value, Fraction):
        with localcontext(prec=150) as context:
            context.clear_flags()  # the caller's own inexact results are not this one's
            decimal = Decimal(value.numerator) / value.denominator
            if context.flags[Inexact]:
                return str(value)
            return f"{decimal:f}" if decimal < _PLAIN else str(decimal.normalize()).replace("E+", "e")
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
