"""The append-only record of a data store: one JSON object a line, each naming the digest of the line before.

It holds digests, offsets, reasons and decisions. It never holds a document's text, nor a person's data.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

from mythos.errors import DataError, MalformedError
from mythos.evidence.statement import canonical, parse_canonical
from mythos.units import Digest

FIRST: Final = str(Digest(bytes(32)))
LINE: Final = 1 << 20
PART: Final = 5_000


def append(path: Path, kind: str, body: dict[str, Any]) -> Digest:
    """Add one entry, durable before the return; two writers take turns.

    Raises:
        DataError: the last line is not whole.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        line = canonical({"before": _tip(file, path), "kind": kind, **body})
        if len(line) > LINE:
            raise DataError("an entry of the ledger is too large", expected=f"at most {LINE} bytes")
        size = file.seek(0, os.SEEK_END)
        try:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            # Half a line, left by a full disk, would stop every later writer.
            os.ftruncate(descriptor, size)
            raise
    return Digest.of(line)


def _tip(file: Any, path: Path) -> str:
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        return FIRST
    file.seek(max(0, size - LINE - 2))
    tail: bytes = file.read()
    if not tail.endswith(b"\n"):
        raise _broken(path, "a last line that was cut short")
    return str(Digest.of(tail[:-1].rpartition(b"\n")[2]))


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """Every entry in order, none where nothing was written yet; the chain is checked on the way.

    Raises:
        DataError: a line was changed, cut, moved or taken out.
    """
    if not path.exists():
        return
    before = FIRST
    with open(path, "rb") as file:
        while line := file.readline(LINE + 2):
            try:
                entry = parse_canonical(line[:-1], LINE)
            except MalformedError as error:
                raise _broken(path, error.message) from error
            fields = cast("dict[str, Any]", entry if isinstance(entry, dict) else {})
            if not line.endswith(b"\n") or fields.get("before") != before:
                raise _broken(path, "an entry that does not follow the one before")
            before = str(Digest.of(line[:-1]))
            yield fields


def parts(digests: Sequence[str]) -> Iterator[list[str]]:
    """Digests in lists that fit into one entry each; one empty list where there are none."""
    for start in range(0, max(len(digests), 1), PART):
        yield list(digests[start : start + PART])


def taken(path: Path) -> frozenset[str]:
    """The digests of the texts that were taken down in this ledger's country, and not restored since."""
    gone: set[str] = set()
    for entry in entries(path):
        if entry["kind"] == "takedown":
            gone |= set(entry["documents"])
        elif entry["kind"] == "restored":
            gone -= set(entry["documents"])
    return frozenset(gone)


def _broken(path: Path, found: str) -> DataError:
    return DataError(
        f"the ledger {path} is broken",
        expected="a chain of entries",
        found=found,
        advice="Restore it from a copy; compare with the statements in the log.",
    )
