"""Kill a run at 20 random instants, resume it each time, and compare its end with that of a run left alone.

    python bench/efficiency/kill.py --points 20 --steps 120

Prints one JSON document: `identical` counts the points whose whole loss curve, evaluation and counted
operations equal the undisturbed run's, bit for bit. `at` says how many rows were written when each kill came.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIG = """name = "kill"
[model]
depth = 3
vocab = 512
seq_len = 64
[run]
steps = {steps}
rows = 4
threads = 1
snapshot_every = 10
evaluate_every = 40
"""


def start(folder: Path, *more: str) -> subprocess.Popen[bytes]:
    """A run as a user starts it."""
    command = [
        sys.executable,
        "-m",
        "mythos",
        "train",
        str(folder.parent / "kill.toml"),
        "--out",
        str(folder),
    ]
    return subprocess.Popen(
        [*command, "--no-log", *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def rows(folder: Path) -> list[bytes]:
    """The lines of a run's curve so far."""
    path = folder / "curve.jsonl"
    return path.read_bytes().splitlines() if path.exists() else []


def told(folder: Path) -> list[tuple[object, ...]]:
    """What must be the same: all but the clock."""
    found = map(json.loads, rows(folder))
    return [(row["step"], row["loss"], row["flop"], sorted(row["bits"].items())) for row in found]


def main() -> None:
    """Run, kill, resume, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    options = parser.parse_args()
    dice = random.Random(options.seed)
    at: list[int] = []
    identical = 0
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        (base / "kill.toml").write_text(CONFIG.format(steps=options.steps), encoding="utf-8")
        assert start(base / "alone").wait() == 0
        for point in range(options.points):
            folder = base / f"run{point}"
            process = start(folder)
            enough, late = dice.randrange(options.steps), dice.random() * 0.05
            while process.poll() is None and len(rows(folder)) < enough:
                time.sleep(0.001)
            time.sleep(late)
            process.send_signal(signal.SIGKILL)
            process.wait()
            at.append(len(rows(folder)))
            begun = (folder / "run.0.ledger").exists()
            assert start(folder, *(["--resume"] if begun else [])).wait() == 0
            identical += told(folder) == told(base / "alone")
    print(json.dumps({"points": options.points, "identical": identical, "seed": options.seed, "at": at}))


if __name__ == "__main__":
    main()
