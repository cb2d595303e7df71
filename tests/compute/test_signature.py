"""What decides a step's work is in its signature, wherever a model or a call keeps it."""

import functools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils import checkpoint

from mythos.compute.signature import Structure, describe

from .models import Gpt, Replayed, replay, tokens, train


@dataclass(slots=True)
class Slots:
    depth: int = 1


class Policy:
    def __init__(self) -> None:
        self.depth = 1

    def __call__(self) -> int:
        return self.depth


class Layers(nn.Module):
    """As many of its layers run as its switch, or its argument, says."""

    def __init__(self, switch: Any = None, read: Callable[[Any], int] = int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(4))
        self.switch = switch
        self.read = read

    def forward(self, x: torch.Tensor, told: Any = None) -> torch.Tensor:
        for layer in self.layers[: self.read(self.switch if told is None else told)]:
            x = layer(x)
        return x


def descend(model: nn.Module, optimizer: torch.optim.Optimizer, *given: Any, **named: Any) -> None:
    model(*given, **named).square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()


def check(result: Replayed) -> None:
    assert result.wrong == []
    assert result.counted < 12, "the same state again is replayed"
    assert result.meter.exact


def setter(name: str) -> Callable[[Any, int], None]:
    return lambda model, depth: setattr(model.switch, name, depth)


def _refill(model: Any, depth: int) -> None:
    model.switch.clear()
    model.switch.update(range(depth))


def _mask(model: Any, depth: int) -> None:
    model.switch[:] = np.arange(4) < depth


@pytest.mark.parametrize(
    ("switch", "read", "change"),
    [
        (None, lambda depth: depth, lambda m, depth: setattr(m, "switch", -depth)),
        (Slots(), lambda s: s.depth, setter("depth")),
        (Policy(), lambda s: s(), setter("depth")),
        ({0}, len, _refill),
        (np.zeros(4, bool), lambda s: int(s.sum()), _mask),
        (bytearray(1), lambda s: s[0], lambda m, depth: m.switch.__setitem__(0, depth)),
    ],
    ids=["minus one and two", "slots", "callable", "set", "array", "bytes"],
)
def test_a_switch_inside_the_model(switch: Any, read: Any, change: Any) -> None:
    def work(model: nn.Module, optimizer: torch.optim.Optimizer, index: int) -> None:
        change(model, 1 + index % 3)
        descend(model, optimizer, torch.randn(4, 8))

    check(replay(lambda: Layers(switch, read), work, 12))


def test_a_generator_inside_the_model_is_counted_whenever_it_moved() -> None:
    def work(model: nn.Module, optimizer: torch.optim.Optimizer, index: int) -> None:
        descend(model, optimizer, torch.randn(4, 8))

    for chance, read in (
        (random.Random(1), lambda s: 1 + int(3 * s.random())),
        (np.random.default_rng(1), lambda s: int(s.integers(1, 4))),
    ):
        assert replay(functools.partial(Layers, chance, read), work, 8).wrong == []


@pytest.mark.parametrize("draw", [lambda: int(4 * random.random()), lambda: np.random.randint(4)])  # noqa: NPY002
def test_layers_dropped_by_pythons_chance_depend_on_data_from_the_first_step(draw: Any) -> None:
    def work(model: nn.Module, optimizer: torch.optim.Optimizer, index: int) -> None:
        random.seed(index)
        np.random.seed(index)  # noqa: NPY002
        descend(model, optimizer, torch.randn(4, 8, requires_grad=True))

    result = replay(lambda: Layers(0, lambda _: draw()), work, 8)
    assert (result.wrong, result.counted) == ([], 8)
    assert result.meter.total.dynamic == {"Python's random numbers are drawn"}


@pytest.mark.parametrize(
    "told",
    [
        range, np.int64, lambda n: np.zeros(n, np.int8), lambda n: slice(0, n), Slots,
        lambda n: functools.partial(int, n), lambda n: lambda n=n: n,
    ],
    ids=["range", "number", "array", "slice", "slots", "partial", "default"],
)  # fmt: skip
def test_an_argument_is_told_apart_by_what_it_says_and_not_by_its_address(told: Any) -> None:
    def read(value: Any) -> Any:
        if isinstance(value, slice | Slots):
            return value.stop if isinstance(value, slice) else value.depth
        return value() if callable(value) else len(value) if hasattr(value, "__len__") else int(value)

    def work(model: nn.Module, optimizer: torch.optim.Optimizer, index: int) -> None:
        descend(model, optimizer, torch.randn(4, 8), told=told(1 + index % 3))

    result = replay(lambda: Layers(read=read), work, 12)
    assert result.wrong == []
    assert result.counted == (
        12 if told(1).__hash__ is None and not isinstance(told(1), Slots | np.ndarray) else 3
    )


