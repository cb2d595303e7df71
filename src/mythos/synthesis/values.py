"""Cells as people write them, read into exact values: full-width digits, separators, eras; never a float.

Whatever is not understood is an error that names the text. A cell that cannot be read must not become an
empty one: a sum over it would be wrong and nobody would know.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import date, datetime
from decimal import Context, Decimal
from typing import Final

from mythos.errors import DataError
from mythos.synthesis.terms import Column, Value

_EXACT: Final = Context(prec=100)
"""Wide enough that nothing is rounded: Python's own context keeps 28 digits."""
_BLANK: Final = frozenset({"", "-", "－", "―", "ー", "–", "—"})
_MINUS: Final = str.maketrans({"−": "-", "‐": "-", "–": "-", "―": "-", "△": "-", "▲": "-"})
_NUMBER: Final = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?\Z", re.ASCII)
_DATE: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?\Z", re.ASCII)
_COMPACT: Final = re.compile(r"(\d{4})(\d\d)(\d\d)\Z", re.ASCII)
_ERA_DATE: Final = re.compile(
    r"(明治|大正|昭和|平成|令和|[MTSHR])(\d{1,2}|元)[-/.年](\d{1,2})[-/.月](\d{1,2})日?\Z"
)
_ERAS: Final = {
    "明治": date(1868, 1, 25),
    "大正": date(1912, 7, 30),
    "昭和": date(1926, 12, 25),
    "平成": date(1989, 1, 8),
    "令和": date(2019, 5, 1),
}
"""First days. Papers printed before a change of era go on in the old one, so an era has no last day here."""
_LETTERS: Final = {"M": "明治", "T": "大正", "S": "昭和", "H": "平成", "R": "令和"}
_CURRENCY: Final = {"JPY": ("¥", "円"), "円": ("¥", "円"), "USD": ("$",), "EUR": ("€",), "%": ("%",)}
MAX_DIGITS: Final = 38
"""Digits of a number, before and after the point together: what DuckDB's DECIMAL holds."""


