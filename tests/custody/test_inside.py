"""What an engine seals in its memory: readable by all its organisations together, at one hub, and by nobody else."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mythos.custody.approval import Refused
from mythos.custody.grant import Quorum
from mythos.custody.inside import (
    EPOCH,
    KEYS_FILE,
    Kept,
    SealedInside,
    answerable,
    check_holders,
    holders,
    place_of,
    seal_inside,
    trusted_root,
)
from mythos.custody.keys import Keyring, combine
from mythos.custody.record import root_digest
from mythos.custody.release import deposit_info
from mythos.custody.seal import open_into
from mythos.custody.sealed import check
from mythos.errors import GrantError, NotTrustedError, QuorumSplitError, SealError
from mythos.evidence.note import encode64
from mythos.evidence.predicates import Approved, DatasetAdmitted, Leg, Seal
from mythos.evidence.statement import Envelope, canonical
from mythos.units import Digest

from .world import HPKE, KEYS, NOW, ROOT, SUBJECT, World, signed

PLAIN = {"config.json": b"{}", "weights.safetensors": bytes(range(256)) * 40, "z.json": b""}
ADMITTED = DatasetAdmitted(None, "Apache-2.0", "JP", "JP", (), 1, NOW)


def made(organisations: tuple[str, ...] = ("A", "B")) -> SealedInside:
    return seal_inside(
        PLAIN, name="a", hub="host", organisations=organisations, root=ROOT, now=NOW, segment=1024
    )


def shares(kept: Kept) -> dict[str, str]:
    return {
        approver: HPKE[approver.partition("+")[0]]
        .open(wrapped, deposit_info(kept.manifest, approver, EPOCH))
        .decode()
        for approver, _, wrapped in kept.shares
    }


def quorum(*names: str) -> Quorum:
    organisations = {"approver-a": "A", "approver-c": "A", "approver-b": "B", "owner": "Owner"}
    approved = tuple(Approved(Digest.of(n.encode()), KEYS[n].id, organisations[n]) for n in names)
    return Quorum(approved, NOW, NOW.plus(60), 60)


def test_it_opens_again_with_all_organisations_and_with_no_fewer(tmp_path: Path) -> None:
    sealed = made()
    assert set(sealed.files) == {f"{name}.sealed" for name in PLAIN} | {"seal.json", KEYS_FILE}
    for name, data in sealed.files.items():
        if name != KEYS_FILE:
            (tmp_path / name).write_bytes(data)
    manifest, problems = check(tmp_path)
    assert (manifest, problems) == (sealed.manifest, ())
    kept = Kept.parse(sealed.files[KEYS_FILE])
    assert kept.organisations == ("A", "B")
    by = shares(kept)
    assert len(by) == 3, "two approvers of A, one of B"
    ids = {name: KEYS[name].id for name in ("approver-a", "approver-b", "approver-c")}
    for few in (["approver-a", "approver-c"], ["approver-a", "approver-b"], ["approver-b"]):
        with pytest.raises(QuorumSplitError):
            combine(by[ids[name]] for name in few)
    deks = Keyring.parse(kept.keyring).open(combine(by.values()))
    for file in manifest.files:
        buffer = bytearray(file.plaintext_bytes)
        open_into(file.within(tmp_path), file, deks[file.dek_id], memoryview(buffer))
        assert bytes(buffer) == PLAIN[file.path]


def test_nothing_plain_is_in_what_leaves_the_process() -> None:
    leaves = b"".join(made().files.values())
    assert PLAIN["weights.safetensors"][:64] not in leaves
    kept = Kept.parse(made().files[KEYS_FILE])
    assert all(mnemonic.encode() not in leaves for mnemonic in shares(kept).values())


def test_a_grant_needs_each_organisation_with_enough_of_its_approvers() -> None:
    kept = Kept.parse(made().files[KEYS_FILE])
    for names, missing in (
        (("approver-a", "approver-b"), "A did not"),
        (("approver-a", "approver-c"), "B did not"),
        (("owner", "approver-b"), "A did not"),
        (("owner", "approver-a"), "A and B did not"),
    ):
        found = kept.issue(kept.manifest, quorum(*names))
        assert isinstance(found, Refused)
        assert found.code == "organisation_missing"
        assert missing in found.reason
    enough = kept.issue(kept.manifest, quorum("approver-a", "approver-b", "approver-c", "owner"))
    assert not isinstance(enough, Refused)
    assert (enough.epoch, len(enough.shares), enough.keyring) == (EPOCH, 3, kept.keyring)
    other = kept.issue(Digest.of(b"other"), quorum("approver-a", "approver-b", "approver-c"))
    assert isinstance(other, Refused)
    assert other.code == "other_keyring"


def test_one_organisation_cannot_hold_it_alone() -> None:
    for organisations in (("A",), ("A", "A"), ()):
        with pytest.raises(QuorumSplitError):
            made(organisations=organisations)
    with pytest.raises(QuorumSplitError, match="Host has no approver"):
        made(organisations=("A", "Host"))
    members, keys = holders(ROOT, "A")
    assert (members.threshold, len(keys)) == (2, 2)


def test_who_could_not_agree_later_is_refused_before_the_work() -> None:
    check_holders(("A", "B"), ROOT)
    for organisations in (("A", "A"), ("A",), ("A", "B", "A"), ()):
        with pytest.raises(QuorumSplitError, match="hold the key alone"):
            check_holders(organisations, ROOT)
    with pytest.raises(QuorumSplitError, match="Host has no approver"):
        check_holders(("A", "Host"), ROOT)


def test_a_hub_is_where_the_weights_arrive_and_not_where_answers_go() -> None:
    request = World().request()
    weights, served = Leg("US", "JP", "weights"), Leg("JP", "SG", "api")
    assert place_of(replace(request, legs=(weights, served))) == "JP"
    assert place_of(replace(request, legs=(Leg("US", "KR", "transfer"), Leg("KR", "JP", "transfer")))) == "JP"
    for legs in ((), (served,), (Leg("US", "JP", "access"),)):
        with pytest.raises(GrantError, match="moves no weights"):
            place_of(replace(request, legs=legs))


def test_keys_that_were_changed_are_refused() -> None:
    good = made().files[KEYS_FILE]
    body = json.loads(good)
    ring = Keyring.parse(Kept.parse(good).keyring)
    epoch = replace(ring, epoch=1)
    wrongs: tuple[dict[str, Any], ...] = (
        {"v": 2}, {"manifest": str(Digest.of(b"x"))}, {"keyring": "AAAA"}, {"shares": 3}, {"shares": [{}]},
        {"keyring": encode64(epoch.to_bytes())}, {"more": 1},
    )  # fmt: skip
    for wrong in wrongs:
        with pytest.raises(SealError):
            Kept.parse(canonical(body | wrong))
    for junk in (b"", b"[]", good[:-1], good + b"\n"):
        with pytest.raises(SealError):
            Kept.parse(junk)


def test_the_engine_believes_what_the_right_key_signed() -> None:
    act = signed(ADMITTED, "owner")
    assert answerable(act, DatasetAdmitted.NAME, SUBJECT.digest, ROOT) == "Owner"
    for data, kind, about in (
        (act, Seal.NAME, SUBJECT.digest),
        (act, DatasetAdmitted.NAME, Digest.of(b"other")),
        (signed(ADMITTED, "host"), DatasetAdmitted.NAME, SUBJECT.digest),
        (signed(ADMITTED, "approver-a"), DatasetAdmitted.NAME, SUBJECT.digest),
    ):
        with pytest.raises(NotTrustedError):
            answerable(data, kind, about, ROOT)


def test_who_signs_along_answers_for_nothing() -> None:
    """A hub that put its own signature first would otherwise be the one who holds the key."""
    statement = ADMITTED.statement(SUBJECT)
    both = Envelope.sign(statement, KEYS["host"], KEYS["owner"]).to_bytes()
    assert answerable(both, DatasetAdmitted.NAME, SUBJECT.digest, ROOT) == "Owner"
    role = ROOT.roles["owner"]
    wider = replace(
        ROOT,
        roles={**ROOT.roles, "holder": replace(role, keys=(KEYS["host"].id,), acts=("dataset-admitted",))},
    )
    with pytest.raises(NotTrustedError, match="several have said"):
        answerable(both, DatasetAdmitted.NAME, SUBJECT.digest, wider)


def test_the_engine_believes_the_trust_root_that_the_approvers_hold() -> None:
    record = World().record()
    assert trusted_root(ROOT.to_dict(), record.root_digest) == ROOT
    stranger = replace(ROOT, version=9).to_dict()
    assert root_digest(stranger) != record.root_digest
    with pytest.raises(NotTrustedError, match="another trust root"):
        trusted_root(stranger, record.root_digest)
