"""What one operator costs: formulas for what torch's own counter misses, and what is known to cost nothing.

A multiply-add is two operations. Counted are products and factorisations; element-wise work, reductions,
norms, look-ups and copies are not, as in every published training figure. An operator in neither set is
*unregistered*: it is listed by name and the record that holds it is incomplete, for unknown is not zero.

Attention counts the whole score matrix, masked or causal, because torch does. Factorisations use the nominal
counts of Golub and Van Loan, Matrix Computations (4th ed., sections 3.2, 4.2, 5.2, 8.3, figure 8.6.1).
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false, reportUnknownLambdaType=false
# (torch annotates itself only in part, and what counts operators is not its public face)

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from typing import Any, Final

import torch
from torch.utils.flop_counter import flop_registry

Formula = Callable[..., int]

_FREE_FILE: Final = Path(__file__).with_name("free_operators.txt").read_text()


def _attention(q: Sequence[int], k: Sequence[int], v: Sequence[int], qk: int, pv: int) -> int:
    """`qk` products of the size of QK^T and `pv` of PV for every query head (keys may be shared)."""
    return 2 * prod(q[:-1]) * k[-2] * (qk * q[-1] + pv * v[-1])


def _sdpa(q: Any, k: Any, v: Any, *_: Any, **__: Any) -> int:
    return _attention(q.shape, k.shape, v.shape, 1, 1)


def _sdpa_backward(_grad: Any, q: Any, k: Any, v: Any, *_: Any, **__: Any) -> int:
    return _attention(q.shape, k.shape, v.shape, 3, 2)


def _mm(a: Any, b: Any, *_: Any, **__: Any) -> int:
    stored = a.numel() if a.layout is torch.strided else a._nnz()  # noqa: SLF001 (a sparse tensor's stored elements)
    return 2 * stored * b.shape[-1]


def _linear(x: Any, *_: Any, out_val: Any, **__: Any) -> int:
    """Each element of the output is an inner product along the input's last dimension, however packed."""
    return 2 * out_val.numel() * x.size(-1)


def _grouped_mm(a: Any, b: Any, *_: Any, **__: Any) -> int:
    """Rows sorted into groups (2D x 3D), their gradients, or a batch; by shape, so offsets are not read."""
    return 2 * prod(a.shape[-2:] if b.dim() == 2 else a.shape) * b.shape[-1]


def _vectors(a: Any, *_: Any, **__: Any) -> int:
    """Matrix-vector and inner products: each element of the first operand is multiplied and added once."""
    return 2 * a.numel()


def _after_self(formula: Formula) -> Formula:
    def shifted(_self: Any, *args: Any, **kwargs: Any) -> int:
        return formula(*args, **kwargs)

    return shifted


def _addr(a: Any, b: Any, *_: Any, **__: Any) -> int:
    return 2 * a.numel() * b.numel()


def _outer(a: Any, b: Any, *_: Any, **__: Any) -> int:
    """A column times a row is a product with inner dimension one; any other `mul` is element-wise."""
    if not (isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor)):
        return 0
    x, y = (a.shape, b.shape) if a.dim() == 2 and a.shape[1] == 1 else (b.shape, a.shape)
    column = len(x) == 2 and x[1] == 1 and x[0] > 1
    row = (len(y) == 1 or (len(y) == 2 and y[0] == 1)) and y[-1] > 1
    return 2 * x[0] * y[-1] if column and row else 0


def _trilinear(i1: Any, i2: Any, i3: Any, e1: Any, e2: Any, e3: Any, sumdim: Any, *_: Any, **__: Any) -> int:
    """The two products torch makes of `sum(i1 * i2 * i3)`: first over what `i3` lacks, then over the rest."""
    sizes = [1] * (i1.dim() + len(e1))
    for tensor, expanded in ((i1, e1), (i2, e2), (i3, e3)):
        for axis, size in zip((d for d in range(len(sizes)) if d not in expanded), tensor.shape, strict=True):
            sizes[axis] = max(sizes[axis], size)
    pair = prod(size for axis, size in enumerate(sizes) if not (axis in e1 and axis in e2))
    rest = prod(size for axis, size in enumerate(sizes) if not (axis in sumdim and axis in e3))
    return 2 * (pair + rest)


def _distance(x: Any, y: Any, *_: Any, **__: Any) -> int:
    """Euclidean distance by one product of the rows, each longer by its norm and by a one."""
    return 2 * prod(x.shape[:-1]) * y.shape[-2] * (x.shape[-1] + 2)


def _distance_directly(x: Any, y: Any, *_: Any, **__: Any) -> int:
    """A difference, a power and a sum for each coordinate of each pair."""
    return 3 * prod(x.shape[:-1]) * y.shape[-2] * x.shape[-1]


