"""Finished runs as rows of a file: each configuration is run once, here or in processes side by side.

A row is known by its configuration's digest. So whoever asks for many runs (the race, a sweep over depth) is
stopped and gone on with at will, over days; a run that was killed goes on from its snapshot. Only the process
that asks writes the file.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Lock
from typing import Any

import torch

from mythos.compute import read
from mythos.errors import InputError, TrainError
from mythos.model import Tokenizer
from mythos.model.shape import Family
from mythos.train.config import Config, ModelConfig, Rates
from mythos.train.documents import Corpus, read_corpus
from mythos.train.loop import Listener, Row
from mythos.train.pretrain import train
from mythos.train.run import prepare_tokenizer
from mythos.units import Flop


@dataclass(frozen=True, slots=True)
class Candidate:
    """A family, an optimiser, and where its sweep starts."""

    name: str
    family: Family
    rates: Rates


@dataclass(frozen=True, slots=True)
class Result:
    """A completed schedule."""

    configuration: str
    candidate: str
    seed: int
    steps: int
    rates: dict[str, Any]
    parameters: int
    flop: int
    bits: dict[str, float]
    seconds: float
    device: str = "cpu"

    @property
    def mean(self) -> float:
        """Bits per byte, the mean of the languages; infinite for a run whose loss became no number."""
        return sum(self.bits.values()) / len(self.bits) if self.bits else math.inf

    def to_line(self) -> str:
        """One row of the file."""
        return json.dumps(asdict(self) | {"flop": str(self.flop)}) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Result:
        """The inverse of `to_line`."""
        document = json.loads(line)
        return cls(**document | {"flop": int(document["flop"])})


def read_rows(path: Path) -> dict[str, Result]:
    """Finished runs by configuration; a last line cut short by a crash is left out.

    Raises:
        InputError: another line is no row.
    """
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    found: dict[str, Result] = {}
    for number, line in enumerate(lines[:-1], 1):
        try:
            result = Result.from_line(line.decode())
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"line {number} of {path} is no row of a race", found=str(error)[:120]
            ) from error
        found[result.configuration] = result
    return found


@dataclass(frozen=True, slots=True)
class Job:
    """A run that a worker does; `until` is when it stops, on the machine's monotonic clock."""

    candidate: str
    config: Config
    base: Config
    work: Path
    device: str | None
    until: float

    @property
    def folder(self) -> Path:
        """Of this run: ledger, snapshots."""
        return self.work / self.config.digest.hex[:16]


