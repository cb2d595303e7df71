"""The log: one writer, durable acknowledgements, proofs of everything it ever accepted.

    log = Log.open(folder, key, policy=policy)
    [place] = log.append([envelope.to_bytes()])     # acknowledged: the transaction is durable
    proof = log.inclusion(place.index, log.size)
    log.close()

Appends commit at once when nobody else does; those that arrive while a commit runs are gathered, up to 256
entries, into the next one, so nobody waits longer than the commit before their own. `append` takes up to
4,096 entries in one transaction. Publishing and witnessing come after: see `mythos.evidence.publish`.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from mythos.errors import (
    InputError,
    KeyReusedError,
    LogCorruptError,
    LogError,
    LogFullError,
    LogLockedError,
    MythosError,
    QuotaError,
)
from mythos.evidence import policy as policies
from mythos.evidence.client import MAX_BATCH, Appended
from mythos.evidence.merkle import Frontier, Tree, leaf_hash
from mythos.evidence.note import Checkpoint, Note, SigningKey
from mythos.evidence.policy import Policy, Trust
from mythos.evidence.statement import Envelope, check_size
from mythos.evidence.store import Connection, Head, Keyed, Store, connect
from mythos.files import private_folder

GATHER: Final = 256
"""Entries of one group commit."""

MAX_KEY: Final = 200


class Quota:
    """Entries a minute for every signing key; only proven signatures are counted.

    Args:
        per_minute: the rate, and how much may come at once.
        clock: monotonic seconds.
    """

    def __init__(self, per_minute: int = 600_000, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, wanted: Mapping[str, int]) -> None:
        """Count entries against their signers, all or none.

        Raises:
            QuotaError: a signer sent too many.
        """
        with self._lock:
            now = self._clock()
            left = {key: self._now_left(key, now) - count for key, count in wanted.items()}
            for key, rest in left.items():
                if rest < 0:
                    raise QuotaError(
                        "a signer sends too much",
                        expected=f"at most {self.per_minute} entries a minute",
                        found=f"{wanted[key]} more by {key}",
                        advice="Wait a minute, or raise the log's quota.",
                    )
            self._left |= {key: (rest, now) for key, rest in left.items()}

    def _now_left(self, key: str, now: float) -> float:
        rest, since = self._left.get(key, (float(self.per_minute), now))
        return min(self.per_minute, rest + max(0.0, now - since) * self.per_minute / 60)


class _Request:
    """One caller's entries on their way into a commit."""

    __slots__ = (
        "after", "before", "digest", "done", "entries", "error", "first", "key", "roots", "signers", "told",
    )  # fmt: skip

    def __init__(self, entries: Sequence[bytes], told: str, scoped: str) -> None:
        self.entries = [(data, leaf_hash(check_size(data))) for data in entries]
        self.digest = sha256(b"".join(leaf for _, leaf in self.entries)).digest()
        self.told = told or self.digest.hex()
        self.key = scoped or self.digest.hex()
        self.before: Trust | None = None
        self.after: Trust | None = None
        self.roots: list[int] = []
        self.signers = Counter[str]()
        self.done = False
        self.first = 0
        self.error: MythosError | None = None

    def appended(self) -> list[Appended]:
        size = self.first + len(self.entries)
        return [Appended(self.first + i, leaf, size) for i, (_, leaf) in enumerate(self.entries)]


