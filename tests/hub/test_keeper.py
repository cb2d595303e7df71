"""The order of things around an engine, with engines that only end."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mythos.engines import Ended
from mythos.errors import LeaseError, NetworkError
from mythos.hub.keeper import Keeper, Serving
from mythos.hub.shapes import Problem
from mythos.units import Digest, Instant

NOTHING = cast("Any", None)


class Script:
    """An opener whose engines last `seconds` and whose renewals give that much again, or fail."""

    def __init__(self, seconds: float = 60, renewals: int = 0) -> None:
        self.seconds = seconds
        self.renewals = renewals
        self.told: list[str] = []
        self.engines: list[asyncio.Future[Ended]] = []
        self.refuse: list[Exception] = []

    async def open(self) -> Serving:
        if self.refuse:
            raise self.refuse.pop(0)
        ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self.engines.append(ended)

        async def close() -> Ended:
            if not ended.done():
                ended.set_result(Ended("killed", "by the test"))
            return await ended

        engine = SimpleNamespace(ended=ended, close=close)
        return self._serving(engine)

    async def renew(self, serving: Serving, /) -> Serving:
        if self.renewals == 0:
            raise LeaseError("the approvers say no")
        self.renewals -= 1
        self.told.append("renewed")
        return self._serving(serving.engine)

    async def wiped(self, _serving: Serving, ended: Ended, /) -> None:
        self.told.append(ended.code)

    def _serving(self, engine: Any) -> Serving:
        until = Instant.now().plus(self.seconds)
        return Serving(engine, "m", Digest.of(b"w"), "b", {"until": str(until)}, until)


def play(script: Script, act: Callable[[Keeper], Any], *, renew: bool = True) -> None:
    async def scenario() -> None:
        keeper = Keeper(script, renew=renew)
        running = asyncio.create_task(keeper.run(await keeper.open()))
        try:
            await act(keeper)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scenario())


def test_a_dead_engine_is_stated_and_another_opened() -> None:
    script = Script()

    async def act(keeper: Keeper) -> None:
        script.refuse = [NetworkError("approver-b does not answer")]
        script.engines[0].set_result(Ended("killed", ""))
        await asyncio.sleep(0.01)
        state = keeper.state
        assert isinstance(state, Problem)
        assert "approver-b does not answer" in state.message
        await asyncio.sleep(1.1)
        assert isinstance(keeper.state, Serving)
        assert keeper.restarts == 1

    play(script, act)
    assert script.told == ["killed", "stopped"]
    assert len(script.engines) == 2


def test_a_lease_that_ends_without_renewal_is_the_end_and_says_so() -> None:
    script = Script()

    async def act(keeper: Keeper) -> None:
        script.engines[0].set_result(Ended("lease_ended", ""))
        await asyncio.sleep(0.05)
        state = keeper.state
        assert isinstance(state, Problem)
        assert state.code == "lease_ended"
        assert "ask the approvers" in state.message

    play(script, act, renew=False)
    assert script.told == ["lease_ended"]
    assert len(script.engines) == 1


def test_renewals_come_at_half_of_what_is_left_and_again_when_they_fail() -> None:
    script = Script(seconds=0.6, renewals=2)

    async def act(keeper: Keeper) -> None:
        first = keeper.state
        await asyncio.sleep(1.2)
        assert isinstance(first, Serving)
        assert isinstance(keeper.state, Serving)
        assert keeper.state.until.since(first.until) > 0.3

    play(script, act)
    assert script.told[:2] == ["renewed", "renewed"]


def test_the_first_opening_tells_why_it_failed() -> None:
    script = Script()
    script.refuse = [LeaseError("the grant has ended")]
    with pytest.raises(LeaseError):
        play(script, lambda _: NOTHING)