def fold(text: str) -> str:
    """The one spelling of a text: NFKC, no space around it, single spaces inside."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def era_year(era: str, year: str) -> int:
    """The Gregorian year of `令和` (or `R`) and `6` (or `元`)."""
    return _ERAS[_LETTERS.get(era, era)].year - 1 + (1 if year == "元" else int(year))


def read_cell(raw: object, column: Column) -> Value:
    """Read one cell as the column's type, in the column's unit.

    Args:
        raw: text, or what Excel or Parquet stored.
        column: how its text is to be read.

    Raises:
        DataError: neither a value of the type nor one of the texts that mean "no value".
    """
    if raw is None:
        return None
    if isinstance(raw, str):
        text = fold(raw)
        if text in _BLANK or text in column.missing or raw.strip() in column.missing:
            return None
        return _from_text(text, column)
    return _from_native(raw, column)


def _from_text(text: str, column: Column) -> Value:
    match column.type:
        case "text" | "code":
            return text
        case "date":
            return read_date(text)
        case "timestamp":
            return _timestamp(text)
        case "integer" | "decimal":
            return _scaled(read_number(text, column.unit), column, text)


def _from_native(raw: object, column: Column) -> Value:
    match column.type:
        case "text" | "code":
            return fold(_plain(raw))
        case "date":
            if isinstance(raw, datetime):
                return raw.date()
            return raw if isinstance(raw, date) else read_date(fold(_plain(raw)))
        case "timestamp":
            if isinstance(raw, datetime):
                return raw.replace(tzinfo=None)
            if isinstance(raw, date):
                return datetime(raw.year, raw.month, raw.day)  # noqa: DTZ001 (as written: no zone)
            return _timestamp(_plain(raw))
        case "integer" | "decimal":
            if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
                raise _unreadable(str(raw), "a number")
            if isinstance(raw, float) and not math.isfinite(raw):
                raise _unreadable(str(raw), "a finite number")
            return _scaled(raw if isinstance(raw, Decimal) else Decimal(repr(raw)), column, str(raw))


def _plain(raw: object) -> str:
    """A number that a spreadsheet stored for a code: 12.0 is written 12."""
    return str(int(raw)) if isinstance(raw, float) and raw.is_integer() else str(raw)


def _scaled(number: Decimal, column: Column, text: str) -> int | Decimal:
    value = _EXACT.multiply(number, column.scale)
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or len(digits) + max(exponent, 0) > MAX_DIGITS or -exponent > MAX_DIGITS:
        raise _unreadable(text, f"a number of at most {MAX_DIGITS} digits")
    if exponent >= 0 or value == value.to_integral_value():
        return int(value)
    if column.type == "integer" and column.scale == 1:
        raise _unreadable(text, "a whole number")
    return value


def read_number(text: str, unit: str | None = None) -> Decimal:
    """Read a number exactly; separators only between groups of three; the column's own sign of currency.

    Raises:
        DataError: not a number.
    """
    # A space may part groups of three; between other digits it parts two numbers.
    bare = re.sub(r"(?<=\d) (?=\d{3}(?!\d))", "", text.translate(_MINUS))
    if re.search(r"\d \d", bare):
        raise _unreadable(text, "a number")
    bare = bare.replace(" ", "")
    for mark in (*_CURRENCY.get(unit or "", ()), *((unit,) if unit else ())):
        bare = bare.removeprefix(mark).removesuffix(mark) if mark not in "+-.,0123456789" else bare
        bare = bare.replace(f"-{mark}", "-", 1)
    if bare.startswith("(") and bare.endswith(")"):
        bare = "-" + bare[1:-1]
    if not _NUMBER.match(bare):
        raise _unreadable(text, "a number")
    return Decimal(bare.replace(",", ""))


def read_date(text: str) -> date:
    """Read `2024-04-01`, `2024/4/1`, `2024年4月1日`, `20240401`, `令和6年4月1日` or `R6.4.1`.

    Raises:
        DataError: not a date, not one that exists, or not one of its era.
    """
    bare = fold(text).replace(" ", "")
    try:
        if (found := _DATE.match(bare) or _COMPACT.match(bare)) is not None:
            return date(int(found[1]), int(found[2]), int(found[3]))
        if (found := _ERA_DATE.match(bare)) is not None:
            day = date(era_year(found[1], found[2]), int(found[3]), int(found[4]))
            if day >= _ERAS[_LETTERS.get(found[1], found[1])]:
                return day
    except ValueError:
        pass
    if len(bare) > 10 and (found := re.match(r"(.{8,10})[T ]?00:00(:00(\.0+)?)?Z?\Z", bare)) is not None:
        return read_date(found[1])
    raise _unreadable(text, "a date")


def _timestamp(text: str) -> datetime:
    bare = fold(text).replace("/", "-")
    try:
        return datetime.fromisoformat(bare.replace("Z", "")).replace(tzinfo=None)
    except ValueError:
        day, _, clock = bare.partition(" ")
    found = re.match(r"(\d{1,2})[:時](\d{1,2})(?:[:分](\d{1,2}))?[分秒]?\Z", clock, re.ASCII)
    try:
        day_read = read_date(day)
        hours = (int(found[1]), int(found[2]), int(found[3] or 0)) if found else (0, 0, 0)
        if found is None and clock:
            raise _unreadable(text, "a time")
        return datetime(day_read.year, day_read.month, day_read.day, *hours)  # noqa: DTZ001
    except ValueError as error:
        raise _unreadable(text, "a time") from error


def _unreadable(text: str, expected: str) -> DataError:
    return DataError(
        "a cell cannot be read",
        expected=expected,
        found=repr(text[:60]),
        advice="Correct it, or list the text under `missing` of its column in catalog.yaml.",
    )
