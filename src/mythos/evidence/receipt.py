"""Receipts of answers: salted commitments, batched under one Merkle root that a statement logs.

The hub commits to each thing with a salt of its own, so that one can be opened without the others:

    salt = secrets.token_bytes(SALT)
    commitments = {"answer": commit(salt, "answer", text), ...}          # one for every name in LABELS
    leaf = leaf_bytes("r-1", commitments)
    logged = batch([leaf, ...])                                          # logged.root goes into receipt-batch
    assemble(leaf, logged.paths[0], size=..., entry=..., ...)            # the file a reader checks offline

The verifier never imports this module; `mythos.evidence.verify` says how a receipt is checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mythos.errors import InputError
from mythos.evidence.merkle import Tree, leaf_hash
from mythos.evidence.note import encode64
from mythos.evidence.statement import SALT, canonical, commit, parse_canonical
from mythos.units import Digest

LABELS: Final = ("request", "answer", "weights", "engine", "hub", "lease", "decision", "clocks")
"""What every receipt commits to."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens one commitment; `data` is left out where the reader brings it (the answer)."""

    salt: bytes
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """The root over leaves in order, and the Merkle path of each."""

    root: Digest
    paths: tuple[tuple[bytes, ...], ...]


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry of the log: its exact bytes, its index, and the proof up to the checkpoint's size."""

    entry: bytes
    index: int
    proof: Sequence[bytes]


def leaf_bytes(receipt_id: str, commitments: Mapping[str, bytes]) -> bytes:
    """The leaf of one receipt: its id and one commitment for every name in `LABELS`.

    Raises:
        InputError: a name is missing or unknown, or a commitment is not 32 bytes.
    """
    if set(commitments) != set(LABELS):
        raise InputError(
            "a receipt commits to all of these", expected=", ".join(LABELS), found=", ".join(commitments)
        )
    named = {label: str(Digest(value)) for label, value in commitments.items()}
    return canonical({"commitments": named, "id": receipt_id})


def batch(leaves: Sequence[bytes]) -> Batch:
    """The Merkle tree (RFC 6962) over the leaves of a window: its root and every leaf's path."""
    if not leaves:
        raise InputError("a batch without receipts", expected="at least one leaf")
    tree = Tree(leaf_hash(leaf) for leaf in leaves)
    paths = tuple(tuple(tree.inclusion(i, tree.size)) for i in range(tree.size))
    return Batch(Digest(tree.root()), paths)


def assemble(
    leaf: bytes,
    path: Sequence[bytes],
    *,
    place: int,
    count: int,
    batch_entry: Logged,
    trust: Sequence[Logged],
    checkpoint: str,
    openings: Mapping[str, Opening],
) -> bytes:
    """The receipt as one canonical file.

    Args:
        leaf: from `leaf_bytes`.
        path: the leaf's Merkle path in its batch.
        place: the leaf's position in its batch, from 0.
        count: how many leaves the batch has (the statement's `count`).
        batch_entry: the receipt-batch statement as logged.
        trust: every trust-root statement up to the checkpoint, oldest first.
        checkpoint: the text of a witnessed checkpoint, of the size that all proofs lead to.
        openings: the salts this reader may know, with the data or without.
    """
    body = parse_canonical(leaf)
    return canonical(
        {
            "batch": _logged(batch_entry),
            "checkpoint": checkpoint,
            "formatVersion": 1,
            "id": body["id"],
            "kind": "receipt",
            "leaf": body,
            "openings": {
                label: {
                    "data": None if opening.data is None else encode64(opening.data),
                    "salt": encode64(opening.salt),
                }
                for label, opening in openings.items()
            },
            "path": {"count": count, "hashes": [encode64(h) for h in path], "index": place},
            "trust": [_logged(entry) for entry in trust],
        }
    )


def _logged(entry: Logged) -> dict[str, object]:
    return {
        "entry": encode64(entry.entry),
        "index": entry.index,
        "proof": [encode64(h) for h in entry.proof],
    }


__all__ = ["LABELS", "SALT", "Batch", "Logged", "Opening", "assemble", "batch", "commit", "leaf_bytes"]
