"""Training from the beginning: a configuration and text become a task for the loop."""
# torch's own annotations are partial
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import torch

from mythos.errors import InputError
from mythos.evidence import SigningKey
from mythos.model import Mythos, Tokenizer
from mythos.train.config import Config, DataConfig, RunConfig
from mythos.train.documents import Corpus, Document, Feed, Tokens
from mythos.train.evaluate import HeldOut, held_out
from mythos.train.loop import Listener, Task, Trained, carry_out
from mythos.train.optim import build_optimizers
from mythos.train.parallel import World, join_world, share, whole_weights
from mythos.train.snapshot import alone
from mythos.units import Digest

ROOMS: Final = ("model", "compute", "train")


def train(
    config: Config,
    corpus: Corpus,
    tokenizer: Tokenizer,
    out: Path,
    *,
    resume: bool = False,
    key: SigningKey | None = None,
    listener: Listener | None = None,
    device: str | None = None,
) -> Trained:
    """Train a model as configured, or go on from the last whole snapshot.

    Args:
        config: the run.
        corpus: all text; a part is held out by id.
        tokenizer: with `config.model.vocab` tokens.
        out: the run's folder: ledger, curve, snapshots.
        resume: go on with a run that was begun here; without it such a folder is refused.
        key: signs the ledger at every snapshot.
        listener: is told how it goes.
        device: `cpu` or `cuda`; None for a GPU where there is one.

    Raises:
        MachineError: no GPU here, and one was asked for.
        InputError: too little text, another tokenizer, configuration or text than the snapshot's, a folder
            that holds a run already, another run at work in it.
        TrainError: the loss is no number any more, the disk is full, or no snapshot is whole.
    """
    if tokenizer.vocab != config.model.vocab:
        raise InputError(
            "the tokenizer has another size", expected=f"{config.model.vocab}", found=str(tokenizer.vocab)
        )
    with join_world(device) as world, alone(out, world.rank):
        task = _task(config, corpus, tokenizer, world)
        trained = carry_out(task, out, world, resume=resume, key=key, listener=listener, code=code_digest())
        if world.size == 1 or config.run.parallel == "ddp":
            return trained
        weights, whole = whole_weights(task.model), Mythos(config.model.shape)
        if world.leads:
            whole.load_state_dict(weights)
        return replace(trained, model=whole)


def _task(config: Config, corpus: Corpus, tokenizer: Tokenizer, world: World) -> Task:
    check_rows(config.run, world)
    training, kept = _sides(corpus, tokenizer, config.data.held_out)
    rows, parts = feed_and_parts(training, kept, config.data, length=config.model.seq_len, seed=config.seed)
    torch.manual_seed(config.seed)
    model = Mythos(config.model.shape, seed=config.seed)
    net = share(model, world, config.run.parallel, compiled=config.run.compile)
    about = {
        "configuration": str(config.digest),
        "tokenizer": str(tokenizer.digest),
        "dataset": str(corpus.digest),
    }
    optimizers = build_optimizers(model, config.rates)
    return Task(config.name, config.run, config.rates, model, net, optimizers, rows, parts, about)


def check_rows(run: RunConfig, world: World) -> None:
    """Set the threads, and refuse rows that cannot be shared."""
    if run.threads:
        torch.set_num_threads(run.threads)
    if run.rows % (world.size * run.accumulate):
        raise InputError(
            "run.rows cannot be shared",
            expected=f"a multiple of {world.size} processes x {run.accumulate} accumulations",
            found=str(run.rows),
        )


Side = tuple[Sequence[Document], Sequence[Tokens]]


@lru_cache(maxsize=1)
def _sides(corpus: Corpus, tokenizer: Tokenizer, held_out: float) -> tuple[Side, Side]:
    """Encoded once for all runs of a process on the same text."""
    training, kept = corpus.split(held_out)
    return (
        (training, tokenizer.encode_documents([document.text for document in training])),
        (kept, tokenizer.encode_documents([document.text for document in kept])),
    )


def feed_and_parts(
    training: Side, kept: Side, data: DataConfig, *, length: int, seed: int
) -> tuple[Feed, list[HeldOut]]:
    """Rows to train on and text to evaluate on, from documents with their tokens.

    Raises:
        InputError: not one row, or nothing held out.
    """
    feed = Feed(training[1], length, seed)
    parts = held_out(kept[0], kept[1], length, data.evaluation_tokens)
    if not parts:
        raise InputError(
            "nothing is held out",
            expected="at least one document that is not trained on",
            found=f"{len(training[0])} documents, data.held_out {data.held_out}",
            advice="Give more documents or raise data.held_out.",
        )
    return feed, parts


def code_digest() -> Digest:
    """Names the code that decides what a run computes: every file of the rooms model, compute and train."""
    whole = hashlib.sha256()
    for room in ROOMS:
        folder = Path(str(importlib.import_module(f"mythos.{room}").__file__)).parent
        for path in sorted(folder.rglob("*.py")):
            whole.update(f"{room}/{path.relative_to(folder)}\0".encode())
            whole.update(hashlib.sha256(path.read_bytes()).digest())
    return Digest(whole.digest())
