import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mythos.errors import EngineError, HubError
from mythos.hub.server import Settings, listen, serve
from mythos.hub.store import open_store


def test_a_taken_port_is_said_before_anything_is_opened() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(HubError, match=f"port {port} is taken") as caught:
            listen("127.0.0.1", port)
    assert caught.value.code == "port_taken"
    with pytest.raises(HubError, match="cannot listen"):
        listen("192.0.2.1", 0)


def test_a_home_has_one_hub(tmp_path: Path) -> None:
    with open_store(tmp_path, exclusive=True):
        with open_store(tmp_path, exclusive=False) as other:
            assert not other.has_keys()
        with pytest.raises(HubError, match="another hub runs"), open_store(tmp_path, exclusive=True):
            pytest.fail("opened twice")
    with open_store(tmp_path, exclusive=True):
        pass


class Refuses:
    async def open(self) -> Any:
        raise EngineError("nothing to open")


class Slow:
    def __init__(self) -> None:
        self.cancelled = False

    async def open(self) -> Any:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled = True
            raise


def settings(folder: Path, world: Any) -> Settings:
    (folder / "keys").mkdir()
    return Settings(folder, world.log, world.host)


def test_a_release_that_is_refused_ends_the_hub_with_its_reason(tmp_path: Path, world: Any) -> None:
    async def scenario() -> None:
        sock = listen("127.0.0.1", 0)
        opener: Any = Refuses()
        with pytest.raises(EngineError, match="nothing to open"):
            await serve(settings(tmp_path, world), sock, lambda _: opener, lambda _: None, asyncio.Event())

    asyncio.run(scenario())


def test_a_stop_while_the_model_is_opened_stops(tmp_path: Path, world: Any) -> None:
    async def scenario() -> None:
        sock, stop = listen("127.0.0.1", 0), asyncio.Event()
        opener: Any = Slow()
        running = asyncio.create_task(
            serve(settings(tmp_path, world), sock, lambda _: opener, lambda _: None, stop)
        )
        await asyncio.sleep(0.1)
        stop.set()
        await asyncio.wait_for(running, 5)
        assert opener.cancelled

    asyncio.run(scenario())


def test_stopping_ends_answers_and_states_the_wipe(start_hub: Callable[..., Any]) -> None:
    async def scenario() -> None:
        async with start_hub() as hub:
            asked = asyncio.create_task(hub.chat("one two three " * 450))
            await asyncio.sleep(0.3)
            engine = (await hub.serving()).engine
            hub.stop.set()
            answer = await asked
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "stopping")
            await engine.ended
        assert hub.opener.told == ["stopped"]
        with pytest.raises(ProcessLookupError):
            os.kill(engine.pid, 0)

    asyncio.run(scenario())


FULL = (
    "CREATE TEMP TRIGGER full BEFORE INSERT ON {} BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
)


def test_an_answer_that_cannot_be_journalled_is_not_given(start_hub: Callable[..., Any]) -> None:
    async def scenario() -> None:
        async with start_hub() as hub:
            database = hub.parts.receipts._store._db
            database.execute(FULL.format("receipts"))
            refused = await hub.chat("Hi", max_tokens=1)
            assert (refused.status_code, refused.json()["error"]["code"]) == (500, "internal_error")
            assert hub.admission.live == {}
            database.execute("DROP TRIGGER full")
            assert (await hub.chat("Hi", max_tokens=1)).status_code == 200

    asyncio.run(scenario())


def test_an_end_that_cannot_be_stated_stops_the_hub_with_its_reason(start_hub: Callable[..., Any]) -> None:
    async def scenario() -> None:
        async with start_hub() as hub:

            async def cannot(*_: object) -> None:
                store = hub.parts.receipts._store
                await store.run(store.post, [b"wiped"], {})

            hub.opener.wiped = cannot
            hub.parts.receipts._store._db.execute(FULL.format("outbox"))
            os.kill((await hub.serving()).engine.pid, 9)
            await asyncio.wait_for(hub.stop.wait(), 5)

    with pytest.raises(HubError, match="disk is full") as caught:
        asyncio.run(scenario())
    assert caught.value.exit_status == 3
