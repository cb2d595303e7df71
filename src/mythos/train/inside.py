"""Adaptation of a sealed base, inside the engine's process: what `adapt` does, with nothing on a disk.

The base is a descriptor of memory, the text is bytes, the ledger's lines go to whoever keeps them, and what
comes of it is bytes again: an adapter whose identity covers the digests of its base and of its data, sealed
before anything leaves the process. There are no snapshots: a run that is ended is begun again.
"""
# peft and torch annotate themselves only in part
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from peft import get_peft_model_state_dict
from safetensors.torch import save

from mythos.compute.ledger import SentLedger
from mythos.errors import InputError
from mythos.evidence import Statement
from mythos.evidence.statement import canonical
from mythos.train.adapt import Adaptation, Base, CausalNet, statements_of, task_of, with_lora
from mythos.train.adapter import CONFIG, WEIGHTS, plain
from mythos.train.documents import Corpus
from mythos.train.evaluate import bits_per_byte
from mythos.train.loop import Listener, carry_out_unwritten
from mythos.train.merge import adapter_gguf
from mythos.train.parallel import World
from mythos.train.pretrain import check_rows, code_digest
from mythos.train.run import spent
from mythos.units import Digest
from mythos.weights import Manifest, Resource
from mythos.weights.adapter import ADAPTER, LINEAGE, Lineage


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it: the adapter's plain files by name, its digest, and what is said about it."""

    files: dict[str, bytes] = field(repr=False)
    weights: Digest
    statements: tuple[Statement, ...]
    before: dict[str, float]
    after: dict[str, float]


def adapt_inside(
    base: Base, corpus: Corpus, how: Adaptation, keep: Callable[[bytes], None], listener: Listener
) -> Made:
    """Adapt a base that is open in this process.

    Args:
        base: the model; its weights get thin matrices beside them.
        corpus: text to learn from; a part is held out by id.
        how: rank, rate, schedule.
        keep: given each line of the compute ledger.
        listener: is told how it goes.

    Raises:
        InputError: too little text, or no rank.
        TrainError: the loss is no number any more.
    """
    if how.rank < 1:
        raise InputError("a sealed base is adapted by thin matrices alone", expected="a rank of 1 or more")
    world = World(0, 1, torch.device("cpu"))
    check_rows(how.run, world)
    torch.manual_seed(how.seed)
    inner = with_lora(base, how)
    causal = CausalNet(inner)
    task = task_of(base, corpus, None, causal, causal, how)
    before = bits_per_byte(causal, task.parts, world.device)
    ledger = SentLedger(
        keep, run=how.name, parents=task.parents, device=world.device.type, code=code_digest()
    )
    trained = carry_out_unwritten(task, world, ledger, listener)
    matrices = get_peft_model_state_dict(inner, save_embedding_layers=False)
    arrays = {key: tensor.numpy() for key, tensor in matrices.items()}
    files = {
        ADAPTER: adapter_gguf(base.path, arrays, alpha=2 * how.rank, name=how.name),
        CONFIG: canonical(plain(inner.peft_config["default"].to_dict())),
        WEIGHTS: save(matrices),
        LINEAGE: Lineage(how.name, base.weights, corpus.digest, how.digest).to_bytes(),
    }
    resources = tuple(Resource(name, Digest.of(data)) for name, data in sorted(files.items()))
    weights = Manifest(how.name, resources).root
    cost = spent(trained.history, sum(p.numel() for p in task.model.parameters() if p.requires_grad))
    said = statements_of(base, task, how, trained, before, cost, weights)
    return Made(files, weights, said, before, trained.bits)
