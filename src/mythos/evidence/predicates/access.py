"""Orders about persons: directive, directive-acknowledgement, decision-root, screening-disposition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mythos.evidence.predicates.codec import Predicate
from mythos.units import Digest, Instant


@dataclass(frozen=True, slots=True)
class Directive(Predicate):
    """An authority's order. The subject's digest is that of the exact YAML bytes.

    `document` holds those bytes in base64, or `null` when they are too large and travel by digest.
    """

    NAME: ClassVar[str] = "directive"

    id: str
    authority: str
    document: str | None
    issued_at: Instant


@dataclass(frozen=True, slots=True)
class DirectiveAcknowledgement(Predicate):
    """A hub acts on the directive at `index` of the log whose head it saw (`head`: its root).

    `clock` is the hub's signed lease time.
    """

    NAME: ClassVar[str] = "directive-acknowledgement"

    hub: str
    index: int
    head: Digest
    streams_cut: int
    persons_refused: int
    clock: Instant
    acknowledged_at: Instant


@dataclass(frozen=True, slots=True)
class DecisionRoot(Predicate):
    """The Merkle root over salted commitments of every person decision in a window."""

    NAME: ClassVar[str] = "decision-root"

    hub: str
    from_: Instant
    until: Instant
    root: Digest
    count: int


@dataclass(frozen=True, slots=True)
class ScreeningDisposition(Predicate):
    """An officer decided a screening case; `case` is a salted commitment."""

    NAME: ClassVar[str] = "screening-disposition"

    case: Digest
    disposition: str
    officer: str
    list_digest: Digest
    decided_at: Instant
