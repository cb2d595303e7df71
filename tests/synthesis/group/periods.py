"""Periods as people in Japan and elsewhere say them; fiscal years start in April."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

from .schema import TODAY

GRAINS = ("month", "quarter", "fiscal_year", "year")
MONTHS = [calendar.month_name[n] for n in range(13)]


@dataclass(frozen=True, slots=True)
class Period:
    """First and last day, and its wordings: English ones fit after a clause, Japanese ones before a noun.

    `fiscal`: said in fiscal years, so that a quarter by the calendar would be misunderstood in the answer.
    `names`: what else an answer may call it.
    """

    first: date
    last: date
    ja: tuple[str, ...] = ()
    en: tuple[str, ...] = ()
    fiscal: bool = False
    names: tuple[str, ...] = ()


def _end(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def _later(day: date, months: int) -> date:
    at = day.year * 12 + day.month - 1 + months
    return date(at // 12, at % 12 + 1, 1)


def month(year: int, number: int) -> Period:
    """One month of the calendar."""
    name, era = MONTHS[number], year - 2018
    return Period(
        date(year, number, 1),
        _end(year, number),
        (f"{year}年{number}月", f"{year}年{number}月", f"令和{era}年{number}月", f"{year}/{number:02}"),
        (f"in {name} {year}", f"in {name} {year}", f"in {name[:3]} {year}", f"in {year}-{number:02}",
         f"for the month of {name} {year}"),
    )  # fmt: skip


def quarter(fiscal: int, number: int) -> Period:
    """A quarter of the fiscal year; the first is April to June."""
    first = _later(date(fiscal, 4, 1), 3 * (number - 1))
    nth = ("first", "second", "third", "fourth")[number - 1]
    return Period(
        first,
        _later(first, 3) - timedelta(days=1),
        (f"{fiscal}年度第{number}四半期", f"{fiscal}年度の第{number}四半期", f"{fiscal}年度{number}Q", f"令和{fiscal - 2018}年度第{number}四半期"),
        (f"in the {nth} quarter of fiscal {fiscal}", f"in Q{number} FY{fiscal}", f"in FY{fiscal} Q{number}",
         f"in the {nth} quarter of FY{fiscal}"),
        fiscal=True,
    )  # fmt: skip


def half(fiscal: int, number: int) -> Period:
    """Half of a fiscal year."""
    first = _later(date(fiscal, 4, 1), 6 * (number - 1))
    nth = ("first", "second")[number - 1]
    return Period(
        first,
        _later(first, 6) - timedelta(days=1),
        (f"{fiscal}年度{'上下'[number - 1]}期", f"{fiscal}年度の{'上下'[number - 1]}期", f"{fiscal}年度{'上下'[number - 1]}半期"),
        (f"in the {nth} half of fiscal {fiscal}", f"in the {nth} half of FY{fiscal}", f"in H{number} FY{fiscal}"),
        fiscal=True,
    )  # fmt: skip


def fiscal_year(year: int) -> Period:
    """From April; named by the year in which it starts."""
    return Period(
        date(year, 4, 1),
        date(year + 1, 3, 31),
        (f"{year}年度", f"{year}年度", f"令和{year - 2018}年度", f"{year % 100}年度"),
        (f"in fiscal {year}", f"in FY{year}", f"in fiscal year {year}", f"for FY{year}", f"during fiscal {year}"),
        fiscal=True,
    )  # fmt: skip


def year(number: int) -> Period:
    """A calendar year: `2024年` is one, `2024年度` and `FY2024` are not."""
    return Period(
        date(number, 1, 1),
        date(number, 12, 31),
        (f"{number}年", f"{number}年", f"{number}年1月から12月まで", f"暦年{number}年"),
        (f"in {number}", f"in {number}", f"in calendar year {number}", f"from January to December {number}"),
    )


def span(first: date, last: date) -> Period:
    """From a day to a day, both included."""
    return Period(
        first,
        last,
        (f"{first.year}年{first.month}月{first.day}日から{last.year}年{last.month}月{last.day}日まで",
         f"{first:%Y/%m/%d}から{last:%Y/%m/%d}まで", f"{first}〜{last}"),
        (f"from {first} to {last}", f"between {first} and {last}",
         f"from {first.day} {MONTHS[first.month]} {first.year} to {last.day} {MONTHS[last.month]} {last.year}",
         f"from {MONTHS[first.month]} {first.day}, {first.year} through {MONTHS[last.month]} {last.day}, {last.year}"),
    )  # fmt: skip


def months(first: Period, last: Period) -> Period:
    """From a month to a month, both included."""
    a, b = first.first, last.last
    return Period(
        a,
        b,
        (f"{a.year}年{a.month}月から{b.year}年{b.month}月まで", f"{a.year}年{a.month}月〜{b.year}年{b.month}月"),
        (f"from {MONTHS[a.month]} {a.year} to {MONTHS[b.month]} {b.year}",
         f"between {MONTHS[a.month]} {a.year} and {MONTHS[b.month]} {b.year}"),
    )  # fmt: skip


def relative() -> list[Period]:
    """Said from the catalogue's today."""
    before = _later(TODAY, -1)
    two = _later(TODAY, -2)
    fiscal = TODAY.year if TODAY.month >= 4 else TODAY.year - 1
    return [
        Period(before, _end(before.year, before.month), ("先月", "前月"), ("last month", "in the last month")),
        Period(two, _end(two.year, two.month), ("先々月",), ("the month before last",)),
        Period(date(fiscal - 1, 4, 1), date(fiscal, 3, 31), ("前年度", "昨年度"), ("last fiscal year", "in the last fiscal year", "in the previous fiscal year")),
        Period(date(TODAY.year - 1, 1, 1), date(TODAY.year - 1, 12, 31), ("去年", "昨年"), ("last year", "last calendar year")),
        Period(_later(date(fiscal, 4, 1), -3), date(fiscal, 3, 31), ("前四半期",), ("last quarter", "in the last quarter")),
    ]  # fmt: skip


