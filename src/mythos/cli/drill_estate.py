"""The estate of a directive drill: a log, a witness and a directive service, and as many hubs as are wanted.

Log, witness and directive service are the commands an operator starts, each in its own process; the hubs are
`drill_hub`. Everything is in a temporary folder and gone afterwards. The people are made up, one in four of
each kind:

    citizen    of the United States: no order of this evening concerns them
    foreign    citizen of another country, without an employer: refused until the order is lifted
    staff      foreign, of an entity that the relief names
    stranger   nothing is known: refused for as long as a fact about them is needed
"""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from mythos.cli.processes import Household
from mythos.cli.shared import Home
from mythos.errors import ProcessError
from mythos.evidence.client import LogClient, Peer
from mythos.evidence.estate import ROLES, Holder, first_root, policy_text
from mythos.evidence.note import SigningKey
from mythos.evidence.predicates import Directive, Grant, GrantRequest, HubIdentity, ModelIdentity
from mythos.evidence.statement import Envelope, Subject
from mythos.files import private_folder, write_private
from mythos.units import Digest, Instant

KINDS: Final = ("citizen", "foreign", "staff", "stranger")
MODEL: Final = "drill-model"
_WEIGHTS: Final = Digest.of(b"the weights of a drill")
_DAY: Final = 86_400.0
_KEYS: Final = 250  # a trust root fits one entry of the log: more hubs than this share keys
_HEAD: Final = """id: {id}
authority: drill
kind: order
effective: {effective}
models: [{model}]
acts: [access]
cite: "a rehearsal; no order was given"
"""
_BODIES: Final = {
    "order": "who: {foreign_person_of: US}\neffect: refuse\n",
    "relief": "who: {entity_in: annex}\neffect: allow\nlists: {annex: [acme]}\n",
    "lifting": "who: {any: true}\neffect: allow\n",
}