class Log:
    """An append-only log in a folder. Made by `open`; safe to use from several threads.

    `committed` is called after every commit, by the thread that made it.
    """

    def __init__(
        self, store: Store, key: SigningKey, policy: Policy | None, quota: Quota | None, lock: int
    ) -> None:
        self.key = key
        self.policy = policy
        self._store = store
        self._quota = quota
        self._lock = lock
        self._stopped = ""
        self.committed: Callable[[], None] = lambda: None
        self._commit = threading.Lock()
        self._waiting: deque[_Request] = deque()
        self.tree = Tree(store.leaves())
        head = store.head()
        self._frontier = Frontier() if head is None else Frontier.unpack(head.size, head.edge)
        self._checkpoint = self._sign(self._frontier) if head is None else Note.parse(head.checkpoint)
        self._check(head)
        self.trust: Trust | None = None
        for index in store.roots():
            if policy is not None:
                _, self.trust = policies.admit(policy, self.trust, index, store.entries(index, index + 1)[0])

    @classmethod
    def open(
        cls,
        folder: Path,
        key: SigningKey,
        *,
        policy: Policy | None,
        quota: Quota | None = None,
        open_database: Callable[[Path], Connection] = connect,
    ) -> Self:
        """Open or create the log in `folder`, as its only writer.

        Args:
            folder: made with mode 0700 when it does not exist.
            key: the log's key; its name is the origin.
            policy: names the root keys that may sign the first entry, and everything after is judged. `None`
                takes any bytes from the caller, who then judges them.
            quota: for every signing key; `None` for no limit.
            open_database: how to open SQLite.

        Raises:
            LogLockedError: another process is the writer.
            LogCorruptError: the database contradicts itself or the key.
        """
        private_folder(folder)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise LogLockedError(
                f"another process writes the log in {folder}",
                advice="Send entries to its service (--log ADDRESS), or stop it first.",
            ) from error
        try:
            return cls(Store(folder / "log.db", open_database), key, policy, quota, lock)
        except BaseException:
            os.close(lock)
            raise

    def close(self) -> None:
        """Finish the running commit and give up the lock; what was acknowledged is already durable."""
        with self._commit:
            self._stopped = self._stopped or "the log is closed"
            self._store.close()
            os.close(self._lock)

    @property
    def size(self) -> int:
        """How many entries are acknowledged."""
        return self._frontier.size

    @property
    def checkpoint(self) -> Note:
        """The committed checkpoint, signed by the log alone."""
        return self._checkpoint

    def append(self, entries: Sequence[bytes], key: str = "") -> list[Appended]:
        """Append entries in one transaction; on return they are durable.

        Args:
            entries: 1 to 4,096 exact envelopes, each at most 65,535 bytes.
            key: idempotency key, of these signers alone; the same key with the same bytes returns the same
                places, whether or not the first call came to its end. Default: the bytes are their own key.

        Raises:
            KeyReusedError: the key came before with other bytes.
            EvidenceError: an entry is refused; none of these entries was appended.
            LogFullError, LogError: the database could not commit.
        """
        if not 0 < len(entries) <= MAX_BATCH or len(key) > MAX_KEY:
            raise InputError(
                "not a batch",
                expected=f"1 to {MAX_BATCH} entries, a key of at most {MAX_KEY} characters",
                found=f"{len(entries)} entries, a key of {len(key)} characters",
            )
        request = _Request(entries, key, self._scoped(entries, key))
        if not self._known(request):
            self._judge(request, self.trust)
            if self._quota is not None:
                self._quota.take(request.signers)
            self._waiting.append(request)
            while not request.done:
                with self._commit:
                    if not request.done:
                        self._commit_waiting()
        if request.error is not None:
            raise request.error
        return request.appended()

    def entries(self, start: int, end: int) -> list[bytes]:
        """The exact bytes of entries `start` to `end` (exclusive)."""
        return self._store.entries(start, min(end, self.size))

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The inclusion proof of an entry in the tree of the first `size` entries."""
        return self.tree.inclusion(index, size)

    def consistency(self, size1: int, size2: int) -> list[bytes]:
        """The proof that the tree of `size2` only appends to that of `size1`."""
        return self.tree.consistency(size1, size2)

    def checkpoint_at(self, size: int) -> Note:
        """The log's checkpoint over its first `size` entries; equal bytes whenever it is asked for."""
        return Checkpoint(self.key.name, size, self.tree.root(size)).sign(self.key)

    @property
    def store(self) -> Store:
        """The database, for the publisher."""
        return self._store

    def stop(self, reason: str) -> None:
        """Take no more entries: a witness saw a head that this log does not have."""
        self._stopped = reason

    def _sign(self, frontier: Frontier) -> Note:
        return Checkpoint(self.key.name, frontier.size, frontier.root()).sign(self.key)

    def _check(self, head: Head | None) -> None:
        """Edge, leaves and signed checkpoint must tell the same; anything else is damage, or another key."""
        if self.tree.size != self._frontier.size or self.tree.root() != self._frontier.root():
            raise LogCorruptError(
                "the log's entries and its head differ",
                expected=f"{self._frontier.size} entries, root {self._frontier.root().hex()}",
                found=f"{self.tree.size} entries, root {self.tree.root().hex()}",
            )
        if head is not None and head.checkpoint != str(self._sign(self._frontier)):
            raise LogCorruptError(
                "the stored checkpoint is not this key's over this tree",
                expected=self.key.id,
                found=", ".join(s.id for s in self._checkpoint.signatures),
                advice="Use the key with which the log was made.",
            )

    def _scoped(self, entries: Sequence[bytes], key: str) -> str:
        """The key as this signer's own: nobody can take, or use up, a key that another will come with."""
        if not key or self.policy is None:
            return key
        signers = {name for data in entries for name in Envelope.parse(data).signers}
        return sha256("\n".join([*sorted(signers), key]).encode()).hexdigest()

    def _known(self, request: _Request) -> bool:
        stored = self._store.keyed(request.key)
        if stored is None and request.told != request.key:
            unscoped = self._store.keyed(request.told)  # of a log that was begun before keys had owners
            stored = unscoped if unscoped is not None and unscoped.digest == request.digest else None
        if stored is None:
            return False
        if stored.digest != request.digest:
            raise KeyReusedError(
                "the idempotency key came before with other bytes",
                found=request.told[:80],
                advice="Use a new key for new entries.",
            )
        request.first, request.done = stored.first, True
        return True

    def _judge(self, request: _Request, trust: Trust | None) -> None:
        """Judge a request's entries in order under `trust`; remembers under which trust root that was."""
        request.before, request.roots, request.signers = trust, [], Counter[str]()
        if self.policy is not None:
            for i, (data, _) in enumerate(request.entries):
                entry, after = policies.admit(self.policy, trust, -1, data)
                request.signers.update(entry.signers)
                if after is not trust:
                    request.roots.append(i)
                trust = after
        request.after = trust

    def _commit_waiting(self) -> None:
        """Commit the oldest requests together. The caller holds the commit lock."""
        taken: list[_Request] = []
        count, trust, keys = 0, self.trust, set[str]()
        while self._waiting and (not taken or count + len(self._waiting[0].entries) <= GATHER):
            request = self._waiting[0]
            if request.key in keys:
                break
            self._waiting.popleft()
            try:
                if self._stopped:
                    raise LogError("the log takes no entries", found=self._stopped)
                if self._known(request):
                    continue
                if request.before is not trust:
                    self._judge(request, trust)
            except MythosError as error:
                request.error, request.done = error, True
                continue
            request.first = self.size + count
            count, trust = count + len(request.entries), request.after
            keys.add(request.key)
            taken.append(request)
        if taken:
            self._write(taken, trust)

    def _write(self, taken: list[_Request], trust: Trust | None) -> None:
        entries = [entry for request in taken for entry in request.entries]
        frontier = self._frontier.copy()
        for _, leaf in entries:
            frontier.append(leaf)
        checkpoint = self._sign(frontier)
        try:
            self._store.commit(
                self.size,
                entries,
                [Keyed(r.key, r.digest, r.first, len(r.entries)) for r in taken],
                [r.first + i for r in taken for i in r.roots],
                Head(frontier.size, frontier.pack(), str(checkpoint)),
            )
        except LogError as error:
            if not isinstance(error, LogFullError):
                self._stopped = f"the last commit failed: {error}; open the log again"
            for request in taken:
                request.error, request.done = error, True
            return
        self.tree.extend(leaf for _, leaf in entries)
        self._frontier, self._checkpoint, self.trust = frontier, checkpoint, trust
        for request in taken:
            request.done = True
        self.committed()
