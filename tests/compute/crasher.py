"""A run that is killed: `python crasher.py FOLDER STEPS` trains on, from the last snapshot, until it is done.

Each step's cost follows from its number. Training state is the step and the head that the ledger gave; it is
replaced atomically after the ledger has the snapshot, as `mythos.train` does it.
"""

import json
import sys
from pathlib import Path

from mythos.compute import Counts, Head, Ledger, Work
from mythos.files import write_atomic
from mythos.units import Digest


def cost(step: int) -> Counts:
    return Counts(forward=10 * step, backward=20 * step, recompute=step % 3, optimizer=7, model=30 * step)


def main(folder: Path, steps: int) -> None:
    path, state = folder / "run.ledger", folder / "state.json"
    if not path.exists():
        ledger = Ledger.create(path, run="crash")
        step = 0
    else:
        kept = json.loads(state.read_text()) if state.exists() else None
        head = Head(kept["lines"], Digest.parse(kept["digest"])) if kept else None
        ledger = Ledger.resume(path, run="crash", head=head, step=None if head else 0)
        step = ledger.step
    with ledger:
        while step < steps:
            step += 1
            ledger.append(Work(cost(step)))
            if step % 5 == 0 or step == steps:
                head = ledger.snapshot()
                write_atomic(state, json.dumps({"lines": head.lines, "digest": str(head.digest)}).encode())
    print("done", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
