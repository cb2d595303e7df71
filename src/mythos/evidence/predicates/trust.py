"""Who may say what: the trust root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mythos.evidence.predicates.codec import Predicate, Record
from mythos.units import Digest, Instant


@dataclass(frozen=True, slots=True)
class LogIdentity(Record):
    """The log this trust root governs: its origin line and its verifier key."""

    origin: str
    key: str


@dataclass(frozen=True, slots=True)
class Role(Record):
    """`threshold` of `keys` (by `NAME+HASH`) together may make the statements named in `acts`."""

    threshold: int
    keys: tuple[str, ...]
    acts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HpkeKey(Record):
    """A public key to which key shares are wrapped (RFC 9180); `public_key` is base64."""

    suite: str
    public_key: str


@dataclass(frozen=True, slots=True)
class TrustedKey(Record):
    """A signing key, the organisation that answers for it, and where shares for it are wrapped to."""

    vkey: str
    organisation: str
    hpke: HpkeKey | None


@dataclass(frozen=True, slots=True)
class TrustRoot(Predicate):
    """Roles, keys, organisations and witnesses, from here until the next version.

    Signed by the `root` role's threshold of the version before and of this one. `verifier` is the digest of
    the `mythos-verify.pyz` that the signers read.
    """

    NAME: ClassVar[str] = "trust-root"

    version: int
    issued_at: Instant
    log: LogIdentity
    roles: dict[str, Role]
    keys: dict[str, TrustedKey]
    witnesses: tuple[str, ...]
    verifier: Digest | None
