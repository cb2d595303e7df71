"""The room and the slow oracle give the same answer, field by field, for everyone at every edge."""

import json
import random
from datetime import datetime, timedelta

import pytest

from mythos.access.batch import answer_lines
from mythos.access.decide import Decider, Plan
from mythos.access.directive import Directive
from mythos.access.directives import Directives
from mythos.access.lineage import Lineage, Model
from mythos.access.people import read_entities, read_persons
from mythos.units import Instant

from . import oracle, population


def _world(seed, directives, entities):
    rng = random.Random(seed)
    lines = population.entities(rng, entities)
    ids = [line["id"] for line in lines]
    laws = population.directives(rng, directives, ids)
    room = Directives.of(Directive.parse(population.document(law)) for law in laws)
    return rng, {line["id"]: line for line in lines}, ids, laws, room, read_entities(population.jsonl(lines))


def _compare(seed, *, directives, entities, persons, instants):
    rng, by_id, ids, laws, room, chains = _world(seed, directives, entities)
    seen = set()
    for at in population.instants(rng, laws, instants):
        model, act = rng.choice(population.MODELS), rng.choice(("access", "transfer"))
        people = list(population.persons(rng, persons, ids))
        instant = Instant.parse(at)
        plan = Plan(room, chains, Model.named(model), act, instant, instant)
        count, data = answer_lines(population.jsonl(people), plan, instant, where="persons")
        assert count == persons
        moment = oracle.when(at)
        for person, line in zip(people, data.splitlines(), strict=True):
            expected = oracle.decide(person, by_id, laws, {model}, act, moment)
            found = json.loads(line)
            assert found == expected, (at, model, act, person)
            seen.add((found["reason"], bool(found["needs"]), found["cite"] is None))
    return seen


@pytest.mark.parametrize("seed", range(12))
def test_overlapping_directives_match_the_oracle(seed):
    _compare(seed, directives=30, entities=40, persons=60, instants=6)


def test_the_population_reaches_every_reason():
    seen = set().union(
        *(_compare(s, directives=9, entities=20, persons=80, instants=4) for s in range(100, 106))
    )
    assert {reason for reason, _, _ in seen} == {"no_directive", "exempt", "refused", "needs_fact"}
    assert {cited for _, _, cited in seen} == {True, False}


@pytest.mark.slow
def test_a_hundred_thousand_persons_match_the_oracle():
    _compare(7, directives=30, entities=3_000, persons=50_000, instants=2)


@pytest.mark.parametrize("seed", range(6))
def test_intervals_match_the_oracle(seed):
    rng, by_id, ids, laws, room, chains = _world(1000 + seed, 20, 20)
    decider = Decider(room, chains, Lineage())
    for start in population.instants(rng, laws, 12):
        lo = oracle.when(start) - timedelta(minutes=rng.choice((0, 1, 600)))
        hi = lo + timedelta(minutes=rng.choice((0, 1, 600)))
        model, act = rng.choice(population.MODELS), rng.choice(("access", "transfer"))
        people = list(population.persons(rng, 25, ids))
        for line, person in zip(people, read_persons(population.jsonl(people)), strict=True):
            found = decider.decide(person, model, act, Instant.of(lo), Instant.of(hi))
            assert found.to_dict(person.id) == oracle.decide(line, by_id, laws, {model}, act, lo, hi), (
                lo,
                hi,
                line,
            )


def test_the_oracle_itself_on_the_evening_of_12_june():
    """The case everybody knows, worked by hand, so that both sides being wrong alike would show."""
    order = {
        "id": "us-bis-2026-06-12",
        "authority": "us-bis",
        "effective": "2026-06-12T17:21:00-04:00",
        "models": ["mythos-5", "fable-5"],
        "acts": ["access", "transfer"],
        "who": {"foreign_person_of": "US"},
        "effect": "refuse",
        "cite": "letter",
    }
    person = {
        "id": "p",
        "citizenships": ["JP"],
        "permanent_residencies": [],
        "protected_in": [],
        "verified_until": "2027-01-01T00:00:00Z",
    }
    before, at = datetime.fromisoformat("2026-06-12T21:20:59+00:00"), oracle.when("2026-06-12T21:21:00Z")
    assert oracle.decide(person, {}, [order], {"mythos-5"}, "access", before)["reason"] == "no_directive"
    assert oracle.decide(person, {}, [order], {"mythos-5"}, "access", at)["reason"] == "refused"
    assert oracle.decide({"id": "q"}, {}, [order], {"mythos-5"}, "access", at) == {
        "id": "q",
        "decision": "refuse",
        "reason": "needs_fact",
        "directive": "us-bis-2026-06-12",
        "needs": ["verified_until"],
        "cite": "letter",
    }
