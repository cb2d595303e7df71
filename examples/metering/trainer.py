"""Hugging Face Trainer and accelerate: one callback.

    python examples/metering/trainer.py

The trainer makes the optimizer and the steps; the callback tells the meter of both. Evaluation is tagged and
not totalled, and each save of the trainer is a snapshot in the ledger.
"""

import tempfile
from pathlib import Path

import torch
from torch.utils.data import Dataset
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

from mythos.compute import ComputeCallback, ComputeMeter, Ledger, read

LENGTH, ROWS, STEPS = 16, 2, 4


class Packed(Dataset[dict[str, torch.Tensor]]):
    """Rows of tokens without padding."""

    def __len__(self) -> int:
        return 64

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        ids = torch.arange(index, index + LENGTH) % 60 + 3
        return {"input_ids": ids, "labels": ids}


def main() -> None:
    """Train a tiny Llama for a few steps of two micro-batches each."""
    model = LlamaForCausalLM(
        LlamaConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            vocab_size=64,
            bos_token_id=1,
            eos_token_id=2,
        )
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        Ledger.create(Path(folder) / "run.ledger", run="hf") as ledger,
    ):
        arguments = TrainingArguments(
            output_dir=folder,
            max_steps=STEPS,
            per_device_train_batch_size=ROWS,
            gradient_accumulation_steps=2,
            include_num_input_tokens_seen=True,
            gradient_checkpointing=True,
            eval_strategy="steps",
            eval_steps=2,
            save_steps=2,
            logging_steps=100,
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
        )
        meter = ComputeMeter(model, ledger=ledger, phase="sft")
        trainer = Trainer(model, arguments, train_dataset=Packed(), eval_dataset=Packed())
        trainer.add_callback(ComputeCallback(meter))
        trainer.train()
        history = read(Path(folder) / "run.ledger")
    tokens = STEPS * 2 * ROWS * LENGTH
    matrices = 2 * (4 * 32 * 32 + 3 * 32 * 64) + 32 * 64
    expected = tokens * (6 * matrices + 12 * 2 * LENGTH * 32)
    print(f"model {meter.model_flop}, executed {meter.executed_flop}, exact {meter.exact}")
    print(f"evaluation {meter.done['eval'].forward}, snapshots at {[step for step, _ in history.snapshots]}")
    if history.effective.model != expected or meter.total.tokens != tokens or not meter.exact:
        raise SystemExit(f"expected {expected}")


if __name__ == "__main__":
    main()
