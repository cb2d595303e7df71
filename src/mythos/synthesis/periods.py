"""The periods a question names, in Japanese and English: years, fiscal years, quarters, months, days, ranges.

A fiscal year is the Japanese one, from April, and is named by the year it begins in. Every period is half
open: `start` belongs to it and `end` does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from mythos.synthesis.values import era_year

FISCAL_MONTH: Final = 4
_MONTHS: Final[tuple[str, ...]] = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_ERA: Final = r"(?:明治|大正|昭和|平成|令和|(?<![a-z])[mtshr])(?:\d{1,2}|元)"
_YEAR: Final = rf"(?:(?:19|20)\d\d|{_ERA})"
_ORDINAL: Final = "first|second|third|fourth|1st|2nd|3rd|4th"
_FISCAL: Final = r"(?:fy\s?|fiscal(?:\s+year)?\s+)"


@dataclass(frozen=True, slots=True)
class Period:
    """`start` included, `end` excluded; either may be open.

    `at` is where it stands in the text; `kind` is the unit it was named by, a range has none.
    """

    start: date | None
    end: date | None
    at: tuple[int, int] = (0, 0)
    kind: str = ""


def months(year: int, month: int, count: int) -> Period:
    """`count` months from the first of `month`, which may lie outside 1 to 12."""
    first, last = year * 12 + month - 1, year * 12 + month - 1 + count
    return Period(date(first // 12, first % 12 + 1, 1), date(last // 12, last % 12 + 1, 1))


def find_periods(text: str, today: date, *, joined: bool = True) -> tuple[Period, ...]:
    """The periods that a folded, lower-case text names, in its order.

    Args:
        text: NFKC, lower case.
        today: what "last month" is counted from.
        joined: "from … to …" is one period; else two, as in "growth from 2023 to 2024".
    """
    found: list[Period] = []
    at = 0
    while at < len(text):
        best = _at(text, at, today)
        if best is None:
            at += 1
        else:
            found.append(best)
            at = best.at[1]
    return tuple(_ranges(text, found) if joined else found)


def _at(text: str, at: int, today: date) -> Period | None:
    if at and text[at].isascii() and text[at].isalnum() and text[at - 1].isascii() and text[at - 1].isalnum():
        return None
    for kind, pattern in _FORMS:
        found = pattern.match(text, at)
        if found is None:
            continue
        try:
            made = _made(kind, found, today)
        except (ValueError, OverflowError):
            continue
        fiscal = kind == "quarter" and found.groupdict().get("f")
        unit = "fiscal-quarter" if fiscal else _KINDS.get(kind, kind)
        return Period(made.start, made.end, found.span(), made.kind or unit)
    return None


def _ranges(text: str, found: list[Period]) -> list[Period]:
    """Two neighbours joined by "from … to …", and one opened by "since" or "以降"."""
    joined: list[Period] = []
    for period in found:
        if joined:
            last = joined[-1]
            between = text[last.at[1] : period.at[0]]
            before = text[: last.at[0]].rstrip()
            if (
                re.fullmatch(r"\s*(?:から|~|〜|ー|-|–|—|to|through|until|till)\s*", between)
                or (re.fullmatch(r"\s*and\s*", between) and before.endswith("between"))
            ) and last.start and period.end:  # fmt: skip
                opened = re.search(r"(?:from|between)\s*$", text[: last.at[0]])
                start = last.at[0] if opened is None else opened.start()
                closed = re.match(r"\s*(?:まで|の間)", text[period.at[1] :])
                end = period.at[1] + (closed.end() if closed else 0)
                joined[-1] = Period(last.start, period.end, (start, end))
                continue
        joined.append(period)
    return [_opened(text, period) for period in joined]


def _opened(text: str, period: Period) -> Period:
    before, after = text[: period.at[0]], text[period.at[1] :]
    start, end = period.at
    throughout = re.search(r"\b(?:over|throughout|during|within)\s+(?:the\s+)?$", before)
    if throughout is not None:
        return Period(period.start, period.end, (throughout.start(), end), period.kind)
    for side, pattern, change in _OPENERS:
        found = re.search(pattern, before) if side == "before" else re.match(pattern, after)
        if found is not None:
            at = (found.start(), end) if side == "before" else (start, end + found.end())
            return Period(*change(period), at)
    return period


_Open = tuple[date | None, date | None]
_OPENERS: Final[tuple[tuple[str, str, Callable[[Period], _Open]], ...]] = (
    ("before", r"\b(?:since|from)\s*$", lambda p: (p.start, None)),
    ("before", r"\bon or after\s*$", lambda p: (p.start, None)),
    ("before", r"\bafter\s*$", lambda p: (p.end, None)),
    ("before", r"\bon or before\s*$", lambda p: (None, p.end)),
    ("before", r"\bbefore\s*$", lambda p: (None, p.start)),
    ("before", r"\b(?:until|till|up to|through)\s*$", lambda p: (None, p.end)),
    ("after", r"\s*(?:以降|以後|から)", lambda p: (p.start, None)),
    ("after", r"\s*(?:より後|の後)", lambda p: (p.end, None)),
    ("after", r"\s*(?:以前|まで)", lambda p: (None, p.end)),
    ("after", r"\s*(?:より前|の前(?![年期月])|未満)", lambda p: (None, p.start)),
)


def _year(text: str) -> int:
    if text.isdigit():
        return int(text) if len(text) == 4 else 2000 + int(text)
    return era_year(text[0].upper(), text[1:]) if text[0].isascii() else era_year(text[:2], text[2:])


def _month(text: str) -> int:
    return int(text) if text.isdigit() else _MONTHS.index(text[:3]) + 1


def _fiscal_of(day: date) -> int:
    return day.year if day.month >= FISCAL_MONTH else day.year - 1


def _relative(unit: str, back: int, today: date) -> Period:
    """`back` units before the one that holds today; 0 is that one."""
    match unit:
        case "day":
            return Period(today - timedelta(back), today - timedelta(back - 1))
        case "week":
            monday = today - timedelta(today.weekday() + 7 * back)
            return Period(monday, monday + timedelta(7))
        case "month":
            return months(today.year, today.month - back, 1)
        case "quarter":
            return months(today.year, (today.month - 1) // 3 * 3 + 1 - 3 * back, 3)
        case "fiscal":
            return months(_fiscal_of(today) - back, FISCAL_MONTH, 12)
        case _:
            return months(today.year - back, 1, 12)


_UNITS: Final = {
    "day": "day", "week": "week", "month": "month", "quarter": "quarter", "year": "year",
    "fiscal year": "fiscal", "日": "day", "週間": "week", "四半期": "quarter", "年": "year", "年度": "fiscal",
    **{f"{counter}月": "month" for counter in "かヶケカ箇"},
}  # fmt: skip
_WORDS: Final = {
    "本日": ("day", 0), "今日": ("day", 0), "昨日": ("day", 1), "一昨日": ("day", 2),
    "今週": ("week", 0), "先週": ("week", 1), "今月": ("month", 0), "当月": ("month", 0),
    "先月": ("month", 1), "前月": ("month", 1), "先々月": ("month", 2),
    "今四半期": ("quarter", 0), "当四半期": ("quarter", 0), "前四半期": ("quarter", 1),
    "今年度": ("fiscal", 0), "本年度": ("fiscal", 0), "当年度": ("fiscal", 0), "昨年度": ("fiscal", 1),
    "前年度": ("fiscal", 1), "一昨年度": ("fiscal", 2), "今年": ("year", 0), "本年": ("year", 0),
    "昨年": ("year", 1), "去年": ("year", 1), "前年": ("year", 1), "一昨年": ("year", 2),
    "today": ("day", 0), "yesterday": ("day", 1), "last year": ("year", 1), "this year": ("year", 0),
}  # fmt: skip


def _past(count: int, unit: str, today: date) -> Period:
    """The last `count` whole units before today's, as an auditor reads "the last three months"."""
    if unit == "day":
        return Period(today - timedelta(count), today)
    first, last = _relative(unit, count, today), _relative(unit, 1, today)
    return Period(first.start, last.end)


