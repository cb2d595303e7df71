"""Who could use a model and why, and the replay of a hub's decisions from the log."""

import itertools
from dataclasses import replace

import pytest

from mythos.access.decide import Decider, Decision
from mythos.access.people import Entities, Entity
from mythos.access.record import Record, minute_root, prove
from mythos.access.report import check_proof, replay, report, stretches
from mythos.errors import AccessError, EvidenceError
from mythos.units import Digest

from . import estate
from .made import at, directive, someone

ENTITIES = Entities.of([Entity("acme", None, "JP", "none")])
FOREIGN = {"foreign_person_of": "US"}
ORDER = directive("order", who=FOREIGN, effective="2026-06-12T00:00:00Z")
RELIEF = directive(
    "relief", "allow", who={"entity_in": "a"}, lists={"a": ["acme"]}, effective="2026-06-26T00:00:00Z"
)
START, END = at("2026-06-10T00:00:00Z"), at("2026-07-10T00:00:00Z")


def story():
    """The order is logged a day after it says that it is in force; the relief two days before."""
    return estate.log(
        estate.leaf(ORDER, issued=at("2026-06-13T00:00:00Z")),
        estate.leaf(RELIEF, issued=at("2026-06-24T00:00:00Z")),
    )


def told(person, ledger=None, **more):
    times = stretches(ledger or story(), ENTITIES, "m", "access", START, END)
    [found] = report([person], times)["persons"]
    return [(span["from"][5:10], span["until"][5:10], span["reason"]) for span in found["spans"]]


def test_who_could_use_it_when_and_why():
    assert told(someone()) == [("06-10", "06-13", "no_directive"), ("06-13", "07-10", "refused")]
    assert told(someone(entity="acme")) == [
        ("06-10", "06-13", "no_directive"),
        ("06-13", "06-26", "refused"),
        ("06-26", "07-10", "exempt"),
    ]
    assert told(someone(citizenships=["US"])) == [("06-10", "07-10", "no_directive")]


def test_facts_that_lapse_within_the_time():
    lapsing = someone(entity="acme", verified_until="2026-07-01T00:00:00Z")
    assert told(lapsing)[-2:] == [("06-26", "07-01", "exempt"), ("07-01", "07-10", "needs_fact")]
    for edge in (
        "2026-06-26T00:00:00Z",
        "2026-06-10T00:00:00Z",
        "2026-07-10T00:00:00Z",
        "2020-01-01T00:00:00Z",
    ):
        spans = told(someone(citizenships=["US"], verified_until=edge))
        assert spans[0][0] == "06-10"
        assert spans[-1][1] == "07-10"
        assert all(left[1] == right[0] for left, right in itertools.pairwise(spans))


def test_the_directives_over_time_and_the_version_of_each():
    times = stretches(story(), ENTITIES, "m", "access", START, END)
    rows = [(row["from"][5:10], row["size"], row["in_force"]) for row in report([], times)["directives"]]
    assert rows == [
        ("06-10", 0, []),
        ("06-12", 0, []),
        ("06-13", 2, ["order"]),
        ("06-24", 3, ["order"]),
        ("06-26", 3, ["order", "relief"]),
    ]


def test_the_report_agrees_with_a_decision_at_any_instant():
    ledger = story()
    times = stretches(ledger, ENTITIES, "m", "access", START, END)
    people = [
        someone(),
        someone(entity="acme"),
        someone(citizenships=None, verified_until="2026-06-25T06:00:00Z"),
    ]
    for person, found in zip(people, report(people, times)["persons"], strict=True):
        for hour in range(0, 30 * 24, 7):
            now = START.plus(hour * 3600)
            known = max((i for i, issued in ledger.held.issued if issued <= now), default=-1)
            decider = Decider(ledger.held.law.known_at(known), ENTITIES, ledger.lineage_at(9))
            expected = decider.decide(person, "m", "access", now, now).to_dict("p")
            [span] = [s for s in found["spans"] if at(s["from"]) <= now < at(s["until"])]
            assert {key: span[key] for key in ("decision", "reason", "directive", "needs", "cite")} == {
                key: expected[key] for key in ("decision", "reason", "directive", "needs", "cite")
            }


def test_issue_times_that_run_backwards_do_not_make_the_log_run_backwards():
    ledger = estate.log(
        estate.leaf(ORDER, issued=at("2026-06-20T00:00:00Z")),
        estate.leaf(RELIEF, issued=at("2026-06-11T00:00:00Z")),
    )
    assert told(someone(), ledger)[0] == ("06-10", "06-20", "no_directive")


