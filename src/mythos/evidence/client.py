"""The log service's client, with the standard library alone: quick to import, quick to connect.

log = LogClient("unix:/run/mythos/log.sock")
[appended] = log.append([envelope.to_bytes()])      # acknowledged: durable in the log's database
log.wait(appended.index + 1)                        # witnessed: the text of a cosigned checkpoint
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import Any, Final, Literal, NoReturn, Self, cast
from urllib.parse import quote, urlsplit

from mythos import errors
from mythos.errors import InputError, LogError, MythosError, NetworkError
from mythos.evidence.merkle import leaf_hash, pack, unpack
from mythos.evidence.note import decode64
from mythos.evidence.statement import check_size

State = Literal["published", "witnessed"]

MAX_BATCH: Final = 4_096
MAX_ANSWER: Final = 1 << 25
"""Bytes of the largest answer that is read; a page of 256 entries has half of it at most."""

BUNDLE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Appended:
    """Where an entry stands: its index, its leaf hash, and the size of the log that first held it."""

    index: int
    leaf_hash: bytes
    size: int


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def connection(address: str, timeout: float) -> tuple[http.client.HTTPConnection, str]:
    """A connection to `unix:PATH`, `http://HOST:PORT[/PREFIX]` or https, and the path prefix.

    Raises:
        InputError: another kind of address.
    """
    if address.startswith("unix:"):
        return _UnixConnection(address.removeprefix("unix:"), timeout), ""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in {"http", "https"} or not host:
        raise InputError(
            "not an address", expected="unix:PATH or http://HOST:PORT", found=repr(address[:120])
        )
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(host, port, timeout=timeout), parts.path.rstrip("/")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of another party."""

    status: int
    content_type: str
    body: bytes


