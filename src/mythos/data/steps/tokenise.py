"""Texts as token numbers, by a tokenizer file of Hugging Face's `tokenizers`."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from mythos.data.arrow import Table, pa
from mythos.data.steps import put, texts
from mythos.errors import DataError


@cache
def load(path: str) -> Any:
    """The tokenizer of a `tokenizer.json`.

    Raises:
        DataError: not a tokenizer file.
    """
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(path)
    except Exception as error:
        raise DataError(
            f"{path} is not a tokenizer", expected="a tokenizer.json", found=str(error)[:120]
        ) from error


def tokenise(path: str, table: Table) -> Table:
    """Add `tokens`; no special tokens are put in."""
    held = texts(table)
    made = iter(load(path).encode_batch([t for t in held if t is not None], add_special_tokens=False))
    rows = [None if text is None else next(made).ids for text in held]
    return put(table, "tokens", rows, pa.large_list(pa.uint32()))


def step(path: str) -> Any:
    """The step with this tokenizer."""
    return partial(tokenise, path)
