"""Do rates found at one depth serve others? The best matrix rate at several depths, with transfer or not.

    python bench/efficiency/transfer.py --documents corpus.jsonl --depths 2 4 6 --rows transfer.jsonl

Every depth trains to the end of the same schedule at each of five rates around the default. With transfer the
rates of the configuration are meant at depth 4 and carried over (`mythos.train.optim.transfer`); without it
they are used as they are. Transfer works when the best factor stays the same over depth and the loss there is
no worse. Finished runs are rows in a file, as in the race.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from mythos.train import load_config
from mythos.train.race import FACTORS, Bench, Candidate


def main() -> None:
    """Run the grid and print the best factor at every depth."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", default="bundled")
    parser.add_argument("--depths", type=int, nargs="+", default=[2, 4, 6])
    parser.add_argument("--tokens", type=int, default=500_000)
    parser.add_argument("--rows", type=Path, required=True)
    options = parser.parse_args()
    tiny = load_config("tiny")
    base = replace(
        tiny,
        data=replace(tiny.data, documents=options.documents),
        run=replace(tiny.run, seconds=0.0, threads=1),
    )
    found: dict[str, dict[str, object]] = {}
    for carried in (True, False):
        for depth in options.depths:
            model = replace(base.model, depth=depth)
            rates = replace(base.rates, reference_depth=4 if carried else depth)
            bench = Bench(replace(base, model=model, rates=rates), options.rows, print)
            step = model.shape.step_flop(base.run.rows, model.seq_len)
            flop = step * options.tokens / (base.run.rows * model.seq_len)
            candidate = Candidate("transfer" if carried else "as-is", "mythos", rates)
            losses = {
                factor: bench.measure(
                    candidate, replace(rates, matrices=rates.matrices * factor), flop, seed=1
                ).mean
                for factor in FACTORS
            }
            best = min(losses, key=losses.__getitem__)
            found[f"depth {depth}, {candidate.name}"] = {"best_factor": best, "loss": losses}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
