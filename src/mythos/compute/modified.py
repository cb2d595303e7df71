"""How much was added to an original, against the limits that an instrument sets for it.

The limits stand in the instrument's file: a share of the original (a third, in the EU's guidelines on
downstream modifiers), or the higher of a floor and a share (2.5e25 or a quarter, in ECCN 4E091's first note).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from mythos.compute.lineage import Graph, Total, total
from mythos.errors import ComputeError
from mythos.regimes import Instrument
from mythos.regimes.derived import DERIVED
from mythos.regimes.facts import Facts
from mythos.regimes.instrument import Condition
from mythos.regimes.truth import Seen, compare
from mythos.units import Digest


@dataclass(frozen=True, slots=True)
class Modification:
    """The training between an original and what was made from it, and what the original had cost."""

    original: Digest
    added: Total
    before: Total

    @property
    def facts(self) -> dict[str, str]:
        """What a determination can be asked with, as far as it is known exactly."""
        found: dict[str, str] = {}
        if self.added.complete:
            found |= {"mod_ops": str(self.added.flop), "mod_flop": str(self.added.flop)}
        if self.before.complete:
            found |= {"base_ops": str(self.before.flop), "base_flop": str(self.before.flop)}
        return found


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: whether the modification stands in the clause's relation to it; `None`: not known.

    Attributes:
        comparator: gt or le, as the text has it.
        limit: the number of operations, or the range it lies in.
        terms: what it was made from.
        needs: what would settle it.
    """

    words: str
    cite: str
    comparator: str
    limit: str
    terms: tuple[tuple[str, str], ...]
    held: bool | None
    needs: tuple[str, ...]


def modification(graph: Graph, weights: Digest, original: Digest) -> Modification:
    """The training between an original and these weights, however many steps that took.

    Weights merged in from elsewhere are no modification of the original; they are in the whole total.

    Raises:
        ComputeError: the weights do not descend from the original.
    """
    lineage = graph.ways(weights)
    if original not in lineage or original == weights:
        raise ComputeError(
            "these weights were not made from that original",
            expected="one of their ancestors",
            found=str(original),
        )
    children: dict[Digest, list[Digest]] = {}
    for child, parents in graph.behind(weights).items():
        for parent in parents:
            children.setdefault(parent, []).append(child)
    between: set[Digest] = set()
    ahead = list(children[original])
    while ahead:
        here = ahead.pop()
        if here not in between:
            between.add(here)
            ahead += children.get(here, ())
    inside = {d: tuple(edge for edge in graph.parents(d) if edge.parent in between) for d in between}
    added = total(Graph(inside, graph.figures, graph.names), weights)
    return Modification(original, added, total(graph, original))


def limits(instrument: Instrument, change: Modification, **known: Any) -> tuple[Limit, ...]:
    """Every limit on modifications in an instrument, held against this one.

    Args:
        instrument: whose clauses are read.
        change: what was added to what.
        known: further facts, such as `base_is_sr` where the original's figure is not known.
    """
    stated = {name: Fraction(value) for name, value in change.facts.items()}
    facts = Facts(stated | known)
    most = change.added.most
    seen = Seen(
        Fraction(change.added.least), None if most is None else Fraction(most), frozenset({"mod_flop"})
    )
    found: list[Limit] = []
    for clause in instrument.clauses:
        for leaf in _comparisons(clause):
            if leaf.fact not in {"mod_flop", "mod_ops"} or not leaf.value_of or leaf.comparator is None:
                continue
            limit = DERIVED[leaf.value_of].function(facts, leaf.with_)
            held = compare(seen, leaf.comparator, limit)
            needs = tuple(sorted(held.needs)) if held.value is None else ()
            said = (clause.words or clause.reading, clause.cite, leaf.comparator)
            found.append(Limit(*said, str(limit), limit.terms, held.value, needs))
    return tuple(found)


def _comparisons(condition: Condition) -> Iterator[Condition]:
    for part in (*condition.all_of, *condition.any_of):
        yield from _comparisons(part)
    yield condition
