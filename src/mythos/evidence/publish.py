"""From acknowledged to published to witnessed, in threads beside the log.

One thread writes the static files; one for each witness holds the add-checkpoint conversation. A witness that
is down is asked again with growing pauses and holds nobody up. A witness that saw a head which this log does
not have (the log was restored from a backup, or forked) stops the log: whatever it acknowledged from here on
would be on a branch that nobody may believe.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from mythos.errors import EvidenceError, LogCorruptError, MythosError, NetworkError
from mythos.evidence.client import Peer, Reply, State
from mythos.evidence.log import Log
from mythos.evidence.merkle import TILE
from mythos.evidence.note import Checkpoint, Note, Signature, VerifyKey, decimal
from mythos.evidence.policy import Policy
from mythos.evidence.tiles import Projection
from mythos.evidence.witness import AddCheckpoint

PATIENCE: Final = 10.0
"""Seconds a witness may take for one answer."""

REST: Final = 0.2
"""Seconds between publications while entries keep coming in bulk; far below the second that is promised."""


Ask = Callable[[bytes], Reply]
"""A witness in this process: from an add-checkpoint body to its answer."""

ROUND: Final = 1.0
"""Seconds after which a checkpoint that is not witnessed yet gives way to a newer one."""


class Publisher:
    """Publishes a log and gathers cosignatures until `close`.

    Every witness is asked about the same checkpoint until the quorum is met, so that their lines meet on it.

    Args:
        log: the writer.
        projection: where the static files go; this publisher alone writes there.
        policy: its quorum says when a checkpoint is witnessed.
        witnesses: whom to ask: an address (`unix:PATH` or an http(s) URL, the submission prefix), or a name
            and a function of the request's body for a witness in this process.
        changed: called from any thread after something was published or witnessed.
        clock: monotonic seconds.

    Raises:
        LogCorruptError: the published checkpoint is ahead of the database, or contradicts it.
    """

    def __init__(
        self,
        log: Log,
        projection: Projection,
        policy: Policy,
        witnesses: Sequence[str | tuple[str, Ask]] = (),
        changed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._projection = projection
        self._policy = policy
        self._changed = changed
        self._clock = clock
        self._news = threading.Condition()
        self._closing = False
        self._dirty = False
        self.problem = ""
        self._published = self._recover()
        self._witnessed: Note | None = None
        self._gathered: dict[int, Note] = {}
        self._recall()
        self._target, self._since = self._published, clock()
        self._feeders = [
            _Feeder(self, w, Peer(w, timeout=PATIENCE)) if isinstance(w, str) else _Feeder(self, *w)
            for w in witnesses
        ]
        self._publish()
        self._thread = threading.Thread(target=self._run, name="publish", daemon=True)
        log.committed = self._wake

    def start(self) -> None:
        """Begin to publish and to ask."""
        self._thread.start()
        for feeder in self._feeders:
            feeder.thread.start()

    def close(self) -> None:
        """Publish what is acknowledged, and end the threads."""
        with self._news:
            self._closing = True
            self._news.notify_all()
        self._thread.join(PATIENCE)
        for feeder in self._feeders:
            feeder.thread.join(1.0)

    def checkpoint(self, state: State) -> Note | None:
        """The newest checkpoint that is published, with the cosignatures so far, or witnessed."""
        return self._published if state == "published" else self._witnessed

    def size(self, state: State) -> int:
        """How many entries are published or witnessed."""
        return _size(self.checkpoint(state))

    def witnesses(self) -> dict[str, dict[str, object]]:
        """For every address: the size it cosigned, and what is wrong, if anything."""
        return {f.address: {"size": f.cosigned, "problem": f.problem} for f in self._feeders}

    def _wake(self) -> None:
        with self._news:
            self._news.notify_all()

    def _recover(self) -> Note:
        """The published checkpoint if it is this log's; a missing or torn one means: publish from nothing."""
        try:
            note = Note.parse(self._projection.read("checkpoint") or b"")
            at = Checkpoint.parse(note.text)
        except EvidenceError:
            return self._log.checkpoint_at(0)
        if at.size > self._log.size:
            raise LogCorruptError(
                "the published checkpoint is ahead of the database",
                expected=f"at most {self._log.size} entries",
                found=str(at.size),
                advice="The database was restored from an older copy; appending to it would fork the log.",
            )
        own = self._log.checkpoint_at(at.size)
        if own.text != note.text:
            raise LogCorruptError(
                "the published checkpoint is not of this log", expected=own.text, found=note.text
            )
        return own

    def _recall(self) -> None:
        """Take up the cosignatures that were remembered before a restart."""
        for size, _, line, text in self._log.store.cosigned():
            own = self._log.checkpoint_at(size) if size <= self._log.size else None
            if own is not None and own.text == text:
                self._add(own, [Signature.parse(line)])

    def _add(self, asked: Note, lines: Sequence[Signature]) -> None:
        """Merge verified lines over a checkpoint into what is known of its size."""
        size = _size(asked)
        note = self._gathered.get(size, asked).with_signatures(lines)
        self._gathered[size] = note
        if asked.text == self._published.text:
            self._published = note
        if size >= self.size("witnessed") and self._met(note):
            self._witnessed = note
            self._gathered = {s: n for s, n in self._gathered.items() if s >= size}

    def _met(self, note: Note) -> bool:
        signers = {(s.name, s.key_id) for s in note.signatures}
        return self._policy.met([k for k in self._policy.witnesses.values() if (k.name, k.key_id) in signers])

    def _run(self) -> None:
        pause = 0.0
        while True:
            with self._news:
                if pause:
                    self._news.wait_for(lambda: self._closing, pause)
                self._news.wait_for(self._has_work)
                if self._closing and not self._dirty and self._log.size <= self.size("published"):
                    return
            before = self.size("published")
            try:
                self._publish()
                pause = REST if self.size("published") - before > TILE else 0.0
            except (OSError, MythosError) as error:
                self.problem = f"cannot publish: {error}"
                self._dirty, pause = True, 1.0
                if self._closing:
                    return

    def _has_work(self) -> bool:
        return self._closing or self._dirty or self._log.size > self.size("published")

    def _publish(self) -> None:
        """Write what is new; only the constructor and the publishing thread come here."""
        old, size = self.size("published"), self._log.size
        if size > old or self._projection.read("checkpoint") is None:
            note = self._log.checkpoint_at(size)
            self._projection.publish(self._log.tree, self._log.entries, old, size, str(note))
            with self._news:
                self._published, self.problem = self._gathered.get(size, note), ""
                if self._met(note):
                    self._witnessed = note
                self._aim()
                self._news.notify_all()
            self._changed()
        elif self._dirty:
            with self._news:
                self._dirty = False
                published, witnessed, gathered = self._published, self._witnessed, dict(self._gathered)
            for at, note in gathered.items():
                lines = {s.id: str(s) for s in note.signatures[1:]}
                self._log.store.add_cosignatures(at, note.text, lines, keep=_size(witnessed))
            if witnessed is not None:
                self._projection.replace("witnessed", str(witnessed))
            self._projection.replace("checkpoint", str(published))
            self.problem = ""

    def _aim(self) -> None:
        """Ask about the newest checkpoint once the last one asked about is witnessed, or took too long."""
        reached = self.size("witnessed") >= _size(self._target)
        if self._target.text != self._published.text and (reached or self._clock() - self._since > ROUND):
            self._target, self._since = self._published, self._clock()

    def wanted(self, size: int, seconds: float) -> Note | None:
        """Wait up to `seconds` for a checkpoint beyond `size` to ask about; `None` when there is none yet."""
        with self._news:
            self._aim()
            self._news.wait_for(lambda: self._closing or _size(self._target) > size, seconds)
            return self._target if _size(self._target) > size and not self._closing else None

    @property
    def closing(self) -> bool:
        """Whether the threads should end."""
        return self._closing

    def proof(self, old: int, size: int) -> tuple[bytes, ...]:
        """The consistency proof for a witness that holds `old`; empty when nothing needs proof."""
        return tuple(self._log.consistency(old, size)) if 0 < old < size else ()

    def known(self) -> list[VerifyKey]:
        """The witness keys whose lines may stand in a checkpoint: the trust root's."""
        trust = self._log.trust
        return list(trust.witnesses) if trust else list(self._policy.witnesses.values())

    def cosigned(self, asked: Note, lines: Sequence[Signature]) -> None:
        """Take a witness's verified lines over a checkpoint that it was asked about."""
        with self._news:
            self._add(asked, lines)
            self._aim()
            self._dirty = True
            self._news.notify_all()
        self._changed()

    def contradicted(self, witness: str, told: str) -> None:
        """A witness holds a head that this log does not have: take no more entries."""
        self._log.stop(f"the witness {witness} contradicts it: {told}")


