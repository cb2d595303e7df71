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
import random
import weakref
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import chain
from types import FunctionType, MethodType
from typing import Any, Final, NamedTuple, cast

import torch
from torch import nn
from torch._C._dynamo.guards import TensorGuards
from torch.backends import mha
from torch.utils import checkpoint

_PLAIN: Final = frozenset(
    (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device, torch.layout)
)
_DEPTH: Final = 8
_MOST: Final = 65_536
_MOST_MODULES: Final = 2**22
_SMALL: Final = 65_536
"""Bytes of an array that may be a switch; a larger one is data."""
_NEVER_TWICE: Final = itertools.count()
_MACHINERY: Final = ("builtins", "weakref", "logging", "torch._C", "torch.distributed", "mythos.compute")


def describe(value: Any, depth: int = _DEPTH, met: _Met | None = None) -> Hashable:
    """A hashable description of an argument or attribute: shapes for tensors, values for plain data.

    A cache object is described by what it holds, so its length is part of the signature, and a module by
    its whole state. A nested tensor has lengths inside: its description equals no other, nor does what lies
    too deep to be looked at, or can change and cannot be looked into.

    Args:
        value: what to describe.
        depth: how deep to look.
        met: the objects described before it; for an attribute, other modules are left to their own.
    """
    kind = cast("Any", type(value))
    if kind in _PLAIN:
        return value if kind is not bool else (kind, value)  # True == 1, but they may choose another branch
    if isinstance(value, torch.Tensor):
        return _tensor(value)
    if kind is tuple and depth:  # what a call is given
        return (kind, tuple([describe(v, depth - 1, met) for v in value]))
    met = _Met() if met is None else met
    if isinstance(value, nn.Module):
        return (kind, weakref.ref(value), () if met.attribute else _whole(value))
    if depth == 0:
        return ("never twice", next(_NEVER_TWICE))
    depth -= 1
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value).items()
        return (kind, tuple([(describe(k, 1, met), describe(v, depth, met)) for k, v in pairs]))
    if isinstance(value, list | tuple | deque | set | frozenset):
        return (kind, tuple([describe(v, depth, met) for v in cast("Iterable[Any]", value)]))
    if isinstance(value, functools.partial):
        return (kind, describe((value.func, value.args, value.keywords), depth, met))
    if isinstance(value, MethodType):
        owner: Any = value.__self__
        return (value.__func__, _opaque(owner) if met.attribute else describe(owner, depth, met))
    if isinstance(value, FunctionType):
        cells: Iterable[Any] = value.__closure__ or ()
        held = (value.__defaults__, value.__kwdefaults__, [c.cell_contents for c in cells if _full(c)])
        return (value.__code__, describe(held, depth, met))
    state = _hidden(value)
    if state is not None:
        return (kind, getattr(value, "shape", None), state())
    if kind.__module__.startswith(_MACHINERY) or not (hasattr(value, "__dict__") or _slots(value)):
        return _opaque(value)
    if id(value) in met:
        return ("again", met[id(value)])
    met[id(value)] = len(met)
    return (kind, describe(_attributes(value), depth, met))


class _Met(dict[int, int]):
    """Objects that were described, so that a web of them is walked once; `attribute`: a module's own."""

    attribute = False


def _tensor(value: torch.Tensor) -> Hashable:
    if value.is_nested:
        return ("never twice", next(_NEVER_TWICE))
    dense = value.layout is torch.strided
    return (
        tuple(value.shape),
        value.dtype,
        value.device.type,
        value.requires_grad,
        value.is_inference(),
        value.stride() if dense else value._nnz(),  # noqa: SLF001 (a sparse tensor's size)
    )


def _opaque(value: Any) -> Hashable:
    """A value that compares as one (`range`, a number of numpy), or this very object as long as it lives."""
    kind = cast("Any", type(value))
    try:
        hash(value)
        return (kind, weakref.ref(value) if kind.__hash__ is object.__hash__ else value)
    except TypeError:  # no hash, for it can change; or no weak reference, so that the object is kept
        return ("never twice", next(_NEVER_TWICE)) if kind.__hash__ is not object.__hash__ else (kind, value)


