"""What a model is and what it came from: model-identity, derivation, evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from mythos.evidence.predicates.codec import Count, Predicate, Record
from mythos.units import Digest, Instant


@dataclass(frozen=True, slots=True)
class Source(Record):
    """Where something can be read: title, address, and the digest of what was read there."""

    title: str
    url: str
    digest: Digest | None


@dataclass(frozen=True, slots=True)
class ModelIdentity(Predicate):
    """These weights are this model. `manifest` is the predicate object of OpenSSF Model Signing 1.0."""

    NAME: ClassVar[str] = "model-identity"

    name: str
    version: str
    manifest: dict[str, Any]
    format: str
    licence: str | None
    source: Source | None
    parameters: Count | None
    architecture: str | None
    identified_at: Instant


@dataclass(frozen=True, slots=True)
class Parent(Record):
    """Weights that something was made from, and as what (base, adapter, teacher, expert)."""

    weights: Digest
    role: str


@dataclass(frozen=True, slots=True)
class Derivation(Predicate):
    """These weights were made from others: mark, adapt, merge, quantise, distil or synthetic."""

    NAME: ClassVar[str] = "derivation"

    kind: str
    parents: tuple[Parent, ...]
    description: str
    derived_at: Instant


@dataclass(frozen=True, slots=True)
class Result(Record):
    """One measured value as decimal text, its unit, and over how many items."""

    name: str
    value: str
    unit: str
    count: int


@dataclass(frozen=True, slots=True)
class Evaluation(Predicate):
    """What a suite measured on these weights."""

    NAME: ClassVar[str] = "evaluation"

    suite: str
    results: tuple[Result, ...]
    evaluated_at: Instant
