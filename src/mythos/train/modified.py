"""What instruments say of a modification, such as one of more than a third or a quarter of the base's."""

from __future__ import annotations

from mythos.compute.lineage import Edge, Figure, Graph
from mythos.compute.modified import Limit, limits, modification
from mythos.evidence.predicates import TrainingCompute
from mythos.regimes import shipped
from mythos.units import Digest


def modification_limits(
    weights: Digest, base: Digest, cost: TrainingCompute | None, known: Graph | None
) -> dict[str, tuple[Limit, ...]]:
    """What each instrument that limits modifications says of one that cost this much, by its id.

    Before it has cost anything (None) they say what may be spent.
    """
    graph = known or Graph({}, {})
    edges = {**graph.edges, weights: (Edge(base, "base", "ancestors"),)}
    figures = dict(graph.figures) | ({weights: Figure(cost, frozenset())} if cost else {})
    change = modification(Graph(edges, figures, graph.names), weights, base)
    found = {instrument.id: limits(instrument, change) for instrument in shipped().instruments}
    return {name: held for name, held in found.items() if held}
