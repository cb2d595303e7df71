"""Adaptation: an open-weight model goes on learning from a region's own text, metered like any training.

The base is a Hugging Face folder or a GGUF file, whose quantised weights become 32-bit numbers first. LoRA
(Hu et al. 2021, arXiv 2106.09685) trains two thin matrices beside each of seven; full fine-tuning trains
everything. What comes out is an adapter that names its base by digest, and merged weights with an identity of
their own: their lineage names the base, their compute is counted, and what was gained and forgotten is
measured in bits per byte, before and after, on text that was held out.
"""
# transformers, peft and torch annotate themselves only in part
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import contextlib
import io
import json
import warnings
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
import transformers
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn

from mythos.compute.lineage import Graph
from mythos.compute.modified import Limit
from mythos.compute.record import History
from mythos.errors import InputError
from mythos.evidence import SigningKey, Statement, Subject, canonical
from mythos.evidence.predicates import Derivation, Evaluation, TrainingCompute, TrainingRun
from mythos.evidence.predicates.weights import Parent, Result
from mythos.files import write_atomic
from mythos.train.config import DataConfig, Rates, RunConfig, check_name, check_schedule, refuse_out_of_bounds
from mythos.train.documents import Corpus, Document, Tokens
from mythos.train.evaluate import bits_per_byte
from mythos.train.loop import Listener, Task, Trained, carry_out, refuse_folder
from mythos.train.merge import export_merged_gguf
from mythos.train.modified import modification_limits
from mythos.train.parallel import join_world, share
from mythos.train.plot import draw
from mythos.train.pretrain import check_rows, code_digest, feed_and_parts
from mythos.train.run import curve_svg, spent
from mythos.train.snapshot import alone
from mythos.units import Digest
from mythos.weights import identify, read_gguf
from mythos.weights.adapter import LINEAGE, Lineage

TARGETS: Final = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
BASE_FILE: Final = "base.json"


@dataclass(frozen=True, slots=True)
class Adaptation:
    """How a base is adapted.

    Attributes:
        name: of what comes out.
        rank: of LoRA's matrices; 0 trains every weight.
        rate: highest learning rate.
        length: tokens of a row.
    """

    name: str
    run: RunConfig
    rank: int = 16
    rate: float = 1e-3
    length: int = 256
    held_out: float = 0.05
    evaluation_tokens: int = 4_096
    seed: int = 1

    def __post_init__(self) -> None:
        check_name(self.name)
        check_schedule(self.run)
        refuse_out_of_bounds(
            (
                ("the rank", self.rank, 0, 1024),
                ("the rate", self.rate, 1e-7, 1),
                ("the length of a row", self.length, 8, 1 << 20),
                ("the share held out", self.held_out, 0.001, 0.5),
                ("the tokens evaluated", self.evaluation_tokens, 1, 10**9),
                ("the seed", self.seed, 0, 2**31 - 1),
            )
        )

    @property
    def digest(self) -> Digest:
        """Names these settings."""
        return Digest.of(canonical({"adaptation": repr(self)}))


@dataclass(frozen=True, slots=True)
class Base:
    """An open-weight model, ready to be trained on."""

    path: Path
    weights: Digest
    model: Any
    tokenizer: Any

    def tokens(self, documents: Sequence[Document]) -> list[Tokens]:
        """The tokens of each document with the base's end mark before it, in a task what is given below zero.

        Raises:
            InputError: a task, and a base that has no form for a conversation.
        """
        end = self.tokenizer.eos_token_id
        texts = [f"{self._said(document)}{document.text}" for document in documents]
        found = self.tokenizer(texts, add_special_tokens=False)["input_ids"] if texts else []
        made: list[Tokens] = []
        for document, ids in zip(documents, found, strict=True):
            if not document.given:
                made.append(np.array([end, *ids], dtype=np.int64))
                continue
            given = self.tokenizer(self._said(document), add_special_tokens=False)["input_ids"]
            made.append(np.array([~end, *(~i for i in given), *ids[len(given) :], end], dtype=np.int64))
        return made

    def _said(self, document: Document) -> str:
        """What stands before the answer, in the form in which the base was taught conversations."""
        if not document.given:
            return ""
        if not getattr(self.tokenizer, "chat_template", None):
            raise InputError("the base has no chat template", advice="Give plain text, or another base.")
        turns = [{"role": speaker, "content": words} for speaker, words in document.given]
        return str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


