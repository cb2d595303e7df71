"""The third set's ways to say a period: closing months, `2025年3月期`, `the year to March 2025`, half-years.

Each wording is one that an office in Japan uses and that has one reading where fiscal years start in April.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from . import periods
from .periods import MONTHS, Period
from .schema import TODAY


def _said(made: Period, ja: tuple[str, ...], en: tuple[str, ...]) -> Period:
    """The same period in these words; its own stay names that an answer may use."""
    own = {*made.ja, *(text.partition(" ")[2] for text in made.en)}
    return replace(made, ja=ja, en=en, names=tuple(sorted(own)))


def month(year: int, number: int) -> Period:
    name = MONTHS[number]
    return _said(
        periods.month(year, number),
        (
            f"{year}年{number}月度",
            f"{year}年{number}月分",
            f"{year % 100}年{number}月",
            f"{year}年の{number}月",
        ),
        (
            f"in the month of {name} {year}",
            f"in {name} of {year}",
            f"during {name} {year}",
            f"in {name}, {year}",
        ),
    )


def quarter(fiscal: int, number: int) -> Period:
    made = periods.quarter(fiscal, number)
    a, b, at = made.first.month, made.last.month, made.first.year
    return _said(
        made,
        (f"{fiscal}年度Q{number}", f"{at}年{a}〜{b}月期", f"FY{fiscal}第{number}四半期", f"{fiscal}年度の第{'一二三四'[number - 1]}四半期"),
        (f"in Q{number} of fiscal year {fiscal}", f"in the three months to {MONTHS[b]} {at}",
         f"in {number}Q FY{fiscal % 100}", f"in the {MONTHS[a]}-{MONTHS[b]} quarter of {at}"),
    )  # fmt: skip


def half(fiscal: int, number: int) -> Period:
    made = periods.half(fiscal, number)
    first, last = made.first, made.last
    nth = ("first", "second")[number - 1]
    side = "前後"[number - 1]
    return _said(
        made,
        (f"FY{fiscal}{'上下'[number - 1]}期", f"{fiscal}年度{side}半", f"{fiscal}年度の{'上下'[number - 1]}半期", f"{first.year}年{first.month}月から{last.year}年{last.month}月までの半年"),
        (f"in {number}H of FY{fiscal}", f"in the six months to {MONTHS[last.month]} {last.year}",
         f"in the {nth} half of fiscal year {fiscal}", f"in the {nth} six months of FY{fiscal}"),
    )  # fmt: skip


def fiscal_year(year: int) -> Period:
    return _said(
        periods.fiscal_year(year),
        (f"FY{year}", f"{year + 1}年3月期", f"{year}会計年度", f"{year}年4月〜{year + 1}年3月"),
        (f"in FY{year % 100}", f"in the financial year {year}/{(year + 1) % 100:02}",
         f"in the year ended 31 March {year + 1}", f"in the fiscal year starting April {year}"),
    )  # fmt: skip


def year(number: int) -> Period:
    return _said(
        periods.year(number),
        (f"{number}年1〜12月", f"{number}暦年", f"{number}年の1月から12月", f"{number}年（暦年）"),
        (f"over calendar {number}", f"during the calendar year {number}", f"from 1 January to 31 December {number}", f"in the whole of calendar {number}"),
    )  # fmt: skip


def span(first: date, last: date) -> Period:
    a, b = MONTHS[first.month], MONTHS[last.month]
    return _said(
        periods.span(first, last),
        (f"{first.year}年{first.month}月{first.day}日〜{last.year}年{last.month}月{last.day}日", f"{first:%Y/%m/%d}～{last:%Y/%m/%d}",
         f"{first.year}年{first.month}月{first.day}日から{last.month}月{last.day}日", f"{first}から{last}までの期間"),
        (f"from {a} {first.day} to {b} {last.day}, {last.year}", f"between {first:%Y/%m/%d} and {last:%Y/%m/%d}, both included",
         f"from {first.day} {a[:3]} {first.year} through {last.day} {b[:3]} {last.year}", f"starting {first} and ending {last}"),
    )  # fmt: skip


def months(first: Period, last: Period) -> Period:
    """Both in one calendar year."""
    a, b, at = first.first.month, last.last.month, first.first.year
    return _said(
        periods.months(first, last),
        (f"{at}年{a}〜{b}月", f"{at}年{a}月から{b}月", f"{at}年{a}月～{b}月", f"{at}年{a}月から同年{b}月まで"),
        (f"from {MONTHS[a]} through {MONTHS[b]} {at}", f"in {MONTHS[a][:3]}-{MONTHS[b][:3]} {at}",
         f"over {MONTHS[a]} to {MONTHS[b]} {at}", f"for the months {MONTHS[a]} to {MONTHS[b]} {at}"),
    )  # fmt: skip


def relative() -> list[Period]:
    """Said from the catalogue's today; none of them lies in the fiscal year that has just begun."""
    last, march = TODAY.year - 1, date(TODAY.year, 3, 1)
    made = [
        _said(periods.month(march.year, 3), ("先月分", "先月度", "先月1か月間", "前の月"), ("in the month just ended", "over the past calendar month", "in the previous calendar month", "during last month")),
        _said(periods.month(march.year, 2), ("先々月度", "先々月分"), ("two months ago", "in the month before the last one")),
        _said(periods.fiscal_year(last), ("前期", "昨会計年度", "3月に終わった年度", "前会計年度"), ("in the fiscal year just closed", "over the last financial year", "in the previous financial year", "during last fiscal year")),
        _said(periods.fiscal_year(last - 1), ("一昨年度", "前々年度"), ("in the fiscal year before last", "two fiscal years ago")),
        _said(periods.year(last), ("昨年1年間", "昨年1〜12月"), ("over the last calendar year", "in the previous calendar year")),
        _said(periods.month(last, 10), ("昨年10月", "去年の10月"), ("in October last year", "in October of last year")),
        Period(date(TODAY.year, 1, 1), TODAY, ("今年1月以降", "今年の1月から今日まで"), ("since January this year", "from 1 January this year until today")),
    ]  # fmt: skip
    for n, en in ((3, "third"), (2, "second")):
        made.append(
            _said(
                periods.quarter(last, n),
                (f"前年度第{n}四半期", f"前期の{n}Q", f"昨年度Q{n}", f"昨年度の第{n}四半期"),
                (f"in Q{n} of last fiscal year", f"in the {en} quarter of the previous fiscal year",
                 f"in the {en} quarter of last fiscal year", f"in last fiscal year's Q{n}"),
            )
        )  # fmt: skip
    return made


