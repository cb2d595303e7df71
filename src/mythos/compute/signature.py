"""What decides a step's work: a call's arguments, and all that a module carries and a call does not show.

Two calls with equal signatures run the same operators on the same shapes, so the second need not be counted.
Work that follows from *values* in a tensor is in no signature: the counter finds it on the first step.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false, reportUnknownLambdaType=false
# (torch annotates itself only in part, and what counts operators is not its public face)

from __future__ import annotations

import functools
import itertools
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import chain
from types import FunctionType, MethodType, ModuleType
from typing import Any, Final, NamedTuple, cast

import torch
from torch import nn

_PLAIN: Final = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device, torch.layout)
_DEPTH: Final = 8
_MOST: Final = 65_536
_NEVER_TWICE: Final = itertools.count()
_VALUES = cast("Callable[[dict[Any, Any]], Iterable[Any]]", dict.values)


def describe(value: Any, depth: int = _DEPTH) -> Hashable:
    """A hashable description of an argument or attribute: shapes for tensors, values for plain data.

    A cache object is described by what it holds, so its length is part of the signature. A nested tensor has
    lengths inside: its description equals no other, nor does what lies too deep to be looked at.
    """
    kind = cast("Any", type(value))
    if kind in _PLAIN:
        return value if kind is not bool else (kind, value)  # True == 1, but they may choose another branch
    if isinstance(value, torch.Tensor):
        if value.is_nested:
            return ("never twice", next(_NEVER_TWICE))
        stored = () if value.layout is torch.strided else value._nnz()  # noqa: SLF001 (a sparse tensor's size)
        return (
            tuple(value.shape),
            value.dtype,
            value.device.type,
            value.requires_grad,
            value.is_inference(),
            stored,
        )
    if isinstance(value, type | nn.Module):
        return (kind, id(value))
    if depth == 0:
        return ("never twice", next(_NEVER_TWICE))
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value).items()
        return (kind, tuple((describe(k, 1), describe(v, depth - 1)) for k, v in pairs))
    if isinstance(value, list | tuple | deque | set | frozenset):
        members = cast("Iterable[Any]", value)
        return (kind, tuple(describe(v, depth - 1) for v in members))
    if isinstance(value, functools.partial):
        return (describe(value.func, 1), describe(value.args, depth - 1), describe(value.keywords, depth - 1))
    if isinstance(value, FunctionType | MethodType):
        cells: Iterable[Any] = value.__closure__ or ()
        return (value.__code__, tuple(describe(c.cell_contents, depth - 1) for c in cells if _full(c)))
    if isinstance(value, ModuleType) or kind.__module__.startswith(("torch._C", "torch.distributed")):
        return (kind, id(value))
    held = getattr(value, "__dict__", None)
    return (kind, describe(held, depth - 1) if held is not None and not callable(value) else id(value))


def _full(cell: Any) -> bool:
    """Whether a closure's variable has a value yet."""
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


class Structure:
    """A model's own state as one small number that changes when, and only when, its work might.

    Covered: which modules there are, their parameters' and buffers' shapes, every attribute (train or eval,
    checkpointing flags, adapter switches, caches kept inside), and the configuration objects they hold.
    The usual question, "is anything different from last time?", compares object identities, in C.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._versions: dict[int, int] = {}
        self._parameters: list[nn.Parameter] = []
        self._maps: list[dict[Any, Any]] = []
        self._lists: list[Any] = []
        self._empty: list[Any] = []
        self._seen: list[Any] = []
        self._version = -1

    def version(self) -> int:
        """The number of the model's present state."""
        try:
            same = self._version >= 0 and not any(self._empty) and self._now() == self._seen
        except (RuntimeError, ValueError, TypeError):  # two different tensors met in the comparison
            same = False
        if not same:
            self._collect()
            self._seen = self._now()
            if len(self._versions) >= _MOST:
                self._versions.clear()
            self._version = self._versions.setdefault(hash(self._fingerprint()), next(_NEVER_TWICE))
        return self._version

    def trainable(self) -> tuple[bool, ...]:
        """Which parameters ask for gradients."""
        return tuple([p.requires_grad for p in self._parameters])

    def _now(self) -> list[Any]:
        return [*chain.from_iterable(map(_VALUES, self._maps)), *chain.from_iterable(self._lists)]

    def _collect(self) -> None:
        self._parameters = list(self._model.parameters())
        self._maps, self._lists, self._empty = [], [], []
        known: set[int] = set()
        for module in self._model.modules():
            self._follow(module.__dict__, known, _DEPTH)

    def _follow(self, value: Any, known: set[int], depth: int) -> None:
        """Remember the containers reachable from `value`, so that a change inside one is seen."""
        if id(value) in known or depth == 0:
            return
        inner: Iterable[Any]
        if isinstance(value, dict | list | deque) and not value:
            self._empty.append(value)
            return
        if isinstance(value, dict):
            held = cast("dict[Any, Any]", value)
            self._maps.append(held)
            inner = held.values()
        elif isinstance(value, list | deque):
            inner = cast("Iterable[Any]", value)
            self._lists.append(inner)
        elif isinstance(value, tuple):
            inner = cast("Iterable[Any]", value)
        elif _is_record(value):
            inner = (value.__dict__,)
        else:
            return
        known.add(id(cast("Any", value)))
        for member in inner:
            self._follow(member, known, depth - 1)

    def _fingerprint(self) -> Hashable:
        return tuple(
            (type(m), tuple((k, describe(v)) for k, v in m.__dict__.items() if k != "_modules"))
            for m in self._model.modules()
        )


def _is_record(value: Any) -> bool:
    """A configuration, cache or other plain object of the model's own, not torch's machinery."""
    if (
        isinstance(value, nn.Module | torch.Tensor | type)
        or callable(value)
        or not hasattr(value, "__dict__")
    ):
        return False
    return type(value).__module__.partition(".")[0] not in {"torch", "builtins", "weakref", "logging"}


class Ambient(NamedTuple):
    """The global switches that choose kernels and number formats."""

    gradients: bool
    inference: bool
    autocast: torch.dtype | None
    flash: bool
    efficient: bool
    plain: bool
    fast_path: bool


def ambient(device: str) -> Ambient:
    """The switches in force for a device type."""
    cuda = torch.backends.cuda
    return Ambient(
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None,
        cuda.flash_sdp_enabled(),
        cuda.mem_efficient_sdp_enabled(),
        cuda.math_sdp_enabled(),
        torch.backends.mha.get_fastpath_enabled(),
    )
