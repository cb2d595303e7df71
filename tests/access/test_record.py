"""Records: salted, in one spelling, bound to their minute; and the proof of a single decision."""

import json

import pytest

from mythos.access.people import Entities, Entity
from mythos.access.record import Record, minute_of, minute_root, open_proof, prove
from mythos.errors import AccessError, EvidenceError

from . import estate
from .made import at, directive, plan, someone

LAW = directive("a", who={"headquartered_in": ["CN"]})
HELD = estate.chain(LAW)
ENTITIES = Entities.of([Entity("sub", "Sub", None, "top"), Entity("top", None, "CN", "none"), Entity("x")])
LO = at("2026-06-12T21:21:07.25Z")


def record(
    request="r1", person=None, lo=LO, salt: str | None = "ab" * 16, decision=None, hub="tokyo", held=HELD
):
    person = person or someone(entity="sub")
    decision = decision or plan(LAW, entities=ENTITIES.lines.values(), lo=str(lo)).decide(person, lo)
    return Record.of(
        held, ENTITIES, person, decision,
        hub=hub, request=request, model="m", act="access", lo=lo, hi=lo.plus(0.5), log_size=2, salt=salt,
    )  # fmt: skip


def test_a_record_holds_all_that_the_decision_read():
    found = record()
    assert [entity.id for entity in found.chain] == ["sub", "top"]
    assert found.minute == at("2026-06-12T21:21:00Z")
    assert Record.parse(found.to_bytes()) == found
    document = json.loads(found.to_bytes())
    assert document["answer"]["directive"] == "a"
    assert document["head"] == str(HELD.head)


def test_a_record_in_any_other_spelling_is_refused():
    data = record().to_bytes()
    for wrong in (
        data + b" ",
        data.replace(b'"salt":"ab', b'"salt":"AB'),
        data.replace(b"abab" * 8, b"abab" * 4),
        data.replace(b"21:21:00Z", b"21:22:00Z"),
        data.replace(b'"logSize":2,', b""),
        b"{}",
        b"",
        b"[]",
    ):
        with pytest.raises(AccessError, match="not a decision record"):
            Record.parse(wrong)


def test_a_leaf_tells_nothing_without_its_salt():
    assert record(salt="00" * 16).leaf != record(salt="01" * 16).leaf
    fresh = {record(salt=None).salt for _ in range(20)}
    assert len(fresh) == 20
    assert all(len(salt) == 32 for salt in fresh)


def test_the_root_of_a_minute():
    records = [record(f"r{number}", salt=f"{number:032x}") for number in range(5)]
    root = minute_root(records)
    assert (root.hub, root.count) == ("tokyo", 5)
    assert (str(root.from_), str(root.until)) == ("2026-06-12T21:21:00Z", "2026-06-12T21:22:00Z")
    assert minute_root(records[:4]).root != root.root
    assert minute_root(records[::-1]).root != root.root
    for mixed in ([*records, record("x", lo=LO.plus(60))], [*records, record("x", hub="osaka")], []):
        with pytest.raises(AccessError, match="not one minute"):
            minute_root(mixed)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8])
def test_every_decision_of_a_minute_can_be_proven_alone(count):
    records = [record(f"r{number}", salt=f"{number:032x}") for number in range(count)]
    others = [record("elsewhere", lo=LO.plus(-60)), record("other-hub", hub="osaka")]
    root = minute_root(records)
    for one in records:
        proof = prove([others[0], *records, others[1]], one.request)
        assert open_proof(proof, lambda *_: root) == one


def test_a_proof_of_what_was_edited_omitted_or_moved_does_not_hold():
    records = [record(f"r{number}", salt=f"{number:032x}") for number in range(4)]
    root = minute_root(records)
    edited = record("r1", someone(entity="top"), salt=f"{1:032x}")
    with pytest.raises(EvidenceError):
        open_proof(prove([records[0], edited, *records[2:]], "r1"), lambda *_: root)
    with pytest.raises(EvidenceError):
        open_proof(prove(records[1:], "r1"), lambda *_: root)
    with pytest.raises(EvidenceError, match="no root was logged"):
        open_proof(prove(records, "r1"), lambda *_: None)
    asked = []
    moved = record("r1", lo=LO.plus(60))
    with pytest.raises(EvidenceError):
        open_proof(prove([moved], "r1"), lambda *key: asked.append(key))
    assert asked == [("tokyo", at("2026-06-12T21:22:00Z"))]


@pytest.mark.parametrize("request_id", ["nothing", "twice"])
def test_a_proof_is_of_exactly_one_record(request_id):
    with pytest.raises(AccessError, match="no such decision"):
        prove([record("twice", salt="00" * 16), record("twice", salt="01" * 16)], request_id)


def test_broken_proofs_are_refused():
    proof = prove([record()], "r1")
    root = minute_root([record()])
    for wrong in (
        b"",
        b"{}",
        proof[:-2],
        proof.replace(b'"index":0', b'"index":"0"'),
        proof.replace(b'"index":0', b'"index":1'),
    ):
        with pytest.raises(EvidenceError):
            open_proof(wrong, lambda *_: root)


def test_minutes_begin_at_whole_minutes():
    for text in ("2026-06-12T21:21:00Z", "2026-06-12T21:21:59.999999Z"):
        assert str(minute_of(at(text))) == "2026-06-12T21:21:00Z"
