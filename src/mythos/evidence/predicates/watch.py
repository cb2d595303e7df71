"""What an auditor found: audit, incident, unopened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mythos.evidence.predicates.codec import Predicate
from mythos.units import Digest, Instant


@dataclass(frozen=True, slots=True)
class Audit(Predicate):
    """Receipts of a hub were re-checked; `record_digest` is the digest of the auditor's full record."""

    NAME: ClassVar[str] = "audit"

    hub: str
    suite: str
    batches: tuple[int, ...]
    sampled: int
    opened: int
    verdict: str
    record_digest: Digest | None
    audited_at: Instant


@dataclass(frozen=True, slots=True)
class Incident(Predicate):
    """Something happened that others must know; `acts` are leaf hashes of the acts it concerns."""

    NAME: ClassVar[str] = "incident"

    kind: str
    severity: str
    hub: str | None
    description: str
    acts: tuple[Digest, ...]
    occurred_at: Instant
    reported_at: Instant


@dataclass(frozen=True, slots=True)
class Unopened(Predicate):
    """A hub did not open a receipt that an auditor named after its batch was witnessed."""

    NAME: ClassVar[str] = "unopened"

    hub: str
    batch: int
    receipt: str
    reason: str
    asked_at: Instant
    reported_at: Instant
