"""How hub and owner speak about directives: signed questions, signed answers, one HTTP connection each.

A question is signed by the hub's key and an answer by the owner's, over the nonce of the question: so nobody
between them adds, drops or replays anything, with TLS or without. (The lease has its own signed form, see
`mythos.access.lease`.)

    POST /v1/follow       {after, links, wait}: what the log holds beyond that; waits until there is something
    POST /v1/lease        a challenge; the signed lease, or 403 with the reason
    POST /v1/acknowledge  the hub's signed acknowledgement, exactly as it goes into the log
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import h11

from mythos.errors import EvidenceError, InputError, MalformedError, NetworkError
from mythos.evidence.note import SigningKey, VerifyKey, decode64, encode64
from mythos.evidence.statement import canonical, fields, pae, parse_canonical, text
from mythos.units import Digest

__all__ = ["Line", "News", "question", "read_question", "read_told", "tell"]

_QUESTION: Final = "application/vnd.mythos.directive-question+json"
_TOLD: Final = "application/vnd.mythos.directive-news+json"
_MOST: Final = 256 << 20
_SMALL: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class News:
    """What the owner told: the log's size, links of the chain, and trust roots, identities, derivations."""

    size: int
    links: list[Any]
    entries: list[tuple[int, bytes]]

    def to_bytes(self) -> bytes:
        """The body that the owner signs."""
        entries = [[index, encode64(data)] for index, data in self.entries]
        return canonical({"size": self.size, "links": self.links, "entries": entries})


def question(hub: str, about: dict[str, Any], key: SigningKey) -> bytes:
    """A hub's question; `about` names the path, so that no question passes for another."""
    payload = canonical({"hub": hub, "about": about})
    return canonical({"payload": encode64(payload), "sig": encode64(key.sign(pae(_QUESTION, payload)))})


def read_question(data: bytes, path: str, key_of: Callable[[str], VerifyKey | None]) -> tuple[str, Any]:
    """Who asks, and what.

    Raises:
        EvidenceError: not a question to this path, or not signed by the hub that it names.
    """
    told = fields(parse_canonical(data, _SMALL), "payload", "sig", what="a question")
    payload = decode64(text(told["payload"], what="payload"))
    asked = fields(parse_canonical(payload, _SMALL), "hub", "about", what="a question")
    hub, about = text(asked["hub"], what="hub"), asked["about"]
    key = key_of(hub)
    signed = key is not None and key.verify(decode64(text(told["sig"], what="sig")), pae(_QUESTION, payload))
    if not signed or not isinstance(about, dict) or about.get("path") != path:  # pyright: ignore[reportUnknownMemberType]
        raise EvidenceError("not a question of a hub that a grant names", found=hub[:80])
    return hub, about  # pyright: ignore[reportUnknownVariableType]


def tell(hub: str, nonce: str, body: bytes, key: SigningKey) -> bytes:
    """The owner's answer to a hub's question: `body`, bound to the nonce."""
    signature = key.sign(pae(_TOLD, _bound(hub, nonce, body)))
    return canonical({"body": encode64(body), "sig": encode64(signature)})


def read_told(data: bytes, hub: str, nonce: str, keys: Callable[[News], Iterable[VerifyKey]]) -> News:
    """The news of an answer.

    Args:
        data: as it came.
        hub: who asked.
        nonce: of the question.
        keys: the owner's, once the trust roots among the news are taken (they prove themselves).

    Raises:
        EvidenceError: not an answer to this question, or not signed by the owner.
    """
    told = fields(parse_canonical(data, _MOST), "body", "sig", what="an answer")
    body, signature = decode64(text(told["body"], what="body")), decode64(text(told["sig"], what="sig"))
    document = fields(parse_canonical(body, _MOST), "size", "links", "entries", what="news")
    try:
        entries = [(int(index), decode64(entry)) for index, entry in document["entries"]]
        news = News(int(document["size"]), list(document["links"]), entries)
    except (TypeError, ValueError) as error:
        raise MalformedError("not news", found=str(error)[:120]) from error
    message = pae(_TOLD, _bound(hub, nonce, body))
    if not any(key.verify(signature, message) for key in keys(news)):
        raise EvidenceError("the news is not signed by the owner for this question")
    return news


def _bound(hub: str, nonce: str, body: bytes) -> bytes:
    return canonical({"hub": hub, "nonce": nonce, "digest": str(Digest.of(body))})


class Line:
    """One kept-alive HTTP/1.1 connection of an event loop; one request at a time.

    Args:
        address: `unix:PATH`, `http://HOST:PORT` or https.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        if not address.startswith("unix:") and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise InputError(
                "not an address", expected="unix:PATH or http://HOST:PORT", found=repr(address[:120])
            )
        self.address = address
        self._lock = asyncio.Lock()
        self._wire: tuple[asyncio.StreamReader, asyncio.StreamWriter, h11.Connection] | None = None

    async def post(self, path: str, body: bytes, *, seconds: float) -> tuple[int, bytes]:
        """Send one request; its status and body.

        Raises:
            NetworkError: nobody answers in time.
        """
        async with self._lock:
            try:
                async with asyncio.timeout(seconds):
                    fresh = self._wire is None
                    try:
                        return await self._exchange(path, body)
                    except (OSError, h11.RemoteProtocolError, EOFError):
                        await self.close()
                        if fresh:
                            raise
                        return await self._exchange(path, body)  # it went stale while it was idle
            except (OSError, h11.ProtocolError, EOFError, TimeoutError) as error:
                await self.close()
                raise NetworkError(
                    f"no answer from {self.address}", found=str(error) or type(error).__name__
                ) from error
            except asyncio.CancelledError:
                await self.close()
                raise

    async def close(self) -> None:
        """Close the connection; the next request opens another."""
        wire, self._wire = self._wire, None
        if wire is not None:
            with contextlib.suppress(OSError):
                wire[1].close()

    async def _exchange(self, path: str, body: bytes) -> tuple[int, bytes]:
        reader, writer, state = self._wire or await self._connect()
        host = urlsplit(self.address).netloc or "localhost"
        headers = [("host", host), ("content-length", str(len(body)))]
        writer.write(state.send(h11.Request(method="POST", target=path, headers=headers)) or b"")
        writer.write((state.send(h11.Data(body)) or b"") + (state.send(h11.EndOfMessage()) or b""))
        await writer.drain()
        status, received = 0, bytearray()
        while True:
            match state.next_event():
                case h11.NEED_DATA:
                    state.receive_data(await reader.read(1 << 16))
                case h11.Response() as response:
                    status = response.status_code
                case h11.Data() as data:
                    received += data.data
                    if len(received) > _MOST:
                        raise h11.RemoteProtocolError("the answer is too large")
                case h11.EndOfMessage():
                    break
                case h11.ConnectionClosed():
                    raise EOFError
                case _:
                    continue
        if state.our_state is h11.DONE and state.their_state is h11.DONE:
            state.start_next_cycle()
        else:
            await self.close()
        return status, bytes(received)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, h11.Connection]:
        if self.address.startswith("unix:"):
            streams = await asyncio.open_unix_connection(self.address.removeprefix("unix:"))
        else:
            parts = urlsplit(self.address)
            tls = ssl.create_default_context() if parts.scheme == "https" else None
            port = parts.port or (443 if tls else 80)
            streams = await asyncio.open_connection(parts.hostname, port, ssl=tls)
        self._wire = (*streams, h11.Connection(h11.CLIENT))
        return self._wire
