"""What the meter books, when it must count again, and what it must never leave behind."""

# pyright: reportPossiblyUnboundVariable=false

import contextlib
import copy
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")

import torch
from torch import nn
from torch.nn import functional
from torch.utils._python_dispatch import _get_current_dispatch_mode
from torch.utils.flop_counter import FlopCounterMode

from mythos.compute import ComputeMeter, Counts, formulas, read
from mythos.errors import InputError
from mythos.evidence import SigningKey
from mythos.units import Digest

from .models import Gpt, adamw, tokens, train

X = torch.ones(4, 8)
PASS = 2 * 4 * 8 * 8


def line(width: int = 8) -> nn.Linear:
    return nn.Linear(width, width, bias=False)


def test_two_numbers() -> None:
    model = line()
    with ComputeMeter(model) as meter, meter.step(tokens=4) as step:
        model(X).sum().backward()
    assert step.counts == Counts(forward=PASS, backward=PASS, model=3 * PASS)
    assert (meter.model_flop, meter.executed_flop) == (3 * PASS, 2 * PASS), "the input needs no gradient"
    assert (meter.total.tokens, meter.total.steps) == (4, 1)


def test_a_pass_without_gradients_is_one_forward() -> None:
    model = line()
    with ComputeMeter(model) as meter, meter.step(phase="synthetic", role="generator"), torch.no_grad():
        model(X)
    assert meter.model_flop == meter.executed_flop == PASS
    assert meter.done["synthetic"].role == "generator"


def test_frozen_weights_are_cheaper_to_execute_and_not_in_the_model_figure() -> None:
    frozen = nn.Sequential(line(), line(), line())
    frozen[0].requires_grad_(False)
    frozen[1].requires_grad_(False)
    with ComputeMeter(frozen) as meter, meter.step():
        frozen(X).sum().backward()
    assert meter.model_flop == 9 * PASS
    assert meter.executed_flop == 4 * PASS


def test_hooks_alone_count_training_and_tag_evaluation() -> None:
    model = nn.Sequential(line())
    optimizer = torch.optim.SGD(model.parameters())
    with ComputeMeter(model, optimizer=optimizer) as meter:
        for _ in range(3):
            model(X).sum().backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            model(X)
            model(X)
    assert meter.total.steps == 3
    assert meter.model_flop == 9 * PASS
    assert (meter.done["eval"].forward, meter.done["eval"].steps) == (2 * PASS, 0)


def test_an_unknown_operator_makes_the_total_incomplete_on_replays_too() -> None:
    class Spectral(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.fft.fft(x).abs()

    model = Spectral()
    with ComputeMeter(model) as meter:
        for _ in range(3):
            with meter.step() as step:
                model(X)
    assert step.unregistered == {"aten::_fft_r2c"}
    assert step.counted == 0
    assert (meter.complete, meter.exact) == (False, False)


def costs(
    model: nn.Module, changes: list[Callable[[], object]], batch: torch.Tensor
) -> list[tuple[int, bool]]:
    """(operations, whether counted) of a pass before and after each change; checked against torch's counter."""
    found: list[tuple[int, bool]] = []
    with ComputeMeter(model) as meter:
        for change in [lambda: None, lambda: None, *changes]:
            change()
            with meter.step() as step:
                model(batch)
            with FlopCounterMode(display=False, custom_mapping=formulas()) as reference:
                model(batch)
            assert step.executed_flop == reference.get_total_flops()
            found.append((step.executed_flop, step.counted > step.audits))
    return found


def test_a_changed_module_is_counted_again() -> None:
    model = Gpt(layers=2)
    found = costs(
        model,
        [
            lambda: setattr(model, "exit_after", 1),
            lambda: setattr(model, "exit_after", 2),
            lambda: model.blocks.append(copy.deepcopy(model.blocks[0])),
            lambda: setattr(model, "exit_after", 3),
            lambda: setattr(model, "head", nn.Linear(32, 7, bias=False)),
            lambda: setattr(model.head, "weight", nn.Parameter(torch.zeros(5, 32))),
            model.eval,
            model.train,
            lambda: setattr(model.blocks[0], "fused", False),
        ],
        tokens(),
    )
    assert [counted for _, counted in found] == [1, 0, 1, 0, 1, 1, 1, 1, 1, 0, 1]


def test_a_cache_inside_the_model_is_part_of_the_signature() -> None:
    class Remembers(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.proj = line()
            self.seen: list[torch.Tensor] = []
            self.held: dict[str, torch.Tensor] = {}

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.seen.append(x)
            self.held["all"] = torch.cat(self.seen)
            return self.proj(self.held["all"])

    model = Remembers()
    with ComputeMeter(model) as meter:
        for index in range(4):
            with meter.step() as step:
                model(X)
            assert step.executed_flop == (index + 1) * PASS


def test_an_argument_object_is_described_by_what_it_holds() -> None:
    class Cache:
        def __init__(self) -> None:
            self.layers = [[torch.zeros(0, 8)]]

    class Attends(nn.Module):
        def forward(self, x: torch.Tensor, cache: Cache) -> torch.Tensor:
            cache.layers[0][0] = torch.cat([cache.layers[0][0], x])
            return x @ cache.layers[0][0].T

    model, cache = Attends(), Cache()
    with ComputeMeter(model) as meter:
        for index in range(4):
            with meter.step() as step:
                model(X, cache=cache)
            assert step.executed_flop == 2 * 4 * 8 * 4 * (index + 1)


def test_global_switches_are_part_of_the_signature() -> None:
    model = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True).eval()
    batch = torch.ones(2, 5, 16)
    with ComputeMeter(model) as meter:
        for gradients in (False, True, False, True):
            with torch.set_grad_enabled(gradients), meter.step() as step:
                model(batch)
            assert step.unregistered == set()
            assert (step.counted > 0) == (meter.total.steps <= 2)


def test_autocast_is_part_of_the_signature() -> None:
    model = line()
    with ComputeMeter(model) as meter:
        for enabled in (False, True, False, True):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled), meter.step() as step:
                model(X)
            assert (step.counted > 0) == (meter.total.steps <= 2)


