"""What if: which instruments bind one model over time and over compute, and what changes between two days."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Final, cast

from mythos.errors import InputError
from mythos.regimes.derived import DERIVED, TRAINING
from mythos.regimes.determine import BINDING, determine
from mythos.regimes.facts import Facts
from mythos.regimes.instrument import Instrument
from mythos.regimes.pack import Pack
from mythos.regimes.scalar import text

ALIVE: Final = BINDING | {"needs_fact", "needs_review"}


@dataclass(frozen=True, slots=True)
class Span:
    """An outcome from here to there: ordinal days, or powers of ten of operations. `says` names the start."""

    low: float
    high: float
    outcome: str
    says: str


@dataclass(frozen=True, slots=True)
class Row:
    """One instrument over time, at the model's own compute, and over compute, on one day."""

    instrument: Instrument
    time: tuple[Span, ...]
    compute: tuple[Span, ...]

    @property
    def alive(self) -> bool:
        """Whether it binds, or might, anywhere."""
        return any(span.outcome in ALIVE for span in (*self.time, *self.compute))


@dataclass(frozen=True, slots=True)
class Change:
    """Something about an instrument changes on a day."""

    on: date
    instrument: str
    was: str
    becomes: str
    cite: str


def sweep(
    facts: Mapping[str, object],
    on: date,
    first: date,
    last: date,
    pack: Pack,
    powers: tuple[int, int] = (22, 27),
) -> tuple[Row, ...]:
    """Each instrument between two days, and over compute between two powers of ten.

    Outcomes are taken at every day and number where a rule changes and between each two, never sampled.

    Raises:
        InputError: the first day is not before the last, or a fact is wrong.
    """
    _in_order(first, last)
    days = sorted({first, *(d for one in pack.instruments for d in one.days() if first < d < last)})
    steps = _steps(pack, *powers)
    rest = {name: value for name, value in facts.items() if name not in TRAINING}
    by_day = [determine(facts, d, pack).findings for d in days]
    by_step = [determine({**rest, "ops": n, "flop": n}, on, pack).findings for n, _, _, _ in steps]
    until = [*days[1:], last]
    return tuple(
        Row(
            instrument,
            _merge(
                [
                    Span(d.toordinal(), u.toordinal(), f[n].outcome, str(d))
                    for d, u, f in zip(days, until, by_day, strict=True)
                ]
            ),
            _merge(
                [
                    Span(low, high, f[n].outcome, says)
                    for (_, low, high, says), f in zip(steps, by_step, strict=True)
                ]
            ),
        )
        for n, instrument in enumerate(pack.instruments)
    )


def _in_order(first: date, last: date) -> None:
    if first >= last:
        raise InputError("the days are not in order", expected="--from before --to", found=f"{first}, {last}")


def own_compute(facts: Mapping[str, object], pack: Pack) -> float | None:
    """The model's operations as a power of ten, where they are known."""
    seen = DERIVED["operations"].function(Facts.parse(facts, pack.vocabulary), {})
    return _power(cast("Fraction", seen.low)) if seen.known and seen.low else None


def _steps(pack: Pack, low: int, high: int) -> list[tuple[str, float, float, str]]:
    """Every threshold on training compute, and a number between each two, with their places on the axis."""
    limits = {Fraction(10**low), Fraction(10**high)}
    for _, leaf in (pair for one in pack.instruments for pair in one.leaves()):
        reads = DERIVED[leaf.fact].reads if leaf.fact in DERIVED else ()
        if (
            isinstance(leaf.value, Fraction)
            and {"ops", "flop"} & set(reads)
            and min(limits) < leaf.value < max(limits)
        ):
            limits.add(leaf.value)
    steps: list[tuple[str, float, float, str]] = []
    for a, b in pairwise(sorted(limits)):
        steps += [
            (text(a), _power(a), _power(a), f"≥ {text(a)}"),
            (text((a + b) / 2), _power(a), _power(b), f"> {text(a)}"),
        ]
    return steps


def _power(value: Fraction) -> float:
    """The decimal logarithm; a place in a picture, never compared with anything."""
    return math.log10(value)


def _merge(spans: Sequence[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for span in spans:
        if merged and merged[-1].outcome == span.outcome:
            merged[-1] = Span(merged[-1].low, span.high, span.outcome, merged[-1].says)
        else:
            merged.append(span)
    return tuple(merged)


def changes(first: date, last: date, pack: Pack) -> tuple[Change, ...]:
    """What changes after `first` and until `last` in the instruments themselves.

    Raises:
        InputError: the first day is not before the last.
    """
    _in_order(first, last)
    found: list[Change] = []
    for one in pack.instruments:
        for edge in sorted(edge for edge in one.days() if first < edge <= last):
            before, after = one.at(edge - timedelta(1)), one.at(edge)
            was, becomes = (i.state if i else "not_in_force" for i in (before, after))
            if was != becomes:
                cite = (after or before or one).cite
                found.append(Change(edge, one.id, was, becomes, cite))
            for clause in one.clauses:
                said = f"{clause.kind}: {clause.words or clause.reading}"
                if edge in {clause.from_, clause.until}:
                    found.append(
                        Change(
                            edge,
                            one.id,
                            "",
                            f"{'begins' if edge == clause.from_ else 'ends'}, {said}",
                            clause.cite,
                        )
                    )
    return tuple(sorted(found, key=lambda change: (change.on, change.instrument)))
