"""A share leaves only for the right hub, once, within the grant; and opens only in the engine that asked."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from mythos.custody.approval import Refused
from mythos.custody.grant import Granted, check
from mythos.custody.keys import Keyring, Organisation, split
from mythos.custody.lease import Live
from mythos.custody.release import (
    EngineRelease,
    Handover,
    ReleaseAnswer,
    ReleaseRequest,
    RenewalRequest,
    answer,
    decide_release,
    decide_renewal,
    sign_message,
)
from mythos.custody.sealed import SealManifest, read_manifest
from mythos.errors import CustodyError, EvidenceError, GrantError, QuorumSplitError, SealError
from mythos.evidence.predicates import Release
from mythos.evidence.statement import Envelope
from mythos.units import Digest

from .test_sealed import GOLDEN
from .world import KEYS, NOW, World

KEK = bytes(range(32))
DEKS = {"3.0": b"\x01" * 32, "3.1": b"\x02" * 32}
SEAL: SealManifest = read_manifest(GOLDEN)
ROOT_DIGEST = Digest.of(b"trust root")
RING = Keyring.wrap(DEKS, KEK, manifest=SEAL.digest, hub="host", epoch=1)


def ask(grant: Digest, engine: EngineRelease, signer: str = "host", **changes: object) -> bytes:
    message = ReleaseRequest(
        grant=grant, hub="host", engine_key=engine.public, nonce="01" * 16, evidence=None, requested_at=NOW
    )
    return sign_message(replace(message, **changes), grant, KEYS[signer])  # type: ignore[arg-type]


def decide(
    data: bytes, world: World, *, nonces: Sequence[str] = (), opens: Sequence[Digest] = (), after: float = 0
) -> str | Handover:
    found = decide_release(data, world.record(), nonces=nonces, opens=opens, now=NOW.plus(after))
    return found.code if isinstance(found, Refused) else found


def test_the_granted_hub_gets_a_lease_within_the_grant() -> None:
    world = World()
    grant = world.granted(not_after=NOW.plus(1800), lease_seconds=3600)
    found = decide(ask(grant, EngineRelease()), world)
    assert isinstance(found, Handover)
    assert found.lease_until == NOW.plus(1800), "the grant ends before the lease would"
    assert found.open == 1
    early = World()
    found = decide(ask(early.granted(lease_seconds=60), EngineRelease()), early)
    assert isinstance(found, Handover)
    assert found.lease_until == NOW.plus(60)


def test_refusals_each_have_their_code() -> None:
    world, engine = World(), EngineRelease()
    grant = world.granted()
    good = ask(grant, engine)
    assert decide(ask(grant, engine, signer="owner"), world) == "other_hub"
    assert decide(ask(grant, engine, hub="elsewhere"), world) == "other_hub"
    assert decide(ask(Digest(bytes(32)), engine), world) == "not_witnessed"
    assert decide(ask(grant, engine, requested_at=NOW.plus(-301)), world) == "stale_request"
    assert decide(ask(grant, engine, requested_at=NOW.plus(301)), world) == "stale_request"
    assert decide(good, world, nonces=["01" * 16]) == "replayed"
    assert decide(good, world, opens=[Digest.of(good)]) == "replayed"
    assert decide(ask(grant, engine, nonce="01"), world) == "nonce"
    assert decide(ask(grant, engine, evidence="AAAA"), world) == "evidence_unchecked"
    assert decide(good, world, after=90_000) == "expired"
    world.revoke(grant)
    assert decide(good, world) == "revoked"


def test_opens_are_counted_over_this_approver_and_the_log() -> None:
    world, engine = World(), EngineRelease()
    grant = world.granted(max_opens=2)
    good = ask(grant, engine)
    own = [Digest.of(b"1")]
    found = decide(good, world, opens=own)
    assert isinstance(found, Handover)
    assert found.open == 2
    act = Release(grant, Digest.of(b"2"), "host", 1, NOW.plus(60), NOW)
    world.act(act, "approver-b")
    assert decide(good, world, opens=own) == "opens_spent"
    assert isinstance(decide(good, world), Handover)
    world.act(replace(act, release_request=Digest.of(good)), "approver-b")
    found = decide(good, world)
    assert isinstance(found, Handover), "another approver's answer to the same request is the same open"


def test_a_request_is_read_strictly() -> None:
    world, engine = World(), EngineRelease()
    grant = world.granted()
    good = ask(grant, engine)
    bad_key = ask(grant, engine, engine_key="AAAA")
    renewal = sign_message(RenewalRequest(grant, grant, 1, NOW), grant, KEYS["host"])
    for data in (b"", b"{}", good[:-3], renewal, bad_key):
        with pytest.raises(EvidenceError):
            decide(data, world)
    envelope = Envelope.parse(good)
    two = envelope.add_signature(KEYS["owner"]).to_bytes()
    assert decide(two, world) == "other_hub"


def handed(
    engine: EngineRelease, world: World, grant: Digest, names: Sequence[str] = ("approver-a", "approver-b")
) -> tuple[bytes, list[bytes]]:
    """The request, and each approver's answer to it."""
    shares = split(KEK, [Organisation("A", 1, ("approver-a",)), Organisation("B", 1, ("approver-b",))], 2)
    request = ask(grant, engine)
    found = decide(request, world)
    assert isinstance(found, Handover)
    return request, [answer(found, shares[name], RING.to_bytes(), KEYS[name], ROOT_DIGEST) for name in names]


