"""The sizes, and the closed form of what a step costs."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mythos.model
from mythos.errors import InputError
from mythos.model import Shape


@given(st.integers(1, 128), st.integers(257, 100_000), st.integers(8, 8192))
def test_one_dial_gives_a_shape_that_holds_together(depth: int, vocab: int, seq_len: int) -> None:
    shape = Shape.of_depth(depth, vocab=vocab, seq_len=seq_len)
    assert shape.heads == 2 * shape.kv_heads
    assert shape.heads * shape.head_dim >= shape.d_model
    assert shape.d_ff % 32 == shape.d_model % 32 == 0
    assert 8 * shape.d_model / 3 <= shape.d_ff < 8 * shape.d_model / 3 + 32


def test_the_sizes_that_are_promised() -> None:
    assert 1.0e6 < Shape.of_depth(4, vocab=2048, seq_len=256).parameters < 1.5e6
    assert 0.8e8 < Shape.of_depth(20, vocab=16_384, seq_len=1024).parameters < 1.4e8


def test_cost_is_the_sum_of_its_parts() -> None:
    shape = Shape(layers=1, d_model=2, heads=1, kv_heads=1, head_dim=2, d_ff=3, vocab=5, seq_len=8)
    # q, k, v, o are 2 x 2, gate, up and down 3 x 2, the head 5 x 2: 16 + 18 + 10 = 44 numbers.
    assert shape.matrix_parameters == 44
    # 7 tokens: 2 x 7 x 44; scores and values 2 x 2 x (7 x 7 x 2).
    assert shape.forward_flop(1, 7) == 616 + 392
    assert shape.model_flop(3, 7) == 3 * 3 * 1008
    # Five rounds: four of 2 x 2 (16 + 16 + 16) x 2 ... = 4 m m n + 2 m m m, and three of 2 x 3.
    assert shape.muon_flop() == 5 * (4 * (4 * 8 + 2 * 8) + 3 * (4 * 12 + 2 * 8))
    assert shape.step_flop(3, 7) - shape.step_flop(3, 7, muon=False) == shape.muon_flop()


def test_cost_is_linear_in_rows_and_quadratic_in_length() -> None:
    shape = Shape.of_depth(3, vocab=300, seq_len=64)
    assert shape.forward_flop(6, 64) == 2 * shape.forward_flop(3, 64)
    linear = 2 * 64 * shape.matrix_parameters
    assert shape.forward_flop(1, 128) - 2 * linear == 4 * (shape.forward_flop(1, 64) - linear)


@pytest.mark.parametrize("changes", [{"layers": 0}, {"heads": 3, "kv_heads": 2}, {"head_dim": 3}])
def test_impossible_sizes_are_refused(changes: dict[str, int]) -> None:
    sizes = {
        "layers": 1,
        "d_model": 8,
        "heads": 2,
        "kv_heads": 1,
        "head_dim": 4,
        "d_ff": 8,
        "vocab": 9,
        "seq_len": 8,
    }
    with pytest.raises(InputError):
        Shape(**(sizes | changes))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("depth", [0, -1, 129])
def test_depth_has_bounds(depth: int) -> None:
    with pytest.raises(InputError, match="1 to 128"):
        Shape.of_depth(depth, vocab=300, seq_len=8)


def test_the_essay_is_true() -> None:
    assert doctest.testmod(mythos.model).failed == 0
    assert doctest.testmod(mythos.model).attempted >= 4
