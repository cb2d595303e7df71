"""Ray Train: the meter goes into the training function; every worker has its own, and its own ledger.

python examples/metering/ray_train.py
"""

import tempfile
from pathlib import Path

import torch
from ray import train
from ray.train import RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer, prepare_model
from torch import nn

from mythos.compute import ComputeMeter, total

WIDTH, ROWS, STEPS = 32, 8, 3


def work(config: dict[str, str]) -> None:
    """What each worker does."""
    model = prepare_model(nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, WIDTH)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    rank = train.get_context().get_world_rank()
    ledger = Path(config["folder"]) / f"rank{rank}.ledger"
    with ComputeMeter(model, optimizer=optimizer, ledger=ledger, run_id="ray") as meter:
        for _ in range(STEPS):
            with meter.step(tokens=ROWS):
                model(torch.randn(ROWS, WIDTH)).square().mean().backward()
                optimizer.step()
                optimizer.zero_grad()
    summed = meter.reduce()
    train.report({"model_flop": str(summed.model)})


def main() -> None:
    """Two workers; the sum of their ledgers is the run's figure."""
    with tempfile.TemporaryDirectory() as folder:
        TorchTrainer(
            work,
            train_loop_config={"folder": folder},
            scaling_config=ScalingConfig(num_workers=2, use_gpu=False, resources_per_worker={"CPU": 0.5}),
            torch_config=TorchConfig(backend="gloo"),
            run_config=RunConfig(storage_path=folder),
        ).fit()
        effective, _ = total(sorted(Path(folder).glob("*.ledger")))
    expected = 2 * STEPS * 3 * 2 * (2 * ROWS * WIDTH * WIDTH)
    print(f"sum of the ledgers {effective.model}")
    if effective.model != expected:
        raise SystemExit(f"expected {expected}")


if __name__ == "__main__":
    main()
