"""An approver and an owner over one log: one answer for a request, and kills that double nothing."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

import mythos.custody.approver as module
from mythos.custody import owner
from mythos.custody.approver import Approver, Follower, ShareDeposit
from mythos.custody.grant import Quorum, approvals_of, check_approvals
from mythos.custody.keys import Keyring
from mythos.custody.lease import Renewal
from mythos.custody.release import EngineRelease, ReleaseRequest, RenewalRequest, sign_message
from mythos.custody.seal import seal
from mythos.custody.sealed import SealManifest
from mythos.errors import CustodyError, GrantError, InputError, LogError, NetworkError
from mythos.evidence.note import decode64, encode64
from mythos.evidence.predicates import Grant, GrantRequest, Release, Revocation
from mythos.evidence.statement import Envelope
from mythos.units import Digest, Instant
from mythos.weights import identify

from .world import HPKE, KEYS, NOW, POLICY, SUBJECT, World, signed

NAMES = ("approver-a", "approver-b")
SECRET = b"CANARY-WEIGHTS" * 500


@dataclass
class Estate:
    """A sealed model, its owner, two approvers, all over one log in memory."""

    world: World
    folder: Path
    manifest: SealManifest
    approvers: dict[str, Approver]
    deposits: dict[str, bytes]
    grant: Digest
    request: GrantRequest
    now: Instant = field(default=NOW)

    def ask(self, engine: EngineRelease, **changes: Any) -> bytes:
        message = ReleaseRequest(
            grant=self.grant, hub="host", engine_key=engine.public, nonce=os.urandom(16).hex(),
            evidence=None, requested_at=self.now,
        )  # fmt: skip
        return sign_message(replace(message, **changes), self.grant, KEYS["host"])

    def deposit(self) -> None:
        for name, approver in self.approvers.items():
            approver.deposit(self.deposits[KEYS[name].id])

    def released(self) -> list[str]:
        return [e.signers[0].partition("+")[0] for e, _ in self.world.record().all(Release)]


def estate(tmp_path: Path, **changes: object) -> Estate:
    world, folder = World(), tmp_path / "owner"
    model = tmp_path / "weights.bin"
    model.write_bytes(SECRET)
    folder.mkdir(mode=0o700)
    made = seal(
        model, tmp_path / "sealed", identity=identify(model), release=1, now=NOW, segment=1024,
        keep=lambda sealed: owner.keep(folder, sealed),
    )  # fmt: skip
    request = world.request(manifest=made.manifest.digest, **changes)
    for name in NAMES:
        world.approve(request, name)
    record = world.record()
    quorum = check_approvals(request, approvals_of(request, record, NOW), record, NOW)
    assert isinstance(quorum, Quorum)
    issue = owner.prepare(folder, request, quorum, record.keys or {}, epoch=1)
    again = owner.prepare(folder, request, quorum, record.keys or {}, epoch=1)
    assert issue == again, "a second call finds what the first one made"
    grant = world.act(owner.grant_act(request, quorum, issue, NOW))
    approvers: dict[str, Approver] = {}
    built = Estate(world, folder, made.manifest, approvers, {}, grant, request)
    for name in NAMES:
        (tmp_path / name).mkdir(mode=0o700)
        approvers[name] = approver(tmp_path / name, name, built)
    built.deposits.update(owner.deposits(issue, grant, KEYS["owner"]))
    return built


def approver(folder: Path, name: str, built: Estate) -> Approver:
    follower = Follower(built.world, POLICY)  # type: ignore[arg-type]
    log: Any = built.world
    return Approver(folder, KEYS[name], HPKE[name], log, follower, clock=lambda: built.now)


def code(act: Callable[[], object]) -> str:
    with pytest.raises(GrantError) as caught:
        act()
    return caught.value.code


def test_the_whole_way_from_seal_to_lease(tmp_path: Path) -> None:
    built, engine = estate(tmp_path), EngineRelease(boot=lambda: 0.0)
    built.deposit()
    data = built.ask(engine)
    answers = [one.release(data) for one in built.approvers.values()]
    assert built.released() == list(NAMES)
    deks, lease = engine.combine(answers, request=data, manifest=built.manifest.to_bytes())
    assert list(deks) == ["1.0"]
    renewal = RenewalRequest(built.grant, lease.release_request, 1, NOW)
    message = sign_message(renewal, built.grant, KEYS["host"])
    built.now = NOW.plus(60)
    for one in built.approvers.values():
        token = one.renew(message)
        assert Renewal.of(Envelope.parse(token).statement()).signed_at == NOW.plus(60)
        lease = lease.renewed(token, 60.0)
    assert lease.until == NOW.plus(3660)


def test_shares_are_taken_only_as_the_grant_names_them(tmp_path: Path) -> None:
    built = estate(tmp_path)
    a, b = (built.approvers[name] for name in NAMES)
    mine, theirs = (built.deposits[KEYS[name].id] for name in NAMES)
    assert code(lambda: a.deposit(theirs)) == "no_share"
    read = ShareDeposit.of(Envelope.parse(mine).statement())
    for wrong in (
        replace(read, grant=Digest(bytes(32))),
        replace(read, wrapped="AAAA"),
    ):
        message = sign_message(wrong, built.grant, KEYS["owner"])
        assert code(lambda message=message: a.deposit(message)) == "no_share"
    for manifest, hub in ((Digest(bytes(32)), "host"), (built.manifest.digest, "elsewhere")):
        ring = Keyring(manifest, hub, 1, ()).to_bytes()
        other = sign_message(replace(read, keyring=encode64(ring)), built.grant, KEYS["owner"])
        assert code(lambda other=other: a.deposit(other)) == "other_keyring"
    assert a.deposit(mine) == Digest.of(decode64(read.wrapped))
    assert a.deposit(mine) == Digest.of(decode64(read.wrapped)), "again is the same"
    assert code(lambda: b.release(built.ask(EngineRelease()))) == "no_share"
    assert built.released() == []


def test_nothing_readable_lies_on_any_disk(tmp_path: Path) -> None:
    built, engine = estate(tmp_path), EngineRelease()
    built.deposit()
    data = built.ask(engine)
    answers = [one.release(data) for one in built.approvers.values()]
    deks, _ = engine.combine(answers, request=data, manifest=built.manifest.to_bytes())
    secrets = [SECRET[:40], *(bytes(dek) for dek in deks.values())]
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name != "weights.bin":
            found = path.read_bytes()
            assert not any(secret in found for secret in secrets), path
            assert path.stat().st_mode & 0o077 == 0 or "sealed" in path.parts, path


@pytest.mark.parametrize("at", ["before the act", "before the log", "after the log", "before done"])
def test_a_killed_service_continues_with_the_same_act(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    built, engine = estate(tmp_path), EngineRelease()
    built.deposit()
    data = built.ask(engine)
    a = built.approvers["approver-a"]

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    real = module.write_private

    def write(path: Path, content: bytes) -> None:
        if (at == "before the act" and path.suffix == ".dsse") or (
            at == "before done" and path.suffix == ".done"
        ):
            raise Killed
        real(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_private", write)
        if at == "before the log":
            patch.setattr(built.world, "append", killed)
        if at == "after the log":
            patch.setattr(module, "answer", killed)
        with pytest.raises(Killed):
            a.release(data)
    built.now = NOW.plus(30)
    restarted = approver(a.folder, "approver-a", built)
    answer = restarted.release(data)
    assert built.released() == ["approver-a"], "one act, however often it was killed"
    other = built.approvers["approver-b"].release(data)
    deks, _ = engine.combine([answer, other], request=data, manifest=built.manifest.to_bytes())
    assert deks
    assert code(lambda: restarted.release(data)) == "replayed"


def test_a_request_is_answered_once_even_by_a_restored_disk(tmp_path: Path) -> None:
    built, engine = estate(tmp_path), EngineRelease()
    built.deposit()
    data = built.ask(engine)
    a = built.approvers["approver-a"]
    a.release(data)
    assert code(lambda: a.release(data)) == "replayed"
    same_nonce = ReleaseRequest.of(Envelope.parse(data).statement()).nonce
    assert code(lambda: a.release(built.ask(EngineRelease(), nonce=same_nonce))) == "replayed"
    for path in (a.folder / "releases").iterdir():
        path.unlink()
    assert code(lambda: a.release(data)) == "replayed", "the log remembers what a restored disk forgot"


def test_opens_run_out(tmp_path: Path) -> None:
    built = estate(tmp_path, max_opens=2)
    built.deposit()
    a, b = built.approvers.values()
    a.release(built.ask(EngineRelease()))
    b.release(built.ask(EngineRelease()))
    assert code(lambda: a.release(built.ask(EngineRelease()))) == "opens_spent"


def test_a_revocation_that_arrives_with_the_release_stops_the_share(tmp_path: Path) -> None:
    built = estate(tmp_path)
    built.deposit()
    a = built.approvers["approver-a"]
    built.world.on_append = [signed(Revocation(built.grant, "stop", NOW), "owner")]
    assert code(lambda: a.release(built.ask(EngineRelease()))) == "revoked"
    assert code(lambda: a.release(built.ask(EngineRelease()))) == "revoked"


def test_no_witnessed_log_no_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = estate(tmp_path)
    built.deposit()
    a = built.approvers["approver-a"]
    built.world.witnessed = len(built.world.data)
    with pytest.raises(LogError):
        a.release(built.ask(EngineRelease()))

    def silent(*_: object) -> str:
        raise NetworkError("no answer")

    built.world.witnessed = None
    monkeypatch.setattr(built.world, "checkpoint", silent)
    renewal = sign_message(RenewalRequest(built.grant, built.grant, 1, NOW), built.grant, KEYS["host"])
    with pytest.raises(NetworkError):
        a.renew(renewal)


def test_renewals_are_for_engines_that_got_a_share(tmp_path: Path) -> None:
    built = estate(tmp_path)
    built.deposit()
    a = built.approvers["approver-a"]
    stranger = RenewalRequest(built.grant, Digest(bytes(32)), 1, NOW)
    assert code(lambda: a.renew(sign_message(stranger, built.grant, KEYS["host"]))) == "not_released"


def test_the_owner_keeps_what_reissues_and_nothing_of_a_grant(tmp_path: Path) -> None:
    built = estate(tmp_path)
    record = built.world.record()
    found = record.act(built.grant, Grant)
    assert found is not None
    second = replace(built.request, nonce="cd" * 16)
    for name in NAMES:
        built.world.approve(second, name)
    record = built.world.record()
    quorum = check_approvals(second, approvals_of(second, record, NOW), record, NOW)
    assert isinstance(quorum, Quorum)
    issue = owner.prepare(built.folder, second, quorum, record.keys or {}, epoch=2)
    first = owner.prepare(built.folder, built.request, quorum, {}, epoch=1)
    assert issue.keyring != first.keyring
    assert issue.epoch == 2
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    with pytest.raises(InputError, match="not in the owner's home"):
        owner.prepare(elsewhere, second, quorum, record.keys or {}, epoch=2)
    bare = {name: replace(one, hpke=None) for name, one in (record.keys or {}).items()}
    third = replace(second, nonce="ef" * 16)
    with pytest.raises(GrantError, match="no HPKE key"):
        owner.prepare(built.folder, third, quorum, bare, epoch=3)
    assert owner.has_keys(built.folder, built.manifest.digest)
    assert not owner.has_keys(built.folder, Digest(bytes(32)))


def test_a_share_wrapped_for_another_request_is_refused(tmp_path: Path) -> None:
    built = estate(tmp_path)
    a = built.approvers["approver-a"]
    read = ShareDeposit.of(Envelope.parse(built.deposits[KEYS["approver-a"].id]).statement())
    foreign = HPKE["approver-a"].public.wrap(b"share", b"another purpose")
    found = built.world.record().act(built.grant, Grant)
    assert found is not None
    shares = tuple(
        replace(s, digest=Digest.of(foreign)) if s.approver == a.key.id else s for s in found[1].shares
    )
    grant = built.world.act(replace(found[1], shares=shares), subject=SUBJECT)
    deposit = replace(read, grant=grant, wrapped=encode64(foreign))
    with pytest.raises(CustodyError, match="does not open"):
        a.deposit(sign_message(deposit, grant, KEYS["owner"]))