def _rnn(x: Any, *weights: Any, **_: Any) -> int:
    """Every row of every time step meets each weight matrix once."""
    matrices: Sequence[Any] = weights[:2] if isinstance(weights[0], torch.Tensor) else weights[0]
    return 2 * prod(x.shape[:-1]) * sum(w.numel() for w in matrices if w.dim() == 2)


def _rnn_backward(*args: Any, **kwargs: Any) -> int:
    return 2 * _rnn(*args, **kwargs)


def _lengths(nested: Any) -> list[int]:
    return nested._nested_tensor_size()[:, 0].tolist()  # noqa: SLF001 (there is no public way)


def _encoder(src: Any, embed: int, _heads: int, *w: Any, **_: Any) -> int:
    """The fused encoder layer: four matrices a token, attention for each sequence at its own length."""
    nested: bool = src.is_nested
    lengths: list[int] = [src.shape[1]] * src.shape[0] if not nested else _lengths(src)
    matrices: int = sum(w[i].numel() for i in (0, 2, 11, 13))
    return sum(2 * n * matrices + 4 * n * n * embed for n in lengths)


def _multi_head(
    q: Any, k: Any, v: Any, embed: int, _heads: int, _qkv: Any, _bias: Any, out: Any, *_: Any, **__: Any
) -> int:
    rows = sum(prod(t.shape[:-1]) for t in (q, k, v))
    return 2 * (rows * embed * embed + prod(q.shape[:-1]) * (out.numel() + 2 * k.shape[1] * embed))


def _convolution_backward(grad: Any, x: Any, w: Any, *rest: Any, **_: Any) -> int:
    """Each gradient asked for costs what the forward pass does (torch's formula forgets the groups)."""
    transposed, wanted = rest[4], rest[7]
    points = prod((x if transposed else grad).shape[2:])
    return 2 * x.shape[0] * points * w.numel() * (wanted[0] + wanted[1])


