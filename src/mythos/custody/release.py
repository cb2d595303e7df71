"""The release: an approver hands its share to one engine, and the engine rebuilds the key in its memory.

    engine     makes an HPKE key at its start, so nothing stored opens under it later
    front      signs a release request with the hub's key: the grant, the engine's key, a nonce
    approver   checks the grant in the witnessed log, the hub, the nonce and the opens; logs its `release`;
               wraps its share to the engine's key for this request alone
    engine     opens the shares, rebuilds the KEK, unwraps the data keys of this manifest, wipes the KEK

The messages are signed like acts and never logged. A software host sends no attestation evidence; its request
says so with null, and approvers agree to that by approving the hub. What this cannot do: tell an honest
engine from another program of the same host.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from mythos.custody.approval import Refused, request_digest
from mythos.custody.grant import Granted, check
from mythos.custody.keys import HpkePrivateKey, HpkePublicKey, Keyring, combine
from mythos.custody.lease import Clock, Lease, Term
from mythos.custody.record import Record
from mythos.custody.seal import wipe
from mythos.custody.sealed import ANY_HUB, SealManifest
from mythos.errors import (
    BadSignatureError,
    CustodyError,
    EvidenceError,
    GrantError,
    QuorumSplitError,
    SealError,
)
from mythos.evidence.note import SigningKey, VerifyKey, decode64, encode64
from mythos.evidence.predicates import GrantRequest, Predicate
from mythos.evidence.predicates.codec import Record as Part
from mythos.evidence.statement import Envelope, Subject, canonical, parse_canonical
from mythos.units import Digest, Instant

FRESH: Final = 300.0
"""Seconds by which a request's own time may differ from the approver's clock."""


@dataclass(frozen=True, slots=True)
class ReleaseRequest(Predicate):
    """A hub asks for the shares of a grant, for one engine.

    `evidence` is an attestation of the host; null says plainly that there is none (a software host).
    """

    NAME: ClassVar[str] = "release-request"

    grant: Digest
    hub: str
    engine_key: str
    nonce: str
    evidence: str | None
    requested_at: Instant


@dataclass(frozen=True, slots=True)
class ReleaseAnswer(Predicate):
    """An approver's share, wrapped to the engine, and the keyring it helps to open."""

    NAME: ClassVar[str] = "release-answer"

    grant: Digest
    release_request: Digest
    approver: str
    not_after: Instant
    wrapped: str
    keyring: str


@dataclass(frozen=True, slots=True)
class RenewalRequest(Predicate):
    """A hub asks an approver to let a lease run on; `renewal` counts from 1."""

    NAME: ClassVar[str] = "renewal-request"

    grant: Digest
    release_request: Digest
    renewal: int
    requested_at: Instant


@dataclass(frozen=True, slots=True)
class Handover:
    """An approver's decision to hand over its share, before anything is wrapped.

    Attributes:
        digest: of the exact bytes of the hub's signed request.
        open: which open of the grant this is, from 1.
    """

    granted: Granted
    request: ReleaseRequest
    digest: Digest
    open: int
    lease_until: Instant
    decided_at: Instant


@dataclass(frozen=True, slots=True)
class _Share(Part):
    """What the wrapping protects. It is as genuine as the share in it: only its holder could write both.

    So the engine learns here, not from its front, for which hub and purpose it opens, and whose keys count.
    """

    approver: str
    grant: Digest
    hub: str
    purpose: str
    trust_root: Digest
    lease_until: Instant
    not_after: Instant
    signed_at: Instant
    mnemonic: str


def sign_message(message: Predicate, about: Digest, key: SigningKey) -> bytes:
    """A message between two parties, signed like an act but never logged."""
    return Envelope.sign(message.statement(Subject(message.NAME, about)), key).to_bytes()