def start_of(grain: str, day: date) -> date:
    """The first day of the month, quarter or year that the day lies in."""
    match grain:
        case "month":
            return date(day.year, day.month, 1)
        case "quarter":
            return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
        case "fiscal_year":
            return date(day.year if day.month >= 4 else day.year - 1, 4, 1)
        case _:
            return date(day.year, 1, 1)


def grain_forms(grain: str, first: date, *, fiscal_only: bool = False) -> frozenset[str]:
    """The spellings under which an answer may name the period that starts here."""
    y, m = first.year, first.month
    fiscal = y if m >= 4 else y - 1
    if grain == "month":
        return frozenset({
            f"{y}-{m:02}", f"{y}/{m:02}", f"{y}/{m}", f"{y}年{m}月", f"{MONTHS[m]} {y}", f"{MONTHS[m][:3]} {y}",
            f"{y}-{m:02}-01", f"{y}年{m:02}月", f"令和{y - 2018}年{m}月",
        })  # fmt: skip
    if grain == "quarter":
        n, c = (m - 4) % 12 // 3 + 1, (m - 1) // 3 + 1
        own = {
            f"FY{fiscal} Q{n}", f"Q{n} FY{fiscal}", f"FY{fiscal}-Q{n}", f"{fiscal}年度第{n}四半期", f"{fiscal}年度Q{n}",
            f"{fiscal}年度の第{n}四半期", f"{fiscal}年度{n}Q", f"{y}-{m:02}-01", f"{y}-{m:02}",
            f"{y}年{m}月〜{m + 2}月", f"{MONTHS[m][:3]}–{MONTHS[m + 2][:3]} {y}", f"{MONTHS[m][:3]}-{MONTHS[m + 2][:3]} {y}",
            f"{y}年{m}月から{m + 2}月", f"{MONTHS[m]} to {MONTHS[m + 2]} {y}",
        }  # fmt: skip
        calendar_names = {f"{y} Q{c}", f"Q{c} {y}", f"{y}-Q{c}", f"{y}年第{c}四半期", f"{y}年 第{c}四半期"}
        return frozenset(own if fiscal_only else own | calendar_names)
    if grain == "fiscal_year":
        return frozenset({f"FY{y}", f"FY {y}", f"{y}年度", f"fiscal {y}", f"fiscal year {y}", f"{y}-04-01", f"{y}", f"令和{y - 2018}年度"})  # fmt: skip
    return frozenset({f"{y}", f"{y}年", f"{y}-01-01"})
