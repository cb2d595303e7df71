"""Persons and entities: unknown is not none, and wrong lines are refused with their place."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.access.batch import answer_lines
from mythos.access.countries import COUNTRIES
from mythos.access.people import Entities, Entity, Facts, instant, person, read_entities, read_persons
from mythos.errors import AccessError, InputError
from mythos.units import Instant

from . import made

BAD = Path(__file__).parents[1] / "bad" / "access"
PERSONS = json.loads((BAD / "persons" / "expected.json").read_text())
ENTITIES = json.loads((BAD / "entities" / "expected.json").read_text())


@pytest.mark.parametrize("name", sorted(PERSONS))
def test_wrong_persons_are_refused_with_the_line(name):
    path = BAD / "persons" / f"{name}.jsonl"
    instant = Instant.parse(made.T0)
    with pytest.raises(AccessError, match=PERSONS[name]) as caught:
        answer_lines(path.read_bytes(), made.plan(), instant, where=path.name)
    assert caught.value.exit_status == 2
    assert "line 2" in str(caught.value)


@pytest.mark.parametrize("name", sorted(ENTITIES))
def test_wrong_entities_are_refused(name):
    with pytest.raises(AccessError, match=ENTITIES[name]):
        read_entities((BAD / "entities" / f"{name}.jsonl").read_bytes())


def test_every_bad_file_has_its_expectation():
    for folder, expected in (("persons", PERSONS), ("entities", ENTITIES)):
        assert {path.stem for path in (BAD / folder).glob("*.jsonl")} == set(expected)


def test_null_absent_empty_and_none_are_four_different_things():
    assert person({"id": "p"}).facts == Facts(None, None, None, None, None)
    assert person({"id": "p", "citizenships": None, "entity": None}).facts.citizenships is None
    assert person({"id": "p", "citizenships": []}).facts.citizenships == ()
    assert person({"id": "p", "entity": "none"}).facts.entity == "none"


def test_other_keys_are_left_alone_and_a_misspelt_fact_is_unknown():
    found = person({"id": "p", "citizenship": ["US"], "assurance": "high", "age": 3.5})
    assert found.facts.citizenships is None


def test_a_person_line_survives_the_round_trip():
    found = made.someone(citizenships=["JP", "US"], entity="e1")
    assert person(found.to_dict()) == found


def test_empty_lines_and_a_missing_last_line_feed_are_fine():
    lines = b'\n{"id": "a"}\r\n  \n{"id": "b"}'
    assert [one.id for one in read_persons(lines)] == ["a", "b"]


def test_a_line_separator_inside_text_does_not_end_the_line():
    assert [one.id for one in read_persons('{"id": "a\u2028b"}\n'.encode())] == ["a\u2028b"]


def test_forty_levels_of_parents_are_followed():
    chain = [Entity(f"e{n}", None, "JP", f"e{n + 1}") for n in range(40)] + [
        Entity("e40", None, "CN", "none")
    ]
    found = Entities.of(chain).chain("e0")
    assert found.seats == {"JP", "CN"}
    assert found.complete


def test_two_hundred_thousand_levels_do_not_break_the_reader():
    chain = [Entity(f"e{n}", None, "JP", f"e{n + 1}") for n in range(200_000)]
    assert not Entities.of(chain).chain("e0").complete


@pytest.mark.parametrize(
    ("entity", "seats", "complete", "missing"),
    [
        ("ghost", set(), False, ("headquartered_in", "parent")),
        ("top", {"JP"}, True, ()),
        ("no-seat", {"JP"}, False, ("headquartered_in",)),
        ("no-parent", {"DE"}, False, ("parent",)),
        ("of-ghost", {"DE"}, False, ("headquartered_in", "parent")),
        ("bare", set(), False, ("headquartered_in", "parent")),
    ],
)
def test_chains(entity, seats, complete, missing):
    known = Entities.of(
        [
            Entity("top", None, "JP", "none"),
            Entity("no-seat", None, None, "top"),
            Entity("no-parent", None, "DE", None),
            Entity("of-ghost", None, "DE", "ghost"),
            Entity("bare"),
        ]
    )
    assert known.chain(entity) == (seats, complete, missing)


codes = st.none() | st.lists(st.sampled_from(sorted(COUNTRIES)), max_size=3)


@given(codes, codes, codes, st.none() | st.text(min_size=1), st.none() | st.sampled_from(sorted(COUNTRIES)))
def test_any_line_of_the_contract_is_read_as_it_stands(citizen, resident, protected, entity, place):
    line = {
        "id": "p",
        "citizenships": citizen,
        "permanent_residencies": resident,
        "protected_in": protected,
        "entity": entity,
        "located_in": place,
        "verified_until": made.FAR,
    }
    assert person(json.loads(json.dumps(line))).to_dict() == line


def read_by(reader, text):
    try:
        return reader(text)
    except InputError:
        return "refused"


@given(st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()) | st.text(max_size=40))
def test_times_are_read_as_instants_are(text):
    assert read_by(instant, text) == read_by(Instant.parse, text)


@pytest.mark.parametrize(
    "text",
    ["2026-06-12T17:21:00-04:00", "2026-06-12T17:21:00.123456Z", "2026-06-12", "", "2026-06-12T24:00:00Z", "T00:00:00Z",
     "2026-02-29T00:00:00Z", "2024-02-29T23:59:59+14:00", "2026-06-12 00:00:00Z", "0001-01-01T00:00:00+09:00", "2026-06-12T00:00:00z",
     "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z", "2026-06-12T00:00:00+09:60"],
)  # fmt: skip
def test_times_at_the_edges_are_read_as_instants_are(text):
    assert read_by(instant, text) == read_by(Instant.parse, text)
