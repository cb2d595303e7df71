"""An order to many hubs: seconds from the log's acknowledgement to the last refused stream's end.

    python bench/directives.py [--hubs 500] [--streams 1000] [--rounds 5] [--lease 20]

All hubs run in one process over the code that a hub runs (enforcement, admission, state on disk, lease,
acknowledgement), each with connections of its own to one directive service in another process, over a Unix
socket. Their streams are tasks inside the real admission, not sockets; `mythos directive drill` has real
hub processes and real HTTP streams. One order a round, and one that lifts it; half of the streams are
refused.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import math
import statistics
import tempfile
import time
from pathlib import Path

from mythos.cli.drill_estate import MODEL, Evening, services
from mythos.evidence.policy import Policy
from mythos.evidence.predicates import Directive, DirectiveAcknowledgement
from mythos.evidence.statement import Envelope, Subject
from mythos.files import private_folder
from mythos.hub.admission import Admission, Asking, Cut, Refused, allow
from mythos.hub.enforcement import Enforcement
from mythos.hub.enforcement_people import Orders, People
from mythos.units import Digest, Instant

PERSONS = b"".join(
    json.dumps(
        {"id": name, "citizenships": [country], "permanent_residencies": [], "protected_in": [],
         "entity": "none", "verified_until": "2100-01-01T00:00:00Z"}
    ).encode() + b"\n"
    for name, country in (("citizen", "US"), ("foreign", "JP"))
)  # fmt: skip


class Kept:
    """Stands for a hub's receipts: what it states is counted, not logged."""

    def __init__(self) -> None:
        self.facts: dict[str, bytes] = {}
        self.acknowledged = 0.0

    async def post(self, statements, **facts: bytes) -> None:
        self.facts |= facts
        if any(statement.act == DirectiveAcknowledgement.NAME for statement in statements):
            self.acknowledged = time.time()

    async def fact(self, name: str) -> bytes | None:
        return self.facts.get(name)


class Hub:
    def __init__(self, name: str, estate: Evening, policy, key, folder: Path) -> None:
        self.kept, self.admission = Kept(), Admission(allow, slots=64, queue=64, patience=60)
        orders = Orders(estate.service.address, policy, People.read(PERSONS, b""), name)
        self.enforcement = Enforcement(orders, private_folder(folder / name), key, self.admission, self.kept)
        self.running = asyncio.create_task(self.enforcement.run())
        self.ended: dict[str, float] = {}

    async def stream(self, request: str, person: str) -> None:
        now = Instant.now()
        try:
            async with self.admission.enter(Asking(request, ("key", person), MODEL, None, None, now, now)):
                await asyncio.sleep(3600)
        except (Cut, Refused):
            self.ended[request] = time.time()


def say(estate: Evening, name: str, who: dict, effect: str) -> float:
    document = json.dumps(
        {"id": name, "authority": "bench", "kind": "order", "effective": str(Instant.now()),
         "models": [MODEL], "acts": ["access"],
         "who": who, "effect": effect}
    ).encode()  # fmt: skip
    act = Directive(name, "bench", base64.b64encode(document).decode(), Instant.now())
    entry = Envelope.sign(act.statement(Subject(name, Digest.of(document))), estate.owner).to_bytes()
    estate.log.append([entry])
    logged = time.time()
    estate.service.request("POST", "/v1/read")
    return logged


async def rounds(estate: Evening, policy, keys, folder: Path, streams: int, count: int) -> list[dict]:
    hubs = [Hub(name, estate, policy, key, folder) for name, key in keys.items()]
    await asyncio.gather(*(hub.enforcement.leased.wait() for hub in hubs))
    print(f"{len(hubs)} hubs hold a lease")
    found = []
    for number in range(count):
        tasks = [
            asyncio.create_task(
                hubs[i % len(hubs)].stream(f"r-{number}-{i}", ("citizen", "foreign")[i // len(hubs) % 2])
            )
            for i in range(streams)
        ]
        await asyncio.sleep(1.0)
        logged = await asyncio.to_thread(
            say, estate, f"order-{number}", {"foreign_person_of": "US"}, "refuse"
        )
        async with asyncio.timeout(60):
            while any(hub.kept.acknowledged < logged for hub in hubs):  # noqa: ASYNC110 (500 hubs, no event)
                await asyncio.sleep(0.02)
        ends = sorted(at - logged for hub in hubs for at in hub.ended.values() if at > logged)
        last = max(hub.kept.acknowledged for hub in hubs) - logged
        found.append(
            {
                "cut": len(ends),
                "p50": statistics.median(ends),
                "p99": ends[math.ceil(0.99 * len(ends)) - 1],
                "last": ends[-1],
                "last_acknowledged": last,
            }
        )
        print({name: round(value, 3) for name, value in found[-1].items()})
        await asyncio.to_thread(say, estate, f"lifted-{number}", {"any": True}, "allow")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(2.0)
    for hub in hubs:
        hub.running.cancel()
    await asyncio.gather(*(hub.running for hub in hubs), return_exceptions=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("hubs", 500), ("streams", 1000), ("rounds", 5), ("lease", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    told = parser.parse_args()
    names = [f"hub-{number:03}" for number in range(told.hubs)]
    with tempfile.TemporaryDirectory(prefix="mythos-bench-") as folder, services(names, lease=told.lease) as (
        estate, keys,
    ):  # fmt: skip
        policy = Policy.parse(estate.home.policy.read_bytes())
        found = asyncio.run(
            rounds(estate, policy, keys, private_folder(Path(folder) / "hubs"), told.streams, told.rounds)
        )
    p99 = statistics.median(one["p99"] for one in found)
    print(f"{told.hubs} hubs, {told.streams} streams: p99 {p99:.3f} s (median of {told.rounds}), "
          f"last end {max(one['last'] for one in found):.3f} s at worst, 2 cores")  # fmt: skip


if __name__ == "__main__":
    main()
