"""What stands behind a part of an answer, opened: exactly its own rows, and the text around its quote."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
pytest.importorskip("openpyxl", reason="extra missing: pip install openpyxl")
pytest.importorskip("tantivy", reason="extra missing: pip install 'mythos-hub[synthesis]'")
from tests.synthesis.group import records
from tests.synthesis.group.questions import questions
from tests.synthesis.group.records import Company
from tests.synthesis.group.schema import TODAY

from mythos.synthesis import opened as module
from mythos.synthesis.ask import Asker
from mythos.synthesis.catalog import read_catalog
from mythos.synthesis.documents import text_of
from mythos.synthesis.opened import opened
from mythos.synthesis.view import view_for
from mythos.units import Digest

SEED = 17


@pytest.fixture(scope="module")
def company() -> Company:
    return records.make(SEED)


@pytest.fixture(scope="module")
def askers(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Asker]]:
    folder = tmp_path_factory.mktemp("company") / "data"
    records.write(company, folder)
    catalog, cache = read_catalog(folder, today=TODAY), tmp_path_factory.mktemp("cache") / "ask"
    who = ("kitano-head", "kitano-east", "minato-head")
    made = {person: Asker(view_for(catalog, person), cache=cache) for person in who}
    yield made
    for asker in made.values():
        asker.__exit__()


def behind(asker: Asker, found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return opened(found, asker._view, asker.capture)


def test_the_rows_below_every_cell_are_as_many_as_it_counted(
    askers: dict[str, Asker], company: Company
) -> None:
    seen: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for asked in questions(company, count=600, seed=SEED):
        asker = askers.get(asked.person.id)
        kinds[asked.kind] += asker is not None
        if asker is None or kinds[asked.kind] > 2 or asked.expected.shape == "refusal":
            continue
        found = asker.answer(asked.text)
        if found["kind"] != "answer":
            continue
        shown = behind(asker, found)
        for ref, source in found["refs"].items():
            if "sql" not in source:
                continue
            rows = source.get("rows")
            assert ref in shown, (asked.text, source)
            if isinstance(rows, list):
                table = shown[ref]["table"]
                assert sorted(n for name, n in rows if name == table) == sorted(shown[ref]["numbers"])
                seen["cells"] += 1
            elif rows is not None:
                complete = shown[ref]["complete"]
                assert len(shown[ref]["rows"]) == (rows if complete else module.ROWS), (asked.text, source)
                seen["groups" if "key" in source else "totals"] += 1
    assert min(seen["groups"], seen["totals"]) > 3, seen
    assert seen["cells"] > 0, seen


def test_of_a_group_its_own_rows_alone_and_of_a_person_theirs(askers: dict[str, Asker]) -> None:
    asker = askers["kitano-head"]
    found = asker.answer("total order amount by region in FY2024")
    shown = behind(asker, found)
    for ref, source in found["refs"].items():
        region = shown[ref]["columns"].index("region")
        assert {row[region] for row in shown[ref]["rows"]} == {source["key"]}
    assert "minato" not in json.dumps(shown)


def test_rows_that_are_not_as_many_as_counted_are_not_shown(
    askers: dict[str, Asker], monkeypatch: pytest.MonkeyPatch
) -> None:
    asker = askers["kitano-head"]
    found = asker.answer("total order amount by region in FY2024")
    monkeypatch.setattr(module, "rows_query", lambda _source, _taken: 'SELECT "_rid" AS "_rid:orders" FROM orders WHERE false')  # fmt: skip
    assert behind(asker, found) == {}


def test_a_quote_stands_in_its_document_and_a_changed_document_is_not_opened(
    askers: dict[str, Asker], company: Company
) -> None:
    asked = [q for q in questions(company, count=120, seed=SEED) if q.kind == "quote"]
    asker, found = next(
        (asker, found)
        for question in asked
        if (asker := askers.get(question.person.id)) is not None
        and (found := asker.answer(question.text))["kind"] == "answer"
    )
    [(ref, source)] = found["refs"].items()
    shown = behind(asker, found)[ref]
    assert shown["quote"] == found["parts"][0]["shown"]
    text = text_of(
        asker._view.catalog.root, next(d for d in asker._view.documents if d.file == source["file"])
    )
    assert shown["before"] + shown["quote"] + shown["after"] in text
    other = found | {"refs": {ref: source | {"capture": str(Digest.of(b"other"))}}}
    assert behind(asker, other) == {}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT sum(amount) FROM (SELECT amount FROM orders)", "SELECT 1", "SELECT sum(amount) FROM orders UNION SELECT 1",
        "WITH o AS (SELECT * FROM orders) SELECT count(*) FROM o", "SELECT sum(amount) FROM employees_of_others", "not sql (",
    ],
)  # fmt: skip
def test_a_query_without_plain_rows_is_left_out(askers: dict[str, Asker], sql: str) -> None:
    document = {"language": "en", "refs": {"r1": {"sql": sql, "rows": 1}}}
    assert behind(askers["kitano-head"], document) == {}
