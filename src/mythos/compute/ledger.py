"""The ledger of a run: what was counted, in an append-only file that survives a crash and shows any change.

Each line is one canonical JSON object that names the SHA-256 of the line before it, and is on the disk
(fsync) before `append` returns. The first opens the run, `work` counts some steps, `snapshot` says that
training state was saved here (signed when the ledger has a key), `resume` that training went on from there.

    ledger = Ledger.create(path, run="tiny-1", key=owner)
    ledger.append(work)
    head = ledger.snapshot(step=100)            # before the training snapshot is written, which keeps `head`
    # kill -9, power cut, restart:
    ledger = Ledger.resume(path, run="tiny-1", head=head)

A resume supersedes what stands after its snapshot. Superseded work stays in the file and in `executed`, for
it was done; it is not in `effective`, for no weights came of it. A last line that was cut short is dropped,
and said. What ran after the last record and before a kill is in no record: keep records frequent.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO, FileIO
from pathlib import Path
from typing import Self, cast

from mythos.compute.record import CONVENTION, FORMAT, Counts, Head, History, Work
from mythos.errors import BadSignatureError, ComputeError, InputError, MythosError
from mythos.evidence.note import SigningKey, VerifyKey, decode64, encode64
from mythos.evidence.statement import Json, canonical, parse_canonical
from mythos.files import sync_folder
from mythos.units import Digest, Instant


class _State:
    """The fold over a ledger's lines: the one place that knows what a line means."""

    def __init__(self, keys: Iterable[VerifyKey] = ()) -> None:
        self._keys = {key.id: key for key in keys}
        self.header: Json = {}
        self.works: list[tuple[Work, bool]] = []
        self.snapshots: list[tuple[int, Head, int]] = []
        self.head = Head(0, Digest(bytes(32)))
        self.ended = Instant(0)
        self.step = 0
        self.attempt = 1
        self.signed = 0

    def take(self, line: bytes) -> None:
        """Add one line.

        Raises:
            ComputeError: it does not follow from the line before.
        """
        document: Json = parse_canonical(line)
        if document["prev"] != self.head.digest.hex:
            raise ComputeError(
                "the chain is broken", expected=self.head.digest.hex, found=str(document["prev"])
            )
        self.ended = Instant.parse(document["at"])
        here = Head(self.head.lines + 1, Digest.of(line))
        match document["kind"] if self.header else document["format"]:
            case str(found) if found == FORMAT and not self.header:
                rank, world = document["rank"], document["world"]
                if type(rank) is not int or type(world) is not int or not 0 <= rank < world:
                    found = f"{rank!r} of {world!r}"
                    raise ComputeError(
                        "no such rank", expected="from 0, below the number of ranks", found=found
                    )
                self.header = document
                self.snapshots.append((0, here, 0))
            case "work":
                work = Work.from_dict(document)
                work.check_bound()
                self.works.append((work, False))
                self.step += self.works[-1][0].steps
            case "snapshot":
                if document["step"] != self.step:
                    raise ComputeError(
                        "a snapshot of another step",
                        expected=str(self.step),
                        found=repr(document["step"])[:40],
                    )
                self._check_signature(document, here.lines)
                self.snapshots.append((self.step, here, len(self.works)))
            case "resume":
                at = next(i for i, s in enumerate(self.snapshots) if s[1].lines == document["from"])
                self.step, _, kept = self.snapshots[at]
                self.works[kept:] = [(work, True) for work, _ in self.works[kept:]]
                del self.snapshots[at + 1 :]
                self.attempt += 1
            case other:
                raise ComputeError(
                    "a line of another kind", expected="work, snapshot or resume", found=repr(other)
                )
        self.head = here

    def _check_signature(self, document: Json, lines: int) -> None:
        signature: Json | None = document.get("signature")
        key = self._keys.get(signature["keyid"]) if signature else None
        if signature is None or key is None:
            return
        signed = canonical({name: value for name, value in document.items() if name != "signature"})
        if not key.verify(decode64(signature["sig"]), signed):
            raise BadSignatureError("a snapshot's signature is over other bytes", found=f"line {lines}")
        self.signed = lines

    def history(self, dropped: int = 0) -> History:
        """What the lines so far say."""
        standing = tuple((step, head) for step, head, _ in self.snapshots)
        return History(
            self.header,
            tuple(self.works),
            standing,
            self.head,
            self.step,
            self.attempt,
            self.ended,
            dropped,
            self.signed,
        )


