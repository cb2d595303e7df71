"""LoRA with peft: frozen weights cost a forward pass and the gradient of their input, not of themselves.

    python examples/metering/lora.py

`model_flop` is the canonical figure and does not know that weights are frozen; `executed_flop` does.
"""

import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from mythos.compute import ComputeMeter

WIDTH, ROWS, STEPS = 64, 8, 3


class Net(nn.Module):
    """Three matrices in a row."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(WIDTH, WIDTH)
        self.second = nn.Linear(WIDTH, WIDTH)
        self.third = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` and the result are (rows, width)."""
        return self.third(torch.tanh(self.second(torch.tanh(self.first(x)))))


def main() -> None:
    """Train an adapter, switch it off, and see both counted rightly."""
    model = get_peft_model(Net(), LoraConfig(r=4, target_modules=["first", "second", "third"]))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad])
    with ComputeMeter(model, optimizer=optimizer) as meter:
        for _ in range(STEPS):
            with meter.step(tokens=ROWS, phase="sft"):
                model(torch.randn(ROWS, WIDTH)).square().mean().backward()
                optimizer.step()
                optimizer.zero_grad()
        with model.disable_adapter(), torch.no_grad(), meter.step(phase="eval") as plain:
            model(torch.randn(ROWS, WIDTH))
    print(f"model {meter.model_flop}, executed {meter.executed_flop}, exact {meter.exact}")
    if plain.forward != 3 * 2 * ROWS * WIDTH * WIDTH or not meter.executed_flop < meter.model_flop:
        raise SystemExit("a switched-off adapter costs nothing, and frozen weights need no gradient")


if __name__ == "__main__":
    main()
