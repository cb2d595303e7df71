"""What was counted, as values: operations, the record of some steps, a place in a ledger, its history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, Self, cast, get_args

from mythos.errors import ComputeError, InputError
from mythos.evidence.statement import Json
from mythos.units import Digest, Flop, Instant

FORMAT: Final = "mythos-compute-ledger/1"
CONVENTION: Final = (
    "multiply-add 2; whole score matrix; model = forward x 3 where differentiated; no element-wise"
)

Method = Literal["counted", "replayed", "formula", "hardware"]
PHASES: Final = ("pretrain", "sft", "rl", "distill", "synthetic", "eval", "merge")
ROLES: Final = ("train", "teacher", "reward", "generator")
_BIG: Final = ("tokens", "wall_ns", "peak", "energy_uj")
_LISTS: Final = ("unregistered", "dynamic", "datasets")
_LEAST: Final = {
    **dict.fromkeys(("steps", "audits", "mismatches", "samples_generated", "samples_kept"), 0),
    **dict.fromkeys(("tokens", "wall_ns", "energy_uj"), 0),
    **dict.fromkeys(("devices", "peak"), 1),
}
_ONE_OF: Final = {"phase": PHASES, "role": ROLES, "method": get_args(Method), "exact": (True, False)}


@dataclass(frozen=True, slots=True)
class Counts:
    """Operations of some steps.

    Attributes:
        forward: in forward passes.
        backward: in backward passes, without what repeats a forward pass.
        recompute: forward work done again for a backward pass (checkpointing, fused attention).
        optimizer: in optimizer steps.
        model: the canonical figure: `forward`, plus twice the forward cost of each differentiated pass.
        integer: those of the first four that were integer arithmetic.
    """

    forward: int = 0
    backward: int = 0
    recompute: int = 0
    optimizer: int = 0
    model: int = 0
    integer: int = 0

    @property
    def executed(self) -> Flop:
        """Everything that ran."""
        return Flop(self.forward + self.backward + self.recompute + self.optimizer)

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def to_dict(self) -> Json:
        """Decimal text by name."""
        return {f.name: str(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_dict(cls, document: Json) -> Self:
        """The inverse of `to_dict`."""
        return cls(**{f.name: int(Flop.parse(document[f.name])) for f in fields(cls)})


@dataclass(frozen=True, slots=True)
class Work:
    """What was done in `steps` steps: one record.

    Attributes:
        steps: how many steps; 0 for work between steps.
        phase: pretrain, sft, rl, distill, synthetic, eval or merge. Evaluation is kept and not totalled.
        role: train, teacher, reward or generator.
        precision: the number format of the products, such as bfloat16.
        method: `counted` (every step), `replayed` (by signature), `formula` or `hardware`.
        exact: the work follows from shapes alone and every operator's cost is known.
        unregistered: operators without a formula; the record is incomplete when there is one.
        dynamic: what made the work depend on data.
        datasets: digests of what was read; `+public` after one that anybody may have.
        wall_ns: nanoseconds from the record before.
        peak: operations per second of one device at its best, where known: the count may not pass it.
        energy_uj: microjoules, and how they were found.
    """

    counts: Counts
    steps: int = 1
    phase: str = "pretrain"
    role: str = "train"
    precision: str = "float32"
    method: Method = "replayed"
    exact: bool = True
    unregistered: tuple[str, ...] = ()
    dynamic: tuple[str, ...] = ()
    audits: int = 0
    mismatches: int = 0
    tokens: int = 0
    samples_generated: int = 0
    samples_kept: int = 0
    datasets: tuple[str, ...] = ()
    wall_ns: int = 0
    devices: int = 1
    peak: int | None = None
    energy_uj: int = 0
    energy_method: str = "none"

    def __post_init__(self) -> None:
        """Refuse what no step can have done.

        Raises:
            InputError: a negative number, a fraction, or a word that is not one of a field's.
        """
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not (type(value) is int and value >= least) and not (name == "peak" and value is None):
                raise InputError(
                    f"{name} cannot be", expected=f"a whole number from {least}", found=repr(value)[:40]
                )
        for name, words in _ONE_OF.items():
            value = getattr(self, name)
            if value not in words or type(value) is not type(words[0]):
                raise InputError(
                    f"{name} cannot be", expected=" or ".join(map(str, words)), found=repr(value)[:40]
                )
        for name in (*_LISTS, "precision", "energy_method"):
            value = getattr(self, name)
            texts = cast("tuple[Any, ...]", value if name in _LISTS else (value,))
            if type(texts) is not tuple or not all(isinstance(text, str) for text in texts):
                raise InputError(f"{name} cannot be", expected="text", found=repr(value)[:40])

    @property
    def bound(self) -> int | None:
        """The most operations the devices could have done in this time."""
        return None if self.peak is None else self.wall_ns * self.devices * self.peak // 10**9

    def to_dict(self) -> Json:
        """The record's fields and its bound; numbers that can pass 2**53 as decimal text."""
        document: Json = {f.name: getattr(self, f.name) for f in fields(self)}
        document |= {name: None if document[name] is None else str(document[name]) for name in _BIG}
        return document | {"counts": self.counts.to_dict(), "bound": self.bound and str(self.bound)}

    @classmethod
    def from_dict(cls, document: Json) -> Self:
        """The inverse of `to_dict`.

        Raises:
            InputError: a field that cannot be, or a bound that does not follow from the fields.
        """
        values: dict[str, Any] = {f.name: document[f.name] for f in fields(cls)}
        values |= {name: None if values[name] is None else int(Flop.parse(values[name])) for name in _BIG}
        for name in _LISTS:
            if isinstance(values[name], list):
                values[name] = tuple(values[name])
        values["counts"] = Counts.from_dict(document["counts"])
        work = cls(**values)
        if document["bound"] != (work.bound if work.bound is None else str(work.bound)):
            raise InputError(
                "the bound does not follow", expected=str(work.bound), found=str(document["bound"])[:40]
            )
        return work

    def check_bound(self) -> None:
        """Hold the count against what the devices could have done.

        Raises:
            ComputeError: it is more (`impossible`).
        """
        most = max(self.counts.executed, self.counts.model)
        if self.bound is not None and most > self.bound:
            raise ComputeError(
                "more operations than the devices can do",
                expected=f"at most {self.bound} (wall time x devices x peak)",
                found=str(most),
                advice="The clock, the number of devices, their peak or the count is wrong.",
                code="impossible",
            )


