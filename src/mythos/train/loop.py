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

import io
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mythos.compute.ledger import Ledger, read
from mythos.compute.meter import ComputeMeter
from mythos.compute.record import Head, History
from mythos.errors import InputError, TrainError
from mythos.evidence import SigningKey
from mythos.files import write_atomic
from mythos.train.config import Rates, RunConfig
from mythos.train.documents import Feed
from mythos.train.evaluate import HeldOut, bits_per_byte, next_token_loss, read_by_model
from mythos.train.optim import rate_at
from mythos.train.parallel import World, gather_state, load_state
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
class Task:
    """What is trained, how, and on what.

    Attributes:
        model: holds the parameters; a snapshot keeps those that are trained.
        net: what a step calls, from tokens (B, T) to logits (B, T, V): the model, shared or compiled.
        optimizers: each group has its highest rate under `peak`.
        parts: held-out text.
        about: digests by name (configuration, tokenizer, dataset, base) that a resume must find again.
        parents: weights that training starts from.
        phase: pretrain or sft.
    """

    name: str
    run: RunConfig
    rates: Rates
    model: nn.Module
    net: nn.Module
    optimizers: list[torch.optim.Optimizer]
    feed: Feed
    parts: list[HeldOut]
    about: dict[str, str]
    parents: tuple[Digest, ...] = ()
    phase: str = "pretrain"


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run: its weights, what it cost, how it went."""

    model: nn.Module
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


@dataclass(frozen=True, slots=True)
class Saved:
    """A snapshot that is on the disk, and the ledger up to it."""

    name: str
    step: int
    digest: Digest
    history: History


def nothing(_: Any) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told what: every step, every saved snapshot, and words for people."""

    step: Callable[[Row], None] = nothing
    snapshot: Callable[[Saved], None] = nothing
    say: Callable[[str], None] = nothing


def carry_out(
    task: Task,
    out: Path,
    world: World,
    *,
    resume: bool,
    key: SigningKey | None,
    listener: Listener | None,
    code: Digest | None = None,
) -> Trained:
    """Train to the end of the schedule, or go on to it from the last whole snapshot.

    Args:
        task: what and how.
        out: the run's folder, held: ledger, curve, snapshots.
        world: this process among those of the run.
        resume: go on with a run that was begun here; without it such a folder is refused.
        key: signs the ledger at every snapshot.
        listener: is told how it goes.
        code: names the code, for the ledger.

    Raises:
        InputError: a folder that holds a run already, or none to resume, or one with other digests.
        TrainError: the loss is no number any more, the disk is full, or no snapshot is whole.
    """
    run = _Run(task, out, world, listener or Listener())
    with run.open_ledger(resume=resume, key=key, code=code) as ledger, _metered(task, ledger) as meter:
        run.go(meter, ledger)
    world.meet()
    history = together(ledger.history, out, world)
    rows, saved = tuple(run.curve), tuple(run.saved)
    return Trained(task.model, history, rows, saved, history.began, Instant.now(), world.leads)


def carry_out_unwritten(task: Task, world: World, ledger: Ledger, listener: Listener) -> Trained:
    """Train to the end of the schedule with nothing on a disk but what `ledger` and `listener` keep.

    No snapshot is made: what ends this process ends the run.

    Raises:
        TrainError: the loss is no number any more.
    """
    run = _Run(task, None, world, listener)
    with _metered(task, ledger) as meter:
        run.go(meter, ledger)
    return Trained(task.model, ledger.history, tuple(run.curve), (), ledger.history.began, Instant.now())


def _metered(task: Task, ledger: Ledger) -> ComputeMeter:
    return ComputeMeter(
        task.net,
        optimizer=task.optimizers,
        replay_optimizer=True,
        ledger=ledger,
        phase=task.phase,
        precision=task.run.precision,
        every=max(1, min(50, task.run.snapshot_every or 50)),
    )


