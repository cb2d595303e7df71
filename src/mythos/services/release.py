"""An approver's release service: shares come in wrapped, and leave wrapped to one engine.

POST /v1/share      a signed `share-deposit` from the owner
POST /v1/release    a hub's signed `release-request`; answers with the approver's signed `release-answer`
POST /v1/renew      a hub's signed `renewal-request`; answers with the approver's signed `renewal`
GET  /v1/status     {"approver"}      GET /healthz

A refusal is 403 with its code, sentence and citation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from mythos.custody.approver import Approver
from mythos.errors import CustodyError, EvidenceError, LogError, MythosError, NetworkError, QuotaError
from mythos.evidence.client import BUNDLE, refusal
from mythos.evidence.statement import MAX_ENTRY

_STATUS: Final[tuple[tuple[type[MythosError], int], ...]] = (
    (CustodyError, 403),
    (QuotaError, 413),
    (EvidenceError, 400),
    (LogError, 503),
    (NetworkError, 503),
)


def release_app(approver: Approver) -> Starlette:
    """The app of one approver."""

    def answering(act: Callable[[bytes], bytes]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            data = await _body(request)
            return Response(await run_in_threadpool(act, data), media_type=BUNDLE)

        return endpoint

    async def share(request: Request) -> Response:
        digest = await run_in_threadpool(approver.deposit, await _body(request))
        return JSONResponse({"digest": str(digest)})

    async def status(_request: Request) -> Response:
        return JSONResponse({"approver": approver.key.id})

    async def health(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    return Starlette(
        routes=[
            Route("/v1/share", share, methods=["POST"]),
            Route("/v1/release", answering(approver.release), methods=["POST"]),
            Route("/v1/renew", answering(approver.renew), methods=["POST"]),
            Route("/v1/status", status),
            Route("/healthz", health),
        ],
        exception_handlers={MythosError: _told},
    )


async def _told(_request: Request, error: Exception) -> Response:
    known = error if isinstance(error, MythosError) else LogError(str(error))
    return JSONResponse(
        refusal(known), next((status for kind, status in _STATUS if isinstance(known, kind)), 500)
    )


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_ENTRY:
            raise QuotaError("the message is too large", expected=f"at most {MAX_ENTRY} bytes")
        parts.append(part)
    return b"".join(parts)
