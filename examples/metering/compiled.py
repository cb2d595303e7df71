"""torch.compile: compile first, then meter the compiled module.

    python examples/metering/compiled.py

While a step is counted, torch runs it eagerly; afterwards the compiled code runs and the count is replayed.
So the figure is that of the operators as written, whatever the compiler fuses.
"""

import torch
from torch import nn

from mythos.compute import ComputeMeter

WIDTH, ROWS, STEPS = 32, 8, 4


def main() -> None:
    """Meter a compiled network."""
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, WIDTH))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    compiled = torch.compile(model, backend="aot_eager")  # any backend; this one needs no C++ compiler
    with ComputeMeter(compiled, optimizer=optimizer) as meter:
        for _ in range(STEPS):
            with meter.step(tokens=ROWS):
                compiled(torch.randn(ROWS, WIDTH)).square().mean().backward()
                optimizer.step()
                optimizer.zero_grad()
    expected = STEPS * 3 * 2 * (2 * ROWS * WIDTH * WIDTH)
    print(f"model {meter.model_flop}, executed {meter.executed_flop}, spans counted {meter.total.counted}")
    if meter.model_flop != expected:
        raise SystemExit(f"expected {expected}")


if __name__ == "__main__":
    main()
