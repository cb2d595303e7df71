"""Shared Signals at the hub: a pushed event makes facts unknown at once, and stays so across restarts.

`POST /v1/signals` takes one security event token (RFC 8935). Its signature is its credential. The person's
facts are unknown, and whoever a directive then refuses is cut, before anything else is done; once that is on
the disk too, it is answered (a disk that is full keeps the transmitter trying, not the person in). A person
is known again when the file about people was written after the signal.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mythos.access.people import json_lines, read_object
from mythos.access.signals import Signal, Transmitter, read_signal
from mythos.access.tokens import PUBLIC, TOKEN_LIMIT
from mythos.errors import AccessError, MythosError
from mythos.files import sync_folder, write_private
from mythos.hub.enforcement import Enforcement
from mythos.hub.enforcement_people import People
from mythos.units import Digest, Instant

__all__ = ["Signals", "read_transmitter"]

_TYPE: Final = "application/secevent+jwt"
_PATIENCE: Final = 10.0
"""Seconds within which a token must have arrived: whoever sends it is not known before."""
_KEPT: Final = 10_000
"""Signals that are remembered whatever they are about: a replayed one is told from a new one."""


def read_transmitter(path: Path) -> tuple[Transmitter, dict[str, Any]]:
    """The configuration: `{"issuer", "audience", "jwks": {"keys": […]}}`.

    Raises:
        AccessError: anything else.
    """
    document = read_object(path.read_bytes(), where=path.name)
    issuer, audience, jwks = (document.get(name) for name in ("issuer", "audience", "jwks"))
    keys = cast("dict[str, Any]", jwks).get("keys") if isinstance(jwks, dict) else None
    if not (isinstance(issuer, str) and issuer and isinstance(audience, str) and audience and keys):
        raise AccessError(
            f"{path.name} names no transmitter",
            expected="issuer, audience and jwks with its keys",
            found=", ".join(document)[:120],
        )
    return Transmitter(issuer, audience), cast("dict[str, Any]", jwks)


class Signals:
    """What was heard, in a file of the host; whoever it is about is forgotten."""

    def __init__(
        self,
        path: Path,
        transmitter: Transmitter,
        jwks: dict[str, Any],
        now: Callable[[], Instant] = Instant.now,
    ) -> None:
        self._path, self._transmitter, self._jwks, self._now = path, transmitter, jwks, now
        self._heard: dict[Digest, tuple[str, Instant, bytes]] = {}  # in the order they came
        self._forgotten: dict[str, Instant] = {}
        self._written = Instant(0)
        data = path.read_bytes() if path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]  # what was cut short was not answered
        try:
            for line, _ in json_lines(whole, where=path.name):
                self._remember(
                    line["person"], Instant.parse(line["heard"]), Digest.parse(line["token"]), line
                )
        except (MythosError, KeyError, TypeError) as error:
            raise AccessError(
                f"what this hub heard about people is damaged: {path}",
                found=str(error)[:200],
                advice="Write the files about people anew, as of now, and move this one away.",
            ) from error
        if whole != data:
            write_private(path, whole)

    def known(self, people: People, written: Instant) -> People:
        """The people of a file written at this time; nothing is known of those who were heard of since.

        A file from the future was written by another clock: who was ever heard of stays unknown.
        """
        if written > self._now():
            written = Instant(0)
        self._written = written
        self._compact(written)
        return people.without({name for name, at in self._forgotten.items() if at >= written})

    def routes(self, enforcement: Enforcement) -> Sequence[Route]:
        """The route that hears, over a hub's enforcement."""

        async def hear(http: Request) -> Response:
            if http.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
                return _refused("invalid_request", f"The body must be {_TYPE}.")
            body = bytearray()
            try:
                async with asyncio.timeout(_PATIENCE):
                    async for part in http.stream():
                        body += part
                        if len(body) > TOKEN_LIMIT:
                            return _refused("invalid_request", "The token is too large.")
            except (TimeoutError, ClientDisconnect):
                return _refused("invalid_request", "The token did not arrive in time.")
            token, now = body.decode("ascii", "replace").strip(), self._now()
            found = read_signal(token, self._transmitter, self._jwks, now, heard=self._heard)
            if not isinstance(found, Signal):
                if found.reason == "replayed":
                    return Response(status_code=202)  # heard already: RFC 8935 section 2.2
                return _refused("invalid_request", PUBLIC)
            if found.person is not None:
                enforcement.meet(enforcement.people.without({found.person}))
                self._keep(found.person, found, now)
            return Response(status_code=202)

        return [Route("/v1/signals", hear, methods=["POST"])]

    def _keep(self, person: str, signal: Signal, now: Instant) -> None:
        at = max(now, signal.at)  # our clock may be slow
        line = {"person": person, "event": signal.event, "heard": str(at), "token": str(signal.token)}
        self._forgotten[person] = max(at, self._forgotten.get(person, at))
        _append(self._path, _line(line))
        self._remember(person, at, signal.token, line)
        if len(self._heard) > len(self._forgotten) + 2 * _KEPT:
            self._compact(self._written)

    def _remember(self, person: str, at: Instant, token: Digest, line: dict[str, Any]) -> None:
        self._heard[token] = (person, at, _line(line))
        self._forgotten[person] = max(at, self._forgotten.get(person, at))

    def _compact(self, written: Instant) -> None:
        """Drop old signals that a newer one, or the file about people, made good."""
        newest: dict[str, Digest] = {}
        for token, (person, at, _) in self._heard.items():
            if at == self._forgotten[person]:
                newest[person] = token
        old = len(self._heard) - _KEPT
        kept = {
            token: (person, at, line)
            for place, (token, (person, at, line)) in enumerate(self._heard.items())
            if place >= old or (newest.get(person) == token and at >= written)
        }
        if len(kept) < len(self._heard):
            write_private(self._path, b"".join(line for _, _, line in kept.values()))
            self._heard = kept


def _append(path: Path, data: bytes) -> None:
    """Add a line, whole or not at all; after the return it survives a power cut."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "ab", buffering=0) as file:
        size, whole = file.seek(0, os.SEEK_END), False
        try:
            whole = file.write(data) == len(data)
            os.fsync(file.fileno())
        finally:
            if not whole:
                file.truncate(size)
    if not whole:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    if not size:
        sync_folder(path.parent)


def _line(line: dict[str, Any]) -> bytes:
    return json.dumps(line).encode() + b"\n"


def _refused(code: str, text: str) -> Response:
    """RFC 8935 section 2.3; whether the person exists is not said."""
    return JSONResponse({"err": code, "description": text}, 400)