def counted(day: date) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A stocktaking day, which is the last of its month."""
    name = MONTHS[day.month]
    return (
        (f"{day.year}年{day.month}月末", f"{day.year}/{day.month}/{day.day}現在", f"{day.year}年{day.month}月{day.day}日時点", f"{day.year}年{day.month}月末時点"),
        (f"at the end of {name} {day.year}", f"as at {day.day} {name} {day.year}", f"at end-{name} {day.year}", f"at the {day} count"),
    )  # fmt: skip


def outside() -> list[Period]:
    """Before or after what the data covers; the fiscal year that began two weeks ago is after it."""
    now = TODAY.year
    return [
        fiscal_year(2018), fiscal_year(2020), month(2021, 11), quarter(2022, 2), half(2021, 1), year(2019), year(2029), month(2028, 2),
        _said(periods.month(now, 4), ("今月", "当月"), ("this month", "in the current month")),
        _said(periods.fiscal_year(now), ("今期", "今年度"), ("this fiscal year", "in the current fiscal year")),
        _said(periods.fiscal_year(now + 1), ("来年度", "来期"), ("next fiscal year", "in the coming fiscal year")),
        _said(periods.month(now, 5), ("来月", "来月分"), ("next month", "in the coming month")),
        span(date(2021, 5, 10), date(2021, 8, 20)),
    ]  # fmt: skip
