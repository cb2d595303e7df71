"""Receipts with the real log and witness, and with a log that is down or forgets to answer."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from mythos.errors import NetworkError
from mythos.evidence.client import LogClient
from mythos.evidence.statement import Envelope
from mythos.evidence.verify import verify
from mythos.hub.receipts import Commitment, Erased, Pending, Receipts, Vault, clocks
from mythos.hub.store import Store
from mythos.units import Digest, Instant

WEIGHTS = Digest.of(b"weights")


def promise(request: bytes = b"{}") -> Commitment:
    facts = {
        "hub": {"key": "h"}, "lease": {"grant": "g"}, "decision": {"effect": "allow"}, "engine": {"build": "b"},
        "clocks": clocks("began"),
    }  # fmt: skip
    return Commitment("m", WEIGHTS, request, facts)


async def answer(receipts: Receipts, name: str, text: bytes, tenant: str = "acme") -> None:
    await receipts.begin(name, tenant, promise())
    await receipts.finish(name, text, {"finish": "stop", "completionTokens": 1}, clocks("ended"))


def opened(file: Any, label: str) -> Any:
    import base64

    return json.loads(base64.b64decode(json.loads(file)["openings"][label]["data"]))


def test_a_killed_hub_leaves_a_signed_lost(tmp_path: Path, world: Any) -> None:
    async def scenario() -> None:
        store = Store(tmp_path / "hub.db")
        receipts = Receipts(store, Vault(bytes(32)), world.host, world.log)
        await receipts.begin("r-lost", "acme", promise(b"the request"))
        receipts.close()
        after = Receipts(store, Vault(bytes(32)), world.host, world.log)
        assert await after.recover() == 1
        assert await after.recover() == 0
        await after.publish()
        file = await after.fetch("r-lost", "acme")
        assert isinstance(file, bytes)
        assert verify(file, world.policy, now=int(time.time()), answer=b"").verified
        assert opened(file, "engine")["finish"] == "lost"
        assert opened(file, "clocks")["ended"] is None
        after.close()
        store.close()

    asyncio.run(scenario())


def test_a_batch_holds_many_and_each_is_its_tenants(tmp_path: Path, world: Any) -> None:
    async def scenario() -> None:
        store = Store(tmp_path / "hub.db")
        receipts = Receipts(store, Vault(bytes(32)), world.host, world.log)
        for i in range(5):
            await answer(receipts, f"r-{i}", b"answer %d" % i)
        assert isinstance(await receipts.fetch("r-3", "acme"), Pending)
        await receipts.publish()
        for i in range(5):
            file = await receipts.fetch(f"r-{i}", "acme")
            assert isinstance(file, bytes)
            now = int(time.time())
            assert verify(file, world.policy, now=now, answer=b"answer %d" % i).verified
            assert not verify(file, world.policy, now=now, answer=b"answer 9").verified
        assert await receipts.fetch("r-3", "other") is None
        assert await receipts.fetch("r-9", "acme") is None
        await receipts.publish()
        assert store.next_batch() == 2
        store.erase(Instant.now().plus(1))
        assert isinstance(await receipts.fetch("r-3", "acme"), Erased)
        receipts.close()
        store.close()

    asyncio.run(scenario())


def test_a_log_that_is_down_loses_nothing_and_doubles_nothing(tmp_path: Path, world: Any) -> None:
    async def scenario() -> None:
        store = Store(tmp_path / "hub.db")
        down = Receipts(store, Vault(bytes(32)), world.host, f"unix:{tmp_path}/nobody.sock")
        await answer(down, "r-1", b"one")
        for _ in range(2):
            with pytest.raises(NetworkError):
                await down.publish()
        down.close()
        with LogClient(world.log) as log:
            # The log took the batch once, and the answer was lost on its way: the same bytes come again.
            [held] = store.unproven()
            before = log.append([held.entry])[0]
            up = Receipts(store, Vault(bytes(32)), world.host, world.log)
            await up.publish()
            assert isinstance(await up.fetch("r-1", "acme"), bytes)
            entries = log.entries(before.index, log.status()["acknowledged"])
            assert entries.count(held.entry) == 1
            batches = [e for e in map(Envelope.parse, entries) if e.statement().act == "receipt-batch"]
            assert len(batches) == 1
        up.close()
        store.close()

    asyncio.run(scenario())


def test_weights_do_not_share_a_batch(tmp_path: Path, world: Any) -> None:
    async def scenario() -> None:
        store = Store(tmp_path / "hub.db")
        receipts = Receipts(store, Vault(bytes(32)), world.host, world.log)
        await answer(receipts, "r-1", b"one")
        other = Commitment("n", Digest.of(b"other"), b"{}", promise().facts)
        await receipts.begin("r-2", "acme", other)
        await receipts.finish("r-2", b"two", {"finish": "stop"}, clocks("ended"))
        assert await receipts.publish()
        assert not await receipts.publish()
        found = [store.receipt(name) for name in ("r-1", "r-2")]
        assert [row.batch for row in found if row is not None] == [1, 2]
        receipts.close()
        store.close()

    asyncio.run(scenario())


def test_a_transcript_opens_only_for_its_own_receipt() -> None:
    vault = Vault(bytes(32))
    locked = vault.lock("r-1", {"request": "secret"})
    assert b"secret" not in locked
    assert vault.unlock("r-1", locked) == {"request": "secret"}
    for name, key, data in (
        ("r-2", bytes(32), locked),
        ("r-1", b"x" * 32, locked),
        ("r-1", bytes(32), locked[:-1]),
    ):
        with pytest.raises(InvalidTag):
            Vault(key).unlock(name, data)
