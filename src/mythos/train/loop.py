"""The loop: rows in, steps metered, snapshots out. Plain PyTorch, one process or many.

One process:       train(config, corpus, tokenizer, out)
Several:           torchrun --nproc-per-node 8 -m mythos train CONFIG.toml --out DIR     (DDP or FSDP2)

A step depends on the weights, the optimisers' state and the step's number, and on nothing else. So a run that
is killed anywhere and resumed ends with the same weights, bit for bit, on the same kind of processor with the
same number of threads.
"""
# torch's own annotations are partial
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import fcntl
import json
import math
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mythos.compute.ledger import Ledger
from mythos.compute.meter import ComputeMeter
from mythos.compute.record import Head, History
from mythos.errors import InputError, TrainError
from mythos.evidence import SigningKey
from mythos.files import write_atomic
from mythos.model import Mythos, Tokenizer
from mythos.train.config import Config
from mythos.train.documents import Corpus, Feed
from mythos.train.evaluate import HeldOut, bits_per_byte, held_out, next_token_loss
from mythos.train.optim import build_optimizers, rate_at
from mythos.train.parallel import World, gather_state, join_world, load_state, share
from mythos.train.snapshot import Snapshot, latest_snapshot, save_snapshot
from mythos.units import Digest, Instant


@dataclass(frozen=True, slots=True)
class Row:
    """One step on the curve.

    Attributes:
        step: how many steps are done, this one included.
        loss: nats per token of this step's rows, before the step.
        tokens, flop: so far, this step included; `flop` is the meter's model count of this process.
        seconds: since the run began, over all attempts.
        rate: share of the peak learning rates.
        bits: bits per byte of held-out text by language, where this step was evaluated.
    """

    step: int
    loss: float
    tokens: int
    flop: int
    seconds: float
    rate: float
    bits: dict[str, float] = field(default_factory=dict[str, float])

    def to_line(self) -> str:
        """One line of `curve.jsonl`; the loss with every bit it has."""
        document = {name: getattr(self, name) for name in self.__slots__} | {"flop": str(self.flop)}
        return json.dumps(document) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Row:
        """The inverse of `to_line`."""
        document = json.loads(line)
        return cls(**document | {"flop": int(document["flop"])})


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run: its weights, what it cost, how it went."""

    config: Config
    model: Mythos
    history: History
    rows: tuple[Row, ...]
    snapshots: tuple[Digest, ...]
    started_at: Instant
    ended_at: Instant
    leads: bool = True

    @property
    def bits(self) -> dict[str, float]:
        """Bits per byte of held-out text by language, at the end."""
        return self.rows[-1].bits


def nothing(_: Any) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A snapshot that is on the disk, and the ledger up to it."""

    config: Config
    step: int
    digest: Digest
    history: History
    started_at: Instant


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told what: every step, every saved snapshot, and words for people."""

    step: Callable[[Row], None] = nothing
    snapshot: Callable[[Saved], None] = nothing
    say: Callable[[str], None] = nothing


def train(
    config: Config,
    corpus: Corpus,
    tokenizer: Tokenizer,
    out: Path,
    *,
    resume: bool = False,
    key: SigningKey | None = None,
    listener: Listener | None = None,
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

    Raises:
        InputError: too little text, another tokenizer, configuration or text than the snapshot's, a folder
            that holds a run already, another run at work in it.
        TrainError: the loss is no number any more, the disk is full, or no snapshot is whole.
    """
    if tokenizer.vocab != config.model.vocab:
        raise InputError(
            "the tokenizer has another size", expected=f"{config.model.vocab}", found=str(tokenizer.vocab)
        )
    if config.run.threads:
        torch.set_num_threads(config.run.threads)
    out.mkdir(parents=True, exist_ok=True)
    with join_world() as world, _alone(out, world):
        run = _Run.begin(config, corpus, tokenizer, out, world, listener or Listener())
        ledger = run.open_ledger(resume=resume, key=key)
        meter = ComputeMeter(
            run.net,
            optimizer=run.optimizers,
            replay_optimizer=True,
            ledger=ledger,
            precision=config.run.precision,
            every=max(1, min(50, config.run.snapshot_every or 50)),
        )
        with ledger, meter:
            run.go(meter, ledger)
            history = ledger.history
        run.world.meet()
    return Trained(
        config,
        run.model,
        history,
        tuple(run.curve),
        tuple(run.saved),
        run.started_at,
        Instant.now(),
        world.leads,
    )


