"""Two ranks under torchrun (DDP, FSDP2, tensor parallel): each counts its share, `reduce` the exact sum.

torchrun --nproc-per-node 2 examples/metering/data_parallel.py ddp
torchrun --nproc-per-node 2 examples/metering/data_parallel.py fsdp2
torchrun --nproc-per-node 2 examples/metering/data_parallel.py tensor
python examples/metering/data_parallel.py single        # the same rows on one rank
"""

import gc
import os
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.nn.parallel import DistributedDataParallel

from mythos.compute import ComputeMeter, Counts

WIDTH, ROWS, STEPS = 32, 16, 3


def build() -> nn.Sequential:
    """A network that every rank makes alike."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))


def train(how: str, world: int) -> tuple[Counts, bool]:
    """Train on this rank's rows; the sum over ranks, and whether it is exact."""
    model: nn.Module = build()
    if how == "ddp":
        model = DistributedDataParallel(model)
    elif how == "fsdp2":
        mesh = dist.init_device_mesh("cpu", (world,))
        for layer in (model[0], model[2]):
            fully_shard(layer, mesh=mesh)
        fully_shard(model, mesh=mesh)
    elif how == "tensor":
        mesh = dist.init_device_mesh("cpu", (world,))
        model = parallelize_module(model, mesh, {"0": ColwiseParallel(), "2": RowwiseParallel()})
    rows = ROWS if how == "tensor" else ROWS // world
    optimizer = torch.optim.AdamW(model.parameters(), foreach=False)
    with ComputeMeter(model, optimizer=optimizer) as meter:
        for _ in range(STEPS):
            with meter.step(tokens=rows):
                model(torch.randn(rows, WIDTH)).square().mean().backward()
                optimizer.step()
                optimizer.zero_grad()
    return meter.reduce(), meter.exact


def main(how: str) -> None:
    """Start the ranks, train, print the sum, leave together: gloo may hang when one rank is gone first."""
    if how == "single":
        total, exact = train(how, 1)
    else:
        dist.init_process_group("gloo")
        total, exact = train(how, int(os.environ["WORLD_SIZE"]))
    if how == "single" or dist.get_rank() == 0:
        print(f"sum {total.model} {total.executed} exact {exact}", flush=True)
    if how != "single":
        gc.collect()
        dist.barrier()
        dist.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "single")