def _hidden(value: Any) -> Callable[[], Hashable] | None:
    """Reads what an object keeps where no attribute shows it: a generator's state, an array's elements."""
    if isinstance(value, random.Random):
        return value.getstate
    if isinstance(value, bytearray):
        return lambda: bytes(value)
    if type(value).__module__.partition(".")[0] == "numpy":
        if hasattr(value, "bit_generator"):
            return lambda: repr(value.bit_generator.state)
        if getattr(value, "nbytes", None) is not None and value.dtype.kind != "O":
            return value.tobytes if value.nbytes <= _SMALL else lambda: str(value.dtype)
    return None


def _attributes(value: Any) -> dict[str, Any]:
    """Those in `__dict__` and those in slots."""
    held: dict[str, Any] = dict(getattr(value, "__dict__", ()))
    return held | {name: getattr(value, name) for name in _slots(value) if hasattr(value, name)}


def _slots(value: Any) -> list[str]:
    said: Iterable[Any] = (kind.__dict__.get("__slots__", ()) for kind in type(value).__mro__)
    names: Iterable[str] = chain.from_iterable([s] if isinstance(s, str) else s for s in said)
    return [name for name in names if not name.startswith("__")]


def _full(cell: Any) -> bool:
    """Whether a closure's variable has a value yet."""
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