@dataclass(frozen=True, slots=True)
class Bench:
    """Runs configurations and remembers them.

    Attributes:
        base: sizes and text.
        rows: the file of finished runs; a folder beside it holds what is not finished.
        say: told of every finished run.
        device: `cpu` or `cuda`; None for a GPU where there is one.
        until: see `Job`.
        pool: of processes; None to run one after the other, here.
    """

    base: Config
    rows: Path
    say: Callable[[str], None]
    device: str | None = None
    until: float = math.inf
    pool: ProcessPoolExecutor | None = None
    _lock: Lock = field(default_factory=Lock)
    _failed: Event = field(default_factory=Event)

    def configure(self, candidate: Candidate, rates: Rates, flop: float, seed: int) -> Config:
        """A candidate's run of about `flop` operations."""
        model = replace(self.base.model, family=candidate.family)
        run, depth = self.base.run, self.base.rates.reference_depth
        run = replace(run, steps=max(2, round(flop / step_flop(model, run.rows, rates))), snapshot_every=500)
        rates = replace(rates, reference_depth=depth)
        return replace(self.base, name=f"race-{candidate.name}", seed=seed, model=model, run=run, rates=rates)

    def measure(self, candidate: Candidate, asked: Sequence[tuple[Rates, float, int]]) -> list[Result]:
        """Run each (rates, operations, seed) to the end of its schedule, unless a row holds it already.

        Raises:
            TrainError: the time is over (code `out_of_time`), or a run cannot go on.
        """
        if self._failed.is_set():
            raise TrainError("runs beside this one failed", code="out_of_time")
        work = self.rows.with_suffix(".work")
        jobs = [
            Job(candidate.name, self.configure(candidate, *one), self.base, work, self.device, self.until)
            for one in asked
        ]
        with self._lock:
            known = read_rows(self.rows)
            missing = {job.folder: job for job in jobs if str(job.config.digest) not in known}.values()
            if missing:
                _text(self.base, work)  # the tokenizer is learnt once, before workers look for it
        if self.pool is None:
            for job in missing:
                self._keep(job, perform(job))
        else:
            futures = {self.pool.submit(perform, job): job for job in missing}
            try:
                for future in as_completed(futures):
                    self._keep(futures[future], future.result())
            except BaseException:
                self._failed.set()  # so that callers in other threads end after the runs they wait for
                for future in futures:
                    future.cancel()
                raise
        rows = read_rows(self.rows)
        return [rows[str(job.config.digest)] for job in jobs]

    def closed(self, result: Result) -> bool:
        """Whether a finished run's count is the shape's closed form, to the last digit."""
        step = step_flop(self.base.model, self.base.run.rows, Rates(**result.rates))
        return not result.bits or result.flop == result.steps * step

    def _keep(self, job: Job, result: Result) -> None:
        with self._lock:
            self.rows.parent.mkdir(parents=True, exist_ok=True)
            with open(self.rows, "a+b") as file:
                os.ftruncate(file.fileno(), self.rows.read_bytes().rfind(b"\n") + 1)
                file.write(result.to_line().encode())
                file.flush()
                os.fsync(file.fileno())
        shutil.rmtree(job.folder)
        fact = f"{result.flop:.2e} FLOP  {result.mean:.4f} bits/byte  {result.seconds:.0f} s"
        self.say(f"{job.candidate:10} seed {job.config.seed}  {fact}")


def step_flop(model: ModelConfig, rows: int, rates: Rates) -> Flop:
    """The closed form of one step."""
    return model.shape.step_flop(rows, model.seq_len, muon=rates.optimizer == "muon")


@contextmanager
def workers(count: int) -> Generator[ProcessPoolExecutor | None]:
    """Processes for a `Bench`; none for a count of one. Those at work are waited for."""
    if count == 1:
        yield None
        return
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"))  # CUDA does not survive a fork
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def perform(job: Job) -> Result:
    """Do a run, or go on with it where it was stopped."""
    config, folder = job.config, job.folder
    corpus, tokenizer = _text(job.base, job.work)
    resume = (folder / "run.0.ledger").exists()
    cuda = torch.cuda.is_available() and job.device != "cpu"
    row = Result(
        str(config.digest),
        job.candidate,
        config.seed,
        config.run.steps,
        asdict(config.rates),
        config.model.shape.parameters,
        flop=0,
        bits={},
        seconds=0.0,
        device=torch.cuda.get_device_name() if cuda else "cpu",
    )

    def watch(_: Row) -> None:
        if time.monotonic() > job.until:
            raise TrainError("the time is over", advice="The same command goes on.", code="out_of_time")

    try:
        listener = Listener(step=watch)
        trained = train(
            config, corpus, tokenizer, folder, resume=resume, listener=listener, device=job.device
        )
    except TrainError as error:
        if error.code != "not_finite":
            raise
        spent = read(folder / "run.0.ledger").effective
        return replace(row, flop=spent.model + spent.optimizer)
    spent = trained.history.effective
    flop, seconds = spent.model + spent.optimizer, trained.rows[-1].seconds
    return replace(row, flop=flop, bits=trained.bits, seconds=seconds)


def _text(base: Config, work: Path) -> tuple[Corpus, Tokenizer]:
    """Read once in each process: the same objects for every depth, so that `train` need not encode again."""
    return _read_text(replace(base, model=replace(base.model, depth=1), rates=Rates()), work)


@lru_cache(maxsize=1)
def _read_text(base: Config, work: Path) -> tuple[Corpus, Tokenizer]:
    corpus = read_corpus(base.data.documents)
    return corpus, prepare_tokenizer(base, corpus, work)
