"""A whole estate in a temporary folder: two witnesses, a log, two release services, sealed random weights.

Services are the commands an operator starts, each in a process of its own. Acts that need no process of
their own are the same commands, run inside this one. An engine is `holder`, started and spoken to through
the hub's own handle.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import secrets
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mythos.cli.life import APPROVERS
from mythos.cli.parties import signing_key
from mythos.cli.processes import Household
from mythos.cli.shared import Home
from mythos.custody import ReleaseRequest, RenewalRequest, sign_message
from mythos.engines.client import Engine
from mythos.engines.frames import Frame
from mythos.errors import MythosError
from mythos.evidence.client import Appended, LogClient, Peer, Reply
from mythos.evidence.note import Checkpoint, Note, SigningKey, encode64
from mythos.evidence.predicates import Determination, Leg, Predicate, Usage
from mythos.evidence.statement import Envelope, Subject
from mythos.files import private_folder, read_private
from mythos.units import Digest, Instant

WITNESSES: Final = ("witness", "host-witness")
OBSERVED: Final = 0.25
"""Seconds that the machine may take to show an end that the kernel's timer brought about."""

_KEYS: Final = (
    ("owner", "owner"), ("owner", "log"), ("owner", "root"), ("approver-a", "approver-a"),
    ("approver-b", "approver-b"), ("host", "host"), ("host", "host-witness"), ("witness", "witness"),
)  # fmt: skip
_MODEL: Final = "random"
_BYTES: Final = 1 << 16
_ROUTE: Final = (Leg("US", "JP", "access"),)


@dataclass(slots=True)
class Later:
    """A request under way in a thread of its own."""

    act: Callable[[], Any]
    answer: Any = None
    thread: threading.Thread | None = None

    def begin(self) -> Later:
        """Send it."""
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def _run(self) -> None:
        try:
            self.answer = self.act()
        except MythosError as error:
            self.answer = error

    def wait(self, seconds: float) -> Any:
        """Its answer (a `MythosError` as a value), or `None` when there is none in time."""
        if self.thread is not None:
            self.thread.join(seconds)
        return self.answer


@dataclass(slots=True)
class Held:
    """An open engine, the release that opened it, and when its process was gone."""

    engine: Engine
    grant: Digest
    request: bytes
    until: Instant
    gone: Later
    renewal: int = 0

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self.gone.wait(0) is None


