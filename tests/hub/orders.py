"""A hub under directives without services: a real board, a real enforcement, a log that is a list.

Between them is a wire that a test can cut, delay or tamper with. Clocks are numbers.
"""

import asyncio
import base64
import contextlib
import json
import os
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from mythos.errors import LogError, MythosError, NetworkError
from mythos.evidence.client import refusal
from mythos.evidence.estate import ROLES, Holder, first_root, policy_text
from mythos.evidence.note import SigningKey
from mythos.evidence.policy import Policy
from mythos.evidence.predicates import (
    Directive,
    DirectiveAcknowledgement,
    Grant,
    GrantRequest,
    HubIdentity,
    ModelIdentity,
)
from mythos.evidence.statement import Envelope, Statement, Subject
from mythos.hub.admission import Admission, Asking, Cut, Decision, Live, Refused
from mythos.hub.enforcement import Enforcement
from mythos.hub.enforcement_people import Orders, People
from mythos.hub.enforcement_wire import read_question
from mythos.services.directives import Board
from mythos.units import Digest, Instant

NOW = Instant.parse("2026-06-12T21:21:00Z")
WEIGHTS = Digest.of(b"weights")
Z = Digest(bytes(32))
KEYS = {
    name: SigningKey(name, bytes([n]) * 32)
    for n, name in enumerate(("owner", "root", "approver-a", "approver-b", "host", "log", "stranger"), 1)
}
ROOT = first_root(
    {name: Holder(key.verify_key, name) for name, key in KEYS.items() if name not in {"log", "stranger"}},
    KEYS["log"].verify_key, [SigningKey("witness", bytes(32), 4).verify_key], verifier=None, now=NOW,
)  # fmt: skip
POLICY = Policy.parse(policy_text(ROOT))
PERSONS = [
    {"id": "citizen", "citizenships": ["US"]},
    {"id": "foreign", "citizenships": ["JP"]},
    {"id": "staff", "citizenships": ["JP"], "entity": "acme"},
    {"id": "robot", "citizenships": ["US"], "accountable": "foreign", "tenant": "company"},
    {"id": "company", "citizenships": ["US"]},
]
KNOWN = {
    "permanent_residencies": [],
    "protected_in": [],
    "entity": "none",
    "verified_until": "2026-12-31T00:00:00Z",
}
ENTITIES = [{"id": "acme", "name": "Acme", "headquartered_in": "JP", "parent": "none"}]


def people(**changed: dict[str, Any]) -> People:
    lines = [KNOWN | person | changed.get(str(person["id"]), {}) for person in PERSONS]
    text = ["\n".join(json.dumps(line) for line in part).encode() for part in (lines, ENTITIES)]
    return People.read(*text)


def sign(act: Any, *subjects: Subject, by: tuple[str, ...] = ("owner",)) -> bytes:
    return Envelope.sign(act.statement(*subjects), *(KEYS[name] for name in by)).to_bytes()


def order(name: str = "order", *, by: str = "owner", **more: Any) -> bytes:
    """A log entry: a directive as YAML (JSON is YAML) that refuses foreign persons unless told otherwise."""
    document: dict[str, Any] = {
        "id": name, "authority": "us-bis", "kind": "order", "effective": str(NOW), "models": ["m"],
        "acts": ["access"], "who": {"foreign_person_of": "US"}, "effect": "refuse", "cite": f"cite of {name}",
    } | more  # fmt: skip
    data = json.dumps(document).encode()
    act = Directive(name, document["authority"], base64.b64encode(data).decode(), NOW)
    return sign(act, Subject(name, Digest.of(data)), by=(by,))


def grant(hub: str = "host") -> bytes:
    request = GrantRequest(
        version=1, model="m", weights=WEIGHTS, manifest=Z, seal=Z, hub=HubIdentity(hub, str(KEYS[hub].verify_key), "H"),
        purpose="serve", legs=(), determination=Z, not_before=NOW, not_after=NOW.plus(86400), lease_seconds=60,
        max_opens=1, egress_bytes_per_day=1, retention_days=7, organisations_required=2, override=None, nonce="n",
    )  # fmt: skip
    return sign(Grant(request, (), (), 1, NOW))


@dataclass
class ListLog:
    """Stands for a `LogClient`."""

    held: list[bytes] = field(default_factory=list)
    silent: bool = False

    def status(self) -> dict[str, Any]:
        if self.silent:
            raise NetworkError("no answer from the log")
        return {"acknowledged": len(self.held)}

    def entries(self, start: int, end: int) -> list[bytes]:
        return self.held[start:end]

    def wait(self, *_: object) -> str:
        raise LogError("not in time", code="timeout")

    def close(self) -> None:
        pass


