"""The rates and the crash drills of the evidence room, each beside the figure it must reach.

    python bench/evidence.py [--quick] [--folder DIR]

Rates are of this machine and its disk: the first row is a bare SQLite loop for comparison. `--quick` runs a
twentieth of the crash rounds. Exit status 1 when a row is below its figure.
"""

import argparse
import os
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.evidence import crashes, samples

from mythos.dossier.build import Capture, build
from mythos.evidence.log import Log
from mythos.evidence.merkle import Tree, leaf_hash, root, verify_inclusion
from mythos.evidence.policy import Policy
from mythos.evidence.predicates import Evaluation, Result
from mythos.evidence.publish import Publisher
from mythos.evidence.statement import Envelope
from mythos.evidence.tiles import Projection
from mythos.evidence.verify import verify
from mythos.units import Instant

NOBODY = Policy.parse("quorum none\n")
FAILED: list[str] = []


def row(what: str, found: float, unit: str, wanted: float | None = None, *, least: bool = True) -> None:
    good = wanted is None or (found >= wanted if least else found <= wanted)
    said = "" if wanted is None else f"{'at least' if least else 'at most'} {wanted:,.4g}"
    print(
        f"{what:58} {found:12,.5g} {unit:8} {said:16} {'' if wanted is None else 'ok' if good else 'BELOW'}",
        flush=True,
    )
    if not good:
        FAILED.append(what)


def rate(call: Callable[[], object], count: int, seconds: float = 1.0) -> float:
    """Calls of `count` items a second."""
    done, started = 0, time.perf_counter()
    while (spent := time.perf_counter() - started) < seconds:
        call()
        done += count
    return done / spent


def entries(count: int) -> list[bytes]:
    return [os.urandom(500) for _ in range(count)]


def appending(folder: Path) -> None:
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=FULL")
    bare.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, data BLOB)")
    log = Log.open(folder / "log", samples.LOG, policy=None)

    def one_row() -> None:
        bare.execute("BEGIN IMMEDIATE")
        bare.execute("INSERT INTO rows (data) VALUES (?)", (os.urandom(500),))
        bare.execute("COMMIT")

    slices = [(rate(one_row, 1, 0.4), rate(lambda: log.append(entries(1)), 1, 0.4)) for _ in range(10)]
    bare_rate = sum(a for a, _ in slices) / len(slices)
    ours = sum(b for _, b in slices) / len(slices)
    row("bare SQLite FULL commits, one row each", bare_rate, "/s")
    row("durable acknowledgements, one at a time", ours, "/s")
    row("  as a share of the bare loop", ours / bare_rate, "", 0.4)
    log.close()
    bare.close()
    for size, wanted in ((256, 10_000), (4_096, 25_000)):
        _batches(folder / f"log-{size}", size, wanted)


def _batches(folder: Path, size: int, wanted: float) -> None:
    """Append batches while a publisher runs; the rate, and how far publication ever lagged."""
    log = Log.open(folder, samples.LOG, policy=None)
    publisher = Publisher(log, Projection(folder), NOBODY)
    publisher.start()
    waiting: dict[int, float] = {}
    lag, stop = [0.0], threading.Event()

    def watch() -> None:
        while not (stop.is_set() and not waiting):
            published, now = publisher.size("published"), time.perf_counter()
            for reached in [s for s in list(waiting) if s <= published]:
                lag[0] = max(lag[0], now - waiting.pop(reached))
            time.sleep(0.002)

    watching = threading.Thread(target=watch)
    watching.start()
    prepared = [entries(size) for _ in range(max(2, 120_000 // size))]
    started = time.perf_counter()
    for batch in prepared:
        log.append(batch)
        waiting[log.size] = time.perf_counter()
    spent = time.perf_counter() - started
    stop.set()
    watching.join()
    publisher.close()
    log.close()
    row(
        f"durable acknowledgements, batches of {size:,}, publishing",
        len(prepared) * size / spent,
        "/s",
        wanted,
    )
    row("  published after acknowledged, worst", lag[0], "s", 1.0, least=False)


def proving() -> None:
    leaves = [leaf_hash(str(i).encode()) for i in range(100_000)]
    tree = Tree(leaves)
    size, head = tree.size, tree.root()
    places = [(i * 7919) % size for i in range(1_000)]
    row(
        "inclusion proofs made, log of 100,000",
        rate(lambda: [tree.inclusion(i, size) for i in places], 1_000),
        "/s",
        5_000,
    )
    proofs = [(leaves[i], i, size, tree.inclusion(i, size), head) for i in places]
    row(
        "inclusion proofs verified", rate(lambda: [verify_inclusion(*p) for p in proofs], 1_000), "/s", 15_000
    )
    data = [os.urandom(500) for _ in range(100_000)]
    started = time.perf_counter()
    root(map(leaf_hash, data))
    row("tree replay of 100,000 entries", time.perf_counter() - started, "s", 2.0, least=False)
    envelope = Envelope.parse(samples.signed(samples.SAMPLES["seal"]))
    keys = [samples.KEYS["owner"].verify_key]
    row("signatures verified, one core", rate(lambda: envelope.verify(keys), 1), "/s", 2_000)


def dossiers() -> None:
    owner = samples.KEYS["owner"]
    acts = [samples.signed(samples.TRUST)] + [
        samples.signed(Evaluation("suite", (Result("accuracy", str(i), "1", 1),), samples.WHEN), owner)
        for i in range(9_999)
    ]
    checkpoint = str(samples.head(acts))
    started = time.perf_counter()
    dossier = build(
        samples.POLICY, Capture(acts, checkpoint), samples.WEIGHTS, Instant(samples.NOW * 1_000_000)
    )
    row("dossier of 10,000 acts, build", time.perf_counter() - started, "s", 5.0, least=False)
    started = time.perf_counter()
    report = verify(dossier.evidence, samples.POLICY, now=samples.NOW)
    row("dossier of 10,000 acts, verify", time.perf_counter() - started, "s", 8.0, least=False)
    assert report.verified, report.problems


def drills(folder: Path, share: float) -> None:
    rounds = max(2, round(200 * share))
    row(
        f"entries that stood through {rounds} rounds of kill -9, none amiss",
        crashes.killed(_new(folder, "kill"), rounds),
        "",
    )
    cuts = max(20, round(1_500 * share))
    row(
        f"projection sound after {cuts:,} power cuts", crashes.unplugged(_new(folder, "cuts"), cuts), "", cuts
    )
    cuts = max(20, round(200 * share))
    row(f"SQLite sound after {cuts} power cuts", crashes.forgotten(_new(folder, "sqlite"), cuts), "", cuts)


def mutations() -> None:
    small = samples.small_dossier()
    refused = sum(
        not verify(
            small[:at] + bytes([small[at] ^ 1]) + small[at + 1 :], samples.POLICY, now=samples.NOW
        ).verified
        for at in range(len(small))
    )
    row("single-byte mutations refused, every position", refused, "", len(small))


def _new(folder: Path, name: str) -> Path:
    (folder / name).mkdir(mode=0o700)
    return folder / name


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure (default: the system's)")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mythos-bench-", dir=chosen.folder))
    try:
        appending(folder)
        proving()
        dossiers()
        mutations()
        drills(folder, 0.05 if chosen.quick else 1.0)
    finally:
        shutil.rmtree(folder)
    sys.exit(1 if FAILED else 0)


if __name__ == "__main__":
    main()