@dataclass(slots=True)
class Estate:
    """The parties of one drill. Everything is done from the thread that made it."""

    home: Home
    household: Household
    loop: asyncio.Runner
    log: LogClient
    weights: Digest = field(default_factory=lambda: Digest(bytes(32)))
    law: int = 0
    used: int = 0

    @property
    def sealed(self) -> Path:
        """The ciphertext, at the host."""
        return self.home.party("host") / "sealed"

    def address(self, approver: str) -> str:
        """Where an approver's release service listens."""
        return self.home.address(f"release-{approver}")

    def command(self, *argv: str) -> dict[str, Any]:
        """Run `mythos ARGV --json` in this process; its document."""
        from mythos.cli import cli

        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            cli.main([*argv, "--home", str(self.home.path), "--json"], standalone_mode=False)
        document: dict[str, Any] = json.loads(out.getvalue())
        return document

    def start(self, *names: str, witnesses: Sequence[str] = WITNESSES) -> None:
        """Start services by name and wait until all of them answer; the log asks `witnesses`."""
        asked = [part for name in witnesses for part in ("--witness", self.home.address(name))]
        argv = {
            "witness": ["witness", "serve", "--as", "witness"],
            "host-witness": ["witness", "serve", "--as", "host", "--name", "host-witness"],
            "log": ["log", "serve", *asked],
            **{f"release-{name}": ["release", "serve", "--as", name] for name in APPROVERS},
        }
        for name in names:
            Path(self.home.address(name).removeprefix("unix:")).unlink(missing_ok=True)
            self.household.start(name, [*argv[name], "--home", str(self.home.path)])
        for name in names:
            self.household.await_ready(name, self.home.address(name))

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End one service and wait until it is gone."""
        process = self.household.running.pop(name)
        process.send_signal(number)
        process.wait(10)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one service, and let it run on as it may."""
        self.household.running[name].send_signal(number)

    def key(self, party: str, name: str | None = None) -> SigningKey:
        """A party's signing key."""
        if name is None:
            return signing_key(self.home, party)
        return SigningKey.parse(read_private(self.home.key(party, name)).decode())

    def entry(self, act: Predicate, party: str) -> bytes:
        """An act about the weights, signed."""
        return Envelope.sign(act.statement(Subject(_MODEL, self.weights)), self.key(party)).to_bytes()

    def usage(self) -> bytes:
        """A small act of the host that was never said before."""
        self.used += 1
        now = Instant.now()
        return self.entry(Usage("host", now, now, self.used, self.used, None), "host")

    def append(self, *entries: bytes) -> Appended:
        """Append in one transaction; where the last one stands."""
        return self.log.append(entries)[-1]

    def size(self, state: str) -> int:
        """How many entries are acknowledged, published or witnessed."""
        return int(self.log.status()[state])

    def reaches(self, size: int, state: str, seconds: float) -> bool:
        """Whether the log says so within so many seconds."""
        return until(lambda: self.size(state) >= size, seconds)

    def witnessed_by(self, name: str) -> Checkpoint:
        """The head that a witness itself says it cosigned last."""
        with Peer(self.home.address(name), timeout=5) as peer:
            reply = peer.request("GET", "/checkpoint?origin=log")
        return Checkpoint.parse(Note.parse(reply.body).text)

    def approved(self, lease: int, *, opens: int = 10) -> Path:
        """A request that both organisations approved, for leases of so many seconds."""
        file = private_folder(self.home.party("owner") / "requests") / f"{secrets.token_hex(4)}.json"
        self.command(
            *("grant", "request", "--weights", str(self.weights), "--name", _MODEL, "--hub", "host"),
            *("--sealed", str(self.sealed), "--determination", str(self.law), "--days", "2"),
            *("--lease", str(lease), "--opens", str(opens), "--out", str(file)),
        )
        for approver in APPROVERS:
            self.command("grant", "approve", str(file), "--as", approver, "--yes")
        return file

    def granted(self, lease: int) -> Digest:
        """A grant in force, with its shares at the approvers."""
        return Digest.parse(self.command("grant", "issue", str(self.approved(lease)))["grant"])

    def launch(self, shift: float = 0.0) -> Engine:
        """Start an engine process whose wall clock is wrong by `shift` seconds."""
        command = (sys.executable, "-I", "-m", "mythos.cli.drills.holder", str(shift))
        return self.loop.run(Engine.launch(command=command))

    def ask(self, approver: str, path: str, message: bytes, *, seconds: float = 60.0) -> Reply:
        """Post a message to a release service.

        Raises:
            NetworkError: no answer in time.
        """
        with Peer(self.address(approver), timeout=seconds) as peer:
            return peer.request("POST", path, message)

    def release_request(self, grant: Digest, engine: Engine) -> bytes:
        """The host asks for the shares of a grant, for this engine."""
        message = ReleaseRequest(
            grant=grant, hub="host", engine_key=engine.hello["publicKey"], nonce=secrets.token_hex(32),
            evidence=None, requested_at=Instant.now(),
        )  # fmt: skip
        return sign_message(message, self.weights, self.key("host"))

    def opened(self, engine: Engine, grant: Digest, request: bytes, answers: Sequence[Reply]) -> Held:
        """Relay the approvers' answers; the engine opens the weights.

        Raises:
            EngineError: it refused.
        """
        release = {
            "folder": str(self.sealed), "request": encode64(request),
            "answers": [encode64(expect(answer)) for answer in answers],
        }  # fmt: skip
        said = self.loop.run(engine.open(release, timeout=30))
        process = os.pidfd_open(engine.pid)
        return Held(
            engine, grant, request, Instant.parse(said["until"]), Later(lambda: _gone(process)).begin()
        )

    def open(self, grant: Digest, *, shift: float = 0.0) -> Held:
        """Start an engine and have the weights released to it."""
        engine = self.launch(shift)
        request = self.release_request(grant, engine)
        answers = [self.ask(name, "/v1/release", request) for name in APPROVERS]
        return self.opened(engine, grant, request, answers)

    def renewal_request(self, held: Held, now: Instant | None = None) -> bytes:
        """The host asks for the next renewal, at a time that it claims."""
        message = RenewalRequest(held.grant, Digest.of(held.request), held.renewal + 1, now or Instant.now())
        return sign_message(message, self.weights, self.key("host"))

    def renew(self, held: Held) -> list[bytes]:
        """Have a lease renewed by both approvers and verified by the engine; the tokens.

        Raises:
            MythosError: an approver or the engine refused.
        """
        asked = self.renewal_request(held)
        tokens = [expect(self.ask(name, "/v1/renew", asked)) for name in APPROVERS]
        held.until = Instant.parse(self.relay(held, tokens)["until"])
        held.renewal += 1
        return tokens

    def relay(self, held: Held, tokens: Sequence[bytes]) -> Frame:
        """Hand renewals to the engine; what it says.

        Raises:
            EngineError: it does not believe them; the lease is what it was.
        """
        return self.loop.run(held.engine.renew({"renewals": [encode64(token) for token in tokens]}))

    def ends(self, held: Held, seconds: float) -> tuple[str, float]:
        """Wait up to so many seconds for an engine's end: how it ended, and how late for its lease.

        Returns:
            The code of the end (`alive` when there was none), and seconds after the lease's end by the true
            clock; negative before it.
        """
        gone: Instant | None = held.gone.wait(seconds)
        if gone is None:
            return "alive", Instant.now().since(held.until)
        ended = self.loop.run(asyncio.wait_for(asyncio.shield(held.engine.ended), 10))
        return ended.code, gone.since(held.until)