_Y: Final = rf"(?:暦年)?(?P<y>{_YEAR})"
_G: Final = r"(?P<y>(?:19|20)\d\d)"
_SHORT: Final = r"(?P<y>(?:19|20)\d\d|(?<=fy)\d\d)"
"""A year of two digits stands behind `FY` alone."""
_NTH_DAY: Final = r"\d{1,2})(?:st|nd|rd|th)?"
_END: Final = rf"(?:(?P<d>{_NTH_DAY}\s+(?P<m>{_MONTH})|(?P<m3>{_MONTH})\s+(?P<d3>{_NTH_DAY})"
_DAY_JA: Final = r"(?P<m2>\d{1,2})\s*月\s*(?P<d2>\d{1,2})\s*日"
_DAY_EN: Final = rf"(?P<d2>\d{{1,2}})\s+(?P<m2>{_MONTH})"
_TO: Final = r"(?:から|~|〜|ー|-|–|to|through|and|until)"
_F: Final = rf"(?P<f>{_FISCAL})?"
_FORMS: Final = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("ended", rf"(?:the\s+)?(?:fiscal\s+|financial\s+)?year\s+end(?:ed|ing)\s+{_END},?\s+{_G}(?!\d)"),
        (
            "days",
            rf"{_Y}\s*年\s*(?P<m>\d{{1,2}})\s*月\s*(?P<d>\d{{1,2}})\s*日?\s*{_TO}\s*{_DAY_JA}(?:まで|の間)?",
        ),
        (
            "days",
            rf"(?:from\s+|between\s+)?(?P<d>\d{{1,2}})\s+(?P<m>{_MONTH})\s+{_TO}\s+{_DAY_EN},?\s+{_G}(?!\d)",
        ),
        ("month-end", rf"(?:at\s+)?(?:the\s+)?end(?:\s+of\s+|-|\s+)(?P<m>{_MONTH})(?:\s+of|,)?\s+{_G}(?!\d)"),
        ("month-end", rf"{_Y}\s*年\s*(?P<m>\d{{1,2}})\s*月末(?:日)?"),
        ("day", rf"{_G}[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}})(?!\d)"),
        ("day", rf"{_Y}年?[./年](?P<m>\d{{1,2}})[./月](?P<d>\d{{1,2}})(?!\d)日?"),
        ("day", rf"(?P<m>{_MONTH})\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+{_G}(?!\d)"),
        ("day", rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m>{_MONTH}),?\s+{_G}(?!\d)"),
        ("quarter", rf"{_Y}\s*(?:会計)?年(?P<f>度)?の?\s*第?\s*(?P<n>[1-4])\s*四半期"),
        ("quarter", rf"{_Y}\s*(?:会計)?年(?P<f>度)?の?\s*q(?P<n>[1-4])(?!\d)"),
        ("quarter", rf"{_Y}\s*年(?P<f>度)?の?\s*(?P<n>[1-4])q(?![a-z0-9])"),
        ("quarter", rf"q(?P<n>[1-4])(?:\s+of)?[\s,/-]*{_F}{_SHORT}(?!\d)"),
        ("quarter", rf"(?P<n>[1-4])q(?:\s+of)?[\s,/-]*{_F}{_SHORT}(?!\d)"),
        ("quarter", rf"{_F}{_SHORT}[\s,/-]*q(?P<n>[1-4])(?!\d)"),
        ("quarter", rf"(?P<f>fy\s?){_SHORT}(?:年度)?の?\s*第?\s*(?P<n>[1-4])\s*四半期"),
        ("half", rf"(?P<f>fy\s?){_SHORT}(?:年度)?の?\s*(?P<n>[上下])半?期"),
        ("quarter", rf"(?:the\s+)?(?P<n>{_ORDINAL})\s+quarter(?:\s+of|,)?\s+(?:the\s+)?{_F}{_G}(?!\d)"),
        ("half", rf"{_Y}\s*(?:会計)?年(?P<f>度)の?\s*(?P<n>[上下])半?期"),
        ("half", rf"{_Y}\s*年の?\s*(?P<n>[上下])半期"),
        ("half", rf"(?:the\s+)?(?P<n>first|second)\s+half(?:\s+of|,)?\s+(?:the\s+)?{_F}{_G}(?!\d)"),
        ("half", rf"h(?P<n>[12])(?:\s+of)?[\s,/-]*{_F}{_SHORT}(?!\d)"),
        ("half", rf"(?P<n>[12])h(?:\s+of)?[\s,/-]*{_F}{_SHORT}(?!\d)"),
        ("half", rf"{_F}{_SHORT}[\s,/-]*h(?P<n>[12])(?!\d)"),
        (
            "months",
            rf"{_Y}\s*年の?\s*(?P<m>\d{{1,2}})\s*月?\s*{_TO}\s*(?P<m2>\d{{1,2}})\s*月(?:まで|の間)?",
        ),
        (
            "months",
            rf"(?:from\s+|between\s+)?(?P<m>{_MONTH})\s*{_TO}\s*(?P<m2>{_MONTH})(?:\s+of|,)?\s+{_G}(?!\d)",
        ),
        ("month", rf"{_Y}\s*年\s*(?P<m>\d{{1,2}})\s*月(?:中|分|度)?"),
        ("month", r"(?<!\d)(?P<y>\d\d)年\s*(?P<m>\d{1,2})\s*月(?:中|分|度)?"),
        ("month-of", r"(?P<w>今年|本年|昨年|去年|一昨年)の?\s*(?P<m>\d{1,2})\s*月(?:中|分|度)?"),
        ("month-of", rf"(?P<m>{_MONTH})\s+(?:of\s+)?(?P<w>last year|this year)\b"),
        (
            "quarter-of",
            r"(?P<w>今年度|本年度|当年度|昨年度|前年度|一昨年度)の?\s*(?:第\s*(?P<n>[1-4])\s*四半期|q(?P<q>[1-4])(?!\d))",
        ),
        ("half-of", r"(?P<w>今年度|本年度|当年度|昨年度|前年度|一昨年度)の?\s*(?P<n>[上下])半?期"),
        ("month", rf"{_G}[-/.](?P<m>\d{{1,2}})(?!\d)"),
        ("month", rf"(?:the\s+month\s+of\s+)?(?P<m>{_MONTH})(?:\s+of|,)?\s+{_G}(?!\d)"),
        ("fiscal", rf"{_Y}\s*(?:年度|会計年度|年会計年度)"),
        ("fiscal", r"(?<!\d)(?P<y>\d\d)年度"),
        ("fiscal", rf"(?:the\s+)?{_FISCAL}(?P<y>(?:19|20)\d\d|\d\d)(?!\d)"),
        ("fiscal", rf"{_G}\s+fiscal(?:\s+year)?"),
        ("year", rf"{_Y}\s*年"),
        ("year", rf"(?:the\s+)?(?:calendar\s+)?(?:year\s+)?{_G}(?![\d,]|\s*(?:円|件|個|yen|jpy|units))"),
        ("word", rf"(?P<w>{'|'.join(sorted(_WORDS, key=len, reverse=True))})(?!\w*比)"),
        (
            "past",
            r"(?:the\s+)?(?:last|past|previous)\s+(?P<n>\d{1,3})\s+(?P<u>day|week|month|quarter|year)s?",
        ),
        ("past", r"(?:過去|直近)の?\s*(?P<n>\d{1,3})\s*(?P<u>日|週間|[かヶケカ箇]月|四半期|年度|年)間?"),
        ("this", r"(?:the\s+)?(?:this|current)\s+(?P<u>fiscal year|day|week|month|quarter|year)"),
        (
            "before-last",
            r"(?:the\s+)?(?P<u>fiscal year|day|week|month|quarter|year)\s+before\s+last",
        ),
        (
            "last",
            r"(?:the\s+)?(?:last|previous)\s+(?:calendar\s+)?(?P<u>fiscal year|day|week|month|quarter|year)",
        ),
    )
)
"""The longest forms of each unit first: the first that matches counts."""
_NTH: Final = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4,
    "上": 1, "下": 2, "1": 1, "2": 2, "3": 3, "4": 4,
}  # fmt: skip


