"""Which forward passes a backward pass will reach, found in autograd's graph before it runs."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false, reportUnknownLambdaType=false
# (torch annotates itself only in part, and what counts operators is not its public face)

from __future__ import annotations

import weakref
from collections.abc import Hashable, Mapping
from typing import Any, Final

import torch

Edge = tuple[Any, int]
_LONGEST_WALK: Final = 256


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

    def add(self, call: Call, output: Any) -> None:
        """Mark the graph behind a pass's output."""
        outputs = edges(output)
        for node, _ in outputs:
            node.metadata[self._mark] = call
        if outputs:
            self._alive = [ref for ref in self._alive if ref() is not None]
            self._alive.append(weakref.ref(call))

    def behind(self, tensors: Any) -> tuple[list[Call], Hashable | None, bool]:
        """The passes behind some tensors, a key of the way there, and whether the whole way was seen.

        There is no key when the way is long or one of the passes depends on data.
        """
        found: list[Call] = []
        way: list[Hashable] = []
        seen: set[Edge] = set()
        ahead = edges(tensors)
        while ahead and len(way) < _LONGEST_WALK:
            edge = ahead.pop()
            if edge[0] is None or edge in seen:
                continue
            seen.add(edge)
            call: Call | None = edge[0].metadata.get(self._mark)
            if call is None:
                way.append(edge[0].name())
                ahead += edge[0].next_functions
                continue
            way.append((call.signature, edge[1]))
            if call not in found:
                found.append(call)
                ahead += call.inputs
        sure = found and not ahead and all(call.signature is not None for call in found)
        return found, tuple(way) if sure else None, not ahead

    def unused(self) -> list[Call]:
        """The passes alive that no backward pass has reached."""
        return [call for ref in self._alive if (call := ref()) is not None and not call.used]


def edges(value: Any) -> list[Edge]:
    """The graph's edges behind the tensors in a value."""
    if isinstance(value, torch.Tensor):
        return [(value.grad_fn, value.output_nr)] if value.grad_fn is not None else []
    if isinstance(value, torch.autograd.graph.GradientEdge):
        return [(value.node, value.output_nr)]
    if isinstance(value, Mapping):
        members: Any = value.values()
    elif isinstance(value, tuple | list):
        members = value
    else:
        members = vars(value).values() if hasattr(value, "__dataclass_fields__") else ()
    return [edge for member in members for edge in edges(member)]
