"""What a run is: one TOML file, read strictly. Its digest stands in the run's statement.

Unknown keys, wrong types and values that cannot be meant are refused before anything is computed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args, get_origin, get_type_hints

from mythos.errors import InputError
from mythos.evidence import canonical
from mythos.model import Shape
from mythos.units import Digest

BUNDLED: Final = ("tiny", "race")


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The one dial and the two sizes that belong to the text, not to the network."""

    depth: int
    vocab: int
    seq_len: int
    family: Literal["mythos", "llama"] = "mythos"

    @property
    def shape(self) -> Shape:
        """All sizes."""
        return Shape.of_depth(self.depth, vocab=self.vocab, seq_len=self.seq_len, family=self.family)


@dataclass(frozen=True, slots=True)
class DataConfig:
    """The text.

    Attributes:
        documents: `bundled`, or a .jsonl file, a text file or a folder of text files.
        held_out: share of the documents that are never trained on, chosen by the hash of their id.
        evaluation_tokens: at most so many held-out tokens of each language are evaluated.
    """

    documents: str = "bundled"
    held_out: float = 0.05
    evaluation_tokens: int = 16_384


@dataclass(frozen=True, slots=True)
class RunConfig:
    """How long, how much at once, how often saved.

    Attributes:
        steps: optimiser steps of the whole schedule.
        seconds: 0, or a limit of training time: the schedule then ends by whichever comes first.
        rows: rows of `seq_len` tokens in one step, over all processes and accumulations.
        accumulate: forward and backward passes that one step is cut into.
        precision: of the products; weights and optimiser state stay in 32 bits.
        compile: `torch.compile` the decoder.
        parallel: how several processes share the work: `ddp` (whole copies) or `fsdp` (sharded, FSDP2).
        threads: computing threads, 0 for what torch chooses.
        snapshot_every, evaluate_every: in steps; 0 means at the end only.
    """

    steps: int
    rows: int
    seconds: float = 0.0
    accumulate: int = 1
    precision: Literal["float32", "bfloat16"] = "float32"
    compile: bool = False
    parallel: Literal["ddp", "fsdp"] = "ddp"
    threads: int = 0
    snapshot_every: int = 0
    evaluate_every: int = 0


@dataclass(frozen=True, slots=True)
class Rates:
    """Learning rates by kind of parameter, at `reference_depth`; `mythos.train.optim` carries them to others.

    Attributes:
        optimizer: of the block matrices; everything else is AdamW's.
        matrices, embedding, head, gains: peak rates.
        weight_decay: of the block matrices; with Muon only where it agrees with the step (cautious).
        warmup, decay: shares of the schedule in which rates rise from 0 and fall to `final` times the peak.
        clip: largest norm of the gradient, 0 for none.
    """

    optimizer: Literal["muon", "adamw"] = "muon"
    matrices: float = 0.02
    embedding: float = 0.3
    head: float = 0.008
    gains: float = 0.008
    weight_decay: float = 0.1
    momentum: float = 0.95
    warmup: float = 0.05
    decay: float = 0.6
    final: float = 0.0
    clip: float = 0.0
    reference_depth: int = 4


@dataclass(frozen=True, slots=True)
class Config:
    """A whole run."""

    name: str
    model: ModelConfig
    run: RunConfig
    data: DataConfig = field(default_factory=DataConfig)
    rates: Rates = field(default_factory=Rates)
    seed: int = 1
    licence: str = "Apache-2.0"

    def __post_init__(self) -> None:
        _check(self)

    @property
    def digest(self) -> Digest:
        """Names this configuration: every value counts, layout and comments of the file do not."""
        return Digest.of(canonical(_exact(self)))


def load_config(where: str | Path) -> Config:
    """Read a run: the name of a bundled one (`tiny`), or a TOML file.

    A relative `data.documents` is taken from the file's folder.

    Raises:
        InputError: no such file, not TOML, an unknown or missing key, a wrong type, a value out of bounds.
    """
    if str(where) in BUNDLED:
        text = (files("mythos.train") / "configs" / f"{where}.toml").read_text(encoding="utf-8")
        return read_config(text, str(where))
    path = Path(where)
    try:
        config = read_config(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"cannot read the configuration {path}",
            expected=f"a TOML file, or one of: {', '.join(BUNDLED)}",
            found=str(error),
        ) from error
    if config.data.documents == "bundled":
        return config
    return replace(config, data=replace(config.data, documents=str(path.parent / config.data.documents)))


