"""Obeys directives in a running hub: follows the set, holds the lease, decides, cuts, acknowledges, records.

    enforcement = Enforcement(Orders(address, policy), folder, signer, admission, receipts)
    await enforcement.run()

Four loops on the hub's own event loop. *Leasing* asks the owner for a nonce lease every quarter of one, from
the first moment with what the disk holds, so that a disk that went back is noticed before anything is pulled.
*Following* waits for news by long-poll. *Watching* decides about every live request again, four times a
second and at the very end of a lease: so the beginning and end of a directive, and facts that expire, need no
code of their own. *Acknowledging* signs for a set once it is on disk and what it refuses has ended.

Without a lease nobody is served: who is refused is not known then. A newer set is obeyed at once, where it
refuses; what it allows waits until it is on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mythos.access import decide as access
from mythos.access.follow import acknowledge
from mythos.access.lease import HubLease
from mythos.access.people import UNKNOWN, Person
from mythos.access.principals import Role, decide_chain
from mythos.access.record import Record
from mythos.errors import AccessError, EvidenceError, FormatError, MythosError, NetworkError
from mythos.evidence.note import SigningKey
from mythos.evidence.statement import Envelope, Subject
from mythos.files import private_folder, write_private
from mythos.hub.admission import Admission, Asking, Decision, Live, Refused
from mythos.hub.enforcement_people import Minutes, Orders, People, Posts
from mythos.hub.enforcement_state import Followed
from mythos.hub.enforcement_wire import Line, question, read_told
from mythos.hub.shapes import Problem
from mythos.units import Instant

__all__ = ["Enforcement", "boottime"]

_LOG: Final = logging.getLogger("mythos.hub.directives")
_WATCH: Final = 0.25
_LONG: Final = 25.0  # seconds a long-poll may wait
_ANSWER: Final = 10.0
_LAST_EVENT: Final = 2.0  # seconds a cut client may take its last event before the hub acknowledges without
_REST: Final = 0.005  # between two pulls: an owner that always has news cannot keep this hub busy
_AGAIN: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
_ACKNOWLEDGED: Final = "directives-acknowledged"
_HALTED: Final = "directives.halted"
UNKNOWN_ORDERS: Final = Problem(
    503,
    "This hub does not know at present whom a directive refuses, so it answers nobody.",
    "directives_unknown",
    kind="service_unavailable",
    retry=2,
)


def boottime() -> float:
    """Seconds of a clock that nobody sets and that counts the time a machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class _Due:
    """What the next acknowledgement says, and the requests that must have ended before."""

    tasks: set[asyncio.Task[object]] = field(default_factory=set[asyncio.Task[object]])
    requests: set[str] = field(default_factory=set[str])
    persons: set[str] = field(default_factory=set[str])


