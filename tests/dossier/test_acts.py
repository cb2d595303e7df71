import types
from dataclasses import is_dataclass
from typing import Any, Union, get_args, get_origin

import pytest
from tests.dossier.conftest import KEYS, WEIGHTS, Story, digest, make_policy, take

from mythos.dossier.acts import KINDS, read
from mythos.dossier.build import build
from mythos.evidence.predicates import PREDICATES
from mythos.evidence.predicates.codec import shape
from mythos.evidence.statement import Envelope, Statement, Subject, predicate_type
from mythos.evidence.verify import verify
from mythos.units import Instant


def acts(story: Story) -> Any:
    dossier = build(make_policy(), take(story), WEIGHTS, Instant.parse("2030-01-01T00:00:00Z"))
    return read(story.entries, verify(dossier.evidence, make_policy(), now=2_000_000_000))


def parts(kind: Any) -> Any:
    """The record inside `tuple[X, ...]` and `X | None`."""
    if get_origin(kind) in {types.UnionType, Union, tuple}:
        return parts(next(a for a in get_args(kind) if a not in {types.NoneType, Ellipsis}))
    return kind


def has(record: Any, path: str) -> bool:
    name, _, rest = path.partition(".")
    fields = {json: kind for _, json, kind in shape(record)}
    if name not in fields:
        return False
    return not rest or (is_dataclass(parts(fields[name])) and has(parts(fields[name]), rest))


def test_every_kind_of_act_has_a_row() -> None:
    assert list(KINDS)
    assert set(KINDS) == set(PREDICATES)


@pytest.mark.parametrize("kind", sorted(PREDICATES))
def test_a_row_names_fields_that_exist_in_both_languages(kind: str) -> None:
    row, record = KINDS[kind], PREDICATES[kind]
    for path in (*row["fields"], *([row["time"]] if isinstance(row["time"], str) else row["time"])):
        assert has(record, path), f"{kind} has no field {path}"
    for words in (row["title"], row["says"], *row["fields"].values()):
        assert words["en"].strip()
        assert words["ja"].strip()
    assert {name for name, spec in row["fields"].items() if "sum" in spec} <= {
        f for f in row["fields"] if "." not in f
    }
    rule = row["level"]
    assert rule in {"signed", "declared", "counted"} if isinstance(rule, str) else has(record, rule["by"])


def test_the_signers_organisations_are_those_of_the_trust_root(story: Story) -> None:
    story.everything()
    by_kind = {act.kind: act for act in acts(story)}
    assert set(by_kind) == set(PREDICATES)
    assert by_kind["approval"].organisations == ("Regional Hub KK",)
    assert by_kind["grant"].organisations == ("Example Models Inc.", "Regional Hub KK")
    assert not [act for act in by_kind.values() if act.distrust]


def test_a_grant_does_not_borrow_organisations_from_approvals_that_are_not_there(story: Story) -> None:
    story.trust()
    story.identity()
    body = {
        "request": story.request(),
        "approvals": [{"leaf": str(digest("none")), "approver": "x", "organisation": "Regional Hub KK"}],
        "shares": [],
        "keyEpoch": 0,
        "grantedAt": story.now,
    }
    story.add("grant", "owner", body)
    assert acts(story)[-1].organisations == ("Example Models Inc.",)


def test_what_cannot_be_trusted_is_kept_with_its_reason(story: Story) -> None:
    story.live()
    story.add("wiped", "host", {"anything": 1}, version=2)
    story.add("teleport", "host", {"anything": 1})
    story.add("seal", "owner", {"fields": "of something else"})
    story.identity()  # a good one after the bad
    story.add("seal", "host", {})  # the host may not seal
    body = {"name": "x"}
    forged = Envelope.sign(
        Statement((Subject("m", WEIGHTS),), predicate_type("model-identity"), body), KEYS["owner"]
    )
    other = Envelope(forged.payload.replace(b'"x"', b'"y"'), forged.signatures)
    story.entries += [other.to_bytes(), b"not an envelope"]
    found = acts(story)
    assert len(found) == len(story.entries)
    assert [(act.kind, act.distrust) for act in found[-7:]] == [
        ("wiped/v2", "unknown_version"),
        ("teleport/v1", "unknown_act"),
        ("seal", "malformed"),
        ("model-identity", ""),
        ("?", "not_trusted"),
        ("?", "bad_signature"),
        ("?", "malformed"),
    ]


def test_an_act_that_no_role_may_sign_is_kept_and_not_trusted(story: Story) -> None:
    story.trust(without="auditor")
    story.identity()
    body = {
        "hub": "h",
        "batch": 0,
        "receipt": "r",
        "reason": "none",
        "askedAt": story.now,
        "reportedAt": story.now,
    }
    story.add("unopened", "owner", body)
    assert [(act.kind, act.distrust) for act in acts(story)][-1] == ("unopened", "not_trusted")
