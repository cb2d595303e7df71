"""Small models whose training does each thing a meter can stumble over."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from mythos.compute import ComputeMeter, formulas

VOCAB = 96


class Block(nn.Module):
    def __init__(self, width: int, *, fused: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.fused = fused

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, length, width = x.shape
        q, k, v = self.qkv(self.norm(x)).view(rows, length, 3, 2, width // 2).permute(2, 0, 3, 1, 4)
        if self.fused:
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            mask = torch.full((length, length), -1e9).triu(1)
            y = (q @ k.transpose(-1, -2) + mask).softmax(-1) @ v
        x = x + self.out(y.transpose(1, 2).reshape(rows, length, width))
        return x + self.down(functional.gelu(self.up(x)))


class Gpt(nn.Module):
    def __init__(self, *, layers: int = 2, width: int = 32, fused: bool = True) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, width)
        self.blocks = nn.ModuleList(Block(width, fused=fused) for _ in range(layers))
        self.head = nn.Linear(width, VOCAB, bias=False)
        self.checkpointing = False
        self.reentrant = False
        self.exit_after = layers

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embedding(tokens)
        for block in self.blocks[: self.exit_after]:
            x = checkpoint(block, x, use_reentrant=self.reentrant) if self.checkpointing else block(x)
        return self.head(x)


class Experts(nn.Module):
    """Top-2 of four experts; `capacity` drops the tokens that come too late to an expert."""

    def __init__(self, capacity: int | None = None, how: str = "nonzero") -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 16)
        self.router = nn.Linear(16, 4)
        self.experts = nn.ModuleList(nn.Linear(16, 16) for _ in range(4))
        self.head = nn.Linear(16, VOCAB)
        self.capacity = capacity
        self.how = how

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embedding(tokens).flatten(0, 1)
        chosen = self.router(x).topk(2, -1).indices
        out = x.clone()
        for index, expert in enumerate(self.experts):
            mine = (chosen == index).any(-1)
            if self.how == "nonzero":
                rows = mine.nonzero()[:, 0][: self.capacity]
                out = out.index_add(0, rows, expert(x[rows]))
            elif self.how == "mask":
                out = out.masked_scatter(mine[:, None], expert(x[mine]))
            else:
                rows = torch.tensor(
                    [i for i, flag in enumerate(mine.tolist()) if flag][: self.capacity]
                ).long()
                out = out.index_add(0, rows, expert(x[rows]))
        return self.head(out).view(*tokens.shape, -1)


def tokens(length: int = 16, rows: int = 2) -> torch.Tensor:
    return torch.randint(0, VOCAB, (rows, length))


def train(model: nn.Module, optimizer: torch.optim.Optimizer, batch: torch.Tensor) -> None:
    functional.cross_entropy(model(batch).flatten(0, 1), batch.flatten()).backward()
    optimizer.step()
    optimizer.zero_grad()


def adamw(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=1e-3)


Work = Callable[[nn.Module, torch.optim.Optimizer, int], None]


@dataclass
class Replayed:
    """How a metered run compared with torch's own counter on an identical clone, step by step."""

    meter: ComputeMeter
    wrong: list[tuple[int, int, int]]
    counted: int


def replay(
    make: Callable[[], nn.Module],
    work: Work,
    steps: int,
    optimizer: Callable[[nn.Module], torch.optim.Optimizer] = adamw,
) -> Replayed:
    torch.manual_seed(0)
    model = make()
    clone = copy.deepcopy(model)
    mine, theirs = optimizer(model), optimizer(clone)
    wrong: list[tuple[int, int, int]] = []
    counted = 0
    with ComputeMeter(model, optimizer=mine) as meter:
        for index in range(steps):
            torch.manual_seed(index)
            with meter.step() as step:
                work(model, mine, index)
            torch.manual_seed(index)
            with FlopCounterMode(display=False, custom_mapping=formulas()) as reference:
                work(clone, theirs, index)
            counted += step.counted > step.audits
            if step.executed_flop != reference.get_total_flops():
                wrong.append((index, step.executed_flop, reference.get_total_flops()))
    return Replayed(meter, wrong, counted)
