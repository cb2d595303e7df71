"""What must hold of every answer, whatever the planner can do, over questions of the made-up group."""

import json
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
pytest.importorskip("tantivy", reason="extra missing: pip install 'mythos-hub[synthesis]'")

from mythos.synthesis.ask import answer
from mythos.synthesis.catalog import read_catalog
from mythos.synthesis.view import view_for

from .group import records, schema
from .group.questions import questions
from .group.score import malformed, score


@pytest.mark.slow
def test_no_answer_shows_an_unbound_number_or_what_the_person_may_not_see(tmp_path: Path) -> None:
    company = records.make(21)
    records.write(company, tmp_path / "group")
    catalog = read_catalog(tmp_path / "group", today=schema.TODAY)
    refused = 0
    asked = questions(company, count=80, seed=21)
    for question in asked:
        view = view_for(catalog, question.person.id)
        found = json.loads(json.dumps(answer(question.text, view, cache=tmp_path / "cache")))
        assert malformed(found) == "", question.text
        verdict = score(question, found, company)
        assert (verdict.unbound, verdict.leaks) == ((), ()), question.text
        refused += verdict.outcome == "refused rightly"
    assert refused == sum(q.expected.shape == "refusal" for q in asked) == 20
