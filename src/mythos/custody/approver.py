"""An approver's side, with its disk and its log: keeps wrapped shares, and hands them over as grants allow.

    shares/GRANT.share      the share, wrapped to this approver: useless without its HPKE key
    shares/GRANT.keyring    the grant's keyring: useless without enough shares
    releases/NONCE.dsse     the signed `release` act for the request with this nonce
    releases/NONCE.done     the answer to it left

The act is on disk before it is logged, and logged and witnessed before the share leaves. A service killed
anywhere continues with the same act, never a second one; a request whose answer left is a replay.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from mythos.custody.approval import Refused
from mythos.custody.grant import check
from mythos.custody.keys import HpkePrivateKey, Keyring
from mythos.custody.lease import Renewal
from mythos.custody.record import Record
from mythos.custody.release import (
    Handover,
    ReleaseRequest,
    RenewalRequest,
    answer,
    bound_to,
    decide_release,
    decide_renewal,
    deposit_info,
    sign_message,
)
from mythos.errors import GrantError
from mythos.evidence.client import LogClient
from mythos.evidence.note import Checkpoint, Note, SigningKey, decode64
from mythos.evidence.policy import Policy
from mythos.evidence.predicates import Grant, Predicate, Release
from mythos.evidence.statement import Envelope, Subject
from mythos.files import private_folder, write_private
from mythos.units import Digest, Instant


@dataclass(frozen=True, slots=True)
class ShareDeposit(Predicate):
    """The owner deposits a grant's share, wrapped to an approver, and its keyring; a message.

    What makes it genuine is the grant: the owner signed the share's digest there.
    """

    NAME: ClassVar[str] = "share-deposit"

    grant: Digest
    approver: str
    wrapped: str
    keyring: str


class Follower:
    """A party's own record of one log; believes nothing but what two witnesses cosigned."""

    def __init__(self, log: LogClient, policy: Policy) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._record = Record.empty(policy)

    def update(self, *, at_least: int = 0) -> Record:
        """Read on to the newest witnessed head of at least so many entries.

        The wait holds neither the lock nor the shared connection: a renewal must not queue behind it.

        Raises:
            EvidenceError: a fork, a rollback, too few cosigners, or an entry that does not hold.
            LogError, NetworkError: the log does not answer, or is not witnessed that far.
        """
        if at_least:
            with self._log.another() as waiting:
                waiting.wait(at_least)
        with self._lock:
            text = self._log.checkpoint("witnessed")
            size = Checkpoint.parse(Note.parse(text).text).size
            self._record = self._record.advance(text, self._log.entries(self._record.size, size))
            return self._record


