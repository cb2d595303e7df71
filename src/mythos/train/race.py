"""The race: how many operations it takes to reach the same bits per byte, against tuned baselines.

Three candidates train on the same rows, tokenizer, schedule and sizes. Each gets the same sweep: for every
group of parameters a grid of rates around its start, one group after the other, then more where the best is.
Then every candidate runs its full schedule at several budgets and seeds. What is compared is the end of
completed schedules only: the operations (the optimiser's included) at which Mythos reaches a baseline's final
loss.

Every finished run is a row in a file (`mythos.train.rows`), so the race is stopped and gone on with at will.
The protocols are bench/efficiency/PROTOCOL.md and PROTOCOL-2.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, Final, Literal

from mythos.train.config import Rates
from mythos.train.rows import Bench, Candidate, Result

GROUPS: Final = ("matrices", "head", "embedding")
FACTORS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
EXTENSIONS: Final = 2
SHARES: Final = (0.25, 0.5, 1.0)
STUDENT: Final = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
"""Two-sided 95 % quantiles of Student's t for n - 1 degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """What a protocol's file fixes.

    Attributes:
        candidates: with the starts of their sweeps.
        sweep_share: length of a sweep's runs, as a share of the longest final.
        equal: every sweep has the same number of runs; else it goes on only while the best lies on the edge.
    """

    candidates: tuple[Candidate, ...]
    sweep_share: float
    equal: bool


def _candidates(llama: Rates, same: Rates, mythos: Rates) -> tuple[Candidate, ...]:
    return (
        Candidate("llama", "llama", replace(llama, optimizer="adamw", gains=4e-3, clip=1.0)),
        Candidate("same-shape", "mythos", replace(same, optimizer="adamw", gains=4e-3, clip=1.0)),
        Candidate("mythos", "mythos", replace(mythos, optimizer="muon", gains=4e-3)),
    )


PROTOCOLS: Final = {
    1: Protocol(
        _candidates(
            Rates(matrices=2e-3, embedding=8e-3, head=4e-3),
            Rates(matrices=2e-3, embedding=0.2, head=8e-3),
            Rates(matrices=0.02, embedding=0.2, head=8e-3),
        ),
        sweep_share=0.25,
        equal=False,
    ),
    2: Protocol(
        _candidates(
            Rates(matrices=5e-4, embedding=0.011, head=8e-3),
            Rates(matrices=1e-3, embedding=0.4, head=0.011),
            Rates(matrices=0.028, embedding=0.4, head=0.011),
        ),
        sweep_share=1.0,
        equal=True,
    ),
}


def tune(
    candidate: Candidate, measure: Callable[[list[Rates]], list[float]], *, equal: bool
) -> tuple[Rates, list[str]]:
    """The candidate's best rates, one group after the other; every candidate gets the same grid.

    Also the groups whose best still lies on the edge at the end: there the candidate may do better than was
    found, which a reader must know of a baseline.

    Args:
        candidate: and its start.
        measure: the losses at some rates; asked again for the same rates it answers the same.
        equal: see `Protocol`.
    """
    rates = candidate.rates
    edges: list[str] = []
    for group in GROUPS:
        start: float = getattr(rates, group)
        losses: dict[float, float] = {}
        factors = list(FACTORS)
        for _ in range(2 if equal else EXTENSIONS + 1):
            losses |= zip(
                factors, measure([replace(rates, **{group: start * f}) for f in factors]), strict=True
            )
            best = min(losses, key=losses.__getitem__)
            step = 0.5 if best == min(losses) else 2.0 if best == max(losses) else None
            if equal:
                factors = [best * step, best * step**2] if step else [best / 2**0.5, best * 2**0.5]
            elif step:
                factors = [best * step]
            else:
                break
        best = min(losses, key=losses.__getitem__)
        if best in (min(losses), max(losses)):
            edges.append(group)
        rates = replace(rates, **{group: start * best})
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


def race(bench: Bench, protocol: Protocol, *, flop: float, seeds: int) -> dict[str, Any]:
    """Sweep, run, compare; see the module's text.

    Args:
        bench: sizes, text, and where runs are done and remembered.
        protocol: what is swept, and for how long.
        flop: the largest budget of one run.
        seeds: how many; sweeps have another.

    Returns:
        Results by candidate, sweep operations, ratios with intervals: a JSON document.
    """
    arms = {candidate.name: candidate for candidate in protocol.candidates}
    if bench.pool is None:
        found = {name: _arm(bench, protocol, arms[name], flop, seeds) for name in arms}
    else:
        with ThreadPoolExecutor(len(arms)) as threads:
            asked = {threads.submit(_arm, bench, protocol, arms[name], flop, seeds): name for name in arms}
            found = {asked[done]: done.result() for done in as_completed(asked)}
    document: dict[str, Any] = {
        key: [asdict(result) | {"flop": str(result.flop)} for result in found[name][1]]
        for key, name in (("baseline", "llama"), ("same_shape", "same-shape"), ("mythos", "mythos"))
    }
    document["sweep"] = {name: found[name][0] for name in arms}
    document["counted_is_closed_form"] = all(found[name][2] for name in arms)
    for against, key in (("llama", "flop_ratio_at_equal_loss"), ("same-shape", "flop_ratio_same_shape")):
        document |= compare(found[against][1], found["mythos"][1], key)
    return document


def _arm(
    bench: Bench, protocol: Protocol, candidate: Candidate, flop: float, seeds: int
) -> tuple[dict[str, Any], list[Result], bool]:
    """One candidate: what its sweep found, its finals, whether every count is the closed form."""
    runs: dict[str, Result] = {}

    def measure(asked: list[Rates]) -> list[float]:
        results = bench.measure(candidate, [(rates, flop * protocol.sweep_share, 0) for rates in asked])
        runs.update({result.configuration: result for result in results})
        return [result.mean for result in results]

    best, edges = tune(candidate, measure, equal=protocol.equal)
    spent = sum(result.flop for result in runs.values())
    swept = {"runs": len(runs), "flop": str(spent), "rates": asdict(best), "on_edge": edges}
    planned = [(best, flop * share, seed) for seed in range(1, seeds + 1) for share in SHARES]
    finals = bench.measure(candidate, planned)
    return swept, finals, all(bench.closed(result) for result in (*runs.values(), *finals))


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
