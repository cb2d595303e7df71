"""Where questions to data are put: whose turn it is, and the process that answers one question and ends.

    desk = Desk([Data("company", folder)], hub_folder / "ask")
    async with desk:                                        # every catalogue is read and lists people
        source = desk.source(data, asked, person, admission)    # an `answer.Source`

Each question has a process of its own (`desk_start`, `desk_worker`), started ahead of its question: it parses
what tenants put there, so it holds no key and nobody else's rows, can reach none (`walls`), and can be ended
at any moment by whatever cuts an answer. It reads the catalogue anew for every question. What it keeps for
the next one lies in a folder of that person alone, named by the catalogue's bytes: who is removed, or whose
rows are bounded otherwise now, finds nothing.

A plan that the plain planner lacks is asked of the engine that the hub holds, in a turn of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

from mythos.engines import Frame
from mythos.errors import EngineError, HubError, InputError, MythosError
from mythos.evidence.statement import canonical
from mythos.files import private_folder
from mythos.hub.admission import Admission, Refused
from mythos.hub.keeper import Serving
from mythos.hub.questions import written_out
from mythos.hub.shapes import Asked, Problem
from mythos.units import Digest

__all__ = ["Data", "Desk"]

_LOG: Final = logging.getLogger("mythos.hub.desk")
_LINE: Final = 16 << 20
_PASSED: Final = frozenset(("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TZ"))
_START: Final = 60.0
_END: Final = 5.0
_PLANS: Final = 4
"""Completions that one question may ask of the engine."""
_WAITING: Final = 4
"""Questions of one person that may wait while another of theirs is answered."""

Rights = Callable[[], Mapping[str, Sequence[str]] | None]
"""The documents that may be used now, by purpose; None where no records say, and the catalogue decides."""


def _by_catalogue() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Data:
    """A folder of tables and documents that a hub answers from.

    Attributes:
        name: what clients call it; everyone with a key may know it.
        folder: with a `catalog.yaml` whose `people` are the hub's persons, by the same ids.
        rights: decided anew for every question.
    """

    name: str
    folder: Path
    rights: Rights = _by_catalogue


class Desk:
    """The data of one hub. All methods belong to its event loop; a context while it answers.

    Args:
        data: what is answered from.
        cache: a private folder for captures.
        seconds: that one question may take, plans included.
        turns: questions answered at once.
        queue: questions that may wait; `patience`: seconds for which one may.
    """

    def __init__(
        self,
        data: Sequence[Data],
        cache: Path,
        *,
        seconds: float = 120,
        turns: int = 2,
        queue: int = 32,
        patience: float = 60,
    ) -> None:
        self.data = {each.name: each for each in data}
        self.seconds = seconds
        self._cache, self._queue, self._patience = cache, queue, patience
        self._turns = asyncio.Semaphore(turns)
        self._persons: dict[str, tuple[asyncio.Lock, list[None]]] = {}
        self._waiting = 0
        self._spare: Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self._open = False

    async def __aenter__(self) -> Self:
        private_folder(self._cache)
        for each in self.data.values():
            await self._checked(each)
        self._open = True
        self.refill()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._open = False
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait({self._starting})
        if self._spare is not None:
            await ended(self._spare)

    def source(
        self, data: Data, asked: Asked, person: str, admission: Admission, *, words: bool = False
    ) -> _Put:
        """One question as the source of an answer.

        Args:
            data: one of this desk's.
            asked: the question.
            person: who asks: an id of the catalogue's `people`, or nobody that it knows.
            admission: gives turns at the engine.
            words: whether the answer is sent as text, and not as its JSON document.
        """
        return _Put(self, data, asked, person, admission, words)

    @contextlib.asynccontextmanager
    async def turn(self, person: str) -> AsyncGenerator[None]:
        """A turn: one at a time for each person, so many at once for all.

        Raises:
            Refused: too many wait already, or the turn did not come in time.
        """
        held = self._persons.get(person)
        full = self._turns.locked() and self._waiting >= self._queue
        if full or (held is not None and len(held[1]) > _WAITING):
            raise Refused(_busy(429, "rate_limit_exceeded", "Too many questions wait."))
        lock, waiting = self._persons.setdefault(person, (asyncio.Lock(), []))
        waiting.append(None)
        try:
            async with contextlib.AsyncExitStack() as stack:
                self._waiting += 1
                try:
                    async with asyncio.timeout(self._patience):
                        await stack.enter_async_context(lock)
                        await stack.enter_async_context(self._turns)
                except TimeoutError:
                    raise Refused(
                        _busy(503, "overloaded", "No turn for the question came in time.")
                    ) from None
                finally:
                    self._waiting -= 1
                yield
        finally:
            waiting.pop()
            if not waiting:
                self._persons.pop(person, None)

    def folder(self, data: Data, person: str) -> Path:
        """What is kept for one person and data; its name tells neither."""
        return self._cache / data.name / sha256(person.encode()).hexdigest()[:32]

    async def worker(self) -> Process:
        """A process for one question."""
        spare, self._spare = self._spare, None
        if spare is not None and spare.returncode is None:
            return spare
        return await self._start()

    async def _start(self) -> Process:
        folders = [str(each.folder) for each in self.data.values()]
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", "mythos.hub.desk_start", str(self._cache), *folders),
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL, limit=_LINE, process_group=0, env=_environment(),
        )  # fmt: skip

    def refill(self) -> None:
        """Start the process of the next question ahead of it."""
        if self._open and self._spare is None and (self._starting is None or self._starting.done()):
            self._starting = asyncio.create_task(self._prepare())

    async def _prepare(self) -> None:
        try:
            self._spare = await self._start()
        except OSError as error:
            _LOG.warning("no process for the next question: %s", type(error).__name__)

    def sweep(self, days: int) -> None:
        """Erase what is kept for persons who have asked nothing for so many days; may run in a thread."""
        for folder in self._cache.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - folder.stat().st_mtime > days * 86_400:
                    shutil.rmtree(folder)

    async def _checked(self, data: Data) -> None:
        """The catalogue can be read and says who may see what.

        Raises:
            InputError: not so, or the extra is not installed.
        """
        process = await self._start()
        try:
            async with asyncio.timeout(_START):
                told = await _said(process, {"check": str(data.folder)})
        except TimeoutError:
            told = {"wrong": "it was not read in time"}
        finally:
            await ended(process)
        if told is not None and not told.get("walled", True):
            _LOG.warning(
                "this kernel has no Landlock: nothing keeps a question's process from the hub's files"
            )
        wrong = "its process ended; is the extra installed?" if told is None else told.get("wrong")
        if wrong is not None:
            raise InputError(
                f"the data {data.name} cannot be served", expected="a folder whose catalog.yaml lists people",
                found=str(wrong)[:500],
                advice="Each person is the name of an API key; see docs/how-to/ask-your-data.md.",
            )  # fmt: skip


@dataclass(slots=True)
class _Put:
    """A question that was put: an `answer.Source`."""

    desk: Desk
    data: Data
    asked: Asked
    person: str
    admission: Admission
    words: bool
    _plans: dict[str, int] = field(
        default_factory=lambda: {"calls": 0, "promptTokens": 0, "completionTokens": 0}
    )
    _document: Digest | None = None

    @property
    def facts(self) -> Mapping[str, Any]:
        """How often the engine was asked for a plan, and the digest of the whole answer."""
        named = {} if self._document is None else {"document": str(self._document)}
        return {"data": self.data.name, "plans": dict(self._plans), **named}

    def turn(self) -> contextlib.AbstractAsyncContextManager[None]:
        return self.desk.turn(self.person)

    async def frames(self, serving: Serving, /) -> AsyncGenerator[Frame]:
        """The answer as one piece.

        Raises:
            Refused: the data cannot be read, or it took too long.
            EngineError: the engine ended while it planned.
        """
        yield {"kind": "started"}
        try:
            async with asyncio.timeout(self.desk.seconds):
                document = await self._answered(serving)
        except TimeoutError:
            message = f"The question took over {self.desk.seconds:.0f} s."
            raise Refused(Problem(504, message, "time_limit", kind="service_unavailable")) from None
        if document["kind"] == "answer":
            document["planned_by"] = serving.model if self._plans["calls"] else None
        self._document = Digest.of(canonical(document))
        text = written_out(document) if self.words else json.dumps(document, ensure_ascii=False)
        yield {"kind": "delta", "text": text}
        yield {
            "kind": "done", "finish": "stop", "mythos": document,
            "promptTokens": self._plans["promptTokens"], "completionTokens": self._plans["completionTokens"],
        }  # fmt: skip

    async def _answered(self, serving: Serving) -> dict[str, Any]:
        asked, folder = self.asked, self.desk.folder(self.data, self.person)
        private_folder(folder.parent)
        try:
            rights = await asyncio.to_thread(self.data.rights)
        except MythosError as error:
            raise self._unreadable(error.code) from None
        message: dict[str, Any] = {
            "folder": str(self.data.folder), "person": self.person, "question": asked.question,
            "language": asked.language, "sources": asked.sources, "cache": str(private_folder(folder)),
            "rights": None if rights is None else {name: list(files) for name, files in rights.items()},
        }  # fmt: skip
        process = await self.desk.worker()
        try:
            told = await _said(process, message)
            while told is not None and "complete" in told:
                told = await _said(process, await self._plan(serving, told["complete"]))
        finally:
            await ended(process)
            self.desk.refill()
        match told:
            case {"answer": document}:
                return document
            case {"failed": code}:
                raise self._unreadable(str(code))
            case _:
                _LOG.warning("the process of a question ended with %s", process.returncode)
                gone = "The process of this question ended; it may have taken too much memory."
                raise Refused(Problem(503, gone, "question_ended", kind="service_unavailable", retry=2))

    def _unreadable(self, code: str) -> Refused:
        _LOG.warning("data %s could not be read: %s", self.data.name, code)
        message = f"The data could not be read ({code}); its operator sees why with `mythos ask`."
        return Refused(Problem(503, message, "data_unreadable", kind="service_unavailable"))

    async def _plan(self, serving: Serving, body: dict[str, Any]) -> dict[str, Any]:
        """One completion of the engine for the worker, counted."""
        if self._plans["calls"] >= _PLANS:
            return {"failed": "too_many_plans"}
        self._plans["calls"] += 1
        pieces: list[str] = []
        async with (
            self.admission.slot(),
            contextlib.aclosing(serving.engine.generate("chat", body)) as frames,
        ):
            async for frame in frames:
                match frame["kind"]:
                    case "delta":
                        pieces.append(frame["text"])
                    case "done":
                        for name in ("promptTokens", "completionTokens"):
                            self._plans[name] += frame[name]
                        return {"text": "".join(pieces)}
                    case "failed":
                        return {"failed": frame["code"]}
                    case _:
                        continue
        raise EngineError("the engine stopped talking", code="engine_ended")


def _environment() -> dict[str, str]:
    """What a question's process is told of the hub's environment: no secret but a database's."""
    return {n: v for n, v in os.environ.items() if n in _PASSED or n.startswith("PG")}


async def _said(process: Process, message: dict[str, Any]) -> dict[str, Any] | None:
    """Say something to a worker; what it says then, or None when it is gone or says too much."""
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        raise HubError("a process without pipes")
    try:
        stdin.write(json.dumps(message).encode() + b"\n")
        await stdin.drain()
        line = await stdout.readline()
        return json.loads(line) if line.endswith(b"\n") else None
    except (ConnectionError, ValueError):
        return None


async def ended(process: Process) -> None:
    """End a worker and the database process below it; one that the kernel does not end now is left to it."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_END):
            await process.communicate()


def _busy(status: int, code: str, message: str) -> Problem:
    return Problem(status, message, code, kind="server_busy", retry=2)
