"""A directory's users as persons: what is not said, or not active, is unknown."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mythos.access.people import UNKNOWN, Facts
from mythos.access.scim import ENTERPRISE, LIST, PATCH, PERSON, USER, patch, read_users
from mythos.cli import access
from mythos.errors import AccessError

from .made import at

NOW = at("2026-06-12T12:00:00Z")
ALICE: dict[str, Any] = {
    "schemas": [USER, ENTERPRISE, PERSON],
    "id": "alice",
    "active": True,
    ENTERPRISE: {"organization": "Acme KK"},
    PERSON: {"citizenships": ["JP"], "permanent_residencies": [], "verified_until": "2026-07-01T00:00:00Z"},
}


def read(document, **how):
    return read_users(document, tenant="t", entities={"Acme KK": "acme"}, now=NOW, days=90, **how)


def test_a_user_is_a_person_of_the_tenant():
    [alice] = read(ALICE)
    assert (alice.id, alice.facts.citizenships, alice.facts.entity) == ("t/alice", ("JP",), "acme")
    assert alice.facts.permanent_residencies == ()
    assert alice.facts.protected_in is None
    assert alice.verified_until == at("2026-07-01T00:00:00Z")


def test_facts_hold_no_longer_than_they_are_believed():
    [alice] = read(ALICE | {PERSON: ALICE[PERSON] | {"verified_until": "2030-01-01T00:00:00Z"}})
    assert alice.verified_until == NOW.plus(90 * 86_400)


@pytest.mark.parametrize("change", [{"active": False}, {"active": "true"}, {PERSON: None}, {PERSON: "JP"}])
def test_who_is_not_active_or_not_described_is_unknown(change):
    [alice] = read(ALICE | change)
    assert alice.facts == UNKNOWN


@pytest.mark.parametrize("name", ["Active", "ACTIVE"])
def test_names_are_the_same_in_any_case(name):
    user = {name: False, "ID": "alice", "Schemas": ALICE["schemas"], PERSON.upper(): ALICE[PERSON]}
    assert [one.facts for one in read(user)] == [UNKNOWN]
    [alice] = read(user | {name: True})
    assert alice.facts.citizenships == ("JP",)
    with pytest.raises(AccessError, match="active stands twice"):
        read(ALICE | {name: False})
    with pytest.raises(AccessError, match="citizenships stands twice"):
        read(ALICE | {PERSON: {"citizenships": ["JP"], "Citizenships": ["US"]}})
    [alice] = read(patch(ALICE, operations({"op": "replace", "path": name, "value": False})))
    assert alice.facts == UNKNOWN


@pytest.mark.parametrize("word", ["none", "Nobody"])
def test_only_the_table_says_that_somebody_has_no_employer(word):
    user = ALICE | {ENTERPRISE: {"organization": word}}
    assert read(user)[0].facts.entity is None
    [alice] = read_users(user, tenant="t", entities={word: "none"}, now=NOW, days=90)
    assert alice.facts.entity == "none"


def test_an_employer_that_is_in_no_table_is_unknown():
    [alice] = read(ALICE | {ENTERPRISE: {"organization": "Somebody"}})
    assert alice.facts.entity is None


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"schemas": [USER]},
        {"schemas": ["x"], "id": "a"},
        {"schemas": [LIST], "Resources": 3},
        {"schemas": [LIST], "Resources": [ALICE, ALICE]},
        {"schemas": [LIST], "Resources": ["a"]},
        ALICE | {PERSON: {"citizenship": ["JP"]}},
        ALICE | {PERSON: {"citizenships": ["jp"]}},
        ALICE | {PERSON: {"citizenships": "JP"}},
        ALICE | {PERSON: {"verified_until": "soon"}},
    ],
)
def test_what_is_no_user_is_refused_whole(document):
    with pytest.raises(AccessError):
        read(document)


def operations(*listed):
    return {"schemas": [PATCH], "Operations": list(listed)}


def test_a_patch_changes_what_it_names_and_nothing_else():
    made = patch(ALICE, operations(
        {"op": "Replace", "path": "active", "value": False},
        {"op": "add", "path": f"{PERSON}:located_in", "value": "DE"},
        {"op": "remove", "path": f"{PERSON}:citizenships"},
        {"op": "replace", "value": {"active": True}},
    ))  # fmt: skip
    [alice] = read(made)
    assert (alice.facts.citizenships, alice.facts.located_in) == (None, "DE")
    assert ALICE[PERSON]["citizenships"] == ["JP"]


def test_a_patch_says_what_it_changes_by_its_schemas_too_and_adds_to_lists():
    made = patch(ALICE, operations(
        {"op": "replace", "path": f"{USER}:active", "value": False},
        {"op": "add", "path": f"{PERSON}:citizenships", "value": ["US", "JP"]},
        {"op": "add", "path": f"{PERSON}:citizenships", "value": "DE"},
        {"op": "add", "value": {PERSON: {"located_in": "FR"}, ENTERPRISE: {"Organization": "Somebody"}}},
        {"op": "replace", "path": f"{PERSON}:permanent_residencies", "value": ["FR"]},
    ))  # fmt: skip
    assert read(made)[0].facts == UNKNOWN
    [alice] = read(made | {"active": True})
    assert alice.facts == Facts(("JP", "US", "DE"), ("FR",), None, None, "FR")
    assert read(patch(ALICE, operations({"op": "remove", "path": PERSON})))[0].facts == UNKNOWN


@pytest.mark.parametrize(
    "document",
    [
        operations({"op": "remove", "path": "active"}),
        operations({"op": "replace", "path": "Schemas", "value": []}),
        operations({"op": "replace", "path": f"{USER}:id", "value": "root"}),
        operations({"op": "replace", "path": f"{PERSON}.citizenships", "value": ["US"]}),
        operations({"op": "replace", "path": f"{PERSON}:citizenships:x", "value": ["US"]}),
        operations({"op": "replace", "path": "name.givenName", "value": "x"}),
        operations({"op": "replace", "value": {f"{PERSON}:": 1}}),
        operations({"op": ["add"], "path": "active", "value": True}),
        operations("add"),
        operations({"op": "add", "path": ["active"], "value": True}),
        {},
        operations({"op": "copy", "path": "active"}),
        operations({"op": "remove", "path": "active", "value": 1}),
        operations({"op": "add", "path": "active"}),
        operations({"op": "add", "value": 3}),
        operations({"op": "replace", "path": 'emails[type eq "work"].value', "value": "x"}),
        operations({"op": "replace", "path": "id", "value": "root"}),
        {"schemas": [PATCH], "Operations": {}},
    ],
)
def test_a_wrong_patch_is_refused(document):
    with pytest.raises(AccessError):
        patch(ALICE, document)


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "u.json").write_text(json.dumps({"schemas": [LIST], "Resources": [ALICE]}))
    (tmp_path / "e.json").write_text('{"Acme KK": "acme"}')
    arguments = [
        "import",
        str(tmp_path / "u.json"),
        "--tenant",
        "t",
        "--scim",
        "--out",
        str(tmp_path / "p.jsonl"),
    ]
    CliRunner().invoke(
        access.command, [*arguments, "--employers", str(tmp_path / "e.json")], catch_exceptions=False
    )
    [line] = (tmp_path / "p.jsonl").read_text().splitlines()
    assert json.loads(line)["entity"] == "acme"
