"""What the law said on a day: determination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mythos.evidence.predicates.codec import Predicate, Record
from mythos.units import Digest, Instant


@dataclass(frozen=True, slots=True)
class Leg(Record):
    """One step of a route: from and to (ISO 3166-1 alpha-2), and the act (access, transfer)."""

    from_: str
    to: str
    act: str


@dataclass(frozen=True, slots=True)
class Finding(Record):
    """What one instrument came to, and the provision that says so."""

    id: str
    outcome: str
    cite: str


@dataclass(frozen=True, slots=True)
class Determination(Predicate):
    """The instruments over the facts on a date. `document` is the full result with its trace, by digest."""

    NAME: ClassVar[str] = "determination"

    on: str
    legs: tuple[Leg, ...]
    facts: Digest
    document: Digest
    instruments: tuple[Finding, ...]
    barred: bool
    needs: tuple[str, ...]
    review: tuple[str, ...]
    pack_digest: Digest
    decided_at: Instant
