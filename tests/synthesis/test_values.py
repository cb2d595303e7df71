"""Cells as people write them."""

import contextlib
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.errors import DataError
from mythos.synthesis.terms import Column
from mythos.synthesis.values import era_year, fold, read_cell, read_date, read_number

NUMBER = Column("n", "decimal", unit="JPY")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("１２３", 123),
        (" 1,234.50 ", Decimal("1234.50")),
        ("△1,234", -1234),
        ("▲５", -5),
        ("−3", -3),
        ("(12)", -12),
        ("¥1,000", 1000),
        ("-¥5", -5),
        ("12円", 12),
        ("＋3", 3),
        ("-", None),
        ("－", None),
        ("　", None),
        ("", None),
        ("0.10", Decimal("0.10")),
        ("9" * 38, int("9" * 38)),
    ],
)
def test_numbers(text: str, value: object) -> None:
    assert read_cell(text, NUMBER) == value


@pytest.mark.parametrize(
    "text", ["1,23", "1e5", "NaN", "inf", "12 kg", "0x1", "1.2.3", "abc", "9" * 39, "1万"]
)
def test_what_is_no_number_is_an_error_and_never_empty(text: str) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_cell(text, NUMBER)


@pytest.mark.parametrize("raw", [float("nan"), float("inf"), True, b"1"])
def test_what_a_file_types_wrongly_is_an_error(raw: object) -> None:
    with pytest.raises(DataError):
        read_cell(raw, NUMBER)


@pytest.mark.parametrize(
    "text",
    [
        "2024-04-01",
        "2024/4/1",
        "2024年4月1日",
        "令和6年4月1日",
        "R6.4.1",
        "２０２４－０４－０１",
        "20240401",
        "平成36年4月1日",
        "2024-04-01T00:00:00",
    ],
)
def test_one_day_in_many_spellings(text: str) -> None:
    assert read_date(text) == date(2024, 4, 1)


@pytest.mark.parametrize(
    "text",
    ["2024-02-30", "令和元年4月30日", "4/1/2024", "2024-13-01", "R0.1.1", "2024-04-01T10:00:00", "tomorrow"],
)
def test_days_that_are_none(text: str) -> None:
    with pytest.raises(DataError):
        read_date(text)


def test_the_first_year_of_an_era_is_one() -> None:
    assert era_year("令和", "元") == era_year("R", "1") == 2019
    assert read_date("昭和64年1月7日") == date(1989, 1, 7)


@pytest.mark.parametrize(
    "text", ["2024/04/01 9:05", "R6.4.1 9:05", "2024-04-01T09:05:00Z", "令和6年4月1日 9時5分"]
)
def test_times(text: str) -> None:
    assert read_cell(text, Column("t", "timestamp")) == datetime.fromisoformat("2024-04-01 09:05")


def test_scale_and_whole_numbers() -> None:
    assert read_cell("1.5", Column("n", "decimal", scale=Decimal(1000))) == 1500
    assert read_cell("7", Column("n", "integer", scale=Decimal("0.01"))) == Decimal("0.07")
    with pytest.raises(DataError, match="whole number"):
        read_cell("1.5", Column("n", "integer"))


def test_what_excel_stored_for_a_code() -> None:
    assert read_cell(12.0, Column("c", "code")) == "12"
    assert read_cell(datetime.fromisoformat("2024-04-01"), Column("d", "date")) == date(2024, 4, 1)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
def test_every_number_comes_back(number: Decimal) -> None:
    assert read_number(f"{number:,f}") == number


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_an_error(text: str) -> None:
    with contextlib.suppress(DataError):
        assert read_cell(text, NUMBER) is None or isinstance(read_cell(text, NUMBER), int | Decimal)


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