@dataclass(frozen=True, slots=True)
class Adapted:
    """What came of it.

    Attributes:
        path: merged weights, GGUF when the base was, else a Hugging Face folder; `adapter` alone is beside.
        weights: their root digest.
        before, after: bits per byte of held-out text by language.
        limits: what each instrument says of a modification of this size, by its id.
    """

    path: Path
    adapter: Path
    weights: Digest
    base: Digest
    history: History
    before: dict[str, float]
    after: dict[str, float]
    limits: dict[str, tuple[Limit, ...]]
    statements: tuple[Statement, ...]


class CausalNet(nn.Module):
    """A causal language model as the loop calls it."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (B, T, V) of `tokens` (B, T)."""
        return cast("Tensor", self.inner(input_ids=tokens, use_cache=False).logits).float()


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Keep what the libraries say of their own progress and of one another from people and pipes."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def load_base(path: Path, weights: Digest | None = None) -> Base:
    """Read a GGUF file or a Hugging Face folder into 32-bit weights.

    Args:
        path: the file or folder.
        weights: their root digest where it is proven already, such as for a sealed file's memfd.

    Raises:
        InputError: neither of the two.
    """
    where: dict[str, Any] = {}
    folder = path
    if path.is_file():
        header = read_gguf(path).metadata
        folder, where = path.parent, {"gguf_file": path.name}
        config: Any = transformers.AutoConfig.from_pretrained(folder, **where)
        head = header.get(f"{header['general.architecture']}.attention.key_length")
        if head is not None:
            config.head_dim = head  # the library assumes 128 for some architectures
        where["config"] = config
    elif not (path / "config.json").exists():
        raise InputError(f"no model at {path}", expected="a GGUF file or a Hugging Face folder")
    with _quiet():
        model: Any = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **where)
        where.pop("config", None)
        tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder, **where)
    return Base(path, weights or identify(path).root, model, tokenizer)


def adapt(
    base: Base,
    corpus: Corpus,
    out: Path,
    how: Adaptation,
    *,
    also: Corpus | None = None,
    known: Graph | None = None,
    resume: bool = False,
    key: SigningKey | None = None,
    listener: Listener | None = None,
) -> Adapted:
    """Adapt, measure, merge, export, and say what was done.

    Args:
        base: the model; its weights are changed in place.
        corpus: text to learn from; a part is held out by id.
        out: the run's folder.
        how: rank, rate, schedule.
        also: text of other kinds, evaluated and never trained on: what was forgotten shows there.
        known: lineage of the base, for the limits on modifications.
        resume: go on with the adaptation that was begun there.
        key: signs the ledger's snapshots.
        listener: is told how it goes.

    Raises:
        InputError: too little text, a folder with another run, another base or text than the snapshot's.
        TrainError: see `mythos.train.loop.carry_out`.
    """
    torch.manual_seed(how.seed)
    inner = with_lora(base, how) if how.rank else base.model
    causal = CausalNet(inner)
    listener = listener or Listener()
    for name, held in modification_limits(how.digest, base.weights, None, known).items():
        for one in held:
            listener.say(f"before: {name}: {one.words}: limit {one.limit} operations ({one.cite})")
    with join_world() as world, alone(out, world.rank):
        if world.size > 1:
            raise InputError("an adaptation runs in one process", found=f"{world.size} processes")
        refuse_folder(out / "run.0.ledger", resume=resume)
        check_rows(how.run, world)
        net = share(causal, world, "ddp", compiled=how.run.compile)
        task = task_of(base, corpus, also, causal, net, how)
        before = _before(out, base, task) if resume else {}
        if not before:
            before = bits_per_byte(net, task.parts, world.device)
            write_atomic(out / BASE_FILE, json.dumps({"base": str(base.weights), "bits": before}).encode())
        trained = carry_out(task, out, world, resume=resume, key=key, listener=listener, code=code_digest())
    adapter = out / "adapter"
    if how.rank:
        inner.save_pretrained(str(adapter), save_embedding_layers=False)
        origin = Lineage(how.name, base.weights, corpus.digest, how.digest)
        write_atomic(adapter / LINEAGE, origin.to_bytes())
        merged = inner.merge_and_unload()
    else:
        merged = inner
    path = export_adapted(base, merged, out, how)
    draw(out / "curve.svg", curve_svg(how.name, trained.rows))
    weights = identify(path).root
    cost = spent(trained.history, sum(p.numel() for p in merged.parameters()))
    statements = statements_of(base, task, how, trained, before, cost, weights)
    after = modification_limits(weights, base.weights, cost, known)
    return Adapted(
        path, adapter, weights, base.weights, trained.history, before, trained.bits, after, statements
    )