def test_the_engine_that_asked_opens_and_gets_a_lease() -> None:
    world, engine = World(), EngineRelease(boot=lambda: 100.0)
    grant = world.granted()
    request, answers = handed(engine, world, grant)
    deks, lease = engine.combine(answers, request=request, manifest=SEAL.to_bytes())
    assert deks == DEKS
    assert lease.grant == grant
    assert lease.release_request == Digest.of(request)
    assert {str(term.approver) for term in lease.terms} == {
        str(KEYS[name].verify_key) for name in ("approver-a", "approver-b")
    }
    assert lease.now(100.0) == NOW
    assert lease.check(lease.now(130.0)) == Live(NOW.plus(3600), 3570.0)
    with pytest.raises(CustodyError, match="used already"):
        engine.combine(answers, request=request, manifest=SEAL.to_bytes())
    with pytest.raises(CustodyError, match="used already"):
        _ = engine.public


def test_no_answer_serves_another_engine_or_request() -> None:
    world, engine = World(), EngineRelease()
    grant = world.granted()
    request, answers = handed(engine, world, grant)
    manifest = SEAL.to_bytes()
    with pytest.raises(CustodyError, match="does not open"):
        EngineRelease().combine(answers, request=request, manifest=manifest)
    other = ask(grant, engine, nonce="02" * 16)
    with pytest.raises(CustodyError, match="does not open"):
        engine.combine(answers, request=other, manifest=manifest)


def test_too_few_or_mixed_shares_make_no_key() -> None:
    world, engine = World(), EngineRelease()
    grant = world.granted()
    request, answers = handed(engine, world, grant)
    _, others = handed(engine, world, grant)
    manifest = SEAL.to_bytes()
    for wrong in ([], answers[:1], [answers[0], answers[0]], [answers[0], others[1]]):
        with pytest.raises(QuorumSplitError):
            engine.combine(wrong, request=request, manifest=manifest)
    assert engine.combine(answers, request=request, manifest=manifest)[0] == DEKS


def test_answers_that_were_changed_are_refused() -> None:
    world, engine = World(), EngineRelease()
    grant = world.granted()
    request, answers = handed(engine, world, grant)
    read = ReleaseAnswer.of(Envelope.parse(answers[0]).statement())
    manifest = SEAL.to_bytes()
    longer = replace(read, not_after=NOW.plus(10**6))
    stranger = replace(read, approver=str(KEYS["owner"].verify_key))
    for message, signer in ((longer, "approver-a"), (stranger, "owner"), (read, "owner")):
        forged = sign_message(message, grant, KEYS[signer])
        with pytest.raises(CustodyError):
            engine.combine([forged, answers[1]], request=request, manifest=manifest)
    for junk in (b"", b"{}", request):
        with pytest.raises(CustodyError):
            engine.combine([junk, answers[1]], request=request, manifest=manifest)


