"""The meter as a callback of Hugging Face's `Trainer`."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUntypedBaseClass=false, reportMissingImports=false
# (transformers is optional and annotates itself only in part)

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback

from mythos.compute.meter import ComputeMeter


class ComputeCallback(TrainerCallback):
    """`trainer.add_callback(ComputeCallback(meter))`: steps are the trainer's, evaluation is tagged `eval`.

    The trainer makes its optimizer itself, so the meter learns of it here. When the trainer saves, the
    ledger gets a snapshot, so that `Ledger.resume` can go on from the same step. Tokens are known when the
    trainer counts them (`include_num_input_tokens_seen`).
    """

    def __init__(self, meter: ComputeMeter) -> None:
        self._meter = meter
        self._tokens = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Enter the meter."""
        if (optimizer := kwargs.get("optimizer")) is not None:
            self._meter.add_optimizer(optimizer)
        self._tokens = state.num_input_tokens_seen
        self._meter.__enter__()

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """An optimizer step and all its micro-batches begin."""
        self._meter.begin()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """They have ended."""
        seen = state.num_input_tokens_seen
        self._meter.end(tokens=seen - self._tokens)
        self._tokens = seen

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Mark the place in the ledger."""
        if self._meter.ledger is not None:
            self._meter.snapshot()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Leave the meter."""
        self._meter.__exit__(None, None, None)
