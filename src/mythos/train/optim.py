"""Muon for block matrices, AdamW for everything else, one schedule, and rates that carry over depth.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) replaces the momentum of a matrix by the
nearest one with singular values near 1, so that every direction of a step has the same size. Ours stacks all
matrices of one shape and orthogonalises them together, in 32 bits on a CPU and 16 on a GPU, where
`torch.optim.Muon` takes them one by one in bfloat16. Its weight decay is cautious: a weight shrinks only
where the step shrinks it too (the idea of Liang et al. 2024, arXiv 2411.16085, applied to the decay).
"""
# torch's own annotations are partial
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast, overload

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from mythos.model.gpt import Mythos
from mythos.model.shape import NEWTON_SCHULZ_STEPS, Shape
from mythos.train.config import Rates

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of the iteration, chosen for the steepest slope at zero; it ends between about 0.7 and 1.2."""


def orthogonalise(stack: Tensor) -> Tensor:
    """Bring the singular values of each matrix of a stack (N, out, in) near 1, keeping its directions."""
    a, b, c = QUINTIC
    x = stack.bfloat16() if stack.is_cuda else stack
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / x.square().sum((-2, -1), keepdim=True).sqrt().clamp(min=1e-7)
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).to(stack.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised. Rates are those of the spectral norm: the same for every width.

    Args:
        params: two-dimensional parameters, or groups of them.
        lr: step size; a step's spectral norm is about `lr * sqrt(max(1, out / in))`.
        momentum: of the Nesterov average.
        weight_decay: shrinks by `lr * weight_decay`, where that agrees with the step.
    """

    def __init__(
        self, params: Iterable[Any], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Take one step; `closure`, if any, computes the loss anew before it."""
        with torch.enable_grad():
            loss = closure() if closure is not None else None
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape.setdefault(parameter.shape, []).append(parameter)
            for alike in by_shape.values():
                self._step_together(alike, group)
        return loss

    def _step_together(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        updates: list[Tensor] = []
        for parameter in parameters:
            gradient: Tensor = cast("Tensor", parameter.grad)
            state = self.state[parameter]
            if "momentum" not in state:
                state["momentum"] = torch.zeros_like(gradient)
            state["momentum"].lerp_(gradient, 1 - group["momentum"])
            updates.append(_whole(gradient.lerp(state["momentum"], group["momentum"])))
        rows, columns = parameters[0].shape
        rate = group["lr"] * max(1.0, rows / columns) ** 0.5
        for parameter, update in zip(parameters, orthogonalise(torch.stack(updates)), strict=True):
            step = _like(update, parameter)
            if group["weight_decay"]:
                agrees = (step * parameter) > 0
                parameter.mul_(1 - group["lr"] * group["weight_decay"] * agrees)
            parameter.add_(step, alpha=-rate)


def _whole(tensor: Tensor) -> Tensor:
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def _like(whole: Tensor, parameter: Tensor) -> Tensor:
    if isinstance(parameter, DTensor):
        return distribute_tensor(whole, parameter.device_mesh, parameter.placements)
    return whole


def transfer(kind: str, writes: bool, optimizer: str, shape: Shape, reference: Shape) -> float:
    """What a rate found at `reference` is multiplied by at `shape`.

    Width: an AdamW step of a matrix grows with what it reads, so its rate falls as 1 / width (µP: Yang et al.
    2022, arXiv 2203.03466); a Muon step does not, nor does that of a normalised embedding or a gain. Depth:
    the blocks' contributions add up in the residual stream, so matrices that write into it step by
    1 / sqrt(depth) (Yang et al. 2023, arXiv 2310.02244).
    """
    width = reference.d_model / shape.d_model
    factor = width if kind == "head" or (kind == "matrices" and optimizer == "adamw") else 1.0
    return factor * ((reference.layers / shape.layers) ** 0.5 if writes else 1.0)


def build_optimizers(model: Mythos, rates: Rates) -> list[torch.optim.Optimizer]:
    """The optimisers of a model; each group keeps its peak rate under `peak`."""
    shape = model.shape
    reference = Shape.of_depth(rates.reference_depth, vocab=shape.vocab, seq_len=shape.seq_len)
    muon: list[dict[str, Any]] = []
    adamw: list[dict[str, Any]] = []
    for kind, named in model.groups().items():
        for writes in (False, True):
            chosen = [
                p for name, p in named if name.endswith(("o_proj.weight", "down_proj.weight")) is writes
            ]
            if not chosen:
                continue
            peak = getattr(rates, kind) * transfer(kind, writes, rates.optimizer, shape, reference)
            group = {"params": chosen, "lr": peak, "peak": peak}
            decay = rates.weight_decay if kind == "matrices" else 0.0
            (muon if kind == "matrices" and rates.optimizer == "muon" else adamw).append(
                group | {"weight_decay": decay}
            )
    found: list[torch.optim.Optimizer] = []
    if muon:
        found.append(Muon(muon, lr=rates.matrices, momentum=rates.momentum))
    found.append(torch.optim.AdamW(adamw, lr=rates.head, betas=(0.9, 0.95), eps=1e-10))
    return found


def rate_at(progress: float, rates: Rates) -> float:
    """The share of its peak that every rate has at `progress` (0 to 1): up, flat, down to `final`."""
    if progress < rates.warmup:
        return progress / rates.warmup
    if progress <= 1 - rates.decay:
        return 1.0
    left = max(0.0, (1 - progress) / rates.decay)
    return rates.final + (1 - rates.final) * left