def _square(thirds: int, right: int = 0) -> Formula:
    """`thirds / 3 n^3` to factor each matrix, and `right n^2` for each column of a right-hand side."""

    def formula(a: Any, *_: Any, out_val: Any, **__: Any) -> int:
        n = a.shape[-1]
        solution: Any = out_val if isinstance(out_val, torch.Tensor) else out_val[0]
        return prod(a.shape[:-2]) * (thirds * n**3 // 3) + right * n * solution.numel()

    return formula


def _svd(a: Any, full_matrices: bool = False, compute_uv: bool = True, **_: Any) -> int:
    """Golub-Reinsch: singular values alone, or with the thin or the whole U and V."""
    n, m = sorted(a.shape[-2:])
    if not compute_uv:
        each = 4 * m * n * n - 4 * n**3 // 3
    else:
        each = 4 * m * m * n + 8 * m * n * n + 9 * n**3 if full_matrices else 14 * m * n * n + 8 * n**3
    return prod(a.shape[:-2]) * each


def _qr(a: Any, mode: str = "reduced", **_: Any) -> int:
    """Householder: R, and as much again for Q."""
    n, m = sorted(a.shape[-2:])
    return prod(a.shape[:-2]) * (2 * m * n * n - 2 * n**3 // 3) * (1 if mode == "r" else 2)


def _eigh(a: Any, _uplo: str = "L", compute_v: bool = True, **_: Any) -> int:
    """Symmetric QR: values alone, or with vectors."""
    return prod(a.shape[:-2]) * (9 * a.shape[-1] ** 3 if compute_v else 4 * a.shape[-1] ** 3 // 3)


# torch's own formulas for the kernels of GPUs refuse shared keys before 2.13, so none of them is used
_FUSED: Final = (
    "flash_attention",
    "efficient_attention",
    "cudnn_attention",
    "flash_attention_for_cpu",
    "fused_attention_overrideable",
)
_ATEN: Final[tuple[tuple[str, Formula], ...]] = (
    (" ".join(f"_scaled_dot_product_{kernel}" for kernel in _FUSED), _sdpa),
    (" ".join(f"_scaled_dot_product_{kernel}_backward" for kernel in _FUSED), _sdpa_backward),
    ("mm _int_mm _sparse_mm _scaled_mm_v2", _mm),
    ("addmm addmm_ _sparse_addmm _addmm_activation", _after_self(_mm)),
    ("_grouped_mm _scaled_grouped_mm _scaled_grouped_mm_v2", _grouped_mm),
    ("linear mkldnn_linear _weight_int8pack_mm _weight_int4pack_mm _weight_int4pack_mm_for_cpu", _linear),
    ("_dyn_quant_matmul_4bit _mixed_dtypes_linear", _linear),
    ("mv dot vdot", _vectors),
    ("addmv addmv_", _after_self(_vectors)),
    ("addbmm addbmm_ baddbmm_", _after_self(_grouped_mm)),
    ("addr addr_", _after_self(_addr)),
    ("mul", _outer),
    ("_trilinear", _trilinear),
    ("_euclidean_dist", _distance),
    ("_cdist_forward", _distance_directly),
    ("_cdist_backward", _after_self(_distance_directly)),
    ("mkldnn_rnn_layer _cudnn_rnn", _rnn),
    ("mkldnn_rnn_layer_backward _cudnn_rnn_backward", _rnn_backward),
    ("_transformer_encoder_layer_fwd", _encoder),
    ("_native_multi_head_attention", _multi_head),
    ("convolution_backward", _convolution_backward),
    ("_linalg_solve_ex", _square(2, 2)),
    ("linalg_lu_factor_ex", _square(2)),
    ("linalg_lu_solve", _square(0, 2)),
    ("linalg_solve_triangular", _square(0, 1)),
    ("linalg_cholesky_ex", _square(1)),
    ("linalg_inv_ex", _square(6)),
    ("_linalg_svd", _svd),
    ("linalg_qr", _qr),
    ("_linalg_eigh", _eigh),
)
_QUANTIZED: Final = "linear linear_relu linear_dynamic linear_relu_dynamic linear_dynamic_fp16"

_WORDS: Final = [word for line in _FREE_FILE.splitlines() if line[:1] != "#" for word in line.split()]
_FREE: Final = re.compile(rf"(?:{'|'.join(_WORDS)})(?:_\w+|\d\w*)?")
_FREE_NAMESPACES: Final = frozenset(
    ["prim", "prims", "c10d", "_c10d_functional", "c10d_functional", "fsdp", "profiler", "_dtensor"]
)
_DYNAMIC: Final = re.compile(
    r"_pack_padded_sequence|_?nested_\w+|_jagged_\w+|_padded_dense\w+|_?coalesce|_?to_sparse\w*"
)


def formulas() -> dict[Any, Formula]:
    """Our formulas: `FlopCounterMode(custom_mapping=formulas())` counts what the meter counts."""
    table: dict[Any, Formula] = {}
    for namespace, rows in ((torch.ops.aten, _ATEN), (torch.ops.quantized, ((_QUANTIZED, _linear),))):
        for names, formula in rows:
            formula._get_raw = True  # type: ignore[attr-defined]  # noqa: SLF001 (torch's mark for "give me tensors")
            table.update(
                {getattr(namespace, name): formula for name in names.split() if hasattr(namespace, name)}
            )
    return table


@functools.cache
def _products() -> frozenset[str]:
    names = {packet.__name__ for packet in (*flop_registry, *formulas()) if hasattr(packet, "__name__")}
    return frozenset(name.replace("_", "") for name in names - {"mul"})  # which is seldom a product


def is_product(node: str) -> bool:
    """Whether a node of autograd's graph, such as `Addmm`, stands for an operator that has a formula."""
    return node.lower() in _products()


def recomputed(args: Sequence[Any]) -> int:
    """The part of a fused attention backward that repeats the forward pass: QK^T once more."""
    return _attention(args[1].shape, args[2].shape, args[3].shape, 1, 0)


def is_free(func: Any) -> bool:
    """Whether an operator without a formula is known to cost nothing that is counted."""
    namespace, _, name = func._schema.name.partition("::")  # noqa: SLF001 (public only through str(func))
    if namespace != "aten":
        return namespace in _FREE_NAMESPACES
    if torch.Tag.pointwise in func.tags or torch.Tag.inplace_view in func.tags:
        return True
    if any(r.alias_info is not None and not r.alias_info.is_write for r in func._schema.returns):  # noqa: SLF001 (views)
        return True
    return _FREE.fullmatch(name.strip("_")) is not None


def data_dependent(func: Any) -> str | Callable[[Sequence[Any]], str]:
    """Why the work of a step cannot follow from its shapes alone once it ran `func`; empty when it can.

    A function where it depends on how `func` was called.
    """
    name: str = func._schema.name  # noqa: SLF001 (as above)
    if torch.Tag.data_dependent_output in func.tags:
        return f"{name} reads a value"
    if name == "aten::index":
        return lambda args: f"{name} takes a mask" if any(_is_mask(i) for i in args[1]) else ""
    if torch.Tag.dynamic_output_shape in func.tags or _DYNAMIC.fullmatch(name.partition("::")[2]):
        return f"{name} has a shape that depends on data"
    if "varlen" in name:
        return f"{name} takes packed lengths"
    if "flash_attention" in name and "scaled_dot" not in name:
        return lambda args: f"{name} takes packed lengths" if any(_is_lengths(a) for a in args) else ""
    return ""


def _is_mask(index: Any) -> bool:
    return isinstance(index, torch.Tensor) and index.dtype in (torch.bool, torch.uint8)


def _is_lengths(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.dim() == 1 and not value.is_floating_point()