_KINDS: Final = {
    "months": "", "days": "", "ended": "", "month-of": "month", "quarter-of": "fiscal-quarter",
    "half-of": "half", "before-last": "last",
}  # fmt: skip


def _made(kind: str, found: re.Match[str], today: date) -> Period:
    held = found.groupdict()
    year = _year(held["y"]) if "y" in held else 0
    match kind:
        case "ended":
            month, day = held["m"] or held["m3"], held["d"] or held["d3"]
            end = date(year, _month(month), int(day)) + timedelta(1)
            begun = end.replace(year=end.year - 1)
            return Period(begun, end, kind="fiscal" if end.month == FISCAL_MONTH and end.day == 1 else "")
        case "days":
            first = date(year, _month(held["m"]), int(held["d"]))
            last = date(year, _month(held["m2"]), int(held["d2"]))
            if last < first:
                raise ValueError
            return Period(first, last + timedelta(1))
        case "month-end":
            end = months(year, _month(held["m"]), 1).end or date.max
            return Period(end - timedelta(1), end)
        case "month-of" | "quarter-of" | "half-of":
            whole = _relative(*_WORDS[held["w"]], today).start or today
            if kind == "month-of":
                return months(whole.year, date(whole.year, _month(held["m"]), 1).month, 1)
            each = 3 if kind == "quarter-of" else 6
            nth = _NTH[held["n"] or held["q"]]
            return months(whole.year, whole.month + (nth - 1) * each, each)
        case "day":
            first = date(year, _month(held["m"]), int(held["d"]))
            return Period(first, first + timedelta(1))
        case "quarter" | "half":
            each = 3 if kind == "quarter" else 6
            first_month = (_NTH[held["n"]] - 1) * each + (FISCAL_MONTH if held.get("f") else 1)
            return months(year, first_month, each)
        case "months":
            first, last = _month(held["m"]), _month(held["m2"])
            if not 1 <= first <= last <= 12:
                raise ValueError
            return months(year, first, last - first + 1)
        case "month":
            return months(*date(year, _month(held["m"]), 1).timetuple()[:2], 1)
        case "fiscal":
            return months(year, FISCAL_MONTH, 12)
        case "year":
            return months(year, 1, 12)
        case "word":
            return _relative(*_WORDS[held["w"]], today)
        case "past":
            return _past(int(held["n"]), _UNITS[held["u"]], today)
        case _:
            back = {"this": 0, "last": 1, "before-last": 2}[kind]
            return _relative(_UNITS[held["u"]], back, today)
