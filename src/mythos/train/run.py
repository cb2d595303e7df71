"""A run from its configuration to a model that can be served, and what is said about it.

`run_config` brings the pieces together: text, tokenizer, loop, export. What it returns names the weights and
makes the two statements about them: how they were trained (training-run) and what it cost (training-compute).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

from mythos.compute.declare import counted
from mythos.compute.record import History
from mythos.errors import InputError
from mythos.evidence import SigningKey, Statement, Subject
from mythos.evidence.predicates.training import TrainingCompute, TrainingRun
from mythos.files import write_atomic
from mythos.model import Mythos, Tokenizer, export_gguf, export_hf
from mythos.train.config import Config, load_config
from mythos.train.documents import Corpus, read_corpus
from mythos.train.loop import Listener, Row, Saved
from mythos.train.plot import curves_svg, draw
from mythos.train.pretrain import code_digest, train
from mythos.units import Digest, Flop
from mythos.weights import identify

STATEMENTS: Final = "statements.jsonl"
"""In the run's folder: what is said about the weights, a statement a line, not yet signed."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model that can be served, and everything said about how it came to be.

    Attributes:
        path: the GGUF file; `folder` holds the same weights for Hugging Face, the curve and the ledger.
        weights: the root digest that every statement is about.
        statements: training-run and training-compute, to be signed by the trainer and logged.
    """

    config: Config
    path: Path
    folder: Path
    weights: Digest
    tokens: int
    history: History
    bits: dict[str, float]
    statements: tuple[Statement, ...]

    @property
    def model_flop(self) -> Flop:
        """Forward and backward operations that the weights came of."""
        return Flop(self.history.effective.model)


def prepare_tokenizer(config: Config, corpus: Corpus, out: Path) -> Tokenizer:
    """The run's tokenizer: the one its folder holds, else one learnt from the text that is trained on."""
    path = out / "tokenizer.json"
    if path.exists():
        return Tokenizer.load(path)
    training, _ = corpus.split(config.data.held_out)
    if not training:
        raise InputError("no text to learn tokens from", found=f"{len(corpus.documents)} documents")
    tokenizer = Tokenizer.train((document.text for document in training), config.model.vocab)
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(path)
    return tokenizer


def run_config(
    config: Config,
    out: Path,
    *,
    resume: bool = False,
    key: SigningKey | None = None,
    listener: Listener | None = None,
) -> TrainedModel | None:
    """Train, export, and say what was done. None in a process that does not lead.

    Args:
        config: the run.
        out: its folder.
        resume: go on with the run that was begun there.
        key: signs the ledger's snapshots.
        listener: is told how it goes.

    Raises:
        InputError, TrainError: see `mythos.train.train`.
    """
    corpus = read_corpus(config.data.documents)
    tokenizer = prepare_tokenizer(config, corpus, out)
    trained = train(config, corpus, tokenizer, out, resume=resume, key=key, listener=listener)
    if not trained.leads:
        return None
    path = out / f"{config.name}.gguf"
    model = cast("Mythos", trained.model)
    export_gguf(model, tokenizer, path, name=config.name, licence=config.licence)
    export_hf(model, tokenizer, out / "hf")
    draw(out / "curve.svg", curve_svg(config.name, trained.rows))
    weights = identify(path).root
    about = Subject(config.name, weights)
    run = TrainingRun(
        config.digest,
        code_digest(),
        (corpus.digest,),
        None,
        trained.started_at,
        trained.ended_at,
        trained.snapshots,
    )
    cost = spent(trained.history, config.model.shape.parameters)
    statements = (run.statement(about), cost.statement(about))
    write_atomic(out / STATEMENTS, b"".join(said.to_bytes() + b"\n" for said in statements))
    return TrainedModel(
        config, path, out, weights, trained.rows[-1].tokens, trained.history, trained.bits, statements
    )


def train_tiny(out: Path, progress: Callable[[Row], None], *, key: SigningKey | None = None) -> TrainedModel:
    """Train the bundled million-parameter model, in under a minute on two cores; goes on where it was killed.

    Args:
        out: the run's folder.
        progress: told every step.
        key: signs the ledger's snapshots.
    """
    resume = (out / "run.0.ledger").exists()
    trained = run_config(load_config("tiny"), out, resume=resume, key=key, listener=Listener(step=progress))
    return cast("TrainedModel", trained)  # one process leads itself


def spent_until(saved: Saved) -> Statement:
    """What a run has cost up to a snapshot; the subject is the snapshot."""
    return spent(saved.history, None).statement(Subject(f"{saved.name}-step-{saved.step}", saved.digest))


def spent(history: History, parameters: int | None) -> TrainingCompute:
    """What a run cost, by its ledger.

    A replayed count is that of a step that was counted, and is counted again ever more rarely; where every
    audit agreed and no work depends on data (`exact`), it is said to be counted, to the last digit.
    """
    found = counted(history, parameters=parameters)
    return replace(found, method="counted") if history.exact else found


def curve_svg(name: str, rows: tuple[Row, ...]) -> str:
    """The run's picture: loss of each step, and held-out bits per byte where it was evaluated."""
    curves = {"loss, nats per token": [(float(row.tokens), row.loss) for row in rows]}
    for language in rows[-1].bits:
        points = [(float(row.tokens), row.bits[language]) for row in rows if row.bits]
        curves[f"{language}, bits per byte"] = points
    return curves_svg(name, "tokens", "loss", curves)
