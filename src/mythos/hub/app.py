"""The front's HTTP surface: who calls, what is asked, and the answers that need no engine.

Every route but `/healthz` and `/readyz` needs a key. The Host header must name this hub, or a web page that a
person visits could speak to a hub on their own machine (DNS rebinding). Nothing a person wrote is logged.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from typing import Any, Final, Literal

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mythos.hub.answer import Answer, Parts, send_problem
from mythos.hub.questions import ASK, question_of, read_question
from mythos.hub.receipts import Erased, Pending
from mythos.hub.shapes import Problem, Request, read_request
from mythos.hub.store import Caller, Store

__all__ = ["create_app"]

_LOG: Final = logging.getLogger("mythos.hub")
_NO_KEY: Final = Problem(401, "A valid API key is needed: Authorization: Bearer KEY.", "invalid_api_key")
_NOT_THIS: Final = Problem(403, "This key is not for this.", "wrong_scope", kind="permission_error")
_NO_EMBEDDINGS: Final = Problem(
    501,
    "This hub has no embedding engine: the model that is open here generates text.",
    "embeddings_not_available",
    kind="not_implemented",
)
_NO_DATA: Final = Problem(501, "This hub answers from no data.", "data_not_available", kind="not_implemented")


def create_app(parts: Parts, store: Store, hosts: frozenset[str], more: Sequence[Route] = ()) -> ASGIApp:
    """The ASGI application.

    Args:
        parts: what answers are made with.
        store: keys and receipts.
        hosts: the names under which this hub may be called, lower case and without port.
        more: further routes, which know for themselves who may call them.
    """
    front = _Front(parts, store)
    routes = [
        Route("/v1/chat/completions", front.chat, methods=["POST"]),
        Route("/v1/completions", front.text, methods=["POST"]),
        Route("/v1/ask", front.ask, methods=["POST"]),
        Route("/v1/embeddings", front.embeddings, methods=["POST"]),
        Route("/v1/models", front.models),
        Route("/v1/receipts/{name}", front.receipt),
        Route("/healthz", front.health),
        Route("/readyz", front.ready),
        Route("/metrics", front.metrics),
        *more,
    ]
    return _guard(
        Starlette(routes=routes, exception_handlers={404: _unknown, 405: _unknown, Exception: _broken}), hosts
    )


def _guard(app: ASGIApp, hosts: frozenset[str]) -> ASGIApp:
    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1").lower()
        if _without_port(host) not in hosts:
            problem = Problem(421, "This hub is not called by this Host header.", "wrong_host")
            await send_problem(problem, send)
            return
        try:
            await app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 (answered by `_broken`; its text could hold what a person wrote)
            _LOG.error("a request broke: %s at %s", type(error).__name__, _place(error))

    return guarded


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}"


async def _unknown(_request: HttpRequest, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    return _problem(Problem(status, "There is nothing here for this method and path.", "not_found"))


async def _broken(_request: HttpRequest, _error: Exception) -> Response:
    return _problem(Problem(500, "The hub failed.", "internal_error", kind="server_error"))


def _problem(problem: Problem) -> Response:
    headers = {"retry-after": str(problem.retry)} if problem.retry is not None else {}
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    return JSONResponse(problem.to_dict(), problem.status, headers)


class _Front:
    def __init__(self, parts: Parts, store: Store) -> None:
        self._parts = parts
        self._store = store

    async def chat(self, http: HttpRequest) -> Any:
        return await self._complete("chat", http)

    async def text(self, http: HttpRequest) -> Any:
        return await self._complete("text", http)

    async def _complete(self, api: Literal["chat", "text"], http: HttpRequest) -> Any:
        caller = await self._caller(http, "use")
        if isinstance(caller, Problem):
            return _problem(caller)
        raw = await _body(http, self._parts.limits.body, self._parts.limits.body_seconds)
        if isinstance(raw, Problem):
            return _problem(raw)
        request = read_request(api, raw)
        if isinstance(request, Problem):
            return _problem(request)
        if api == "chat" and request.model is not None and request.model.startswith(ASK):
            return self._put(caller, question_of(request))
        serving = self._parts.keeper.state
        if isinstance(serving, Problem):
            return _problem(serving)
        if request.model not in {None, serving.model, str(serving.weights)}:
            message = f"There is no model {str(request.model)[:100]!r} here; there is {serving.model!r}."
            return _problem(Problem(404, message, "model_not_found", param="model"))
        return Answer(self._parts, caller, request, serving.model, f"r-{secrets.token_hex(12)}")

    async def ask(self, http: HttpRequest) -> Any:
        caller = await self._caller(http, "use")
        if isinstance(caller, Problem):
            return _problem(caller)
        raw = await _body(http, self._parts.limits.body, self._parts.limits.body_seconds)
        return self._put(caller, raw if isinstance(raw, Problem) else read_question(raw))

    def _put(self, caller: Caller, request: Request | Problem) -> Any:
        """Answer a question to data; the person is the caller."""
        if isinstance(request, Problem) or request.ask is None:
            return _problem(request if isinstance(request, Problem) else _NO_DATA)
        desk, asked, serving = self._parts.desk, request.ask, self._parts.keeper.state
        if desk is None:
            return _problem(_NO_DATA)
        if isinstance(serving, Problem):
            return _problem(serving)
        name = asked.data if asked.data is not None or len(desk.data) > 1 else next(iter(desk.data))
        data = desk.data.get(name or "")
        if data is None:
            message = f"There is no data {name[:100]!r} here." if name else "Name the data that is asked."
            param = "model" if request.api == "chat" else "data"
            message += f" There is: {', '.join(desk.data)}."
            return _problem(Problem(404 if name else 400, message, "data_not_found", param=param))
        words = request.api == "chat"
        source = desk.source(data, asked, caller.tenant, self._parts.admission, words=words)
        return Answer(self._parts, caller, request, serving.model, f"r-{secrets.token_hex(12)}", source)

    async def embeddings(self, http: HttpRequest) -> Response:
        caller = await self._caller(http, "use")
        return _problem(caller if isinstance(caller, Problem) else _NO_EMBEDDINGS)

    async def models(self, http: HttpRequest) -> Response:
        caller = await self._caller(http, "use")
        serving = self._parts.keeper.state
        if isinstance(caller, Problem):
            return _problem(caller)
        if isinstance(serving, Problem):
            return _problem(serving)
        extra = {"weights": str(serving.weights), "lease_until": str(serving.until)}
        about = {"object": "model", "created": 0, "owned_by": "mythos"}
        data = () if self._parts.desk is None else self._parts.desk.data
        listed = [{"id": serving.model, **about, "mythos": extra}]
        listed += [{"id": ASK + name, **about, "mythos": {"data": name}} for name in data]
        return JSONResponse({"object": "list", "data": listed})

    async def receipt(self, http: HttpRequest) -> Response:
        caller = await self._caller(http, "use")
        if isinstance(caller, Problem):
            return _problem(caller)
        name = http.path_params["name"]
        found = await self._parts.receipts.fetch(name, caller.tenant)
        match found:
            case None:
                return _problem(Problem(404, "You have no such receipt.", "receipt_not_found"))
            case Pending():
                return JSONResponse({"id": name, "state": "pending"}, 202, {"retry-after": "1"})
            case Erased():
                message = "The openings of this receipt are erased; its leaf still stands in the log."
                return _problem(Problem(410, message, "receipt_erased"))
            case _:
                return Response(found, media_type="application/json")

    async def health(self, _http: HttpRequest) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(self, _http: HttpRequest) -> Response:
        serving = self._parts.keeper.state
        if isinstance(serving, Problem):
            return _problem(serving)
        return JSONResponse({"status": "ready", "model": serving.model, "lease_until": str(serving.until)})

    async def metrics(self, http: HttpRequest) -> Response:
        caller = await self._caller(http, "metrics")
        if isinstance(caller, Problem):
            return _problem(caller)
        admission, serving = self._parts.admission, self._parts.keeper.state
        gauges = {
            "mythos_serving": float(not isinstance(serving, Problem)),
            "mythos_live_requests": len(admission.live),
            "mythos_waiting_requests": admission.waiting,
        }
        return PlainTextResponse(
            self._parts.metrics.text(gauges), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    async def _caller(self, http: HttpRequest, scope: str) -> Caller | Problem:
        kind, _, key = http.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not key:
            return _NO_KEY
        caller = await self._store.run(self._store.caller, key.strip())
        if caller is None:
            return _NO_KEY
        return caller if caller.scope == scope else _NOT_THIS


async def _body(http: HttpRequest, limit: int, seconds: float) -> bytes | Problem:
    """The whole body, or what is wrong with it; never more than `limit` bytes are held."""
    too_large = Problem(413, f"The body is over {limit} bytes.", "body_too_large")
    data = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for part in http.stream():
                data += part
                if len(data) > limit:
                    return too_large
    except TimeoutError:
        return Problem(408, "The body did not arrive in time.", "body_timeout")
    except ClientDisconnect:
        return Problem(499, "The client left.", "client_left")
    return bytes(data)
