"""The Mythos decoder, in one file.

* the Qwen3 shape: RMSNorm before each half of a block, rotary positions, RMSNorm on every query and key head,
  grouped key/value heads, SwiGLU, an untied head. Every name below is the name in `Qwen3ForCausalLM`, so a
  Mythos model is a Qwen3 model to every engine, LoRA recipe and quantiser, with no code of ours.
* the embedding is normalised too. That norm of a row depends on the row alone, so export folds it away.
* matrices that write into the residual stream (o_proj, down_proj, lm_head) start at zero, so that training
  starts from the uniform distribution and each block grows from nothing.
* `family="llama"` is the baseline of the race: no QK-norm, no embedding norm, normal(0.02) everywhere.

Shapes in comments: B rows, T positions, V vocabulary, D width, H heads, K key heads, E head width.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from mythos.model.shape import Shape

EPSILON = 1e-6


class RMSNorm(nn.Module):
    """Divide by the root mean square along the last dimension, then multiply by a gain."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        """`x` and the result have the same shape."""
        return functional.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), EPSILON)


def rotary(shape: Shape, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Cosines and sines, each (T, E), of the halves-rotated layout that Qwen, Llama and NeoX share."""
    frequencies = shape.rope_base ** (-torch.arange(0, shape.head_dim, 2, device=device) / shape.head_dim)
    angles = torch.outer(torch.arange(shape.seq_len, device=device), frequencies).repeat(1, 2)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair (i, i + E/2) of `x` (B, heads, T, E) by its position's angle."""
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-b, a), dim=-1) * sin


class Attention(nn.Module):
    """Causal attention, with a norm on every query and key head."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.head_dim, self.grouped = shape.head_dim, shape.heads != shape.kv_heads
        q, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        self.q_proj = nn.Linear(shape.d_model, q, bias=False)
        self.k_proj = nn.Linear(shape.d_model, kv, bias=False)
        self.v_proj = nn.Linear(shape.d_model, kv, bias=False)
        self.o_proj = nn.Linear(q, shape.d_model, bias=False)
        normed = shape.family == "mythos"
        self.q_norm = RMSNorm(shape.head_dim) if normed else nn.Identity()
        self.k_norm = RMSNorm(shape.head_dim) if normed else nn.Identity()

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """What each position of `x` (B, T, D) takes from itself and those before it."""
        rows, length, _ = x.shape
        heads = (rows, length, -1, self.head_dim)
        q = rotate(self.q_norm(self.q_proj(x).view(heads)).transpose(1, 2), cos, sin)  # (B, H, T, E)
        k = rotate(self.k_norm(self.k_proj(x).view(heads)).transpose(1, 2), cos, sin)  # (B, K, T, E)
        v = self.v_proj(x).view(heads).transpose(1, 2)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.grouped)
        return self.o_proj(y.transpose(1, 2).reshape(rows, length, -1))


class FeedForward(nn.Module):
    """SwiGLU (Shazeer 2020, arXiv 2002.05202)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.d_model, shape.d_ff, bias=False)
        self.up_proj = nn.Linear(shape.d_model, shape.d_ff, bias=False)
        self.down_proj = nn.Linear(shape.d_ff, shape.d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Each position of `x` (B, T, D) by itself."""
        return self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """One layer: attention, then feed-forward, each added to the residual stream."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(shape.d_model)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = RMSNorm(shape.d_model)
        self.mlp = FeedForward(shape)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """The residual stream (B, T, D) after this layer."""
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    """Everything below the head."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocab, shape.d_model)
        self.layers = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.d_model)
        self.normed = shape.family == "mythos"
        cos, sin = rotary(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """The normed residual stream (B, T, D) of `tokens` (B, T)."""
        x = self.embed_tokens(tokens)
        if self.normed:
            x = functional.rms_norm(x, (x.shape[-1],), None, EPSILON)
        cos, sin = (cast("Tensor", table)[: tokens.shape[1]].to(x.dtype) for table in (self.cos, self.sin))
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.norm(x)


class Mythos(nn.Module):
    """A decoder with its head.

    Args:
        shape: the sizes.
        seed: of the initial weights; the same seed and shape give the same weights.
    """

    def __init__(self, shape: Shape, *, seed: int = 0) -> None:
        super().__init__()
        self.shape = shape
        self.model = Decoder(shape)
        self.lm_head = nn.Linear(shape.d_model, shape.vocab, bias=False)
        self._initialise(torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def _initialise(self, generator: torch.Generator) -> None:
        plain = self.shape.family == "llama"
        for name, matrix in self.named_parameters():
            if matrix.ndim != 2:
                continue
            writes = name.endswith(("o_proj.weight", "down_proj.weight"))
            if plain:
                spread = 0.02 / (2 * self.shape.layers) ** 0.5 if writes else 0.02
            elif name.startswith("lm_head") or writes:
                spread = 0.0
            else:
                spread = 1.0 if "embed" in name else matrix.shape[1] ** -0.5
            matrix.normal_(0.0, spread, generator=generator) if spread else matrix.zero_()

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (B, T, V) in float32 for the token after each of `tokens` (B, T)."""
        return self.lm_head(self.model(tokens)).float()

    def loss(self, rows: Tensor, *, reduction: str = "mean") -> Tensor:
        """Cross-entropy in nats of `rows` (B, T + 1), each token predicted from those before it.

        With `reduction="none"`, one number for each predicted token, (B, T).
        """
        logits = self(rows[:, :-1])
        flat = functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), reduction=reduction)
        return flat.view(logits.shape[:2]) if reduction == "none" else flat

    def groups(self) -> dict[str, list[tuple[str, nn.Parameter]]]:
        """Parameters by how they are trained: block `matrices`, the `embedding`, the `head`, the `gains`."""
        found: dict[str, list[tuple[str, nn.Parameter]]] = {
            k: [] for k in ("matrices", "embedding", "head", "gains")
        }
        for name, parameter in self._trained():
            kind = "embedding" if "embed_tokens" in name else "head" if "lm_head" in name else "matrices"
            found["gains" if parameter.ndim < 2 else kind].append((name, parameter))
        return found

    def _trained(self) -> Iterator[tuple[str, nn.Parameter]]:
        return ((name, parameter) for name, parameter in self.named_parameters() if parameter.requires_grad)
