"""One fold over the log: the set, who acknowledged it, what models are called, and what nobody trusted."""

import pytest

from mythos.access.ledger import Ledger, status
from mythos.errors import EvidenceError
from mythos.units import Digest

from . import estate
from .made import at, directive

A, B = directive("a"), directive("b")
NOON = at("2026-06-12T12:00:00Z")


def covered(*entries, name="a", now=NOON):
    found = status(estate.log(*entries), name, now)
    assert found is not None
    return found


def hubs(*entries, **more):
    return {row["hub"]: row["state"] for row in covered(*entries, **more)["hubs"]}


def test_the_fold_gives_every_reader_the_same_set():
    ledger = estate.log(estate.leaf(A), estate.grant(), estate.leaf(B))
    assert ledger.problems == []
    assert ledger.held == _held((1, A), (3, B))
    assert (ledger.size, ledger.held.size) == (4, 4)


def _held(*placed):
    from mythos.access.follow import DirectiveSet

    held = DirectiveSet()
    for index, one in placed:
        held = held.apply(estate.link(held, one, index), estate.TRUST).after
    return held


def test_what_nobody_trusted_signed_changes_nothing_but_the_problems():
    ledger = estate.log(estate.leaf(A, by=("stranger",)), b"not an envelope", estate.leaf(B, by=("host",)))
    assert len(ledger.held.law) == 0
    assert [problem.split(":")[0] for problem in ledger.problems] == ["entry 1", "entry 2", "entry 3"]


def test_a_log_without_a_trust_root_gives_nothing():
    ledger = Ledger.read(estate.POLICY, [estate.leaf(A)])
    assert len(ledger.held.law) == 0
    with pytest.raises(EvidenceError, match="no trust root"):
        ledger.trust_at(0)


def test_a_void_link_is_told():
    ledger = estate.log(estate.leaf(A), estate.leaf(directive("a", cite="other")))
    assert [index for index, _ in ledger.held.void] == [2]
    assert "other content" in ledger.problems[0]


def test_a_document_known_by_digest_is_found_where_the_reader_keeps_it():
    entry = estate.leaf(A, inline=False)
    assert len(estate.log(entry).held.law) == 0
    first = estate.Envelope.sign(
        estate.ROOT.statement(), *(estate.KEYS[n] for n in ("root", "approver-a", "approver-b"))
    )
    found = Ledger.read(estate.POLICY, [first.to_bytes(), entry], {A.digest: A.document}.get)
    assert list(found.held.law) == [A]


def test_names_and_parents_as_a_part_of_the_log_tells_them():
    one, two = Digest(b"1" * 32), Digest(b"2" * 32)
    ledger = estate.log(estate.identity("m", one), estate.derivation(two, one))
    assert ledger.lineage_at(3).model(str(two)).reached_by(frozenset(["m"]))
    assert not ledger.lineage_at(2).model(str(two)).reached_by(frozenset(["m"]))
    assert not ledger.lineage_at(1).model(str(one)).reached_by(frozenset(["m"]))


def test_status_of_what_the_log_does_not_hold():
    assert status(estate.log(estate.leaf(A)), "nothing", NOON) is None


def test_a_hub_is_red_until_it_acknowledged():
    grant = estate.grant()
    held = _held((1, A))
    assert hubs(estate.leaf(A), grant) == {"tokyo": "red"}
    document = covered(estate.leaf(A), grant, estate.acknowledgement(held, 1, cut=4, refused=3))
    assert document == {
        "issued_at": "2026-06-12T00:00:00Z",
        "hubs": [
            {
                "hub": "tokyo",
                "acknowledged_at": "2026-06-12T00:00:00Z",
                "streams_cut": 4,
                "persons_refused": 3,
                "state": "green",
            }
        ],
        "complete": True,
        "index": 1,
    }


def test_an_acknowledgement_of_a_later_directive_covers_the_earlier():
    held = _held((1, A), (3, B))
    entries = (estate.leaf(A), estate.grant(), estate.leaf(B))
    assert hubs(*entries, estate.acknowledgement(held, 3)) == {"tokyo": "green"}
    assert hubs(*entries, estate.acknowledgement(held, 1), name="b") == {"tokyo": "red"}


