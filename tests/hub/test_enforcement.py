"""Whom a running hub serves under directives: never who is refused, never an older set, nobody without a lease."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mythos.access.follow import DirectiveSet
from mythos.errors import AccessError
from mythos.evidence.predicates import DecisionRoot
from mythos.hub.enforcement_state import Followed
from mythos.units import Instant

from .orders import KEYS, NOW, POLICY, WEIGHTS, order, people, site, until, world

LIFT: dict[str, Any] = {"who": {"any": True}, "effect": "allow"}


def run(scenario: Any) -> None:
    asyncio.run(asyncio.wait_for(scenario, 30))


def test_nobody_is_served_before_the_first_lease_and_everybody_after(tmp_path: Path) -> None:
    async def scenario() -> None:
        given = world()
        given.cut = True
        async with site(given, tmp_path) as hub:
            await asyncio.sleep(0.05)
            assert hub.refusal("citizen") == "directives_unknown"
            task = hub.stream("citizen")
            await task
            assert hub.ended == {"citizen": "directives_unknown"}
        given.cut = False
        async with site(given, tmp_path) as hub:
            await hub.enforcement.leased.wait()
            assert hub.refusal("citizen") == ""
            assert hub.decide("nobody-knows").reason == "no_directive"

    run(scenario())


def test_an_order_cuts_exactly_whom_it_names_and_is_acknowledged(tmp_path: Path) -> None:
    async def scenario() -> None:
        given = world()
        async with site(given, tmp_path) as hub:
            await hub.enforcement.leased.wait()
            names = ("citizen", "foreign", "staff", "robot", "nobody-knows")
            tasks = [hub.stream(name) for name in names]
            await until(lambda: len(hub.ended) == len(names))
            await given.say(order())
            await until(given.acknowledged)
            assert hub.ended == {
                "citizen": "running", "foreign": "refused_by_directive", "staff": "refused_by_directive",
                "robot": "refused_by_directive", "nobody-knows": "needs_fact",
            }  # fmt: skip
            [act] = given.acknowledged()
            assert (act.hub, act.index, act.streams_cut, act.persons_refused) == ("host", 3, 4, 3)
            assert act.head == hub.enforcement.followed.held.head
            assert act.clock <= given.now()
            [row] = (given.board.status("order") or {})["hubs"]
            assert (row["hub"], row["state"], row["streams_cut"]) == ("host", "green", 4)
            decision = hub.decide("nobody-knows")
            assert (decision.needs, decision.cite) == (("verified_until",), "cite of order")
            assert hub.decide("robot").reason == "refused"  # the person who answers for it is foreign

            await given.say(
                order("relief", effect="allow", who={"entity_in": "annex"}, lists={"annex": ["acme"]})
            )
            await until(lambda: len(given.acknowledged()) == 2)
            assert (hub.decide("staff").reason, hub.refusal("foreign")) == ("exempt", "refused_by_directive")
            assert given.acknowledged()[1].streams_cut == 0
            await given.say(order("lifted", **LIFT))
            await until(lambda: hub.refusal("foreign") == "")
            assert hub.ended["citizen"] == "running"
            for task in tasks:
                task.cancel()

    run(scenario())


def test_facts_that_change_or_expire_cut_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        given = world()
        await given.say(order())
        async with site(given, tmp_path) as hub:
            await hub.enforcement.leased.wait()
            tasks = [hub.stream("citizen"), hub.stream("company")]
            await until(lambda: len(hub.ended) == 2)
            hub.enforcement.meet(people(citizen={"citizenships": ["FR"]}))
            await until(lambda: hub.ended["citizen"] == "refused_by_directive")
            assert hub.ended["company"] == "running"
            hub.enforcement.meet(people(company={"verified_until": str(given.now().plus(1.0))}))
            given.seconds += 1.2
            await until(lambda: hub.ended["company"] == "needs_fact")
            await asyncio.gather(*tasks)

    run(scenario())


def test_a_directive_that_begins_later_begins_on_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        given = world()
        await given.say(order(effective=str(NOW.plus(1.5)), ends=str(NOW.plus(4))))
        async with site(given, tmp_path) as hub:
            await hub.enforcement.leased.wait()
            task = hub.stream("foreign")
            await until(lambda: hub.ended)
            assert hub.refusal("foreign") == ""
            given.seconds += 1.6
            await until(lambda: hub.ended["foreign"] == "refused_by_directive")
            for _ in range(14):
                given.seconds += 0.2  # slowly enough for the lease to be renewed
                await asyncio.sleep(0.06)
            await until(lambda: hub.refusal("foreign") == "")
            await task

    run(scenario())


def test_a_silent_partition_ends_with_the_lease_and_heals(tmp_path: Path) -> None:
    async def scenario() -> None:
        given = world()
        async with site(given, tmp_path) as hub:
            await hub.enforcement.leased.wait()
            given.cut = True
            tasks = [hub.stream("citizen"), hub.stream("foreign")]
            await until(lambda: len(hub.ended) == 2)
            await given.say(order())
            assert (given.board.status("order") or {})["complete"] is False
            given.seconds += 1.99
            assert hub.refusal("foreign") == ""  # nothing says otherwise yet: the lease runs
            given.seconds += 0.02
            assert hub.refusal("citizen") == "directives_unknown"
            await asyncio.gather(*tasks)
            assert set(hub.ended.values()) == {"directives_unknown"}
            given.seconds += 2.0
            status = given.board.status("order") or {}
            assert (status["complete"], status["hubs"][0]["state"]) == (True, "stopped")
        given.cut = False
        async with site(given, tmp_path) as hub:
            await until(lambda: hub.refusal("citizen") == "")
            assert hub.refusal("foreign") == "refused_by_directive"

    run(scenario())


@pytest.mark.parametrize("wrong", [600.0, -600.0])
def test_a_wall_clock_that_is_wrong_decides_nothing(
    tmp_path: Path, wrong: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        given = world()
        await given.say(
            order(ends=str(NOW.plus(300))),
            order("later", effective=str(NOW.plus(300)), ends=str(NOW.plus(600))),
        )
        async with site(given, tmp_path) as hub:
            await hub.enforcement.leased.wait()
            assert hub.decide("foreign").directive == "order"
            await until(given.acknowledged)
            assert given.acknowledged()[-1].clock.since(given.now()) <= 0

    true = Instant.now
    monkeypatch.setattr(Instant, "now", classmethod(lambda _: true().plus(wrong)))
    run(scenario())


def test_what_a_refusal_says_holds_before_it_is_on_disk_and_what_is_allowed_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        given = world()
        seen: list[tuple[str, str]] = []
        async with site(given, tmp_path) as hub:
            await hub.enforcement.leased.wait()
            save = Followed.save

            def slow(state: Followed, folder: Path, saved: Followed) -> None:
                seen.append((hub.refusal("foreign"), hub.refusal("citizen")))
                save(state, folder, saved)

            monkeypatch.setattr(Followed, "save", slow)
            await given.say(order())
            await until(given.acknowledged)
            await given.say(order("lifted", **LIFT))
            await until(lambda: len(given.acknowledged()) == 2)
            refused = ("refused_by_directive", "")
            assert seen == [refused, refused]
            assert hub.refusal("foreign") == ""

    run(scenario())


def test_a_restarted_hub_holds_what_it_held_and_serves_nobody_until_it_is_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        given = world()
        await given.say(order())
        async with site(given, tmp_path) as hub:
            await until(given.acknowledged)
        given.cut = True
        async with site(given, tmp_path) as hub:
            assert hub.enforcement.followed.held.size == 4
            await asyncio.sleep(0.05)
            assert hub.refusal("citizen") == "directives_unknown"
        given.cut = False
        async with site(given, tmp_path) as hub:
            await until(lambda: hub.enforcement.denied == "cloned")  # its former start may still serve
            given.seconds += 3.1
            await until(lambda: hub.refusal("citizen") == "")
            assert hub.refusal("foreign") == "refused_by_directive"
            await asyncio.sleep(0.1)
            assert len(given.acknowledged()) == 1  # it said so before

    run(scenario())


def test_a_disk_that_went_back_gets_no_lease_until_the_owner_readmits_the_hub(tmp_path: Path) -> None:
    async def scenario() -> None:
        given = world()
        async with site(given, tmp_path) as hub:
            await hub.enforcement.leased.wait()
        old = {path.name: path.read_bytes() for path in (tmp_path / "directives").glob("*.json")}
        given.seconds += 10
        await given.say(order())
        async with site(given, tmp_path) as hub:
            await until(given.acknowledged)
        for path in (tmp_path / "directives").glob("*.json"):
            path.unlink()
        for name, data in old.items():
            (tmp_path / "directives" / name).write_bytes(data)
        given.seconds += 10
        async with site(given, tmp_path) as hub:
            await until(lambda: hub.enforcement.denied == "rolled_back")
            assert hub.refusal("citizen") == "directives_unknown"
        given.restart(readmit=frozenset({"host"}))
        given.seconds += 10
        async with site(given, tmp_path) as hub:
            await until(lambda: hub.refusal("citizen") == "")
            assert hub.refusal("foreign") == "refused_by_directive"

    run(scenario())


def test_a_damaged_state_is_said_and_nothing_starts(tmp_path: Path) -> None:
    async def scenario() -> None:
        given = world()
        await given.say(order())
        async with site(given, tmp_path):
            await until(given.acknowledged)
        path = tmp_path / "directives" / "directives.json"
        document = json.loads(path.read_bytes())
        document["links"] = []
        path.write_bytes(json.dumps(document, separators=(",", ":"), sort_keys=True).encode())
        with pytest.raises(AccessError, match="damaged"):
            async with site(given, tmp_path):
                pytest.fail("it started")

    run(scenario())


def test_another_history_halts_the_hub_also_after_a_restart(tmp_path: Path) -> None:
    async def scenario() -> None:
        given = world()
        await given.say(order())
        async with site(given, tmp_path) as hub:
            await until(given.acknowledged)
            task = hub.stream("citizen")
            await until(lambda: hub.ended)
            given.log.held[3] = order("another")  # the owner's log was replaced by a fork
            given.restart()
            await given.board.read()
            given.board._started = given.now().plus(-100)
            await given.say(order("more"))
            await until(lambda: hub.enforcement.halted)
            await task
            assert hub.ended["citizen"] == "directives_unknown"
        async with site(world(), tmp_path) as hub:
            await asyncio.sleep(0.05)
            assert "history" in hub.enforcement.halted
            assert hub.refusal("citizen") == "directives_unknown"

    run(scenario())


def test_forged_replayed_and_altered_answers_change_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        given = world()
        seen: dict[str, list[bytes]] = {}

        def keep(path: str, reply: bytes) -> bytes:
            seen.setdefault(path, []).append(reply)
            return reply

        given.tamper = keep
        async with site(given, tmp_path) as hub:
            await hub.enforcement.leased.wait()
            await given.say(order())
            await until(given.acknowledged)
            given.tamper = lambda path, _: seen[path][0]  # everything is answered as it was before the order
            given.seconds += 1.0
            await asyncio.sleep(0.4)
            assert hub.refusal("foreign") == "refused_by_directive"
            given.seconds += 1.5
            assert hub.refusal("citizen") == "directives_unknown"
            given.tamper = lambda _, reply: reply.replace(b"A", b"B")
            await asyncio.sleep(0.2)
            assert hub.refusal("citizen") == "directives_unknown"
            assert hub.enforcement.followed.held.size == 4
            given.tamper = keep
            await until(lambda: hub.refusal("citizen") == "")

    run(scenario())


def test_an_order_of_a_stranger_is_refused_by_board_and_hub(tmp_path: Path) -> None:
    async def scenario() -> None:
        given = world()
        async with site(given, tmp_path) as hub:
            await hub.enforcement.leased.wait()
            await given.say(order(by="host"))
            assert given.board.ledger.held.size == 0
            assert given.board.ledger.problems
            await given.say(order("real"))
            await until(given.acknowledged)
            link = hub.enforcement.followed.held.links[0]
            forged = replace(link, position=1, index=9, before=link.head, leaf=order("forged", by="stranger"))
            from mythos.hub.enforcement_wire import News

            after, outcome, _ = hub.enforcement.followed.take(News(9, [forged.to_dict()], []))
            assert (outcome, after.held) == ("nothing", hub.enforcement.followed.held)
            assert "forged" not in str(after.held.law.by_id)
            assert after.refused

    run(scenario())


def test_a_hub_is_not_leased_while_the_owner_cannot_read_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        given = world()
        async with site(given, tmp_path) as hub:
            await hub.enforcement.leased.wait()
            given.board._read_at = -1e9
            given.seconds += 2.1
            await until(lambda: hub.enforcement.denied == "log_unread")
            assert hub.refusal("citizen") == "directives_unknown"

    run(scenario())


def test_decisions_are_kept_and_their_roots_logged_each_minute(tmp_path: Path) -> None:
    async def scenario() -> None:
        given = world()
        await given.say(order())
        async with site(given, tmp_path) as hub:
            await until(given.acknowledged)
            hub.decide("citizen", name="r-1")
            hub.decide("foreign", name="r-2")
            hub.decide("robot", name="r-3")
            hub.decide("citizen", name="r-4", weights=None)  # not routed yet: nothing was decided
            minutes = hub.enforcement._minutes
            await until(lambda: not minutes.pending)
            [minute] = {record.minute for record in minutes.read(given.now())}
            records = minutes.read(minute)
            assert [(r.request, r.decision.reason) for r in records] == [
                ("r-1", "no_directive"), ("r-2", "refused"), ("r-3", "no_directive"), ("r-3/accountable", "refused"),
            ]  # fmt: skip
            assert {(r.size, r.head, r.log_size) for r in records} == {
                (4, hub.enforcement.followed.held.head, 4)
            }
            assert await minutes.close(given, minute.plus(64)) == 0
            assert await minutes.close(given, minute.plus(66)) == 1
            assert await minutes.close(given, minute.plus(66)) == 0
            [logged] = [DecisionRoot.of(s) for s in given.posted if s.act == "decision-root"]
            from mythos.access.record import open_proof, prove

            proven = open_proof(prove(records, "r-2"), lambda _hub, _minute: logged)
            assert (proven.person.id, proven.decision.directive) == ("foreign", "order")

    run(scenario())


def test_a_state_survives_and_is_judged_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        given = world()
        await given.say(order())
        async with site(given, tmp_path) as hub:
            await until(given.acknowledged)
            held = hub.enforcement.followed
        again = Followed.load(tmp_path / "directives", POLICY)
        assert (again.held, again.entries, again.lineage) == (held.held, held.entries, held.lineage)
        assert again.owners() == [KEYS["owner"].verify_key]
        assert again.lineage.names == {str(WEIGHTS): frozenset({"m"})}
        assert Followed.load(tmp_path, POLICY) == Followed(POLICY, DirectiveSet())

    run(scenario())
