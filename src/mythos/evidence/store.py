"""The log's truth: one SQLite database in WAL mode with `synchronous=FULL`.

Entries, tree edge, signed checkpoint and idempotency keys change in one transaction, which is durable when
`commit` returns. Cosignatures come later and can be asked for again, so they are kept beside it.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from mythos.errors import LogCorruptError, LogError, LogFullError
from mythos.evidence.merkle import leaf_hash

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, data BLOB NOT NULL, leaf BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, digest BLOB NOT NULL, first INTEGER NOT NULL,
    count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS roots (id INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS head (one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER NOT NULL,
    size INTEGER NOT NULL, edge BLOB NOT NULL, checkpoint TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cosigned (size INTEGER NOT NULL, witness TEXT NOT NULL, line TEXT NOT NULL,
    text TEXT NOT NULL, PRIMARY KEY (size, witness)) WITHOUT ROWID;
"""
FORMAT: Final = 1
_SYNC: Final = "FULL"


class Rows(Protocol):
    """What a database answers with."""

    def fetchone(self) -> Any:
        """The next row, or `None`."""
        ...

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        ...


class Connection(Protocol):
    """What the store needs of a database connection: `sqlite3` in autocommit mode, or `apsw`."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows:
        """Run one statement."""
        ...

    def executemany(self, sql: str, parameters: Any, /) -> Any:
        """Run one statement for every row of parameters."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


def connect(path: Path) -> Connection:
    """Open the database with the standard library, usable from any thread."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)


@dataclass(frozen=True, slots=True)
class Head:
    """The committed state: how many entries, the tree's right edge, the checkpoint the log signed over it."""

    size: int
    edge: bytes
    checkpoint: str


@dataclass(frozen=True, slots=True)
class Keyed:
    """What one idempotency key stands for: the digest over its leaf hashes, and where they stand."""

    key: str
    digest: bytes
    first: int
    count: int


class Store:
    """Reads and writes `log.db`. One writer; readers may come from any thread."""

    def __init__(self, path: Path, open_database: Callable[[Path], Connection] = connect) -> None:
        try:
            self._writer = open_database(path)
            self._writer.execute("PRAGMA journal_mode=WAL").fetchall()
            self._writer.execute(f"PRAGMA synchronous={_SYNC}")
            for statement in _SCHEMA.split(";"):
                self._writer.execute(statement)
            self._reader = open_database(path)
            self._reader.execute("PRAGMA synchronous=NORMAL")
        except Exception as error:
            raise _named(error, "cannot open the log's database") from error
        self._reading = threading.Lock()

    def head(self) -> Head | None:
        """The committed head; `None` before the first commit."""
        row = self._one("SELECT format, size, edge, checkpoint FROM head")
        if row is not None and row[0] != FORMAT:
            raise LogCorruptError("the log's database has another format", expected="1", found=str(row[0]))
        return None if row is None else Head(*row[1:])

    def commit(
        self,
        first: int,
        entries: Sequence[tuple[bytes, bytes]],
        keys: Sequence[Keyed],
        roots: Sequence[int],
        head: Head,
    ) -> None:
        """Write (data, leaf hash) from `first` on, their keys and the new head; durable on return.

        Raises:
            LogFullError: the disk is full; nothing was written.
            LogError: the database failed in another way.
        """
        run = self._writer
        try:
            run.execute("BEGIN IMMEDIATE")
            rows = ((first + i, data, leaf) for i, (data, leaf) in enumerate(entries))
            run.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows)
            run.executemany(
                "INSERT INTO keys VALUES (?, ?, ?, ?)", [(k.key, k.digest, k.first, k.count) for k in keys]
            )
            for index in roots:
                run.execute("INSERT INTO roots VALUES (?)", (index,))
            run.execute(
                "INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?, ?)",
                (FORMAT, head.size, head.edge, head.checkpoint),
            )
            run.execute("COMMIT")
        except Exception as error:
            self._rollback()
            raise _named(error, "the log could not commit") from error

    def _rollback(self) -> None:
        """Where this fails too, the transaction stays open and the next commit says so."""
        with contextlib.suppress(Exception):
            self._writer.execute("ROLLBACK")

    def keyed(self, key: str) -> Keyed | None:
        """What was committed under an idempotency key."""
        row = self._one("SELECT key, digest, first, count FROM keys WHERE key = ?", (key,))
        return None if row is None else Keyed(*row)

    def entries(self, start: int, end: int) -> list[bytes]:
        """The exact bytes of entries `start` to `end` (exclusive).

        Raises:
            LogCorruptError: the bytes of an entry are not those that were committed.
        """
        rows = self._all(
            "SELECT id, data, leaf FROM entries WHERE id >= ? AND id < ? ORDER BY id", (start, end)
        )
        for index, data, leaf in rows:
            if leaf_hash(data) != leaf:
                raise LogCorruptError(
                    f"entry {index} is not what was committed",
                    expected=f"leaf hash {leaf.hex()[:16]}…",
                    found=f"{leaf_hash(data).hex()[:16]}…",
                    advice="Stop the log; restore log.db from a backup no older than the last cosigned head.",
                )
        return [row[1] for row in rows]

    def leaves(self) -> list[bytes]:
        """Every leaf hash in order.

        Raises:
            LogCorruptError: an entry is missing.
        """
        rows = self._all("SELECT id, leaf FROM entries ORDER BY id")
        if rows and rows[-1][0] != len(rows) - 1:
            raise LogCorruptError("the log has a gap", expected=f"{len(rows)} entries from 0")
        return [row[1] for row in rows]

    def roots(self) -> list[int]:
        """Where the trust roots stand."""
        return [row[0] for row in self._all("SELECT id FROM roots ORDER BY id")]

    def add_cosignatures(self, size: int, text: str, lines: dict[str, str], *, keep: int) -> None:
        """Remember cosignatures (witness id: line) of a checkpoint; forget those of sizes below `keep`."""
        for witness, line in lines.items():
            self._all("INSERT OR REPLACE INTO cosigned VALUES (?, ?, ?, ?)", (size, witness, line, text))
        self._all("DELETE FROM cosigned WHERE size < ?", (keep,))

    def cosigned(self) -> list[tuple[int, str, str, str]]:
        """(size, witness id, line, checkpoint text) of what is remembered, smallest size first."""
        return [
            (row[0], row[1], row[2], row[3])
            for row in self._all("SELECT size, witness, line, text FROM cosigned ORDER BY size")
        ]

    def _one(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        with self._reading:
            try:
                return self._reader.execute(sql, parameters).fetchone()
            except Exception as error:
                raise _named(error, "the log's database failed") from error

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        with self._reading:
            try:
                return self._reader.execute(sql, parameters).fetchall()
            except Exception as error:
                raise _named(error, "the log's database failed") from error

    def close(self) -> None:
        """Close both connections."""
        with self._reading:
            self._reader.close()
        self._writer.close()


def _named(error: Exception, what: str) -> LogError:
    told = str(error)
    if "full" in told or "disk quota" in told.lower():
        return LogFullError(
            "the disk of the log is full",
            found=told,
            advice="Free space; nothing was lost and nothing moved.",
        )
    if "malformed" in told or "not a database" in told or "corrupt" in told:
        return LogCorruptError(
            what, found=told, advice="Restore the log, then compare with a witness's head."
        )
    return LogError(what, found=f"{type(error).__name__}: {told}")
