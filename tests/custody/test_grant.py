"""Who may make a grant hold, and everything that makes it fail: each with its own code and citation."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mythos.custody.approval import (
    Refused,
    check_request,
    describe,
    is_named_override,
    read_request,
    request_bytes,
    request_digest,
)
from mythos.custody.grant import Granted, Quorum, approvals_of, check, check_approvals
from mythos.custody.record import Record
from mythos.errors import MalformedError
from mythos.evidence.note import VerifyKey
from mythos.evidence.policy import Entry
from mythos.evidence.predicates import Approval, Approved, Grant, HubIdentity, Leg, Seal
from mythos.evidence.statement import Subject
from mythos.units import Digest, Instant

from .world import KEYS, NOW, World


def code(found: Granted | Quorum | Refused | None) -> str:
    if isinstance(found, Refused):
        assert found.reason
        assert found.cite
        return found.code
    return "granted"


def entries(record: Record, *leaves: Digest) -> list[Entry]:
    found = [record.act(leaf, Approval) for leaf in leaves]
    return [one[0] for one in found if one is not None]


def test_two_organisations_make_a_grant() -> None:
    world = World()
    request = world.request()
    a = world.approve(request, "approver-a", max_lease_seconds=1800, not_after=NOW.plus(7200))
    b = world.approve(request, "approver-b", max_lease_seconds=7200, not_before=NOW.plus(-60))
    granted = check(world.grant(request, a, b), world.record(), NOW)
    assert isinstance(granted, Granted)
    assert granted.lease_seconds == 1800, "the shortest lease that anybody allowed"
    assert granted.not_after == NOW.plus(7200)
    assert granted.not_before == NOW.plus(-60)
    assert granted.hub_key == KEYS["host"].verify_key
    assert granted.request == request


def test_one_approval_is_too_few() -> None:
    world = World()
    request = world.request()
    a = world.approve(request, "approver-a")
    found = check(world.grant(request, a), world.record(), NOW)
    assert code(found) == "approvals_too_few"
    assert code(check(world.grant(request), world.record(), NOW)) == "approvals_too_few"


def test_two_of_one_organisation_are_one() -> None:
    world = World()
    request = world.request()
    a, c = world.approve(request, "approver-a"), world.approve(request, "approver-c")
    found = check(world.grant(request, a, c), world.record(), NOW)
    assert code(found) == "same_organisation"
    assert isinstance(found, Refused)
    assert found.cite == "A"
    b = world.approve(request, "approver-b")
    assert code(check(world.grant(request, a, b, c), world.record(), NOW)) == "granted"


def test_the_same_approver_twice_is_refused() -> None:
    world = World()
    request = world.request()
    a = world.approve(request, "approver-a")
    again = world.approve(request, "approver-a", approved_at=NOW.plus(1))
    for leaves in ((a, a), (a, again)):
        assert code(check(world.grant(request, *leaves), world.record(), NOW)) == "duplicate_approver"


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "cd" * 16},
        {"lease_seconds": 7200},
        {"hub": HubIdentity("host", str(KEYS["host"].verify_key), "Host")},
        {"max_opens": 99},
        {"legs": (Leg("US", "JP", "access"),)},
    ],
)
def test_an_approval_of_another_request_does_not_count(change: dict[str, object]) -> None:
    world = World()
    request = world.request()
    other = replace(request, **change, retention_days=8)  # type: ignore[arg-type]
    a, b = world.approve(request, "approver-a"), world.approve(other, "approver-b")
    assert code(check(world.grant(request, a, b), world.record(), NOW)) == "other_request"


def test_an_approval_in_anothers_name_or_role_does_not_count() -> None:
    world = World()
    request = world.request()
    a = world.approve(request, "approver-a")
    b = world.approve(request, "approver-b", organisation="C")
    assert code(check(world.grant(request, a, b), world.record(), NOW)) == "other_organisation"
    b = world.approve(request, "approver-b", role="root")
    assert code(check(world.grant(request, a, b), world.record(), NOW)) == "other_role"
    b = world.approve(request, "approver-b", role="ghost")
    assert code(check(world.grant(request, a, b), world.record(), NOW)) == "other_role"


def test_time_bounds_everything() -> None:
    world = World()
    request = world.request()
    a = world.approve(request, "approver-a", not_before=NOW.plus(100))
    b = world.approve(request, "approver-b", not_after=NOW.plus(200))
    grant = world.grant(request, a, b)
    record = world.record()
    found = {s: code(check(grant, record, NOW.plus(s))) for s in (-4000, 0, 99, 100, 199, 200, 90_000)}
    assert found == {
        -4000: "not_yet_valid", 0: "not_yet_valid", 99: "not_yet_valid", 100: "granted", 199: "granted",
        200: "expired", 90_000: "expired",
    }  # fmt: skip


def test_a_clock_set_back_does_not_revive_a_grant() -> None:
    world = World()
    grant = world.granted(not_after=NOW.plus(60))
    assert code(check(grant, world.record(), NOW)) == "granted"
    world.seconds = NOW.micros // 1_000_000 + 61
    assert code(check(grant, world.record(), NOW)) == "expired"


def test_a_revoked_grant_is_over() -> None:
    world = World()
    grant, other = world.granted(), world.granted(nonce="cd" * 16)
    revocation = world.revoke(grant)
    found = check(grant, world.record(), NOW)
    assert code(found) == "revoked"
    assert isinstance(found, Refused)
    assert (found.cite, found.reason) == (str(revocation), "revoked: contract ended")
    assert code(check(other, world.record(), NOW)) == "granted"


def test_a_grant_must_stand_in_a_witnessed_head() -> None:
    world = World()
    grant = world.granted()
    short = Record.empty(world.record().policy)
    world.witnessed = len(world.data) - 1
    short = short.advance(world.checkpoint(), world.data[: world.witnessed])
    assert code(check(grant, short, NOW)) == "not_witnessed"
    assert code(check(Digest(bytes(32)), short, NOW)) == "not_witnessed"


def test_approvals_come_before_the_grant_and_are_named_truly() -> None:
    world = World()
    request = world.request()
    a, b = world.approve(request, "approver-a"), world.approve(request, "approver-b")
    ghost = Approved(Digest(bytes(32)), KEYS["approver-b"].id, "B")
    true = [Approved(a, KEYS["approver-a"].id, "A"), Approved(b, KEYS["approver-b"].id, "B")]
    grant = world.grant(request, approvals=(true[0], ghost))
    assert code(check(grant, world.record(), NOW)) == "approval_unknown"
    lie = replace(true[1], organisation="C")
    grant = world.grant(request, approvals=(true[0], lie))
    assert code(check(grant, world.record(), NOW)) == "grant_differs"
    early = World()
    asked = early.request()
    first = early.approve(asked, "approver-a")
    later = World(data=list(early.data))
    second = later.approve(asked, "approver-b")
    named = (Approved(first, KEYS["approver-a"].id, "A"), Approved(second, KEYS["approver-b"].id, "B"))
    grant = early.grant(asked, approvals=named)
    early.approve(asked, "approver-b")
    assert code(check(grant, early.record(), NOW)) == "approval_unknown"


LAW = {"barred": {"barred": True}, "needs_fact": {"needs": ("ops",)}, "needs_review": {"review": ("X",)}}


@pytest.mark.parametrize("finding", LAW)
def test_the_law_says_no_unless_somebody_answers_for_it(finding: str) -> None:
    world = World()
    law = world.determination(**LAW[finding])  # type: ignore[arg-type]
    request = world.request(determination=law)
    found = check_request(request, world.record())
    assert code(found) == finding
    assert found is not None
    assert "15 CFR 774" in found.cite
    for empty in ("", "   ", "because", ": reason", "Name: "):
        assert code(check_request(replace(request, override=empty), world.record())) == finding
    named = replace(request, override="A. Officer: licence D123 covers it")
    assert check_request(named, world.record()) is None
    both = [world.approve(named, name) for name in ("approver-a", "approver-b")]
    assert code(check(world.grant(named, *both), world.record(), NOW)) == "granted"
    silent = world.approve(named, "approver-b", override=None)
    grant = world.grant(named, both[0], silent)
    assert code(check(grant, world.record(), NOW)) == "override_differs"


def test_a_request_must_fit_the_log() -> None:
    world = World()
    request = world.request()
    host = request.hub
    stranger = KEYS["owner"].verify_key
    wrong: dict[str, dict[str, object]] = {
        "seal_unknown": {"seal": Digest(bytes(32))},
        "seal_differs": {"manifest": Digest(bytes(32))},
        "determination_unknown": {"determination": request.seal},
        "determination_differs": {"legs": (Leg("US", "CN", "transfer"),)},
        "organisations_required": {"organisations_required": 1},
        "purpose": {"purpose": "publish"},
        "window": {"not_after": request.not_before},
        "limits": {"max_opens": 0},
    }
    for expected, change in wrong.items():
        found = check_request(replace(request, **change), world.record())  # type: ignore[arg-type]
        assert code(found) == expected
    for hub in (
        replace(host, organisation="Ministry"),
        replace(host, key=str(stranger)),
        replace(host, key=replace_name(host.key)),
    ):
        assert code(check_request(replace(request, hub=hub), world.record())) == "other_hub"
    for change in ({"lease_seconds": 0}, {"nonce": "short"}):
        assert code(check_request(replace(request, **change), world.record())) == "limits"  # type: ignore[arg-type]
    assert code(check_request(replace(request, version=2), world.record())) == "purpose"
    for purpose, expected in (
        ("adapt", None), ("export:approver-c", None), ("export:host", "other_hub"), ("export:nobody", "other_hub"),
        ("export:", "other_hub"), ("export", "purpose"), ("adapt ", "purpose"),
    ):  # fmt: skip
        found = check_request(replace(request, purpose=purpose), world.record())
        assert (found and found.code) == expected, purpose


def replace_name(vkey: str) -> str:
    """The same public key under a name the trust root does not know."""
    return str(VerifyKey("ghost", VerifyKey.parse(vkey).public))


def test_a_seal_of_other_weights_does_not_serve() -> None:
    world = World()
    manifest = Digest.of(b"manifest")
    other = Subject("other", Digest.of(b"other weights"))
    leaf = world.act(Seal(manifest, "s", 1, (), NOW), subject=other)
    assert code(check_request(world.request(seal=leaf), world.record())) == "seal_differs"


def test_the_grant_is_about_the_weights_of_its_request() -> None:
    world = World()
    request = world.request()
    both = [world.approve(request, name) for name in ("approver-a", "approver-b")]
    good = world.grant(request, *both)
    found = world.record().act(good, Grant)
    assert found is not None
    bad = world.act(found[1], subject=Subject("other", Digest.of(b"other")))
    assert code(check(bad, world.record(), NOW)) == "grant_differs"


def test_only_usable_approvals_are_gathered() -> None:
    world = World()
    request = world.request()
    world.approve(request, "approver-a", not_after=NOW.plus(-1))
    first = world.approve(request, "approver-b")
    newer = world.approve(request, "approver-b", max_lease_seconds=60)
    usable = world.approve(request, "approver-a")
    world.approve(replace(request, retention_days=1), "approver-c")
    found = [Digest(entry.leaf) for entry in approvals_of(request, world.record(), NOW)]
    assert found == [newer, usable]
    assert first not in found


def test_requests_have_one_spelling_and_are_shown_from_it() -> None:
    world = World()
    request = world.request(override="A. Officer: licence")
    data = request_bytes(request)
    assert read_request(data) == request
    shown = dict(describe(data, world.record()))
    assert shown["digest"] == str(Digest.of(data)) == str(request_digest(request))
    assert shown["route"] == "US to JP (transfer)"
    assert shown["override"] == "A. Officer: licence"
    assert str(request.weights) in shown["model"]
    assert shown["lease"] == "3600 s, at most 3 opens"
    assert shown["law"] == "nothing bars it (1 instruments)"
    for bad in (b"", b"{}", data + b" ", data.replace(b'"lease', b'"Lease'), data[:-1]):
        with pytest.raises(MalformedError):
            read_request(bad)


def test_overrides_are_named() -> None:
    assert is_named_override("A. Officer: reason")
    assert not any(map(is_named_override, (None, "", ":", "x", "x:", ":y", " : ")))


SIGNERS = st.lists(
    st.tuples(
        st.sampled_from(["approver-a", "approver-b", "approver-c"]),
        st.integers(-100, 100),
        st.integers(1, 200),
        st.integers(0, 5000),
    ),
    max_size=4,
)


@given(SIGNERS, st.integers(-150, 250))
@settings(max_examples=60, deadline=None)
def test_a_grant_holds_only_where_every_rule_does(
    approvals: list[tuple[str, int, int, int]], second: int
) -> None:
    """Whatever is approved by whomever: a grant means two organisations, in force, narrowest terms."""
    world = World()
    request = world.request()
    leaves = [
        world.approve(
            request, name, not_before=NOW.plus(start), not_after=NOW.plus(start + length),
            max_lease_seconds=lease, approved_at=NOW.plus(number),
        )
        for number, (name, start, length, lease) in enumerate(approvals)
    ]  # fmt: skip
    now = NOW.plus(second)
    record = world.record()
    found = check_approvals(request, entries(record, *leaves), record, now)
    organisations = {"A" if name != "approver-b" else "B" for name, *_ in approvals}
    live = all(start <= second < start + length and lease for _, start, length, lease in approvals)
    distinct = len({name for name, *_ in approvals}) == len(approvals)
    assert isinstance(found, Quorum) == (live and distinct and organisations == {"A", "B"})
    if isinstance(found, Quorum):
        assert found.lease_seconds == min(3600, *(lease for *_, lease in approvals))
        assert found.not_before <= now < found.not_after
        ends = [NOW.plus(start + length) for _, start, length, _ in approvals]
        assert found.not_after == min(request.not_after, *ends)


def test_instants_are_compared_not_printed() -> None:
    assert Instant.parse("2026-06-12T21:00:00+09:00") == NOW
