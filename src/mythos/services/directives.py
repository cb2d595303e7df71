"""The owner's push service: tells hubs what the log holds about people, leases them the right to serve.

POST /v1/follow        a hub's signed question; the signed news, as soon as there is some
POST /v1/lease         a hub's signed challenge; the signed lease, or 403 with the reason
POST /v1/acknowledge   a hub's signed acknowledgement, as it goes into the log
POST /v1/read          read the log now: whoever just logged a directive saves it the wait
GET  /v1/status/ID     how far a directive reached, live        GET /healthz

The log is the truth: the service folds it and holds nothing that is not there, but for the leases it gave.
After its own start every hub that a grant names may still hold one. It gives none while it cannot read the
log: it would vouch for a set that is older than the log's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from mythos.access.lease import MARGIN, Challenge, HubView
from mythos.access.ledger import Documents, Ledger, status
from mythos.errors import (
    AccessError,
    EvidenceError,
    InputError,
    LogError,
    MythosError,
    NetworkError,
    QuotaError,
)
from mythos.evidence.client import LogClient, refusal
from mythos.evidence.note import SigningKey, VerifyKey
from mythos.evidence.policy import Policy
from mythos.evidence.predicates import DirectiveAcknowledgement
from mythos.evidence.statement import MAX_ENTRY, Envelope
from mythos.hub.enforcement_state import FOLLOWED
from mythos.hub.enforcement_wire import News, read_question, tell
from mythos.units import Digest, Instant

__all__ = ["Board", "directives_app"]

LEASE: Final = 5.0
"""Seconds of a lease: the longest a hub that hears nothing goes on."""

_LONGEST: Final = 30.0
_PAGE: Final = 1024
_STATUS: Final[tuple[tuple[type[MythosError], int], ...]] = (
    (QuotaError, 413),
    (EvidenceError, 403),
    (InputError, 400),
    (AccessError, 404),
    (LogError, 503),
    (NetworkError, 503),
)


class Board:
    """What the owner knows: the folded log, and what it told each hub. Belongs to one event loop.

    Args:
        log: the log's address.
        key: the owner's; leases and news are signed with it.
        policy: whom the owner trusts.
        documents: finds the bytes of directives whose statement holds the digest alone.
        lease: seconds of a lease.
        readmit: hubs whose earlier acknowledgements are forgotten: their disks were lost or went back.
        now: the owner's clock.
    """

    def __init__(
        self,
        log: str,
        key: SigningKey,
        policy: Policy,
        documents: Documents = lambda _digest: None,
        *,
        lease: float = LEASE,
        readmit: frozenset[str] = frozenset(),
        now: Callable[[], Instant] = Instant.now,
    ) -> None:
        self.log, self.key, self.lease = LogClient(log), key, lease
        self._reader = LogClient(log)
        self.ledger = Ledger(policy, documents)
        self._beside: list[tuple[int, bytes]] = []
        self._now, self._readmit = now, readmit
        self._views: dict[str, HubView] = {}
        self._told: dict[str, list[DirectiveAcknowledgement]] = {}
        self._started = now()
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._turned = asyncio.Event()
        self._bodies: dict[tuple[int, int], bytes] = {}

    async def run(self) -> None:
        """Follow the log until cancelled."""
        while True:
            try:
                await self.read()
                await run_in_threadpool(self._wait)
            except MythosError:
                await asyncio.sleep(0.25)  # no lease is given meanwhile

    async def read(self) -> None:
        """Read the log to its acknowledged end.

        Raises:
            NetworkError, LogError: it does not answer.
        """
        async with self._reading:
            began = time.monotonic()
            size = (await run_in_threadpool(self.log.status))["acknowledged"]
            before = (len(self.ledger.held.links), len(self._beside))
            while self.ledger.size < size:
                start = self.ledger.size
                found = await run_in_threadpool(self.log.entries, start, min(size, start + _PAGE))
                for index, data in enumerate(found, start):
                    self._take(index, data)
            self._read_at = began
            if before != (len(self.ledger.held.links), len(self._beside)):
                self._bodies.clear()
                self._turned.set()
                self._turned = asyncio.Event()

    def _take(self, index: int, data: bytes) -> None:
        problems = len(self.ledger.problems)
        self.ledger.add(data)
        if len(self.ledger.problems) == problems and Envelope.parse(data).statement().act in FOLLOWED:
            self._beside.append((index, data))

    def _wait(self) -> None:
        try:
            self._reader.wait(self.ledger.size + 1, "published", self.lease / 4)
        except LogError as error:
            if error.code != "timeout":
                raise

    def key_of(self, hub: str) -> VerifyKey | None:
        """The key of a hub that a grant names, while the trust root still has it."""
        known = self.ledger.hubs.get(hub)
        trust = self.ledger.trust_at(self.ledger.size) if self.ledger.size else None
        return None if known is None or trust is None else trust.keys.get(known.key)

    def view(self, hub: str) -> HubView:
        """What is known of a hub; one that was not heard since the start may still hold a lease."""
        found = self._views.get(hub)
        if found is None:
            signed = self.ledger.hubs[hub].acknowledged if hub in self.ledger.hubs else []
            most = 0 if hub in self._readmit else max((act.index + 1 for act in signed), default=0)
            found = HubView(most, "", self._started.plus(self.lease + MARGIN))
            self._views[hub] = found
        return found

    async def follow(self, hub: str, about: dict[str, Any]) -> bytes:
        """The news beyond what a hub holds, once there is some or its patience ends."""
        nonce, after, links = str(about["nonce"]), int(about["after"]), int(about["links"])
        deadline = time.monotonic() + min(_LONGEST, int(about["wait"]) / 1000)
        while not self._newer(after, links) and (left := deadline - time.monotonic()) > 0:
            turned = self._turned
            try:
                async with asyncio.timeout(left):
                    await turned.wait()
            except TimeoutError:
                break
        body = self._bodies.get((after, links))
        if body is None:
            beside = [item for item in self._beside if item[0] >= after]
            told = [link.to_dict() for link in self.ledger.held.links[links:]]
            body = News(self.ledger.size, told, beside).to_bytes()
            self._bodies[after, links] = body
        return tell(hub, nonce, body, self.key)

    def _newer(self, after: int, links: int) -> bool:
        beside = bool(self._beside) and self._beside[-1][0] >= after
        return beside or len(self.ledger.held.links) > links

    def answer(self, hub: str, about: dict[str, Any]) -> bytes:
        """A signed lease.

        Raises:
            EvidenceError: denied; the code says why.
            LogError: the log was not read lately.
        """
        told = about["challenge"]
        challenge = Challenge(hub, told["boot"], told["nonce"], int(told["size"]), Digest.parse(told["head"]))
        if time.monotonic() - self._read_at > self.lease:
            raise LogError("the owner cannot read the log", code="log_unread")
        view = self.view(hub)
        after, reply, why = view.answer(challenge, self.ledger.held, self.key, self._now(), self.lease)
        self._views[hub] = after
        if reply is None:
            raise EvidenceError("no lease for this hub", found=why, code=why)
        return reply

    def acknowledged(self, data: bytes) -> None:
        """Take an acknowledgement that is on its way into the log.

        Raises:
            EvidenceError: not signed by the hub that it names, or over another history.
        """
        envelope = Envelope.parse(data)
        statement = envelope.statement()
        if statement.act != DirectiveAcknowledgement.NAME:
            raise EvidenceError("not an acknowledgement", found=str(statement.act)[:80])
        act = DirectiveAcknowledgement.of(statement)
        key = self.key_of(act.hub)
        if key is None or key.id not in envelope.verify([key]):
            raise EvidenceError("not signed by the hub that it names", found=act.hub[:80])
        self._told.setdefault(act.hub, []).append(act)
        heads = {link.index: link.head for link in self.ledger.held.links}
        if heads.get(act.index) != act.head:
            raise EvidenceError(
                "an acknowledgement of another history", found=act.hub[:80], code="other_head"
            )
        view = self.view(act.hub)
        self._views[act.hub] = replace(view, acknowledged=max(view.acknowledged, act.index + 1))

    def status(self, directive: str) -> dict[str, Any] | None:
        """How far a directive reached; a hub is `stopped` once the last lease given to it has ended."""
        hubs = {
            name: replace(hub, acknowledged=[*hub.acknowledged, *self._told.get(name, [])])
            for name, hub in self.ledger.hubs.items()
        }
        document = status(replace(self.ledger, hubs=hubs), directive, self._now())
        if document is None:
            return None
        size = document["index"] + 1
        for row in document["hubs"]:
            silent = not any(act.index >= size - 1 for act in hubs[row["hub"]].acknowledged)
            if (
                row["state"] == "red"
                and silent
                and self.view(row["hub"]).colour(size, self._now()) == "stopped"
            ):
                row["state"] = "stopped"
        return document | {"complete": all(row["state"] != "red" for row in document["hubs"]), "live": True}

    def close(self) -> None:
        """Close the connections to the log."""
        self.log.close()
        self._reader.close()


def directives_app(make: Callable[[], Board]) -> Starlette:
    """The app of one owner; `make` is called on the event loop that serves it."""
    held: list[Board] = []

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        board = make()
        held.append(board)
        following = asyncio.create_task(board.run())
        try:
            yield
        finally:
            following.cancel()
            board.close()

    async def follow(request: Request) -> Response:
        hub, about = read_question(await _body(request), "/v1/follow", held[0].key_of)
        return Response(await held[0].follow(hub, about), media_type="application/json")

    async def lease(request: Request) -> Response:
        hub, about = read_question(await _body(request), "/v1/lease", held[0].key_of)
        return Response(held[0].answer(hub, about), media_type="application/json")

    async def acknowledge(request: Request) -> Response:
        held[0].acknowledged(await _body(request))
        return JSONResponse({})

    async def read(_request: Request) -> Response:
        await held[0].read()
        return JSONResponse({"size": held[0].ledger.size})

    async def coverage(request: Request) -> Response:
        name = request.path_params["name"]
        document = held[0].status(name)
        if document is None:
            raise AccessError(f"the log holds no directive {name!r}")
        return JSONResponse(document)

    async def health(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    return Starlette(
        routes=[
            Route("/v1/follow", follow, methods=["POST"]),
            Route("/v1/lease", lease, methods=["POST"]),
            Route("/v1/acknowledge", acknowledge, methods=["POST"]),
            Route("/v1/read", read, methods=["POST"]),
            Route("/v1/status/{name}", coverage),
            Route("/healthz", health),
        ],
        exception_handlers={
            MythosError: _refused,
            KeyError: _refused,
            TypeError: _refused,
            ValueError: _refused,
        },
        lifespan=lifespan,
    )


async def _refused(_request: Request, error: Exception) -> Response:
    known = (
        error if isinstance(error, MythosError) else InputError("not a question", found=type(error).__name__)
    )
    return JSONResponse(
        refusal(known), next((code for kind, code in _STATUS if isinstance(known, kind)), 500)
    )


async def _body(request: Request) -> bytes:
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > MAX_ENTRY:
            raise QuotaError("the message is too large", expected=f"at most {MAX_ENTRY} bytes")
    return bytes(parts)
