"""What stands behind a set of weights: a graph over digests, every ancestor once, each regime's own total.

The graph is a fold over statements: `derivation` gives its edges, `training-compute` its figures,
`model-identity` its names. What counts is not decided here: it stands in the instrument's file (`counts:`).
An ancestor whose figure nobody stated makes the total a lower bound and incomplete; it is never zero.

    graph = Graph.of(envelopes)
    total(graph, weights)                                   everything behind the weights
    total(graph, weights, shipped()["EU-GPAI-SR"].counts)   what this instrument counts of it
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final, Literal, cast, get_args

from mythos.errors import ComputeError
from mythos.evidence.predicates import Derivation, ModelIdentity, TrainingCompute
from mythos.evidence.statement import Envelope
from mythos.regimes import Counts
from mythos.regimes.facts import Facts
from mythos.units import Digest, Flop, exact

Way = Literal[
    "own_training",
    "later_training",
    "ancestors",
    "distillation_teacher",
    "generator_training",
    "auxiliary_models",
    "synthetic_generation",
]
_ALL: Final[dict[str, Any]] = dict.fromkeys(get_args(Way), "counted")
EVERYTHING: Final = Counts(unit="operations", **_ALL)
"""The rule when no regime is asked: all training behind the weights."""

_TRUST: Final = ("hardware", "formula", "declared", "replayed", "counted")
_ASIDE: Final[dict[str, Way]] = {
    "teacher": "distillation_teacher",
    "generator": "generator_training",
    "reward": "auxiliary_models",
    "value": "auxiliary_models",
    "judge": "auxiliary_models",
}
_BY_KIND: Final[dict[str, Way]] = {"distil": "distillation_teacher", "synthetic": "generator_training"}
_INCLUSIVE: Final = ("not_counted", "unsettled", "unpublished", "counted")


@dataclass(frozen=True, slots=True)
class Edge:
    """`parent` went into something in this role; `way` is `ancestors` when its weights did."""

    parent: Digest
    role: str
    way: Way


@dataclass(frozen=True, slots=True)
class Figure:
    """What a training-compute statement says, and who signed it."""

    said: TrainingCompute
    signers: frozenset[str]

    def bounds(self, recomputation: str) -> tuple[int, int, int]:
        """Least, stated and most operations: by its own uncertainty, and by whether recomputation counts.

        An uncertainty that nobody stated is not assumed.
        """
        said = self.said
        executed = max(said.executed_flop or said.model_flop, said.model_flop)
        stated = executed if recomputation == "counted" else said.model_flop
        most = executed if recomputation != "not_counted" else stated
        share = abs(Fraction(exact(said.uncertainty_percent or 0, what="uncertainty"))) / 100
        return int(stated * max(1 - share, Fraction(0))), int(stated), int(most * (1 + share))


@dataclass(frozen=True, slots=True)
class Graph:
    """Edges to parents, figures and names by weights digest."""

    edges: Mapping[Digest, tuple[Edge, ...]]
    figures: Mapping[Digest, Figure]
    names: Mapping[Digest, str] = field(default_factory=dict[Digest, str])

    @classmethod
    def of(cls, envelopes: Iterable[Envelope]) -> Graph:
        """Fold statements in log order. Of several figures the better method counts, then the later."""
        edges: dict[Digest, tuple[Edge, ...]] = {}
        figures: dict[Digest, Figure] = {}
        names: dict[Digest, str] = {}
        for envelope in envelopes:
            statement = envelope.statement()
            for subject in statement.subjects:
                match statement.act:
                    case "derivation":
                        said = Derivation.of(statement)
                        new = tuple(Edge(p.weights, p.role, _way(p.role, said.kind)) for p in said.parents)
                        edges[subject.digest] = tuple(dict.fromkeys((*edges.get(subject.digest, ()), *new)))
                    case "training-compute":
                        new_figure = Figure(TrainingCompute.of(statement), frozenset(envelope.signers))
                        old = figures.get(subject.digest)
                        if old is None or _trust(new_figure) >= _trust(old):
                            figures[subject.digest] = new_figure
                    case "model-identity":
                        names[subject.digest] = ModelIdentity.of(statement).name
                    case _:
                        continue
                names.setdefault(subject.digest, subject.name)
        return cls(edges, figures, names)

    def parents(self, weights: Digest) -> tuple[Edge, ...]:
        """What went into these weights."""
        return self.edges.get(weights, ())

    def behind(self, weights: Digest) -> dict[Digest, tuple[Digest, ...]]:
        """The weights and all their ancestors, each with its parents; nothing else is looked at."""
        found: dict[Digest, tuple[Digest, ...]] = {}
        ahead = [weights]
        while ahead:
            here = ahead.pop()
            if here not in found:
                found[here] = tuple(edge.parent for edge in self.parents(here))
                ahead += found[here]
        return found

    def ways(self, weights: Digest) -> dict[Digest, frozenset[Way]]:
        """Every ancestor and the ways it is one; nearest first. The weights themselves come first.

        An ancestor through weights alone, whose measured compute the same party signed, is an earlier stage
        of the same model: the same life cycle, and so its own training.

        Raises:
            ComputeError: the statements say that something among them is its own ancestor.
        """
        try:
            TopologicalSorter(self.behind(weights)).prepare()
        except CycleError as error:
            circle = " < ".join(map(str, cast("list[Digest]", error.args[1])))
            raise ComputeError(
                "the lineage is a circle", expected="parents that came before", found=circle[:300]
            ) from error
        stages = any(edge.way == "ancestors" for edge in self.parents(weights))
        found: dict[Digest, set[Way]] = {weights: {"later_training" if stages else "own_training"}}
        ahead: list[tuple[Digest, Way]] = [(weights, "ancestors")]
        done: set[tuple[Digest, Way]] = set()
        while ahead:
            here, way = ahead.pop(0)
            if (here, way) in done:
                continue
            done.add((here, way))
            for edge in self.parents(here):
                onward = edge.way if way == "ancestors" else way
                same = onward == "ancestors" and self._same_party(weights, edge.parent)
                found.setdefault(edge.parent, set()).add("own_training" if same else onward)
                ahead.append((edge.parent, onward))
        return {digest: frozenset(reached) for digest, reached in found.items()}

    def _same_party(self, one: Digest, other: Digest) -> bool:
        a, b = self.figures.get(one), self.figures.get(other)
        return a is not None and b is not None and b.said.method != "declared" and bool(a.signers & b.signers)


@dataclass(frozen=True, slots=True)
class Part:
    """One ancestor's share of a total.

    Attributes:
        rule: counted, not_counted, unsettled (the text does not say) or unpublished (unless published).
        flop: what it adds, and what it adds at least and at most; `None` is not known.
    """

    weights: Digest
    name: str
    way: Way
    rule: str
    method: str
    flop: Flop | None
    least: Flop
    most: Flop | None


@dataclass(frozen=True, slots=True)
class Total:
    """What is behind some weights.

    Attributes:
        flop: all that counts or may count, as far as it is known: the higher reading.
        least: what surely counts; `most`: the most it can be, `None` without a bound.
        complete: every figure that may count is known and whole.
        needs: facts that would narrow it; `review`: questions the instrument's text leaves open.
    """

    weights: Digest
    parts: tuple[Part, ...]
    flop: Flop
    least: Flop
    most: Flop | None
    complete: bool
    needs: tuple[str, ...] = ()
    review: tuple[str, ...] = ()


def total(graph: Graph, weights: Digest, counts: Counts = EVERYTHING, facts: Facts | None = None) -> Total:
    """Add up what counts behind some weights, every ancestor once.

    Args:
        graph: the statements.
        weights: whose training compute is asked for.
        counts: an instrument's own rule; by default everything.
        facts: `gen_ops`, `synth_share`, `synth_published`, `gen_published`, as far as they are known.

    Raises:
        ComputeError: the lineage is a circle.
    """
    given = facts or Facts({})
    parts: list[Part] = []
    needs: set[str] = set()
    review: dict[str, None] = {}
    complete = True
    synthetic = False
    for digest, ways in graph.ways(weights).items():
        synthetic = synthetic or "generator_training" in ways
        rules = {way: _rule(counts, way, given) for way in ways}
        way: Way = max(sorted(ways), key=lambda w: _INCLUSIVE.index(rules[w]))
        figure = graph.figures.get(digest)
        part = _part(graph, digest, way, rules[way], figure, counts)
        parts.append(part)
        if part.rule == "not_counted":
            continue
        complete = complete and figure is not None and figure.said.complete
        needs |= _needs(part, given)
        if part.rule == "unsettled":
            review[f"whether {way.replace('_', ' ')} counts"] = None
    if synthetic:
        generation = _generation(graph, weights, counts, given)
        parts.append(generation)
        needs |= _needs(generation, given)
        complete = complete and (generation.rule == "not_counted" or generation.flop is not None)
    most = None if any(p.most is None for p in parts) else sum(cast("Flop", p.most) for p in parts)
    return Total(
        weights,
        tuple(parts),
        Flop(sum(part.flop or 0 for part in parts if part.rule != "not_counted")),
        Flop(sum(part.least for part in parts)),
        None if most is None else Flop(most),
        complete and not needs,
        tuple(sorted(needs)),
        tuple(review),
    )


def _way(role: str, kind: str) -> Way:
    return _ASIDE.get(role) or (
        "ancestors" if role in {"base", "adapter", "expert"} else _BY_KIND.get(kind, "ancestors")
    )


def _trust(figure: Figure) -> int:
    return _TRUST.index(figure.said.method) if figure.said.method in _TRUST else -1


def _rule(counts: Counts, way: Way, facts: Facts) -> str:
    """The instrument's word for a way, with what is known of publication and share applied."""
    rule: str = getattr(counts, way)
    if way in {"generator_training", "synthetic_generation"}:
        share, over = facts.number("synth_share"), Fraction(exact(counts.synthetic_over, what="share"))
        if share is not None and over and share <= over:
            return "not_counted"
        if rule == "unpublished":
            published = (
                facts.flag("synth_published"),
                way == "generator_training" and facts.flag("gen_published"),
            )
            if True in published:
                return "not_counted"
            return "unpublished" if None in published else "counted"
    return rule


