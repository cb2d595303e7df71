"""Keeps one engine open under its grant: opens it, renews its lease, opens another when it dies.

What opening, renewing and stating mean is given as an `Opener`; this is only the order of things. A request
asks `state`: either what serves it, or the refusal that says why nothing does and what to do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from mythos.engines import Ended, Engine
from mythos.errors import CustodyError, MythosError
from mythos.hub.shapes import Problem
from mythos.units import Digest, Instant

__all__ = ["Keeper", "Opener", "Serving"]

_BACKOFF: Final = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before another engine is opened
_STEADY: Final = 60.0
_OVER: Final = frozenset({"lease_ended", "grant_ended"})


@dataclass(frozen=True, slots=True)
class Serving:
    """An open engine and what its answers are bound to.

    Attributes:
        model: the name clients ask for.
        weights: the digest of the weights.
        build: which engine, as the `opened` statement says it.
        lease: the lease as a receipt commits to it: grant, renewal, from, until.
        until: when the lease ends by the wall clock.
        retention_days: how long the grant lets transcripts be kept.
    """

    engine: Engine
    model: str
    weights: Digest
    build: str
    lease: Mapping[str, Any]
    until: Instant
    retention_days: int = 7


class Opener(Protocol):
    """The release flow, seen from the keeper."""

    async def open(self) -> Serving:
        """Start an engine and have it opened; states `opened` and `lease`."""
        ...

    async def renew(self, serving: Serving, /) -> Serving:
        """Have the lease renewed; states `lease`."""
        ...

    async def wiped(self, serving: Serving, ended: Ended, /) -> None:
        """State that an engine and its plain weights are gone, and why."""
        ...


class Keeper:
    """One model's engine, kept open.

    Args:
        opener: what opens, renews and states.
        renew: whether to ask for renewals; without, the lease's end is the end.
    """

    def __init__(self, opener: Opener, *, renew: bool = True) -> None:
        self._opener = opener
        self._renew = renew
        self.state: Serving | Problem = _problem("starting", "The model is being opened.", retry=2)
        self.restarts = 0

    async def open(self) -> Serving:
        """Open the first engine.

        Raises:
            MythosError: it was not released, or did not start.
        """
        self.state = serving = await self._opener.open()
        return serving

    async def run(self, serving: Serving) -> None:
        """Keep an engine open until cancelled, or until its lease is over and may not be renewed."""
        failures = 0
        while True:
            began = time.monotonic()
            ended = await self._until_end(serving)
            if ended.code in _OVER and not self._renew:
                return
            failures = 0 if time.monotonic() - began > _STEADY else failures + 1
            serving = await self._reopen(failures)
            self.restarts += 1

    async def _reopen(self, failures: int) -> Serving:
        while True:
            await asyncio.sleep(_BACKOFF[min(max(failures, 1), len(_BACKOFF)) - 1])
            try:
                return await self.open()
            except (MythosError, OSError) as error:
                failures += 1
                self.state = _refusal(error)

    async def _until_end(self, serving: Serving) -> Ended:
        renewing = asyncio.create_task(self._renewals(serving)) if self._renew else None
        try:
            ended = await asyncio.shield(serving.engine.ended)
        except asyncio.CancelledError:
            ended = await serving.engine.close()
            self.state = _problem("stopped", "The hub is stopping.")
            await self._opener.wiped(serving, Ended("stopped", "the hub was stopped"))
            raise
        finally:
            if renewing is not None:
                renewing.cancel()
        latest = self.state if isinstance(self.state, Serving) else serving
        self.state = _gone(latest, ended)
        await self._opener.wiped(latest, ended)
        return ended

    async def _renewals(self, serving: Serving) -> None:
        """Renew at half of what is left, and again sooner while that fails."""
        while True:
            left = serving.until.since(Instant.now())
            await asyncio.sleep(max(left / 2, 0.2))
            try:
                serving = await self._opener.renew(serving)
            except (MythosError, OSError):
                continue  # the lease runs on to its end; the next try comes at half of what is left
            self.state = serving


def _gone(serving: Serving, ended: Ended) -> Problem:
    if ended.code in _OVER:
        message = f"The lease ended at {serving.until}; ask the approvers to renew the grant."
        return _problem("lease_ended", message)
    return _problem("engine_ended", f"The engine ended ({ended.code}); another is being opened.", retry=2)


def _refusal(error: Exception) -> Problem:
    if isinstance(error, CustodyError):
        return _problem("release_refused", f"The weights were not released: {error}")
    return _problem("engine_failed", f"The model could not be opened: {error}", retry=5)


def _problem(code: str, message: str, *, retry: int | None = None) -> Problem:
    return Problem(503, message, code, kind="service_unavailable", retry=retry)
