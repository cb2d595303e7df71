"""Another way to a task's answer: from its text alone, without the generator, its SQL or its calendar."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Final, Literal

Kind = Literal["table", "units", "dates"]

# Written down anew, as parts of a metre, a gram and a second: a slip in the generator's table shows here.
_UNITS: Final = (
    {"mm": (1, 1000), "cm": (1, 100), "m": (1, 1), "km": (1000, 1), "in": (127, 5000), "ft": (381, 1250)},
    {"g": (1, 1), "kg": (1000, 1), "t": (1_000_000, 1), "lb": (45_359_237, 100_000)},
    {"s": (1, 1), "min": (60, 1), "h": (3600, 1), "d": (86_400, 1)},
)
# The year before an era's first: 令和1 is 2019.
_YEARS: Final = {"令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911, "明治": 1867}
_DAY: Final = r"(\d+|元)年(\d+)月(\d+)日"
_ERA: Final = re.compile(rf"(令和|平成|昭和|大正|明治){_DAY}", re.ASCII)
_WESTERN: Final = re.compile(_DAY + "を和暦で書いてください。", re.ASCII)
_UNIT_JA: Final = re.compile(r"([\d.]+) (\w+) は何 (\w+) ですか。分数で正確に答えてください。", re.ASCII)
_UNIT_EN: Final = re.compile(r"How many (\w+) are ([\d.]+) (\w+)\? Answer exactly, as a fraction\.", re.ASCII)
_ASKED: Final = re.compile(r"What is the (total|largest|smallest|number of) (.+) where kind is ([A-Z])\?")


@dataclass(frozen=True, slots=True)
class Row:
    """One task. `check` is what a reader needs to make the answer again without the generator."""

    id: str
    kind: Kind
    language: str
    text: str
    answer: str
    check: dict[str, str]
    generator: str
    seed: int

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def check(row: Row) -> bool:
    """Whether the answer follows from the text; False where the text is not understood."""
    try:
        return {"table": _table, "units": _units, "dates": _dates}[row.kind](row.text, row.answer)
    except (ValueError, KeyError, IndexError, ZeroDivisionError):
        return False


def _table(text: str, answer: str) -> bool:
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    (kind, name), *cells = lines
    asked = _ASKED.search(text)
    if kind != "kind" or asked is None or asked[2] != name:
        return False
    values = [int(value) for which, value in cells if which == asked[3]]
    said = {"total": sum(values), "number of": len(values), "largest": max(values), "smallest": min(values)}
    return answer == str(said[asked[1]])


def _units(text: str, answer: str) -> bool:
    if found := _UNIT_JA.fullmatch(text):
        value, a, b = found.groups()
    elif found := _UNIT_EN.fullmatch(text):
        b, value, a = found.groups()
    else:
        return False
    [group] = [group for group in _UNITS if a in group and b in group]
    return answer == str(Fraction(value) * Fraction(*group[a]) / Fraction(*group[b]))


def _dates(text: str, answer: str) -> bool:
    if shown := _ERA.match(text):
        return text.endswith("を西暦(ISO 8601)で書いてください。") and answer == str(_day(shown))
    asked, told = _WESTERN.fullmatch(text), _ERA.fullmatch(answer)
    if asked is None or told is None:
        return False
    return _day(told) == date(int(asked[1]), int(asked[2]), int(asked[3])) and _era(_day(told)) == told[1]


def _day(shown: re.Match[str]) -> date:
    year = 1 if shown[2] == "元" else int(shown[2])
    day = date(_YEARS[shown[1]] + year, int(shown[3]), int(shown[4]))
    if _era(day) != shown[1]:
        raise ValueError("a day outside its era")
    return day


def _era(day: date) -> str:
    """By the last day of the era before, as a number read from left to right."""
    number = day.year * 10_000 + day.month * 100 + day.day
    lasts = ((20190430, "令和"), (19890107, "平成"), (19261224, "昭和"), (19120729, "大正"))
    return next((name for last, name in lasts if number > last), "明治")
