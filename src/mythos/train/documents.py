"""Text in, rows of tokens out. Row `i` of a run is a pure function of the text, the seed and `i`.

So a resumed run needs to remember one number to read exactly what an uninterrupted one would have read, in
the first epoch and in every later one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mythos.errors import InputError
from mythos.units import Digest

Tokens = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Document:
    """A page of text; translations have one `twin`, or one id where none is said, and stay on one side."""

    id: str
    language: str
    text: str
    twin: str | None = None


@dataclass(frozen=True, slots=True)
class Corpus:
    """Documents, and the digest of the bytes they were read from."""

    documents: tuple[Document, ...]
    digest: Digest

    def split(self, held_out: float) -> tuple[list[Document], list[Document]]:
        """Those to train on and those held out, by a hash of twin or id: no order, no seed, no twin leaks."""
        sides: tuple[list[Document], list[Document]] = ([], [])
        for document in self.documents:
            key = (document.twin or document.id).encode()
            number = int.from_bytes(hashlib.sha256(key).digest()[:4], "big")
            sides[number < held_out * (1 << 32)].append(document)
        return sides


def read_corpus(where: str) -> Corpus:
    """Read `bundled`, a text file, a folder of them, or a .jsonl file (`{"id", "language", "text"}` a line).

    A line may have a `twin`: what a text and its translations share.

    Raises:
        InputError: nothing there, not UTF-8, or a line that is not a document.
    """
    if where == "bundled":
        data = (files("mythos.train") / "corpus" / "httpd.jsonl").read_bytes()
        return Corpus(tuple(_lines(data, "the bundled corpus")), Digest.of(data))
    path = Path(where)
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.is_file() and p.suffix in {".txt", ".md"})
        parts = [(str(p.relative_to(path)), p.read_bytes()) for p in found]
    elif path.is_file():
        data = path.read_bytes()
        if path.suffix == ".jsonl":
            return Corpus(tuple(_lines(data, path.name)), Digest.of(data))
        parts = [(path.name, data)]
    else:
        raise InputError(
            f"no text at {where}", expected="a .jsonl file, a text file or a folder of text files"
        )
    documents = tuple(Document(name, "text", _decoded(data, name)) for name, data in parts)
    return Corpus(documents, Digest.of(b"".join(Digest.of(data).value for _, data in parts)))


def parse_corpus(data: bytes, digest: Digest) -> Corpus:
    """The documents of .jsonl bytes, under the name that `digest` gives them.

    Raises:
        InputError: a line that is not a document; nothing of its text is said.
    """
    return Corpus(tuple(_lines(data, "the data")), digest)


def _lines(data: bytes, where: str) -> list[Document]:
    found: list[Document] = []
    # A JSON line may hold what Python takes for a line's end, such as U+2028.
    lines = _decoded(data, where).split("\n")
    for number, line in enumerate(lines if lines[-1] else lines[:-1], 1):
        try:
            row: dict[str, Any] = json.loads(line)
            name, language, text = (_text(row[key]) for key in ("id", "language", "text"))
            twin = None if row.get("twin") is None else _text(row["twin"])
            found.append(Document(name, language, text, twin))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"line {number} of {where} is not a document",
                expected='{"id": TEXT, "language": TEXT, "text": TEXT}',
                found=f"{type(error).__name__}: {error}"[:120],
            ) from error
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a field is not text")
    return value


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{where} is not UTF-8", found=f"byte {error.start}") from error


class Feed:
    """Rows of `length` + 1 tokens, cut from all documents in an order of its own for every epoch.

    Args:
        documents: each with the end mark before it.
        length: predicted tokens of a row; two neighbouring rows share the one token between them.
        seed: of the orders.

    Raises:
        InputError: not even one row.
    """

    def __init__(self, documents: Sequence[Tokens], length: int, seed: int) -> None:
        self._documents: list[Tokens] = list(documents)
        self.length = length
        self._seed = seed
        self._epoch = -1
        self._stream: Tokens = np.empty(0, dtype=np.uint32)
        self.tokens = sum(len(document) for document in documents)
        self.rows_per_epoch = (self.tokens - 1) // length
        if self.rows_per_epoch < 1:
            raise InputError(
                "too little text",
                expected=f"at least {length + 1} tokens to train on",
                found=str(self.tokens),
                advice="Give more text, or a smaller model.seq_len.",
            )

    def rows(self, first: int, count: int) -> NDArray[np.int64]:
        """Rows `first` to `first + count` of the run, (count, length + 1); epochs follow each other."""
        return np.stack([self._row(first + i) for i in range(count)]).astype(np.int64)

    def _row(self, index: int) -> Tokens:
        epoch, row = divmod(index, self.rows_per_epoch)
        if epoch != self._epoch:
            order: list[int] = (
                np.random.default_rng((self._seed, epoch)).permutation(len(self._documents)).tolist()
            )
            self._stream = np.concatenate([self._documents[i] for i in order])
            self._epoch = epoch
        return self._stream[row * self.length : (row + 1) * self.length + 1]