def statements_of(
    base: Base,
    task: Task,
    how: Adaptation,
    trained: Trained,
    before: dict[str, float],
    cost: TrainingCompute,
    weights: Digest,
) -> tuple[Statement, ...]:
    """What is said about adapted weights: derivation, training-run, training-compute, evaluation."""
    about, at = Subject(how.name, weights), trained.ended_at
    described = f"LoRA of rank {how.rank}" if how.rank else "full fine-tuning"
    data = (Digest.parse(task.about["dataset"]),)
    run = TrainingRun(
        how.digest, code_digest(), data, base.weights, trained.started_at, at, trained.snapshots
    )
    return (
        Derivation("adapt", (Parent(base.weights, "base"),), described, at).statement(about),
        run.statement(about),
        cost.statement(about),
        _evaluation(task, before, trained.bits, at).statement(about),
    )


def lora_of(how: Adaptation) -> LoraConfig:
    """Which thin matrices: two beside each of `TARGETS`."""
    return LoraConfig(
        r=how.rank, lora_alpha=2 * how.rank, target_modules=list(TARGETS), task_type="CAUSAL_LM"
    )


def with_lora(base: Base, how: Adaptation) -> Any:
    """The base with thin matrices that are trained; it names the base by digest."""
    with _quiet():
        inner: Any = get_peft_model(base.model, lora_of(how))
    inner.peft_config["default"].base_model_name_or_path = str(base.weights)  # the library wrote a path
    return inner


def task_of(
    base: Base, corpus: Corpus, also: Corpus | None, causal: CausalNet, net: nn.Module, how: Adaptation
) -> Task:
    """What the loop carries out: `corpus` is learnt and a part held out, `also` only evaluated."""
    training, kept = corpus.split(how.held_out)
    if also is not None:
        kept += [replace(document, language=f"{document.language}-also") for document in also.documents]
    feed, parts = feed_and_parts(
        (training, base.tokens(training)),
        (kept, base.tokens(kept)),
        DataConfig(held_out=how.held_out, evaluation_tokens=how.evaluation_tokens),
        length=how.length,
        seed=how.seed,
    )
    rates = Rates(warmup=0.05, decay=0.7, clip=1.0)
    trained = [parameter for parameter in causal.parameters() if parameter.requires_grad]
    group = {"params": trained, "lr": how.rate, "peak": how.rate}
    optimizer = torch.optim.AdamW([group], weight_decay=0.0)
    about = {
        "configuration": str(how.digest),
        "dataset": str(corpus.digest),
        "base": str(base.weights),
    }
    return Task(
        how.name, how.run, rates, causal, net, [optimizer], feed, parts, about, (base.weights,), phase="sft"
    )


def _before(out: Path, base: Base, task: Task) -> dict[str, float]:
    """What the base scored when the run began here; another base is refused."""
    path = out / BASE_FILE
    if not path.exists():
        return {}
    document: dict[str, Any] = json.loads(path.read_bytes())
    if document["base"] != str(base.weights):
        raise InputError(f"{out} adapts another base", expected=document["base"], found=str(base.weights))
    bits: dict[str, float] = document["bits"]
    return bits if bits.keys() == {part.language for part in task.parts} else {}


def _evaluation(task: Task, before: dict[str, float], after: dict[str, float], at: Any) -> Evaluation:
    sizes = {part.language: part.bytes for part in task.parts}
    found = [
        Result(f"{language} {when}", f"{bits[language]:.4f}", "bits per byte", sizes[language])
        for language in sorted(sizes)
        for when, bits in (("before", before), ("after", after))
    ]
    return Evaluation("bits per byte of held-out text", tuple(found), at)


def export_adapted(base: Base, merged: Any, out: Path, how: Adaptation) -> Path:
    """Write merged weights in the form of their base, GGUF or a folder, and say where."""
    if not base.path.is_file():
        merged.save_pretrained(out / how.name)
        base.tokenizer.save_pretrained(out / how.name)
        return out / how.name
    path = out / f"{how.name}.gguf"
    changed = None if how.rank == 0 else TARGETS
    weights = {
        name: tensor.detach().float().cpu().numpy()
        for name, tensor in merged.state_dict().items()
        if changed is None or name.split(".")[-2] in changed
    }
    export_merged_gguf(base.path, weights, path, name=how.name)
    return path
