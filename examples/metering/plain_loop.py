"""A plain PyTorch loop with gradient accumulation, activation checkpointing and a ledger.

    python examples/metering/plain_loop.py

Prints what was counted and checks it against the closed form of the network: 3 times the forward pass.
"""

import tempfile
from pathlib import Path

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from mythos.compute import ComputeMeter, Ledger, read

WIDTH, ROWS, MICRO_BATCHES, STEPS = 64, 16, 4, 5


class Net(nn.Module):
    """Two blocks of two matrices; the blocks are computed again in the backward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))
            for _ in range(2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` and the result are (rows, width)."""
        for block in self.blocks:
            x = x + checkpoint(block, x, use_reentrant=False)
        return x


def main() -> None:
    """Train, then read the ledger back."""
    model = Net()
    optimizer = torch.optim.AdamW(model.parameters())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.ledger"
        with Ledger.create(path, run="plain") as ledger:
            with ComputeMeter(model, optimizer=optimizer, ledger=ledger, every=2) as meter:
                for _ in range(STEPS):
                    with meter.step(tokens=MICRO_BATCHES * ROWS):
                        for _ in range(MICRO_BATCHES):
                            batch = torch.randn(ROWS, WIDTH)
                            (model(batch) - batch).square().mean().backward()
                        optimizer.step()
                        optimizer.zero_grad()
            meter.snapshot()
        history = read(path)
    forward = 2 * ROWS * 2 * 2 * WIDTH * 4 * WIDTH
    expected = 3 * forward * MICRO_BATCHES * STEPS
    print(f"model {meter.model_flop}, executed {meter.executed_flop}, exact {meter.exact}")
    print(f"recomputed {history.effective.recompute} in {len(history.works)} records")
    if history.effective.model != expected or not meter.exact:
        raise SystemExit(f"expected {expected}")


if __name__ == "__main__":
    main()
