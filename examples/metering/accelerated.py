"""Hugging Face accelerate: meter what `prepare` returns, with its gradient accumulation.

python examples/metering/accelerated.py
"""

import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from mythos.compute import ComputeMeter

WIDTH, ROWS, BATCHES = 32, 8, 6


def main() -> None:
    """Two micro-batches to an optimizer step; a step of the meter is one micro-batch."""
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, WIDTH))
    data = DataLoader(TensorDataset(torch.randn(ROWS * BATCHES, WIDTH)), batch_size=ROWS)
    model, optimizer, loader = accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=0.01), data)
    with ComputeMeter(model, optimizer=optimizer) as meter:
        for (batch,) in loader:
            with meter.step(tokens=ROWS), accelerator.accumulate(model):
                accelerator.backward(model(batch).square().mean())
                optimizer.step()
                optimizer.zero_grad()
    expected = BATCHES * 3 * 2 * (2 * ROWS * WIDTH * WIDTH)
    print(f"model {meter.model_flop}, executed {meter.executed_flop}, exact {meter.exact}")
    if meter.model_flop != expected or not meter.exact:
        raise SystemExit(f"expected {expected}")


if __name__ == "__main__":
    main()
