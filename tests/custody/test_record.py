"""A record believes only what two witnesses cosigned, and never goes back."""

import pytest

from mythos.custody.record import Record
from mythos.errors import InconsistentError, NotTrustedError, QuorumError
from mythos.evidence.merkle import leaf_hash
from mythos.evidence.merkle import root as merkle_root
from mythos.evidence.note import Checkpoint, SigningKey, cosign
from mythos.evidence.policy import Policy
from mythos.evidence.predicates import Approval, Grant, Seal

from .world import KEYS, LOG, POLICY, WITNESSES, World, signed


def test_acts_are_found_by_leaf_and_kind() -> None:
    world = World()
    seal = world.seal()
    request = world.request(seal=seal)
    approval = world.approve(request, "approver-a")
    record = world.record()
    found = record.act(seal, Seal)
    assert found is not None
    assert found[0].index == 1
    assert record.act(seal, Approval) is None
    assert record.act(approval, Seal) is None
    assert [e.index for e, _ in record.all(Approval)] == [3]
    assert record.all(Grant) == []
    assert record.cosigners == ("host-witness", "regulator-witness")
    assert record.time.micros // 1_000_000 == world.seconds
    assert record.organisation(KEYS["approver-b"].id) == "B"
    assert record.organisation("stranger+00000000") == ""


def test_advancing_in_steps_is_advancing_at_once() -> None:
    world = World()
    record = Record.empty(POLICY).advance(world.checkpoint(), world.data)
    world.granted()
    world.seconds -= 30
    later = record.advance(world.checkpoint(), world.data[record.size :])
    assert later.acts == world.record().acts
    assert later.time == record.time, "an older cosignature does not turn the clock back"
    assert later.advance(world.checkpoint(), []).acts == later.acts


def test_one_witness_is_not_two_parties() -> None:
    world = World(cosigners=WITNESSES[:1])
    with pytest.raises(QuorumError, match="too few parties"):
        world.record()
    world.cosigners = (WITNESSES[0], SigningKey(WITNESSES[0].name, bytes(32), WITNESSES[0].kind))
    with pytest.raises(QuorumError):
        world.record()
    world.cosigners = ()
    with pytest.raises(QuorumError):
        world.record()


def test_the_readers_quorum_counts_too() -> None:
    """Two cosigners whom the trust root names are not enough for a reader who asks for a third."""
    world = World()
    third = SigningKey.generate("third", cosigner=True)
    lines = [
        f"log {LOG.verify_key}",
        *(f"witness {w.name} {w.verify_key}" for w in (*WITNESSES, third)),
        "group all-three all regulator-witness host-witness third",
        "quorum all-three",
        *(f"root {KEYS[n].verify_key}" for n in ("root", "approver-a", "approver-b")),
        "threshold 2",
    ]
    policy = Policy.parse("\n".join(lines) + "\n")
    with pytest.raises(QuorumError):
        Record.empty(policy).advance(world.checkpoint(), world.data)


def test_forks_rollbacks_and_swapped_entries_are_refused() -> None:
    world = World()
    world.seal()
    record = world.record()
    with pytest.raises(InconsistentError, match="does not follow"):
        record.advance(World().checkpoint(), [])
    fork = World()
    fork.determination()
    with pytest.raises(InconsistentError, match="not those its head covers"):
        record.advance(fork.checkpoint(), [])
    with pytest.raises(InconsistentError, match="not those its head covers"):
        Record.empty(POLICY).advance(world.checkpoint(), fork.data)


def test_a_head_of_another_log_or_unsigned_is_refused() -> None:
    world = World()
    head = Checkpoint(LOG.name, len(world.data), merkle_root(map(leaf_hash, world.data)))
    for origin, signer in ((LOG.name, SigningKey(LOG.name, bytes(32))), ("other.test", LOG)):
        note = Checkpoint(origin, head.size, head.root).sign(signer)
        note = note.with_signatures([cosign(w, note.text, world.seconds) for w in WITNESSES])
        with pytest.raises(NotTrustedError):
            Record.empty(POLICY).advance(str(note), world.data)


def test_an_entry_its_signer_may_not_say_stops_the_reading() -> None:
    world = World()
    request = world.request()
    approval = Approval(
        request=world.seal(), role="approver", organisation="Owner", not_before=request.not_before,
        not_after=request.not_after, max_lease_seconds=1, override=None, approved_at=request.not_before,
    )  # fmt: skip
    world.append([signed(approval, "owner")])
    with pytest.raises(NotTrustedError, match="may not say approval"):
        world.record()
