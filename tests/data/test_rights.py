"""Right is per document and purpose; what is unknown is not allowed."""

import json
import re
from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.data import PURPOSES, Adoption, OptOut, Place, Record, decide, shipped
from mythos.errors import DataError

from .conftest import NONE, ON, OPEN, WORK

JP = Place("JP", "JP", third_party=False)
PERSON = Record(
    source="crm",
    opt_out=NONE,
    subject="personal",
    origin="JP",
    residency=("*",),
    consent=("retrieve", "export"),
)
CASES = [
    (OPEN, "train", JP, "allow", "DATA-LICENCE-PERMISSIVE"),
    (OPEN, "quote", JP, "allow", "DATA-LICENCE-PERMISSIVE"),
    (OPEN, "export", Place("JP", "US", third_party=True), "allow", "DATA-LICENCE-PERMISSIVE"),
    (OPEN, "export", Place("JP", "SG", third_party=True), "deny", "DATA-RESIDENCY"),
    (WORK, "train", JP, "allow", "JP-DATA-30-4"),
    (WORK, "retrieve", JP, "needs_review", "JP-DATA-30-4"),
    (WORK, "quote", JP, "deny", ""),
    (WORK, "export", JP, "deny", ""),
    (replace(WORK, residency=("SG",)), "train", Place("SG", "SG", third_party=False), "deny", ""),
    (replace(WORK, analysis_licence_offered=True), "train", JP, "deny", ""),
    (replace(WORK, opt_out=replace(NONE, tdmrep="reserved")), "train", JP, "deny", "DATA-OPT-OUT"),
    (replace(OPEN, opt_out=OptOut("none", "none", None)), "train", JP, "deny", "DATA-OPT-OUT"),
    (replace(OPEN, licence="GPL-2.0-or-later"), "train", JP, "needs_review", "DATA-LICENCE-COPYLEFT"),
    (replace(OPEN, licence="GPL-2.0-or-later"), "quote", JP, "allow", "DATA-LICENCE-COPYLEFT"),
    (replace(OPEN, licence="GPL-2.0-or-later OR MIT"), "train", JP, "allow", "DATA-LICENCE-PERMISSIVE"),
    (replace(OPEN, licence="GPL-2.0-or-later AND MIT"), "train", JP, "needs_review", "DATA-LICENCE-COPYLEFT"),
    (replace(OPEN, licence="LicenseRef-mine"), "quote", JP, "deny", ""),
    (replace(OPEN, licence="odd AND (x OR MIT OR y)"), "quote", JP, "deny", ""),
    (replace(OPEN, licence="MIT OR (odd"), "quote", JP, "deny", ""),
    (replace(OPEN, licence="mit"), "quote", JP, "deny", ""),
    (replace(OPEN, copied_on=ON), "train", JP, "allow", "DATA-LICENCE-PERMISSIVE"),
    (replace(OPEN, copied_on=date(2026, 11, 27)), "train", JP, "deny", "DATA-OPT-OUT"),
    (PERSON, "retrieve", JP, "allow", "DATA-CONSENT"),
    (PERSON, "train", JP, "deny", "DATA-PERSONAL"),
    (PERSON, "export", Place("JP", "US", third_party=True), "deny", "JP-APPI-28"),
    (PERSON, "export", Place("JP", "US"), "deny", "JP-APPI-28"),
    (replace(PERSON, gateway="consent_with_information"), "export", Place("JP", "US", third_party=True), "allow", "DATA-CONSENT"),
    (replace(PERSON, gateway="equivalent_country"), "export", Place("JP", "GB", third_party=True), "allow", "DATA-CONSENT"),
    (replace(PERSON, gateway="equivalent_country"), "export", Place("JP", "US", third_party=True), "needs_review", "JP-APPI-28"),
    (Record(source="unknown"), "train", JP, "deny", "DATA-OPT-OUT"),
]  # fmt: skip


@pytest.mark.parametrize(("record", "purpose", "place", "outcome", "clause"), CASES)
def test_each_case_comes_to_its_outcome_under_its_clause(
    pack, record, purpose, place: Place, outcome, clause
):
    found = decide(record, purpose, place, pack, ON)
    assert (found.outcome, found.clause) == (outcome, clause), found.words


def test_the_words_name_pack_clause_and_who_adopted_it_and_never_say_legal(pack):
    words = decide(OPEN, "train", JP, pack, ON).words
    assert words == (
        "permitted under pack JP-DATA-2026-11 clause DATA-LICENCE-PERMISSIVE, adopted by Aoi Sato on 2026-11-25"
    )
    cases: list[Any] = [*CASES]
    for record, purpose, place, *_ in cases:
        assert not re.search(
            r"\b(il)?legal\b|lawful|適法|合法", decide(record, purpose, place, pack, ON).words
        )


def test_a_pack_that_nobody_adopted_permits_nothing():
    assert {decide(OPEN, one, JP, shipped(), ON).outcome for one in PURPOSES} == {"needs_review"}
    later = shipped().adopted(Adoption(str(shipped().digest), "Aoi Sato", date(2026, 11, 27)))
    found = decide(OPEN, "train", JP, later, ON)
    assert (found.outcome, found.adopted_by) == ("needs_review", None)