class Peer:
    """One kept-alive connection to another party; safe to share between threads."""

    def __init__(self, address: str, *, timeout: float = 30.0) -> None:
        self.address = address
        self._timeout = timeout
        self._lock = threading.Lock()
        self._connection, self._prefix = connection(address, timeout)

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        timeout: float | None = None,
    ) -> Reply:
        """Send one request; a connection that went stale while idle is opened anew once.

        Raises:
            NetworkError: nobody answers there.
        """
        with self._lock:
            limit = self._timeout if timeout is None else timeout
            for attempt in (0, 1):
                fresh = self._connection.sock is None
                try:
                    return self._exchange(method, path, body, headers, limit)
                except (OSError, http.client.HTTPException) as error:
                    self._connection.close()
                    if fresh or attempt or isinstance(error, TimeoutError):
                        raise NetworkError(
                            f"no answer from {self.address}",
                            found=str(error) or type(error).__name__,
                            advice="Check that the service runs and that the address is right.",
                        ) from error
        raise NetworkError(f"no answer from {self.address}")

    def _exchange(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], timeout: float
    ) -> Reply:
        link = self._connection
        link.timeout = timeout
        if link.sock is not None:
            link.sock.settimeout(timeout)
        link.request(method, self._prefix + path, body=body or None, headers=dict(headers))
        answer = link.getresponse()
        body = answer.read(MAX_ANSWER + 1)
        if len(body) > MAX_ANSWER:
            link.close()
            raise NetworkError(f"{self.address} answers too much", expected=f"at most {MAX_ANSWER} bytes")
        return Reply(answer.status, answer.headers.get_content_type(), body)

    def another(self) -> Self:
        """A second connection to the same party, for a request that waits."""
        return type(self)(self.address, timeout=self._timeout)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class LogClient(Peer):
    """Speaks to a log service. An error of the service arrives as the same exception it was there."""

    def append(self, entries: Sequence[bytes], key: str = "") -> list[Appended]:
        """Append up to 4,096 envelopes in one transaction; returns once they are durable (acknowledged).

        Args:
            entries: exact envelope bytes (`Envelope.to_bytes()`).
            key: the idempotency key, at most 200 characters. The same key with the same bytes returns the
                same places, so a caller that lost the answer asks again. Default: the bytes are their key.

        Raises:
            LogError: the key came before with other bytes, or the log cannot take entries now.
            EvidenceError: an entry is refused (size, signature, role, quota).
            NetworkError: nobody answers; the entries may or may not stand in the log.
        """
        if not 0 < len(entries) <= MAX_BATCH:
            raise InputError("not a batch", expected=f"1 to {MAX_BATCH} entries", found=f"{len(entries)}")
        body = pack([check_size(entry) for entry in entries])
        headers = {"Content-Type": BUNDLE} | ({"Idempotency-Key": quote(key)} if key else {})
        reply = self._expect(self.request("POST", "/v1/append", body, headers=headers))
        with self._understood():
            document = json.loads(reply.body)
            first, size = int(document["first"]), int(document["size"])
            leaves = [decode64(leaf) for leaf in document["leafHashes"]]
        if leaves != [leaf_hash(entry) for entry in entries]:
            raise LogError(f"{self.address} answered about other entries than were sent")
        return [Appended(first + i, leaf, size) for i, leaf in enumerate(leaves)]

    def checkpoint(self, state: State = "published") -> str:
        """The text of the newest checkpoint that is published, or that the quorum has cosigned."""
        return self._text(f"/checkpoint?state={state}")

    def entries(self, start: int, end: int) -> list[bytes]:
        """The exact bytes of entries `start` to `end` (exclusive), at most what the log holds."""
        found: list[bytes] = []
        while start + len(found) < end:
            at = start + len(found)
            part = unpack(self._expect(self.request("GET", f"/v1/entries?start={at}&end={end}")).body)
            if not part:
                break
            found += part
        return found

    def wait(self, size: int, state: State = "witnessed", timeout: float = 30.0) -> str:
        """Wait until the log of at least `size` entries is published or witnessed; its checkpoint's text.

        Raises:
            LogError: not reached within `timeout` seconds.
        """
        path = f"/wait?size={size}&state={state}&timeout={timeout:.3f}"
        return self._text(path, timeout + 5)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The inclusion proof of entry `index` in the log of `size` entries."""
        return self._hashes(f"/v1/inclusion?index={index}&size={size}")

    def consistency(self, size1: int, size2: int) -> list[bytes]:
        """The proof that the log of `size2` entries only appends to that of `size1`."""
        return self._hashes(f"/v1/consistency?old={size1}&size={size2}")

    def proof(self, index: int) -> str:
        """The offline proof of a witnessed entry (C2SP tlog-proof)."""
        return self._text(f"/v1/proof?index={index}")

    def status(self) -> dict[str, Any]:
        """`{"origin", "acknowledged", "published", "witnessed", "witnesses": {NAME: {…}}, "problem"}`."""
        text = self._text("/v1/status")
        with self._understood():
            found = json.loads(text)
            sizes = {name: int(found[name]) for name in ("acknowledged", "published", "witnessed")}
            witnesses = {
                name: {"size": int(one["size"]), "problem": str(one["problem"])}
                for name, one in found["witnesses"].items()
            }
            told = {"witnesses": witnesses, "problem": str(found["problem"])}
            return {"origin": str(found["origin"]), **sizes, **told}

    def _text(self, path: str, timeout: float | None = None) -> str:
        return self._expect(self.request("GET", path, timeout=timeout)).body.decode(errors="replace")

    def _hashes(self, path: str) -> list[bytes]:
        text = self._text(path)
        with self._understood():
            return [decode64(h) for h in json.loads(text)["hashes"]]

    @contextmanager
    def _understood(self) -> Generator[None]:
        """What an answer lacks, or has of another type, is said about its service."""
        try:
            yield
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise LogError(
                f"{self.address} does not answer as a log does",
                found=f"{type(error).__name__}: {error}"[:120],
                advice="Check the address (--log).",
            ) from error

    def _expect(self, reply: Reply) -> Reply:
        if reply.status != 200:
            _refused(reply)
        return reply


def _refused(reply: Reply) -> NoReturn:
    """Raise what the service raised: errors travel as JSON with their code."""
    try:
        document = cast("dict[str, str]", json.loads(reply.body))
        told = {name: str(document[name]) for name in ("expected", "found", "advice")}
        kind, message = str(document["error"]), str(document["message"])
    except (ValueError, KeyError, TypeError) as error:
        raise LogError(f"the service answered {reply.status}", found=repr(reply.body[:120])) from error
    found = getattr(errors, kind, LogError) if kind.isidentifier() else LogError
    if not (isinstance(found, type) and issubclass(found, MythosError)):
        found = LogError
    raise found(message, **told, code=str(document.get("code", "")))


def refusal(error: MythosError) -> dict[str, str]:
    """How an error travels from a service to its client."""
    return {
        "error": type(error).__name__,
        "code": error.code,
        "message": error.message,
        "expected": error.expected,
        "found": error.found,
        "advice": error.advice,
    }
