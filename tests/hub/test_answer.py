"""An answer against an engine and a client that misbehave, without either."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from mythos.engines import Frame
from mythos.errors import EngineError
from mythos.hub.admission import Admission, allow
from mythos.hub.answer import Answer, Limits, Parts
from mythos.hub.keeper import Serving
from mythos.hub.metrics import Metrics
from mythos.hub.receipts import Receipts, Vault
from mythos.hub.shapes import Request
from mythos.hub.store import Caller, Store
from mythos.units import Digest, Instant

DONE: Frame = {"kind": "done", "finish": "stop", "promptTokens": 1, "completionTokens": 2}
HELLO: list[Frame] = [{"kind": "started"}, {"kind": "delta", "text": "Hé"}, {"kind": "delta", "text": "llo"}]


class Scripted:
    """An engine that says what it is told to; None means: it says nothing more."""

    def __init__(self, frames: list[Frame | Exception | None]) -> None:
        self._frames = frames
        self.left = False

    async def generate(self, _api: str, _body: Frame) -> AsyncGenerator[Frame]:
        try:
            for frame in self._frames:
                if frame is None:
                    await asyncio.sleep(60)
                elif isinstance(frame, Exception):
                    raise frame
                else:
                    yield frame
        finally:
            self.left = True


class Client:
    """An HTTP client: remembers what it got, may stop reading, may leave."""

    def __init__(self, *, reads: int = 10_000, leaves: float = 60) -> None:
        self.got: list[Any] = []
        self._reads = reads
        self._leaves = leaves

    async def receive(self) -> Any:
        await asyncio.sleep(self._leaves)
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if len(self.got) >= self._reads:
            await asyncio.sleep(60)
        self.got.append(message)

    @property
    def status(self) -> int:
        return self.got[0]["status"]

    @property
    def body(self) -> str:
        return b"".join(m["body"] for m in self.got[1:]).decode()


async def play(
    folder: Path, frames: list[Any], client: Client, *, stream: bool = True, **limits: float
) -> tuple[str, Scripted]:
    """Run one answer; the finish its receipt committed to, and the engine."""
    engine = Scripted(frames)
    lease = {"grant": "g"}
    serving = Serving(cast("Any", engine), "m", Digest.of(b"w"), "b", lease, Instant.now().plus(60))
    store = Store(folder / "hub.db")
    vault = Vault(bytes(32))
    receipts = Receipts(store, vault, cast("Any", None), "unix:/nowhere")
    parts = Parts(
        Admission(allow, slots=1, queue=1, patience=1),
        cast("Any", SimpleNamespace(state=serving)),
        receipts,
        Metrics(),
        Limits(**cast("Any", limits)),
        "h",
    )
    request = Request("chat", "m", stream, False, {}, b"{}")
    await Answer(parts, Caller("k", "acme", "use"), request, "m", "r-1")({}, client.receive, client.send)
    row = store.receipt("r-1")
    assert row is not None
    assert row.leaf is not None
    assert parts.admission.live == {}
    transcript = vault.unlock("r-1", row.transcript or b"")
    store.close()
    return transcript["facts"]["engine"]["finish"], engine


def test_a_whole_answer(tmp_path: Path) -> None:
    client = Client()
    finish, _ = asyncio.run(play(tmp_path, [*HELLO, DONE], client))
    assert finish == "stop"
    assert client.got[-1] == {"type": "http.response.body", "body": b"data: [DONE]\n\n", "more_body": False}
    assert dict(client.got[0]["headers"])[b"x-mythos-receipt"] == b"r-1"
    assert "Hé" in client.body


def test_the_header_is_sent_before_the_first_token(tmp_path: Path) -> None:
    client = Client()
    finish, engine = asyncio.run(play(tmp_path, [HELLO[0], None], client, answer_seconds=0.05))
    assert finish == "time_limit"
    assert client.status == 200
    assert '"time_limit"' in client.body
    assert engine.left


def test_a_client_that_does_not_read_is_given_up(tmp_path: Path) -> None:
    client = Client(reads=2)
    finish, engine = asyncio.run(play(tmp_path, [*HELLO, DONE], client, send_seconds=0.05))
    assert finish == "client_slow"
    assert engine.left
    assert len(client.got) == 2


def test_a_client_that_leaves_ends_its_answer(tmp_path: Path) -> None:
    client = Client(leaves=0.05)
    finish, engine = asyncio.run(play(tmp_path, [*HELLO, None], client))
    assert finish == "client_left"
    assert engine.left


def test_an_engine_that_ends_is_an_error_event_and_a_receipt(tmp_path: Path) -> None:
    client = Client()
    gone = EngineError("the engine has ended", code="killed")
    finish, _ = asyncio.run(play(tmp_path, [*HELLO, gone], client))
    assert finish == "engine_ended"
    assert '"engine_ended"' in client.body
    assert "killed" in client.body


def test_a_request_the_engine_refuses_is_a_400_even_when_streamed(tmp_path: Path) -> None:
    client = Client()
    failed = {"kind": "failed", "code": "context_length_exceeded", "message": "too long"}
    finish, _ = asyncio.run(play(tmp_path, [failed], client))
    assert client.status == 400
    assert finish == "context_length_exceeded"


def test_a_failure_inside_the_engine_tells_nothing_of_it(tmp_path: Path) -> None:
    client = Client()
    failed = {"kind": "failed", "code": "engine_failure", "message": "/proc/self/fd/5 secret"}
    asyncio.run(play(tmp_path, [failed], client, stream=False))
    assert client.status == 500
    assert "secret" not in client.body