def test_a_law_counts_from_its_first_day_and_an_adoption_from_its_own():
    since = date(2019, 1, 1)
    adopted = shipped().adopted(Adoption(str(shipped().digest), "Aoi Sato", since))
    before = decide(WORK, "train", JP, adopted, date(2018, 12, 31))
    assert (before.outcome, before.clause) == ("deny", "")
    assert decide(WORK, "train", JP, adopted, since).words.startswith("permitted under")
    assert decide(WORK, "train", JP, adopted, date(2026, 10, 1)).notes == ("the first day was not re-read",)
    later = decide(WORK, "train", JP, adopted, date(2026, 10, 2)).notes
    assert later[0] == "not verified after 2026-10-01"


def test_a_denial_for_want_of_facts_names_them(pack):
    found = decide(Record(source="unknown"), "train", JP, pack, ON)
    assert set(found.needs) == {
        "opt_out_robots",
        "opt_out_tdmrep",
        "opt_out_c2pa",
        "leaves_residency",
        "personal_subject",
    }


RECORDS = st.builds(
    Record,
    source=st.just("s"),
    licence=st.sampled_from([None, "MIT", "GPL-2.0-only", "odd", "MIT AND odd", "MIT OR odd"]),
    opt_out=st.builds(OptOut, *[st.sampled_from([None, "none", "reserved"])] * 3),
    subject=st.sampled_from([None, "none", "personal"]),
    residency=st.sampled_from([None, ("JP",), ("US", "JP"), ("*",), ()]),
    consent=st.sampled_from([None, (), ("train",), PURPOSES]),
    analysis_licence_offered=st.sampled_from([None, True, False]),
    gateway=st.sampled_from([None, "consent_with_information", "equivalent_system", "equivalent_country"]),
)
PLACES = st.sampled_from(
    [JP, Place("JP", "US"), Place("JP", "US", third_party=True), Place("JP", "DE", third_party=False)]
)


FIELDS = [
    f.name
    for f in fields(Record)
    if f.name not in {"source", "opt_out", "terms", "copied_on", "origin", "evidence"}
]


@given(RECORDS, st.sampled_from(PURPOSES), PLACES, st.sampled_from(FIELDS))
def test_what_is_allowed_without_a_fact_is_allowed_whatever_the_fact_is(pack, record, purpose, place, name):
    where = place if purpose == "export" else JP
    if decide(replace(record, **{name: None}), purpose, where, pack, ON).allowed:
        assert decide(record, purpose, where, pack, ON).allowed
    if decide(replace(record, opt_out=OptOut()), purpose, where, pack, ON).allowed:
        assert purpose in {"retrieve", "quote"} or "train" in (record.consent or ())


@given(RECORDS, st.sampled_from(PURPOSES), PLACES)
def test_every_question_has_an_answer_that_is_json(pack, record, purpose, place):
    found = decide(record, purpose, place if purpose == "export" else JP, pack, ON)
    again = json.loads(json.dumps(found.document()))
    assert again["outcome"] in {"allow", "needs_review", "deny"}
    assert found.digest == decide(record, purpose, place if purpose == "export" else JP, pack, ON).digest
    assert found.allowed == found.words.startswith("permitted under pack")


@given(RECORDS)
def test_a_record_comes_back_from_its_document(record):
    assert Record.parse(json.loads(json.dumps(record.document())), "r").digest == record.digest


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"source": ""},
        {"source": "s", "licence": 3},
        {"source": "s", "opt_out": {"robots": "maybe"}},
        {"source": "s", "colour": "red"},
        {"source": "s", "consent": ["sell"]},
        {"source": "s", "terms": "sha256:12"},
        {"source": "s", "copied_on": "yesterday"},
        [],
    ],
)
def test_a_wrong_record_is_refused(body):
    with pytest.raises(DataError):
        Record.parse(body, "r")


def test_a_purpose_that_does_not_move_data_has_one_place_and_only_known_purposes_are_asked(pack):
    with pytest.raises(DataError):
        decide(OPEN, "train", Place("JP", "US"), pack, ON)
    with pytest.raises(DataError):
        decide(OPEN, "sell", JP, pack, ON)  # pyright: ignore[reportArgumentType]
    with pytest.raises(DataError):
        decide(OPEN, "export", Place("JP", "Japan"), pack, ON)


def test_the_form_of_a_decision_is_kept(pack, root):
    found = decide(
        replace(PERSON, gateway="equivalent_country"), "export", Place("JP", "US", third_party=True), pack, ON
    )
    body = {name: value for name, value in found.document().items() if name != "pack_digest"}
    assert body == json.loads((root / "tests/golden/data/decision.json").read_text())
    record = json.loads((root / "tests/golden/data/record.json").read_text())
    assert json.loads(json.dumps(OPEN.document())) == record
    assert str(OPEN.digest) == "sha256:4bfce5525207ee507ff77d36818bf06ba7a095f01ad62800ea0f08830b41dd29"
