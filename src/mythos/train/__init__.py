"""Training: a configuration and text go in; a model that can be served comes out, with what it cost.

    mythos train tiny --out tiny          # a million parameters in under a minute on two cores

    config = load_config("tiny")
    trained = run_config(config, Path("tiny"))
    trained.path                          # tiny/mythos-tiny.gguf, which the hub's own engine loads
    trained.model_flop                    # counted step by step, equal to the shape's closed form
    trained.statements                    # training-run and training-compute, to be signed and logged

Every step runs under the live meter of `mythos.compute`, whose ledger is on the disk before a snapshot names
it. A snapshot is whole or not there. A row of tokens is a function of the text, the seed and its number. So a
run that is killed at any instant and resumed ends with the same weights, bit for bit, and its compute is
counted once.

Read `loop` first: it is the run. `config` says what can be set, `documents` turns text into rows, `optim`
holds Muon and the rates, `evaluate` measures, `parallel` shares the work, `snapshot` survives, `run` exports
and says what was done.
Training needs `pip install 'mythos-hub[torch]'`; names are loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from mythos.errors import InputError

if TYPE_CHECKING:
    from mythos.train.config import Config, load_config
    from mythos.train.documents import Corpus, read_corpus
    from mythos.train.loop import Listener, Row, Trained
    from mythos.train.pretrain import train
    from mythos.train.run import TrainedModel, run_config, train_tiny

__all__ = [
    "Config",
    "Corpus",
    "Listener",
    "Row",
    "Trained",
    "TrainedModel",
    "load_config",
    "read_corpus",
    "run_config",
    "train",
    "train_tiny",
]

_HOME: Final = {
    "Config": "config",
    "Corpus": "documents",
    "Listener": "loop",
    "Row": "loop",
    "Trained": "loop",
    "TrainedModel": "run",
    "load_config": "config",
    "read_corpus": "documents",
    "run_config": "run",
    "train": "pretrain",
    "train_tiny": "run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"torch", "tokenizers"}:
            raise
        raise InputError(
            f"training needs {(error.name or '').partition('.')[0]}",
            advice="Run: pip install 'mythos-hub[torch]'",
        ) from error
