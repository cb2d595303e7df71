"""What a model makes of held-out text: bits for each byte of UTF-8, which no tokenizer can flatter."""
# torch's own annotations are partial
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mythos.train.documents import Document, Tokens

LN2: Final = math.log(2)
ROWS_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A language's held-out text: rows padded with -1, and the bytes their learnt tokens stand for."""

    language: str
    rows: NDArray[np.int64]
    bytes: int


def held_out(
    documents: Sequence[Document], tokens: Sequence[Tokens], length: int, limit: int
) -> list[HeldOut]:
    """Cut held-out documents into rows in which every token of the text is predicted exactly once.

    Args:
        documents: as read.
        tokens: of each document, the end mark before it.
        length: predicted tokens of a row.
        limit: at most so many tokens of a language, whole documents (the first is always taken).
    """
    found: list[HeldOut] = []
    for language in sorted({document.language for document in documents}):
        rows: list[NDArray[np.int64]] = []
        taken = size = 0
        for document, ids in zip(documents, tokens, strict=True):
            if document.language != language or (taken and taken + len(ids) > limit):
                continue
            taken += len(ids)
            size += len(document.text.encode())
            for at in range(0, len(ids) - 1, length):
                part = ids[at : at + length + 1].astype(np.int64)
                rows.append(np.pad(part, (0, length + 1 - len(part)), constant_values=-1))
        if rows:
            found.append(HeldOut(language, np.stack(rows), size))
    return found


def next_token_loss(logits: Tensor, rows: Tensor, reduction: str = "mean") -> Tensor:
    """Cross-entropy in nats of the tokens of `rows` (B, T + 1) after the first, but those below zero.

    Of rows in which nothing is learnt the mean is 0.
    """
    learnt = rows[:, 1:].flatten().clamp(min=-1)
    if reduction == "mean" and not rows.is_cuda and not bool((learnt >= 0).any()):
        return logits.sum() * 0
    return functional.cross_entropy(logits.flatten(0, 1), learnt, ignore_index=-1, reduction=reduction)


def read_by_model(rows: Tensor) -> Tensor:
    """The tokens (B, T) a model reads to predict those after the first; padding, ~0, is read as token 0."""
    before = rows[:, :-1]
    return torch.where(before < 0, ~before, before)


@torch.no_grad()
def bits_per_byte(net: nn.Module, parts: Sequence[HeldOut], device: torch.device) -> dict[str, float]:
    """What held-out text costs under a model, per byte of UTF-8, so that tokenizers can be compared."""
    net.eval()
    found = {part.language: bits_of(net, part, device) / part.bytes for part in parts}
    net.train()
    return found


@torch.no_grad()
def bits_of(net: nn.Module, part: HeldOut, device: torch.device) -> float:
    """What all of a text costs, in bits."""
    nats = 0.0
    for at in range(0, len(part.rows), ROWS_AT_ONCE):
        rows = torch.from_numpy(part.rows[at : at + ROWS_AT_ONCE]).to(device)
        nats += next_token_loss(net(read_by_model(rows)), rows, "sum").item()
    return nats / LN2


def matmul_rate(device: str = "cpu", *, size: int = 1024, repeats: int = 4) -> float:
    """Operations per second of one large matrix product here and now: what utilisation is a share of."""
    matrix = torch.ones(size, size, device=device)
    began = time.perf_counter()
    for _ in range(repeats):
        matrix = (matrix @ matrix).clamp_(max=1.0)
    matrix[0, 0].item()
    return repeats * 2 * size**3 / (time.perf_counter() - began)
