"""Exact and near duplicates. A near duplicate is verified, and the document that stays is kept as evidence.

`sketch` (one batch) makes a MinHash of each text's shingles: five words, or five characters where a script
has no spaces. `near` (all rows) finds candidates by bands and takes one out only if the Jaccard similarity of
the two sets of shingles, counted and not estimated, reaches the threshold with a document that stays.
"""

from __future__ import annotations

import hashlib
import importlib
import re
from functools import lru_cache
from typing import Any, Final

import numpy as np

from mythos.data.arrow import Table, pa
from mythos.data.steps import put, remove, texts

PERMUTATIONS: Final = 125
BANDS: Final = 25
SEED: Final = 42
THRESHOLD: Final = 0.7
WIDTH: Final = 5
MOST: Final = 64
"""Candidates that are verified for one document, in order."""

_WORD: Final = re.compile(r"\w+")
_CJK: Final = re.compile(r"[\u3041-\u30ff\u3400-\u9fff]")


def shingles(text: str) -> set[str]:
    """Five words running, or five characters where kana and kanji are more than a tenth of the text."""
    folded = text.lower()
    if not folded.isascii() and len(_CJK.findall(folded[:500])) * 10 > len(folded[:500]):
        plain = "".join(_WORD.findall(folded))
        return {plain[i : i + WIDTH] for i in range(max(1, len(plain) - WIDTH + 1))}
    words = _WORD.findall(folded)
    if len(words) <= WIDTH:
        return {" ".join(words)}
    return set(map(" ".join, zip(words, words[1:], words[2:], words[3:], words[4:], strict=False)))


def sketch(table: Table) -> Table:
    """Add the digest of each text, and its bands: 25 keys of 8 bytes, each over five MinHash values."""
    rensa: Any = importlib.import_module("rensa")
    held = texts(table)
    there = [text for text in held if text is not None]
    table = put(
        table,
        "text_digest",
        [None if text is None else hashlib.sha256(text.encode()).hexdigest() for text in held],
        pa.string(),
    )
    matrix = rensa.RMinHash.digest_matrix_from_token_sets(
        [shingles(text) for text in there], PERMUTATIONS, SEED
    )
    rows = np.array(matrix.to_rows(), dtype=np.uint64).reshape(len(there), BANDS, PERMUTATIONS // BANDS)
    made = (row.tobytes() for row in _fold(rows).astype("<u8"))
    return put(table, "bands", [None if text is None else next(made) for text in held], pa.binary(8 * BANDS))


def _fold(rows: Any) -> Any:
    """One 64-bit key for each band: a polynomial over its values, modulo 2**64."""
    keys = np.zeros(rows.shape[:2], dtype=np.uint64)
    for n in range(rows.shape[2]):
        keys = (keys ^ rows[:, :, n]) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    return keys


def exact(table: Table) -> Table:
    """Of equal texts the first stays."""
    first: dict[str, str] = {}
    out: dict[int, tuple[str, str | None]] = {}
    removed = table.column("removed").to_pylist()
    for n, (name, digest) in enumerate(
        zip(table.column("id").to_pylist(), table.column("text_digest").to_pylist(), strict=True)
    ):
        if removed[n] is None and first.setdefault(digest, name) != name:
            out[n] = ("the same text", first[digest])
    return remove(table, "exact", out)


def near(table: Table, threshold: float = THRESHOLD) -> Table:
    """Take out what is near a document that stays; the reason says how near, the evidence says to which."""
    held = texts(table)
    names = table.column("id").to_pylist()
    bands = table.column("bands").to_pylist()
    present = [n for n, text in enumerate(held) if text is not None]
    keys = np.frombuffer(b"".join(bands[n] for n in present), dtype="<u8").reshape(len(present), BANDS)

    @lru_cache(maxsize=4096)
    def of(n: int) -> set[str]:
        return shingles(held[n] or "")

    buckets: list[dict[int, list[int]]] = [{} for _ in range(BANDS)]
    out: dict[int, tuple[str, str | None]] = {}
    for n, row in zip(present, keys.tolist(), strict=True):
        candidates = sorted(
            {m for bucket, key in zip(buckets, row, strict=True) for m in bucket.get(key, ())}
        )
        best = _best(of, n, candidates[:MOST], threshold) if candidates else None
        if best:
            out[n] = (f"Jaccard {best[0]:.3f}", names[best[1]])
            continue
        for bucket, key in zip(buckets, row, strict=True):
            # Of all candidates the first MOST are looked at, and each is among the first of its bucket.
            if len(there := bucket.setdefault(key, [])) < MOST:
                there.append(n)
    return remove(table, "near", out)


def _best(of: Any, n: int, candidates: list[int], threshold: float) -> tuple[float, int] | None:
    mine = of(n)
    found = [(jaccard(mine, of(m)), -m) for m in candidates]
    score, index = max(found)
    return (score, -index) if score >= threshold else None


def jaccard(a: set[str], b: set[str]) -> float:
    """How much of two sets is common."""
    common = len(a & b)
    return common / (len(a) + len(b) - common)
