"""From steps to records: totals that can be read at any time, and a ledger line for every few steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import index
from typing import Final

from mythos.compute.hardware import Energy, default_peak
from mythos.compute.ledger import Ledger
from mythos.compute.record import PHASES, ROLES, Counts, Head, Work
from mythos.errors import InputError
from mythos.units import Digest, Flop

_MOST_DATASETS: Final = 256
"""Names in one record, so that its line stays within what a reader takes."""


@dataclass(slots=True)
class Step:
    """What one step cost; whole once its `with` block has ended.

    Attributes:
        spans: passes, optimizer steps and gaps; `counted`: those that ran under the counter, not replayed.
        samples_generated, samples_kept: of synthetic data; write them on the step.
        audits: spans counted although known; `mismatches`: those that cost something else.
        dynamic: why the work depends on data; `unregistered`: operators whose cost nobody knows.
    """

    phase: str
    role: str
    tokens: int = 0
    datasets: tuple[str, ...] = ()
    steps: int = 1
    forward: int = 0
    backward: int = 0
    recompute: int = 0
    optimizer: int = 0
    model_flop: int = 0
    integer: int = 0
    samples_generated: int = 0
    samples_kept: int = 0
    spans: int = 0
    counted: int = 0
    audits: int = 0
    mismatches: int = 0
    dynamic: set[str] = field(default_factory=set[str])
    unregistered: set[str] = field(default_factory=set[str])

    @property
    def executed_flop(self) -> int:
        """Everything that ran: recomputation and optimizer included."""
        return self.forward + self.backward + self.recompute + self.optimizer

    @property
    def exact(self) -> bool:
        """The work follows from shapes alone and every operator's cost is known."""
        return not self.dynamic and not self.unregistered

    @property
    def counts(self) -> Counts:
        """The operations as a value."""
        kinds = (self.forward, self.backward, self.recompute, self.optimizer)
        return Counts(*kinds, self.model_flop, self.integer)

    def add(self, other: Step) -> None:
        """Take in another step's work."""
        self.forward += other.forward
        self.backward += other.backward
        self.recompute += other.recompute
        self.optimizer += other.optimizer
        self.model_flop += other.model_flop
        self.integer += other.integer
        self.steps += other.steps
        self.tokens += other.tokens
        self.samples_generated += other.samples_generated
        self.samples_kept += other.samples_kept
        self.spans += other.spans
        self.counted += other.counted
        self.audits += other.audits
        self.mismatches += other.mismatches
        if other.datasets and other.datasets != self.datasets:
            self.datasets = tuple(sorted({*self.datasets, *other.datasets}))
        if other.dynamic or other.unregistered:
            self.dynamic |= other.dynamic
            self.unregistered |= other.unregistered


class Journal:
    """Adds steps up and writes a record for every `every` of them, and at each change of phase or role.

    Args:
        ledger: where records go; without one the totals are all there is.
        phase: what the steps are unless they say otherwise (pretrain, sft, rl, distill, synthetic, eval).
        role: whose work it is (train, teacher, reward, generator).
        device: `cpu`, `cuda`, …; `devices`: how many; `peak`: operations per second of one at its best.
        precision: the number format of the products.
        energy: reads what was used; by default RAPL and NVML, else an estimate that says so.
    """

    def __init__(
        self,
        *,
        ledger: Ledger | None = None,
        phase: str = "pretrain",
        role: str = "train",
        every: int = 50,
        device: str = "cpu",
        devices: int = 1,
        peak: int | None = None,
        precision: str = "float32",
        energy: Energy | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        if every < 1 or devices < 1 or (peak is not None and peak < 1):
            raise InputError("every, devices and peak count from 1", found=f"{every}, {devices}, {peak}")
        self.ledger = ledger
        self.phase, self.role, self.precision = phase, role, precision
        self.done: dict[str, Step] = {}
        self._every, self._devices, self._clock = every, devices, clock
        self._peak = peak if peak is not None else default_peak(device)
        self._energy = energy or (Energy(clock=clock) if ledger is not None else None)
        self._window: Step | None = None
        self._since = clock()

    @property
    def total(self) -> Step:
        """All steps so far except evaluation."""
        total = Step("all", self.role, steps=0)
        for phase, step in self.done.items():
            if phase != "eval":
                total.add(step)
        return total

    @property
    def model_flop(self) -> Flop:
        """The canonical figure so far: forward, and twice that where it was differentiated."""
        return Flop(self.total.model_flop)

    @property
    def executed_flop(self) -> Flop:
        """Everything that ran so far, evaluation not."""
        return Flop(self.total.executed_flop)

    @property
    def exact(self) -> bool:
        """Whether every step was."""
        return self.total.exact

    @property
    def complete(self) -> bool:
        """Whether the cost of every operator is known."""
        return not self.total.unregistered

    def new(
        self,
        *,
        tokens: int = 0,
        datasets: Sequence[str] = (),
        phase: str | None = None,
        role: str | None = None,
    ) -> Step:
        """A step that has cost nothing yet.

        Raises:
            InputError: fewer than no tokens, or a phase or role that no record has.
        """
        tokens, phase, role = index(tokens), phase or self.phase, role or self.role
        if tokens < 0 or phase not in PHASES or role not in ROLES:
            raise InputError(
                "a step that cannot be",
                expected=f"tokens from 0, a phase of {', '.join(PHASES)}, a role of {', '.join(ROLES)}",
                found=f"{tokens}, {phase}, {role}",
            )
        return Step(phase, role, tokens, tuple(datasets))

    def enter(self, step: Step) -> None:
        """Book a finished step."""
        if self._window is not None and (self._window.phase, self._window.role) != (step.phase, step.role):
            self.flush()
        for place in (self._window, self.done.get(step.phase)):
            if place is not None:
                place.add(step)
        if self._window is None:
            self._window = Step(step.phase, step.role, steps=0)
            self._window.add(step)
        if step.phase not in self.done:
            self.done[step.phase] = Step(step.phase, step.role, steps=0)
            self.done[step.phase].add(step)
        full = self._window.steps >= self._every or len(self._window.datasets) >= _MOST_DATASETS
        if self.ledger is not None and full:
            self.flush()

    def flush(self) -> None:
        """Write what was booked since the last record."""
        window, self._window = self._window, None
        if window is None or self.ledger is None:
            return
        now = self._clock()
        used, how = self._energy.take() if self._energy is not None else (0, "none")
        self.ledger.append(
            Work(
                window.counts,
                steps=window.steps,
                phase=window.phase,
                role=window.role,
                precision=self.precision,
                method="counted" if window.counted == window.spans else "replayed",
                exact=window.exact,
                unregistered=tuple(sorted(window.unregistered)),
                dynamic=tuple(sorted(window.dynamic)),
                audits=window.audits,
                mismatches=window.mismatches,
                tokens=window.tokens,
                samples_generated=window.samples_generated,
                samples_kept=window.samples_kept,
                datasets=window.datasets,
                wall_ns=now - self._since,
                devices=self._devices,
                peak=self._peak,
                energy_uj=used,
                energy_method=how,
            )
        )
        self._since = now

    def snapshot(self, weights: Digest | None = None) -> Head:
        """Book everything and mark the place in the ledger; call it before training state is saved.

        Raises:
            InputError: there is no ledger.
        """
        if self.ledger is None:
            raise InputError("a snapshot without a ledger", advice="Give the meter ledger=Ledger.create(…).")
        self.flush()
        return self.ledger.snapshot(weights)