def _gone(process: int) -> Instant:
    """When the process of a descriptor ended."""
    try:
        select.select([process], [], [])
        return Instant.now()
    finally:
        os.close(process)


def expect(reply: Reply) -> bytes:
    """The body of a good answer.

    Raises:
        MythosError: the refusal that it carries.
    """
    if reply.status == 200:
        return reply.body
    told = json.loads(reply.body)
    raise MythosError(told["message"], found=told["found"], code=told["code"])


def refused(act: Callable[[], object]) -> str:
    """The code of the refusal that `act` meets; empty when it meets none."""
    try:
        act()
    except MythosError as error:
        return error.code
    return ""


def until(reached: Callable[[], bool], seconds: float) -> bool:
    """Ask again and again until it is so, or the time is over; whether it was."""
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def opened_estate() -> Generator[Estate]:
    """An estate in a temporary folder; everything of it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="mythos-drill-"))
    home = Home(folder / "home")
    household, loop, log = Household(folder / "run"), asyncio.Runner(), LogClient(home.address("log"))
    try:
        yield Estate(home, household, loop, log)
    finally:
        log.close()
        loop.close()
        for process in household.running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
        household.stop()
        shutil.rmtree(home.runtime, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def settle(estate: Estate) -> None:
    """Keys, trust, services, sealed random weights, and a determination that nothing bars them."""
    for party, name in _KEYS:
        hpke = ["--hpke"] if name in APPROVERS else []
        estate.command("keys", "new", "--as", party, "--name", name, *hpke)
    estate.command("trust", "init")
    estate.start(*WITNESSES, "log", *(f"release-{name}" for name in APPROVERS))
    estate.command("trust", "publish")
    model = private_folder(estate.home.party("owner") / "model") / f"{_MODEL}.gguf"
    model.write_bytes(b"GGUF" + secrets.token_bytes(_BYTES))
    sealed = estate.command("seal", str(model), "--out", str(estate.sealed), "--name", _MODEL)
    estate.weights = Digest.parse(sealed["weights"])
    nothing = Digest(bytes(32))
    law = Determination(
        on="2026-01-01", legs=_ROUTE, facts=nothing, document=nothing, instruments=(), barred=False,
        needs=(), review=(), pack_digest=nothing, decided_at=Instant.now(),
    )  # fmt: skip
    estate.law = estate.append(estate.entry(law, "owner")).index
    estate.log.wait(estate.law + 1)
