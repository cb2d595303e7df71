"""One answer, from the checked request to its last byte: the ASGI response of every route that answers.

What is answered comes as frames from a `Source`: the engine, or the desk where questions to data are put.

Whatever ends an answer early (a directive, a client that left, a time limit, the hub's stop) comes through
`Admission.cut`, so there is one way out: the receipt is finished with the bytes that were sent, the client is
told if it still listens, and the engine's slot is freed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from starlette.types import Receive, Scope, Send

from mythos.engines import Frame
from mythos.errors import EngineError
from mythos.hub.admission import Admission, Asking, Cut, Decision, Live, Refused
from mythos.hub.desk import Desk
from mythos.hub.keeper import Serving
from mythos.hub.metrics import Metrics
from mythos.hub.receipts import Commitment, Receipts, clocks
from mythos.hub.shapes import Problem, Request
from mythos.hub.store import Caller
from mythos.hub.written import Shape
from mythos.units import Instant

__all__ = ["Answer", "Limits", "Parts", "Source", "send_problem"]

CLIENT_LEFT: Final = Problem(499, "The client left.", "client_left")
CLIENT_SLOW: Final = Problem(499, "The client does not read.", "client_slow")
TOO_LONG: Final = Problem(504, "The answer took too long.", "time_limit", kind="service_unavailable")
_NOT_SAID: Final = {"tokenIds": None, "sampler": None, "seedEpoch": None}
_JSON: Final = (b"content-type", b"application/json")
_EVENTS: Final = (b"content-type", b"text/event-stream; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take.

    Attributes:
        body: bytes of a request.
        body_seconds: until it has arrived.
        answer_seconds: from then until the last byte.
        ask_seconds: of these, for an answer from data, a model's plans included.
        send_seconds: that a client may leave a piece unread.
        queue: requests that may wait for a slot; `queue_seconds`: for how long.
    """

    body: int = 1 << 20
    body_seconds: float = 30
    answer_seconds: float = 600
    ask_seconds: float = 120
    send_seconds: float = 30
    queue: int = 32
    queue_seconds: float = 60


class _Keeps(Protocol):
    @property
    def state(self) -> Serving | Problem: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What an answer is made with."""

    admission: Admission
    keeper: _Keeps
    receipts: Receipts
    metrics: Metrics
    limits: Limits
    hub: str
    desk: Desk | None = None


class Source(Protocol):
    """Where the frames of one answer come from: `started`, `delta`, then `done` or `failed`."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the receipt's engine fact says beyond the frames, so far."""
        ...

    def turn(self) -> AbstractAsyncContextManager[None]:
        """A turn; raises `Refused` where none comes."""
        ...

    def frames(self, serving: Serving, /) -> AsyncGenerator[Frame]:
        """The frames; leaving them early ends the work."""
        ...


@dataclass(frozen=True, slots=True)
class _Generated:
    """The engine's own words."""

    admission: Admission
    request: Request
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def turn(self) -> AbstractAsyncContextManager[None]:
        return self.admission.slot()

    def frames(self, serving: Serving, /) -> AsyncGenerator[Frame]:
        return serving.engine.generate(self.request.api, self.request.body)


@dataclass(slots=True)
class _Told:
    """What was generated and sent so far."""

    pieces: list[str] = field(default_factory=list[str])
    logprobs: list[Any] | None = None
    started: bool = False
    begun: bool = False

    @property
    def answer(self) -> bytes:
        return "".join(self.pieces).encode()