@dataclass(frozen=True, slots=True)
class Head:
    """A place in a ledger: how many lines, and the digest of the last. A training snapshot keeps it."""

    lines: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class History:
    """A ledger, read and checked.

    Attributes:
        header: the `run` line.
        works: every record with whether a resume superseded it.
        snapshots: (step, place) of the snapshots that stand.
        step: the last step that stands.
        attempt: 1, and one more for each resume.
        ended: when the last line was written.
        dropped: bytes of a last line that was cut short.
        signed: how many lines the last verified signature covers.
    """

    header: Json
    works: tuple[tuple[Work, bool], ...]
    snapshots: tuple[tuple[int, Head], ...]
    head: Head
    step: int
    attempt: int
    ended: Instant
    dropped: int = 0
    signed: int = 0

    @property
    def began(self) -> Instant:
        """When the run began."""
        return Instant.parse(self.header["at"])

    @property
    def effective(self) -> Counts:
        """What the weights came of: no superseded work, no evaluation."""
        return sum((w.counts for w, gone in self.works if not gone and w.phase != "eval"), Counts())

    @property
    def executed(self) -> Counts:
        """What was done, superseded work included, evaluation not."""
        return sum((w.counts for w, _ in self.works if w.phase != "eval"), Counts())

    @property
    def unregistered(self) -> tuple[str, ...]:
        """Operators whose cost is in no total."""
        return tuple(sorted({name for w, _ in self.works for name in w.unregistered}))

    @property
    def exact(self) -> bool:
        """Whether every record is."""
        return all(w.exact for w, _ in self.works)


def missing_ranks(histories: Iterable[History]) -> tuple[str, ...]:
    """`run: rank` of each rank that none of these ledgers is of; a total without them is too low."""
    seen: dict[str, set[int]] = {}
    worlds: dict[str, int] = {}
    for history in histories:
        run, world = str(history.header["run"]), int(history.header["world"])
        seen.setdefault(run, set()).add(int(history.header["rank"]))
        worlds[run] = max(world, worlds.get(run, 0))
    return tuple(f"{run}: {n}" for run, world in worlds.items() for n in range(world) if n not in seen[run])
