"""Numbers and days as a text shows them, read as a careful reader would: scales, eras, signs."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

SCALES = {
    "千": 3, "万": 4, "百万": 6, "千万": 7, "億": 8, "十億": 9, "兆": 12,
    "thousand": 3, "million": 6, "billion": 9, "trillion": 12, "k": 3, "m": 6, "bn": 9,
}  # fmt: skip
UNITS = {
    "JPY": ("JPY", "円", "¥", "yen"), "kg": ("kg", "キログラム"), "個": ("個", "pcs", "pieces", "units", "unit"),
    "m2": ("m2", "平方メートル", "sqm"), "時間": ("時間", "h", "hours", "hour", "hrs"), "人": ("人", "people", "persons"),
    "%": ("%", "パーセント", "percent"),
}  # fmt: skip
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9])(?P<sign>[-−△▲]\s*)?(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"\s*(?P<scale>百万|千万|十億|[千万億兆]|(?:thousand|million|billion|trillion|bn|[kKM])\b)?"
)
_DAY = re.compile(r"(\d{4})[-/年](\d{1,2})[-/月](\d{1,2})日?")
_ERA = re.compile(r"(令和|平成|昭和)(\d{1,2}|元)年(\d{1,2})月(\d{1,2})日")
_NAMED = re.compile(
    r"(?:(\d{1,2})\s+)?(January|February|March|April|May|June|July|August|September|October|November|December)"
    r"(?:\s+(\d{1,2}),)?\s+(\d{4})"
)
_PERIOD = re.compile(
    r"FY ?\d{4}|\b\d{4} ?-?Q[1-4]\b|\d{4}年 ?第[1-4]四半期|\d{4}年度|令和\d{1,2}年度?|\d{4}年(?:\d{1,2}月)?|\bQ[1-4]\b|第[1-4]四半期|\b\d{4}[-/]\d{1,2}\b"
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A number as it is shown: its value, the worth of its last digit, its unit."""

    value: Decimal
    step: Decimal
    unit: str | None = None


def norm(text: str) -> str:
    """One spelling: NFKC, no blanks, lower case."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lower()


def days(text: str) -> list[date]:
    """The days that a text names."""
    found = [(int(y), int(m), int(d)) for y, m, d in _DAY.findall(text)]
    for era, year, month, day in _ERA.findall(text):
        first = {"令和": 2018, "平成": 1988, "昭和": 1925}[era]
        found.append((first + (1 if year == "元" else int(year)), int(month), int(day)))
    names = [*_MONTHS]
    for before, month, after, year in _NAMED.findall(text):
        if before or after:
            found.append((int(year), names.index(month) + 1, int(before or after)))
    return [date(*one) for one in found]


_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")  # fmt: skip


def numbers(text: str) -> list[Shown]:
    """The numbers that a text shows; dates and names of periods are none."""
    bare = unicodedata.normalize("NFKC", text)
    for pattern in (_DAY, _ERA, _NAMED, _PERIOD):
        bare = pattern.sub(" ", bare)
    unit = next((name for name, forms in UNITS.items() if any(_has(bare, form) for form in forms)), None)
    bare = bare.replace("m2", " ").replace("JPY", " ")
    made: list[Shown] = []
    end = -1
    for match in _NUMBER.finditer(bare):
        digits = match["digits"].replace(",", "")
        power = SCALES.get((match["scale"] or "").lower() if match["scale"] != "M" else "m", 0)
        step = Decimal(1).scaleb(power - len(digits.partition(".")[2]))
        value = Decimal(digits).scaleb(power)
        composite = match.start() == end and power < _power(made[-1].step) and not match["sign"]
        if composite:  # 1億2,345万円 is one number
            last = made.pop()
            value = last.value + (value if last.value >= 0 else -value)
        elif match["sign"]:
            value = -value
        made.append(Shown(value, step, unit))
        end = match.end() if match["scale"] else -1
    return made


def _power(step: Decimal) -> int:
    return step.adjusted()


def _has(text: str, form: str) -> bool:
    if form.isascii() and form.isalpha():
        return re.search(rf"(?<![A-Za-z]){form}(?![A-Za-z])", text) is not None
    return form in text


def matches(shown: Shown, expected: Decimal, unit: str | None = None) -> bool:
    """Whether the number shown is this one, rounded at most to its last digit and half a percent."""
    off = abs(shown.value - expected)
    if shown.unit not in {None, unit} and not (shown.unit == "個" and unit is None):
        return False
    return off <= shown.step / 2 and off <= abs(expected) * Decimal("0.005")
