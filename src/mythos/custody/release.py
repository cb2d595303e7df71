"""Handing over key shares: what the hub asks, what an approver answers, and how the engine joins them.

    hub        ReleaseRequest  {grant, hub, engineKey, nonce, evidence, requestedAt}   signed by the hub key
    approver   ReleaseAnswer   {request, share, leaseUntil, issuedAt}                  signed by the approver
    hub        RenewalRequest  {grant, release, renewal, requestedAt}                  signed by the hub key
    approver   Renewal         {grant, release, renewal, until, issuedAt}              signed by the approver

These travel between two parties and are not acts of the log; the act is the approver's `release`. A share
travels only wrapped (HPKE) to the key the engine made when it started, bound to the request's digest and the
approver. Inside the wrapping stands, beside the share, the approver's verifier key: the engine learns whose
renewals to believe from the only channel that the host cannot write.

`evidence` is null on a software-only host, and says so: nothing then proves what runs there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, TypeVar

from mythos.custody.keys import HpkePrivateKey, HpkePublicKey, Keyring, combine
from mythos.custody.lease import Lease
from mythos.errors import BadSignatureError, GrantError, LeaseError, MalformedError
from mythos.evidence.note import VerifyKey, decode64, encode64
from mythos.evidence.predicates.codec import Predicate, Record
from mythos.evidence.statement import Envelope, canonical, parse_canonical
from mythos.units import Digest, Instant

_P = TypeVar("_P", bound=Predicate)

FRESH: Final = 300.0
"""Seconds by which a request may differ from the approver's clock."""


@dataclass(frozen=True, slots=True)
class ReleaseRequest(Predicate):
    """A hub asks for the shares of a grant, for one engine process."""

    NAME: ClassVar[str] = "release-request"

    grant: Digest
    hub: str
    engine_key: str
    nonce: str
    evidence: str | None
    requested_at: Instant


@dataclass(frozen=True, slots=True)
class ReleaseAnswer(Predicate):
    """An approver's share, wrapped to the engine's key, and until when it allows the lease."""

    NAME: ClassVar[str] = "release-answer"

    request: Digest
    share: str
    lease_until: Instant
    issued_at: Instant


@dataclass(frozen=True, slots=True)
class RenewalRequest(Predicate):
    """A hub asks to go on with the same engine."""

    NAME: ClassVar[str] = "renewal-request"

    grant: Digest
    release: Digest
    renewal: int
    requested_at: Instant


@dataclass(frozen=True, slots=True)
class Renewal(Predicate):
    """An approver lets one engine go on until a time."""

    NAME: ClassVar[str] = "renewal"

    grant: Digest
    release: Digest
    renewal: int
    until: Instant
    issued_at: Instant


@dataclass(frozen=True, slots=True)
class ShareDeposit(Predicate):
    """The owner deposits an approver's share, wrapped to that approver's HPKE key."""

    NAME: ClassVar[str] = "share-deposit"

    request: Digest
    approver: str
    wrapped: str


@dataclass(frozen=True, slots=True)
class _Handed(Record):
    """What the wrapping protects."""

    mnemonic: str
    approver: str
    needed: int
    grant: Digest
    lease_until: Instant
    issued_at: Instant


def read(kind: type[_P], data: bytes, *keys: VerifyKey) -> _P:
    """Read a signed message; nothing is parsed before one of `keys` is found to have signed it.

    Raises:
        BadSignatureError: none of `keys` signed it.
        MalformedError: it is another kind of message, or malformed.
    """
    envelope = Envelope.parse(data)
    if not envelope.verify(keys):
        raise BadSignatureError(
            f"the {kind.NAME} is not signed by whom it should be",
            expected=" or ".join(key.id for key in keys),
            found=", ".join(envelope.signers)[:200],
        )
    return kind.of(envelope.statement())


def deposit_info(request: Digest, approver: str) -> bytes:
    """What a deposited share is bound to."""
    return canonical({"purpose": "mythos share v1", "request": str(request), "approver": approver})


def release_info(request: Digest, approver: str) -> bytes:
    """What a released share is bound to; `request` is the digest of the signed release request."""
    return canonical({"purpose": "mythos release v1", "request": str(request), "approver": approver})


