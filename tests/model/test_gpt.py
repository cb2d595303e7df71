"""The decoder: what it starts as, what it may look at, and that both families are what they say."""

import math
from typing import cast

import pytest

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mythos.model import Mythos, Shape
from mythos.model.gpt import Block
from mythos.model.shape import Family
from mythos.train.evaluate import next_token_loss

SMALL = Shape.of_depth(2, vocab=300, seq_len=32)


def test_it_starts_from_the_uniform_distribution() -> None:
    rows = torch.randint(0, 300, (2, 17), generator=torch.Generator().manual_seed(0))
    assert next_token_loss(Mythos(SMALL)(rows[:, :-1]), rows).item() == pytest.approx(math.log(300), abs=1e-6)


def test_every_parameter_learns_once_outputs_are_not_zero(model: Mythos) -> None:
    rows = torch.randint(0, 512, (2, 17), generator=torch.Generator().manual_seed(0))
    next_token_loss(model(rows[:, :-1]), rows).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name
    model.zero_grad()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 14))
def test_a_position_sees_nothing_after_it(model: Mythos, at: int) -> None:
    tokens = torch.randint(0, 512, (1, 16), generator=torch.Generator().manual_seed(1))
    other = tokens.clone()
    other[0, at + 1 :] = (other[0, at + 1 :] + 1) % 512
    with torch.no_grad():
        before, after = model(tokens), model(other)
    assert torch.allclose(before[0, : at + 1], after[0, : at + 1], atol=1e-5)
    assert not torch.allclose(before[0, at + 1], after[0, at + 1], atol=1e-3)


@pytest.mark.parametrize("family", ["mythos", "llama"])
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_parameters_are_those_of_the_shape(family: Family, depth: int) -> None:
    shape = Shape.of_depth(depth, vocab=300, seq_len=16, family=family)
    made = Mythos(shape)
    assert sum(p.numel() for p in made.parameters()) == shape.parameters
    block = cast("Block", made.model.layers[0])
    found = [tuple(p.shape) for p in block.parameters() if p.ndim == 2]
    assert sorted(found) == sorted(shape.block_matrices)
    assert hasattr(block.self_attn.q_norm, "weight") is (family == "mythos")


def test_each_parameter_is_in_one_group() -> None:
    made = Mythos(SMALL)
    groups = made.groups()
    named = [name for group in groups.values() for name, _ in group]
    assert sorted(named) == sorted(name for name, _ in made.named_parameters())
    assert len(groups["matrices"]) == 7 * SMALL.layers
    assert [name for name, _ in groups["embedding"]] == ["model.embed_tokens.weight"]
    assert [name for name, _ in groups["head"]] == ["lm_head.weight"]


def test_the_seed_decides_the_start() -> None:
    def first(seed: int) -> torch.Tensor:
        return Mythos(SMALL, seed=seed).model.embed_tokens.weight

    assert torch.equal(first(3), first(3))
    assert not torch.equal(first(3), first(4))
