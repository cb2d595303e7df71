"""The document and its act: golden bytes, canonical, and readable by the predicate's own reader."""

import json
from datetime import date
from pathlib import Path

from mythos.evidence.predicates import Determination
from mythos.evidence.statement import canonical
from mythos.regimes import Leg, determine, determine_route, shipped
from mythos.regimes.report import act, document, reference
from mythos.units import Digest, Instant

GOLDEN = Path(__file__).parents[1] / "golden" / "regimes"
MINE = Path(__file__).parent / "mine"
FACTS = {"transfer": "weights", "ops": "1.0e22", "board_approved": False, "typing": "eror"}
SAID = Digest.of(b"facts")


def test_a_finding_is_written_as_it_was_in_0_1() -> None:
    body = document(determine(FACTS, date(2026, 4, 1), shipped().with_folder(MINE)), SAID)
    mine = [one for one in body["instruments"] if one["user"]]
    golden = json.loads((GOLDEN / "finding.json").read_text(encoding="utf-8"))
    assert json.loads(canonical(mine[0])) == golden


def test_a_document_has_exactly_its_fields() -> None:
    body = document(determine(FACTS, date(2026, 4, 1), shipped().with_folder(MINE)), SAID)
    golden = json.loads((GOLDEN / "document-fields.json").read_text(encoding="utf-8"))
    assert sorted(body) == golden
    assert body["unknown_facts"] == ["typing"]
    assert body["legs"] == []
    assert (body["date"], body["facts"], body["barred"]) == ("2026-04-01", str(SAID), True)
    assert json.loads(canonical(body)) == json.loads(json.dumps(body))


def test_the_act_reads_back_and_names_the_document() -> None:
    legs = (Leg("JP", "SG", "weights"), Leg("SG", "SG", "api"))
    body = document(determine_route(legs, {**FACTS, "meti_inform": True}, date(2026, 4, 1), shipped()), SAID)
    made = act(body, legs, Instant.parse("2026-04-01T00:00:00Z"))
    assert Determination.from_dict(made.to_dict()) == made
    assert made.document == Digest.of(canonical(body))
    assert [(leg.from_, leg.to, leg.act) for leg in made.legs] == [
        ("JP", "SG", "transfer"),
        ("SG", "SG", "access"),
    ]
    assert made.barred
    assert "SG-NO-NUMBER" in made.review
    assert {one.id: one.outcome for one in made.instruments}["JP-FEFTA-INFORM"] == "applies"
    assert made.pack_digest == shipped().digest
    assert len(made.statement().to_bytes()) < 40_000


def test_every_leg_is_in_the_document() -> None:
    legs = (Leg("US", "JP", "weights"), Leg("JP", "SG", "api"))
    body = document(determine_route(legs, {}, date(2026, 4, 1), shipped()), SAID)
    assert [(leg["from"], leg["to"], leg["act"]) for leg in body["legs"]] == [
        ("US", "JP", "weights"),
        ("JP", "SG", "api"),
    ]
    assert all(len(leg["instruments"]) == len(shipped().instruments) for leg in body["legs"])


def test_the_reference_page_is_what_the_instruments_say(root: Path) -> None:
    page = (root / "docs" / "reference" / "instruments.md").read_text(encoding="utf-8")
    assert page.rstrip().endswith(reference(shipped()).rstrip()), "run: make docs"
