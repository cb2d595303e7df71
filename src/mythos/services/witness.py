"""A witness over HTTP (C2SP tlog-witness 1.0.0): POST /add-checkpoint, and what it last cosigned."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mythos.evidence.witness import MAX_BODY, Witness


def witness_app(witness: Witness, clock: Callable[[], float] = time.time) -> Starlette:
    """The app of one witness. `clock` gives POSIX seconds; its second stands in the cosignature."""

    async def add_checkpoint(request: Request) -> Response:
        parts: list[bytes] = []
        size = 0
        async for part in request.stream():
            parts.append(part)
            size += len(part)
            if size > MAX_BODY:
                return PlainTextResponse("the request is too large\n", 400)
        body = b"".join(parts)
        reply = await run_in_threadpool(lambda: witness.add_checkpoint(body, seconds=int(clock())))
        return Response(reply.body, reply.status, {"content-type": reply.content_type})

    async def checkpoint(request: Request) -> Response:
        note = await run_in_threadpool(witness.seen, request.query_params.get("origin", ""))
        return PlainTextResponse("no such log\n", 404) if note is None else PlainTextResponse(str(note))

    async def key(_request: Request) -> Response:
        return PlainTextResponse(f"{witness.key.verify_key}\n")

    return Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/checkpoint", checkpoint),
            Route("/key", key),
        ]
    )