class Structure:
    """A model's own state as one small number that changes when, and only when, its work might.

    Covered: which modules there are, those kept in a list or another attribute too, the shapes and types of
    their parameters and buffers, every attribute (train or eval, checkpointing flags, adapter switches,
    caches kept inside), and the configuration objects they hold. The usual question, "is anything different
    from last time?", compares object identities, in C.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._parts: dict[Hashable, int] = {}
        self._versions: dict[Hashable, int] = {}
        self._modules: list[nn.Module] = []
        self._parameters: list[nn.Parameter] = []
        self._tensors: list[torch.Tensor] = []
        self._held: list[Iterable[Any]] = []
        self._empty: list[Any] = []
        self._readers: list[Callable[[], Any]] = []
        self._seen: list[Any] = []
        self._shaped: list[Any] = []
        self._guards: TensorGuards | None = None
        self._asked: list[bool] | None = None
        self._askings: dict[Hashable, int] = {}
        self._asking = -1
        self._version = -1

    def version(self) -> tuple[int, int]:
        """The numbers of the model's present state, and of which parameters ask for gradients."""
        held = [*chain.from_iterable(self._held), *[read() for read in self._readers]]
        same = self._version >= 0 and not any(self._empty) and _equal(held, self._seen)
        # A tensor's `data` may be given another one's, as `Module.to` does.
        if same and self._guards is not None and self._guards.check(*self._tensors):
            return self._version, self._asking
        if not same or self._shapes() != self._shaped:
            self._collect()
            self._seen = [*chain.from_iterable(self._held), *[read() for read in self._readers]]
            self._shaped = self._shapes()
            self._version = self._number(self.fingerprint())
        asked = (self._version, tuple([p.requires_grad for p in self._parameters]))
        self._asking = self._askings.setdefault(asked, next(_NEVER_TWICE))
        self._guards = _guards(self._tensors)
        return self._version, self._asking

    def _number(self, parts: tuple[Hashable, ...]) -> int:
        if len(self._versions) >= min(_MOST, _MOST_MODULES // len(parts)):
            self._versions.clear()
            self._parts.clear()
        numbers = tuple(self._parts.setdefault(part, next(_NEVER_TWICE)) for part in parts)
        return self._versions.setdefault(numbers, next(_NEVER_TWICE))

    def fingerprint(self) -> tuple[Hashable, ...]:
        """What each module is and holds, as of the last `version`."""
        return tuple([_part(module) for module in self._modules])

    def _shapes(self) -> list[Any]:
        return [(t.shape, t.dtype) for t in self._tensors]

    def _collect(self) -> None:
        self._modules, self._held, self._empty, self._readers = [], [], [], []
        self._follow(self._model, set(), _DEPTH)
        tensors = [t for m in self._modules for held in (m._parameters, m._buffers) for t in held.values()]  # noqa: SLF001
        self._tensors = list({id(t): t for t in tensors if t is not None}.values())
        self._parameters = [t for t in self._tensors if isinstance(t, nn.Parameter)]

    def _follow(self, value: Any, known: set[int], depth: int) -> None:
        """Remember the containers reachable from `value`, so that a change inside one is seen."""
        if id(value) in known or depth == 0:
            return
        inner: Iterable[Any]
        if isinstance(value, dict | list | deque | set) and not value:
            self._empty.append(value)
            return
        if isinstance(value, nn.Module):
            self._modules.append(value)
            depth, inner = _DEPTH + 1, (value.__dict__,)
        elif isinstance(value, dict):
            inner = cast("dict[Any, Any]", value).values()
            self._held.append(inner)
        elif isinstance(value, list | deque | set):
            inner = cast("Iterable[Any]", value)
            self._held.append(inner)
        elif isinstance(value, tuple):
            inner = cast("Iterable[Any]", value)
        elif (state := _hidden(value)) is not None:
            self._readers.append(state)
            inner = ()
        elif _is_record(value):
            names = _slots(value)
            self._readers += [functools.partial(getattr, value, name, None) for name in names]
            inner = [getattr(value, "__dict__", None), *(getattr(value, name, None) for name in names)]
        else:
            return
        known.add(id(cast("Any", value)))
        for member in inner:
            self._follow(member, known, depth - 1)


def _equal(now: list[Any], before: list[Any]) -> bool:
    try:
        return now == before
    except (RuntimeError, ValueError, TypeError):  # two different tensors met in the comparison
        return False


def _guards(tensors: list[torch.Tensor]) -> TensorGuards | None:
    """Torch's own check that tensors are as they were, in C; none for those without sizes or strides."""
    try:
        sizes: list[Any] = [list(t.shape) for t in tensors]
        free: list[Any] = [[None] * len(size) for size in sizes]
        return TensorGuards(*tensors, dynamic_dims_sizes=sizes, dynamic_dims_strides=free)
    except (RuntimeError, ValueError, TypeError, SystemError):
        return None


def _part(module: nn.Module) -> Hashable:
    met = _Met()
    met.attribute = True
    held: dict[str, Any] = module.__dict__
    return (type(module), tuple([(k, describe(v, _DEPTH, met)) for k, v in held.items() if k != "_modules"]))


def _whole(module: nn.Module) -> Hashable:
    structure = Structure(module)
    structure.version()
    return (structure.fingerprint(), tuple(p.requires_grad for p in module.parameters()))


def _is_record(value: Any) -> bool:
    """A configuration, cache, policy or other object of the model's own, nobody's machinery."""
    if isinstance(value, torch.Tensor | type) or not (hasattr(value, "__dict__") or _slots(value)):
        return False
    return (
        not type(value).__module__.startswith((*_MACHINERY, "torch.")) and type(value).__module__ != "torch"
    )


class Ambient(NamedTuple):
    """The global switches that choose kernels and number formats."""

    gradients: bool
    inference: bool
    autocast: torch.dtype | None
    flash: bool
    efficient: bool
    plain: bool
    cudnn_attention: bool
    onednn: bool
    cudnn: bool
    deterministic: bool
    stops_early: bool | None
    fast_path: bool


def ambient(device: str) -> Ambient:
    """The switches in force for a device type."""
    c = torch._C  # noqa: SLF001 (the public face of most of these is a slow one)
    return Ambient(
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None,
        c._get_flash_sdp_enabled(),  # noqa: SLF001
        c._get_mem_efficient_sdp_enabled(),  # noqa: SLF001
        c._get_math_sdp_enabled(),  # noqa: SLF001
        c._get_cudnn_sdp_enabled(),  # noqa: SLF001
        c._get_mkldnn_enabled(),  # noqa: SLF001
        c._get_cudnn_enabled(),  # noqa: SLF001
        c._get_deterministic_algorithms(),  # noqa: SLF001
        checkpoint._enable_checkpoint_early_stop,  # noqa: SLF001 (set_checkpoint_early_stop)
        mha._is_fastpath_enabled,  # noqa: SLF001
    )