@pytest.mark.parametrize("end", [START, at("2026-06-01T00:00:00Z")])
def test_an_empty_time_is_wrong(end):
    with pytest.raises(AccessError, match="empty time"):
        stretches(story(), ENTITIES, "m", "access", START, end)


def evening(count=6):
    """A ledger with an order, a named model, and a minute of recorded decisions with its logged root."""
    weights = Digest(b"w" * 32)
    before = [estate.identity("m", weights), estate.leaf(ORDER), estate.grant()]
    held = estate.log(*before).held
    lo = at("2026-06-14T10:00:05Z")
    decider = Decider(held.law, ENTITIES, estate.log(*before).lineage_at(4))
    records = []
    for number in range(count):
        person = someone(f"p{number}", citizenships=[["US"], ["JP"], None][number % 3], entity="acme")
        decision = decider.decide(person, str(weights), "access", lo, lo.plus(1))
        records.append(
            Record.of(
                held, ENTITIES, person, decision,
                hub="tokyo", request=f"r{number}", model=str(weights), act="access", lo=lo, hi=lo.plus(1), log_size=4,
            )
        )  # fmt: skip
    root = estate.sign(minute_root(records), by=("host",))
    return before, records, root


def test_an_auditor_replays_a_hubs_minute_to_the_same_answers():
    before, records, root = evening()
    ledger = estate.log(*before, root)
    assert replay(ledger, records) == {"records": 6, "same": 6, "different": [], "problems": []}
    assert {record.decision.reason for record in records} == {"no_directive", "refused", "needs_fact"}
    later = estate.log(
        *before, root, estate.leaf(RELIEF), estate.derivation(Digest(b"w" * 32), Digest(b"z" * 32))
    )
    assert replay(later, records)["problems"] == [], "what came later changes nothing"


def test_a_wrong_decision_is_found():
    before, records, _ = evening()
    wrong = [replace(records[1], decision=Decision("no_directive")), *records[2:]]
    ledger = estate.log(*before, estate.sign(minute_root(wrong), by=("host",)))
    found = replay(ledger, wrong)
    assert [row["request"] for row in found["different"]] == ["r1"]
    assert found["different"][0]["replayed"]["reason"] == "refused"
    assert found["same"] == 4


def test_edited_omitted_moved_and_unlogged_records_are_found():
    before, records, root = evening()
    ledger = estate.log(*before, root)
    edited = [replace(records[0], person=someone("other", citizenships=["US"])), *records[1:]]
    assert "are not the 6" in replay(ledger, edited)["problems"][0]
    assert "are not the 6" in replay(ledger, records[1:])["problems"][0]
    assert "are not the 6" in replay(ledger, records[::-1])["problems"][0]
    assert "not shown" in replay(ledger, [])["problems"][0]
    moved = [replace(record, lo=record.lo.plus(60), hi=record.hi.plus(60)) for record in records]
    assert ["not shown" in p or "no root" in p for p in replay(ledger, moved)["problems"]] == [True, True]
    assert "no root was logged" in replay(estate.log(*before), records)["problems"][0]
    other = estate.sign(minute_root(records[:3]), by=("host",))
    assert "two roots" in replay(estate.log(*before, root, other), records)["problems"][0]


def test_a_salt_used_twice_and_a_set_that_never_was_are_found():
    before, records, root = evening()
    ledger = estate.log(*before, root)
    reused = [records[0], replace(records[1], salt=records[0].salt)]
    assert any("salt was used before" in problem for problem in replay(ledger, reused)["problems"])
    for change in ({"size": 9}, {"head": Digest(b"x" * 32)}, {"size": 0}):
        invented = [replace(records[0], **change)]
        assert any("never held the set" in problem for problem in replay(ledger, invented)["problems"])


def test_a_single_decision_is_proven_against_the_log():
    before, records, root = evening()
    ledger = estate.log(*before, root)
    assert check_proof(ledger, prove(records, "r1"))["reason"] == "refused"
    with pytest.raises(EvidenceError, match="no root was logged"):
        check_proof(estate.log(*before), prove(records, "r1"))
    wrong = [replace(records[1], decision=Decision("no_directive"))]
    lied = estate.log(*before, estate.sign(minute_root(wrong), by=("host",)))
    with pytest.raises(EvidenceError, match="had to be taken"):
        check_proof(lied, prove(wrong, "r1"))
    invented = [replace(records[1], size=99)]
    lied = estate.log(*before, estate.sign(minute_root(invented), by=("host",)))
    with pytest.raises(EvidenceError, match="had to be taken"):
        check_proof(lied, prove(invented, "r1"))
