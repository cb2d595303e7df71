"""One process or many: who this process is, how the model is shared, how whole state is gathered."""
# torch's own annotations are partial
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_state_dict,
    set_state_dict,
)
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

from mythos.errors import MachineError
from mythos.model.gpt import Block

Optimizers = list[torch.optim.Optimizer]

_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)
_SPREAD = StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)


@dataclass(frozen=True, slots=True)
class World:
    """This process among those of the run, and its device."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Rank 0 writes files and speaks."""
        return self.rank == 0

    def mean(self, value: torch.Tensor) -> float:
        """The mean of a number over all processes; every process gets the same bits."""
        if self.size > 1:
            dist.all_reduce(value)
            value = value / self.size
        return value.item()

    def agreed(self, value: float) -> float:
        """What rank 0 says: clocks differ, a schedule must not."""
        if self.size == 1:
            return value
        tensor = torch.tensor([value], dtype=torch.float64, device=self.device)
        dist.broadcast(tensor, src=0)
        return tensor.item()

    def meet(self) -> None:
        """Wait for all."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def join_world(wanted: str | None = None) -> Generator[World]:
    """Become a process of a run that torchrun or Ray Train started, or a run of its own.

    Args:
        wanted: `cpu` or `cuda`; None for a GPU where there is one.

    Raises:
        MachineError: no GPU here, and one was asked for.
    """
    launched = dist.is_torchelastic_launched()
    started_here = launched and not dist.is_initialized()
    cuda = wanted != "cpu" and torch.cuda.is_available()
    if wanted == "cuda" and not cuda:
        raise MachineError("torch finds no GPU", expected="one that CUDA reaches", advice="Use the CPU.")
    local = int(os.environ.get("LOCAL_RANK", "0")) if launched or dist.is_initialized() else 0
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if started_here:
        dist.init_process_group("nccl" if cuda else "gloo")
    try:
        many = dist.is_initialized()
        yield World(dist.get_rank() if many else 0, dist.get_world_size() if many else 1, device)
        if started_here:
            gc.collect()
            dist.barrier()  # gloo can hang at the exit of a process whose peer has gone already
    finally:
        if started_here:
            dist.destroy_process_group()


def share(model: nn.Module, world: World, how: Literal["ddp", "fsdp"], *, compiled: bool) -> nn.Module:
    """Put a model on the device and share it; what is returned is what a step calls."""
    model.to(world.device)
    net = model
    if world.size > 1 and how == "fsdp":
        for layer in model.modules():
            if isinstance(layer, Block):
                fully_shard(layer)
        fully_shard(model)
    if compiled:
        net = cast("nn.Module", torch.compile(net))
    if world.size > 1 and how == "ddp":
        net = DistributedDataParallel(net)
    return net


def gather_state(model: nn.Module, optimizers: Optimizers, *, sharded: bool) -> dict[str, Any]:
    """Trained weights and optimiser state, whole; with shards, every process must call this."""
    if sharded:
        weights, moments = get_state_dict(model, optimizers, options=_WHOLE)
        return {"model": weights, "optimizers": moments}
    weights = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    return {"model": weights, "optimizers": [optimizer.state_dict() for optimizer in optimizers]}


def whole_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """The weights of a sharded model, whole, for the process that leads; every process must call this."""
    return cast("dict[str, torch.Tensor]", get_model_state_dict(model, options=_WHOLE))


def load_state(model: nn.Module, optimizers: Optimizers, state: dict[str, Any], *, sharded: bool) -> None:
    """The inverse of `gather_state`."""
    if sharded:
        set_state_dict(
            model,
            optimizers,
            model_state_dict=state["model"],
            optim_state_dict=state["optimizers"],
            options=_SPREAD,
        )
        return
    model.load_state_dict(state["model"], strict=False)
    for optimizer, moments in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(moments)
