"""The small run under torchrun or Ray Train: spread_run.py FOLDER ddp|fsdp STEPS new|resume."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from mythos.evidence.predicates.training import TrainingCompute
from mythos.train import load_config, run_config

folder, how, steps, begin = sys.argv[1:]
config = load_config(Path(__file__).parent / "small.toml")
parallel = cast("Literal['ddp', 'fsdp']", how)
config = replace(config, run=replace(config.run, steps=int(steps), parallel=parallel))
trained = run_config(config, Path(folder), resume=begin == "resume")
if trained is not None:  # the process that leads
    said = TrainingCompute.of(trained.statements[1])
    document = {"flop": str(said.model_flop), "tokens": str(said.tokens), "weights": str(trained.weights)}
    (Path(folder) / "said.json").write_text(json.dumps(document))