class Ledger:
    """The one writer of a ledger file (`flock`). Make it with `create` or `resume`."""

    def __init__(self, file: FileIO, state: _State, key: SigningKey | None, dropped: int = 0) -> None:
        self._file = file
        self._state = state
        self._key = key
        self.dropped = dropped

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        run: str,
        rank: int = 0,
        world: int = 1,
        parents: Sequence[Digest] = (),
        device: str = "",
        code: Digest | None = None,
        key: SigningKey | None = None,
    ) -> Self:
        """Begin a run.

        Raises:
            ComputeError: the file exists, so a run with this ledger has begun already (`run_exists`).
        """
        header = _header(run, rank, world, parents, device, code)
        line = canonical(header)
        draft = path.with_name(f".{path.name}.{header['nonce']}")
        draft.write_bytes(line + b"\n")
        try:
            os.link(draft, path)
        except FileExistsError as error:
            raise ComputeError(
                f"the ledger {path.name} exists",
                expected="a new file for a new run",
                advice="Two runs never share an id: go on with Ledger.resume, or choose another id and file.",
                code="run_exists",
            ) from error
        finally:
            draft.unlink()
        file = _locked(path)
        os.fsync(file.fileno())
        sync_folder(path.parent)
        state = _State()
        state.take(line)
        return cls(file, state, key)

    @classmethod
    def resume(
        cls,
        path: Path,
        *,
        run: str,
        head: Head | None = None,
        step: int | None = None,
        key: SigningKey | None = None,
    ) -> Self:
        """Go on from a snapshot that stands: by the head it keeps, or by its step (0: from the start).

        Raises:
            InputError: neither head nor step is given.
            ComputeError: another run's ledger, another writer at work, a broken chain, or a snapshot that is
                not in this ledger: it was rolled back, or belongs to another run (`not_in_ledger`).
        """
        file = _locked(path)
        try:
            state, dropped = _replay(path, () if key is None else (key.verify_key,))
            place = _place(state, run, head, step)
            file.truncate(file.seek(0, os.SEEK_END) - dropped)
            ledger = cls(file, state, key, dropped)
            ledger._write({"kind": "resume", "from": place.lines})
        except BaseException:
            file.close()
            raise
        return ledger

    @property
    def history(self) -> History:
        """What the ledger says so far."""
        return self._state.history(self.dropped)

    @property
    def step(self) -> int:
        """The last step that stands."""
        return self._state.step

    def append(self, work: Work) -> Head:
        """Add a record; it is on the disk when this returns.

        Raises:
            ComputeError: more operations than the devices could have done in the time (`impossible`).
        """
        work.check_bound()
        return self._write({"kind": "work", "attempt": self._state.attempt} | work.to_dict())

    def snapshot(self, weights: Digest | None = None) -> Head:
        """Say that training state is about to be saved here; signed when the ledger has a key."""
        document: Json = {"kind": "snapshot", "step": self.step, "weights": weights and str(weights)}
        return self._write(document, sign=True)

    def close(self) -> None:
        """Give the lock back."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, document: Json, *, sign: bool = False) -> Head:
        document |= {"at": str(Instant.now()), "prev": self._state.head.digest.hex}
        if sign and self._key is not None:
            signature = encode64(self._key.sign(canonical(document)))
            document["signature"] = {"keyid": self._key.id, "sig": signature}
        line = canonical(document)
        parse_canonical(line)  # what nobody could read back is refused before it stands there
        self._put(line)
        self._state.take(line)
        return self._state.head

    def _put(self, line: bytes) -> None:
        end = self._file.seek(0, os.SEEK_END)
        try:
            left = memoryview(line + b"\n")
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(end)  # half a line must not stand before the next one
            raise


class SentLedger(Ledger):
    """A ledger whose lines somebody else keeps, for a process that may write no file.

    Args:
        send: given every line; it is kept when this returns.
        run: the run's name; `parents`, `device` and `code` as `Ledger.create` takes them.
    """

    def __init__(
        self,
        send: Callable[[bytes], None],
        *,
        run: str,
        parents: Sequence[Digest] = (),
        device: str = "",
        code: Digest | None = None,
    ) -> None:
        super().__init__(cast("FileIO", BytesIO()), _State(), None)  # no file: `_put` writes none
        self._send = send
        line = canonical(_header(run, 0, 1, parents, device, code))
        self._put(line)
        self._state.take(line)

    def _put(self, line: bytes) -> None:
        self._send(line)


def _header(
    run: str, rank: int, world: int, parents: Sequence[Digest], device: str, code: Digest | None
) -> Json:
    return {
        "format": FORMAT,
        "run": run,
        "rank": rank,
        "world": world,
        "parents": [str(parent) for parent in parents],
        "device": device,
        "code": code and str(code),
        "convention": CONVENTION,
        "nonce": secrets.token_hex(16),
        "at": str(Instant.now()),
        "prev": "0" * 64,
    }


def read(path: Path, keys: Iterable[VerifyKey] = ()) -> History:
    """Read a ledger; check its chain and the signatures of `keys`. A last line cut short is left out.

    Raises:
        ComputeError: a line is not a ledger's, or the next one names other bytes.
        BadSignatureError: a signature of one of `keys` is over other bytes.
    """
    state, dropped = _replay(path, keys)
    return state.history(dropped)


def total(paths: Iterable[Path], keys: Iterable[VerifyKey] = ()) -> tuple[Counts, Counts]:
    """Effective and executed operations of several ledgers: ranks of a run, or runs.

    Raises:
        ComputeError: two files tell of one rank of one run (`two_runs`).
    """
    keys = tuple(keys)
    seen: set[tuple[str, int]] = set()
    effective, executed = Counts(), Counts()
    for path in paths:
        history = read(path, keys)
        who = (str(history.header["run"]), int(history.header["rank"]))
        if who in seen:
            raise ComputeError(
                f"two ledgers of run {who[0]}, rank {who[1]}",
                expected="each rank of each run once",
                found=path.name,
                code="two_runs",
            )
        seen.add(who)
        effective, executed = effective + history.effective, executed + history.executed
    return effective, executed


def _replay(path: Path, keys: Iterable[VerifyKey]) -> tuple[_State, int]:
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    state = _State(keys)
    for number, line in enumerate(data[:whole].split(b"\n")[:-1], 1):
        try:
            state.take(line)
        except (MythosError, KeyError, TypeError, ValueError, StopIteration) as error:
            if isinstance(error, BadSignatureError):
                raise
            raise ComputeError(
                f"line {number} of {path.name} is not this ledger's",
                found=str(error)[:200],
                advice="It was changed after it was written. Take a copy whose end a signature covers.",
            ) from error
    if not state.header:
        raise ComputeError(
            f"{path.name} is not a ledger", expected="a line that opens a run", found="none whole"
        )
    return state, len(data) - whole


def _place(state: _State, run: str, head: Head | None, step: int | None) -> Head:
    """The snapshot to go on from."""
    if head is None and step is None:
        raise InputError(
            "a resume from nowhere",
            expected="the head that the training snapshot keeps, or its step",
            advice="Say step=0 to begin anew.",
        )
    if state.header["run"] != run:
        found = str(state.header["run"])
        raise ComputeError("the ledger is another run's", expected=run, found=found, code="another_run")
    places = [place for at, place, _ in state.snapshots if (place == head if head else at == step)]
    if not places:
        raise ComputeError(
            "the ledger does not hold this snapshot",
            expected=f"one at step {', '.join(str(s[0]) for s in state.snapshots)}"[:200],
            found=str(head or step),
            advice="The ledger was rolled back, or the snapshot belongs to another run.",
            code="not_in_ledger",
        )
    return places[-1]


def _locked(path: Path) -> FileIO:
    file = open(path, "r+b", buffering=0)  # noqa: SIM115 (the ledger closes it)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise ComputeError(
            f"another process writes {path.name}",
            expected="one writer",
            advice="Two runs never share a ledger.",
        ) from error
    return file
