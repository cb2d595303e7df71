"""Shared Signals at the hub: a pushed event makes facts unknown at once, and stays so across restarts.

`POST /v1/signals` takes one security event token (RFC 8935). Its signature is its credential. The person's
facts are unknown before the answer is sent, so whoever a directive then refuses is cut by then. What was
heard is on the disk first; a person is known again when the file about people was written after the signal.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mythos.access.people import json_lines, json_object
from mythos.access.signals import Signal, Transmitter, read_signal
from mythos.access.tokens import PUBLIC, TOKEN_LIMIT
from mythos.errors import AccessError
from mythos.files import write_private
from mythos.hub.enforcement import Enforcement
from mythos.hub.enforcement_people import People
from mythos.units import Digest, Instant

__all__ = ["Signals", "read_transmitter"]

_TYPE: Final = "application/secevent+jwt"
_KEPT: Final = 10_000
"""Signals that are remembered; the oldest go first."""


def read_transmitter(path: Path) -> tuple[Transmitter, dict[str, Any]]:
    """The configuration: `{"issuer", "audience", "jwks": {"keys": […]}}`.

    Raises:
        AccessError: anything else.
    """
    document = json_object(path.read_text("utf-8"), where=path.name)
    issuer, audience, jwks = (document.get(name) for name in ("issuer", "audience", "jwks"))
    if not (isinstance(issuer, str) and isinstance(audience, str) and isinstance(jwks, dict)):
        raise AccessError(f"{path.name} names no transmitter", expected="issuer, audience and jwks")
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
        self._heard: set[Digest] = set()
        self._forgotten: dict[str, Instant] = {}
        self._lines: deque[bytes] = deque(maxlen=_KEPT)
        if path.exists():
            self._lines.extend(path.read_bytes().splitlines(keepends=True))
        for line, _ in json_lines(b"".join(self._lines), where=path.name):
            self._remember(line["person"], Instant.parse(line["heard"]), Digest.parse(line["token"]))

    def known(self, people: People, written: Instant) -> People:
        """The people of a file written at this time; nothing is known of those who were heard of since."""
        return people.without({name for name, at in self._forgotten.items() if at >= written})

    def routes(self, enforcement: Enforcement) -> Sequence[Route]:
        """The route that hears, over a hub's enforcement."""

        async def hear(http: Request) -> Response:
            if http.headers.get("content-type", "").partition(";")[0].strip() != _TYPE:
                return _refused("invalid_request", f"The body must be {_TYPE}.")
            body = bytearray()
            async for part in http.stream():
                body += part
                if len(body) > TOKEN_LIMIT:
                    return _refused("invalid_request", "The token is too large.")
            token, now = body.decode("ascii", "replace").strip(), self._now()
            found = read_signal(token, self._transmitter, self._jwks, now, heard=self._heard)
            if not isinstance(found, Signal):
                if found.reason == "replayed":
                    return Response(status_code=202)  # heard already: RFC 8935 section 2.2
                return _refused("invalid_request", PUBLIC)
            if found.person is not None:
                self._keep(found.person, found, now)
                enforcement.meet(enforcement.people.without({found.person}))
            return Response(status_code=202)

        return [Route("/v1/signals", hear, methods=["POST"])]

    def _keep(self, person: str, signal: Signal, now: Instant) -> None:
        line = {"person": person, "event": signal.event, "heard": str(now), "token": str(signal.token)}
        self._lines.append(json.dumps(line).encode() + b"\n")
        write_private(self._path, b"".join(self._lines))
        self._remember(person, now, signal.token)

    def _remember(self, person: str, at: Instant, token: Digest) -> None:
        self._heard.add(token)
        self._forgotten[person] = max(at, self._forgotten.get(person, at))


def _refused(code: str, text: str) -> Response:
    """RFC 8935 section 2.3; whether the person exists is not said."""
    return JSONResponse({"err": code, "description": text}, 400)
