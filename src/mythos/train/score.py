"""Bits per byte of any open-weight model on a text, with an interval; of two models, their ratio.

The interval is a bootstrap over pages (Efron 1979): what would have been measured on other pages of this
kind. Two models are compared page by page, so that what makes a page hard does not blur their ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from mythos.errors import InputError
from mythos.evidence import Statement, Subject
from mythos.evidence.predicates import Evaluation
from mythos.evidence.predicates.weights import Result
from mythos.train.adapt import Base, CausalNet
from mythos.train.documents import Document
from mythos.train.evaluate import bits_of, held_out
from mythos.units import Instant

RESAMPLES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Score:
    """A language's pages under one model.

    Attributes:
        bytes: of UTF-8, each page.
        bits: what each page costs.
    """

    language: str
    bytes: NDArray[np.float64]
    bits: NDArray[np.float64]

    @property
    def value(self) -> float:
        """Bits per byte over all pages."""
        return float(self.bits.sum() / self.bytes.sum())

    @property
    def interval(self) -> tuple[float, float]:
        """95 %; the value itself twice when there is one page."""
        return _interval(self.bits, self.bytes)

    def ratio(self, other: Score) -> tuple[float, float, float]:
        """Bits of this model over the other's on the same pages, with its 95 % interval."""
        return float(self.bits.sum() / other.bits.sum()), *_interval(self.bits, other.bits)


def _interval(above: NDArray[np.float64], below: NDArray[np.float64]) -> tuple[float, float]:
    drawn = np.random.default_rng(1).integers(0, len(above), (RESAMPLES, len(above)))
    found = above[drawn].sum(axis=1) / below[drawn].sum(axis=1)
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)


def score(model: Base, documents: Sequence[Document], *, size: int, length: int) -> dict[str, Score]:
    """Score a model on the first pages of each language.

    Args:
        model: as `mythos.train.adapt.load_base` reads it.
        documents: pages.
        size: at most so many bytes of each language in whole pages, the first in any case. Whatever their
            tokenizers, two models see the same pages.
        length: tokens that are read at once; what is before them is not seen.

    Raises:
        InputError: no text.
    """
    net = CausalNet(model.model)
    found: dict[str, Score] = {}
    for language in sorted({document.language for document in documents}):
        bits: list[float] = []
        sizes: list[int] = []
        for page in documents:
            bytes_ = len(page.text.encode())
            if page.language != language or not bytes_ or (sizes and sum(sizes) + bytes_ > size):
                continue
            [part] = held_out([page], model.tokens([page]), length, bytes_)
            bits.append(bits_of(net, part, torch.device("cpu")))
            sizes.append(bytes_)
        if bits:
            found[language] = Score(language, np.array(sizes, dtype=float), np.array(bits))
    if not found:
        raise InputError("no text to score", expected="at least one page", found=f"{len(documents)} pages")
    return found


def evaluation(name: str, model: Base, scores: dict[str, Score], at: Instant) -> Statement:
    """What is said of the model."""
    results = tuple(
        Result(language, f"{found.value:.4f}", "bits per byte", int(found.bytes.sum()))
        for language, found in scores.items()
    )
    about = Subject(name, model.weights)
    return Evaluation("bits per byte of a text", results, at).statement(about)