def test_a_module_or_a_method_as_an_argument() -> None:
    class Applies(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(8, 8)

        def forward(self, x: torch.Tensor, then: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
            return then(self.first(x))

    others = [Layers(depth, lambda s: s) for depth in (1, 2)]

    def work(model: nn.Module, optimizer: torch.optim.Optimizer, index: int) -> None:
        other = others[index % 2]
        other.switch = 1 + index % 3
        descend(model, optimizer, torch.randn(4, 8), other if index % 4 < 2 else other.forward)

    result = replay(Applies, work, 24)
    assert result.wrong == []
    assert result.counted <= 12


def test_a_teacher_kept_in_a_list_is_part_of_the_model() -> None:
    class Student(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.teachers = [Gpt()]
            self.body = Gpt()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.body(x) - self.teachers[0](x)

    def work(model: nn.Module, optimizer: torch.optim.Optimizer, index: int) -> None:
        assert isinstance(model, Student)
        model.teachers[0].exit_after = 1 + index % 2
        model.teachers[0].head.requires_grad_(index % 3 == 0)
        descend(model, optimizer, tokens())

    check(replay(Student, work, 12))


def test_parameters_that_are_given_other_data() -> None:
    def work(model: nn.Module, optimizer: torch.optim.Optimizer, index: int) -> None:
        width = 16 - 4 * (index % 2)
        for layer, shape in zip(model.children(), ((width, 8), (8, width)), strict=True):
            layer.weight.data, layer.bias.data = torch.randn(shape), torch.randn(shape[0])
        descend(model, optimizer, torch.randn(4, 8))

    make = lambda: nn.Sequential(nn.Linear(8, 16), nn.Linear(16, 8))  # noqa: E731
    check(replay(make, work, 12, lambda m: torch.optim.SGD(m.parameters())))


class Recurrent(nn.Module):
    """Takes tokens, so that no argument shows its number format."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(96, 8)
        self.body = nn.LSTM(8, 16, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(self.embedding(x))[0]


def test_the_number_format_of_the_parameters() -> None:
    def work(model: nn.Module, optimizer: torch.optim.Optimizer, index: int) -> None:
        model.to(torch.float64 if index % 2 else torch.float32)
        descend(model, optimizer, tokens())

    assert replay(Recurrent, work, 6, lambda m: torch.optim.SGD(m.parameters())).wrong == []


def test_switches_of_torch() -> None:
    def libraries(model: nn.Module, optimizer: torch.optim.Optimizer, index: int) -> None:
        torch._C._set_mkldnn_enabled(bool(index % 2))  # its public face warns
        descend(model, optimizer, tokens())

    def early(model: nn.Module, optimizer: torch.optim.Optimizer, index: int) -> None:
        assert isinstance(model, Gpt)
        model.checkpointing = True
        with checkpoint.set_checkpoint_early_stop(bool(index % 2)):
            train(model, optimizer, tokens())

    check(replay(Recurrent, libraries, 12))
    check(replay(Gpt, early, 12))


def test_strides_choose_the_attention_kernel() -> None:
    class Attends(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return functional.scaled_dot_product_attention(x, x, x)

    model = Attends()
    rows, columns = torch.zeros(1, 2, 8, 16), torch.zeros(1, 2, 16, 8).transpose(-1, -2)
    assert describe(rows) != describe(columns)
    assert model(rows).equal(model(columns))


def test_a_web_of_objects_is_walked_once() -> None:
    class Node:
        def __init__(self) -> None:
            self.others: list[Node] = []

    web = [Node() for _ in range(40)]
    for node in web:
        node.others = web
    structure = Structure(Layers(web[0]))
    before = structure.version()
    assert structure.version() == before
    web[3].others = []
    assert structure.version() != before


def test_a_tensor_without_strides_is_compared_by_hand() -> None:
    model = nn.Linear(4, 4)
    model.register_buffer("mask", torch.eye(4).to_sparse())
    structure = Structure(model)
    before = structure.version()
    assert structure.version() == before
    model.weight.requires_grad_(False)
    frozen = structure.version()
    assert frozen != before
    model.bias.data = torch.zeros(3)
    assert structure.version() not in (before, frozen)


def test_a_state_seen_in_inference_mode_is_the_same_state() -> None:
    structure = Structure(nn.Linear(4, 4))
    before = structure.version()
    with torch.inference_mode():
        assert structure.version() == before
    assert structure.version() == before
