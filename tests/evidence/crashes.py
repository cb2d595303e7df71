"""The three crash drills, as functions: tests run a few rounds of each, bench/evidence.py runs them all.

killed      a process that appends and publishes, ended by SIGKILL at a random moment
unplugged   the projection, cut at a random operation, unsynced names and contents dropped or torn
forgotten   SQLite, cut at a random write, unsynced writes dropped or torn
"""

import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from mythos.errors import EvidenceError, LogCorruptError
from mythos.evidence import verify
from mythos.evidence.log import Log
from mythos.evidence.merkle import TILE, leaf_hash, root
from mythos.evidence.note import Checkpoint, Note
from mythos.evidence.policy import Policy
from mythos.evidence.publish import Publisher
from mythos.evidence.tiles import Projection

from . import samples
from .forgetful import ForgetfulDisk, ForgetfulVFS, recorded

NOBODY = Policy.parse("quorum none\n")

WORKER = """
import os, random, sys
from pathlib import Path
from mythos.evidence.log import Log
from mythos.evidence.publish import Publisher
from mythos.evidence.tiles import Projection
from mythos.evidence.note import SigningKey
from mythos.evidence.policy import Policy
folder, key, seed = Path(sys.argv[1]), SigningKey.parse(sys.argv[2]), int(sys.argv[3])
log = Log.open(folder, key, policy=None)
publisher = Publisher(log, Projection(folder), Policy.parse("quorum none"))
publisher.start()
chance = random.Random(seed)
print("ready", flush=True)
for batch in range(100000):
    size = chance.choice([1, 1, 1, 3, 40, 300])
    entries = [f"{seed} {batch} {i}".encode().ljust(chance.choice([30, 300])) for i in range(size)]
    key = f"{seed} {batch}"
    os.write(1, f"try {key} {size}\\n".encode())
    places = log.append(entries, key)
    os.write(1, f"did {key} {places[0].index} {places[0].leaf_hash.hex()}\\n".encode())
"""


def killed(folder: Path, rounds: int, seed: int = 1) -> int:
    """Kill an appending process so often; returns the entries that stand at the end. Raises when one is amiss."""
    chance = random.Random(seed)
    stood = 0
    acknowledged: dict[int, str] = {}
    for number in range(rounds):
        log_folder = folder / f"log-{number // 10}"  # one that grows for ever would take ever longer to check
        if number % 10 == 0:
            acknowledged = {}
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(log_folder), samples.LOG.to_text(), str(number)],
            stdout=subprocess.PIPE,
        )
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
        time.sleep(chance.random() * 0.15)
        os.kill(worker.pid, signal.SIGKILL)
        lines = worker.stdout.read().decode().split("\n")[:-1]
        worker.wait()
        worker.stdout.close()
        for line in lines:
            if line.startswith("did "):
                _, _, _, index, leaf = line.split(" ")
                acknowledged[int(index)] = leaf
        size = _check_log(log_folder, acknowledged)
        if number % 10 == 9 or number == rounds - 1:
            stood += size
            shutil.rmtree(log_folder)
    return stood


def _check_log(folder: Path, acknowledged: dict[int, str]) -> int:
    """Everything acknowledged stands where it was said, nothing stands twice, files and database agree."""
    published = (folder / "checkpoint").read_bytes() if (folder / "checkpoint").exists() else None
    if published is not None:
        check_projection(folder)
    log = Log.open(folder, samples.LOG, policy=None)
    entries = log.entries(0, log.size)
    assert all(leaf_hash(entries[index]).hex() == leaf for index, leaf in acknowledged.items()), (
        "lost or moved"
    )
    assert len(set(entries)) == len(entries), "doubled"
    last = [data for data in entries[-400:] if data.split()[1:2]]
    if last:
        # The caller of the last batch lost the answer and asks again with the same key.
        owner, batch, _ = last[-1].split()[:3]
        again = [data for data in entries if data.split()[:2] == [owner, batch]]
        places = log.append(again, f"{owner.decode()} {batch.decode()}")
        assert [entries[p.index] for p in places] == again, "doubled by a repetition"
    Publisher(log, Projection(folder), NOBODY)
    assert Checkpoint.parse(check_projection(folder).text).size == log.size
    size = log.size
    log.close()
    return size


