"""The front's side of an engine process: start it, open it, ask it, notice its end.

    engine = await Engine.launch()                       # confined, its public key in engine.hello
    opened = await engine.open(message, timeout=60)      # the weights are in its memory; ready for requests
    async for frame in engine.generate("chat", body): ...
    ended = await engine.ended                           # however it came about

One engine object is one process; a restart is a new object. The process dies with its front: it ends when
this side of the socket pair closes.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Self

from mythos.engines.frames import Decoder, Frame, encode
from mythos.errors import EngineError

__all__ = ["Ended", "Engine"]

_READ: Final = 1 << 18
_START: Final = 30.0
_MODULE: Final = "mythos.engines.process"


@dataclass(frozen=True, slots=True)
class Ended:
    """How an engine process ended: `lease_ended`, `killed`, `crashed`, `closed` or what it said itself."""

    code: str
    detail: str


class Engine:
    """A running engine process. All methods belong to one event loop."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._writer = writer
        self._names = itertools.count(1)
        self._waiting: dict[str, asyncio.Queue[Frame | None]] = {"": asyncio.Queue()}
        self._said: Ended | None = None
        self.hello: Frame = {}
        self.ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read(reader))

    @classmethod
    async def launch(cls, *, command: Sequence[str] = ()) -> Self:
        """Start the process and wait for its `hello`.

        Args:
            command: what to run instead of this package's engine, for tests; the descriptor is appended.

        Raises:
            EngineError: it did not start, or ended before it said hello.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            try:
                process = subprocess.Popen(  # noqa: ASYNC220 (milliseconds, and its end is awaited in a thread)
                    [*(command or (sys.executable, "-I", "-m", _MODULE)), str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    env=_environment(),
                    stdin=subprocess.DEVNULL,
                    process_group=0,  # Ctrl-C is the front's; a session of its own would not let `nice` count
                )
            except OSError as error:
                ours.close()
                raise EngineError("the engine did not start", found=str(error)) from error
        engine = cls(process, *await asyncio.open_unix_connection(sock=ours))
        try:
            engine.hello = await engine._next("", "hello", _START)
        except BaseException:
            await engine.close()
            raise
        return engine

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def open(self, message: Frame, *, timeout: float) -> Frame:  # noqa: ASYNC109 (one number for two waits)
        """Send the release (`open`), wait until the weights are open and the model serves.

        Returns:
            The engine's `opened` frame.

        Raises:
            EngineError: the release was refused, the file did not open, or the library did not start; the
                code is the engine's own (`seal`, `grant`, `lease`, ...).
        """
        await self._send({**message, "kind": "open"})
        opened = await self._next("", "opened", timeout)
        await self._next("", "ready", timeout)
        return opened

    async def generate(self, api: str, body: Frame) -> AsyncGenerator[Frame]:
        """Ask for one answer: `started`, `delta` frames, then one `done` or `failed`; or `failed` alone.

        As `ask_for`.
        """
        async with aclosing(self.ask_for("generate", {"api": api, "body": body})) as answer:
            async for frame in answer:
                yield frame

    async def ask_for(self, kind: str, message: Frame) -> AsyncGenerator[Frame]:
        """Ask for something that comes in frames, the last one `done` or `failed`.

        Leaving the iteration early (also by cancellation) frees the engine's slot.

        Raises:
            EngineError: the engine ended while it answered (code `engine_ended`).
        """
        name, queue = self._register()
        finished = False
        try:
            await self._send({**message, "kind": kind, "id": name})
            while not finished:
                frame = await queue.get()
                if frame is None:
                    finished = True
                    raise self._gone()
                finished = frame["kind"] in {"done", "failed"}
                yield frame
        finally:
            del self._waiting[name]
            if not finished:
                self._write({"kind": "cancel", "id": name})

    async def renew(self, message: Frame) -> Frame:
        """Relay a renewal; what the engine says about its lease then.

        Raises:
            EngineError: the renewal does not verify (the engine then keeps its old end) or it ended.
        """
        return await self._ask({**message, "kind": "renew"})

    async def audit(self) -> Frame:
        """The engine's own open files, environment names and confinement."""
        return await self._ask({"kind": "audit"})

    async def close(self) -> Ended:
        """End the process, and with it the plain weights; how it ended."""
        if self._process.poll() is None:
            self._process.kill()
        return await self.ended

    async def _ask(self, message: Frame) -> Frame:
        name, queue = self._register()
        try:
            await self._send({**message, "id": name})
            frame = await asyncio.wait_for(queue.get(), _START)
        except TimeoutError as error:
            raise EngineError("the engine does not answer", code="engine_silent") from error
        finally:
            del self._waiting[name]
        if frame is None:
            raise self._gone()
        if frame["kind"] == "failed":
            raise EngineError(frame["message"], code=frame["code"])
        return frame

    def _register(self) -> tuple[str, asyncio.Queue[Frame | None]]:
        if self.ended.done():
            raise self._gone()
        name, queue = str(next(self._names)), asyncio.Queue[Frame | None]()
        self._waiting[name] = queue
        return name, queue

    async def _next(self, name: str, kind: str, seconds: float) -> Frame:
        try:
            frame = await asyncio.wait_for(self._waiting[name].get(), seconds)
        except TimeoutError as error:
            raise EngineError(f"the engine did not say {kind} in {seconds:.0f} s") from error
        if frame is None:
            raise self._gone()
        if frame["kind"] != kind:
            raise EngineError("the engine said something else", expected=kind, found=frame["kind"][:40])
        return frame

    def _gone(self) -> EngineError:
        ended = self._said or (
            self.ended.result() if self.ended.done() else Ended("closed", "the pair closed")
        )
        return EngineError("the engine has ended", found=f"{ended.code}: {ended.detail}", code=ended.code)

    async def _send(self, frame: Frame) -> None:
        self._write(frame)
        try:
            await self._writer.drain()
        except OSError as error:
            await asyncio.wait({self._reading}, timeout=1)
            raise self._gone() from error

    def _write(self, frame: Frame) -> None:
        """Queue a whole frame; without waiting, so that a cancelled caller never leaves half of one."""
        if not self._writer.is_closing():
            self._writer.write(encode(frame))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        decoder = Decoder()
        try:
            while data := await reader.read(_READ):
                for frame in decoder.feed(data):
                    self._dispatch(frame)
        except (OSError, EngineError) as error:
            self._said = Ended("broken", str(error)[:300])
        if self._said is not None:
            self._process.kill()
        self._writer.close()
        status = await asyncio.to_thread(self._process.wait)
        self.ended.set_result(self._said or _explain(status))
        for queue in self._waiting.values():
            queue.put_nowait(None)

    def _dispatch(self, frame: Frame) -> None:
        if frame["kind"] == "ended":
            self._said = Ended(str(frame.get("code", "broken")), str(frame.get("message", ""))[:500])
            return
        queue = self._waiting.get(str(frame.get("id", "")))
        if queue is not None:
            queue.put_nowait(frame)


def _environment() -> dict[str, str]:
    """What the engine inherits: nothing that could hold a key, and nothing that changes its behaviour."""
    passed = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**passed, "LC_ALL": "C.UTF-8", "GOMP_SPINCOUNT": "0", "OMP_WAIT_POLICY": "passive"}


def _explain(status: int) -> Ended:
    match -status:
        case signal.SIGALRM:
            return Ended("lease_ended", "the lease's timer ended the engine")
        case signal.SIGKILL:
            return Ended("killed", "SIGKILL: by the operator, or the kernel was out of memory")
        case 0:
            return Ended("closed", "the engine left")
        case number if number > 0:
            return Ended("crashed", f"signal {signal.Signals(number).name}")
        case _:
            return Ended("crashed", f"exit status {status}")