def refuse_folder(ledger: Path, *, resume: bool) -> None:
    """A run begins where none was begun, and goes on where one was.

    Raises:
        InputError: otherwise.
    """
    if resume != ledger.exists():
        out = ledger.parent
        raise InputError(
            f"{out} holds no run" if resume else f"{out} holds a run already",
            expected="a folder that a run was begun in" if resume else "an empty folder",
            advice="Begin it without --resume." if resume else "Give --resume, or another --out.",
        )


def together(own: History, out: Path, world: World) -> History:
    """The ledgers of all processes of a run as one; its head is then the digest of theirs in order of rank.

    Raises:
        ComputeError: a ledger is not there or not whole: processes need one folder.
    """
    if world.size == 1:
        return own
    ranks = range(world.size)
    found = [own if rank == world.rank else read(out / f"run.{rank}.ledger") for rank in ranks]
    heads = [history.head for history in found]
    return replace(
        own,
        works=tuple(work for history in found for work in history.works),
        head=Head(
            sum(head.lines for head in heads), Digest.of(b"".join(head.digest.value for head in heads))
        ),
        ended=max(history.ended for history in found),
    )


class _Run:
    """What changes while a run goes on."""

    def __init__(self, task: Task, out: Path | None, world: World, listener: Listener) -> None:
        self.task, self._out, self.world, self.listener = task, out, world, listener
        self.step = 0
        self.seconds = 0.0
        self.flop_before = 0
        self.curve: list[Row] = []
        self.saved: list[Digest] = []
        self._sharded = world.size > 1 and task.run.parallel == "fsdp"

    @property
    def out(self) -> Path:
        """The folder of a run that is written."""
        if self._out is None:
            raise InputError("a run that is not written has no folder")
        return self._out

    def open_ledger(self, *, resume: bool, key: SigningKey | None, code: Digest | None) -> Ledger:
        """Begin the run's ledger, or go on with it from the last whole snapshot."""
        path = self.out / f"run.{self.world.rank}.ledger"
        refuse_folder(path, resume=resume)
        if not resume:
            return Ledger.create(
                path,
                run=self.task.name,
                rank=self.world.rank,
                world=self.world.size,
                parents=self.task.parents,
                device=self.world.device.type,
                code=code,
                key=key,
            )
        found = latest_snapshot(self.out / "snapshots", self.listener.say)
        if found:
            self._restore(found)
        place = found.facts["ledger"] if found and self.world.leads else None
        head = Head(place["lines"], Digest.parse(place["digest"])) if place else None
        ledger = Ledger.resume(path, run=self.task.name, head=head, step=self.step, key=key)
        self.flop_before = ledger.history.effective.model
        return ledger

    def _restore(self, found: Snapshot) -> None:
        for name, digest in self.task.about.items():
            if found.facts.get(name) != digest:
                raise InputError(
                    f"the snapshot was made with another {name}",
                    expected=str(found.facts.get(name)),
                    found=digest,
                )
        load_state(self.task.model, self.task.optimizers, found.state, sharded=self._sharded)
        torch.set_rng_state(found.state["random"])
        self.step, self.seconds = found.step, found.state["seconds"]
        self.saved = [*map(Digest.parse, found.facts["before"]), found.digest]
        lines = (self.out / "curve.jsonl").read_text(encoding="utf-8").splitlines()[: self.step]
        self.curve = [Row.from_line(line) for line in lines]
        self.listener.say(f"going on after step {self.step}")

    def go(self, meter: ComputeMeter, ledger: Ledger) -> None:
        """Steps until the schedule ends."""
        task, run = self.task, self.task.run
        began = time.monotonic() - self.seconds
        if self.world.leads and self._out:
            write_atomic(self.out / "curve.jsonl", "".join(row.to_line() for row in self.curve).encode())
        with open(self.out / "curve.jsonl", "a", encoding="utf-8") if self._out else io.StringIO() as curve:
            while (progress := self._progress()) < 1:
                rate = rate_at(progress + 0.5 / run.steps, task.rates)  # at the middle of the step
                loss = self._step_once(meter, rate)
                self.step += 1
                self.seconds = time.monotonic() - began
                ends = self._progress() >= 1
                due = run.evaluate_every and self.step % run.evaluate_every == 0
                bits = bits_per_byte(task.net, task.parts, self.world.device) if ends or due else {}
                tokens = self.step * run.rows * task.feed.length
                flop = self.flop_before + meter.model_flop
                row = Row(self.step, loss, tokens, flop, round(self.seconds, 3), round(rate, 6), bits)
                self.curve.append(row)
                if self.world.leads:
                    curve.write(row.to_line())
                    curve.flush()
                    self.listener.step(row)
                if not all(map(math.isfinite, (loss, *bits.values()))):
                    self._stop(row)
                if ends or (run.snapshot_every and self.step % run.snapshot_every == 0):
                    self._save(meter, ledger)

    def _progress(self) -> float:
        run = self.task.run
        by_time = self.seconds / run.seconds if run.seconds else 0.0
        return self.world.agreed(max(self.step / run.steps, by_time))

    def _step_once(self, meter: ComputeMeter, rate: float) -> float:
        """One optimiser step; the mean loss of its rows."""
        task, run, device = self.task, self.task.run, self.world.device
        for optimizer in task.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * rate
        count = run.rows // (self.world.size * run.accumulate)
        tokens = count * run.accumulate * task.feed.length
        losses: list[Tensor] = []
        with meter.step(tokens=tokens, dataset=task.about["dataset"]):
            for part in range(run.accumulate):
                first = self.step * run.rows + (part * self.world.size + self.world.rank) * count
                rows = torch.from_numpy(task.feed.rows(first, count)).to(device)
                with torch.autocast(device.type, torch.bfloat16, enabled=run.precision == "bfloat16"):
                    logits = task.net(read_by_model(rows))
                loss = next_token_loss(logits, rows) / run.accumulate
                loss.backward()
                losses.append(loss.detach())
            if task.rates.clip:
                nn.utils.clip_grad_norm_(task.model.parameters(), task.rates.clip)
            for optimizer in task.optimizers:
                optimizer.step()
                optimizer.zero_grad()
        return self.world.mean(torch.stack(losses).sum())

    def _save(self, meter: ComputeMeter, ledger: Ledger) -> None:
        if self._out is None:
            meter.snapshot()
            return
        state = gather_state(self.task.model, self.task.optimizers, sharded=self._sharded)
        head = meter.snapshot()
        self.world.meet()
        if self.world.leads:
            with open(self.out / "curve.jsonl", "rb") as curve:
                os.fsync(curve.fileno())
            facts = self.task.about | {
                "ledger": {"lines": head.lines, "digest": str(head.digest)},
                "before": [str(digest) for digest in self.saved],
                "epoch": self.step * self.task.run.rows // self.task.feed.rows_per_epoch,
            }
            state |= {"random": torch.get_rng_state(), "seconds": self.seconds}
            digest = save_snapshot(self.out / "snapshots", self.step, state, facts)
            self.saved.append(digest)
            self.listener.snapshot(
                Saved(self.task.name, self.step, digest, together(ledger.history, self.out, self.world))
            )
        self.world.meet()

    def _stop(self, row: Row) -> None:
        path = self.out / "stopped.json" if self._out else None
        found = next(x for x in (row.loss, *row.bits.values()) if not math.isfinite(x))
        evidence = {
            "step": row.step,
            "loss": str(row.loss),
            "firstRow": (row.step - 1) * self.task.run.rows,
            "rows": self.task.run.rows,
            "lossesBefore": [earlier.loss for earlier in self.curve[-11:-1]],
            "rates": [group["lr"] for optimizer in self.task.optimizers for group in optimizer.param_groups],
        }
        if path is not None:
            write_atomic(path, json.dumps(evidence, indent=1).encode())
        raise TrainError(
            f"the loss is {found} at step {row.step}",
            expected="a number",
            advice=f"What led there is in {path}. Lower the rates; the snapshots before are whole."
            if path
            else "Lower the rate.",
            code="not_finite",
        )
