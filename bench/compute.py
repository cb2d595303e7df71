"""What the docs say of compute accounting, measured: `python bench/compute.py [published|cost|kills]`.

published   every row of the published table, each by its own convention
cost        what the meter adds to a step, beside torch's counter on every step, paired in one run
kills       a run killed 100 times at random moments: its effective total against an uninterrupted one
"""

from __future__ import annotations

import csv
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT.parent / "shared" / "compute" / "published.csv"
CONVENTION = {
    "declared: 6ND": ("6nd", {"N", "D", "F"}),
    "declared: architecture": ("exact-full", {"arch", "D", "F"}),
    "declared: architecture (full attention)": ("chinchilla-f", {"arch", "D", "F"}),
    "declared: model FLOPs": ("exact-full", {"arch", "D", "F"}),
}


def published() -> None:
    """Grade rows whose needed fields somebody read; name the others and why they are left out."""
    from mythos.compute import Architecture, estimate

    if not PUBLISHED.exists():
        raise SystemExit("shared folder missing: the published table")
    errors: list[float] = []
    with open(PUBLISHED, newline="") as file:
        for row in csv.DictReader(file):
            convention, needs = CONVENTION.get(row["declared_type"], ("", set()))
            said = re.match(r"verified-\S+ \(.*?\) for ([\w,]+)", row["verification"])
            read = set(said[1].split(",")) if said else set()
            partly = "F" not in read and "F leading digit seen" in row["verification"]
            if not convention or needs - read - ({"F"} if partly else set()):
                why = (
                    "no convention of ours"
                    if not convention
                    else "recalled: " + ", ".join(sorted(needs - read))
                )
                print(f"{row['model']:<18} left out  {row['declared_type'] or '-'}; {why}")
                continue
            found = estimate(Architecture.of(row), row["tokens"], convention).flop
            error = float(found) / float(row["declared_flops"]) - 1
            errors.append(abs(error))
            declared = f"declared {row['declared_flops']:>9} {error:+7.1%}"
            noted = " (one digit of it is certain)" if partly else ""
            print(f"{row['model']:<18} {convention:<12} {found:.3e} {declared}{noted}")
    print(f"{len(errors)} rows, median error {statistics.median(errors):.1%}, largest {max(errors):.1%}")


def cost(rounds: int = 9, steps: int = 300) -> None:
    """A model with 78 parameters whose work is trivial, so that what is added shows."""
    import torch
    from torch import nn
    from torch.utils.flop_counter import FlopCounterMode

    from mythos.compute import ComputeMeter, formulas

    torch.set_num_threads(1)
    block = lambda: nn.ModuleList(  # noqa: E731
        [
            nn.LayerNorm(8),
            nn.Linear(8, 24),
            nn.Linear(8, 8),
            nn.LayerNorm(8),
            nn.Linear(8, 32),
            nn.Linear(32, 8),
        ]
    )

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.idle = nn.ModuleList(
                [nn.Embedding(16, 8), nn.Embedding(16, 8), *(block() for _ in range(6))]
            )
            self.norm = nn.LayerNorm(8)
            self.head = nn.Linear(8, 16)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(x)

    model = Model()
    optimizer = torch.optim.SGD(model.head.parameters(), lr=1e-3)
    batch = torch.ones(4, 8)
    meter = ComputeMeter(model, optimizer=optimizer)
    counter = FlopCounterMode(display=False, custom_mapping=formulas())

    def work() -> None:
        model(batch).sum().backward()
        optimizer.step()

    def plain() -> None:
        for _ in range(steps):
            work()

    def metered() -> None:
        with meter:
            for _ in range(steps):
                with meter.step():
                    work()

    def hooks_alone() -> None:
        with meter:
            for _ in range(steps):
                work()

    def torchs_counter() -> None:
        for _ in range(steps):
            with counter:
                work()

    def micros(run: Callable[[], None]) -> float:
        began = time.process_time()
        run()
        return (time.process_time() - began) / steps * 1e6

    metered()
    ways = (metered, hooks_alone, torchs_counter)
    added: dict[str, list[float]] = {way.__name__: [] for way in ways}
    for _ in range(rounds):
        base = micros(plain)
        for way in ways:
            added[way.__name__].append(micros(way) - base)
    parameters = len(list(model.parameters()))
    print(f"{parameters} parameters, {len(list(model.modules()))} modules, CPU time added to a step:")
    for name, values in added.items():
        print(f"  {name:<15} median {statistics.median(values):7.0f} µs, least {min(values):7.0f} µs")


def kills(count: int = 100, steps: int = 3000) -> None:
    """The program of the tests, killed at random moments until it has been hit `count` times."""
    import random

    sys.path.insert(0, str(ROOT))
    from tests.compute import crasher

    from mythos.compute import Counts, read

    chance, hits = random.Random(20261123), 0
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, crasher.__file__, folder]
        while hits < count:
            process = subprocess.Popen([*command, str(steps)], stdout=subprocess.PIPE)
            time.sleep(chance.uniform(0.12, 0.45))
            process.kill()
            out, _ = process.communicate()
            hits += b"done" not in out
            steps += 500 if b"done" in out else 0
        subprocess.run([*command, str(steps)], check=True, stdout=subprocess.DEVNULL)
        history = read(Path(folder) / "run.ledger")
    expected = sum((crasher.cost(step) for step in range(1, steps + 1)), Counts())
    again = history.executed.executed - history.effective.executed
    equal = history.effective == expected
    print(f"{hits} kills, {history.attempt} attempts, {steps} steps; effective total equal: {equal}")
    print(f"work done twice, in the executed total alone: {again / expected.executed:.1%}")
    if not equal:
        raise SystemExit(1)


if __name__ == "__main__":
    for name in sys.argv[1:] or ["published", "cost", "kills"]:
        print(f"== {name}")
        {"published": published, "cost": cost, "kills": kills}[name]()
