"""A small model with weights that are not those of its start, and a tokenizer of real text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mythos.model import Shape
from mythos.train import read_corpus

if TYPE_CHECKING:
    from mythos.model import Mythos, Tokenizer


@pytest.fixture(scope="session")
def texts() -> list[str]:
    return [document.text for document in read_corpus("bundled").documents[:60]]


@pytest.fixture(scope="session")
def tokenizer(texts: list[str]) -> Tokenizer:
    from mythos.model import Tokenizer

    return Tokenizer.train(texts, 512)


@pytest.fixture(scope="session")
def model() -> Mythos:
    """Every number of it matters: gains are not 1, outputs are not 0."""
    import torch

    from mythos.model import Mythos

    made = Mythos(Shape.of_depth(3, vocab=512, seq_len=128))
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim == 1:
                parameter.uniform_(0.5, 1.5, generator=generator)
            else:
                parameter.normal_(0, 2 * parameter.shape[1] ** -0.5, generator=generator)
    return made
