"""`mythos train`: a metered run from a configuration to weights that can be served; and the race."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from mythos.cli.shared import Home, act_once, as_option, emit, home_option, json_option, log_option, say

if TYPE_CHECKING:
    from mythos.evidence.note import SigningKey
    from mythos.evidence.statement import Statement
    from mythos.train import Row, TrainedModel
    from mythos.train.loop import Saved
    from mythos.units import Digest


# OpenMP's spinning barriers starve a machine whose cores are shared: a step took 1.9 s instead of 0.34 s.
# Read once, when torch is loaded; what the caller has set stands.
OPENMP = {"GOMP_SPINCOUNT": "0", "OMP_WAIT_POLICY": "passive"}


def wait_without_spinning() -> None:
    """Set what OpenMP reads when torch is loaded."""
    for name, value in OPENMP.items():
        os.environ.setdefault(name, value)


class RunByDefault(click.Group):
    """`mythos train CONFIG.toml` is `mythos train run CONFIG.toml`, and so for `adapt`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Anything that is not a subcommand is a configuration."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["run", *args])


@click.group(cls=RunByDefault)
def command() -> None:
    r"""Train a model, with its compute counted step by step.

    \b
    mythos train tiny --out tiny            a million parameters in under a minute on two cores
    mythos train CONFIG.toml                your own; see docs/how-to/train-your-own.md
    mythos train CONFIG.toml --resume       go on after a crash, bit for bit
    mythos train race --budget-flop 3e13    against a tuned Llama-style baseline
    """
    wait_without_spinning()


@command.command()
@click.argument("config")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Default: runs/NAME.")
@click.option("--resume", is_flag=True, help="Go on with the run that was begun in this folder.")
@click.option(
    "--ray", "workers", type=click.IntRange(1, 65536), metavar="WORKERS", help="Start so many with Ray Train."
)
@click.option("--no-log", is_flag=True, help="Log nothing; the ledger and the statements' facts stay in OUT.")
@home_option
@as_option("owner")
@log_option
@json_option
def run(
    config: str,
    out: Path | None,
    resume: bool,
    workers: int | None,
    no_log: bool,
    home: Home,
    party: str,
    log: str | None,
    as_json: bool,
) -> None:
    r"""Train as CONFIG says: a TOML file, or `tiny`. Appends training-run and training-compute.

    \b
    mythos train tiny --out tiny --home .mythos --json
    torchrun --nproc-per-node 8 -m mythos train big.toml --out /data/run --no-log
    mythos train big.toml --out /data/run --ray 8
    """
    from mythos.train import Listener, load_config, run_config

    asked = load_config(config)
    folder = out or Path("runs") / asked.name
    clerk = None if no_log else Clerk.of(home, party, log)
    if workers is not None:
        from mythos.train.cluster import run_on_ray

        trained = run_on_ray(asked, folder, workers=workers, resume=resume)
    else:
        with ProgressLine(asked.run.steps) as progress:
            listener = Listener(
                step=progress.show, snapshot=clerk.snapshot if clerk else ignore, say=progress.say
            )
            trained = run_config(
                asked, folder, resume=resume, key=clerk.key if clerk else None, listener=listener
            )
    if trained is None:
        return
    indices = clerk.finish(trained.weights, trained.statements) if clerk else []
    document = _document(trained) | {"statements": indices}
    bits = ", ".join(f"{language} {value:.3f}" for language, value in trained.bits.items())
    line = f"{trained.path}  {trained.weights}\n{document['said']}; held-out bits per byte: {bits}"
    emit(document, as_json=as_json, line=line)


@command.command()
@click.argument("config", default="race")
@click.option("--budget-flop", default="3e13", show_default=True, help="Operations of the longest run.")
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(1, 10))
@click.option("--documents", type=click.Path(path_type=Path, exists=True), help="Text; default: CONFIG's.")
@click.option(
    "--rows",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("race.jsonl"),
    show_default=True,
    help="Finished runs: stop and go on at will.",
)
@click.option(
    "--svg", type=click.Path(path_type=Path, dir_okay=False), help="Draw loss over operations; a PNG too."
)
@click.option("--protocol", default="2", show_default=True, type=click.Choice(["1", "2"]))
@click.option("--device", type=click.Choice(["cpu", "cuda"]), help="Default: a GPU where there is one.")
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Runs side by side, each a process; small models leave most of a GPU idle.",
)
@click.option("--seconds", type=click.FloatRange(min=1), help="Stop then; finished runs stay.")
@json_option
def race(
    config: str,
    budget_flop: str,
    seeds: int,
    documents: Path | None,
    rows: Path,
    svg: Path | None,
    protocol: str,
    device: str | None,
    workers: int,
    seconds: float | None,
    as_json: bool,
) -> None:
    r"""Operations to the same loss: Mythos against tuned baselines; bench/efficiency/PROTOCOL-2.md.

    \b
    mythos train race --budget-flop 3e13 --documents corpus.jsonl --rows race.jsonl --svg race.svg
    """
    from mythos.train import load_config
    from mythos.train.plot import curves_svg, draw
    from mythos.train.race import PROTOCOLS, race_curves
    from mythos.train.race import race as run_race
    from mythos.train.rows import Bench
    from mythos.train.rows import workers as start_workers
    from mythos.units import Flop

    until = time.monotonic() + (seconds or math.inf)

    base = load_config(config)
    if documents is not None:
        base = replace(base, data=replace(base.data, documents=str(documents)))
    with start_workers(workers) as pool:
        bench = Bench(base, rows, say, device, until, pool)
        found = run_race(bench, PROTOCOLS[int(protocol)], flop=float(Flop.parse(budget_flop)), seeds=seeds)
    if svg is not None:
        drawn = race_curves(found)
        picture = curves_svg(
            "The race", "operations", "bits per byte, ja and en", drawn, logarithmic=True, alike=seeds
        )
        draw(svg, picture)
    low, high = found["flop_ratio_at_equal_loss_interval"]
    line = (
        f"operations of the tuned Llama-style baseline over Mythos's at equal bits per byte: "
        f"{found['flop_ratio_at_equal_loss']:.2f} ({low:.2f} to {high or 'unknown'}, {seeds} seeds)"
    )
    emit(found, as_json=as_json, line=line)