@dataclass
class Wire:
    """Stands for a `Line`, straight into the board."""

    world: "World"
    address: str = "nowhere"

    async def post(self, path: str, body: bytes, **_: float) -> tuple[int, bytes]:
        world, board = self.world, self.world.board
        if world.cut:
            await asyncio.sleep(60)
        try:
            if path == "/v1/acknowledge":
                board.acknowledged(body)
                return 200, b"{}"
            hub, about = read_question(body, path, board.key_of)
            if path == "/v1/lease":
                reply = board.answer(hub, about)
            else:
                reply = await board.follow(hub, about | {"wait": 200 if about["wait"] else 0})
        except MythosError as error:
            return 403, json.dumps(refusal(error)).encode()
        if world.delay:
            await asyncio.sleep(world.delay)
        return 200, world.tamper(path, reply)

    async def close(self) -> None:
        pass


@dataclass
class World:
    """The owner's side, and the clocks of both."""

    log: ListLog
    board: Board = field(init=False)
    seconds: float = 1000.0
    shift: float = 0.0
    cut: bool = False
    delay: float = 0.0
    tamper: Callable[[str, bytes], bytes] = lambda _path, reply: reply
    posted: list[Statement] = field(default_factory=list)
    facts: dict[str, bytes] = field(default_factory=dict)
    lease: float = 2.0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self, **more: Any) -> None:
        """The owner's service starts anew."""
        self.board = Board("unix:/nowhere", KEYS["owner"], POLICY, lease=self.lease, now=self.now, **more)
        self.board.log = self.board._reader = cast("Any", self.log)

    def now(self) -> Instant:
        """The owner's clock."""
        return NOW.plus(self.seconds - 1000 + self.shift)

    def clock(self) -> float:
        """The hub's monotonic clock."""
        return self.seconds

    async def say(self, *entries: bytes) -> None:
        """Log entries, and have the owner read them."""
        self.log.held += entries
        await self.board.read()

    async def post(self, statements: list[Statement], **facts: bytes) -> None:
        self.posted += statements
        self.facts |= facts

    async def fact(self, name: str) -> bytes | None:
        return self.facts.get(name)

    def acknowledged(self) -> list[DirectiveAcknowledgement]:
        acts = (statement for statement in self.posted if statement.act == "directive-acknowledgement")
        return [DirectiveAcknowledgement.of(statement) for statement in acts]


def world() -> World:
    first = Envelope.sign(ROOT.statement(), *(KEYS[name] for name in ROLES["root"][0])).to_bytes()
    identity = sign(ModelIdentity("m", "1", {}, "gguf", None, None, None, None, NOW), Subject("m", WEIGHTS))
    return World(ListLog([first, identity, grant()]))


@dataclass
class Site:
    """A hub's side."""

    world: World
    admission: Admission
    enforcement: Enforcement
    ended: dict[str, str] = field(default_factory=dict)

    def asking(self, person: str, name: str = "r", weights: Digest | None = WEIGHTS) -> Asking:
        return Asking(name, ("key", person), "m", weights, None, NOW, NOW)

    def decide(self, person: str, **more: Any) -> Decision:
        return self.enforcement.decide(self.asking(person, **more))

    def refusal(self, person: str) -> str:
        """The code with which somebody is refused; empty when they are not."""
        try:
            decision = self.decide(person)
        except Refused as refused:
            return refused.problem.code
        return "" if decision.effect == "allow" else decision.problem().code

    def stream(self, person: str) -> asyncio.Task[None]:
        """A request that is being answered until it is cut."""

        async def run() -> None:
            try:
                async with self.admission.enter(self.asking(person, person, None)) as live:
                    self.admission.route(live, WEIGHTS, NOW, NOW)
                    self.ended[person] = "running"
                    await asyncio.sleep(60)
            except (Cut, Refused) as refused:
                self.ended[person] = refused.problem.code

        return asyncio.create_task(run())

    def live(self, person: str) -> Live | None:
        return self.admission.live.get(person)


@contextlib.asynccontextmanager
async def site(given: World, folder: Path) -> AsyncGenerator[Site]:
    """A hub that obeys, with its loops running."""
    await given.board.read()
    os.chmod(folder, 0o700)  # noqa: PTH101 (pathlib would do no better here)
    admission = Admission(lambda _: Decision("refuse", "refused"), slots=8, queue=8, patience=5)
    enforcement = Enforcement(
        Orders("unix:/nowhere", POLICY, people()), folder, KEYS["host"], admission, given, clock=given.clock
    )
    enforcement._feed = enforcement._renewals = enforcement._said = cast("Any", Wire(given))
    running = asyncio.create_task(enforcement.run())
    try:
        yield Site(given, admission, enforcement)
    finally:
        running.cancel()
        [outcome] = await asyncio.gather(running, return_exceptions=True)
        assert isinstance(outcome, asyncio.CancelledError), f"the hub stopped obeying: {outcome!r}"


async def until(reached: Callable[[], object], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not reached():  # noqa: ASYNC110 (what is waited for has no event)
            await asyncio.sleep(0.005)