def read_config(text: str, where: str = "the configuration") -> Config:
    """Read a run from TOML text; see `load_config`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where} is not TOML", found=str(error)) from error
    return cast("Config", _read(Config, document, where))


def _read(kind: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind):
        return _read_table(cast("type[Any]", kind), value, where)
    if get_origin(kind) is Literal:
        if value in get_args(kind):
            return value
        raise InputError(f"{where} is not known", expected=" or ".join(get_args(kind)), found=repr(value))
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise InputError(f"{where} has another type", expected=kind.__name__, found=repr(value)[:80])
    return value


def _read_table(kind: type[Any], value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise InputError(f"{where} is not a table", found=repr(value)[:80])
    given = cast("dict[str, Any]", value)
    hints = get_type_hints(kind)
    known = {f.name: f for f in fields(kind)}
    if unknown := sorted(given.keys() - known.keys()):
        raise InputError(
            f"{where} has an unknown key", expected=", ".join(known), found=", ".join(unknown)[:200]
        )
    needed = [n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING]
    if missing := [name for name in needed if name not in given]:
        raise InputError(f"{where} lacks a key", expected=", ".join(needed), found=f"no {missing[0]}")
    return kind(**{name: _read(hints[name], item, f"{where}: {name}") for name, item in given.items()})


Bounds = Sequence[tuple[str, float, float, float]]


def refuse_out_of_bounds(bounds: Bounds) -> None:
    """Refuse the first of (name, value, least, most) that is outside, or no number.

    Raises:
        InputError: there is one.
    """
    for name, value, low, high in bounds:
        if not low <= value <= high:  # NaN is refused too
            raise InputError(f"{name} cannot be meant", expected=f"{low:g} to {high:g}", found=str(value))


def check_schedule(run: RunConfig) -> None:
    """Refuse a schedule that cannot be meant.

    Raises:
        InputError: a value out of bounds, or rows that the accumulations do not divide.
    """
    refuse_out_of_bounds(
        (
            ("run.steps", run.steps, 1, 10**9),
            ("run.rows", run.rows, 1, 1 << 20),
            ("run.seconds", run.seconds, 0, 10**9),
            ("run.accumulate", run.accumulate, 1, run.rows),
            ("run.threads", run.threads, 0, 4096),
            ("run.snapshot_every", run.snapshot_every, 0, 10**9),
            ("run.evaluate_every", run.evaluate_every, 0, 10**9),
        )
    )
    if run.rows % run.accumulate:
        raise InputError(
            "run.rows is not a multiple of run.accumulate", found=f"{run.rows} and {run.accumulate}"
        )


def _check(config: Config) -> None:
    rates, data = config.rates, config.data
    _ = config.model.shape  # refuses sizes that do not hold together
    check_schedule(config.run)
    refuse_out_of_bounds(
        (
            ("model.vocab", config.model.vocab, 257, 1 << 20),
            ("model.seq_len", config.model.seq_len, 8, 1 << 20),
            ("data.held_out", data.held_out, 0.001, 0.5),
            ("data.evaluation_tokens", data.evaluation_tokens, 1, 10**9),
            ("rates.matrices", rates.matrices, 1e-7, 1),
            ("rates.embedding", rates.embedding, 1e-7, 10),
            ("rates.head", rates.head, 1e-7, 1),
            ("rates.gains", rates.gains, 0, 1),
            ("rates.weight_decay", rates.weight_decay, 0, 10),
            ("rates.momentum", rates.momentum, 0, 0.999),
            ("rates.warmup", rates.warmup, 0, 1),
            ("rates.decay", rates.decay, 0, 1 - rates.warmup),
            ("rates.final", rates.final, 0, 1),
            ("rates.clip", rates.clip, 0, 10**6),
            ("rates.reference_depth", rates.reference_depth, 1, 128),
            ("seed", config.seed, 0, 2**31 - 1),
        )
    )
    check_name(config.name)


def check_name(name: str) -> None:
    """A name becomes a file's.

    Raises:
        InputError: it could not.
    """
    if not name or not name.replace("-", "").replace(".", "").isalnum():
        raise InputError("not a name", expected="letters, digits, - and .", found=repr(name))


def _exact(value: Any) -> Any:
    """Tables to objects, numbers with a fraction to text: canonical JSON holds no floats."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _exact(getattr(value, f.name)) for f in fields(value)}
    return repr(value) if isinstance(value, float) else value
