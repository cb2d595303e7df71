"""The live meter: counts each distinct piece of work once, when it first appears, and replays the count.

A step is a line of spans: forward passes of the metered modules, backward passes, optimizer steps, and gaps
between them. A span is known by its signature (see `signature`): an unknown one runs under the dispatch
counter, a known one costs a look-up in a dictionary. Work outside the metered modules has no signature, so a
gap that was seen to cost something is counted every time. So is whatever reads values or makes shapes from
them, from its first step on, and an optimizer that is not torch's own: its work may follow its state.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false, reportUnknownLambdaType=false
# (torch annotates itself only in part, and what counts operators is not its public face)

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, cast

import torch
from torch import nn
from torch.distributed import all_reduce, get_rank, get_world_size, is_available, is_initialized
from torch.nn.parallel import DistributedDataParallel

from mythos.compute.graph import Call, Calls, edges
from mythos.compute.journal import Journal, Step
from mythos.compute.ledger import Ledger
from mythos.compute.record import Counts
from mythos.compute.signature import Structure, ambient, describe
from mythos.compute.spans import Span, Spans
from mythos.errors import InputError
from mythos.evidence.note import SigningKey
from mythos.units import Digest

_LIMB: Final = 40
"""Bits of a total that travel in one 64-bit integer, so that 2**23 ranks sum without overflow."""


class ComputeMeter(Journal):
    """Counts training while it is entered; its totals and records are a `Journal`'s.

        with ComputeMeter(model, optimizer=optimizer, ledger="run.ledger", run_id="tiny-1") as meter:
            for batch in loader:
                with meter.step(tokens=batch.numel()):
                    model(batch).loss.backward()
                    optimizer.step()

    Without `step` blocks the hooks count forward, backward and optimizer alone; the first optimizer's step
    ends a step, and a forward pass in eval mode without gradients is booked as phase `eval`. Compile and
    wrap the model first, then meter the result.

    Args:
        model: the module whose calls are training; `also`: others whose calls have signatures (a teacher).
        optimizer: one or several.
        replay_optimizer: whether equal-looking optimizer steps cost the same. Default: only torch's own,
            LBFGS apart. Say True for one whose every step does the same work.
        ledger: a `Ledger`, or the path of a new one (closed at the end), with `run_id`, `parents` and `key`
            for its header.
        journal: what `Journal` takes.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer] = (),
        also: Sequence[nn.Module] = (),
        replay_optimizer: bool | None = None,
        ledger: Ledger | Path | str | None = None,
        run_id: str = "run",
        parents: Sequence[Digest] = (),
        key: SigningKey | None = None,
        **journal: Any,
    ) -> None:
        for module in (model, *also):
            if isinstance(module, nn.DataParallel) and len(cast("list[Any]", module.device_ids)) > 1:
                raise InputError(
                    "DataParallel runs its replicas in threads that no counter sees into",
                    advice="Use DistributedDataParallel, with a meter in each process.",
                )
        first = next(model.parameters(), torch.empty(0))
        device = first.device.type
        self._owns_ledger = isinstance(ledger, str | Path)
        if isinstance(ledger, str | Path):
            rank, world = (get_rank(), get_world_size()) if _distributed() else (0, 1)
            place: dict[str, Any] = {"rank": rank, "world": world, "device": device}
            ledger = Ledger.create(Path(ledger), run=run_id, parents=parents, key=key, **place)
        settings: dict[str, Any] = {"device": device, "precision": _name(first.dtype)}
        super().__init__(ledger=ledger, **settings | journal)
        self._own, self._autocast = self.precision, None
        self._device = device
        self._structures = {module: Structure(_inner(module)) for module in (model, *also)}
        self._optimizers: list[torch.optim.Optimizer] = []
        for one in [optimizer] if isinstance(optimizer, torch.optim.Optimizer) else optimizer:
            self.add_optimizer(one)
        self._replay_optimizer = replay_optimizer
        self._spans = Spans(self.new())
        self._calls = Calls()
        self._explicit = False
        self._undo: list[Callable[[], None]] = []
        self._hooks = _Hook(self._before_forward), _Hook(self._after_forward)  # the same at each entry

    def add_optimizer(self, optimizer: Any) -> None:
        """Count this optimizer too; say so before the meter is entered."""
        self._optimizers.append(getattr(optimizer, "optimizer", optimizer))  # accelerate wraps them

    def __enter__(self) -> Self:
        for module in self._structures:
            before = module.register_forward_pre_hook(self._hooks[0], with_kwargs=True)
            after = module.register_forward_hook(self._hooks[1], always_call=True)
            self._undo += [before.remove, after.remove]
        for index, optimizer in enumerate(self._optimizers):
            hook = _OptimizerHook(self, index)
            before = optimizer.register_step_pre_hook(hook.before)
            after = optimizer.register_step_post_hook(hook.after)
            self._undo += [before.remove, after.remove]
        for name in ("backward", "grad"):
            original = getattr(torch.autograd, name)
            setattr(torch.autograd, name, self._metered(name, original))
            self._undo.append(lambda name=name, original=original: setattr(torch.autograd, name, original))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._undo:
            self._undo.pop()()
        self._spans.unwind()
        self._book(steps=0)
        self.flush()
        if self._owns_ledger and self.ledger is not None:
            self.ledger.close()

    @contextmanager
    def step(
        self,
        *,
        tokens: int = 0,
        dataset: str | Digest | None = None,
        phase: str | None = None,
        role: str | None = None,
    ) -> Generator[Step]:
        """One training step; all inside is counted, the work between the passes too."""
        step = self.begin(tokens=tokens, dataset=dataset, phase=phase, role=role)
        self._spans.open_gap()
        try:
            yield step
        finally:
            self._spans.unwind()
            self.end()

    def begin(
        self,
        *,
        tokens: int = 0,
        dataset: str | Digest | None = None,
        phase: str | None = None,
        role: str | None = None,
    ) -> Step:
        """Start a step without watching the work between passes (for callbacks; else use `step`)."""
        if self._explicit:
            raise InputError("a step inside a step", advice="End the one before: with meter.step(): …")
        self._book(steps=0)
        datasets = () if dataset is None else (str(dataset),)
        self._spans.step = self.new(tokens=tokens, datasets=datasets, phase=phase, role=role)
        self._explicit = True
        return self._spans.step

    def end(self, *, tokens: int = 0) -> None:
        """End the step that `begin` started; `tokens` in addition to those it began with."""
        self._explicit = False
        self._spans.step.tokens += tokens
        self._book(steps=1)

    def reduce(self) -> Counts:
        """The exact sum of every rank's total; under tensor or pipeline parallelism each counts its share."""
        counts = self.total.counts
        if not _distributed():
            return counts
        values = [getattr(counts, name) for name in Counts.__slots__]
        limbs = [value >> (_LIMB * i) & ((1 << _LIMB) - 1) for value in values for i in range(3)]
        tensor = torch.tensor(limbs, dtype=torch.int64, device=self._device)
        all_reduce(tensor)
        summed = cast("list[int]", tensor.tolist())
        return Counts(*(sum(summed[3 * n + i] << (_LIMB * i) for i in range(3)) for n in range(len(values))))

    def _book(self, *, steps: int) -> None:
        step = self._spans.step
        if steps or step.spans:
            self._spans.step = self.new()
            step.steps = steps
            self.enter(step)

    def _before_forward(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        outer = self._spans.top
        if self._spans.elsewhere():
            return
        if outer is not None and outer.kind in ("forward", "backward"):
            outer.depth += outer.owner is module  # a pass inside a pass belongs to it
            return
        if not self._explicit and not module.training and not torch.is_grad_enabled():
            self._book(steps=0)
            self._spans.step.phase = "eval"
        structure = self._structures[module]
        around = ambient(self._device)
        if around.autocast is not self._autocast:
            self._autocast = around.autocast
            self.precision = self._own if around.autocast is None else _name(around.autocast)
        state = (module, structure.version(), around)
        given = (args, kwargs) if kwargs else args
        number = self._spans.number((state, describe(given)))
        self._spans.open(Span("forward", ("forward", number), module, edges(given)))

    def _after_forward(self, module: nn.Module, _args: Any, output: Any) -> None:
        span = self._spans.top
        if span is None or span.kind != "forward" or span.owner is not module or self._spans.elsewhere():
            return
        if span.depth:
            span.depth -= 1
            return
        _, tally = self._spans.close(whole=output is not None)
        step = self._spans.step
        step.forward += tally.flop
        step.model_flop += tally.flop
        if torch.is_grad_enabled():
            key = None if tally.dynamic else span.key
            self._calls.add(Call(key, tally.flop, span.inputs), output)
        if step.phase == "eval" and not self._explicit:
            self._book(steps=0)

    def _metered(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        """`torch.autograd.backward` or `grad`, counted."""

        def run(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            outer = self._spans.top
            if (outer is not None and outer.kind in ("forward", "backward")) or self._spans.elsewhere():
                return original(tensors, *args, **kwargs)
            calls, way, whole, beside = self._calls.behind(tensors)
            if not calls and whole and not self._explicit:
                return original(tensors, *args, **kwargs)  # somebody else's model
            calls = calls or self._calls.unused()  # a loss that was kept on the side
            key = None if way is None else (way, torch.is_grad_enabled(), _settings(name, args, kwargs))
            outside = self._spans.rest()
            if self._spans.check(beside) and beside and not outside:
                calls += self._calls.unmarked()
            for call in calls:
                call.used = True
            self._spans.open(Span("backward", None if outside else key))  # what lies outside has no signature
            done = False
            try:
                result = original(tensors, *args, **kwargs)
                done = True
            finally:
                _, tally = self._spans.close(whole=done)
                step = self._spans.step
                step.backward += tally.flop
                step.recompute += tally.recompute
                step.model_flop += 2 * (sum(call.flop for call in calls) + outside)
            return result

        return run

    def before_optimizer(self, index: int, optimizer: torch.optim.Optimizer) -> None:
        """An optimizer's step begins."""
        if self._spans.elsewhere():
            return
        kind = type(optimizer)
        replay = self._replay_optimizer
        if replay is None:
            replay = getattr(torch.optim, kind.__name__, None) is kind and kind is not torch.optim.LBFGS
        key: Hashable = None
        if replay:
            groups: list[dict[str, Any]] = optimizer.param_groups
            flags = [value for group in groups for value in group.values() if isinstance(value, int)]
            idle = [p.grad is None for group in groups for p in group["params"]]
            key = ("optimizer", index, tuple(flags), tuple(idle))
        self._spans.open(Span("optimizer", key))

    def after_optimizer(self, index: int) -> None:
        """An optimizer's step has ended."""
        if self._spans.elsewhere():
            return
        _, tally = self._spans.close()
        self._spans.step.optimizer += tally.flop + tally.recompute
        if index == 0 and not self._explicit:
            self._book(steps=1)


class _Hook:
    """A hook that a copy of the model, or a file it is saved in, does not carry: there it does nothing."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[..., None]) -> None:
        self.call = call

    def __call__(self, *args: Any) -> None:
        self.call(*args)

    def __reduce__(self) -> Any:
        return (_idle, ())


def _idle() -> Callable[..., None]:
    return _nothing


def _nothing(*_: Any) -> None:
    pass


class _OptimizerHook:
    """Tells the meter which of its optimizers steps."""

    def __init__(self, meter: ComputeMeter, index: int) -> None:
        self._meter, self._index = meter, index

    def before(self, optimizer: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
        self._meter.before_optimizer(self._index, optimizer)

    def after(self, _optimizer: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
        self._meter.after_optimizer(self._index)


_ARGUMENTS: Final = {
    "backward": ("grad_tensors", "retain_graph", "create_graph", "grad_variables", "inputs"),
    "grad": ("inputs", "grad_outputs", "retain_graph", "create_graph", "only_inputs", "allow_unused"),
}


def _settings(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
    """How a backward pass was asked for. Which inputs it is for matters, not only their shapes."""
    given = dict(zip(_ARGUMENTS[name], args, strict=False)) | kwargs
    inputs: Any = given.get("inputs")
    chosen = tuple(map(id, inputs)) if isinstance(inputs, list | tuple) else id(inputs)
    return (name, chosen, bool(given.get("create_graph")), bool(given.get("is_grads_batched")))


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _distributed() -> bool:
    return is_available() and is_initialized()


def _inner(module: nn.Module) -> nn.Module:
    return cast("nn.Module", module.module) if isinstance(module, DistributedDataParallel) else module
