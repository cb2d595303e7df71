"""Which forward passes a backward pass will reach, found in autograd's graph before it runs."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false, reportUnknownLambdaType=false
# (torch annotates itself only in part, and what counts operators is not its public face)

from __future__ import annotations

import functools
import re
import weakref
from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

import torch

from mythos.compute.ops import is_product

Edge = tuple[Any, int]
_LONGEST_WALK: Final = 256
_DEPTH: Final = 8


class Call:
    """A forward pass that a backward pass may reach; the graph keeps it alive, and nothing else does."""

    __slots__ = ("__weakref__", "flop", "inputs", "signature", "used")

    def __init__(self, signature: Hashable | None, flop: int, inputs: list[Edge]) -> None:
        self.signature, self.flop, self.inputs, self.used = signature, flop, inputs, False


class Calls:
    """The forward passes whose graphs are alive."""

    def __init__(self) -> None:
        self._mark = f"mythos.compute.{id(self)}"
        self._alive: list[weakref.ref[Call]] = []
        self._unmarked: list[Call] = []

    def add(self, call: Call, output: Any) -> None:
        """Mark the graph behind a pass's output."""
        outputs = edges(output)
        for node, _ in outputs:
            node.metadata[self._mark] = call
        if outputs:
            self._alive = [ref for ref in self._alive if ref() is not None]
            self._alive.append(weakref.ref(call))
        else:
            self._unmarked = [*self._unmarked[-_LONGEST_WALK:], call]

    def unmarked(self) -> list[Call]:
        """The passes since the last such question whose outputs showed no graph, as under `vmap`."""
        found, self._unmarked = self._unmarked, []
        return found

    def behind(self, tensors: Any) -> tuple[list[Call], Hashable | None, bool, set[str]]:
        """The passes behind some tensors, a key of the way there, whether the whole way was seen, products.

        There is no key when the way is long or one of the passes depends on data. Products are the operators
        outside the passes that cost something.
        """
        found: list[Call] = []
        way: list[Hashable] = []
        names: list[str] = []
        seen: set[Edge] = set()
        ahead = edges(tensors)
        while ahead and len(way) < _LONGEST_WALK:
            edge = ahead.pop()
            if edge[0] is None or edge in seen:
                continue
            seen.add(edge)
            call: Call | None = edge[0].metadata.get(self._mark)
            if call is None:
                names.append(edge[0].name())
                way.append(names[-1])
                ahead += edge[0].next_functions
                continue
            way.append((call.signature, edge[1]))
            if call not in found:
                found.append(call)
                ahead += call.inputs
        sure = found and not ahead and all(call.signature is not None for call in found)
        return found, tuple(way) if sure else None, not ahead, set(filter(_product, names))

    def unused(self) -> list[Call]:
        """The passes alive that no backward pass has reached."""
        return [call for ref in self._alive if (call := ref()) is not None and not call.used]


@functools.cache
def _product(node: str) -> bool:
    return is_product(re.sub(r"Backward\d*\Z", "", node))


def edges(value: Any, depth: int = _DEPTH) -> list[Edge]:
    """The graph's edges behind the tensors in a value, as far as `depth` containers inside one another."""
    if isinstance(value, torch.Tensor):
        return [(value.grad_fn, value.output_nr)] if value.grad_fn is not None else []
    if isinstance(value, torch.autograd.graph.GradientEdge):
        return [(value.node, value.output_nr)]
    members: Any = ()
    if isinstance(value, (tuple, list)):
        members = value
    elif isinstance(value, Mapping):
        members = value.values()
    elif is_dataclass(value) and not isinstance(value, type):
        members = [getattr(value, field.name, None) for field in fields(value)]
    return [edge for member in members for edge in edges(member, depth - 1)] if depth else []
