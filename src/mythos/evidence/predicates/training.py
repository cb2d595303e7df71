"""How weights were trained and what it cost: training-run, training-compute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mythos.evidence.predicates.codec import Count, Predicate, Record
from mythos.units import Digest, Flop, Instant


@dataclass(frozen=True, slots=True)
class TrainingRun(Predicate):
    """A run: its configuration, code and data by digest, and the snapshots it left."""

    NAME: ClassVar[str] = "training-run"

    configuration: Digest
    code: Digest
    datasets: tuple[Digest, ...]
    base: Digest | None
    started_at: Instant
    ended_at: Instant
    snapshots: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class Reading(Record):
    """A published source and the day it was read (`YYYY-MM-DD`)."""

    title: str
    url: str
    read_on: str


@dataclass(frozen=True, slots=True)
class TrainingCompute(Predicate):
    """Operations spent on training: how they are known, under which convention, and what was left out.

    `method` is declared, counted, replayed, formula or hardware; `complete` is false as long as
    `unregistered` names an operation the count could not see. Uncertainty and energy are decimal text.
    A declared figure has `declared_at`; a measured one has `started_at` and `ended_at`.
    """

    NAME: ClassVar[str] = "training-compute"

    method: str
    convention: str
    model_flop: Flop
    executed_flop: Flop | None
    complete: bool
    uncertainty_percent: str | None
    parameters: Count | None
    tokens: Count | None
    sources: tuple[Reading, ...]
    energy_watt_hours: str | None
    energy_method: str | None
    unregistered: tuple[str, ...]
    record_digest: Digest | None
    declared_at: Instant | None
    started_at: Instant | None
    ended_at: Instant | None
