"""An approver's service: refusals are 403 with their code, silence of the log is 503, junk is 400."""

import json
from collections.abc import Callable

import httpx
import pytest
from starlette.testclient import TestClient

from mythos.errors import (
    CustodyError,
    GrantError,
    LogError,
    MalformedError,
    MythosError,
    NetworkError,
    QuotaError,
)
from mythos.evidence.note import SigningKey
from mythos.services.release import release_app
from mythos.units import Digest

KEY = SigningKey("approver-a", bytes(32))


class Fake:
    """Stands for `custody.Approver`, whose own tests are in tests/custody."""

    key = KEY

    def __init__(self, error: MythosError | None = None) -> None:
        self.error = error
        self.seen: list[tuple[str, bytes]] = []

    def _act(self, what: str, data: bytes) -> bytes:
        self.seen.append((what, data))
        if self.error is not None:
            raise self.error
        return b"answer to " + data

    def release(self, data: bytes) -> bytes:
        return self._act("release", data)

    def renew(self, data: bytes) -> bytes:
        return self._act("renew", data)

    def deposit(self, data: bytes) -> Digest:
        return Digest.of(self._act("deposit", data))


@pytest.fixture
def serve() -> Callable[[Fake], httpx.Client]:
    return lambda fake: TestClient(release_app(fake))  # type: ignore[arg-type]


def test_each_path_asks_the_approver(serve: Callable[[Fake], httpx.Client]) -> None:
    fake = Fake()
    client = serve(fake)
    assert client.post("/v1/release", content=b"r").content == b"answer to r"
    assert client.post("/v1/renew", content=b"n").content == b"answer to n"
    assert client.post("/v1/share", content=b"s").json() == {"digest": str(Digest.of(b"answer to s"))}
    assert fake.seen == [("release", b"r"), ("renew", b"n"), ("deposit", b"s")]
    assert client.get("/v1/status").json() == {"approver": KEY.id}
    assert client.get("/healthz").text == "ok\n"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (GrantError("revoked: stop", found="sha256:…", code="revoked"), 403),
        (CustodyError("does not open"), 403),
        (MalformedError("not JSON"), 400),
        (QuotaError("too large"), 413),
        (LogError("not witnessed in time", code="timeout"), 503),
        (NetworkError("no answer"), 503),
        (MythosError("broken"), 500),
    ],
)
def test_errors_travel_with_their_code(
    serve: Callable[[Fake], httpx.Client], error: MythosError, status: int
) -> None:
    reply = serve(Fake(error)).post("/v1/release", content=b"r")
    assert reply.status_code == status
    told = json.loads(reply.content)
    assert (told["code"], told["message"]) == (error.code, error.message)
    assert told["found"] == error.found


def test_a_message_has_a_limit(serve: Callable[[Fake], httpx.Client]) -> None:
    fake = Fake()
    assert serve(fake).post("/v1/share", content=bytes(65_536)).status_code == 413
    assert fake.seen == []
    assert serve(fake).get("/v1/release").status_code == 405
