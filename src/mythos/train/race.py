"""The race: how many operations it takes to reach the same bits per byte, against tuned baselines.

Three candidates train on the same rows, tokenizer, schedule and sizes. Each gets the same sweep: for every
group of parameters a grid of rates around its start, one group after the other, extended where the best lies
on the edge. Then every candidate runs its full schedule at several budgets and seeds. What is compared is the
end of completed schedules only: the operations (the optimiser's included) at which Mythos reaches a
baseline's final loss.

Every finished run is a row in a file, known by its configuration's digest. So the race is stopped and gone on
with at will, over days; a run that was killed goes on from its snapshot. The protocol is
bench/efficiency/PROTOCOL.md.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

from mythos.compute import read
from mythos.errors import InputError, TrainError
from mythos.model import Tokenizer
from mythos.model.shape import Family
from mythos.train.config import Config, Rates
from mythos.train.documents import Corpus, read_corpus
from mythos.train.pretrain import train
from mythos.train.run import prepare_tokenizer

GROUPS: Final = ("matrices", "head", "embedding")
FACTORS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
EXTENSIONS: Final = 2
SHARES: Final = (0.25, 0.5, 1.0)
SWEEP_SHARE: Final = 0.25
STUDENT: Final = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
"""Two-sided 95 % quantiles of Student's t for n - 1 degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A family, an optimiser, and where its sweep starts."""

    name: str
    family: Family
    rates: Rates


CANDIDATES: Final = (
    Candidate(
        "llama", "llama", Rates("adamw", matrices=2e-3, embedding=8e-3, head=4e-3, gains=4e-3, clip=1.0)
    ),
    Candidate(
        "same-shape", "mythos", Rates("adamw", matrices=2e-3, embedding=0.2, head=8e-3, gains=4e-3, clip=1.0)
    ),
    Candidate("mythos", "mythos", Rates("muon", matrices=0.02, embedding=0.2, head=8e-3, gains=4e-3)),
)


@dataclass(frozen=True, slots=True)
class Result:
    """A completed schedule."""

    configuration: str
    candidate: str
    seed: int
    steps: int
    rates: dict[str, Any]
    parameters: int
    flop: int
    bits: dict[str, float]
    seconds: float

    @property
    def mean(self) -> float:
        """Bits per byte, the mean of the languages; infinite for a run whose loss became no number."""
        return sum(self.bits.values()) / len(self.bits) if self.bits else math.inf

    def to_line(self) -> str:
        """One row of the file."""
        return json.dumps(asdict(self) | {"flop": str(self.flop)}) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Result:
        """The inverse of `to_line`."""
        document = json.loads(line)
        return cls(**document | {"flop": int(document["flop"])})


def read_rows(path: Path) -> dict[str, Result]:
    """Finished runs by configuration; a last line cut short by a crash is left out.

    Raises:
        InputError: another line is no row.
    """
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    found: dict[str, Result] = {}
    for number, line in enumerate(lines[:-1], 1):
        try:
            result = Result.from_line(line.decode())
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"line {number} of {path} is no row of a race", found=str(error)[:120]
            ) from error
        found[result.configuration] = result
    return found


