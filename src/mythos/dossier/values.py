"""How a value from an act reads: numbers with their unit and all their digits, lists in one line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, cast

from mythos.units import Bytes

ITEMS: Final = 6
"""Items of a list that are written out; the rest are counted."""

_RAISED: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z\Z", re.ASCII)


def show(value: Any, unit: str = "") -> str:
    """A value of a predicate as one line; a large count keeps every digit beside the rounded figure."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | str() if unit and _counted(value):
            return _number(str(value), unit)
        case str() if moment := _TIME.match(value):
            return f"{moment[1]} {moment[2]} UTC"
        case {"from": origin, "to": destination, "act": act}:
            return f"{origin} → {destination} ({act})"
        case {"id": name, "outcome": outcome, "cite": cite}:
            return f"{name} {outcome} ({cite})"
        case {"name": name, "value": measured, "unit": of, "count": count}:
            return f"{name} {measured} {of} (n = {count})"
        case {"weights": weights, "role": role}:
            return f"{role} {weights}"
        case dict():
            pairs = cast("dict[str, Any]", value).items()
            return ", ".join(f"{k} {show(v)}" for k, v in pairs if v not in (None, [], ""))
        case list():
            return _list(cast("list[Any]", value))
        case _:
            return f"{value} {unit}" if unit and unit != "number" else str(value)


def _list(items: list[Any]) -> str:
    first = "; ".join(show(item) for item in items[:ITEMS])
    return first if len(items) <= ITEMS else f"{first}; … ({len(items)})"


def _number(digits: str, unit: str) -> str:
    if unit == "bytes":
        return f"{Bytes(digits).human} ({_grouped(digits)} bytes)"
    if unit == "FLOP" and len(digits) > 6:
        figure, power = f"{Decimal(digits):.2e}".split("e+")
        return f"{figure} × 10{power.translate(_RAISED)} FLOP ({_grouped(digits)})"
    return _grouped(digits) if unit == "number" else f"{_grouped(digits)} {unit}"


def _grouped(digits: str) -> str:
    return f"{int(digits):,}"


def dig(value: Any, path: str) -> Any:
    """The part of a predicate at `a.b`; of a list, the parts of its items."""
    for name in path.split("."):
        value = [item[name] for item in cast("list[Any]", value)] if isinstance(value, list) else value[name]
    return value


def total(values: Sequence[Any]) -> int | None:
    """The sum of whole numbers given as numbers or decimal text; unknown when one of them is."""
    return sum(map(int, values)) if all(_counted(value) for value in values) else None


def _counted(value: Any) -> bool:
    """Whether a value is a whole number or its decimal text; text from the log may be anything."""
    told = str(value)
    return told.isascii() and told.isdigit() and len(told) <= 60