@dataclass(slots=True)
class Evening:
    """A running estate.

    Attributes:
        hubs: for each its address and the key of every person who calls it.
        kinds: of every person.
    """

    home: Home
    owner: SigningKey
    log: LogClient
    service: Peer
    hubs: dict[str, dict[str, Any]]
    kinds: dict[str, str]

    def issue(self, name: str) -> tuple[str, float]:
        """Log a directive and have the service read it; its id, and when the log had acknowledged it."""
        identity = f"drill-{name}"
        now = Instant.now()
        document = _HEAD.format(id=identity, effective=now, model=MODEL).encode() + _BODIES[name].encode()
        act = Directive(identity, "drill", base64.b64encode(document).decode(), now)
        entry = Envelope.sign(act.statement(Subject(identity, Digest.of(document))), self.owner).to_bytes()
        self.log.append([entry])
        logged = time.time()
        self.service.request("POST", "/v1/read")
        return identity, logged

    def coverage(self, identity: str, *, seconds: float) -> dict[str, Any]:
        """What `directive status` says, once it is complete or the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            reply = self.service.request("GET", f"/v1/status/{identity}")
            document: dict[str, Any] = json.loads(reply.body)
            if document.get("complete") or time.monotonic() > deadline:
                return document
            time.sleep(0.05)


@contextlib.contextmanager
def services(hubs: list[str], *, lease: float = 5.0) -> Generator[tuple[Evening, dict[str, SigningKey]]]:
    """Log, witness and directive service, for hubs of these names that the caller runs; and the hubs' keys.

    Raises:
        ProcessError: something did not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="mythos-drill-"))
    home, household = Home(folder / "home"), Household(folder / "run")
    log, service = LogClient(home.address("log")), Peer(home.address("directives"))
    try:
        keys = _settle(home, hubs)
        _start(home, household, log, keys, hubs, lease)
        yield Evening(home, keys["owner"], log, service, {}, {}), {hub: keys[hub] for hub in hubs}
    finally:
        log.close()
        service.close()
        household.stop()
        shutil.rmtree(home.runtime, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def evening(hubs: int, streams: int, *, rate: float, real: Path | None) -> Generator[Evening]:
    """Services and hubs; the first lease of every hub is given when this yields.

    Raises:
        ProcessError: something did not start.
    """
    names = [f"hub-{number:02}" for number in range(hubs)]
    people = {f"p-{number:03}": KINDS[number // hubs % len(KINDS)] for number in range(streams)}
    with services(names) as (estate, _):
        folder = estate.home.path.parent
        config = _config(estate.home, names, people, rate, real)
        argv = [sys.executable, "-m", "mythos.cli.drill_hub", "hubs", str(config)]
        with (folder / "run" / "hubs.log").open("wb") as said:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            estate.hubs, estate.kinds = _ready(folder, names, process), people
            yield estate
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()


def _settle(home: Home, hubs: list[str]) -> dict[str, SigningKey]:
    """Keys, the trust root, the policy."""
    names = {name for holders, _ in ROLES.values() for name in holders}
    keys = {name: SigningKey.generate(name) for name in [*sorted(names), "log", *hubs[:_KEYS]]}
    holders = {name: Holder(key.verify_key, name) for name, key in keys.items() if name != "log"}
    keys |= {hub: keys[hubs[number % _KEYS]] for number, hub in enumerate(hubs)}
    witness = SigningKey.generate("witness", cosigner=True)
    for party, name in (("owner", "owner"), ("owner", "log"), *(("host", hub) for hub in hubs)):
        write_private(home.key(party, name), keys[name].to_text().encode())
    write_private(home.key("witness"), witness.to_text().encode())
    root = first_root(holders, keys["log"].verify_key, [witness.verify_key], verifier=None, now=Instant.now())
    role = root.roles["hub"]
    every = (*role.keys, *(keys[hub].id for hub in hubs[:_KEYS]))
    root = replace(root, roles=root.roles | {"hub": replace(role, keys=every)})
    write_private(home.policy, policy_text(root).encode())
    signers = [keys[name] for name in ROLES["root"][0]]
    write_private(home.party("owner") / "root.dsse", Envelope.sign(root.statement(), *signers).to_bytes())
    return keys


def _start(
    home: Home, household: Household, log: LogClient, keys: dict[str, SigningKey], hubs: list[str],
    lease: float,
) -> None:  # fmt: skip
    """The log and its witness, what stands in the log before the evening, and the directive service."""
    at = ["--home", str(home.path)]
    witness = home.address("witness")
    household.start("witness", ["witness", "serve", *at])
    household.start("log", ["log", "serve", "--witness", witness, *at])
    household.start("directives", ["directive", "serve", "--lease", str(lease), *at])
    household.await_ready("log", home.address("log"))
    log.append([(home.party("owner") / "root.dsse").read_bytes()])
    now = Instant.now()
    identity = ModelIdentity(MODEL, "1", {}, "gguf", None, None, None, None, now)
    acts = [identity.statement(Subject(MODEL, _WEIGHTS))]
    acts += [_grant(hub, keys[hub], now).statement(Subject(MODEL, _WEIGHTS)) for hub in hubs]
    log.append([Envelope.sign(act, keys["owner"]).to_bytes() for act in acts])
    household.await_ready("directives", home.address("directives"))


def _grant(hub: str, key: SigningKey, now: Instant) -> Grant:
    """Names a hub; nothing is sealed or released in a drill."""
    nothing = Digest(bytes(32))
    request = GrantRequest(
        version=1, model=MODEL, weights=_WEIGHTS, manifest=nothing, seal=nothing,
        hub=HubIdentity(hub, str(key.verify_key), hub), purpose="serve", legs=(), determination=nothing,
        not_before=now, not_after=now.plus(_DAY), lease_seconds=3600, max_opens=1,
        egress_bytes_per_day=1 << 30, retention_days=1, organisations_required=2, override=None, nonce=hub,
    )  # fmt: skip
    return Grant(request, (), (), 1, now)


def _config(home: Home, hubs: list[str], people: dict[str, str], rate: float, real: Path | None) -> Path:
    folder = private_folder(home.party("host") / "drill")
    until = str(Instant.now().plus(_DAY))
    lines: list[dict[str, Any]] = []
    for name, kind in people.items():
        known = {
            "citizenships": ["US"] if kind == "citizen" else ["JP"],
            "permanent_residencies": [], "protected_in": [], "located_in": "JP",
            "entity": "acme" if kind == "staff" else "none", "verified_until": until,
        }  # fmt: skip
        lines.append({"id": name, **({} if kind == "stranger" else known)})
    entity = {"id": "acme", "name": "Acme", "headquartered_in": "JP", "parent": "none"}
    files = {"persons": lines, "entities": [entity]}
    for name, content in files.items():
        write_private(folder / f"{name}.jsonl", "".join(json.dumps(line) + "\n" for line in content).encode())
    slots = -(-len(people) // len(hubs)) + 4
    config = {
        "hubs": {hub: list(people)[number :: len(hubs)] for number, hub in enumerate(hubs)},
        "folder": str(home.path.parent / "hubs"), "keys": str(home.key("host").parent),
        "policy": str(home.policy), "persons": str(folder / "persons.jsonl"),
        "entities": str(folder / "entities.jsonl"), "log": home.address("log"),
        "directives": home.address("directives"), "model": MODEL, "weights": str(_WEIGHTS), "rate": rate,
        "real": str(real) if real else None, "slots": slots,
    }  # fmt: skip
    write_private(folder / "config.json", json.dumps(config).encode())
    return folder / "config.json"


def _ready(folder: Path, hubs: list[str], process: subprocess.Popen[bytes]) -> dict[str, dict[str, Any]]:
    deadline = time.monotonic() + 120
    waiting = {hub: folder / "hubs" / hub / "ready.json" for hub in hubs}
    while not all(path.exists() for path in waiting.values()):
        if process.poll() is not None or time.monotonic() > deadline:
            said = (folder / "run" / "hubs.log").read_text(errors="replace").splitlines()[-5:]
            raise ProcessError("the hubs of the drill did not start: " + "\n".join(said))
        time.sleep(0.05)
    return {hub: json.loads(path.read_bytes()) for hub, path in waiting.items()}
