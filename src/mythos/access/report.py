"""Who could use a model between two times, and why; and whether a hub's decisions were what they had to be.

Both come from the log (and the facts about the persons), so an auditor who folds the same log finds the same
answer. What was not known yet does not count: nobody can obey a directive before it was issued, so at every
instant the set is the one that the log held then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from mythos.access.decide import Decision, Plan
from mythos.access.follow import GENESIS
from mythos.access.ledger import Ledger
from mythos.access.people import Entities, Person
from mythos.access.record import Record, minute_root, open_proof
from mythos.errors import AccessError, EvidenceError
from mythos.evidence.predicates import DecisionRoot
from mythos.units import Digest, Instant


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which the same directives were known and in force; `size` is the version of the set."""

    start: Instant
    end: Instant
    size: int
    plan: Plan


def stretches(
    ledger: Ledger, entities: Entities, model: str, act: str, start: Instant, end: Instant
) -> list[Stretch]:
    """Cut [start, end) wherever a directive became known, began or ended.

    Raises:
        AccessError: an empty time.
    """
    if end <= start:
        raise AccessError("an empty time", expected=f"an end after {start}", found=str(end))
    known: list[tuple[Instant, int]] = []
    for index, issued in ledger.held.issued:
        known.append((max(issued, known[-1][0]) if known else issued, index))
    edges = {start, end, *(at for at, _ in known)}
    for directive in ledger.held.law:
        edges.update({directive.effective, directive.ends or directive.effective})
    named = ledger.lineage_at(ledger.size).model(model)
    found: list[Stretch] = []
    for at, until in pairwise(sorted(edge for edge in edges if start <= edge <= end)):
        index = max((index for when, index in known if when <= at), default=-1)
        plan = Plan(ledger.held.law.known_at(index), entities, named, act, at, at)
        found.append(Stretch(at, until, index + 1, plan))
    return found


def spans(person: Person, times: Sequence[Stretch]) -> list[dict[str, Any]]:
    """What a person could do when: neighbouring times with the same answer are one."""
    found: list[dict[str, Any]] = []
    previous: Decision | None = None
    until = person.verified_until
    for time in times:
        lapses = [until] if until is not None and time.start < until < time.end else []
        for start, end in pairwise([time.start, *lapses, time.end]):
            decision = time.plan.decide(person, start)
            if decision == previous:
                found[-1]["until"] = str(end)
                continue
            previous = decision
            answer = decision.to_dict(person.id)
            del answer["id"]
            found.append({"from": str(start), "until": str(end), **answer})
    return found


def report(people: Iterable[Person], times: Sequence[Stretch]) -> dict[str, Any]:
    """The whole answer: the directives over time, and every person's spans."""
    return {
        "from": str(times[0].start),
        "until": str(times[-1].end),
        "directives": [
            {
                "from": str(time.start),
                "until": str(time.end),
                "size": time.size,
                "in_force": [directive.id for directive in time.plan.in_force],
            }
            for time in times
        ],
        "persons": [{"id": person.id, "spans": spans(person, times)} for person in people],
    }


def replay(ledger: Ledger, records: Iterable[Record]) -> dict[str, Any]:
    """Take every recorded decision again and compare the records of each minute with the logged root.

    Returns:
        `{"records", "same", "different": [{"request", "recorded", "replayed"}], "problems": [str]}`: problems
        are edited, omitted or moved records, roots that are missing or doubled, and salts used twice.
    """
    different: list[dict[str, Any]] = []
    problems: list[str] = []
    minutes: dict[tuple[str, Instant], list[Record]] = {}
    salts: set[str] = set()
    heads = _heads(ledger)
    total = 0
    for record in records:
        total += 1
        minutes.setdefault((record.hub, record.minute), []).append(record)
        if record.salt in salts:
            problems.append(f"{record.request}: its salt was used before")
        salts.add(record.salt)
        if heads.get(record.size) != record.head:
            problems.append(f"{record.request}: the log never held the set it names")
            continue
        replayed = _again(ledger, record)
        if replayed != record.decision:
            told = [answer.to_dict(record.person.id) for answer in (record.decision, replayed)]
            different.append({"request": record.request, "recorded": told[0], "replayed": told[1]})
    problems += _missing(ledger, minutes)
    same = total - len(different)
    return {"records": total, "same": same, "different": different, "problems": problems}


def check_proof(ledger: Ledger, proof: bytes) -> dict[str, Any]:
    """The answer of a proven decision, after taking it again.

    Raises:
        EvidenceError: the proof does not hold, or the decision is not the one that had to be taken.
    """

    def root_of(hub: str, minute: Instant) -> DecisionRoot | None:
        roots = ledger.hubs[hub].roots if hub in ledger.hubs else []
        return next((root for root in roots if root.from_ == minute), None)

    record = open_proof(proof, root_of)
    told = replay(ledger, [record])
    if told["different"] or record.size not in _heads(ledger):
        raise EvidenceError(
            "the decision is not the one that had to be taken", found=str(told["different"])[:400]
        )
    return record.decision.to_dict(record.person.id)


def _heads(ledger: Ledger) -> dict[int, Digest]:
    return {0: GENESIS} | {link.index + 1: link.head for link in ledger.held.links}


def _again(ledger: Ledger, record: Record) -> Decision:
    model = ledger.lineage_at(record.log_size).model(record.model)
    law = ledger.held.law.known_at(record.size - 1)
    plan = Plan(law, Entities.of(record.chain), model, record.act, record.lo, record.hi)
    return plan.decide(record.person, record.hi)


def _missing(ledger: Ledger, minutes: dict[tuple[str, Instant], list[Record]]) -> Iterator[str]:
    logged: dict[tuple[str, Instant], DecisionRoot] = {}
    for hub in ledger.hubs.values():
        for root in hub.roots:
            if logged.setdefault((root.hub, root.from_), root) != root:
                yield f"{root.hub} {root.from_}: two roots for one minute"
    for key in sorted(logged.keys() | minutes.keys()):
        root, records = logged.get(key), minutes.get(key)
        name = f"{key[0]} {key[1]}"
        if root is None:
            yield f"{name}: no root was logged"
        elif records is None:
            yield f"{name}: {root.count} records are not shown"
        elif minute_root(records) != root:
            yield f"{name}: the {len(records)} records shown are not the {root.count} of the logged root"
