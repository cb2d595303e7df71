"""Counting one span of work for real: every operator that reaches torch's dispatcher, by its formula."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false, reportUnknownLambdaType=false
# (torch annotates itself only in part, and what counts operators is not its public face)

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

import torch
from torch._ops import HigherOrderOperator
from torch._subclasses.fake_tensor import FakeTensor
from torch.nested._internal.nested_tensor import NestedTensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode
from torch.utils.flop_counter import flop_registry

from mythos.compute.ops import Formula, data_dependent, formulas, is_free, recomputed

_aten: Any = torch.ops.aten
_hop: Any = torch.ops.higher_order
# Questions about a tensor's layout: torch's own counter leaves them to the tensor too.
_QUESTIONS: Final[frozenset[Any]] = frozenset(
    getattr(getattr(_aten, name), overload)
    for name, overload in (
        *((f"{sym}{name}", "default")
          for name in ("is_contiguous", "size", "stride", "storage_offset", "numel")
          for sym in ("", "sym_") if hasattr(_aten, f"{sym}{name}")),
        ("is_contiguous", "memory_format"), ("is_strides_like_format", "default"),
        ("is_non_overlapping_and_dense", "default"), ("dim", "default"),
    )
)  # fmt: skip
_TAKE_RAGGED: Final = {"aten::linear", "aten::_transformer_encoder_layer_fwd"}
_READS: Final = {"tolist", "numpy", "__array__", "__dlpack__"}


@dataclass(slots=True)
class Tally:
    """What one span ran.

    Attributes:
        flop: operations, the recomputed ones apart.
        recompute: operations that repeat a forward pass inside a backward pass.
        differentiable: those of `flop` that ran with gradients on.
        integer: those of all that were integer arithmetic.
        unregistered: operators that may cost something and have no formula.
        dynamic: reasons why the same signature may cost something else another time.
        hidden_backward: autograd ran some of it.
    """

    flop: int = 0
    recompute: int = 0
    differentiable: int = 0
    integer: int = 0
    unregistered: set[str] = field(default_factory=set[str])
    dynamic: set[str] = field(default_factory=set[str])
    hidden_backward: bool = False

    def equals(self, other: Tally) -> bool:
        """Whether both ran the same operations."""
        mine = (self.flop, self.recompute, self.integer, self.unregistered)
        return mine == (other.flop, other.recompute, other.integer, other.unregistered)


@dataclass(frozen=True, slots=True)
class _Operator:
    """What is known of an operator, looked up once."""

    name: str
    formula: Formula | None
    unregistered: bool
    repeats_forward: bool
    dynamic: str | Callable[[Sequence[Any]], str]


class _Reads(TorchFunctionMode):
    """Sees values leave for Python by ways that pass no operator."""

    def __init__(self, counter: Counter) -> None:
        super().__init__()
        self._counter = counter

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in _READS:
            self._counter.tally.dynamic.add(f"Tensor.{name} reads values")
        return func(*args, **(kwargs or {}))


class Counter(TorchDispatchMode):
    """Between `start` and `stop`, adds every operator's cost to a tally."""

    supports_higher_order_operators = True

    def __init__(self) -> None:
        super().__init__()
        self.tally = Tally()
        self.backward = False
        self.on = False
        self._outer: TorchDispatchMode | None = None
        self._formulas = {**flop_registry, **formulas()}
        self._known: dict[Any, _Operator] = {}
        self._reads = _Reads(self)

    def start(self, tally: Tally, *, backward: bool = False, reads: bool = True) -> None:
        """Count into `tally` from here on; `reads`: also see values leave for Python (where spans nest)."""
        self.tally, self.backward = tally, backward
        if not self.on:
            self.__enter__()
            self.on = True
        if reads:
            self._reads.__enter__()

    def stop(self, *, reads: bool = True) -> None:
        """Count no more. Under a mode that somebody entered since, stay in place and count into nothing."""
        if reads:
            self._reads.__exit__(None, None, None)
        if _get_current_dispatch_mode() is self:
            self.__exit__(None, None, None)
            self.on = False
        else:
            self.tally = Tally()

    def nest(self) -> None:
        """Remember the dispatch mode in force: `may_enter` as long as nobody has entered another since."""
        self._outer = _get_current_dispatch_mode()

    def may_enter(self) -> bool:
        """Whether counting may begin here and end later, with no other mode left in between."""
        return self.on or _get_current_dispatch_mode() is self._outer

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if FakeTensor in types:
            return func(*args, **kwargs)  # shapes are being worked out: nothing is computed
        if NestedTensor in types:
            self.tally.dynamic.add("a nested tensor holds its lengths as data")
        if func in _QUESTIONS or (types and any(_desugars(t) for t in types)):
            return NotImplemented  # a sharded tensor makes operators on plain tensors of it: those count
        if isinstance(func, HigherOrderOperator):
            return self._higher_order(func, args, kwargs)
        known = self._known.get(func) or self._known.setdefault(func, self._look_up(func))
        ragged = bool(args) and isinstance(args[0], torch.Tensor) and args[0].is_nested
        if known.unregistered and not ragged:  # only then: the parts of an operator may round differently
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        out = func(*args, **kwargs)
        if ragged:
            self.tally.dynamic.add("a nested tensor holds its lengths as data")
        self._add(known, args, kwargs, out, ragged=ragged)
        return out

    def _higher_order(self, func: Any, args: Any, kwargs: Any) -> Any:
        """A conditional runs the branch it takes; a Triton kernel counts by the formula registered for it."""
        if func is _hop.cond:
            self.tally.dynamic.add("torch.cond chooses a branch")
            with self:
                return args[1](*args[3]) if args[0] else args[2](*args[3])
        if func in (_hop.triton_kernel_wrapper_mutation, _hop.triton_kernel_wrapper_functional):
            from torch._higher_order_ops.triton_kernel_wrap import kernel_side_table

            kernel: Any = kernel_side_table.get_kernel(kwargs["kernel_idx"])
            while hasattr(kernel, "fn") and kernel not in self._formulas:
                kernel = kernel.fn
            if kernel in self._formulas:
                self._count(self._formulas[kernel](*args, **kwargs, out_val=None), ())
            else:
                self.tally.unregistered.add(f"triton::{getattr(kernel, '__name__', kernel)}")
        return NotImplemented

    def _look_up(self, func: Any) -> _Operator:
        name: str = func._schema.name  # noqa: SLF001 (public only through str(func))
        formula = self._formulas.get(func.overloadpacket)
        fused = "scaled_dot_product" in name and name.endswith("_backward")
        return _Operator(name, formula, formula is None and not is_free(func), fused, data_dependent(func))

    def _add(self, known: _Operator, args: Any, kwargs: Any, out: Any, *, ragged: bool) -> None:
        if ragged and known.formula is not None and known.name not in _TAKE_RAGGED:
            self.tally.unregistered.add(f"{known.name} of a nested tensor")
        elif known.formula is not None:
            self._count(known.formula(*args, **kwargs, out_val=out), args)
            if self.backward and known.repeats_forward:
                again = recomputed(args)
                self.tally.flop -= again
                self.tally.recompute += again
        elif known.unregistered:
            self.tally.unregistered.add(known.name)
        reason = known.dynamic if isinstance(known.dynamic, str) else known.dynamic(args)
        if reason and not _chooses_a_mask():
            self.tally.dynamic.add(reason)

    def _count(self, flop: int, args: Any) -> None:
        tally = self.tally
        gradients = torch.is_grad_enabled()
        tally.hidden_backward |= not self.backward and torch._C._current_graph_task_id() >= 0  # noqa: SLF001
        if self.backward and gradients:  # a checkpoint runs its forward pass again
            tally.recompute += flop
        else:
            tally.flop += flop
            tally.differentiable += flop if gradients else 0
        first = next((a for a in args if isinstance(a, torch.Tensor)), None)
        if flop and first is not None and not (first.is_floating_point() or first.is_complex()):
            tally.integer += flop


def _chooses_a_mask() -> bool:
    """Whether transformers is looking if a mask is needed: the score matrix counts whole with or without."""
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 (the one way to one's caller)
    while frame is not None:
        if frame.f_code.co_filename.endswith("transformers/masking_utils.py"):
            return True
        frame = frame.f_back
    return False


def _desugars(kind: Any) -> bool:
    return kind is not torch.Tensor and kind.__torch_dispatch__ is not torch._C._disabled_torch_dispatch_impl  # noqa: SLF001