def _part(graph: Graph, digest: Digest, way: Way, rule: str, figure: Figure | None, counts: Counts) -> Part:
    name = graph.names.get(digest, "")
    if figure is None:
        most = Flop(0) if rule == "not_counted" else None
        return Part(digest, name, way, rule, "unknown", None, Flop(0), most)
    least, stated, most_of = figure.bounds(counts.recomputation)
    return Part(
        digest,
        name,
        way,
        rule,
        figure.said.method,
        Flop(stated),
        Flop(least if rule == "counted" else 0),
        Flop(0 if rule == "not_counted" else most_of),
    )


def _generation(graph: Graph, weights: Digest, counts: Counts, facts: Facts) -> Part:
    """The passes that made synthetic data: their operations are a fact, for no weights came of them."""
    rule = _rule(counts, "synthetic_generation", facts)
    made = facts.number("gen_ops")
    flop = None if made is None else Flop(int(made))
    return Part(
        weights,
        graph.names.get(weights, ""),
        "synthetic_generation",
        rule,
        "stated" if flop is not None else "unknown",
        flop,
        Flop(flop or 0 if rule == "counted" else 0),
        Flop(0) if rule == "not_counted" else flop,
    )


def _needs(part: Part, facts: Facts) -> set[str]:
    found: set[str] = set()
    if part.rule == "unpublished":
        names = ["synth_published", *(["gen_published"] if part.way == "generator_training" else [])]
        found = {name for name in names if facts.flag(name) is None}
    if part.flop is None and part.rule != "not_counted":
        found.add("gen_ops" if part.way == "synthetic_generation" else f"training compute of {part.weights}")
    return found


def to_document(found: Total) -> dict[str, Any]:
    """The JSON of a total: numbers that can pass 2**53 are decimal text."""
    return {
        "weights": str(found.weights),
        "total": str(found.flop),
        "least": str(found.least),
        "most": None if found.most is None else str(found.most),
        "complete": found.complete,
        "needs": list(found.needs),
        "review": list(found.review),
        "parts": [
            {
                "weights": str(part.weights),
                "name": part.name,
                "as": part.way,
                "rule": part.rule,
                "method": part.method,
                "flop": None if part.flop is None else str(part.flop),
                "least": str(part.least),
                "most": None if part.most is None else str(part.most),
            }
            for part in found.parts
        ],
    }
