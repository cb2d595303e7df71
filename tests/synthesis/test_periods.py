"""Periods as people write them, in both languages; half open; nothing is guessed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.synthesis.periods import find_periods

TODAY = date(2026, 4, 15)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("sales in fy2024", "2024-04-01", "2025-04-01"),
        ("令和6年度の売上", "2024-04-01", "2025-04-01"),
        ("fy24", "2024-04-01", "2025-04-01"),
        ("2024年", "2024-01-01", "2025-01-01"),
        ("in 2024", "2024-01-01", "2025-01-01"),
        ("2024年度第4四半期", "2025-01-01", "2025-04-01"),
        ("q4 fy2024", "2025-01-01", "2025-04-01"),
        ("q4 2024", "2024-10-01", "2025-01-01"),
        ("the second quarter of fiscal year 2024", "2024-07-01", "2024-10-01"),
        ("2024年度下期", "2024-10-01", "2025-04-01"),
        ("second half of 2024", "2024-07-01", "2025-01-01"),
        ("令和6年12月", "2024-12-01", "2025-01-01"),
        ("december 2024", "2024-12-01", "2025-01-01"),
        ("r6.4.1", "2024-04-01", "2024-04-02"),
        ("april 1st, 2024", "2024-04-01", "2024-04-02"),
        ("from april 2024 to june 2024", "2024-04-01", "2024-07-01"),
        ("2024年4月1日から2024年4月3日まで", "2024-04-01", "2024-04-04"),
        ("since april 2024", "2024-04-01", None),
        ("after april 2024", "2024-05-01", None),
        ("2024年4月以降", "2024-04-01", None),
        ("before 2024-04-01", None, "2024-04-01"),
        ("2024年4月まで", None, "2024-05-01"),
        ("the year ended 31 march 2025", "2024-04-01", "2025-04-01"),
        ("fiscal year ending december 31, 2024", "2024-01-01", "2025-01-01"),
        ("2025会計年度", "2025-04-01", "2026-04-01"),
        ("fy2023第4四半期", "2024-01-01", "2024-04-01"),
        ("fy2024上期", "2024-04-01", "2024-10-01"),
        ("3q fy24", "2024-10-01", "2025-01-01"),
        ("1h of fy2024", "2024-04-01", "2024-10-01"),
        ("2024年6月度", "2024-06-01", "2024-07-01"),
        ("2024年の1月から12月", "2024-01-01", "2025-01-01"),
        ("2025年4月11日から7月4日", "2025-04-11", "2025-07-05"),
        ("from 1 january to 31 december 2024", "2024-01-01", "2025-01-01"),
        ("at the end of june 2023", "2023-06-30", "2023-07-01"),
        ("2024年2月末", "2024-02-29", "2024-03-01"),
        ("23年8月", "2023-08-01", "2023-09-01"),
        ("october last year", "2025-10-01", "2025-11-01"),
        ("昨年の2月", "2025-02-01", "2025-03-01"),
        ("昨年度q3", "2025-10-01", "2026-01-01"),
        ("前年度上期", "2025-04-01", "2025-10-01"),
        ("the fiscal year before last", "2024-04-01", "2025-04-01"),
        ("over calendar 2025", "2025-01-01", "2026-01-01"),
        ("last month", "2026-03-01", "2026-04-01"),
        ("昨年度", "2025-04-01", "2026-04-01"),
        ("過去3か月", "2026-01-01", "2026-04-01"),
        ("yesterday", "2026-04-14", "2026-04-15"),
    ],
)
def test_a_period(text: str, start: str | None, end: str | None) -> None:
    (found,) = find_periods(text, TODAY)
    assert (found.start and found.start.isoformat(), found.end and found.end.isoformat()) == (start, end)


@pytest.mark.parametrize(
    "text", ["前年比", "top 5", "2024-13", "may", "orders over 2000 units", "po2024x", "2023年2月30日のうち"]
)
def test_what_is_no_period(text: str) -> None:
    assert not [p for p in find_periods(text, TODAY) if p.at == (0, len(text))]


def test_growth_has_two_periods_where_a_range_has_one() -> None:
    text = "from fy2024 to fy2025"
    assert len(find_periods(text, TODAY)) == 1
    assert [p.start for p in find_periods(text, TODAY, joined=False)] == [date(2024, 4, 1), date(2025, 4, 1)]


def test_the_year_before_is_not_opened_by_a_ratio() -> None:
    (found,) = find_periods("2025年度の前年比", TODAY)
    assert (found.start, found.end) == (date(2025, 4, 1), date(2026, 4, 1))


@given(st.text(alphabet="0123456789年月日度第四半期fyq-/. 令和元上下toから", max_size=40))
def test_no_text_breaks_it_and_every_period_is_where_it_says(text: str) -> None:
    for period in find_periods(text, TODAY):
        assert 0 <= period.at[0] < period.at[1] <= len(text)
        assert (
            period.start is None
            or period.end is None
            or period.start < period.end
            or "から" in text
            or "to" in text
            or "-" in text
        )
