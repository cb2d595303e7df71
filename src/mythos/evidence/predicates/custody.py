"""The life of sealed weights: seal, approval, grant, revocation, release; opened, lease, wiped, refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mythos.evidence.predicates.codec import Predicate, Record
from mythos.evidence.predicates.regimes import Leg
from mythos.units import Digest, Instant


@dataclass(frozen=True, slots=True)
class SealedFile(Record):
    """One sealed file: sizes, the root over its ciphertext, and the commitment to its key."""

    path: str
    plaintext_bytes: int
    sealed_bytes: int
    ciphertext_root: Digest
    key_commitment: Digest


@dataclass(frozen=True, slots=True)
class Seal(Predicate):
    """These weights were sealed; `manifest` is the digest of seal.json."""

    NAME: ClassVar[str] = "seal"

    manifest: Digest
    suite: str
    release: int
    files: tuple[SealedFile, ...]
    sealed_at: Instant


@dataclass(frozen=True, slots=True)
class Approval(Predicate):
    """One approver agrees to exactly one request. `override` is the reason for going against a finding."""

    NAME: ClassVar[str] = "approval"

    request: Digest
    role: str
    organisation: str
    not_before: Instant
    not_after: Instant
    max_lease_seconds: int
    override: str | None
    approved_at: Instant


@dataclass(frozen=True, slots=True)
class HubIdentity(Record):
    """The hub a request is for: its name, the verifier key of its signing key, its organisation."""

    name: str
    key: str
    organisation: str


@dataclass(frozen=True, slots=True)
class GrantRequest(Record):
    """Everything an approver agrees to. `seal` and `determination` are leaf hashes of their acts."""

    version: int
    model: str
    weights: Digest
    manifest: Digest
    seal: Digest
    hub: HubIdentity
    purpose: str
    legs: tuple[Leg, ...]
    determination: Digest
    not_before: Instant
    not_after: Instant
    lease_seconds: int
    max_opens: int
    egress_bytes_per_day: int
    retention_days: int
    organisations_required: int
    override: str | None
    nonce: str


@dataclass(frozen=True, slots=True)
class Approved(Record):
    """An approval that a grant rests on: the leaf hash of its act, who signed, for whom."""

    leaf: Digest
    approver: str
    organisation: str


@dataclass(frozen=True, slots=True)
class Share(Record):
    """A key share wrapped to an approver: the digest of the wrapped bytes."""

    approver: str
    organisation: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Grant(Predicate):
    """The owner grants a request: its approvals, gathered, and the shares that were handed out."""

    NAME: ClassVar[str] = "grant"

    request: GrantRequest
    approvals: tuple[Approved, ...]
    shares: tuple[Share, ...]
    key_epoch: int
    granted_at: Instant


@dataclass(frozen=True, slots=True)
class Revocation(Predicate):
    """A grant ends now. `grant` is the leaf hash of its act, here and in every act below."""

    NAME: ClassVar[str] = "revocation"

    grant: Digest
    reason: str
    revoked_at: Instant


@dataclass(frozen=True, slots=True)
class Release(Predicate):
    """An approver handed its share to an engine, until a time."""

    NAME: ClassVar[str] = "release"

    grant: Digest
    release_request: Digest
    hub: str
    open: int
    lease_until: Instant
    released_at: Instant


@dataclass(frozen=True, slots=True)
class Opened(Predicate):
    """The host opened the weights in an engine's memory."""

    NAME: ClassVar[str] = "opened"

    grant: Digest
    manifest: Digest
    engine_build: str
    bytes: int
    opened_at: Instant


@dataclass(frozen=True, slots=True)
class Lease(Predicate):
    """The host's lease runs between two instants; `renewal` counts from 0."""

    NAME: ClassVar[str] = "lease"

    grant: Digest
    renewal: int
    from_: Instant
    until: Instant


@dataclass(frozen=True, slots=True)
class Wiped(Predicate):
    """The engine ended and with it the plain weights."""

    NAME: ClassVar[str] = "wiped"

    grant: Digest
    reason: str
    wiped_at: Instant


@dataclass(frozen=True, slots=True)
class Refused(Predicate):
    """The host or an approver refused, and why."""

    NAME: ClassVar[str] = "refused"

    grant: Digest | None
    reason: str
    code: str
    refused_at: Instant