class Enforcement:
    """Directives in force at one hub. All methods belong to its event loop.

    Attributes:
        followed: what is held.
        leased: set once the first lease was given.
        denied: why the owner gave no lease when it was asked last, if so.

    Raises (when made):
        AccessError: what the disk holds is damaged.
    """

    def __init__(
        self,
        orders: Orders,
        folder: Path,
        signer: SigningKey,
        admission: Admission,
        posts: Posts,
        *,
        clock: Callable[[], float] = boottime,
    ) -> None:
        self._folder = private_folder(folder / "directives")
        self._signer, self._admission, self._posts, self._clock = signer, admission, posts, clock
        self._people = orders.people
        self._hub = orders.hub or signer.name
        self._feed, self._renewals, self._said = (Line(orders.address) for _ in range(3))
        self.followed = Followed.load(self._folder, orders.policy)
        self._deciders = (self._decider(self.followed),)
        self._lease = HubLease(self._hub, secrets.token_hex(16))
        halted = self._folder / _HALTED
        if halted.exists():
            self._lease = self._lease.halt(halted.read_text(encoding="utf-8"))
        self._latest = Instant(0)
        self._minutes = Minutes(self._folder)
        self._due, self._changed, self._known = _Due(), asyncio.Event(), asyncio.Event()
        self._taking = asyncio.Lock()
        self.leased = asyncio.Event()
        self.denied = ""
        admission.redecide(self.decide, Instant(0), Instant(0))

    @property
    def halted(self) -> str:
        """Why this hub must not serve until a person looked, if so."""
        return self._lease.halted

    async def run(self) -> None:
        """Obey until cancelled."""
        loops = (self._leasing, self._following, self._watching, self._acknowledging)
        tasks = [asyncio.create_task(loop()) for loop in loops]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for line in (self._feed, self._renewals, self._said):
                await line.close()
            if self._minutes.pending:
                self._minutes.write()

    def meet(self, people: People) -> None:
        """Other facts hold from now on: whoever they refuse is cut before this returns."""
        self._people = people
        self._deciders = tuple(
            access.Decider(decider.directives, people.entities, decider.lineage) for decider in self._deciders
        )
        self._decide_again("facts")

    @property
    def people(self) -> People:
        """Everyone this hub knows, as of now."""
        return self._people

    # --- deciding

    def decide(self, asking: Asking) -> Decision:
        """Decide about a request that arrives or was routed (an `admission.Decider`).

        Raises:
            Refused: no lease runs.
        """
        interval = self._interval()
        if interval is None:
            raise Refused(UNKNOWN_ORDERS)
        routed = asking.weights is not None
        decision, taken = self._judge(asking, *interval)
        if routed or decision.effect == "refuse":
            self._record(asking, taken, *interval, "")
        return decision

    def _judge(
        self, asking: Asking, lo: Instant, hi: Instant
    ) -> tuple[Decision, list[tuple[Role, Person, access.Decision]]]:
        """Every principal, nearest first, under every set that may count; the first refusal ends it."""
        model = asking.model if asking.weights is None else str(asking.weights)
        taken: list[tuple[Role, Person, access.Decision]] = []
        for decider in self._deciders:
            taken = []
            for role, name in self._people.chain(asking.principals[-1]):
                try:
                    answer = decide_chain(
                        decider, ((role, name),), self._people.persons, model, "access", lo, hi,
                        located_in=asking.located_in,
                    )  # fmt: skip
                except AccessError:
                    if asking.weights is None:  # a name that several weights bear: it is decided once routed
                        return Decision("allow", "no_directive"), []
                    raise
                known = self._people.persons.get(name, Person(name, UNKNOWN))
                here = Person(name, known.facts._replace(located_in=asking.located_in), known.verified_until)
                taken.append((role, here, answer.decision))
                if not answer.decision.allowed:
                    return _told(answer.decision), taken
        return _told(taken[0][2]), taken

    def _record(
        self,
        asking: Asking,
        taken: list[tuple[Role, Person, access.Decision]],
        lo: Instant,
        hi: Instant,
        again: str,
    ) -> None:
        held = self.followed
        for place, (role, person, decision) in enumerate(taken):
            self._minutes.add(
                Record.of(
                    held.held, self._people.entities, person, decision,
                    hub=self._hub, request=asking.request + again + (f"/{role}" if place else ""),
                    model=asking.model if asking.weights is None else str(asking.weights), act="access",
                    lo=lo, hi=hi, log_size=held.size,
                )
            )  # fmt: skip

    def _decide_again(self, why: str) -> None:
        """Decide about every live request again and cut what is refused, whatever it waits for."""
        live = [one for one in self._admission.live.values() if not one.over and one.cut is None]
        interval = self._interval() if live else None
        for one in live:
            if interval is None:
                self._cut(one, UNKNOWN_ORDERS)
                continue
            decision, taken = self._judge(one.asking, *interval)
            refused = decision.effect == "refuse"
            if refused:
                self._cut(one, decision.problem())
                self._due.persons.add(taken[-1][1].id)
            if refused or why != "time":
                self._record(one.asking, taken, *interval, f"@{why}")

    def _cut(self, live: Live, problem: Problem) -> None:
        if self._admission.cut(live.asking.request, problem):
            self._due.requests.add(live.asking.request)
            self._due.tasks.add(live.task)

    def _interval(self) -> tuple[Instant, Instant] | None:
        """Where the owner's clock stands; what was certain once stays so."""
        interval = self._lease.serving(self._clock())
        if interval is None:
            return None
        self._latest = max(self._latest, interval[0])
        return self._latest, max(interval[1], self._latest)

    def _decider(self, followed: Followed) -> access.Decider:
        return access.Decider(followed.held.law, self._people.entities, followed.lineage)

    # --- the four loops

    async def _leasing(self) -> None:
        failures = 0
        while not self.halted:
            try:
                rest = await self._ask_lease()
                failures = 0
            except (NetworkError, EvidenceError, FormatError, AccessError) as error:
                rest = _AGAIN[min(failures, len(_AGAIN) - 1)]
                failures += 1
                _LOG.warning("no lease: %s", error)
            await asyncio.sleep(rest)

    async def _ask_lease(self) -> float:
        """One challenge; the seconds until the next."""
        held = self.followed.held
        self._lease, challenge = self._lease.ask(held, secrets.token_urlsafe(24), self._clock())
        asked = question(self._hub, {"path": "/v1/lease", "challenge": challenge.to_dict()}, self._signer)
        status, reply = await self._renewals.post("/v1/lease", asked, seconds=_ANSWER)
        if status != 200:
            self.denied = _code(reply)
            return 1.0
        self.denied = ""
        self._known.set()
        outcome = "forged"
        for key in self.followed.owners():
            self._lease, outcome = self._lease.receive(reply, key, held, self._clock())
            if outcome != "forged":
                break
        if outcome == "fork":
            self._halt(self._lease.halted)
        if outcome != "granted":
            await self._pull(self._renewals, 0.0)
            return 0.02 if outcome == "behind" else 0.5
        self.leased.set()
        term = self._lease.term
        if self.followed.held.size > int(await self._posts.fact(_ACKNOWLEDGED) or b"0"):
            self._changed.set()
        return 1.0 if term is None else term.seconds / 4

    async def _following(self) -> None:
        await self._known.wait()
        failures = 0
        while not self.halted:
            try:
                await self._pull(self._feed, _LONG)
                failures = 0
                await asyncio.sleep(_REST)
            except (NetworkError, EvidenceError, FormatError, AccessError) as error:
                _LOG.warning("no news: %s", error)
                await asyncio.sleep(_AGAIN[min(failures, len(_AGAIN) - 1)])
                failures += 1

    async def _pull(self, line: Line, wait: float) -> None:
        """Ask for what the log holds beyond what is held; waits at the owner, at most so many seconds."""
        nonce, held = secrets.token_urlsafe(24), self.followed
        about = {
            "path": "/v1/follow", "nonce": nonce, "after": held.size, "links": len(held.held.links),
            "wait": round(wait * 1000),
        }  # fmt: skip
        asked = question(self._hub, about, self._signer)
        status, reply = await line.post("/v1/follow", asked, seconds=wait + _ANSWER)
        if status != 200:
            raise NetworkError("the owner gives no news", found=f"{status} {_code(reply)}")
        news = read_told(reply, self._hub, nonce, lambda news: held.learn(news.entries).owners())
        async with self._taking:
            after, outcome, reason = self.followed.take(news)
            if outcome == "fork":
                self._halt(reason)
            elif outcome == "gap":
                raise NetworkError("links are missing", found=reason)
            elif (after.held, after.entries) != (self.followed.held, self.followed.entries):
                await self._adopt(after)
            else:
                self.followed = after

    async def _adopt(self, after: Followed) -> None:
        """Refuse at once whom the newer set refuses; allow whom it allows once it is on disk."""
        newer = self._decider(after)
        before, self.followed = self.followed, after
        self._deciders = (*self._deciders, newer)
        self._decide_again(str(after.held.size))
        try:
            await asyncio.to_thread(after.save, self._folder, before)
        except OSError:
            self.followed = before  # what is not on disk is not held; its refusals stay in force
            raise
        self._deciders = (self._decider(after),)
        if after.held.size != before.held.size:
            self._changed.set()

    async def _watching(self) -> None:
        closed = 0.0
        while True:
            now, term = self._clock(), self._lease.term
            left = _WATCH if term is None or term.until() <= now else term.until() - now
            await asyncio.sleep(min(_WATCH, left))
            self._decide_again("time")
            if self._minutes.pending:
                await asyncio.to_thread(self._minutes.write)
            if now - closed > _LONG and self._interval() is not None:
                closed = now
                await self._minutes.close(self._posts, self._latest)

    async def _acknowledging(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            due, self._due, held = self._due, _Due(), self.followed.held
            if due.tasks:
                await asyncio.wait(due.tasks, timeout=_LAST_EVENT)
            interval = self._interval()
            if interval is None or not held.links:
                self._due = _Due(due.tasks | self._due.tasks, due.requests, due.persons | self._due.persons)
                continue
            act = acknowledge(
                held, self._hub, streams_cut=len(due.requests), persons_refused=len(due.persons),
                clock=interval[0], now=Instant.now(),
            )  # fmt: skip
            statement = act.statement(Subject(f"{self._hub} {held.size}", held.head))
            await self._posts.post([statement], **{_ACKNOWLEDGED: str(held.size).encode()})
            entry = Envelope.sign(statement, self._signer).to_bytes()
            with contextlib.suppress(MythosError):  # the log has it in any case
                await self._said.post("/v1/acknowledge", entry, seconds=_ANSWER)

    def _halt(self, reason: str) -> None:
        """Stop serving until a person looked and removed the file that says why."""
        self._lease = self._lease.halt(reason)
        self._decide_again("time")
        write_private(self._folder / _HALTED, reason.encode())
        _LOG.error("halted: %s", reason)


def _told(decision: access.Decision) -> Decision:
    effect = "allow" if decision.allowed else "refuse"
    return Decision(effect, decision.reason, decision.directive, decision.cite, decision.needs)


def _code(reply: bytes) -> str:
    import json

    try:
        document: Any = json.loads(reply)
        return str(document["code"])[:80]
    except (ValueError, KeyError, TypeError):
        return "unreadable"
