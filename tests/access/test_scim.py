"""A directory's users as persons: what is not said, or not active, is unknown."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mythos.access.people import UNKNOWN
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


@pytest.mark.parametrize(
    "document",
    [
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
