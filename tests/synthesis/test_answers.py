"""No number without a cell: twenty thousand answers from a hostile model, and what the renderer writes."""

import random
import re
import unicodedata
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")

from mythos.synthesis.answers import Answer, exactly, quotient, rendered, skeleton
from mythos.synthesis.lexicon import Place
from mythos.synthesis.numerals import numerals, touches
from mythos.synthesis.plan import Plan, Schema
from mythos.synthesis.terms import Column, Result, Table, Words
from mythos.synthesis.writing import Writer
from mythos.units import Digest

TABLE = Table(
    "orders", "orders.csv", "csv", (Column("amount", "decimal", "JPY", description=Words("金額", "amount")),)
)
PLAN = Plan("orders", "sum", Place("orders", "amount"))

_HOSTILE = [
    "The total is ", "合計は", "about ", "roughly ", "minus ", "-", "−", "マイナス", "1", "3,099", "３０", "三", "百万", "億", "ⅷ", "VIII", "½",
    "two hundred ", "a dozen ", "twice ", "%", "percent", "k", "M ", "万円", "$", "¥", ".", ",", "/", "×", "e6", " ", "\n", "\u200b", "\u202e", "\u0660",
    "{value}", "{value}", "{value}{value}", "{other}", "{", "}", "円です。", " JPY", "not ", "ではない", "half of ", "**", "for Kanto", "the year", "one",
]  # fmt: skip


def _result(value: Decimal | int) -> Result:
    return Result("SELECT 1", Digest.of(b""), ("value", "rows"), ((value, 4),), complete=True)


def _independent(text: str) -> bool:
    """Written apart from the room: is there anything a person would read as a number?"""
    for c in text:
        if unicodedata.numeric(c, None) is not None:
            return True
    if re.search(
        r"[〇零一二三四五六七八九十百千万億兆半倍割%$¥€£+\-−±×÷/=]", unicodedata.normalize("NFKC", text)
    ):
        return True
    words = set(re.findall(r"[a-z]+", unicodedata.normalize("NFKC", text).lower()))
    return bool(
        words
        & {
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "hundred",
            "thousand",
            "million",
            "dozen",
            "half",
            "twice",
            "percent",
            "minus",
            "not",
            "viii",
            "k",
        }
    )


def test_twenty_thousand_answers_of_a_hostile_model_hold_no_number_of_its_own() -> None:
    draw = random.Random(7)
    schema = Schema({"orders": TABLE})
    used = 0
    for number in range(20_000):
        words = [draw.choice(_HOSTILE) for _ in range(draw.randrange(1, 7))]
        if number % 2:
            words = [w for w in words if not _independent(w)]
            words.insert(draw.randrange(len(words) + 1), "{value}")
        sentence = "".join(words)
        value = draw.choice([99, 30, -5, Decimal("12.50"), 1_234_567])
        made = Answer("en")
        Writer(made, schema, "en").single(PLAN, _result(value), sentence)
        document = made.document()
        cells = [part for part in document["parts"] if "cell" in part]
        assert len(cells) == 1
        assert cells[0]["shown"] == rendered(value, "JPY", "en")
        whole = "".join(part.get("text") or part["shown"] for part in document["parts"])
        outside = [part["text"] for part in document["parts"] if "text" in part]
        assert not any(_independent(text) for text in outside), (sentence, outside)
        found = re.findall(r"-?[\d,.]*\d", whole)
        assert found == [re.findall(r"-?[\d,.]*\d", cells[0]["shown"])[0]], whole
        used += skeleton(sentence, ["value"]) is not None
    assert used > 500, "the filter may not refuse everything"


@pytest.mark.parametrize(
    "text",
    [
        "30",
        "３０",
        "三件",
        "百",
        "Ⅷ",
        "viii",
        "½",
        "two",
        "a dozen",
        "10%",
        "％",
        "minus",
        "マイナス",
        "twice",
        "half",
        "万",
        "5th",
        "first",
        "\u0665",
        "¥",
        "not so",
        "a\u200bb",
        "e\u0301",
    ],
)
def test_what_reads_as_a_number(text: str) -> None:
    assert numerals(text) is not None


@pytest.mark.parametrize(
    "text", ["Total order amount: ", "受注金額の合計は", "Kanto and Kansai\n", "期間中の平均"]
)
def test_what_does_not(text: str) -> None:
    assert numerals(text) is None


@pytest.mark.parametrize(
    ("before", "after"), [("-", ""), ("x", ""), (" ", "k"), (" ", ".5"), ("(", "e"), ("$", " ")]
)
def test_what_may_not_touch_a_cell(before: str, after: str) -> None:
    assert touches(before, after)


def test_words_with_a_number_are_refused() -> None:
    with pytest.raises(ValueError, match="a number"):
        Answer("en").say("it rose by 3")


@pytest.mark.parametrize(
    ("value", "unit", "language", "shown"),
    [
        (1_234_567, "JPY", "ja", "1,234,567円"), (-1_234, "JPY", "en", "-1,234 JPY"), (Decimal("-0.5"), "USD", "en", "-$0.5"),
        (Decimal("12.50"), "%", "ja", "12.50%"), (3, "units", "ja", "3個"), (date(2024, 4, 1), None, "ja", "2024年4月1日"),
        (None, "JPY", "en", "–"), (Decimal("1E+3"), None, "en", "1,000"), (10**30, "JPY", "en", f"{10**30:,} JPY"),
    ],
)  # fmt: skip
def test_the_renderer_owns_sign_separator_and_unit(
    value: Any, unit: str | None, language: Any, shown: str
) -> None:
    assert rendered(value, unit, language) == shown


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**20), max_value=10**20),
    st.integers(1, 10**9),
)
def test_a_quotient_is_rounded_once(over: Decimal, under: int) -> None:
    shown = quotient(over, under, 4)
    assert abs(shown * under - over) <= Decimal(under) * Decimal("0.00005")


def test_a_difference_is_exact() -> None:
    assert exactly(Fraction(3) - Fraction("0.1")) == Decimal("2.9")
    assert exactly(Fraction(10**40 - 1)) == 10**40 - 1
