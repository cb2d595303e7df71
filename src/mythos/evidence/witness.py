"""A witness: cosigns a log's head only when it extends the head it cosigned before (C2SP tlog-witness 1.0.0).

    witness = Witness(database, key, {log_key.name: [log_key]})
    reply = witness.add_checkpoint(body, seconds=now)       # Reply(200, "text/plain", b"\u2014 NAME ...")

Checking the stored head and storing the new one is one transaction, durable before the cosignature leaves.
Status codes: 400 malformed, 403 no trusted signature, 404 unknown origin, 409 another size or a fork of equal
size, 422 the consistency proof does not hold, 503 the clock went backwards.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mythos.errors import (
    BadSignatureError,
    ClockError,
    EvidenceError,
    InconsistentError,
    MalformedError,
)
from mythos.evidence.client import Reply
from mythos.evidence.merkle import EMPTY_ROOT, verify_consistency
from mythos.evidence.note import Checkpoint, Note, SigningKey, VerifyKey, cosign, decimal, decode64, encode64

MAX_PROOF: Final = 63
MAX_BODY: Final = 128 * 1024
_TEXT: Final = "text/plain"
_SIZE: Final = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """The request: the size the witness is thought to hold, the proof from there, the log's checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    note: Note

    @classmethod
    def parse(cls, body: bytes) -> AddCheckpoint:
        """Read a request body.

        Raises:
            MalformedError: not in the specification's form.
        """
        if len(body) > MAX_BODY:
            raise MalformedError("the request is too large", expected=f"at most {MAX_BODY} bytes")
        head, blank, rest = body.partition(b"\n\n")
        try:
            first, *lines = head.decode().split("\n")
        except UnicodeError as error:
            raise MalformedError("the request is not UTF-8") from error
        if not blank or not first.startswith("old ") or len(lines) > MAX_PROOF:
            raise MalformedError("not an add-checkpoint request", expected="`old SIZE`, at most 63 hashes")
        proof = tuple(decode64(line, what="a proof line") for line in lines)
        return cls(decimal(first.removeprefix("old "), what="old size"), proof, Note.parse(rest))

    def to_bytes(self) -> bytes:
        """The request body."""
        lines = [f"old {self.old}", *(encode64(h) for h in self.proof)]
        return ("\n".join(lines) + "\n\n" + str(self.note)).encode()


@dataclass(frozen=True, slots=True)
class Seen:
    """The last head a witness cosigned for a log: size, root, and the POSIX second."""

    size: int
    root: bytes
    seconds: int


NOTHING: Final = Seen(0, EMPTY_ROOT, 0)


class ConflictError(InconsistentError):
    """The log speaks of another head than the witness holds; `size` is what the witness holds."""

    def __init__(self, message: str, size: int | None, **told: str) -> None:
        super().__init__(message, **told)
        self.size = size


def judge(
    seen: Seen,
    old: int,
    proof: Sequence[bytes],
    new: Checkpoint,
    keys: Collection[VerifyKey],
    note: Note,
    seconds: int,
) -> None:
    """Whether `new` may be cosigned after `seen`. Pure: the rules of tlog-witness in their order.

    Raises:
        BadSignatureError: no trusted key of the log signed the checkpoint.
        MalformedError: the old size is larger than the new one.
        ConflictError: the old size is not the one seen, or equal sizes have different roots.
        InconsistentError: the proof does not hold.
        ClockError: it is earlier than when `seen` was cosigned.
    """
    if not note.verified(keys):
        raise BadSignatureError("no key of this log signed the checkpoint")
    if old > new.size:
        raise MalformedError("the old size is larger", expected=f"at most {new.size}", found=str(old))
    if old != seen.size:
        raise ConflictError("another size was seen", seen.size, expected=str(seen.size), found=str(old))
    if old == new.size:
        if new.root != seen.root:
            raise ConflictError("a fork of equal size", None, expected=seen.root.hex(), found=new.root.hex())
        if proof:
            raise InconsistentError("equal sizes need no proof", found=f"{len(proof)} hashes")
    elif old == 0:
        if proof:
            raise InconsistentError("a first head needs no proof", found=f"{len(proof)} hashes")
    else:
        verify_consistency(old, new.size, list(proof), seen.root, new.root)
    if seconds < seen.seconds:
        raise ClockError("the clock went backwards", expected=f"at least {seen.seconds}", found=str(seconds))


class Witness:
    """Holds one key and, for every log it knows, the last head it cosigned.

    Args:
        database: its file; heads survive restarts, and must: a witness that forgets can be forked.
        key: a cosigner key (0x04).
        logs: for every origin, the keys that may sign its checkpoints.
    """

    def __init__(self, database: Path, key: SigningKey, logs: Mapping[str, Collection[VerifyKey]]) -> None:
        self.key = key
        self._logs = dict(logs)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(database, isolation_level=None, check_same_thread=False, timeout=10)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS heads (origin TEXT PRIMARY KEY, size INTEGER NOT NULL,"
            " root BLOB NOT NULL, seconds INTEGER NOT NULL, note TEXT NOT NULL)"
        )

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def add_checkpoint(self, body: bytes, *, seconds: int) -> Reply:
        """Answer one add-checkpoint request at a POSIX time: the HTTP status, content type and body."""
        try:
            request = AddCheckpoint.parse(body)
            new = Checkpoint.parse(request.note.text)
            keys = self._logs.get(new.origin)
            if keys is None:
                return Reply(404, _TEXT, b"unknown log\n")
            return Reply(200, _TEXT, self._cosign(request, new, keys, seconds))
        except ConflictError as error:
            if error.size is None:
                return Reply(409, _TEXT, f"{error}\n".encode())
            return Reply(409, _SIZE, f"{error.size}\n".encode())
        except (EvidenceError, sqlite3.Error) as error:
            return Reply(_status(error), _TEXT, f"{error}\n".encode())

    def seen(self, origin: str) -> Note | None:
        """The last checkpoint this witness cosigned for a log, with its cosignature."""
        with self._lock:  # outside any transaction: what leaves must be durable
            row = self._db.execute("SELECT note FROM heads WHERE origin = ?", (origin,)).fetchone()
        return None if row is None else Note.parse(row[0])

    def _cosign(
        self, request: AddCheckpoint, new: Checkpoint, keys: Collection[VerifyKey], seconds: int
    ) -> bytes:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                row = self._db.execute(
                    "SELECT size, root, seconds FROM heads WHERE origin = ?", (new.origin,)
                ).fetchone()
                seen = Seen(*row) if row else NOTHING
                judge(seen, request.old, request.proof, new, keys, request.note, seconds)
                line = cosign(self.key, new.text, seconds)
                kept = request.note.with_signatures([line])
                self._db.execute(
                    "INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?, ?)",
                    (new.origin, new.size, new.root, seconds, str(kept)),
                )
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        return f"{line}\n".encode()


def _status(error: Exception) -> int:
    match error:
        case MalformedError():
            return 400
        case BadSignatureError():
            return 403
        case InconsistentError():
            return 422
        case _:
            return 503


__all__ = ["AddCheckpoint", "ConflictError", "Seen", "Witness", "judge"]
