"""Before anyone signs: what the linter says, and who would be reached."""

import pytest

from mythos.access.directives import Directives
from mythos.access.lineage import Lineage
from mythos.access.people import Entities, Entity
from mythos.access.preview import conflicts, lint, preview
from mythos.errors import AccessError

from .made import at, directive, someone

NOW = at("2026-06-12T00:00:00Z")
LATER = "2026-06-13T00:00:00Z"
ACME = Entities.of([Entity("acme", "Acme", "JP", "none")])


def codes(draft, *known, unmatched=False):
    found = lint(draft, Directives.of(known), ACME, NOW, unmatched=unmatched)
    return {finding.code: finding.level for finding in found}


@pytest.mark.parametrize(
    ("draft", "code", "level"),
    [
        ({"who": {"citizen_of": ["CN"]}}, "cn", "question"),
        ({"who": {"located_in": ["CN", "HK"]}}, "cn", "question"),
        ({"who": {"citizen_of": ["CN", "HK", "MO"]}}, "cn", None),
        ({"who": {"not": {"headquartered_in": ["CN"]}}}, "cn", "question"),
        ({"who": {"citizen_of": ["IR"]}, "cite": "22 CFR 120.50"}, "itar", "error"),
        ({"who": {"any_of": [{"citizen_of": ["IR"]}]}, "cite": "ITAR § 126.1"}, "itar", "error"),
        ({"who": {"foreign_person_of": "US"}, "cite": "22 CFR 120.50"}, "itar", None),
        ({"who": {"citizen_of": ["IR"]}, "cite": "22 CFR 42.1"}, "itar", None),
        ({"cite": "15 CFR 734.13(a)(2)"}, "deemed-export", "question"),
        ({"cite": None}, "no-cite", "question"),
        ({"effect": "allow", "cite": None}, "no-cite", None),
        ({"text": "confidential"}, "cite-is-shown", "note"),
        ({"lists": {"a": ["acme"]}}, "unmatched", None),
        ({"lists": {"a": ["acme", "ACME"]}}, "unmatched", "error"),
        ({"lists": {"a": []}}, "empty-list", "error"),
        ({"ends": LATER, "effective": LATER}, "never", "error"),
        ({"effective": "2026-06-11T23:59:59Z"}, "past", "note"),
        ({"effective": "2026-06-12T00:00:00Z"}, "past", None),
        ({"effective": "2027-07-01T00:00:00Z"}, "far", "question"),
        ({"effective": "2027-06-01T00:00:00Z"}, "far", None),
    ],
)
def test_what_the_linter_says(draft, code, level):
    assert codes(directive(**({"effective": LATER} | draft))).get(code) == level


def test_ids_that_no_entity_line_describes_pass_only_when_told():
    draft = directive(lists={"a": ["ghost"]}, effective=LATER)
    assert codes(draft)["unmatched"] == "error"
    assert "unmatched" not in codes(draft, unmatched=True)


def test_lifting_an_allow_is_a_mistake():
    draft = directive("b", "allow", effective=LATER, lifts=["a"])
    assert codes(draft, directive("a", "allow"))["lifts-allow"] == "error"
    assert "lifts-allow" not in codes(draft, directive("a"))


def people():
    return [
        someone("jp", citizenships=["JP"], entity="acme"),
        someone("us", citizenships=["US"], entity="acme"),
        someone("both", citizenships=["US", "CN"]),
        someone("stateless", citizenships=[], entity="acme"),
        someone("unsure", citizenships=None, entity=None),
        someone("old", citizenships=["US"], verified_until="2026-06-12T00:00:00Z"),
    ]


def look(draft, *known, **more):
    return preview(draft, Directives.of(known), people(), ACME, Lineage(), NOW, **more)


def test_counts_by_clause_country_and_entity():
    draft = directive(
        "d", effective=LATER, who={"all_of": [{"foreign_person_of": "US"}, {"not": {"citizen_of": ["CN"]}}]}
    )
    found = look(draft)
    assert (found["persons"], found["at"]) == (6, LATER)
    assert found["clauses"][1] == {"clause": "foreign_person_of US", "true": 2, "false": 2, "unknown": 2}
    [table] = found["tables"]
    assert (table["model"], table["act"]) == ("m", "access")
    assert table["persons"] == {"allow -> refused": 2, "allow": 2, "allow -> needs_fact": 2}
    assert table["countries"] == {
        "JP": {"allow -> refused": 1},
        "US": {"allow": 2},
        "CN": {"allow": 1},
        "none": {"allow -> refused": 1},
        "unknown": {"allow -> needs_fact": 2},
    }
    assert table["entities"]["acme"] == {"allow -> refused": 2, "allow": 1}


def test_a_supersession_shows_who_and_what_it_frees():
    order = directive(
        "order", models=["m", "n"], acts=["access", "transfer"], effective="2026-06-01T00:00:00Z"
    )
    draft = directive(
        "lift",
        "allow",
        models=["m"],
        effective=LATER,
        supersedes=["order"],
        narrows=True,
        who={"citizen_of": ["JP"]},
    )
    found = look(draft, order)
    assert found["freed"] == [{"directive": "order", "frees": ["n", "transfer"]}]
    assert {(t["model"], t["act"]): t["persons"] for t in found["tables"]}["n", "transfer"] == {
        "refused -> allow": 6
    }


def test_sessions_are_counted_with_their_persons():
    found = look(
        directive("d", effective=LATER), sessions={("jp", "m"): 3, ("us", "m"): 1, ("jp", "other"): 9}
    )
    assert found["tables"][0]["sessions"] == {"allow -> refused": 4}


def test_a_draft_about_every_model_looks_at_a_model_of_no_name():
    found = look(directive("d", models=["*"], effective=LATER))
    assert [table["model"] for table in found["tables"]] == ["*"]
    found = look(directive("d", models=["*"], effective=LATER), models=["m", "n"])
    assert [table["model"] for table in found["tables"]] == ["m", "n"]


def test_other_authorities_that_pull_the_other_way():
    draft = directive("d", "allow", effective=LATER)
    opposite = directive("o", authority="jp-meti", effective="2026-06-01T00:00:00Z")
    others = [
        opposite,
        directive("same-side", "allow", authority="jp-meti"),
        directive("own"),
        directive("elsewhere", authority="jp-meti", models=["n"]),
        directive("other-act", authority="jp-meti", acts=["transfer"]),
        directive("over", authority="jp-meti", ends=LATER),
        directive("everywhere", authority="op", models=["*"]),
    ]
    found = conflicts(draft, Directives.of(others), at(LATER))
    assert [row["directive"] for row in found] == ["o", "everywhere"]


def test_a_draft_that_contradicts_what_is_known_is_refused():
    with pytest.raises(AccessError, match="other content"):
        look(directive("d", cite="x"), directive("d"))


def test_a_draft_that_is_known_already_changes_nothing():
    known = directive("d", effective="2026-06-01T00:00:00Z")
    assert look(known, known)["tables"][0]["persons"] == {"refused": 6}