@dataclass(frozen=True, slots=True)
class Bench:
    """Runs configurations and remembers them."""

    base: Config
    rows: Path
    say: Callable[[str], None]

    def configure(self, candidate: Candidate, rates: Rates, flop: float, seed: int) -> Config:
        """A candidate's run of about `flop` operations."""
        model = replace(self.base.model, family=candidate.family)
        run, depth = self.base.run, self.base.rates.reference_depth
        step = model.shape.step_flop(run.rows, model.seq_len, muon=rates.optimizer == "muon")
        run = replace(run, steps=max(2, round(flop / step)), snapshot_every=500)
        rates = replace(rates, reference_depth=depth)
        return replace(self.base, name=f"race-{candidate.name}", seed=seed, model=model, run=run, rates=rates)

    def measure(self, candidate: Candidate, rates: Rates, flop: float, seed: int) -> Result:
        """Run a configuration to the end of its schedule, unless a row holds it already."""
        config = self.configure(candidate, rates, flop, seed)
        known = read_rows(self.rows).get(str(config.digest))
        if known is not None:
            return known
        self.rows.parent.mkdir(parents=True, exist_ok=True)
        work = self.rows.with_suffix(".work")
        corpus = read_corpus(config.data.documents)
        tokenizer = prepare_tokenizer(config, corpus, work)
        folder = work / config.digest.hex[:16]
        result = self._run(candidate, config, corpus, tokenizer, folder)
        with open(self.rows, "a+b") as file:
            self._drop_torn_line(file.fileno())
            file.write(result.to_line().encode())
            file.flush()
            os.fsync(file.fileno())
        shutil.rmtree(folder)
        self.say(f"{candidate.name:10} seed {seed}  {result.flop:.2e} FLOP  {result.mean:.4f} bits/byte")
        return result

    def _run(
        self, candidate: Candidate, config: Config, corpus: Corpus, tokenizer: Tokenizer, folder: Path
    ) -> Result:
        resume = (folder / "run.0.ledger").exists()
        row = Result(
            str(config.digest),
            candidate.name,
            config.seed,
            config.run.steps,
            asdict(config.rates),
            config.model.shape.parameters,
            flop=0,
            bits={},
            seconds=0.0,
        )
        try:
            trained = train(config, corpus, tokenizer, folder, resume=resume)
        except TrainError as error:
            if error.code != "not_finite":
                raise
            spent = read(folder / "run.0.ledger").effective
            return replace(row, flop=spent.model + spent.optimizer)
        spent = trained.history.effective
        flop, seconds = spent.model + spent.optimizer, trained.rows[-1].seconds
        return replace(row, flop=flop, bits=trained.bits, seconds=seconds)

    def _drop_torn_line(self, descriptor: int) -> None:
        os.ftruncate(descriptor, self.rows.read_bytes().rfind(b"\n") + 1)


def tune(candidate: Candidate, measure: Callable[[Rates], float]) -> tuple[Rates, list[str]]:
    """The candidate's best rates, one group after the other; every candidate gets the same grid.

    Also the groups whose best still lies on the edge when no extension is left: there the candidate may do
    better than was found, which a reader must know of a baseline.

    Args:
        candidate: and its start.
        measure: the loss at some rates; asked again for the same rates it answers the same.
    """
    rates = candidate.rates
    edges: list[str] = []
    for group in GROUPS:
        start: float = getattr(rates, group)
        losses: dict[float, float] = {}
        factors = list(FACTORS)
        for _ in range(EXTENSIONS + 1):
            losses |= {f: measure(replace(rates, **{group: start * f})) for f in factors if f not in losses}
            best = min(losses, key=losses.__getitem__)
            if min(losses) < best < max(losses):
                break
            factors = [best * (0.5 if best == min(losses) else 2.0)]
        else:
            edges.append(group)
        rates = replace(rates, **{group: start * min(losses, key=losses.__getitem__)})
    return rates, edges


Points = Sequence[tuple[float, float]]


def flop_at(points: Points, loss: float) -> float | None:
    """Operations at which a curve of (operations, loss) reaches a loss, linear in their log; or None."""
    ordered = sorted(points)
    for (flop1, loss1), (flop2, loss2) in pairwise(ordered):
        if loss1 >= loss >= loss2 and loss1 > loss2:
            share = (loss1 - loss) / (loss1 - loss2)
            return math.exp(math.log(flop1) + share * (math.log(flop2) - math.log(flop1)))
    return None


def flop_ratio(baseline: Points, other: Points) -> tuple[float, Literal["=", ">", "<"]]:
    """How many times the operations a baseline needs for the same loss, and whether that is only a bound.

    The loss is the worse of the two at the end of their largest budgets, which both curves can reach.
    """
    end, end_other = max(baseline), max(other)
    if end_other[1] <= end[1]:
        reached = flop_at(other, end[1])
        return (end[0] / reached, "=") if reached else (end[0] / min(other)[0], ">")
    reached = flop_at(baseline, end_other[1])
    return (reached / end_other[0], "=") if reached else (min(baseline)[0] / end_other[0], "<")


