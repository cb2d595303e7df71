"""What went in, what went out and what was taken back: dataset-admitted, data-export, takedown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mythos.evidence.predicates.codec import Predicate
from mythos.units import Digest, Instant


@dataclass(frozen=True, slots=True)
class DatasetAdmitted(Predicate):
    """A dataset may be used. `decisions` are the act references of the decisions that allowed it."""

    NAME: ClassVar[str] = "dataset-admitted"

    croissant: Digest | None
    licence: str
    origin: str
    residency: str
    decisions: tuple[str, ...]
    documents: int
    admitted_at: Instant


@dataclass(frozen=True, slots=True)
class DataExport(Predicate):
    """A dataset left for another country or party, under a decision."""

    NAME: ClassVar[str] = "data-export"

    destination: str
    purpose: str
    decision: str
    exported_at: Instant


@dataclass(frozen=True, slots=True)
class Takedown(Predicate):
    """Documents were removed from shards; which models had read them."""

    NAME: ClassVar[str] = "takedown"

    documents: tuple[Digest, ...]
    shards: tuple[Digest, ...]
    models: tuple[Digest, ...]
    reason: str
    taken_down_at: Instant
