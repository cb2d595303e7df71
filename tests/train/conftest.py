"""A run that takes a second: two layers, 300 tokens, eight steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mythos.train import Config, load_config, read_corpus

if TYPE_CHECKING:
    from mythos.model import Tokenizer
    from mythos.train import Corpus

SMALL = Path(__file__).parent / "small.toml"


@pytest.fixture
def config() -> Config:
    return load_config(SMALL)


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    whole = read_corpus("bundled")
    return replace(whole, documents=tuple(d for d in whole.documents if len(d.text) < 3000)[:30])


@pytest.fixture(scope="session")
def tokenizer(corpus: Corpus) -> Tokenizer:
    from mythos.model import Tokenizer

    return Tokenizer.train([document.text for document in corpus.documents], 300)
