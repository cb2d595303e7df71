import asyncio
import contextlib
from typing import Any

import pytest

from mythos.hub.admission import Admission, Asking, Cut, Decision, Refused, allow
from mythos.hub.shapes import Problem
from mythos.units import Digest, Instant

NOW = Instant(0)
WHY = Problem(451, "no", "refused_by_directive")
REFUSE = Decision("refuse", "refused", "d-1", "cite")


def asking(name: str = "r-1") -> Asking:
    return Asking(name, ("key", "tenant"), "m", None, None, NOW, NOW)


def admission(**more: Any) -> Admission:
    return Admission(more.pop("decider", allow), **({"slots": 1, "queue": 1, "patience": 5} | more))


def test_a_cut_reaches_whatever_the_request_waits_for() -> None:
    async def scenario() -> None:
        gate = admission()
        cleaned: list[str] = []

        async def work() -> None:
            async with gate.enter(asking()):
                try:
                    await asyncio.sleep(60)
                finally:
                    await asyncio.sleep(0)  # what is cleaned up may wait
                    cleaned.append("yes")

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        assert gate.cut("r-1", WHY)
        with pytest.raises(Cut) as caught:
            await task
        assert caught.value.problem is WHY
        assert cleaned == ["yes"]
        assert gate.live == {}
        assert not task.cancelled()
        assert not gate.cut("r-1", WHY)

    asyncio.run(scenario())


def test_a_cut_that_arrives_with_the_last_word_does_not_leak_into_what_follows() -> None:
    async def scenario() -> None:
        gate = admission()

        async def work() -> str:
            with contextlib.suppress(Cut):
                async with gate.enter(asking()):
                    gate.cut("r-1", WHY)  # nothing is awaited any more
            await asyncio.sleep(0.01)
            return "went on"

        assert await asyncio.create_task(work()) == "went on"

    asyncio.run(scenario())


def test_a_complete_answer_cannot_be_cut() -> None:
    async def scenario() -> None:
        gate = admission()
        async with gate.enter(asking()) as live:
            live.finish()
            assert not gate.cut("r-1", WHY)
            await asyncio.sleep(0)

    asyncio.run(scenario())


def test_a_cancellation_from_elsewhere_stays_one() -> None:
    async def scenario() -> None:
        gate = admission()

        async def work() -> None:
            async with gate.enter(asking()):
                await asyncio.sleep(60)

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert gate.live == {}

    asyncio.run(scenario())


def test_it_is_decided_before_and_after_routing_and_when_the_decider_changes() -> None:
    async def scenario() -> None:
        weights = Digest.of(b"w")
        gate = admission(decider=lambda a: REFUSE if a.weights == weights else allow(a))
        async with gate.enter(asking()) as live:
            with pytest.raises(Refused) as caught:
                gate.route(live, weights, NOW, NOW)
            assert caught.value.problem.status == 451
        with pytest.raises(Refused):
            async with admission(decider=lambda _: REFUSE).enter(asking()):
                pytest.fail("let in")

        cut: list[str] = []

        async def work(name: str, tenant: str) -> None:
            with contextlib.suppress(Cut):
                async with gate.enter(Asking(name, ("key", tenant), "m", None, None, NOW, NOW)):
                    await asyncio.sleep(0.05)
                return
            cut.append(name)

        tasks = [asyncio.create_task(work(f"r-{i}", "ab"[i % 2])) for i in range(6)]
        await asyncio.sleep(0)
        named = gate.redecide(lambda a: REFUSE if a.principals[1] == "a" else allow(a), NOW, NOW)
        await asyncio.gather(*tasks)
        assert sorted(named) == sorted(cut) == ["r-0", "r-2", "r-4"]

    asyncio.run(scenario())


def test_slots_are_given_in_turn_and_given_back() -> None:
    async def scenario() -> None:
        gate = admission(slots=1, queue=2, patience=0.2)
        order: list[int] = []

        async def work(number: int) -> None:
            async with gate.slot():
                order.append(number)
                await asyncio.sleep(0.01)

        await asyncio.gather(*(work(i) for i in range(3)))
        assert order == [0, 1, 2]
        async with gate.slot():
            waiting = [asyncio.create_task(work(9)) for _ in range(2)]
            await asyncio.sleep(0)
            assert gate.waiting == 2
            with pytest.raises(Refused) as caught:
                await work(9)
            assert (caught.value.problem.status, caught.value.problem.retry) == (429, 2)
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
            assert [outcome.problem.status for outcome in outcomes if isinstance(outcome, Refused)] == [
                503,
                503,
            ]
        await work(10)
        assert gate.waiting == 0

    asyncio.run(scenario())


def test_needs_are_named_in_the_refusal() -> None:
    problem = Decision("refuse", "needs_fact", "d-1", "15 CFR", ("citizenships",)).problem()
    assert problem.to_dict()["error"] | {"message": ""} == {
        "message": "", "type": "access_error", "param": None, "code": "needs_fact", "directive": "d-1",
        "cite": "15 CFR", "needs": ["citizenships"],
    }  # fmt: skip
    assert "citizenships" in problem.message