ORIGINAL_GRAD = torch.autograd.grad
LEVELS = [1]


def test_an_audit_finds_state_that_no_signature_shows() -> None:
    class Sly(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.proj = line()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for _ in range(LEVELS[0]):
                x = self.proj(x)
            return x

    model = Sly()
    LEVELS[0] = 1
    with ComputeMeter(model) as meter:
        for index in range(12):
            LEVELS[0] = 1 if index < 4 else 2
            with meter.step() as step:
                model(X)
    assert step.executed_flop == 2 * PASS, "counted every step since the audit"
    assert meter.total.mismatches == 1
    assert not meter.exact


def test_an_exception_leaves_nothing_open() -> None:
    model = line()
    optimizer = torch.optim.SGD(model.parameters())
    with ComputeMeter(model, optimizer=optimizer) as meter:
        for batch in (torch.ones(4, 9), X):
            try:
                with meter.step() as step:
                    model(batch).sum().backward()
                    optimizer.step()
            except RuntimeError:
                assert step.executed_flop == 0
        assert step.executed_flop == 2 * PASS
        with contextlib.suppress(KeyError), meter.step():
            model(X)
            raise KeyError
        with meter.step() as step:
            model(X).sum().backward()
    assert step.executed_flop == 2 * PASS
    assert _get_current_dispatch_mode() is None


def test_the_hooks_are_gone_after_the_block() -> None:
    model = line()
    before = torch.autograd.backward, torch.autograd.grad
    with ComputeMeter(model) as meter:
        assert torch.autograd.backward is not before[0]
    model(X).sum().backward()
    assert (torch.autograd.backward, torch.autograd.grad) == before
    assert meter.executed_flop == 0
    assert not model._forward_hooks
    assert not model._forward_pre_hooks


@pytest.mark.parametrize("outside", [False, True])
def test_torchs_own_counter_may_run_around_or_inside_a_step(outside: bool) -> None:
    model = Gpt()
    optimizer = adamw(model)
    before = 0
    with ComputeMeter(model, optimizer=optimizer) as meter:
        for index in range(6):
            reference = FlopCounterMode(display=False, custom_mapping=formulas())
            first, second = (reference, meter.step()) if outside else (meter.step(), reference)
            with first, second:
                train(model, optimizer, tokens(8 + 4 * (index % 3)))
            assert meter.total.executed_flop - before == reference.get_total_flops()
            before = meter.total.executed_flop
    assert meter.exact


def test_two_meters_each_count_their_own_model() -> None:
    left, right = line(), line()
    with ComputeMeter(left) as first, ComputeMeter(right) as second:
        left(X).sum().backward()
        right(X).sum().backward()
        right(X).sum().backward()
    assert (first.model_flop, second.model_flop) == (3 * PASS, 6 * PASS)


def test_a_teacher_is_replayed_when_it_is_named_and_counted_every_step_when_not() -> None:
    student, teacher = line(), line()
    for also, counted in (((teacher,), 0), ((), 1)):
        with ComputeMeter(student, also=also) as meter:
            for _ in range(3):
                with meter.step() as step:
                    with torch.no_grad():
                        wanted = teacher(X)
                    functional.mse_loss(student(X), wanted).backward()
            assert step.executed_flop == 3 * PASS
            assert meter.model_flop == 3 * 4 * PASS, "a teacher's forward pass and three for the student"
            assert (step.counted > 0) == bool(counted)


def test_an_optimizer_of_unknown_make_is_counted_every_step() -> None:
    class Curvature(torch.optim.Optimizer):
        def __init__(self, parameters: object, every: int) -> None:
            super().__init__(parameters, {"every": every})  # pyright: ignore[reportArgumentType]
            self.taken = 0

        def step(self, closure: object = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # noqa: ARG002
            self.taken += 1
            for group in self.param_groups:
                if self.taken % group["every"] == 0:
                    for parameter in group["params"]:
                        torch.linalg.eigh(parameter.grad @ parameter.grad.T)

    model = line()
    optimizer = Curvature(model.parameters(), 3)
    with ComputeMeter(model, optimizer=optimizer) as meter:
        for index in range(1, 7):
            with meter.step() as step:
                model(X).sum().backward()
                optimizer.step()
            assert step.optimizer == (2 * 8**3 + 9 * 8**3 if index % 3 == 0 else 0)
    assert meter.model_flop == 6 * 3 * PASS


def test_a_ledger_by_its_path(tmp_path: Path) -> None:
    path, key, parent = tmp_path / "run.ledger", SigningKey.generate("owner"), Digest.of(b"parent")
    model = line()
    with ComputeMeter(model, ledger=str(path), run_id="r", parents=[parent], key=key, every=2) as meter:
        for _ in range(3):
            with meter.step(tokens=4, dataset=Digest.of(b"data")):
                model(X).sum().backward()
        head = meter.snapshot()
    history = read(path, [key.verify_key])
    assert (history.header["run"], history.header["parents"], history.head) == ("r", [str(parent)], head)
    assert [(work.steps, work.tokens, work.datasets) for work, _ in history.works] == [
        (2, 8, (str(Digest.of(b"data")),)),
        (1, 4, (str(Digest.of(b"data")),)),
    ]
    assert history.effective.model == meter.model_flop == 9 * PASS
    assert history.signed == history.head.lines


def test_one_rank_is_its_own_sum() -> None:
    model = line()
    with ComputeMeter(model) as meter, meter.step():
        model(X).sum().backward()
    assert meter.reduce() == meter.total.counts


def test_a_loss_kept_on_the_side_still_belongs_to_its_pass() -> None:
    class Hides(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.proj = line()
            self.loss = torch.zeros(())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            hidden = self.proj(x)
            self.loss = hidden.sum()
            return hidden * 2

    model = Hides()
    with ComputeMeter(model) as meter, meter.step():
        output = model(X)
        model.loss.backward()
    assert output.shape == X.shape
    assert meter.model_flop == 3 * PASS


def test_half_precision_is_named() -> None:
    assert ComputeMeter(line().bfloat16()).precision == "bfloat16"
    model = line()
    with ComputeMeter(model) as meter, torch.autocast("cpu", dtype=torch.bfloat16), meter.step():
        model(X)
    assert meter.precision == "bfloat16"


@pytest.mark.parametrize("layout", [torch.jagged, torch.strided])
def test_nested_tensors_are_counted_every_time(layout: torch.layout) -> None:
    model = line()
    with ComputeMeter(model) as meter:
        for lengths in ((5, 3), (5, 3), (7, 9)):
            rows = [torch.ones(length, 8) for length in lengths]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "nested tensors are in prototype stage"
                batch = torch.nested.nested_tensor(rows, layout=layout)
            with meter.step() as step:
                model(batch)
            assert step.executed_flop == 2 * sum(lengths) * 8 * 8
            assert "a nested tensor holds its lengths as data" in step.dynamic


def test_a_counter_inside_a_module_is_counted_again_and_forgotten_again() -> None:
    class Counts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.proj = line()
            self.calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return self.proj(x)

    model = Counts()
    with ComputeMeter(model) as meter:
        for _ in range(4):
            with meter.step() as step:
                model(X)
            assert (step.executed_flop, step.counted > 0) == (PASS, True)


def test_a_step_inside_a_step_is_a_wrong_call() -> None:
    with (
        ComputeMeter(line()) as meter,
        meter.step(),
        pytest.raises(InputError, match="inside a step"),
        meter.step(),
    ):
        pass


@pytest.mark.parametrize("differentiable", [True, False])
def test_work_beside_the_model_that_begins_late_is_never_called_exact(differentiable: bool) -> None:
    model, other = line(), line()
    with ComputeMeter(model) as meter:
        for index in range(400):
            with meter.step() as step:
                out = model(X)
                if index >= 100:
                    with torch.set_grad_enabled(differentiable):
                        beside = other(X)
                    out = out + beside
                out.sum().backward()
            if step.mismatches:
                break
    assert step.mismatches == 1
    assert index == 100 or not differentiable, "autograd's graph shows at once what the gap did not"
    assert not meter.exact
    with meter, meter.step() as step:
        (model(X) + other(X)).sum().backward()
    assert step.executed_flop == 4 * PASS
    assert step.exact


def test_work_beside_the_model_that_comes_and_goes() -> None:
    model, other = line(), line()
    with ComputeMeter(model) as meter:
        for index in range(20):
            with meter.step() as step:
                out = model(X) + other(X) if index % 2 == 0 else model(X)
                out.sum().backward()
            assert step.executed_flop == (4 if index % 2 == 0 else 2) * PASS
    assert meter.exact


def test_a_model_under_vmap_is_differentiated_too() -> None:
    model = line()
    with ComputeMeter(model) as meter:
        for _ in range(4):
            with meter.step():
                torch.vmap(model)(X).sum().backward()
    assert (meter.executed_flop, meter.model_flop) == (4 * 2 * PASS, 4 * 3 * PASS)


def test_a_backward_pass_the_meter_did_not_see_begin_makes_it_incomplete() -> None:
    model = line()
    with ComputeMeter(model) as meter, meter.step() as step:
        ORIGINAL_GRAD(model(X).sum(), list(model.parameters()))
    assert step.executed_flop == 2 * PASS
    assert step.unregistered == {"a backward pass begun past torch.autograd"}


def test_work_in_another_thread_makes_it_incomplete() -> None:
    model = line()
    with ComputeMeter(model) as meter:
        for _ in range(2):
            with meter.step() as step:
                thread = threading.Thread(target=lambda: model(X).sum().backward())
                thread.start()
                thread.join()
            assert step.unregistered == {"work in another thread"}
        with meter.step() as step:
            model(X).sum().backward()
        assert step.executed_flop == 2 * PASS
        assert step.exact


def test_replicas_in_threads_are_refused() -> None:
    replicas = nn.DataParallel(line())
    replicas.device_ids = [0, 1]
    with pytest.raises(InputError, match="DataParallel"):
        ComputeMeter(replicas)


def test_the_number_format_is_autocasts_only_while_it_lasts() -> None:
    model = line()
    with ComputeMeter(model) as meter:
        for enabled, name in ((True, "bfloat16"), (False, "float32")):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
                model(X)
            assert meter.precision == name


def test_arguments_that_hold_themselves() -> None:
    class Takes(nn.Module):
        def forward(self, x: torch.Tensor, _held: list[object]) -> torch.Tensor:
            return x

    model = Takes()
    circle: list[object] = []
    circle.append(circle)
    with ComputeMeter(model), torch.no_grad():
        model(X, circle)


def test_a_copy_of_a_metered_model_is_not_metered(tmp_path: Path) -> None:
    model = line()
    with ComputeMeter(model, ledger=tmp_path / "run") as meter:
        with meter.step():
            model(X).sum().backward()
        torch.save(model, tmp_path / "model.pt")
        saved: nn.Module = torch.load(tmp_path / "model.pt", weights_only=False)
        for other in (copy.deepcopy(model), saved):
            assert other(X).equal(torch.nn.functional.linear(X, model.weight, model.bias))
    assert meter.total.forward == PASS, "nobody meters the copies"
