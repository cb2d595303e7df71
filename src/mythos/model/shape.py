"""The sizes of a model, what follows from them, and what a step of training costs. No torch.

One dial: `Shape.of_depth(depth)` sets everything else. The closed form counts multiply-adds as two
operations, attention over the whole score matrix (masked or not, as kernels are counted), the backward pass
as twice the forward one, and Muon's own products. Norms, softmax, look-ups and AdamW's element-wise work are
not counted, as in every published training figure.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, Self

from mythos.errors import InputError
from mythos.units import Bytes, Flop

Family = Literal["mythos", "llama"]

WIDTH_PER_LAYER = 32
NEWTON_SCHULZ_STEPS = 5


@dataclass(frozen=True, slots=True)
class Shape:
    """A decoder-only transformer; the field names are those of published architecture tables.

    Attributes:
        layers: blocks of attention and feed-forward.
        d_model: width of the residual stream.
        heads: query heads.
        kv_heads: key and value heads, each shared by `heads / kv_heads` query heads.
        head_dim: width of one head.
        d_ff: width of the gated feed-forward layer.
        vocab: tokens, the end mark included.
        seq_len: positions a training row has, and the longest context.
        rope_base: base of the rotary frequencies.
        family: `mythos` (per-head QK-norm, normalised embedding, zero-initialised outputs: exports as Qwen3),
            or `llama`, the baseline without these three.
    """

    layers: int
    d_model: int
    heads: int
    kv_heads: int
    head_dim: int
    d_ff: int
    vocab: int
    seq_len: int
    rope_base: float = 10_000.0
    family: Family = "mythos"

    def __post_init__(self) -> None:
        sizes = (self.layers, self.d_model, self.heads, self.kv_heads, self.head_dim, self.d_ff)
        if min(*sizes, self.vocab, self.seq_len) < 1:
            raise InputError("a model without size", expected="whole numbers from 1", found=str(self))
        if self.heads % self.kv_heads or self.head_dim % 2:
            raise InputError(
                "heads that do not divide",
                expected="heads a multiple of kv_heads, an even head_dim",
                found=f"{self.heads} / {self.kv_heads}, {self.head_dim}",
            )

    @classmethod
    def of_depth(cls, depth: int, *, vocab: int, seq_len: int, family: Family = "mythos") -> Self:
        """The one dial: 32 of width for each layer, two query heads for each key head, SwiGLU at 8/3.

        Depth 4 is 1 million parameters with a small vocabulary, depth 20 about 100 million.
        """
        if not 1 <= depth <= 128:
            raise InputError("not a depth", expected="1 to 128", found=str(depth))
        d_model = WIDTH_PER_LAYER * depth
        head_dim = 32 if depth <= 8 else 64 if depth <= 24 else 128
        kv_heads = -(-d_model // (2 * head_dim))
        d_ff = -(-8 * d_model // 96) * 32
        return cls(depth, d_model, 2 * kv_heads, kv_heads, head_dim, d_ff, vocab, seq_len, family=family)

    @property
    def block_matrices(self) -> tuple[tuple[int, int], ...]:
        """(out, in) of the seven matrices of one block: q, k, v, o, gate, up, down."""
        q, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        d, ff = self.d_model, self.d_ff
        return ((q, d), (kv, d), (kv, d), (d, q), (ff, d), (ff, d), (d, ff))

    @property
    def matrix_parameters(self) -> int:
        """Numbers in all matrices that every token meets: the blocks' and the head's."""
        return self.layers * sum(m * n for m, n in self.block_matrices) + self.vocab * self.d_model

    @property
    def parameters(self) -> int:
        """All numbers of the model, embedding and gains included."""
        gains = self.layers * (2 * self.d_model + (2 * self.head_dim if self.family == "mythos" else 0))
        return self.matrix_parameters + self.vocab * self.d_model + gains + self.d_model

    @property
    def cache_per_token(self) -> Bytes:
        """Bytes of keys and values that one token leaves in the cache, at 16 bits."""
        return Bytes(2 * 2 * self.layers * self.kv_heads * self.head_dim)

    def forward_flop(self, rows: int, length: int) -> Flop:
        """Operations of one forward pass over `rows` rows of `length` tokens."""
        matrices = 2 * rows * length * self.matrix_parameters
        attention = self.layers * 2 * rows * self.heads * length * length * 2 * self.head_dim
        return Flop(matrices + attention)

    def muon_flop(self) -> Flop:
        """Operations of one optimiser step that orthogonalises every block matrix."""
        sizes = Counter((min(mn), max(mn)) for mn in self.block_matrices)
        once = sum(count * (4 * m * m * n + 2 * m * m * m) for (m, n), count in sizes.items())
        return Flop(self.layers * NEWTON_SCHULZ_STEPS * once)

    def model_flop(self, rows: int, length: int) -> Flop:
        """Operations of one training step, the backward pass as twice the forward one; no optimiser."""
        return Flop(3 * self.forward_flop(rows, length))

    def step_flop(self, rows: int, length: int, *, muon: bool = True) -> Flop:
        """`model_flop` with the optimiser's own operations: what the race compares."""
        return Flop(self.model_flop(rows, length) + (self.muon_flop() if muon else 0))