def test_an_acknowledgement_of_another_head_is_an_alarm():
    held, other = _held((1, A)), Digest(b"x" * 32)
    entries = (estate.leaf(A), estate.grant())
    assert hubs(*entries, estate.acknowledgement(held, 1, head=other)) == {"tokyo": "red"}
    ended = estate.lease(entries[1], "2026-06-12T01:00:00Z")
    assert hubs(*entries, estate.acknowledgement(held, 1, head=other), ended) == {"tokyo": "red"}
    both = (estate.acknowledgement(held, 1), estate.acknowledgement(held, 1, head=other))
    assert hubs(*entries, *both) == {"tokyo": "red"}


def test_only_the_hubs_own_key_acknowledges_for_it():
    root = estate.trust_root(
        roles={"hub": estate.Role(1, (estate.KEYS["owner"].id,), ("directive-acknowledgement",))}
    )
    held = _held((1, A))
    ledger = estate.log(
        estate.leaf(A), estate.grant(), estate.acknowledgement(held, 1, by="owner"), root=root
    )
    assert "not signed by the hub" in ledger.problems[0]
    told = status(ledger, "a", NOON)
    assert told is not None
    assert told["complete"] is False


def test_a_silent_hub_counts_as_stopped_when_its_lease_has_ended():
    grant = estate.grant()
    entries = (estate.leaf(A), grant, estate.lease(grant, "2026-06-12T13:00:00Z"))
    assert hubs(*entries, now=at("2026-06-12T12:59:59Z")) == {"tokyo": "red"}
    assert hubs(*entries, now=at("2026-06-12T13:00:00Z")) == {"tokyo": "stopped"}
    renewed = estate.lease(grant, "2026-06-12T14:00:00Z", renewal=1)
    assert hubs(*entries, renewed, now=at("2026-06-12T13:00:00Z")) == {"tokyo": "red"}
    assert covered(*entries, now=at("2026-06-12T13:00:00Z"))["complete"] is True


def test_revoking_ends_renewals_and_not_what_is_open():
    grant = estate.grant()
    entries = (estate.leaf(A), grant, estate.lease(grant, "2026-06-12T13:00:00Z"), estate.revocation(grant))
    assert hubs(*entries) == {"tokyo": "red"}
    assert hubs(*entries, now=at("2026-06-12T13:00:00Z")) == {"tokyo": "stopped"}


def test_a_hub_that_wiped_its_weights_has_stopped_and_only_its_own_word_counts():
    grant, other = estate.grant(), estate.grant("osaka", "approver-a")
    assert hubs(estate.leaf(A), grant, estate.wiped(grant)) == {"tokyo": "stopped"}
    assert hubs(estate.leaf(A), other, estate.wiped(other)) == {"osaka": "red"}
    assert hubs(estate.leaf(A), other, estate.lease(other, "2026-06-12T01:00:00Z")) == {"osaka": "red"}


def test_a_hub_with_two_grants_serves_until_the_later_ends():
    short, long = estate.grant(until="2026-06-12T01:00:00Z"), estate.grant(until="2026-12-31T00:00:00Z")
    assert hubs(estate.leaf(A), short, long) == {"tokyo": "red"}
    assert hubs(estate.leaf(A), short) == {"tokyo": "stopped"}


def test_the_trust_root_in_force_when_an_entry_came_counts():
    rotated = estate.trust_root(
        version=2, roles={"authority": estate.Role(1, (estate.KEYS["approver-a"].id,), ("directive",))}
    )
    rotation = estate.Envelope.sign(
        rotated.statement(), *(estate.KEYS[n] for n in ("root", "approver-a", "approver-b"))
    )
    ledger = estate.log(
        estate.leaf(A), rotation.to_bytes(), estate.leaf(B), estate.leaf(B, by=("approver-a",))
    )
    assert [known.id for known in ledger.held.law] == ["a", "b"]
    assert len(ledger.problems) == 1
    assert ledger.trust_at(1).version == 1
    assert ledger.trust_at(2).version == 2
