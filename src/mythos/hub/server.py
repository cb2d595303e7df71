"""Runs a hub: its port first, then its engine, then its requests; and all of it backwards at the end.

The listening socket is bound before anything is opened, so that a taken port costs no release. The HTTP
server answers (with 503 and the reason) while the engine is opened.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.routing import Route
from starlette.types import ASGIApp

from mythos.errors import HubError
from mythos.evidence.note import SigningKey
from mythos.files import read_private, write_private
from mythos.hub.admission import Admission, Decider, allow
from mythos.hub.answer import Limits, Parts
from mythos.hub.app import create_app
from mythos.hub.desk import Data, Desk
from mythos.hub.enforcement import Enforcement
from mythos.hub.keeper import Keeper, Opener, Serving
from mythos.hub.metrics import Metrics
from mythos.hub.receipts import Receipts, Vault
from mythos.hub.shapes import Problem
from mythos.hub.store import Store, open_store
from mythos.units import Instant

__all__ = ["Settings", "listen", "publishing", "serve"]

_DAY: Final = 86_400.0
_SWEEP: Final = 3_600.0
_LAST_WORDS: Final = 5.0
_CONNECTIONS: Final = 512
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_STOPPING: Final = Problem(503, "The hub is stopping.", "stopping", kind="service_unavailable")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a hub runs.

    Attributes:
        folder: the host's private folder: hub.db, the transcripts' key, the lock.
        log: the log's address.
        signer: the hub's key.
        slots: requests answered at once.
        names: host names under which it may be called, beside the loopback's.
        renew: whether to ask for renewals of the lease.
        retention_days: how long transcripts are kept.
        enforce: makes what obeys directives; without, none is known and `decider` decides.
        signals: makes the routes by which an identity provider says that facts about a person have changed.
        data: what questions may be put to.
        pages: the console's routes; they hold nothing of anybody.
    """

    folder: Path
    log: str
    signer: SigningKey
    slots: int = 2
    names: frozenset[str] = frozenset()
    renew: bool = True
    retention_days: int = 7
    limits: Limits = field(default_factory=Limits)
    decider: Decider = allow
    enforce: Callable[[Admission, Receipts], Enforcement] | None = None
    signals: Callable[[Enforcement], Sequence[Route]] | None = None
    data: Sequence[Data] = ()
    pages: Sequence[Route] = ()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        HubError: the port is taken or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's delay (40 ms for an answer's last event) off only where the protocol is named
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_CONNECTIONS)
    except OSError as error:
        sock.close()
        taken = error.errno == errno.EADDRINUSE
        raise HubError(
            f"port {port} is taken" if taken else f"cannot listen on {host}:{port}",
            found=os.strerror(error.errno or 0),
            advice="Stop what uses it, or choose another with --port.",
            code="port_taken" if taken else "cannot_listen",
        ) from error
    return sock


async def serve(
    settings: Settings,
    sock: socket.socket,
    make_opener: Callable[[Receipts], Opener],
    ready: Callable[[Parts], None],
    stop: asyncio.Event,
) -> None:
    """Run a hub on `sock` until `stop` is set; its engine is ended, and said to be, before this returns.

    Args:
        settings: how.
        sock: from `listen`.
        make_opener: makes the release flow, which states what it does through the receipts' log.
        ready: told once the model serves.
        stop: set by the caller, or by the HTTP server when it ends by itself.

    Raises:
        MythosError: the first engine was not released or did not start.
    """
    limits = settings.limits
    desk = _desk(settings)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(sock.close)
        store = stack.enter_context(open_store(settings.folder, exclusive=True))
        if desk is not None:
            await stack.enter_async_context(desk)
        receipts = Receipts(store, Vault(_transcript_key(settings.folder)), settings.signer, settings.log)
        await receipts.recover()
        keeper = Keeper(make_opener(receipts), renew=settings.renew)
        admission = Admission(
            settings.decider, slots=settings.slots, queue=limits.queue, patience=limits.queue_seconds
        )
        hub = str(settings.signer.verify_key)
        parts = Parts(admission, keeper, receipts, Metrics(), limits, hub, desk)
        enforcement = settings.enforce(admission, receipts) if settings.enforce else None
        obeying = asyncio.sleep(0) if enforcement is None else enforcement.run()
        signals = settings.signals(enforcement) if enforcement and settings.signals else ()
        app = create_app(parts, store, _LOOPBACK | settings.names, (*signals, *settings.pages))
        async with publishing(receipts, stop), _background(obeying, stop), _answering(app, sock, stop):
            opening = asyncio.create_task(keeper.open())
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({opening, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                opening.cancel()
                await asyncio.wait({opening})
                return
            stopping.cancel()
            keeping, sweeping = keeper.run(opening.result()), _sweep(settings, store, keeper, desk)
            async with _background(keeping, stop), _background(sweeping, stop):
                ready(parts)
                await stop.wait()
                for name in admission.live:
                    admission.cut(name, _STOPPING)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are the caller's: the engine ends before the process does."""
        yield


@contextlib.asynccontextmanager
async def _answering(app: ASGIApp, sock: socket.socket, stop: asyncio.Event) -> AsyncGenerator[None]:
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        ws="none",
        lifespan="off",
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=5,
        server_header=False,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve([sock]))
    running.add_done_callback(lambda _: stop.set())
    try:
        yield
    finally:
        server.should_exit = True
        await running


@contextlib.asynccontextmanager
async def publishing(receipts: Receipts, stop: asyncio.Event) -> AsyncGenerator[None]:
    """The publishing task; at the end what is finished is published once more, if the log answers."""
    try:
        async with _background(receipts.run(), stop):
            yield
    finally:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_LAST_WORDS):
                await receipts.publish()
        receipts.close()


@contextlib.asynccontextmanager
async def _background(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> AsyncGenerator[None]:
    """Work beside the block; if it breaks, the hub stops and says why."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda done: None if done.cancelled() or not done.exception() else stop.set())
    try:
        yield
    finally:
        task.cancel()
        [outcome] = await asyncio.gather(task, return_exceptions=True)
        if isinstance(outcome, Exception):
            raise outcome


def _desk(settings: Settings) -> Desk | None:
    if not settings.data:
        return None
    limits = settings.limits
    return Desk(
        settings.data, settings.folder / "ask",
        seconds=min(limits.ask_seconds, limits.answer_seconds),
        queue=limits.queue, patience=limits.queue_seconds,
    )  # fmt: skip


async def _sweep(settings: Settings, store: Store, keeper: Keeper, desk: Desk | None) -> None:
    """Erase what is past its retention, every hour: the host's, or the grant's when that is shorter."""
    days = settings.retention_days
    while True:
        if isinstance(keeper.state, Serving):
            days = min(settings.retention_days, keeper.state.retention_days)
        await store.run(store.erase, Instant.now().plus(-days * _DAY))
        if desk is not None:
            await asyncio.to_thread(desk.sweep, days)
        await asyncio.sleep(_SWEEP)


def _transcript_key(folder: Path) -> bytes:
    """The host's own key for transcripts at rest, made on first use."""
    path = folder / "keys" / "transcripts.key"
    if not path.exists():
        write_private(path, secrets.token_bytes(32).hex().encode())
    return bytes.fromhex(read_private(path).decode())