@contextmanager
def _alone(out: Path, world: World) -> Generator[None]:
    """Hold the run's folder; two runs in one folder would tear each other's snapshots."""
    with open(out / f"run.{world.rank}.lock", "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                f"another run is at work in {out}",
                expected="one run to a folder",
                advice="Choose another --out.",
            ) from error
        yield


@dataclass(slots=True)
class _Run:
    """What changes while a run goes on."""

    config: Config
    out: Path
    world: World
    listener: Listener
    model: Mythos
    net: nn.Module
    optimizers: list[torch.optim.Optimizer]
    feed: Feed
    parts: list[HeldOut]
    about: dict[str, Any]
    step: int = 0
    seconds: float = 0.0
    flop_before: int = 0
    curve: list[Row] = field(default_factory=list[Row])
    saved: list[Digest] = field(default_factory=list[Digest])
    started_at: Instant = field(default_factory=Instant.now)

    @classmethod
    def begin(
        cls, config: Config, corpus: Corpus, tokenizer: Tokenizer, out: Path, world: World, listener: Listener
    ) -> _Run:
        run = config.run
        if run.rows % (world.size * run.accumulate):
            raise InputError(
                "run.rows cannot be shared",
                expected=f"a multiple of {world.size} processes x {run.accumulate} accumulations",
                found=str(run.rows),
            )
        training, kept = corpus.split(config.data.held_out)
        feed = Feed(
            tokenizer.encode_documents([document.text for document in training]),
            config.model.seq_len,
            config.seed,
        )
        tokens = tokenizer.encode_documents([document.text for document in kept])
        parts = held_out(kept, tokens, config.model.seq_len, config.data.evaluation_tokens)
        if not parts:
            raise InputError(
                "nothing is held out",
                expected="at least one document that is not trained on",
                found=f"{len(corpus.documents)} documents, data.held_out {config.data.held_out}",
                advice="Give more documents or raise data.held_out.",
            )
        torch.manual_seed(config.seed)
        model = Mythos(config.model.shape, seed=config.seed)
        net = share(model, world, run.parallel, compiled=run.compile)
        about = {
            "configuration": str(config.digest),
            "tokenizer": str(tokenizer.digest),
            "dataset": str(corpus.digest),
        }
        return cls(
            config,
            out,
            world,
            listener,
            model,
            net,
            build_optimizers(model, config.rates),
            feed,
            parts,
            about,
        )

    @property
    def _sharded(self) -> bool:
        return self.world.size > 1 and self.config.run.parallel == "fsdp"

    def open_ledger(self, *, resume: bool, key: SigningKey | None) -> Ledger:
        """Begin the run's ledger, or go on with it from the last whole snapshot."""
        path = self.out / f"run.{self.world.rank}.ledger"
        if not resume:
            if path.exists():
                raise InputError(
                    f"{self.out} holds a run already",
                    expected="an empty folder",
                    advice="Give --resume to go on with it, or another --out.",
                )
            return Ledger.create(
                path,
                run=self.config.name,
                rank=self.world.rank,
                world=self.world.size,
                device=self.world.device.type,
                key=key,
            )
        if not path.exists():
            raise InputError(
                f"{self.out} holds no run", expected="a folder that a run was begun in", found="no ledger"
            )
        found = latest_snapshot(self.out / "snapshots", self.listener.say)
        if found:
            self._restore(found)
        place = found.facts["ledger"] if found and self.world.leads else None
        head = Head(place["lines"], Digest.parse(place["digest"])) if place else None
        ledger = Ledger.resume(path, run=self.config.name, head=head, step=self.step, key=key)
        self.flop_before = ledger.history.effective.model
        return ledger

    def _restore(self, found: Snapshot) -> None:
        for name, digest in self.about.items():
            if found.facts[name] != digest:
                raise InputError(
                    f"the snapshot was made with another {name}", expected=found.facts[name], found=digest
                )
        load_state(self.model, self.optimizers, found.state, sharded=self._sharded)
        torch.set_rng_state(found.state["random"])
        self.step, self.seconds = found.step, found.state["seconds"]
        self.started_at = Instant.parse(found.facts["startedAt"])
        self.saved = [*map(Digest.parse, found.facts["before"]), found.digest]
        lines = (self.out / "curve.jsonl").read_text(encoding="utf-8").splitlines()[: self.step]
        self.curve = [Row.from_line(line) for line in lines]
        self.listener.say(f"going on after step {self.step}")

    def go(self, meter: ComputeMeter, ledger: Ledger) -> None:
        """Steps until the schedule ends."""
        run, rates = self.config.run, self.config.rates
        began = time.monotonic() - self.seconds
        if self.world.leads:
            write_atomic(self.out / "curve.jsonl", "".join(row.to_line() for row in self.curve).encode())
        with open(self.out / "curve.jsonl", "a", encoding="utf-8") as curve:
            while (progress := self._progress()) < 1:
                share_of_peak = rate_at(progress + 0.5 / run.steps, rates)  # at the middle of the step
                loss = self._step_once(meter, share_of_peak)
                self.step += 1
                self.seconds = time.monotonic() - began
                ends = self._progress() >= 1
                due = run.evaluate_every and self.step % run.evaluate_every == 0
                bits = bits_per_byte(self.net, self.parts, self.world.device) if ends or due else {}
                tokens = self.step * run.rows * self.config.model.seq_len
                flop = self.flop_before + meter.model_flop
                row = Row(
                    self.step, loss, tokens, flop, round(self.seconds, 3), round(share_of_peak, 6), bits
                )
                self.curve.append(row)
                if self.world.leads:
                    curve.write(row.to_line())
                    curve.flush()
                    self.listener.step(row)
                if not math.isfinite(loss):
                    self._stop(row)
                if ends or (run.snapshot_every and self.step % run.snapshot_every == 0):
                    self._save(meter, ledger)

    def _progress(self) -> float:
        run = self.config.run
        by_time = self.seconds / run.seconds if run.seconds else 0.0
        return self.world.agreed(max(self.step / run.steps, by_time))

    def _step_once(self, meter: ComputeMeter, share_of_peak: float) -> float:
        """One optimiser step; the mean loss of its rows."""
        run, device = self.config.run, self.world.device
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * share_of_peak
        count = run.rows // (self.world.size * run.accumulate)
        losses: list[Tensor] = []
        with meter.step(
            tokens=count * run.accumulate * self.config.model.seq_len, dataset=self.about["dataset"]
        ):
            for part in range(run.accumulate):
                first = self.step * run.rows + (part * self.world.size + self.world.rank) * count
                rows = torch.from_numpy(self.feed.rows(first, count)).to(device)
                with torch.autocast(device.type, torch.bfloat16, enabled=run.precision == "bfloat16"):
                    logits = self.net(rows[:, :-1])
                loss = next_token_loss(logits, rows) / run.accumulate
                loss.backward()
                losses.append(loss.detach())
            if self.config.rates.clip:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.config.rates.clip)
            for optimizer in self.optimizers:
                optimizer.step()
                optimizer.zero_grad()
        return self.world.mean(torch.stack(losses).sum())

    def _save(self, meter: ComputeMeter, ledger: Ledger) -> None:
        state = gather_state(self.model, self.optimizers, sharded=self._sharded)
        head = meter.snapshot()
        if self.world.leads:
            with open(self.out / "curve.jsonl", "rb") as curve:
                os.fsync(curve.fileno())
            facts = self.about | {
                "ledger": {"lines": head.lines, "digest": str(head.digest)},
                "before": [str(digest) for digest in self.saved],
                "startedAt": str(self.started_at),
                "epoch": self.step * self.config.run.rows // self.feed.rows_per_epoch,
            }
            state |= {"random": torch.get_rng_state(), "seconds": self.seconds}
            digest = save_snapshot(self.out / "snapshots", self.step, state, facts)
            self.saved.append(digest)
            self.listener.snapshot(Saved(self.config, self.step, digest, ledger.history, self.started_at))
        self.world.meet()

    def _stop(self, row: Row) -> None:
        evidence = {
            "step": row.step,
            "loss": str(row.loss),
            "firstRow": (row.step - 1) * self.config.run.rows,
            "rows": self.config.run.rows,
            "lossesBefore": [earlier.loss for earlier in self.curve[-11:-1]],
            "rates": [group["lr"] for optimizer in self.optimizers for group in optimizer.param_groups],
        }
        path = self.out / "stopped.json"
        write_atomic(path, json.dumps(evidence, indent=1).encode())
        raise TrainError(
            f"the loss is {row.loss} at step {row.step}",
            expected="a number",
            advice=f"What led there is in {path}. Lower the rates; the snapshots before are whole.",
            code="not_finite",
        )
