"""Questions that a quick reading answers wrongly: the right number, or a refusal, and nothing in between."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
pytest.importorskip("sqlglot", reason="extra missing: pip install 'mythos-hub[synthesis]'")
from tests.synthesis import shop

from mythos.synthesis.answers import Answer
from mythos.synthesis.ask import Asker
from mythos.synthesis.catalog import read_catalog
from mythos.synthesis.lexicon import Place
from mythos.synthesis.periods import months
from mythos.synthesis.plan import Plan
from mythos.synthesis.planner import Question
from mythos.synthesis.terms import Result
from mythos.synthesis.view import view_for
from mythos.synthesis.writing import Writer


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    working = tmp_path_factory.mktemp("shop")
    shop.write(working / "data")
    catalog = read_catalog(working / "data", today=date(2025, 10, 15))
    with Asker(view_for(catalog, "boss"), cache=working / "cache") as asker:
        yield asker


def shown(found: dict[str, Any]) -> list[str]:
    return [part["shown"] for part in found["parts"] if "cell" in part]


@pytest.mark.parametrize(
    ("question", "cells"),
    [
        # the words `in`, `or`, `me` are states here, and words
        ("How many orders in 2024?", ["3"]),
        ("How many customers in Kanto?", ["2"]),
        ("How many customers are in the state of IN?", ["2"]),
        # marks belong to a value
        ("How many customers with rating A+?", ["1"]),
        ("What is the unit price of C++?", ["900 JPY"]),
        # what is left out
        ("Total order amount excluding Kanto", ["11,300 JPY"]),
        ("関東以外の2024年の受注件数は?", ["2"]),
        ("関東を除く受注金額の合計", ["11,300円"]),
        ("How many orders except open in 2024?", ["2"]),
        # a bound is of the number whose unit it has
        ("Total quantity of orders over 1000 yen", ["72 units"]),
        ("Total order amount of orders with more than 8 units", ["13,000 JPY"]),
        ("How many orders over 1000?", ["3"]),
        ("How many customers have orders over 1000 yen?", ["3"]),
        ("計画費用が100万円以上の予算は何件?", ["2"]),
        ("受注金額が1000円以上3000円未満の受注は何件", ["2"]),
        # periods that close on one side
        ("How many orders after 2023 and before 2025?", ["3"]),
        ("How many Bolt orders were there on or before 2024-05-20?", ["2"]),
        # the most orders are not the highest amount
        ("Which customer has the most orders?", ["Tanaka", "2", "Sato", "2", "Suzuki", "2"]),
        ("関東の受注が最も多い商品は?", ["Bolt", "2", "Nut", "2"]),
        ("2025年9月2日の在庫が最も多い品名は?", ["Bolt", "90個"]),
        ("Which order has the highest order amount?", ["O4", "9,000 JPY"]),
        ("What share of order amount is Kanto in 2024?", ["3,000 JPY", "12,500 JPY", "24%"]),
        ("Total stock on hand on 2025-09-02", ["97 units"]),
        ("How many different products did Kanto customers order?", ["2"]),
        # a year of which the data holds a part says so
        ("Total order amount in 2025", ["2,750 JPY", "2023-04-01 – 2025-09-30"]),
        # a metric is its reviewed query
        ("What were net sales?", ["16,250 JPY"]),
        ("純売上は?", ["16,250円"]),
    ],
)
def test_the_right_number(asker: Asker, question: str, cells: list[str]) -> None:
    assert shown(asker.answer(question)) == cells


@pytest.mark.parametrize(
    "question",
    [
        # a metric with a condition beside it is another number
        "What were net sales for Kanto?", "What were net sales by region?", "関東の純売上は?",
        # a part of a year against a whole one
        "Growth of order amount in 2025", "Growth of order amount from 2024 to 2025", "前年比 2025年度の受注金額",
        "Compare order amount from 2024 to 2025",
        # what is left out is not what stands somewhere in the question
        "Total order amount in Kanto in 2024 excluding Q2 2024", "Total order amount of Kanto without discount rate",
        "Total order amount in Kanto except Kansai", "Order amount where region ≠ Kanto", "How many orders are not open?",
        # either of two conditions
        "Total order amount of orders from Kanto or with status open", "Total order amount from Kanto or over 5000 yen",
        "関東または完了の受注金額の合計", "Which customers bought both Bolt and Nut?",
        # words that change the question
        "関東だけの受注金額の合計", "first 3 orders by amount", "What are the first 2 orders?", "受注金額の変化は?",
        "2024年度の受注金額は増えましたか?", "注文あたりの受注金額", "How many customers are in the same region as Sato?",
        "Which regions sold more than Kanto?", "median order amount", "How many customers have no orders?",
        # two things asked for, and one number
        "What are the total and average order amount?", "2024年の受注金額の平均と合計", "Highest and lowest order amount",
        "How many orders and what total order amount in 2024?", "Total order amount by month and by year",
        "What is the average number of orders per customer?", "平均受注件数", "最大の受注件数",
        "What is the average monthly order amount in 2024?", "List the distinct regions of customers",
        "When was the largest order?", "最大の受注金額はいつですか",
        # a bound of rows, or of what they come to; of another unit; with a sign
        "How many customers have more than 2 orders?", "How many customers placed more than 1000 yen?",
        "Order amount by region over 1000 yen", "Total order amount of orders over $1000",
        "How many orders have discount rate of -5 or less?", "値引率が△5以下の受注は何件", "How many orders with amount -1000 or less",
        # events that no column tells of
        "How many orders were shipped in 2024?", "How many orders were delivered in May 2024?",
        # the lowest has no rows at all
        "Which customer has the fewest orders?", "Which region has the lowest order amount?", "bottom 2 customers by order amount",
        "Which month had the lowest order amount in 2024?",
        # two bear the name
        "What is the credit limit of Tanaka?", "total order amount of Tanaka",
        # another value than the one named
        "What is the price of C#?", "Total order amount with rating A",
        # levels of several days do not add up; nor do rates
        "What is the total stock on hand?", "Total stock on hand for Bolt", "Total discount rate",
        "top 2 customers in each region by order amount",
    ],
)  # fmt: skip
def test_no_number_at_all(asker: Asker, question: str) -> None:
    assert asker.answer(question)["kind"] == "refusal"


def test_a_question_is_read_to_its_end_or_not_at_all(asker: Asker) -> None:
    found = asker.answer("How many orders in 2024?" + " " * 1_000 + "excluding Kanto")
    assert found["kind"] == "refusal"


def test_the_longest_question_is_read_in_time(asker: Asker) -> None:
    for piece in ("1,", "more than 1 ", "higher or ", "2024年", "from 2024 to ", "a-", "("):
        asker.answer((piece * 1_000)[:1_000])


def test_a_japanese_answer_says_in_japanese_how_the_question_was_read(asker: Asker) -> None:
    found = asker.answer("2024年の関東の受注金額の合計は?")
    assert found["read_as"] == (
        "受注の受注金額 (合計)(条件: 顧客の地域が関東、受注の受注日が2024年1月1日以降、受注の受注日が2025年1月1日より前)"
    )


def test_what_is_computed_from_averages_is_not_of_what_is_shown_of_them(asker: Asker) -> None:
    schema = asker._schema
    plan = Plan("orders", "avg", Place("orders", "quantity"))
    columns = ("value", "cells", "rows")
    results = [
        Result("SELECT", asker.capture.digest, columns, (row,), complete=True)
        for row in ((21, 4, 4), (58, 11, 11))
    ]
    periods = (months(2023, 10, 3), months(2024, 10, 3))
    made = Answer("en")
    Writer(made, schema, "en").pair(Question((plan, plan), "growth", periods=periods), results)
    assert shown(made.document())[1::2] == ["5.25 units", "5.27 units"]
    assert shown(made.document())[-1] == "0.4329%"
