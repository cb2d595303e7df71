"""Ray Train as a launcher: the same run on the machines of a Ray cluster, gone on with when one of them dies.

Nothing of the loop is different: Ray starts the processes that torchrun would, and starts them again after
a failure; the run then goes on from its last whole snapshot. `out` must be one folder for all of them. Keys
stay with the process that calls: the workers' ledgers are unsigned, what is said of the run is signed here.
"""
# ray annotates itself only in part
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch

from mythos.compute import read
from mythos.errors import InputError, TrainError
from mythos.evidence import Statement
from mythos.train.config import Config
from mythos.train.loop import Row, refuse_folder, together
from mythos.train.parallel import World
from mythos.train.run import STATEMENTS, TrainedModel, run_config
from mythos.weights import identify


def run_on_ray(
    config: Config, out: Path, *, workers: int, resume: bool = False, failures: int = 3
) -> TrainedModel:
    """Train on a Ray cluster (a local one when none is named) and say what was done.

    Args:
        config: the run; `run.parallel` says how the workers share the model.
        out: its folder, the same for all workers.
        workers: processes; each has a GPU where the cluster has any.
        resume: go on with the run that was begun there.
        failures: how often lost workers are started again.

    Raises:
        InputError: ray is not installed, or see `mythos.train.train`.
        TrainError: the workers failed more often than that.
    """
    try:
        ray: Any = importlib.import_module("ray")
        ray_train: Any = importlib.import_module("ray.train")
        torch_trainer: Any = importlib.import_module("ray.train.torch").TorchTrainer
    except ModuleNotFoundError as error:
        raise InputError(
            "a Ray cluster needs ray", advice="Run: pip install 'mythos-hub[torch,ray]'"
        ) from error
    refuse_folder(out / "run.0.ledger", resume=resume)
    asked = {"config": config, "out": str(out.absolute())}
    trainer = torch_trainer(
        _work,
        train_loop_config=asked,
        scaling_config=ray_train.ScalingConfig(num_workers=workers, use_gpu=torch.cuda.is_available()),
        run_config=ray_train.RunConfig(
            name=config.name,
            storage_path=str((out / "ray").absolute()),
            failure_config=ray_train.FailureConfig(max_failures=failures),
        ),
    )
    started_here = not ray.is_initialized()
    try:
        trainer.fit()
    except ray_train.TrainingFailedError as error:
        said = str(error).strip().splitlines()
        raise TrainError(
            "the workers failed too often",
            expected=f"at most {failures} times",
            found=said[-1][:200] if said else type(error).__name__,
            advice=f"Their output is in {out / 'ray'}; the snapshots are whole: run again with --resume.",
        ) from error
    finally:
        if started_here:
            ray.shutdown()
    return _finished(config, out, workers)


def _work(asked: dict[str, Any]) -> None:
    """One worker, after its start and after every failure."""
    out = Path(asked["out"])
    rank: int = importlib.import_module("ray.train").get_context().get_world_rank()
    run_config(asked["config"], out, resume=(out / f"run.{rank}.ledger").exists())


def _finished(config: Config, out: Path, workers: int) -> TrainedModel:
    """What the workers left, read from their folder."""
    path = out / f"{config.name}.gguf"
    lines = (out / "curve.jsonl").read_text(encoding="utf-8").splitlines()
    rows = tuple(map(Row.from_line, lines))
    history = together(read(out / "run.0.ledger"), out, World(0, workers, torch.device("cpu")))
    said = tuple(map(Statement.parse, (out / STATEMENTS).read_bytes().splitlines()))
    return TrainedModel(config, path, out, identify(path).root, rows[-1].tokens, history, rows[-1].bits, said)