def interval(ratios: Sequence[float]) -> tuple[float, float, float]:
    """Geometric mean of ratios over seeds and its 95 % interval (Student's t on logarithms)."""
    logs = [math.log(ratio) for ratio in ratios]
    mean = sum(logs) / len(logs)
    if len(logs) < 2:
        return math.exp(mean), 0.0, math.inf
    spread = math.sqrt(sum((x - mean) ** 2 for x in logs) / (len(logs) - 1) / len(logs))
    reach = STUDENT[min(len(logs), max(STUDENT))] * spread
    return math.exp(mean), math.exp(mean - reach), math.exp(mean + reach)


def race(base: Config, rows: Path, *, flop: float, seeds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Sweep, run, compare; see the module's text.

    Args:
        base: sizes and text.
        rows: the file of finished runs.
        flop: the largest budget of one run; sweeps take a quarter.
        seeds: how many.
        say: told of every finished run.

    Returns:
        Results by candidate, sweep operations, ratios with intervals: a JSON document.
    """
    bench = Bench(base, rows, say)
    finals: dict[str, list[Result]] = {}
    swept: dict[str, Any] = {}
    for candidate in CANDIDATES:
        runs: dict[str, Result] = {}

        def measure(rates: Rates, candidate: Candidate = candidate, runs: dict[str, Result] = runs) -> float:
            result = bench.measure(candidate, rates, flop * SWEEP_SHARE, seed=0)
            runs[result.configuration] = result
            return result.mean

        best, edges = tune(candidate, measure)
        spent = sum(result.flop for result in runs.values())
        swept[candidate.name] = {"runs": len(runs), "flop": str(spent), "rates": asdict(best)}
        swept[candidate.name]["on_edge"] = edges
        finals[candidate.name] = [
            bench.measure(candidate, best, flop * share, seed)
            for seed in range(1, seeds + 1)
            for share in SHARES
        ]
    document: dict[str, Any] = {
        "baseline": [asdict(result) | {"flop": str(result.flop)} for result in finals["llama"]],
        "same_shape": [asdict(result) | {"flop": str(result.flop)} for result in finals["same-shape"]],
        "mythos": [asdict(result) | {"flop": str(result.flop)} for result in finals["mythos"]],
        "sweep": swept,
    }
    for against, key in (("llama", "flop_ratio_at_equal_loss"), ("same-shape", "flop_ratio_same_shape")):
        document |= compare(finals[against], finals["mythos"], key)
    return document


def compare(baseline: Sequence[Result], other: Sequence[Result], key: str) -> dict[str, Any]:
    """The ratio seed by seed (same seed, same rows of tokens), its mean, interval and bounds."""
    by_seed = [(points(baseline, seed), points(other, seed)) for seed in sorted({r.seed for r in other})]
    found = [flop_ratio(*pair) for pair in by_seed]
    mean, low, high = interval([ratio for ratio, _ in found])
    return {
        key: mean,
        f"{key}_interval": [low, None if math.isinf(high) else high],
        f"{key}_by_seed": [ratio for ratio, _ in found],
        f"{key}_bound": "".join(sorted({bound for _, bound in found})),
    }


def points(results: Sequence[Result], seed: int) -> list[tuple[float, float]]:
    """(operations, mean bits per byte) of one seed."""
    return [(float(result.flop), result.mean) for result in results if result.seed == seed]


def race_curves(document: Mapping[str, Any]) -> dict[str, list[tuple[float, float]]]:
    """Mean bits per byte over operations for each candidate and seed, to be drawn."""
    found: dict[str, list[tuple[float, float]]] = {}
    for name in ("baseline", "same_shape", "mythos"):
        for row in document[name]:
            mean = sum(row["bits"].values()) / len(row["bits"])
            found.setdefault(f"{name} {row['seed']}", []).append((float(row["flop"]), mean))
    return {name: sorted(line) for name, line in found.items()}