def decide_release(
    data: bytes, record: Record, *, nonces: Collection[str], opens: Collection[Digest], now: Instant
) -> Handover | Refused:
    """Whether an approver hands over its share for this request.

    Args:
        data: the exact bytes of the hub's signed request.
        record: what the log says, read to its witnessed head.
        nonces: those this approver has seen before, durably kept.
        opens: requests this approver has answered under the grant, by digest; the log tells those of others.
        now: the approver's clock; the record's time when that is later.

    Raises:
        EvidenceError: not a release request, or the hub's signature is over other bytes.
    """
    now = max(now, record.time)
    request = ReleaseRequest.of(Envelope.parse(data).statement())
    granted = check(request.grant, record, now)
    if isinstance(granted, Refused):
        return granted
    refused = _from_hub(data, granted, request.requested_at, now)
    if refused:
        return refused
    if request.hub != granted.request.hub.name:
        return Refused("other_hub", f"the grant is for {granted.request.hub.name}", str(request.grant))
    if request.evidence is not None:
        return Refused("evidence_unchecked", "this version cannot check attestation evidence", "evidence")
    digest = Digest.of(data)
    before = (record.opens(request.grant) | set(opens)) - {digest}
    if request.nonce in nonces or digest in opens:
        return Refused("replayed", "a release request that was answered before", str(digest))
    if len(request.nonce) < 32:
        return Refused("nonce", "a nonce of 16 bytes at least, in hex", request.nonce)
    if len(before) >= granted.request.max_opens:
        return Refused(
            "opens_spent", f"opened {len(before)} times", f"request.maxOpens {granted.request.max_opens}"
        )
    HpkePublicKey.parse(request.engine_key)
    until = min(now.plus(granted.lease_seconds), granted.not_after)
    return Handover(granted, request, digest, len(before) + 1, until, now)


def decide_renewal(
    data: bytes, record: Record, *, answered: Collection[Digest], now: Instant
) -> tuple[RenewalRequest, Instant] | Refused:
    """Whether an approver lets a lease run on, and until when.

    Args:
        data: the exact bytes of the hub's signed request.
        record: what the log says, read to its witnessed head.
        answered: the release requests this approver handed a share for under the grant.
        now: the approver's clock; the record's time when that is later.
    """
    now = max(now, record.time)
    request = RenewalRequest.of(Envelope.parse(data).statement())
    granted = check(request.grant, record, now)
    if isinstance(granted, Refused):
        return granted
    refused = _from_hub(data, granted, request.requested_at, now)
    if refused:
        return refused
    if request.release_request not in answered:
        return Refused(
            "not_released", "no share was handed over for this engine", str(request.release_request)
        )
    return request, min(now.plus(granted.lease_seconds), granted.not_after)


def _from_hub(data: bytes, granted: Granted, requested_at: Instant, now: Instant) -> Refused | None:
    """Refuse a message that the grant's hub did not sign, or not about now."""
    envelope, hub = Envelope.parse(data), granted.hub_key
    if envelope.signers != (hub.id,) or envelope.verify([hub]) != (hub.id,):
        return Refused("other_hub", "signed by another hub than the grant names", str(granted.leaf))
    if abs(now.since(requested_at)) > FRESH:
        return Refused("stale_request", f"asked at {requested_at}, and now is {now}", str(granted.leaf))
    return None


def release_info(release_request: Digest, approver: str, not_after: Instant) -> bytes:
    """What a released share is bound to: this request, this approver, a grant that ends then."""
    return canonical(
        {"releaseRequest": str(release_request), "approver": approver, "notAfter": str(not_after)}
    )


def bound_to(request: GrantRequest, epoch: int) -> Digest:
    """What a deposited share is made for: the approved request, or, for one that an engine made (epoch 0)
    when it sealed what came of its work, the manifest: no request could be known then.
    """  # noqa: D205 (one sentence)
    return request_digest(request) if epoch else request.manifest


def deposit_info(request: Digest, approver: str, epoch: int) -> bytes:
    """What a deposited share is bound to: `bound_to`, this approver, this epoch of the key."""
    return canonical({"request": str(request), "approver": approver, "epoch": epoch})


def answer(
    handover: Handover, mnemonic: str, keyring: bytes, approver: SigningKey, trust_root: Digest
) -> bytes:
    """Wrap a share to the engine of a request and sign the answer.

    Args:
        handover: the decision.
        mnemonic: the approver's share.
        keyring: the grant's keyring, as the owner deposited it.
        approver: signs; its verifier key travels inside the wrapping, for renewals.
        trust_root: names the trust root in force.
    """
    granted, vkey = handover.granted, str(approver.verify_key)
    share = _Share(
        approver=vkey, grant=granted.leaf, hub=granted.request.hub.name, purpose=granted.request.purpose,
        trust_root=trust_root, lease_until=handover.lease_until, not_after=granted.not_after,
        signed_at=handover.decided_at, mnemonic=mnemonic,
    )  # fmt: skip
    info = release_info(handover.digest, vkey, granted.not_after)
    wrapped = HpkePublicKey.parse(handover.request.engine_key).wrap(canonical(share.to_dict()), info)
    message = ReleaseAnswer(
        grant=granted.leaf, release_request=handover.digest, approver=vkey, not_after=granted.not_after,
        wrapped=encode64(wrapped), keyring=encode64(keyring),
    )  # fmt: skip
    return sign_message(message, granted.request.weights, approver)