def check_projection(folder: Path) -> Note:
    """The published checkpoint is signed and every file it needs is whole. Raises otherwise."""
    note = Note.parse((folder / "checkpoint").read_bytes())
    assert note.verified([samples.LOG.verify_key])
    head = Checkpoint.parse(note.text)
    entries: list[bytes] = []
    for start in range(0, head.size, TILE):
        entries += verify._part(folder, None, start // TILE, head.size)
    verify._tiles(folder, verify._whole(entries, head))
    assert root(map(leaf_hash, entries)) == head.root
    return note


def unplugged(folder: Path, cuts: int, seed: int = 1, disk: type[ForgetfulDisk] = ForgetfulDisk) -> int:
    """Cut a publishing log so often; returns how many of the cuts left a sound projection that recovers."""
    chance = random.Random(seed)
    log = Log.open(folder / "log", samples.LOG, policy=None)
    live = folder / "live"
    live.mkdir()
    recording = disk(live)
    projection = Projection(live, recording)
    size = 0
    for step in (1, 1, 2, 200, 55, 1, 700, 40, 24, 3):
        log.append([f"{size + i}".encode().ljust(30 + (size + i) % 90) for i in range(step)])
        projection.publish(log.tree, log.entries, size, log.size, str(log.checkpoint_at(log.size)))
        size = log.size
    sound = 0
    for number in range(cuts):
        after = folder / f"cut-{number}"
        _lay_out(after, recording.survivors(chance.randrange(len(recording.done) + 1), chance))
        sound += _recovers(after, log)
        shutil.rmtree(after)
    log.close()
    return sound


def _lay_out(folder: Path, tree: dict[str, bytes | None]) -> None:
    folder.mkdir()
    for path, content in sorted(tree.items()):
        if content is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(content)


def _recovers(folder: Path, log: Log) -> bool:
    if (folder / "checkpoint").exists():
        try:
            check_projection(folder)
        except (EvidenceError, OSError, AssertionError):
            return False
    Publisher(log, Projection(folder), NOBODY)
    return Checkpoint.parse(check_projection(folder).text).size == log.size


_NAMES = itertools.count()


def forgotten(folder: Path, cuts: int, seed: int = 1) -> int:
    """Cut SQLite so often; returns how many cuts left a log with everything acknowledged and nothing else amiss."""
    chance = random.Random(seed)
    vfs = ForgetfulVFS(f"forgetful-{next(_NAMES)}")
    first = folder / "recorded"
    log = Log.open(first, samples.LOG, policy=None, open_database=recorded(vfs))
    log.store._writer.execute("PRAGMA wal_autocheckpoint=20").fetchall()
    entries: list[bytes] = []
    for step in (1, 1, 3, 1, 40, 1, 2, 120, 1, 1, 30, 1, 7, 1, 1):
        batch = [f"{len(entries) + i}".encode().ljust(200) for i in range(step)]
        log.append(batch)
        entries += batch
        vfs.mark(len(entries))
    done = list(vfs.done)
    sound = 0
    for number in range(cuts):
        after = folder / f"cut-{number}"
        after.mkdir(mode=0o700)
        files, acknowledged = vfs.survivors(chance.randrange(len(done) + 1), chance)
        for name, content in files.items():
            if not name.endswith("-shm"):
                (after / name).write_bytes(content)
        try:
            reopened = Log.open(after, samples.LOG, policy=None)
        except LogCorruptError:
            continue
        held = reopened.entries(0, reopened.size)
        again = reopened.append(entries[: len(held) + 1][-1:])
        sound += len(held) >= acknowledged and held == entries[: len(held)] and again[0].index >= 0
        reopened.close()
        shutil.rmtree(after)
    log.close()
    return sound
