"""Do rates found at one depth serve others? The best matrix rate at several depths, with transfer or not.

    python bench/efficiency/transfer.py --documents corpus.jsonl --depths 2 4 6 --rows transfer.jsonl
    python bench/efficiency/transfer.py … --seeds 3 --device cuda --workers 16     # side by side on a GPU

Every depth trains to the end of the same schedule at each of five rates around the default. With transfer the
rates of the configuration are meant at depth 4 and carried over (`mythos.train.optim.transfer`); without it
they are used as they are. Transfer works when the best factor stays the same over depth and the loss there is
no worse. Losses are means over seeds. Finished runs are rows in a file, as in the race.
"""

import argparse
import json
import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import fmean

from mythos.train import load_config
from mythos.train.race import FACTORS
from mythos.train.rows import Bench, Candidate, workers


def losses(bench: Bench, depth: int, tokens: int, seeds: int, *, carried: bool) -> dict[float, float]:
    """The loss at each factor of the matrices' rate."""
    model = replace(bench.base.model, depth=depth)
    rates = replace(bench.base.rates, reference_depth=4 if carried else depth)
    bench = replace(bench, base=replace(bench.base, model=model, rates=rates))
    step = model.shape.step_flop(bench.base.run.rows, model.seq_len)
    flop = step * tokens / (bench.base.run.rows * model.seq_len)
    asked = [
        (replace(rates, matrices=rates.matrices * factor), flop, seed)
        for factor, seed in product(FACTORS, range(1, seeds + 1))
    ]
    results = bench.measure(Candidate("transfer" if carried else "as-is", "mythos", rates), asked)
    if not all(map(bench.closed, results)):
        raise SystemExit("a count differs from the closed form")
    means = [result.mean for result in results]
    return {factor: fmean(means[i * seeds : (i + 1) * seeds]) for i, factor in enumerate(FACTORS)}


def main() -> None:
    """Run the grid and print the best factor at every depth."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", default="bundled")
    parser.add_argument("--depths", type=int, nargs="+", default=[2, 4, 6])
    parser.add_argument("--tokens", type=int, default=500_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--device", choices=["cpu", "cuda"])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=math.inf)
    options = parser.parse_args()
    until = time.monotonic() + options.seconds
    tiny = load_config("tiny")
    base = replace(
        tiny,
        data=replace(tiny.data, documents=options.documents),
        run=replace(tiny.run, seconds=0.0, threads=1),
    )
    grid = list(product((True, False), options.depths))
    with workers(options.workers) as pool, ThreadPoolExecutor(len(grid) if pool else 1) as threads:
        bench = Bench(base, options.rows, print, options.device, until, pool)
        asked = [
            threads.submit(losses, bench, depth, options.tokens, options.seeds, carried=carried)
            for carried, depth in grid
        ]
        found = {
            f"depth {depth}, {'transfer' if carried else 'as-is'}": future.result()
            for (carried, depth), future in zip(grid, asked, strict=True)
        }
    told = {
        name: {"best_factor": min(each, key=each.__getitem__), "loss": each} for name, each in found.items()
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
