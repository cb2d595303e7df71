"""The one place where a request is let in, refused, made to wait, and cut while it is answered.

    async with admission.enter(asking) as live:        # decided; raises Refused
        await admission.slot(live)                      # waits for its turn; raises Refused
        live.decision = admission.decide(asking_routed) # again, now that the weights are known
        ...                                             # the answer

Every wait of a request happens inside `enter`, in the task that `enter` was called in. `cut` cancels that
task: it leaves whatever it waits for at once (its turn, a prompt being computed, the next token, a client
that does not read), and `enter` turns the cancellation into `Cut` with the decision, so that the caller can
end the answer with a last event. The engine's slot is freed afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from typing import Literal

from mythos.hub.shapes import Problem
from mythos.units import Digest, Instant

__all__ = ["Admission", "Asking", "Cut", "Decider", "Decision", "Live", "Refused", "allow"]


@dataclass(frozen=True, slots=True)
class Asking:
    """What is known of a request when it is decided.

    Attributes:
        request: the receipt's id.
        principals: everyone in the chain, the nearest first (today the key and its tenant).
        model: the name that was asked for.
        weights: the weights it was routed to; None before routing.
        located_in: the country this request shows, if any.
        earliest: the decision holds for every instant from here
        latest: to here.
    """

    request: str
    principals: tuple[str, ...]
    model: str
    weights: Digest | None
    located_in: str | None
    earliest: Instant
    latest: Instant


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request may be answered, and why."""

    effect: Literal["allow", "refuse"]
    reason: Literal["no_directive", "exempt", "refused", "needs_fact"]
    directive: str | None = None
    cite: str | None = None
    needs: tuple[str, ...] = ()

    def problem(self) -> Problem:
        """The refusal as HTTP says it: 451 (RFC 7725)."""
        unknown = self.reason == "needs_fact"
        message = "A directive does not allow this answer."
        if unknown:
            message = f"A directive may not allow this answer: not known is {', '.join(self.needs)}."
        code = "needs_fact" if unknown else "refused_by_directive"
        more = (("directive", self.directive), ("cite", self.cite), ("needs", list(self.needs)))
        return Problem(451, message, code, kind="access_error", more=more)


Decider = Callable[[Asking], Decision]


def allow(asking: Asking) -> Decision:  # noqa: ARG001 (a Decider)
    """The decision where no directive is known."""
    return Decision("allow", "no_directive")


class Refused(Exception):  # noqa: N818 (a refusal is not an error)
    """The request is not let in; carries what to answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class Cut(Refused):
    """The request was let in and is ended from outside before its answer was complete."""


@dataclass(slots=True)
class Live:
    """A request that was let in and is not finished."""

    asking: Asking
    decision: Decision
    task: asyncio.Task[object]
    cut: Problem | None = None
    over: bool = False

    def finish(self) -> None:
        """From here on the answer is complete: nothing can cut it any more."""
        self.over = True


class Admission:
    """Lets requests in. All methods belong to one event loop.

    Args:
        decider: decides about access; pure.
        slots: requests answered at once.
        queue: requests that may wait for a slot.
        patience: seconds a request may wait for one.
    """

    def __init__(self, decider: Decider, *, slots: int, queue: int, patience: float) -> None:
        self._decider = decider
        self._slots = asyncio.Semaphore(slots)
        self._queue = queue
        self._patience = patience
        self._waiting = 0
        self._live: dict[str, Live] = {}

    @property
    def live(self) -> dict[str, Live]:
        """The requests that are let in, by id."""
        return dict(self._live)

    @property
    def waiting(self) -> int:
        """Requests that wait for a slot."""
        return self._waiting

    @contextlib.asynccontextmanager
    async def enter(self, asking: Asking) -> AsyncGenerator[Live]:
        """Decide about a request before routing, and hold it where it can be cut.

        Raises:
            Refused: it is not let in.
            Cut: it was ended from outside.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request belongs to a task")
        live = Live(asking, self._check(asking), task)
        self._live[asking.request] = live
        try:
            yield live
            if live.cut is not None:
                await asyncio.sleep(0)  # the cancellation was asked for and has not arrived yet
        except asyncio.CancelledError:
            if live.cut is None:
                raise
            task.uncancel()
            raise Cut(live.cut) from None
        finally:
            del self._live[asking.request]

    def route(self, live: Live, weights: Digest, earliest: Instant, latest: Instant) -> None:
        """Decide again, now that the weights are known.

        Raises:
            Refused: these weights are not for this request.
        """
        live.asking = replace(live.asking, weights=weights, earliest=earliest, latest=latest)
        live.decision = self._check(live.asking)

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncGenerator[None]:
        """A turn at the engine.

        Raises:
            Refused: too many wait already, or the turn did not come in time.
        """
        if self._slots.locked() and self._waiting >= self._queue:
            raise Refused(_busy(429, "rate_limit_exceeded", "Too many requests wait for this model."))
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._slots.acquire()
        except TimeoutError:
            raise Refused(_busy(503, "overloaded", "No turn at the model came in time.")) from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()

    def cut(self, request: str, problem: Problem) -> bool:
        """End a request now; false when there is no such request or its answer is complete."""
        live = self._live.get(request)
        if live is None or live.over or live.cut is not None:
            return False
        live.cut = problem
        live.task.cancel()
        return True

    def redecide(self, decider: Decider, earliest: Instant, latest: Instant) -> list[str]:
        """Put another decider in force and cut what it refuses; the ids that were cut."""
        self._decider = decider
        cut: list[str] = []
        for name, live in self._live.items():
            decision = decider(replace(live.asking, earliest=earliest, latest=latest))
            if decision.effect == "refuse" and self.cut(name, decision.problem()):
                cut.append(name)
        return cut

    def _check(self, asking: Asking) -> Decision:
        decision = self._decider(asking)
        if decision.effect == "refuse":
            raise Refused(decision.problem())
        return decision


def _busy(status: int, code: str, message: str) -> Problem:
    return Problem(status, message, code, kind="server_busy", retry=2)