def ignore(_: Any) -> None:
    """Nobody asked."""


def _document(trained: TrainedModel) -> dict[str, Any]:
    history = trained.history
    steps = f"{history.step} steps of {trained.config.run.rows} x {trained.config.model.seq_len} tokens"
    return {
        "name": trained.config.name,
        "path": str(trained.path),
        "folder": str(trained.folder),
        "bytes": trained.path.stat().st_size,
        "digest": str(trained.weights),
        "weights": str(trained.weights),
        "parameters": trained.config.model.shape.parameters,
        "tokens": str(trained.tokens),
        "flop": str(trained.model_flop),
        "executed": str(history.executed.executed),
        "method": "counted",
        "said": f"{trained.model_flop} FLOP counted over {steps}",
        "bits_per_byte": {language: f"{value:.4f}" for language, value in trained.bits.items()},
    }


class Clerk:
    """Signs and appends what is said about a run; a log that does not answer never stops the training."""

    def __init__(self, home: Home, party: str, log: str | None, key: SigningKey) -> None:
        self._home, self._party, self._log = home, party, log
        self.key = key
        self._waiting: list[tuple[str, Statement]] = []

    @classmethod
    def of(cls, home: Home, party: str, log: str | None) -> Clerk:
        """Read the key, and ask the log for its head before an hour of training is spent."""
        from mythos.cli.parties import log_client, signing_key

        key = signing_key(home, party)
        with log_client(home, log) as client:
            client.checkpoint()
        return cls(home, party, log, key)

    def snapshot(self, saved: Saved) -> None:
        """What the run has cost so far; the subject is the snapshot."""
        from mythos.errors import LogError, NetworkError
        from mythos.train.run import spent_until

        self._waiting.append((f"snapshot:{saved.digest}", spent_until(saved)))
        try:
            self._append_waiting()
        except (LogError, NetworkError) as error:
            say(f"the log did not take a statement ({error}); it is sent again at the end")

    def finish(self, weights: Digest, statements: Sequence[Statement]) -> list[int]:
        """The statements about the weights; their places in the log."""
        self._append_waiting()
        return [self._append(f"{said.act}:{weights}", said) for said in statements]

    def _append_waiting(self) -> None:
        while self._waiting:
            self._append(*self._waiting[0])
            self._waiting.pop(0)

    def _append(self, name: str, statement: Statement) -> int:
        from mythos.evidence import Envelope

        make: Callable[[], bytes] = lambda: Envelope.sign(statement, self.key).to_bytes()  # noqa: E731
        return act_once(self._home, self._party, self._log, name, make).index


class ProgressLine:
    """A line that moves, for people who watch; nothing in a pipe."""

    def __init__(self, steps: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._steps = steps
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[fact]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("training", total=steps, fact="")
        self._peak = 0.0
        self._losses: list[float] = []

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, row: Row) -> None:
        """One step."""
        from mythos.train.evaluate import matmul_rate
        from mythos.train.plot import sparkline

        self._peak = self._peak or matmul_rate()
        speed, used = row.tokens / row.seconds, row.flop / row.seconds / self._peak
        self._losses.append(row.loss)
        curve = sparkline(self._losses, 24)
        work = f"{row.flop / row.seconds / 1e9:,.0f} GFLOP/s ({used:.0%} of a matrix product)"
        fact = f"{curve}  loss {row.loss:.3f}  {speed:,.0f} tokens/s  {work}"
        self._bar.update(self._task, completed=row.step, fact=fact)
        if row.bits:
            found = ", ".join(f"{language} {value:.3f}" for language, value in row.bits.items())
            self.say(f"step {row.step}: bits per byte {found}")

    def say(self, text: str) -> None:
        """Words above the line."""
        self._bar.console.print(text, highlight=False)
