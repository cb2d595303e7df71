"""The append-only record of a data store: one JSON object a line, each naming the digest of the line before.

It holds digests, offsets, reasons and decisions. It never holds a document's text, nor a person's data.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

from mythos.errors import DataError, MalformedError
from mythos.evidence.statement import canonical, parse_canonical
from mythos.units import Digest

FIRST: Final = str(Digest(bytes(32)))
LINE: Final = 1 << 20


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
        file.seek(0, os.SEEK_END)
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())
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
    """Every entry in order; the chain is checked on the way.

    Raises:
        DataError: a line was changed, cut, moved or taken out.
    """
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


def _broken(path: Path, found: str) -> DataError:
    return DataError(
        f"the ledger {path} is broken",
        expected="a chain of entries",
        found=found,
        advice="Restore it from a copy; compare with the statements in the log.",
    )
