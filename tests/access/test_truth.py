"""Kleene's tables, each word's three answers, and the law that forgetting a fact never helps."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mythos.access.directive import Directive
from mythos.access.people import Entities, Entity, person
from mythos.access.truth import Reading

from . import population
from .made import directive, reason, someone

TOP = Entities.of(
    [Entity("jp", None, "JP", "none"), Entity("sub", None, None, "jp"), Entity("cn", None, "CN", None)]
)


def asks(who, **facts):
    read = directive(who=who, lists={"annex": ["e1", "none"]})
    reading = Reading([read.who], TOP)
    return reading.holds(read.who)(reading.word(someone(**facts).facts))


TRUE, FALSE, UNKNOWN = {"any": True}, {"not": {"any": True}}, {"located_in": ["US"]}
VALUES = {True: TRUE, False: FALSE, None: UNKNOWN}


@pytest.mark.parametrize("left", [True, False, None])
@pytest.mark.parametrize("right", [True, False, None])
def test_kleenes_tables(left, right):
    both = {left, right}
    parts = [VALUES[left], VALUES[right]]
    assert asks({"all_of": parts}, located_in=None) is (
        False if False in both else None if None in both else True
    )
    assert asks({"any_of": parts}, located_in=None) is (
        True if True in both else None if None in both else False
    )
    assert asks({"not": VALUES[left]}, located_in=None) is (None if left is None else not left)


@pytest.mark.parametrize(
    ("who", "facts", "expected"),
    [
        ({"foreign_person_of": "US"}, {}, True),
        ({"foreign_person_of": "US"}, {"citizenships": ["JP"]}, True),
        ({"foreign_person_of": "US"}, {"citizenships": ["JP", "US"]}, False),
        ({"foreign_person_of": "US"}, {"permanent_residencies": ["US"]}, False),
        ({"foreign_person_of": "US"}, {"protected_in": ["US"]}, False),
        ({"foreign_person_of": "US"}, {"citizenships": ["US"], "permanent_residencies": None}, False),
        ({"foreign_person_of": "US"}, {"citizenships": None, "protected_in": ["US"]}, False),
        ({"foreign_person_of": "US"}, {"citizenships": None}, None),
        ({"foreign_person_of": "US"}, {"citizenships": ["JP"], "permanent_residencies": None}, None),
        ({"foreign_person_of": "US"}, {"citizenships": ["JP"], "protected_in": None}, None),
        ({"citizen_of": ["CN", "HK"]}, {"citizenships": ["HK"]}, True),
        ({"citizen_of": ["CN"]}, {"citizenships": ["HK"]}, False),
        ({"citizen_of": ["CN"]}, {"citizenships": []}, False),
        ({"citizen_of": ["CN"]}, {"citizenships": None}, None),
        ({"located_in": ["JP"]}, {}, True),
        ({"located_in": ["US"]}, {}, False),
        ({"located_in": ["US"]}, {"located_in": None}, None),
        ({"entity_in": "annex"}, {"entity": "e1"}, True),
        ({"entity_in": "annex"}, {"entity": "E1"}, False),
        ({"entity_in": "annex"}, {"entity": "e1 "}, False),
        ({"entity_in": "annex"}, {"entity": "none"}, False),
        ({"entity_in": "annex"}, {"entity": "sub"}, False),
        ({"entity_in": "annex"}, {"entity": None}, None),
        ({"headquartered_in": ["JP"]}, {"entity": "jp"}, True),
        ({"headquartered_in": ["JP"]}, {"entity": "sub"}, True),
        ({"headquartered_in": ["US"]}, {"entity": "jp"}, False),
        ({"headquartered_in": ["US"]}, {"entity": "sub"}, None),
        ({"headquartered_in": ["CN"]}, {"entity": "cn"}, True),
        ({"headquartered_in": ["US"]}, {"entity": "cn"}, None),
        ({"headquartered_in": ["US"]}, {"entity": "ghost"}, None),
        ({"headquartered_in": ["US"]}, {"entity": "none"}, False),
        ({"headquartered_in": ["US"]}, {"entity": None}, None),
    ],
)
def test_what_each_word_answers(who, facts, expected):
    assert asks(who, **facts) is expected


def test_a_tautology_over_an_unknown_fact_is_unknown():
    who = {"any_of": [{"citizen_of": ["CN"]}, {"not": {"citizen_of": ["CN"]}}]}
    assert asks(who, citizenships=["CN"]) is True
    assert asks(who, citizenships=None) is None


@given(st.integers(0, 10_000), st.data())
@settings(deadline=None)
def test_forgetting_a_fact_never_turns_a_refusal_into_an_allowance(seed, data):
    rng = random.Random(seed)
    entities = [
        Entity(line["id"], None, line.get("headquartered_in"), line.get("parent"))
        for line in population.entities(rng, 9)
    ]
    laws = [
        Directive.parse(population.document(law | {"models": ["m"], "acts": ["access"]}))
        for law in population.directives(rng, 6, [entity.id for entity in entities])
    ]
    [line] = population.persons(rng, 1, [entity.id for entity in entities])
    known = sorted(line.keys() - {"id"})
    forgotten = {name: None for name in known if data.draw(st.booleans())}
    when = {"lo": "2026-06-20T00:00:00Z", "entities": entities}
    before = reason(person(line), *laws, **when)
    after = reason(person(line | forgotten), *laws, **when)
    if before in ("refused", "needs_fact"):
        assert after in ("refused", "needs_fact"), json.dumps(line)