def boot_seconds() -> float:
    """CLOCK_BOOTTIME: seconds since boot, suspend included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class EngineRelease:
    """The engine's side of one release; its private key never leaves this object and is used once."""

    __slots__ = ("_key", "_made_at", "hub", "purpose", "trust_root")

    def __init__(self, boot: Callable[[], float] = boot_seconds) -> None:
        self._made_at = boot()
        self.hub = self.purpose = ""
        self.trust_root = Digest(bytes(32))
        self._key: HpkePrivateKey | None = HpkePrivateKey.generate()

    @property
    def public(self) -> str:
        """The engine's HPKE key in base64, for `ReleaseRequest.engine_key`."""
        return str(self._unused().public)

    def _unused(self) -> HpkePrivateKey:
        if self._key is None:
            raise CustodyError("the engine's key was used already", advice="Start a new engine.")
        return self._key

    def combine(
        self, answers: Sequence[bytes], *, request: bytes, manifest: bytes, purpose: str = "serve"
    ) -> tuple[dict[str, bytearray], Lease]:
        """Open the shares, rebuild the key, unwrap the data keys of this manifest.

        Args:
            answers: the signed `ReleaseAnswer` of each approver.
            request: the exact bytes of the signed request that they answer.
            manifest: the exact bytes of seal.json.
            purpose: what this engine does with it; `export` for `export:HUB`.

        Returns:
            Data keys by id (wipe them after opening), and the lease that the approvers gave.

        Raises:
            CustodyError: a share was wrapped to another engine, or for another request.
            GrantError: the approvers granted another purpose.
            QuorumSplitError: too few organisations, or shares of another split or epoch.
            SealError: the keyring is for another manifest or hub.
        """
        key, digest = self._unused(), Digest.of(request)
        opened = [_open_answer(data, digest, key) for data in answers]
        said = {(s.grant, keyring, s.hub, s.purpose, s.trust_root) for s, keyring in opened}
        if len(said) != 1:
            raise QuorumSplitError("answers under several grants, or none", expected="one grant, one keyring")
        grant, data, self.hub, self.purpose, self.trust_root = said.pop()
        if self.purpose.partition(":")[0] != purpose:
            raise GrantError(
                "the grant is for another purpose", expected=purpose, found=self.purpose, code="other_purpose"
            )
        keyring, seal = Keyring.parse(data), SealManifest.parse(manifest)
        hubs = {keyring.hub, seal.hub} - {ANY_HUB}
        if keyring.manifest != Digest.of(manifest) or hubs != {self.hub}:
            raise SealError(
                "the keyring is for another seal or hub", expected=f"{Digest.of(manifest)} at {seal.hub}",
                found=f"{keyring.manifest} at {keyring.hub}, granted at {self.hub}",
            )  # fmt: skip
        kek = combine(share.mnemonic for share, _ in opened)
        try:
            deks = keyring.open(kek)
        finally:
            wipe(kek)
        self._key = None
        clock = Clock(max(share.signed_at for share, _ in opened), self._made_at)
        terms = tuple(Term(VerifyKey.parse(share.approver), share.lease_until) for share, _ in opened)
        return deks, Lease(grant, digest, min(share.not_after for share, _ in opened), terms, clock)


def _open_answer(data: bytes, request: Digest, key: HpkePrivateKey) -> tuple[_Share, bytes]:
    try:
        envelope = Envelope.parse(data)
        message = ReleaseAnswer.of(envelope.statement())
        info = release_info(request, message.approver, message.not_after)
        plain = key.open(decode64(message.wrapped, what="wrapped share"), info)
        share = _Share.from_dict(parse_canonical(plain))
        approver = VerifyKey.parse(share.approver)
        if envelope.verify([approver]) != (approver.id,):
            raise BadSignatureError("an answer that its approver did not sign", found=approver.id)
        return share, decode64(message.keyring, what="keyring")
    except EvidenceError as error:
        raise CustodyError("not an answer to this release request", found=str(error)[:300]) from error