class Answer:
    """The response to one request.

    Args:
        model: the name of the weights it resolved to.
        name: its receipt.
        source: what answers. Default: the engine.
    """

    def __init__(
        self,
        parts: Parts,
        caller: Caller,
        request: Request,
        model: str,
        name: str,
        source: Source | None = None,
    ) -> None:
        self._parts = parts
        self._source = source or _Generated(parts.admission, request)
        self._caller = caller
        self._request = request
        self._model = model
        self._name = name
        self._told = _Told()

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and whatever happens say how it ended."""
        metrics, request = self._parts.metrics, self._request
        outcome = "answered"
        try:
            await self._admitted(receive, send)
        except Refused as refused:
            outcome = refused.problem.code
            if isinstance(refused, Cut):
                metrics.add("mythos_cut_total", f'reason="{outcome}"')
            await self._refuse(refused.problem, send)
        finally:
            metrics.add("mythos_requests_total", f'api="{request.api}",outcome="{outcome}"')

    async def _admitted(self, receive: Receive, send: Send) -> None:
        parts, now = self._parts, Instant.now()
        principals = (self._caller.key, self._caller.tenant)
        asking = Asking(self._name, principals, self._model, None, None, now, now)
        loop = asyncio.get_running_loop()
        async with parts.admission.enter(asking) as live:
            watch = asyncio.create_task(self._watch(receive))
            limit = loop.call_later(parts.limits.answer_seconds, parts.admission.cut, self._name, TOO_LONG)
            try:
                async with self._source.turn():
                    serving = parts.keeper.state
                    if isinstance(serving, Problem):
                        raise Refused(serving)
                    parts.admission.route(live, serving.weights, Instant.now(), Instant.now())
                    await self._recorded(serving, live, send)
            finally:
                limit.cancel()
                watch.cancel()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            continue
        self._parts.admission.cut(self._name, CLIENT_LEFT)

    async def _recorded(self, serving: Serving, live: Live, send: Send) -> None:
        """Generate between the journal line and the commitment; the commitment comes in every case."""
        receipts = self._parts.receipts
        promise = self._promise(serving, live.decision)
        try:
            await receipts.begin(self._name, self._caller.tenant, promise)
            self._told.begun = True
            done = await self._generate(serving, send)
        except BaseException as error:
            if isinstance(error, Refused):
                finish = error.problem.code
            elif live.cut is not None:
                finish = live.cut.code
            else:
                finish = "engine_ended" if isinstance(error, EngineError) else "broken"
            live.finish()
            generation = {"finish": finish, **self._source.facts}
            await receipts.finish(self._name, self._told.answer, generation, clocks("ended"))
            if isinstance(error, EngineError):
                message = f"The engine ended while it answered ({error.code})."
                raise Refused(
                    Problem(503, message, "engine_ended", kind="service_unavailable", retry=2)
                ) from error
            raise
        live.finish()
        generation = {
            "finish": done["finish"],
            "promptTokens": done["promptTokens"],
            "completionTokens": done["completionTokens"],
            **self._source.facts,
        }
        await receipts.finish(self._name, self._told.answer, generation, clocks("ended"))
        await self._close(serving, done, send)

    def _promise(self, serving: Serving, decision: Decision) -> Commitment:
        decided = {
            "effect": decision.effect,
            "reason": decision.reason,
            "directive": decision.directive,
            "cite": decision.cite,
            "principals": [self._caller.key, self._caller.tenant],
        }
        facts = {
            "hub": {"key": self._parts.hub},
            "lease": dict(serving.lease),
            "decision": decided,
            "engine": {"build": serving.build, "model": serving.model, **_NOT_SAID},
            "clocks": clocks("began"),
        }
        return Commitment(serving.model, serving.weights, self._request.raw, facts)

    async def _generate(self, serving: Serving, send: Send) -> Frame:
        """Relay the engine's frames; its last one."""
        request, told = self._request, self._told
        shape = self._shape(serving)
        async with contextlib.aclosing(self._source.frames(serving)) as frames:
            async for frame in frames:
                match frame["kind"]:
                    case "started" if request.stream:
                        await self._start(200, _EVENTS, send)
                    case "delta":
                        scored = frame.get("logprobs")
                        if scored is not None:
                            told.logprobs = [*(told.logprobs or ()), *scored]
                        first = not told.pieces
                        told.pieces.append(frame["text"])
                        if request.stream:
                            await self._event(shape.piece(frame["text"], scored, first=first), send)
                    case "done":
                        return frame
                    case "failed":
                        raise Refused(_failed(frame))
                    case _:
                        continue
        raise EngineError("the engine stopped talking", code="engine_ended")

    async def _close(self, serving: Serving, done: Frame, send: Send) -> None:
        shape, told, metrics = self._shape(serving), self._told, self._parts.metrics
        prompt, completion = done["promptTokens"], done["completionTokens"]
        metrics.add("mythos_tokens_total", 'direction="in"', prompt)
        metrics.add("mythos_tokens_total", 'direction="out"', completion)
        metrics.add("mythos_answer_bytes_total", amount=len(told.answer))
        beside = {"mythos": done["mythos"]} if "mythos" in done else {}
        if self._request.api == "ask":
            await self._whole(200, told.answer, send)
            return
        if not self._request.stream:
            text = "".join(told.pieces)
            document = shape.whole(text, told.logprobs, done["finish"], prompt, completion)
            await self._document(200, document | beside, send)
            return
        await self._event(shape.last(done["finish"]) | beside, send)
        if self._request.include_usage:
            await self._event(shape.usage(prompt, completion), send)
        await self._send(send, b"data: [DONE]\n\n", more=False)

    async def _refuse(self, problem: Problem, send: Send) -> None:
        if problem.status == CLIENT_LEFT.status:
            return
        with contextlib.suppress(Refused):
            if self._told.started:
                await self._event(problem.to_dict(), send)
                await self._send(send, b"", more=False)
            else:
                await self._document(problem.status, problem.to_dict(), send, retry=problem.retry)

    def _shape(self, serving: Serving) -> Shape:
        called = self._request.model if self._request.ask is not None else None
        return Shape(self._request.api, self._name, called or serving.model, int(time.time()))

    async def _start(self, status: int, kind: tuple[bytes, bytes], send: Send, **more: str) -> None:
        headers = [kind, (b"cache-control", b"no-store")]
        if self._told.begun:
            headers.append((b"x-mythos-receipt", self._name.encode()))
        headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
        self._told.started = True
        await send({"type": "http.response.start", "status": status, "headers": headers})

    async def _event(self, document: dict[str, Any], send: Send) -> None:
        data = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        await self._send(send, b"data: " + data + b"\n\n", more=True)

    async def _document(
        self, status: int, document: dict[str, Any], send: Send, *, retry: int | None = None
    ) -> None:
        await self._whole(status, json.dumps(document, ensure_ascii=False).encode(), send, retry=retry)

    async def _whole(self, status: int, body: bytes, send: Send, *, retry: int | None = None) -> None:
        more = {"content_length": str(len(body))} | ({"retry_after": str(retry)} if retry else {})
        await self._start(status, _JSON, send, **more)
        await self._send(send, body, more=False)

    async def _send(self, send: Send, data: bytes, *, more: bool) -> None:
        try:
            async with asyncio.timeout(self._parts.limits.send_seconds):
                await send({"type": "http.response.body", "body": data, "more_body": more})
        except TimeoutError:
            raise Refused(CLIENT_SLOW) from None


def _failed(frame: Frame) -> Problem:
    if frame["code"] == "engine_failure":
        return Problem(
            500, "The engine could not answer this request.", "engine_failure", kind="server_error"
        )
    return Problem(400, frame["message"], frame["code"])


async def send_problem(problem: Problem, send: Send) -> None:
    """Answer with a refusal, outside of any answer."""
    body = json.dumps(problem.to_dict(), ensure_ascii=False).encode()
    headers = [_JSON, (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    if problem.retry is not None:
        headers.append((b"retry-after", str(problem.retry).encode()))
    if problem.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
