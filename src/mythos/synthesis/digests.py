"""The digests of source files, and the bound on what a private folder of captures keeps."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, Final, Self

from mythos.errors import DataError
from mythos.synthesis.sources import Raw
from mythos.synthesis.terms import Table
from mythos.units import Digest

_SETTLED_NS: Final = 2_000_000_000
MAX_KEPT: Final = 24
"""Captures, and as many indexes, of one folder: what was used last stays."""
KEPT_SECONDS: Final = 30 * 86_400
"""After so long without use a capture goes: rows that a source no longer holds do not outlive it for ever."""


class Digests:
    """Digests of files, remembered by size, times and inode, so that ten million rows are not read again.

    Nothing is remembered of a file that changed just now: another change might have the same time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Any] = {}

    def __enter__(self) -> Self:
        with contextlib.suppress(OSError, ValueError):
            self._known = json.loads(self._path.read_bytes())
        return self

    def __exit__(self, *_: object) -> None:
        descriptor, name = tempfile.mkstemp(dir=self._path.parent)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self._known, file)
        Path(name).replace(self._path)

    def of(self, root: Path, table: Table, fetched: Raw | None) -> Digest:
        """Of a table's file, or of the rows that a database sent.

        Raises:
            DataError: gone, or no file.
        """
        if (
            fetched is not None
        ):  # a database changes without saying so: its digest is that of the rows it sent
            return Digest.of(json.dumps(fetched.columns).encode())
        path = root / table.file
        try:
            found = path.stat()
            mark = [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
            held = self._known.get(str(path.resolve()))
            if held is None or held[:4] != mark:
                held = [*mark, hashed(path, table.file).hex]
                if time.time_ns() - found.st_ctime_ns > _SETTLED_NS:
                    self._known[str(path.resolve())] = held
            return Digest(bytes.fromhex(str(held[4])))
        except OSError as error:
            raise DataError(f"{table.file} cannot be read", found=error.strerror or str(error)) from error


def hashed(path: Path, file: str) -> Digest:
    """The SHA-256 of a file, which is called `file` in the error.

    Raises:
        DataError: gone, or no file.
    """
    try:
        if not path.is_file():  # a pipe would never end
            raise DataError(
                f"{file} cannot be read", found="no such file" if not path.exists() else "no file"
            )
        with path.open("rb") as opened:
            return Digest(hashlib.file_digest(opened, "sha256").digest())
    except OSError as error:
        raise DataError(f"{file} cannot be read", found=error.strerror or str(error)) from error


def used(path: Path) -> None:
    """Say that a capture or an index was used now, and let go of what was used longest ago beside it."""
    with contextlib.suppress(OSError):
        os.utime(path)
    prune(path.parent, path.suffix, MAX_KEPT)


def prune(folder: Path, suffix: str, most: int) -> None:
    """Let go of all but the `most` that were used last, and of those that nobody used for `KEPT_SECONDS`."""
    aged: list[tuple[float, Path]] = []
    for path in folder.glob(f"*{suffix}"):
        with contextlib.suppress(OSError):
            aged.append((path.stat().st_mtime, path))
    aged.sort(key=lambda pair: pair[0], reverse=True)
    for number, (when, path) in enumerate(aged):
        if number < most and time.time() - when <= KEPT_SECONDS:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
            path.with_suffix(".words.json").unlink(missing_ok=True)