def _size(note: Note | None) -> int:
    return 0 if note is None else Checkpoint.parse(note.text).size


class _Feeder:
    """The conversation with one witness."""

    def __init__(self, publisher: Publisher, address: str, ask: Peer | Ask) -> None:
        self.address = address
        self.problem = ""
        self.cosigned = 0
        self._publisher = publisher
        self._asked = ask
        self._old = 0
        self.thread = threading.Thread(target=self._run, name=f"witness {address}", daemon=True)

    def _run(self) -> None:
        pause = 0.05
        while not self._publisher.closing:
            note = self._publisher.wanted(self.cosigned, 1.0)
            if note is None:
                continue
            try:
                self._ask(note)
                self.problem, pause = "", 0.05
            except (OSError, MythosError) as error:
                self.problem = str(error)
                threading.Event().wait(pause)
                pause = min(5.0, 2 * pause)
        if isinstance(self._asked, Peer):
            self._asked.close()

    def _ask(self, note: Note) -> None:
        size = Checkpoint.parse(note.text).size
        for _ in range(3):
            old = min(self._old, size)
            body = AddCheckpoint(old, self._publisher.proof(old, size), note).to_bytes()
            asked = self._asked
            reply = asked.request("POST", "/add-checkpoint", body) if isinstance(asked, Peer) else asked(body)
            if reply.status == 200:
                return self._take(note, size, reply)
            self._refused(reply, size)
        raise NetworkError(f"the witness {self.address} keeps changing its mind")

    def _take(self, note: Note, size: int, reply: Reply) -> None:
        # Its own lines alone: those of others may already stand in the note that it was asked about.
        answered = Note.parse(f"{note.text}\n{reply.body.decode(errors='replace')}")
        known = self._publisher.known()
        ids = {(key.name, key.key_id) for key in known}
        lines = [s for s in answered.verified(known) if (s.name, s.key_id) in ids]
        if not lines:
            raise NetworkError(
                f"the witness {self.address} signed with a key that the trust root does not name",
                expected=", ".join(key.id for key in known),
                found=", ".join(s.id for s in answered.signatures),
            )
        self._old = self.cosigned = size
        self._publisher.cosigned(note, lines)

    def _refused(self, reply: Reply, size: int) -> None:
        told = reply.body.decode(errors="replace").strip()[:200]
        if reply.status == 409 and reply.content_type == "text/x.tlog.size":
            held = decimal(told, what="the witness's size")
            if held <= size:
                self._old = held
                return
            told = f"it saw {held} entries, this log has {size}"
        if reply.status in {409, 422}:
            self._publisher.contradicted(self.address, told)
        raise NetworkError(f"the witness {self.address} answered {reply.status}", found=told)
