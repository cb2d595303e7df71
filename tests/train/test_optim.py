"""Muon against its definition and against torch's; the schedule; rates over depth."""

from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")
import torch
from hypothesis import given
from hypothesis import strategies as st

from mythos.model import Mythos, Shape
from mythos.train.config import Rates
from mythos.train.optim import Muon, build_optimizers, orthogonalise, rate_at, transfer


@pytest.mark.parametrize("size", [(8, 8), (4, 16), (16, 4), (1, 9)])
def test_singular_values_come_near_one_and_directions_stay(size: tuple[int, int]) -> None:
    stack = torch.randn(3, *size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for before, after in zip(stack, orthogonalise(stack), strict=True):
        u, _, v = torch.linalg.svd(before, full_matrices=False)
        core = u.T @ after @ v.T
        values = core.diagonal()
        assert 0.6 < values.min() <= values.max() < 1.3
        assert (core - torch.diag(values)).abs().max() < 1e-6


def test_a_stack_is_its_matrices() -> None:
    stack = torch.randn(4, 6, 5, generator=torch.Generator().manual_seed(1))
    for together, alone in zip(orthogonalise(stack), stack, strict=True):
        assert torch.allclose(together, orthogonalise(alone[None])[0], atol=1e-5)


def test_a_step_is_that_of_torch_within_its_16_bits() -> None:
    def walk(kind: Any, **settings: float) -> torch.Tensor:
        generator = torch.Generator().manual_seed(2)
        weight = torch.nn.Parameter(torch.zeros(12, 8))
        optimizer = kind([weight], lr=0.02, momentum=0.9, weight_decay=0.0, **settings)
        for _ in range(3):
            weight.grad = torch.randn(12, 8, generator=generator)
            optimizer.step()
        return weight.detach()

    ours, theirs = walk(Muon), walk(torch.optim.Muon)
    assert (ours - theirs).norm() / theirs.norm() < 0.04, "its noise, ours has none"


def test_decay_is_cautious() -> None:
    weight = torch.nn.Parameter(torch.tensor([[1.0, -1.0], [1.0, 1.0]]))
    gradient = torch.tensor([[1.0, 1.0], [-2.0, 1.0]])
    without = torch.nn.Parameter(weight.detach().clone())
    for parameter, decay in ((weight, 0.5), (without, 0.0)):
        parameter.grad = gradient.clone()
        Muon([parameter], lr=0.1, weight_decay=decay).step()
    step = torch.tensor([[1.0, -1.0], [1.0, 1.0]]) - without.detach()
    agrees = (step * torch.tensor([[1.0, -1.0], [1.0, 1.0]])) > 0
    shrunk = (weight.abs() < without.abs() - 1e-9) & agrees
    assert torch.equal(shrunk, agrees)
    assert torch.equal((weight == without), ~agrees)
    assert agrees.any()
    assert not agrees.all()


def test_a_parameter_without_gradient_stays() -> None:
    weight = torch.nn.Parameter(torch.ones(2, 2))
    assert Muon([weight], lr=1.0).step(lambda: 3.5) == 3.5
    assert torch.equal(weight, torch.ones(2, 2))


@given(st.floats(0, 1), st.floats(0, 0.5), st.floats(0.01, 0.5), st.floats(0, 1))
def test_the_schedule_goes_up_stays_and_falls(
    progress: float, warmup: float, decay: float, final: float
) -> None:
    rates = Rates(warmup=warmup, decay=decay, final=final)
    assert 0 <= rate_at(progress, rates) <= 1
    assert rate_at(1.0, rates) == pytest.approx(final)
    assert rate_at(warmup, rates) == pytest.approx(1.0)
    assert rate_at(1 - decay, rates) == pytest.approx(1.0)


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_every_parameter_is_trained_once(optimizer: str) -> None:
    model = Mythos(Shape.of_depth(2, vocab=300, seq_len=16))
    rates = replace(Rates(), optimizer=optimizer, reference_depth=2)
    groups = [group for found in build_optimizers(model, rates) for group in found.param_groups]
    trained = [id(p) for group in groups for p in group["params"]]
    assert sorted(trained) == sorted(id(p) for p in model.parameters())
    peaks = {group["peak"] for group in groups}
    assert peaks == {rates.matrices, rates.embedding, rates.head}, (
        "at the reference depth rates are as written"
    )


def test_rates_carry_over_depth() -> None:
    small, large = (Shape.of_depth(depth, vocab=300, seq_len=16) for depth in (4, 16))
    assert transfer("matrices", writes=False, optimizer="muon", shape=large, reference=small) == 1
    assert transfer("matrices", writes=True, optimizer="muon", shape=large, reference=small) == 0.5
    assert transfer("matrices", writes=True, optimizer="adamw", shape=large, reference=small) == 0.125
    assert transfer("head", writes=False, optimizer="muon", shape=large, reference=small) == 0.25
    assert transfer("embedding", writes=False, optimizer="muon", shape=large, reference=small) == 1
