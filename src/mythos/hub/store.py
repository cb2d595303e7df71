"""hub.db: keys of callers, and a journal line for every answer, durable before its first token.

One SQLite file in the host's home (WAL, `synchronous=FULL`: a commit is on the disk when it returns). Every
call runs on one thread of its own, in the order of the calls, so that the event loop never waits for a disk
and a `finish` never overtakes its `begin`.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import hmac
import os
import secrets
import sqlite3
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, ParamSpec, TypeVar

from mythos.errors import HubError
from mythos.units import Instant

__all__ = ["BatchRow", "Caller", "ReceiptRow", "Store", "open_store"]

_FORMAT: Final = 1
_SCHEMA: Final = """
CREATE TABLE keys(
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, scope TEXT NOT NULL, hash BLOB NOT NULL,
    created INTEGER NOT NULL, revoked INTEGER) STRICT;
CREATE TABLE receipts(
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, model TEXT NOT NULL, weights TEXT NOT NULL,
    opened INTEGER NOT NULL, transcript BLOB, leaf BLOB, batch INTEGER, place INTEGER) STRICT;
CREATE INDEX unbatched ON receipts(opened) WHERE batch IS NULL;
CREATE INDEX batched ON receipts(batch, place) WHERE batch IS NOT NULL;
CREATE INDEX kept ON receipts(opened) WHERE transcript IS NOT NULL;
CREATE TABLE batches(number INTEGER PRIMARY KEY, entry BLOB NOT NULL, proof BLOB) STRICT;
CREATE TABLE outbox(number INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT;
CREATE TABLE facts(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
"""

Scope = Literal["use", "metrics"]
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds a key: the key's public id, the tenant it belongs to, what it may do."""

    key: str
    tenant: str
    scope: str


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A journal line. `leaf` is None until the answer ended, `batch` and `place` until it was batched."""

    id: str
    tenant: str
    model: str
    weights: str
    opened: int
    transcript: bytes | None
    leaf: bytes | None
    batch: int | None
    place: int | None


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch's statement as signed, and once it is witnessed what proves it (see `receipts`)."""

    number: int
    entry: bytes
    proof: bytes | None


class Store:
    """The open database. Close it, or use it as a context."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hub-db")
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise HubError(
                f"cannot use {path}",
                found=str(error),
                advice="Stop the hub that uses it; if it is damaged, restore it from a copy.",
            ) from error

    def _prepare(self) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=5000"):
            self._db.execute(f"PRAGMA {pragma}")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={_FORMAT}; COMMIT;")
        elif version != _FORMAT:
            raise sqlite3.DatabaseError(f"its format is {version}, this release reads {_FORMAT}")

    async def run(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Call one of the methods below on the database's thread; it completes even if the caller is cut.

        Raises:
            HubError: the disk is full or broken; what was asked is not kept.
        """
        loop = asyncio.get_running_loop()
        try:
            return await asyncio.shield(loop.run_in_executor(self._thread, lambda: call(*args, **kwargs)))
        except sqlite3.Error as error:
            advice = "Free disk space and start again; what was acknowledged is safe."
            raise HubError("hub.db did not take it", found=str(error), advice=advice) from error

    def close(self) -> None:
        """Finish what was asked and close the file."""
        self._thread.shutdown(wait=True)
        self._db.close()

    def fact(self, name: str) -> bytes | None:
        """A small fact kept across restarts."""
        row = self._db.execute("SELECT value FROM facts WHERE name=?", (name,)).fetchone()
        return None if row is None else row[0]

    def set_fact(self, name: str, value: bytes) -> None:
        """Keep a fact."""
        self._db.execute("INSERT OR REPLACE INTO facts VALUES(?,?)", (name, value))

    # --- statements on their way to the log

    def post(self, entries: list[bytes], facts: dict[str, bytes]) -> None:
        """Keep signed statements until the log has them, with the facts that go with them; all or nothing."""
        with self._transaction():
            self._db.executemany("INSERT INTO outbox(entry) VALUES(?)", [(entry,) for entry in entries])
            for name, value in facts.items():
                self.set_fact(name, value)

    def posted(self) -> list[tuple[int, bytes]]:
        """Statements that the log is not known to have, oldest first."""
        return self._db.execute("SELECT number, entry FROM outbox ORDER BY number").fetchall()

    def unpost(self, last: int) -> None:
        """Forget statements up to number `last`: the log has them."""
        self._db.execute("DELETE FROM outbox WHERE number<=?", (last,))

    # --- keys of callers

    def add_key(self, tenant: str, scope: Scope, now: Instant) -> str:
        """Make a key for a tenant: `mk-ID-SECRET` with 256 bits of secret, of which only a hash is kept."""
        name, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        row = (name, tenant, scope, hashlib.sha256(secret.encode()).digest(), now.micros)
        self._db.execute("INSERT INTO keys(id, tenant, scope, hash, created) VALUES(?,?,?,?,?)", row)
        return f"mk-{name}-{secret}"

    def has_keys(self) -> bool:
        """Whether any key was ever made."""
        return self._db.execute("SELECT 1 FROM keys LIMIT 1").fetchone() is not None

    def revoke_key(self, name: str, now: Instant) -> bool:
        """End a key by its public id; false when there is none."""
        sql = "UPDATE keys SET revoked=? WHERE id=? AND revoked IS NULL"
        return self._db.execute(sql, (now.micros, name)).rowcount == 1

    def caller(self, key: str) -> Caller | None:
        """Who holds `key`. The secret is compared in constant time, also for an id that does not exist."""
        _, name, secret = key.split("-", 2) if key.startswith("mk-") and key.count("-") > 1 else ("", "", "")
        sql = "SELECT tenant, scope, hash FROM keys WHERE id=? AND revoked IS NULL"
        tenant, scope, expected = self._db.execute(sql, (name,)).fetchone() or ("", "", bytes(32))
        matches = hmac.compare_digest(hashlib.sha256(secret.encode(errors="replace")).digest(), expected)
        return Caller(name, tenant, scope) if matches and tenant else None

    # --- the journal of answers

    def begin(
        self, name: str, tenant: str, model: str, weights: str, transcript: bytes, now: Instant
    ) -> None:
        """Write an answer's line: after the return it survives a power cut."""
        sql = "INSERT INTO receipts(id, tenant, model, weights, opened, transcript) VALUES(?,?,?,?,?,?)"
        self._db.execute(sql, (name, tenant, model, weights, now.micros, transcript))

    def finish(self, name: str, transcript: bytes, leaf: bytes) -> None:
        """Complete an answer's line."""
        sql = "UPDATE receipts SET transcript=?, leaf=? WHERE id=? AND leaf IS NULL"
        self._db.execute(sql, (transcript, leaf, name))

    def receipt(self, name: str) -> ReceiptRow | None:
        """One line."""
        rows = self._receipts("id=?", name)
        return rows[0] if rows else None

    def unfinished(self) -> list[ReceiptRow]:
        """Lines of answers that a killed hub left open."""
        return self._receipts("batch IS NULL AND leaf IS NULL ORDER BY opened")

    def finished(self, limit: int) -> list[ReceiptRow]:
        """Complete lines that no batch holds yet, oldest first."""
        return self._receipts("batch IS NULL AND leaf IS NOT NULL ORDER BY opened LIMIT ?", limit)

    def leaves(self, batch: int) -> list[bytes]:
        """The leaves of a batch in order."""
        rows = self._db.execute("SELECT leaf FROM receipts WHERE batch=? ORDER BY place", (batch,))
        return [row[0] for row in rows]

    def next_batch(self) -> int:
        """The number of the next batch, from 1."""
        return self._db.execute("SELECT coalesce(max(number), 0) + 1 FROM batches").fetchone()[0]

    def add_batch(self, number: int, entry: bytes, names: list[str]) -> None:
        """Put lines into a batch, with the statement that will be logged; all or nothing."""
        with self._transaction():
            self._db.execute("INSERT INTO batches(number, entry) VALUES(?,?)", (number, entry))
            places = [(number, place, name) for place, name in enumerate(names)]
            self._db.executemany("UPDATE receipts SET batch=?, place=? WHERE id=?", places)

    def batch(self, number: int) -> BatchRow:
        """One batch."""
        sql = "SELECT number, entry, proof FROM batches WHERE number=?"
        return BatchRow(*self._db.execute(sql, (number,)).fetchone())

    def unproven(self) -> list[BatchRow]:
        """Batches that are not known to be witnessed, oldest first."""
        rows = self._db.execute(
            "SELECT number, entry, proof FROM batches WHERE proof IS NULL ORDER BY number"
        )
        return [BatchRow(*row) for row in rows]

    def prove(self, number: int, proof: bytes) -> None:
        """Keep what proves a batch."""
        self._db.execute("UPDATE batches SET proof=? WHERE number=?", (proof, number))

    def erase(self, before: Instant) -> int:
        """Erase the transcripts of answers older than `before`, salts included; how many."""
        old = "transcript IS NOT NULL AND leaf IS NOT NULL AND opened<?"
        return self._db.execute(f"UPDATE receipts SET transcript=NULL WHERE {old}", (before.micros,)).rowcount  # noqa: S608 (ours)

    def _receipts(self, where: str, *values: Any) -> list[ReceiptRow]:
        columns = "id, tenant, model, weights, opened, transcript, leaf, batch, place"
        rows = self._db.execute(f"SELECT {columns} FROM receipts WHERE {where}", values)  # noqa: S608 (ours)
        return [ReceiptRow(*row) for row in rows]

    @contextlib.contextmanager
    def _transaction(self) -> Any:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


@contextlib.contextmanager
def open_store(folder: Path, *, exclusive: bool) -> Generator[Store]:
    """The hub's database; `exclusive` as its only hub.

    Raises:
        HubError: another hub runs in this home.
    """
    with contextlib.ExitStack() as stack:
        if exclusive:
            lock = os.open(folder / "hub.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            stack.callback(os.close, lock)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise HubError(
                    f"another hub runs in {folder}", advice="Stop it, or use another --home."
                ) from error
        store = Store(folder / "hub.db")
        stack.callback(store.close)
        yield store
