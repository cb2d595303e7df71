"""What a hub answered and used, without a word of it: receipt-batch, usage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mythos.evidence.predicates.codec import Predicate
from mythos.units import Digest, Instant


@dataclass(frozen=True, slots=True)
class ReceiptBatch(Predicate):
    """The Merkle root over the receipts' leaves of a window (see `mythos.evidence.receipt`)."""

    NAME: ClassVar[str] = "receipt-batch"

    hub: str
    batch: int
    root: Digest
    count: int
    from_: Instant
    until: Instant


@dataclass(frozen=True, slots=True)
class Usage(Predicate):
    """Counters of a window; energy is decimal text, `null` when nothing measured it."""

    NAME: ClassVar[str] = "usage"

    hub: str
    from_: Instant
    until: Instant
    bytes_out: int
    tokens: int
    energy_watt_hours: str | None
