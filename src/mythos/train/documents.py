"""Text in, rows of tokens out. Row `i` of a run is a pure function of the text, the seed and `i`.

So a resumed run needs to remember one number to read exactly what an uninterrupted one would have read, in
the first epoch and in every later one.

A task is a document whose text, the answer, is learnt and whose question is given: the tokens of what is
given stand in a row as their complements (`~token`, below zero), so that no mask travels beside them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mythos.errors import InputError
from mythos.evidence.statement import canonical
from mythos.units import Digest

Tokens = NDArray[np.integer[Any]]
_SPEAKERS: Final = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Document:
    """A page of text, or the answer of a task.

    Attributes:
        twin: of translations, what they share; they stay on one side. Where none is said, one id does it.
        given: of a task, what was said before the answer: (speaker, words).
    """

    id: str
    language: str
    text: str
    twin: str | None = None
    given: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Corpus:
    """Documents, and the digest of what they were read from: bytes of lines, or names and bytes of files."""

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

    A line may have a `twin`: what a text and its translations share. With an `answer`, `text` is a question;
    with `messages` instead of a text (`{"role", "content"}` each), the last one is the answer.

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
    # Names are part of it: they decide which page is held out.
    return Corpus(documents, Digest.of(canonical({name: str(Digest.of(data)) for name, data in parts})))


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
            name, language = _text(row["id"]), _text(row["language"])
            twin = None if row.get("twin") is None else _text(row["twin"])
            *given, (_, text) = _turns(row)
            found.append(Document(name, language, text, twin, tuple(given)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"line {number} of {where} is not a document",
                expected='{"id": TEXT, "language": TEXT, "text": TEXT}, of a task also "answer"',
                found=f"{type(error).__name__}: {error}"[:120],
            ) from error
    return found


def _turns(row: dict[str, Any]) -> list[tuple[str, str]]:
    """What is said in a line and by whom: a text alone by nobody."""
    if "messages" in row:
        said = [(_text(each["role"]), _text(each["content"])) for each in row["messages"]]
        speakers = [speaker for speaker, _ in said]
        if len(said) < 2 or speakers[-1] != "assistant" or not set(speakers) <= set(_SPEAKERS):
            raise ValueError(f"messages: of {', '.join(_SPEAKERS)}, the last the assistant's")
        return said
    if row.get("answer") is not None:
        return [("user", _text(row["text"])), ("assistant", _text(row["answer"]))]
    return [("", _text(row["text"]))]


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
