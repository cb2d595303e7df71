"""The log over HTTP: append, the states of an entry, proofs, and the static files of C2SP tlog-tiles.

POST /v1/append                     an entry bundle; header Idempotency-Key; answers when acknowledged
GET  /wait?size=N&state=witnessed   answers with the checkpoint when N entries are published or witnessed
GET  /checkpoint  /tile/...         the static files; ?state=witnessed gives the last cosigned checkpoint
GET  /v1/entries?start=A&end=B      exact entries
GET  /v1/inclusion?index=I&size=N   /v1/consistency?old=M&size=N   /v1/proof?index=I (C2SP tlog-proof)
GET  /v1/status  /healthz
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from mythos.errors import (
    EvidenceError,
    InputError,
    KeyReusedError,
    LogError,
    LogFullError,
    MalformedError,
    MythosError,
    QuotaError,
)
from mythos.evidence.client import BUNDLE, MAX_BATCH, State, refusal
from mythos.evidence.log import Log
from mythos.evidence.merkle import pack, unpack
from mythos.evidence.note import Checkpoint, decimal, encode64
from mythos.evidence.proof import Proof
from mythos.evidence.publish import Publisher
from mythos.evidence.statement import MAX_ENTRY
from mythos.evidence.tiles import Projection

MAX_BODY: Final = MAX_BATCH * (MAX_ENTRY + 2)
MAX_WAIT: Final = 60.0
PAGE: Final = 256
"""Entries of one answer: what one full bundle holds."""

_TILE: Final = re.compile(r"(?:[0-9]{1,2}|entries)(?:/x[0-9]{3})*/[0-9]{3}(?:\.p/[0-9]{1,3})?\Z", re.ASCII)
_TIMEOUT: Final = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,3})?\Z", re.ASCII)
_STATUS: Final[tuple[tuple[type[MythosError], int], ...]] = (
    (QuotaError, 429),
    (MalformedError, 400),
    (InputError, 400),
    (EvidenceError, 403),
    (KeyReusedError, 409),
    (LogFullError, 507),
    (LogError, 503),
)


class News:
    """Wakes every waiting request when the publisher has news; told from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()

    def tell(self) -> None:
        """Something was published or witnessed."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._turn)

    def _turn(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, reached: Callable[[], bool], seconds: float) -> bool:
        """Wait until `reached()`; whether it was, within so many seconds."""
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                while not reached():
                    await self._event.wait()
        except TimeoutError:
            return reached()
        return True


@dataclass(frozen=True, slots=True)
class _Service:
    """The requests of one log."""

    log: Log
    projection: Projection
    publisher: Publisher
    news: News

    async def append(self, request: Request) -> Response:
        """Append an entry bundle."""
        entries = unpack(await _body(request))
        key = unquote(request.headers.get("idempotency-key", ""))
        appended = await run_in_threadpool(self.log.append, entries, key)
        leaves = [encode64(a.leaf_hash) for a in appended]
        return JSONResponse({"first": appended[0].index, "leafHashes": leaves, "size": appended[0].size})

    async def wait(self, request: Request) -> Response:
        """Wait for a state."""
        size, state = _number(request, "size"), _state(request)
        seconds = _seconds(request)
        if not await self.news.wait(lambda: self.publisher.size(state) >= size, seconds):
            raise LogError(
                f"not {state} in time",
                expected=f"{size} entries",
                found=str(self.publisher.size(state)),
                advice=self.publisher.problem or "Look at the witnesses in `mythos log status`.",
                code="timeout",
            )
        return PlainTextResponse(str(self.publisher.checkpoint(state)))

    async def checkpoint(self, request: Request) -> Response:
        """The newest checkpoint of a state."""
        note = self.publisher.checkpoint(_state(request))
        if note is None:
            raise LogError("no checkpoint is witnessed yet", code="not_witnessed")
        return PlainTextResponse(str(note), headers={"cache-control": "no-cache"})

    async def tile(self, request: Request) -> Response:
        """A static file."""
        name = request.path_params["name"]
        data = await run_in_threadpool(self.projection.read, f"tile/{name}") if _TILE.match(name) else None
        if data is None:
            return PlainTextResponse("no such tile\n", 404)
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(data, media_type=BUNDLE, headers=headers)

    async def entries(self, request: Request) -> Response:
        """Exact entries."""
        start, end = _number(request, "start"), _number(request, "end")
        found = await run_in_threadpool(self.log.entries, start, min(end, start + PAGE))
        return Response(pack(found), media_type=BUNDLE)

    async def inclusion(self, request: Request) -> Response:
        """An inclusion proof."""
        index, size = _number(request, "index"), _number(request, "size")
        hashes = [encode64(h) for h in self.log.inclusion(index, size)]
        return JSONResponse({"index": index, "size": size, "hashes": hashes})

    async def consistency(self, request: Request) -> Response:
        """A consistency proof."""
        old, size = _number(request, "old"), _number(request, "size")
        hashes = [encode64(h) for h in self.log.consistency(old, size)]
        return JSONResponse({"old": old, "size": size, "hashes": hashes})

    async def proof(self, request: Request) -> Response:
        """A tlog-proof."""
        index, note = _number(request, "index"), self.publisher.checkpoint("witnessed")
        size = 0 if note is None else Checkpoint.parse(note.text).size
        if note is None or index >= size:
            raise LogError("the entry is not witnessed yet", found=str(index), code="not_witnessed")
        return PlainTextResponse(str(Proof(index, tuple(self.log.inclusion(index, size)), note)))

    async def status(self, _request: Request) -> Response:
        """Sizes and witnesses."""
        return JSONResponse(
            {
                "origin": self.log.key.name,
                "acknowledged": self.log.size,
                "published": self.publisher.size("published"),
                "witnessed": self.publisher.size("witnessed"),
                "witnesses": self.publisher.witnesses(),
                "problem": self.publisher.problem,
            }
        )

    async def health(self, _request: Request) -> Response:
        """Alive."""
        return PlainTextResponse("ok\n")

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncGenerator[None]:
        """Start the publisher; at the end close it and the log."""
        self.publisher.start()
        yield
        await run_in_threadpool(self.publisher.close)
        self.log.close()


def log_app(log: Log, projection: Projection, publisher: Publisher, news: News) -> Starlette:
    """The app of one log; it starts the publisher, and closes both when it ends.

    `news.tell` must be the publisher's `changed`.
    """
    service = _Service(log, projection, publisher, news)

    def route(path: str, endpoint: Callable[[Request], Awaitable[Response]], method: str = "GET") -> Route:
        return Route(path, endpoint, methods=[method])

    return Starlette(
        routes=[
            route("/v1/append", service.append, "POST"),
            route("/wait", service.wait),
            route("/checkpoint", service.checkpoint),
            route("/tile/{name:path}", service.tile),
            route("/v1/entries", service.entries),
            route("/v1/inclusion", service.inclusion),
            route("/v1/consistency", service.consistency),
            route("/v1/proof", service.proof),
            route("/v1/status", service.status),
            route("/healthz", service.health),
        ],
        exception_handlers={MythosError: _told},
        lifespan=service.lifespan,
    )


async def _told(_request: Request, error: Exception) -> Response:
    known = error if isinstance(error, MythosError) else LogError(str(error))
    status = next((status for kind, status in _STATUS if isinstance(known, kind)), 500)
    return JSONResponse(refusal(known), status)


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise QuotaError("the request is too large", expected=f"at most {MAX_BODY} bytes")
        parts.append(part)
    return b"".join(parts)


def _number(request: Request, name: str) -> int:
    return decimal(request.query_params.get(name, ""), what=name)


def _seconds(request: Request) -> float:
    text = request.query_params.get("timeout", "30")
    if _TIMEOUT.match(text) is None:
        raise InputError("not a timeout", expected="seconds such as 2.5", found=text[:40])
    return min(MAX_WAIT, float(text))


def _state(request: Request) -> State:
    state = request.query_params.get("state", "witnessed" if request.url.path == "/wait" else "published")
    if state == "published":
        return "published"
    if state == "witnessed":
        return "witnessed"
    raise InputError("no such state", expected="published or witnessed", found=state[:40])