def hand_over(
    mnemonic: str, approver: VerifyKey, request: ReleaseRequest, digest: Digest, *, needed: int,
    until: Instant, now: Instant,
) -> ReleaseAnswer:  # fmt: skip
    """Wrap a share to the engine that asks; the caller signs the answer.

    Args:
        mnemonic: the share.
        approver: the key that will sign renewals.
        request: as the hub signed it.
        digest: of the signed request's exact bytes.
        needed: how many organisations the grant requires; renewals need as many.
        until: the end of the lease that this approver allows.
        now: the approver's time.
    """
    handed = _Handed(mnemonic, str(approver), needed, request.grant, until, now)
    key = HpkePublicKey.parse(request.engine_key)
    wrapped = key.wrap(canonical(handed.to_dict()), release_info(digest, approver.id))
    return ReleaseAnswer(digest, encode64(wrapped), until, now)


class EngineRelease:
    """The engine's half: makes a key that no other process has, and joins the shares that come for it.

    Args:
        clock: seconds of the boot clock.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or (lambda: time.clock_gettime(time.CLOCK_BOOTTIME))
        self._anchor = self._clock()
        self._key = HpkePrivateKey.generate()
        self._approvers: dict[str, VerifyKey] = {}
        self._needed = 0
        self.lease: Lease | None = None

    @property
    def public(self) -> str:
        """The public key, base64, for the release request."""
        return str(self._key.public)

    def open(
        self, request: bytes, answers: Sequence[tuple[str, bytes]], keyring: Keyring
    ) -> dict[str, bytearray]:
        """Join the shares and open the keyring; sets `lease`.

        Args:
            request: the exact bytes of the signed release request.
            answers: (approver's key id, exact bytes of its signed answer).
            keyring: the grant's keyring, already bound to the manifest by its caller.

        Returns:
            Data keys by id; wipe them after use.

        Raises:
            GrantError: the request names another engine key, or the answers are of different grants.
            QuorumSplitError: the shares do not make the key.
            CustodyError: a share does not open here.
        """
        asked = ReleaseRequest.of(Envelope.parse(request).statement())
        if asked.engine_key != self.public:
            raise GrantError("the release request names another engine's key")
        digest = Digest.of(request)
        handed: dict[str, _Handed] = {}
        for approver, data in answers:
            one = self._unwrap(approver, data, digest)
            if one.grant != asked.grant or VerifyKey.parse(one.approver).id != approver:
                raise GrantError("a share that is not for this grant and approver", found=approver[:80])
            handed[approver] = one
        kek = combine(one.mnemonic for one in handed.values())
        try:
            deks = keyring.open(kek)
        finally:
            kek[:] = bytes(len(kek))
        self._approvers = {name: VerifyKey.parse(one.approver) for name, one in handed.items()}
        self._needed = max(one.needed for one in handed.values())
        until = min(one.lease_until for one in handed.values())
        issued = max(one.issued_at for one in handed.values())
        self.lease = Lease(asked.grant, digest, until, issued, self._anchor)
        self.lease.check(self._clock())
        return deks

    def _unwrap(self, approver: str, data: bytes, digest: Digest) -> _Handed:
        answer = ReleaseAnswer.of(Envelope.parse(data).statement())
        if answer.request != digest:
            raise GrantError("an answer to another release request", found=approver[:80])
        plain = self._key.open(decode64(answer.share), release_info(digest, approver))
        handed = _Handed.from_dict(parse_canonical(plain))
        if not Envelope.parse(data).verify([VerifyKey.parse(handed.approver)]):
            raise BadSignatureError("an answer that its approver did not sign", found=approver[:80])
        return handed

    def renew(self, tokens: Sequence[bytes]) -> Lease:
        """Verify the approvers' renewals and move the lease's end.

        Raises:
            LeaseError: no lease, too few approvers, an old or ended renewal.
        """
        if self.lease is None:
            raise LeaseError("nothing was opened here")
        renewals: dict[str, Renewal] = {}
        for token in tokens:
            for name, key in self._approvers.items():
                try:
                    renewals[name] = read(Renewal, token, key)
                except (BadSignatureError, MalformedError):
                    continue
        fitting = [
            one
            for one in renewals.values()
            if (one.grant, one.release) == (self.lease.grant, self.lease.release)
            and one.renewal == self.lease.renewal + 1
        ]
        if len(fitting) < self._needed:
            raise LeaseError("too few approvers renewed", expected=f"{self._needed}", found=f"{len(fitting)}")
        self.lease = self.lease.renewed(
            until=min(one.until for one in fitting),
            issued=max(one.issued_at for one in fitting),
            renewal=self.lease.renewal + 1,
            clock=self._clock(),
        )
        return self.lease

    @property
    def remaining(self) -> float:
        """Seconds that the lease has left; 0 when there is none."""
        return self.lease.remaining(self._clock()) if self.lease else 0.0


def fresh(requested_at: Instant, now: Instant) -> bool:
    """Whether a request was made about now."""
    return abs(now.since(requested_at)) <= FRESH
