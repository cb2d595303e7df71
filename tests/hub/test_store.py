import asyncio
import sqlite3
from pathlib import Path

import pytest

from mythos.errors import HubError
from mythos.hub.store import Store
from mythos.units import Instant

NOW = Instant(1_000_000)


def test_a_key_is_known_by_its_hash_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "hub.db")
    assert not store.has_keys()
    key = store.add_key("acme", "use", NOW)
    caller = store.caller(key)
    assert caller is not None
    assert (caller.tenant, caller.scope) == ("acme", "use")
    for wrong in (
        "",
        "mk-",
        key[:-1],
        key + "x",
        key.replace("mk-", ""),
        "mk-000000000000-secret",
        "é" + key,
    ):
        assert store.caller(wrong) is None
    assert store.revoke_key(caller.key, NOW)
    assert not store.revoke_key(caller.key, NOW)
    assert store.caller(key) is None
    store.close()
    secret = key.split("-", 2)[2].encode()
    assert all(secret not in path.read_bytes() for path in tmp_path.iterdir())


def test_a_line_outlives_a_kill_and_is_finished_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "hub.db")
    store.begin("r-1", "acme", "m", "sha256:00", b"locked", NOW)
    again = Store(tmp_path / "hub.db")  # as after a kill: the first was never closed
    [line] = again.unfinished()
    assert (line.id, line.tenant, line.transcript) == ("r-1", "acme", b"locked")
    again.finish("r-1", b"locked 2", b"leaf")
    again.finish("r-1", b"other", b"another leaf")
    [done] = again.finished(10)
    assert (done.leaf, done.transcript) == (b"leaf", b"locked 2")
    assert again.unfinished() == []
    again.add_batch(again.next_batch(), b"entry", ["r-1"])
    assert again.finished(10) == []
    assert again.leaves(1) == [b"leaf"]
    assert [row.number for row in again.unproven()] == [1]
    again.prove(1, b"proof")
    assert again.unproven() == []
    assert again.next_batch() == 2
    store.close()
    again.close()


def test_a_batch_is_added_whole_or_not_at_all(tmp_path: Path) -> None:
    store = Store(tmp_path / "hub.db")
    store.begin("r-1", "acme", "m", "sha256:00", b"locked", NOW)
    store.finish("r-1", b"locked", b"leaf")
    store.add_batch(1, b"entry", [])
    with pytest.raises(sqlite3.IntegrityError):
        store.add_batch(1, b"entry", ["r-1"])
    assert len(store.finished(10)) == 1
    store.close()


def test_erasing_takes_openings_and_leaves_the_leaf(tmp_path: Path) -> None:
    store = Store(tmp_path / "hub.db")
    for name, moment in (("old", 1), ("young", 9), ("open", 1)):
        store.begin(name, "acme", "m", "sha256:00", b"canary-" + name.encode(), Instant(moment))
        if name != "open":
            store.finish(name, b"canary-" + name.encode(), b"leaf")
    assert store.erase(Instant(5)) == 1
    found = {name: store.receipt(name) for name in ("old", "young", "open")}
    assert [row is not None and row.transcript is None for row in found.values()] == [True, False, False]
    assert found["old"] is not None
    assert found["old"].leaf == b"leaf"
    store.close()
    assert b"canary-old" not in (tmp_path / "hub.db").read_bytes()


def test_statements_wait_with_their_facts_until_the_log_has_them(tmp_path: Path) -> None:
    store = Store(tmp_path / "hub.db")
    store.post([b"a", b"b"], {"lease": b"1"})
    store.post([b"c"], {"lease": b"2"})
    posted = store.posted()
    assert [entry for _, entry in posted] == [b"a", b"b", b"c"]
    assert store.fact("lease") == b"2"
    store.unpost(posted[1][0])
    assert [entry for _, entry in store.posted()] == [b"c"]
    store.close()


def test_calls_keep_their_order_even_when_the_caller_is_cut(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = Store(tmp_path / "hub.db")
        begun = asyncio.create_task(store.run(store.begin, "r-1", "acme", "m", "sha256:00", b"locked", NOW))
        await asyncio.sleep(0)
        begun.cancel()
        await store.run(store.finish, "r-1", b"locked", b"leaf")
        assert len(store.finished(10)) == 1
        store.close()

    asyncio.run(scenario())


def test_a_file_that_is_no_hub_of_this_release_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 30)
    with pytest.raises(HubError, match="cannot use"):
        Store(path)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(HubError, match="99"):
        Store(other)
