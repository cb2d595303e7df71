"""Each formula against the product it stands for, and every operator either known or reported."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")

import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode, register_flop_formula

from mythos.compute.counter import Counter, Tally
from mythos.compute.ops import data_dependent, formulas, is_free

BF16 = torch.bfloat16
INT8 = torch.int8


def count(work: Callable[[], Any], *, backward: bool = False) -> Tally:
    counter, tally = Counter(), Tally()
    counter.start(tally, backward=backward)
    try:
        work()
    finally:
        counter.stop()
    return tally


def leaf(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, requires_grad=True)


A, B, V = torch.randn(6, 8), torch.randn(8, 5), torch.randn(8)
Q, K, W = torch.randn(2, 4, 10, 16), torch.randn(2, 2, 12, 16), torch.randn(2, 2, 12, 8)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # "CSR support is in beta state"
    CSR = torch.eye(8).to_sparse_csr()
SQUARE = torch.eye(6) * 3 + torch.ones(6, 6)

FORWARD: dict[str, tuple[Callable[[], Any], int]] = {
    "mm": (lambda: A @ B, 2 * 6 * 8 * 5),
    "addmm_": (lambda: torch.zeros(6, 5).addmm_(A, B), 2 * 6 * 8 * 5),
    "mv": (lambda: A.mv(V), 2 * 6 * 8),
    "addmv": (lambda: torch.addmv(torch.zeros(6), A, V), 2 * 6 * 8),
    "dot": (lambda: V.dot(V), 2 * 8),
    "vdot": (lambda: torch.vdot(V, V), 2 * 8),
    "outer": (lambda: torch.outer(V, torch.ones(5)), 2 * 8 * 5),
    "addr": (lambda: torch.addr(torch.zeros(8, 5), V, torch.ones(5)), 2 * 8 * 5),
    "broadcast that is no outer product": (lambda: torch.ones(8, 1) * torch.ones(8, 5), 0),
    "addbmm": (
        lambda: torch.addbmm(torch.zeros(6, 5), A.expand(3, 6, 8), B.expand(3, 8, 5)),
        3 * 2 * 6 * 8 * 5,
    ),
    "bilinear": (
        lambda: functional.bilinear(A, torch.randn(6, 7), torch.randn(3, 8, 7)),
        2 * 6 * 3 * 7 * (8 + 1),
    ),
    "cdist": (lambda: torch.cdist(torch.randn(40, 8), torch.randn(30, 8)), 2 * 40 * 30 * (8 + 2)),
    "cdist p=1": (lambda: torch.cdist(A, torch.randn(4, 8), p=1), 3 * 6 * 4 * 8),
    "int8": (
        lambda: torch.ops.aten._int_mm(torch.ones(32, 16, dtype=INT8), torch.ones(16, 32, dtype=INT8)),
        2 * 32 * 16 * 32,
    ),
    "int8 weights": (
        lambda: torch.ops.aten._weight_int8pack_mm(
            torch.ones(4, 64, dtype=BF16), torch.ones(32, 64, dtype=INT8), torch.ones(32, dtype=BF16)
        ),
        2 * 4 * 64 * 32,
    ),
    "grouped": (
        lambda: functional.grouped_mm(
            torch.ones(64, 32, dtype=BF16),
            torch.ones(4, 32, 16, dtype=BF16),
            offs=torch.tensor([16, 32, 48, 64], dtype=torch.int32),
        ),
        2 * 64 * 32 * 16,
    ),
    "attention, grouped keys": (
        lambda: functional.scaled_dot_product_attention(Q, K, K, enable_gqa=True),
        2 * 2 * 4 * 10 * 12 * (16 + 16),
    ),
    "attention, causal": (
        lambda: functional.scaled_dot_product_attention(Q, Q, Q, is_causal=True),
        2 * 2 * 4 * 10 * 10 * 32,
    ),
    "attention, masked": (
        lambda: functional.scaled_dot_product_attention(Q, Q, Q, attn_mask=torch.zeros(10, 10)),
        2 * 2 * 4 * 10 * 10 * 32,
    ),
    "attention, narrow values": (
        lambda: functional.scaled_dot_product_attention(Q, K, W, enable_gqa=True),
        2 * 2 * 4 * 10 * 12 * (16 + 8),
    ),
    "lstm": (lambda: nn.LSTM(8, 16, 2)(torch.randn(5, 3, 8)), 2 * 5 * 3 * 64 * (8 + 16 + 16 + 16)),
    "lstm, both ways": (
        lambda: nn.LSTM(8, 16, bidirectional=True)(torch.randn(5, 3, 8)),
        2 * 5 * 3 * 64 * 24 * 2,
    ),
    "gru": (lambda: nn.GRU(8, 16)(torch.randn(5, 3, 8)), 2 * 5 * 3 * 48 * 24),
    "sparse @ dense": (lambda: torch.sparse.mm(torch.eye(8).to_sparse(), B), 2 * 8 * 5),
    "csr @ dense": (lambda: CSR @ B, 2 * 8 * 5),
    "solve": (lambda: torch.linalg.solve(SQUARE, torch.ones(6, 4)), 2 * 6**3 // 3 + 2 * 36 * 4),
    "inv": (lambda: torch.linalg.inv(SQUARE), 2 * 6**3),
    "cholesky": (lambda: torch.linalg.cholesky(SQUARE), 6**3 // 3),
    "triangular": (
        lambda: torch.linalg.solve_triangular(SQUARE.triu(), torch.ones(6, 4), upper=True),
        36 * 4,
    ),
    "svd": (lambda: torch.linalg.svd(A, full_matrices=False), 14 * 8 * 36 + 8 * 6**3),
    "svd, whole": (lambda: torch.linalg.svd(A), 4 * 64 * 6 + 8 * 8 * 36 + 9 * 6**3),
    "svdvals": (lambda: torch.ops.aten._linalg_svd(A, False, False), 4 * 8 * 36 - 4 * 6**3 // 3),
    "qr": (lambda: torch.linalg.qr(A.T), 2 * (2 * 8 * 36 - 2 * 6**3 // 3)),
    "eigh": (lambda: torch.linalg.eigh(SQUARE), 9 * 6**3),
    "grouped convolution": (
        lambda: functional.conv2d(torch.ones(2, 8, 9, 9), torch.ones(16, 4, 3, 3), groups=2),
        2 * 2 * 49 * 16 * 4 * 9,
    ),
    "encoder layer, fast path": (
        lambda: torch.no_grad()(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True).eval())(
            torch.ones(2, 10, 32)
        ),
        2 * 20 * (4 * 32 * 32 + 2 * 32 * 64) + 4 * 2 * 100 * 32,
    ),
    "multi-head, fast path": (
        lambda: torch.no_grad()(nn.MultiheadAttention(32, 4, batch_first=True).eval())(
            *[torch.ones(2, 10, 32)] * 3
        ),
        2 * 20 * 4 * 32 * 32 + 4 * 2 * 100 * 32,
    ),
}


@pytest.mark.parametrize("name", FORWARD)
def test_forward_formula(name: str) -> None:
    work, expected = FORWARD[name]
    tally = count(work)
    assert tally.flop == expected
    assert tally.unregistered == set()


GPU_KERNELS: dict[str, tuple[tuple[Any, ...], Callable[..., tuple[Any, ...]]]] = {
    "flash": ((0.0, True), lambda o: (*o[:4], 10, 10, 0.0, True, *o[6:8])),
    "efficient": ((None, True, 0.0, True), lambda o: (None, *o[:4], 0.0, [True, True, True, False], True)),
    "cudnn": ((None, True, 0.0, True), lambda o: (*o[:2], *o[6:8], None, *o[2:4], 10, 10, 0.0, True)),
}


@pytest.mark.parametrize("kernel", GPU_KERNELS)
def test_attention_of_a_gpu_counts_as_a_cpus_does(kernel: str) -> None:
    q, k = (torch.empty(2, heads, 10, 16, device="meta", dtype=BF16) for heads in (4, 2))
    forward, backward = (
        getattr(torch.ops.aten, f"_scaled_dot_product_{kernel}_attention{way}") for way in ("", "_backward")
    )
    before, after = GPU_KERNELS[kernel]
    found: list[Any] = []
    assert count(lambda: found.extend(forward(q, k, k, *before))).flop == 2 * 2 * 4 * 10 * 10 * 32
    with torch.no_grad():
        tally = count(lambda: backward(q, q, k, k, *after(found)), backward=True)
    assert (tally.flop, tally.recompute) == (2 * 2 * 2 * 4 * 10 * 10 * 32, 2 * 2 * 4 * 10 * 10 * 16)
    assert tally.unregistered == set()


@pytest.mark.parametrize("name", FORWARD)
def test_torch_counts_the_same_with_our_formulas(name: str) -> None:
    with FlopCounterMode(display=False, custom_mapping=formulas()) as reference:
        FORWARD[name][0]()
    assert reference.get_total_flops() == FORWARD[name][1]


BACKWARD: dict[str, Callable[[], torch.Tensor]] = {
    "mm": lambda: leaf(6, 8) @ leaf(8, 5),
    "mv": lambda: leaf(6, 8).mv(leaf(8)),
    "bmm": lambda: torch.bmm(leaf(3, 6, 8), leaf(3, 8, 5)),
    "addbmm": lambda: torch.addbmm(leaf(6, 5), leaf(3, 6, 8), leaf(3, 8, 5)),
    "attention": lambda: functional.scaled_dot_product_attention(
        leaf(2, 4, 10, 16), leaf(2, 4, 10, 16), leaf(2, 4, 10, 16), is_causal=True
    ),
    "attention, grouped keys": lambda: functional.scaled_dot_product_attention(
        leaf(2, 4, 10, 16), leaf(2, 2, 10, 16), leaf(2, 2, 10, 16), enable_gqa=True
    ),
    "attention, mask with a gradient": lambda: functional.scaled_dot_product_attention(
        leaf(2, 4, 10, 16), leaf(2, 4, 10, 16), leaf(2, 4, 10, 16), attn_mask=leaf(10, 10)
    ),
    "grouped convolution": lambda: functional.conv2d(leaf(2, 8, 9, 9), leaf(16, 4, 3, 3), groups=2),
    "transposed convolution": lambda: functional.conv_transpose2d(leaf(2, 8, 9, 9), leaf(8, 4, 3, 3)),
    "grouped": lambda: functional.grouped_mm(
        leaf(64, 32).to(BF16),
        leaf(4, 32, 16).to(BF16),
        offs=torch.tensor([16, 32, 48, 64], dtype=torch.int32),
    ),
    "lstm": lambda: nn.LSTM(8, 16)(leaf(5, 3, 8))[0],
}


@pytest.mark.parametrize("name", BACKWARD)
def test_backward_is_twice_forward_and_repeats_are_apart(name: str) -> None:
    outputs: list[torch.Tensor] = []
    forward = count(lambda: outputs.append(BACKWARD[name]()))
    backward = count(lambda: outputs[0].backward(torch.randn_like(outputs[0])), backward=True)
    assert backward.flop == 2 * forward.flop
    assert backward.unregistered == set()
    fused = name.startswith("attention") and "gradient" not in name
    assert backward.recompute == (forward.flop // 2 if fused else 0)


def test_the_same_attention_fused_or_by_hand_has_one_model_figure() -> None:
    q, k, v = (leaf(2, 4, 10, 16) for _ in range(3))
    fused: list[torch.Tensor] = []
    by_hand: list[torch.Tensor] = []
    first = count(lambda: fused.append(functional.scaled_dot_product_attention(q, k, v)))
    second = count(lambda: by_hand.append(torch.matmul((q @ k.mT / 4).softmax(-1), v)))
    assert first.flop == second.flop
    assert (
        count(lambda: fused[0].sum().backward(), backward=True).flop
        == count(lambda: by_hand[0].sum().backward(), backward=True).flop
    )


@pytest.mark.parametrize(
    ("work", "name"),
    [
        (lambda: torch.fft.fft(V), "aten::_fft_r2c"),
        (lambda: torch.linalg.matrix_exp(SQUARE), "aten::linalg_matrix_exp"),
        (lambda: torch.linalg.eig(SQUARE), "aten::linalg_eig"),
        (lambda: torch.linalg.lstsq(A.T, torch.ones(8, 1)), "aten::linalg_lstsq"),
    ],
)
def test_an_operator_of_unknown_cost_is_named(work: Callable[[], Any], name: str) -> None:
    assert name in count(work).unregistered


def test_a_custom_operator_is_unknown_until_a_formula_is_registered() -> None:
    @torch.library.custom_op("mythos_test::triple", mutates_args=())
    def triple(x: torch.Tensor) -> torch.Tensor:
        return x * 3

    assert count(lambda: triple(V)).unregistered == {"mythos_test::triple"}
    register_flop_formula(torch.ops.mythos_test.triple)(lambda *_, **__: 99)
    tally = count(lambda: triple(V))
    assert (tally.flop, tally.unregistered) == (99, set())


HEAVY = (
    "fft", "conv", "matrix_exp", "lstsq", "_eig", "cholesky", "householder", "semi_structured", "attention", "matmul",
    "linear", "lstm", "gru_", "ldl", "geqrf", "ormqr", "triangular", "pinv", "sampled_addmm", "foreach_mm",
)  # fmt: skip
LIGHT_ALTHOUGH = (
    "gru_cell", "lstm_cell", "upsample", "rnn_flatten", "check_errors", "convert", "convolution_mode", "lstm_mps",
    "fft_fftfreq", "fft_rfftfreq", "reorder_conv", "to_sparse",
)  # fmt: skip


def test_no_heavy_operator_of_this_torch_passes_for_free() -> None:
    known = formulas()
    passed: list[str] = []
    for full in torch._C._dispatch_get_all_op_names():
        namespace, _, rest = full.partition("::")
        name, _, overload = rest.partition(".")
        packet = getattr(getattr(torch.ops, namespace), name, None) if namespace == "aten" else None
        if packet is None or packet in known or not hasattr(packet, overload or "default"):
            continue
        heavy = any(word in name for word in HEAVY) and not any(word in name for word in LIGHT_ALTHOUGH)
        if heavy and is_free(getattr(packet, overload or "default")):
            passed.append(full)
    assert passed == []


@pytest.mark.parametrize(
    "work",
    [
        A.nonzero,
        lambda: A[A > 0],
        lambda: A.masked_select(A > 0),
        A.unique,
        lambda: A.sum().item(),
        lambda: bool(A.sum() > 0),
        A.tolist,
        A.numpy,
        lambda: torch.repeat_interleave(A, torch.tensor([1, 2, 3, 0, 1, 1]), dim=0),
        lambda: torch.where(A > 0),
        lambda: torch.bincount(torch.tensor([1, 1, 3])),
        lambda: nn.utils.rnn.pack_padded_sequence(torch.ones(5, 2, 3), torch.tensor([5, 3])),
        lambda: torch.cond(A.sum() > 0, lambda x: x @ x.T, lambda x: x @ x.T @ x @ x.T, (A,)),
    ],
)
def test_work_that_may_depend_on_data_is_seen(work: Callable[[], Any]) -> None:
    assert count(work).dynamic


@pytest.mark.parametrize(
    "work",
    [
        lambda: A[torch.tensor([0, 2])],
        lambda: A.topk(2),
        lambda: torch.where(A > 0, A, 0),
        lambda: A.masked_fill(A > 0, 1.0),
        lambda: functional.embedding(torch.tensor([1, 2]), B),
        lambda: functional.dropout(A),
    ],
)
def test_work_that_follows_from_shapes_is_not_called_dynamic(work: Callable[[], Any]) -> None:
    assert not count(work).dynamic


def test_packed_lengths_of_flash_attention_are_data() -> None:
    reason = data_dependent(torch.ops.aten._flash_attention_forward.default)
    assert callable(reason)
    lengths = torch.tensor([0, 3, 8], dtype=torch.int32)
    assert reason((A, A, A, lengths, lengths, 5, 5)) == "aten::_flash_attention_forward takes packed lengths"
    assert reason((A, A, A, None, None, 5, 5)) == ""


@pytest.mark.parametrize("make", [nn.SiLU, nn.GELU, nn.Softplus, nn.Hardswish, nn.Mish, nn.ELU])
def test_counting_changes_no_bit_of_the_result(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(32, 64), make(), nn.LayerNorm(64), nn.RMSNorm(64), nn.Linear(64, 8))
    batch = torch.randn(16, 32)

    def gradients() -> list[torch.Tensor]:
        model.zero_grad()
        functional.cross_entropy(model(batch), torch.arange(16) % 8).backward()
        return [p.grad.clone() for p in model.parameters() if p.grad is not None]

    plain, counted = gradients(), list[torch.Tensor]()
    count(lambda: counted.extend(gradients()))
    assert all(torch.equal(a, b) for a, b in zip(plain, counted, strict=True))


def test_inference_mode_is_counted() -> None:
    with torch.inference_mode():
        assert count(lambda: nn.Linear(8, 5)(A)).flop == 2 * 6 * 8 * 5
        assert count(lambda: torch.einsum("ij,jk->ik", A, B)).flop == 2 * 6 * 8 * 5
        assert (
            count(lambda: functional.scaled_dot_product_attention(Q, Q, Q)).flop == 2 * 2 * 4 * 10 * 10 * 32
        )
        assert count(lambda: nn.GRU(8, 16)(torch.randn(5, 3, 8))).flop == 2 * 5 * 3 * 48 * 24


def test_integer_products_are_told_apart() -> None:
    tally = count(lambda: (torch.ones(2, 3, dtype=torch.int64) @ torch.ones(3, 2, dtype=torch.int64), A @ B))
    assert (tally.integer, tally.flop) == (2 * 2 * 3 * 2, 2 * 2 * 3 * 2 + 2 * 6 * 8 * 5)
