"""A model fills a form of names; what it adds, drops or invents is refused; it never sees a cell."""

import json
import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
from tests.synthesis.conftest import CATALOG

from mythos.errors import DataError
from mythos.synthesis.ask import Asker
from mythos.synthesis.catalog import parse_catalog
from mythos.synthesis.loop import checked, choices_of, form, model_planner
from mythos.synthesis.plan import Schema
from mythos.synthesis.reading import read
from mythos.synthesis.terms import View
from mythos.synthesis.view import view_for

GOOD: dict[str, Any] = {
    "table": "orders",
    "operation": "sum",
    "measure": "orders.amount",
    "group": None,
}


@pytest.fixture
def view(company: Path) -> View:
    return view_for(parse_catalog(CATALOG, company, today=date(2026, 4, 15)), "boss")


@pytest.fixture
def asker(view: View, tmp_path: Path) -> Any:
    with Asker(view, cache=tmp_path / "c") as asker:
        yield asker


def test_the_model_answers_what_the_plain_planner_cannot_and_sees_no_cell(view: View, tmp_path: Path) -> None:
    seen: list[str] = []

    def complete(messages: list[dict[str, str]], _schema: dict[str, Any]) -> str:
        seen.append(json.dumps(messages))
        return json.dumps(GOOD | {"sentence": "Kanto brought in {value} altogether."})

    question = "Kanto: total amount of orders, updated"
    with Asker(view, cache=tmp_path / "c", model=model_planner(complete)) as asker:
        found = asker.answer(question)
    assert found["kind"] == "answer"
    assert (
        "".join(p.get("text") or p["shown"] for p in found["parts"])
        == "Kanto brought in 1,280,000 JPY altogether."
    )
    assert not any(cell in seen[0] for cell in ("A1", "A5", "1300", "1,300"))


def test_a_model_that_cannot_fill_the_form_is_asked_three_times(view: View, tmp_path: Path) -> None:
    asked: list[int] = []

    def complete(messages: list[dict[str, str]], _schema: dict[str, Any]) -> str:
        asked.append(len(messages))
        return "SELECT * FROM orders"

    with Asker(view, cache=tmp_path / "c", model=model_planner(complete)) as asker:
        found = asker.answer("Kanto orders please, with amount and ordered")
    assert found["reason"] == "cannot_plan"
    assert asked == [2, 4, 6]


@pytest.mark.parametrize(
    "change",
    [
        {"table": "employees"}, {"operation": "sum; DROP"}, {"operation": "avg"}, {"measure": "orders.nothing"},
        {"measure": "orders.region"}, {"measure": "employees.salary"}, {"measure": None}, {"table": ["orders"]},
        {"group": "orders.tenant.x"}, {"group": 3}, {"operation": {}},
    ],
)  # fmt: skip
def test_what_the_question_does_not_say_is_refused(asker: Asker, view: View, change: dict[str, Any]) -> None:
    reading = read("total amount of orders", asker._lexicon, date(2026, 4, 15))
    schema = Schema({t.name: t for t in view.tables})
    checked(json.dumps(GOOD), reading, schema)
    with pytest.raises(DataError) as caught:
        checked(json.dumps(GOOD | change), reading, schema)
    assert caught.value.code == "plan"


def test_what_the_question_names_is_filtered_by_whatever_the_model_says(asker: Asker, view: View) -> None:
    reading = read("total amount of orders in kanto in 2024", asker._lexicon, date(2026, 4, 15))
    plan = checked(json.dumps(GOOD), reading, Schema({t.name: t for t in view.tables}))
    assert [(f.place.column, f.comparator) for f in plan.filters] == [
        ("region", "="),
        ("ordered", ">="),
        ("ordered", "<"),
    ]


def test_a_name_without_a_use_makes_another_question(asker: Asker, view: View) -> None:
    reading = read("total amount of orders by region", asker._lexicon, date(2026, 4, 15))
    schema = Schema({t.name: t for t in view.tables})
    assert checked(json.dumps(GOOD | {"group": "orders.region"}), reading, schema).group
    with pytest.raises(DataError, match="region has no use"):
        checked(json.dumps(GOOD), reading, schema)


def test_random_forms_never_leave_the_callers_names(asker: Asker, view: View) -> None:
    draw = random.Random(3)
    schema = Schema({t.name: t for t in view.tables})
    reading = read("total amount of orders in kanto in 2024", asker._lexicon, date(2026, 4, 15))
    names = [
        "orders",
        "orders.amount",
        "orders.region",
        "orders.ordered",
        "employees.salary",
        "duckdb_tables",
        "",
        None,
        3,
        "KANTO",
        "kanto",
        "' OR 1=1 --",
        ["x"],
        {"a": 1},
    ]
    held = 0
    for _ in range(2_000):
        body = GOOD | {key: draw.choice(names) for key in draw.sample(sorted(GOOD), draw.randrange(1, 3))}
        try:
            plan = checked(json.dumps(body), reading, schema)
        except DataError:
            continue
        held += 1
        assert plan.table == "orders"
        assert all(f.place.table == "orders" for f in plan.filters)
        assert any("KANTO" in f.values for f in plan.filters)
    assert held


def test_the_form_and_the_description_hold_names_only(asker: Asker, view: View) -> None:
    schema = Schema({t.name: t for t in view.tables})
    choices = choices_of(read("amount of orders in kansai", asker._lexicon, date(2026, 4, 15)), schema)
    text = json.dumps(form(choices)) + choices.described(view)
    assert "orders.amount" in text
    assert not any(cell in text for cell in ("A1", "1300", "KANSAI", "kansai"))


@pytest.mark.parametrize(
    ("sentence", "used"),
    [
        ("Kanto brought in {value} altogether.", True), ("The total amount in Kanto was {value}.", True),
        ("Kansai brought in {value}.", False), ("The net profit in Kanto was {value}.", False),
        ("Kanto lost {value}.", False), ("The average amount in Kanto was {value}.", False),
        ("関東の金額の合計は{value}です。", True), ("関西の金額の合計は{value}です。", False), ("関東の損失は{value}です。", False),
        ("dix fois {value}", False),
    ],
)  # fmt: skip
def test_a_models_sentence_says_no_more_than_the_question(
    view: View, tmp_path: Path, sentence: str, used: bool
) -> None:
    model = model_planner(lambda _messages, _schema: json.dumps(GOOD | {"sentence": sentence}))
    with Asker(view, cache=tmp_path / "c", model=model) as asker:
        japanese = "関東の受注の金額の合計、updated"
        found = asker.answer("Kanto: total amount of orders, updated" if sentence.isascii() else japanese)
    assert found["kind"] == "answer"
    text = "".join(part.get("text", "") for part in found["parts"])
    assert (text.strip() == sentence.replace("{value}", "").strip()) == used


@pytest.mark.parametrize(
    "question", ["total amount of orders or updated", "average amount of orders, updated", "amount of orders shipped, updated"]
)  # fmt: skip
def test_a_models_plan_is_held_to_every_word_too(asker: Asker, view: View, question: str) -> None:
    reading = read(question, asker._lexicon, date(2026, 4, 15))
    with pytest.raises(DataError) as caught:
        checked(json.dumps(GOOD), reading, Schema({t.name: t for t in view.tables}))
    assert caught.value.code == "plan"