def test_the_keyring_must_be_for_this_seal_and_hub() -> None:
    world, engine = World(), EngineRelease()
    grant = world.granted()
    request, answers = handed(engine, world, grant)
    other = replace(SEAL, release=4)
    with pytest.raises(SealError):
        engine.combine(answers, request=request, manifest=other.to_bytes())
    elsewhere = Keyring.wrap(DEKS, KEK, manifest=SEAL.digest, hub="elsewhere", epoch=1).to_bytes()
    shares = split(KEK, [Organisation("A", 1, ("approver-a",)), Organisation("B", 1, ("approver-b",))], 2)
    found = decide(request, world)
    assert isinstance(found, Handover)
    moved = [answer(found, shares[n], elsewhere, KEYS[n], ROOT_DIGEST) for n in ("approver-a", "approver-b")]
    with pytest.raises(SealError, match="another seal or hub"):
        engine.combine(moved, request=request, manifest=SEAL.to_bytes())
    older = Keyring.wrap(DEKS, bytes(32), manifest=SEAL.digest, hub="host", epoch=2).to_bytes()
    stale = [answer(found, shares[n], older, KEYS[n], ROOT_DIGEST) for n in ("approver-a", "approver-b")]
    with pytest.raises(QuorumSplitError, match="epoch 2"):
        engine.combine(stale, request=request, manifest=SEAL.to_bytes())


def test_renewals_live_as_long_as_the_grant() -> None:
    world = World()
    grant = world.granted(not_after=NOW.plus(5000))
    released = Digest.of(b"request")

    def renew(after: float, signer: str = "host", **changes: object) -> object:
        base = RenewalRequest(grant, released, 1, NOW.plus(after))
        data = sign_message(replace(base, **changes), grant, KEYS[signer])  # type: ignore[arg-type]
        found = decide_renewal(data, world.record(), answered=[released], now=NOW.plus(after))
        return found.code if isinstance(found, Refused) else found[1]

    assert renew(0) == NOW.plus(3600)
    assert renew(4000) == NOW.plus(5000)
    assert renew(5000) == "expired"
    assert renew(0, signer="owner") == "other_hub"
    assert renew(0, release_request=Digest(bytes(32))) == "not_released"
    assert renew(0, requested_at=NOW.plus(-400)) == "stale_request"
    world.revoke(grant)
    assert renew(0) == "revoked"


def test_granted_is_what_check_says() -> None:
    world = World()
    assert isinstance(check(world.granted(), world.record(), NOW), Granted)


@pytest.mark.parametrize(
    ("granted", "engine_does"), [("adapt", "serve"), ("serve", "adapt"), ("serve", "export")]
)
def test_an_engine_opens_for_what_was_granted_alone(granted: str, engine_does: str) -> None:
    world, engine = World(), EngineRelease()
    request, answers = handed(engine, world, world.granted(purpose=granted))
    with pytest.raises(GrantError, match="for another purpose"):
        engine.combine(answers, request=request, manifest=SEAL.to_bytes(), purpose=engine_does)
    assert engine.combine(answers, request=request, manifest=SEAL.to_bytes(), purpose=granted)[0] == DEKS
    assert (engine.purpose, engine.hub, engine.trust_root) == (granted, "host", ROOT_DIGEST)


def test_approvers_who_hold_other_trust_roots_release_nothing_together() -> None:
    world, engine = World(), EngineRelease()
    request, answers = handed(engine, world, world.granted())
    shares = split(KEK, [Organisation("A", 1, ("approver-a",)), Organisation("B", 1, ("approver-b",))], 2)
    found = decide(request, world)
    assert isinstance(found, Handover)
    other = answer(found, shares["approver-b"], RING.to_bytes(), KEYS["approver-b"], Digest.of(b"another"))
    with pytest.raises(QuorumSplitError):
        engine.combine([answers[0], other], request=request, manifest=SEAL.to_bytes())