@dataclass(frozen=True, slots=True)
class Approver:
    """One approver's custody: its folder, its keys, its view of the log, its clock."""

    folder: Path
    key: SigningKey
    hpke: HpkePrivateKey
    log: LogClient
    follower: Follower
    clock: Callable[[], Instant] = Instant.now
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def deposit(self, data: bytes) -> Digest:
        """Keep a share that the owner deposits; returns the digest of the wrapped bytes.

        Raises:
            GrantError: no grant in the witnessed log names this share for this approver.
            CustodyError: the share does not open with this approver's key.
        """
        deposit = ShareDeposit.of(Envelope.parse(data).statement())
        found = self.follower.update().act(deposit.grant, Grant)
        wrapped, keyring = decode64(deposit.wrapped), decode64(deposit.keyring)
        if found is None or (self.key.id, Digest.of(wrapped)) not in {
            (share.approver, share.digest) for share in found[1].shares
        }:
            raise refusal(Refused("no_share", "no witnessed grant names this share", str(deposit.grant)))
        grant = found[1]
        held = Keyring.parse(keyring)
        if (held.manifest, held.hub) != (grant.request.manifest, grant.request.hub.name):
            raise refusal(Refused("other_keyring", "a keyring of another seal or hub", str(deposit.grant)))
        self._unwrap(wrapped, bound_to(grant.request, grant.key_epoch), grant.key_epoch)
        folder = private_folder(self.folder / "shares")
        write_private(folder / f"{deposit.grant.hex}.keyring", keyring)
        write_private(folder / f"{deposit.grant.hex}.share", wrapped)
        return Digest.of(wrapped)

    def release(self, data: bytes) -> bytes:
        """Answer a release request with the share, wrapped to the engine that asks (a `ReleaseAnswer`).

        Raises:
            GrantError: refused; code, sentence and citation say why.
        """
        request = ReleaseRequest.of(Envelope.parse(data).statement())
        with self._lock:
            record = self.follower.update()
            share = private_folder(self.folder / "shares") / f"{request.grant.hex}.share"
            held = self._held(request.nonce)
            handover = self._resumed(held, data, record) or self._decided(data, record)
            if not share.exists():
                raise refusal(Refused("no_share", "the owner deposited no share here", str(request.grant)))
            if not held.exists():
                write_private(held, self._act(handover))
            place = self.log.append([held.read_bytes()], f"release:{handover.digest.hex}:{self.key.id}")[0]
            # What the log took in before our own act is known now: a revocation among it counts.
            record = self.follower.update(at_least=place.index + 1)
            granted = check(request.grant, record, self._now())
            if isinstance(granted, Refused):
                raise refusal(granted)
            mnemonic = self._unwrap(
                share.read_bytes(), bound_to(granted.request, granted.key_epoch), granted.key_epoch
            )
            keyring = share.with_suffix(".keyring").read_bytes()
            answered = answer(handover, mnemonic, keyring, self.key, record.root_digest)
            write_private(held.with_suffix(".done"), b"")
            return answered

    def renew(self, data: bytes) -> bytes:
        """Answer a renewal request while the grant lives: the signed `Renewal`.

        Raises:
            GrantError: refused.
        """
        grant = RenewalRequest.of(Envelope.parse(data).statement()).grant
        record, now = self.follower.update(), self._now()
        decided = decide_renewal(data, record, answered=self._opens(grant, done=True), now=now)
        if isinstance(decided, Refused):
            raise refusal(decided)
        request, until = decided
        renewal = Renewal(
            grant=grant, release_request=request.release_request, approver=str(self.key.verify_key),
            renewal=request.renewal, lease_until=until, signed_at=max(now, record.time),
        )  # fmt: skip
        return sign_message(renewal, request.release_request, self.key)

    def _now(self) -> Instant:
        return self.clock()

    def _held(self, nonce: str) -> Path:
        name = hashlib.sha256(nonce.encode()).hexdigest()
        return private_folder(self.folder / "releases") / f"{name}.dsse"

    def _decided(self, data: bytes, record: Record) -> Handover:
        request = ReleaseRequest.of(Envelope.parse(data).statement())
        nonces = {request.nonce} if self._held(request.nonce).exists() else set[str]()
        opens = self._opens(request.grant) | record.opens(request.grant, self.key.id)
        decided = decide_release(data, record, nonces=nonces, opens=opens, now=self._now())
        if isinstance(decided, Refused):
            raise refusal(decided)
        return decided

    def _resumed(self, held: Path, data: bytes, record: Record) -> Handover | None:
        """The decision that a killed service had taken for this very request, if its answer never left."""
        if not held.exists() or held.with_suffix(".done").exists():
            return None
        act = Release.of(Envelope.parse(held.read_bytes()).statement())
        granted = check(act.grant, record, self._now())
        if isinstance(granted, Refused) or act.release_request != Digest.of(data):
            return None
        request = ReleaseRequest.of(Envelope.parse(data).statement())
        return Handover(granted, request, act.release_request, act.open, act.lease_until, act.released_at)

    def _opens(self, grant: Digest, *, done: bool = False) -> set[Digest]:
        """Release requests under a grant whose act is on disk; with `done`, only those whose answer left."""
        acts = [
            Release.of(Envelope.parse(path.read_bytes()).statement())
            for path in private_folder(self.folder / "releases").glob("*.dsse")
            if not done or path.with_suffix(".done").exists()
        ]
        return {act.release_request for act in acts if act.grant == grant}

    def _act(self, handover: Handover) -> bytes:
        request = handover.granted.request
        act = Release(
            grant=handover.granted.leaf, release_request=handover.digest, hub=request.hub.name,
            open=handover.open, lease_until=handover.lease_until, released_at=handover.decided_at,
        )  # fmt: skip
        return Envelope.sign(act.statement(Subject(request.model, request.weights)), self.key).to_bytes()

    def _unwrap(self, wrapped: bytes, request: Digest, epoch: int) -> str:
        return self.hpke.open(wrapped, deposit_info(request, self.key.id, epoch)).decode()


def refusal(refused: Refused) -> GrantError:
    """A refusal as it travels to whoever asked."""
    return GrantError(refused.reason, found=refused.cite, code=refused.code)
