"""The evening of an order, rehearsed: everyone streams, an order comes, relief follows, the order is lifted.

Every stream is a real HTTP connection of its own to a hub in another process. What is measured is measured at
the client: from the moment the log had acknowledged the order to the client's reading of its last event.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mythos.cli.drill_estate import Evening, evening
from mythos.errors import HubError
from mythos.units import Instant

__all__ = ["rehearse"]

_PROMPT: Final = "Count from one to five hundred, in words, one number on each line."
_OPENING: Final = 120.0
_ENDING: Final = 30.0
_TIME: Final = re.compile(r"[0-9]{10}\.[0-9]{6}\Z")  # what a canned engine says: when it said it
_GRACE: Final = 0.1  # a real token carries no time of its own: how late a client may read one
_REFUSED: Final = frozenset({"refused_by_directive", "needs_fact"})


@dataclass(slots=True)
class _Stream:
    """One client."""

    hub: str
    person: str
    kind: str
    port: int
    key: str
    status: int = 0
    code: str = ""
    ended_at: float = 0.0
    last_token: float = 0.0
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        return self.task is not None and not self.task.done() and self.status == 200

    def start(self) -> _Stream:
        """Ask, in the background."""
        self.status, self.code, self.ended_at, self.begun = 0, "", 0.0, asyncio.Event()
        self.task = asyncio.create_task(self._run())
        return self

    async def stop(self) -> None:
        """Leave."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait({self.task})

    async def _run(self) -> None:
        body = json.dumps(
            {
                "messages": [{"role": "user", "content": "Tell me a long story."}],
                "stream": True,
                "max_tokens": 1900,
            }
        ).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {self.key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(head.encode() + body)
            self.status = int((await reader.readline()).split()[1])
            headers = [await reader.readline()]
            while headers[-1] not in {b"\r\n", b""}:
                headers.append(await reader.readline())
            if self.status == 200:
                await self._events(reader)
            else:
                length = next(
                    int(h.split(b":")[1]) for h in headers if h.lower().startswith(b"content-length")
                )
                self.code = json.loads(await reader.readexactly(length))["error"]["code"]
                self.ended_at = time.time()
        finally:
            self.begun.set()
            writer.close()

    async def _events(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            if not line.startswith(b"data: {"):
                continue
            document: dict[str, Any] = json.loads(line[6:])
            if "error" in document:
                self.code, self.ended_at = document["error"]["code"], time.time()
                return
            text = str(document["choices"][0].get("delta", {}).get("content") or "").strip()
            if text:
                self.last_token = float(text) if _TIME.match(text) else time.time()
                self.begun.set()
        self.ended_at = self.ended_at or time.time()


@dataclass(slots=True)
class _Drill:
    estate: Evening
    told: Callable[[str], None]
    real: bool
    streams: list[_Stream]
    wrongly_cut: int = 0
    wrongly_served: int = 0
    phases: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def run(self) -> list[float]:
        """The whole evening; the seconds to the last event of each stream that the order ended."""
        await _begin(self.streams)
        if refused := [stream.code for stream in self.streams if stream.code]:
            raise HubError("streams were refused before any order", found=", ".join(sorted(set(refused))))
        self.told(f"{len(self.streams)} streams are running")
        first = await self._act("order", {"citizen"})
        await self._act("relief", {"citizen", "staff"})
        await self._act("lifting", {"citizen", "foreign", "staff", "stranger"})
        await asyncio.gather(*(stream.stop() for stream in self.streams))
        return first

    async def _act(self, name: str, allowed: set[str]) -> list[float]:
        before = [stream for stream in self.streams if stream.open]
        refused = [stream for stream in before if stream.kind not in allowed]
        identity, logged = await asyncio.to_thread(self.estate.issue, name)
        tasks = {stream.task for stream in refused if stream.task}
        if tasks:
            await asyncio.wait(tasks, timeout=_ENDING)
        coverage = await asyncio.to_thread(self.estate.coverage, identity, seconds=_ENDING)
        self._judge(before, refused, coverage)
        seconds = [stream.ended_at - logged for stream in refused if stream.code in _REFUSED]
        again = [stream.start() for stream in self.streams if not stream.open]
        await _begin(again)
        await asyncio.sleep(0.3)
        self._probe(again, allowed)
        acknowledged = {row["hub"]: _since(row["acknowledged_at"], logged) for row in coverage["hubs"]}
        cuts = {row["hub"]: row["streams_cut"] for row in coverage["hubs"]}
        phase = {"directive": identity, "complete": coverage["complete"]}
        phase |= {"cut": len(refused), "kept": len(before) - len(refused)}
        phase |= {
            "answered_again": sum(s.open for s in again),
            "refused_again": sum(not s.open for s in again),
        }
        phase["hubs"] = [
            {"hub": name, "acknowledged_s": took, "streams_cut": cuts[name]}
            for name, took in acknowledged.items()
        ]
        self.phases.append(phase)
        last = f"; the last event after {max(seconds):.3f} s" if seconds else ""
        slowest = max((took for took in acknowledged.values() if took is not None), default=None)
        counts = f"cut {phase['cut']}, kept {phase['kept']}"
        self.told(f"{name}: {counts}{last}; the last hub acknowledged after {slowest} s")
        return seconds

    def _judge(self, before: list[_Stream], refused: list[_Stream], coverage: dict[str, Any]) -> None:
        """Who should have ended did before the hub acknowledged; who should not still runs."""
        cut = {id(stream) for stream in refused}
        self.wrongly_cut += sum(bool(stream.code) for stream in before if id(stream) not in cut)
        signed = {row["hub"]: row["acknowledged_at"] for row in coverage["hubs"]}
        for stream in refused:
            at = signed[stream.hub]
            after = 0.0 if at is None else stream.last_token - Instant.parse(at).micros / 1e6
            if stream.open or after > (_GRACE if self.real else 0.0):
                self.wrongly_served += 1

    def _probe(self, again: list[_Stream], allowed: set[str]) -> None:
        """Everyone who was not served asks again."""
        for stream in again:
            if stream.kind in allowed:
                self.wrongly_cut += stream.status != 200
            else:
                self.wrongly_served += stream.status != 451


async def _begin(streams: Iterable[_Stream]) -> None:
    """Wait until each has its first token or its refusal.

    Raises:
        HubError: not in time.
    """
    waiting = [stream.start() if stream.task is None else stream for stream in streams]
    try:
        async with asyncio.timeout(_OPENING):
            await asyncio.gather(*(stream.begun.wait() for stream in waiting))
    except TimeoutError:
        late = sum(not stream.begun.is_set() for stream in waiting)
        raise HubError("streams did not begin in time", found=f"{late} of {len(waiting)}") from None


def _since(text: str | None, at: float) -> float | None:
    return None if text is None else round(Instant.parse(text).micros / 1e6 - at, 3)


def rehearse(
    hubs: int, streams: int, *, rate: float, real: Path | None, told: Callable[[str], None]
) -> dict[str, Any]:
    """Rehearse the evening on this machine.

    Args:
        hubs: hub processes.
        streams: clients, shared out evenly; a quarter of each kind of person.
        rate: tokens a second of a canned stream.
        real: a model file for real engines; None for canned tokens.
        told: receives a line for each thing that happened.

    Raises:
        MythosError: the estate did not start.
    """
    with evening(hubs, streams, rate=rate, real=real) as estate:
        told(f"{hubs} hubs are serving")
        clients = [
            _Stream(hub, person, estate.kinds[person], place["port"], key)
            for hub, place in estate.hubs.items()
            for person, key in place["keys"].items()
        ]
        drill = _Drill(estate, told, real is not None, clients)
        seconds = sorted(asyncio.run(drill.run()))
    return {
        "engine": "real model from a plain file" if real else f"canned tokens, {rate:g} a second each",
        "hubs": hubs, "streams": streams, "refused_streams": len(seconds),
        "p50_s": round(statistics.median(seconds), 4) if seconds else None,
        "p99_s": round(seconds[math.ceil(0.99 * len(seconds)) - 1], 4) if seconds else None,
        "max_s": round(seconds[-1], 4) if seconds else None,
        "wrongly_cut": drill.wrongly_cut, "wrongly_served": drill.wrongly_served, "phases": drill.phases,
    }  # fmt: skip
