"""The loop: counted to the last digit, resumed to the last bit, stopped with a reason."""

import json
import math
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")
import torch

from mythos.compute import read
from mythos.errors import InputError, TrainError
from mythos.evidence import SigningKey
from mythos.model import Tokenizer
from mythos.train import Config, Corpus, Listener, Row, Trained, train
from mythos.train import loop as loop_module
from mythos.train.config import ModelConfig
from mythos.units import Digest

KILLED = Path(__file__).parent / "killed_run.py"


def losses(trained: Trained) -> list[float]:
    return [row.loss for row in trained.rows]


def weights(trained: Trained) -> list[torch.Tensor]:
    return [parameter.detach() for parameter in trained.model.parameters()]


VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "as it is": {},
    "accumulated": {"run": {"accumulate": 2}},
    "deeper and longer": {"model": {"depth": 3, "seq_len": 48}},
    "AdamW alone": {"rates": {"optimizer": "adamw", "matrices": 0.003, "clip": 1.0}},
    "the baseline": {"model": {"family": "llama"}, "rates": {"optimizer": "adamw", "matrices": 0.003}},
    "evaluated often": {"run": {"evaluate_every": 3}},
    "16 bits": {"run": {"precision": "bfloat16"}},
}


def varied(config: Config, changes: dict[str, dict[str, Any]]) -> Config:
    parts = {name: replace(getattr(config, name), **values) for name, values in changes.items()}
    return replace(config, **parts)


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS.keys())
def test_the_meter_equals_the_closed_form(
    changes: dict[str, dict[str, Any]], config: Config, corpus: Corpus, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    asked = varied(config, changes)
    trained = train(asked, corpus, tokenizer, tmp_path)
    shape, run = asked.model.shape, asked.run
    steps, counts = run.steps, trained.history.effective
    muon = shape.muon_flop() if asked.rates.optimizer == "muon" else 0
    assert counts.model == steps * shape.model_flop(run.rows, shape.seq_len) == trained.rows[-1].flop
    assert counts.optimizer == steps * muon
    assert counts.forward + counts.backward == counts.model
    assert trained.history.exact
    assert not trained.history.unregistered
    assert trained.history.step == steps
    evaluated = [work for work, _ in trained.history.works if work.phase == "eval"]
    assert evaluated, "evaluation is kept, apart"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch warns of its own compiler's parts
def test_compiled_it_computes_the_same_and_is_counted(
    config: Config, corpus: Corpus, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    plain = train(config, corpus, tokenizer, tmp_path / "plain")
    asked = varied(config, {"run": {"compile": True}})
    compiled = train(asked, corpus, tokenizer, tmp_path / "compiled")
    assert losses(compiled) == pytest.approx(losses(plain), rel=1e-4)
    assert compiled.history.effective.model == plain.history.effective.model


def test_it_learns(config: Config, corpus: Corpus, tokenizer: Tokenizer, tmp_path: Path) -> None:
    asked = varied(config, {"run": {"steps": 40, "evaluate_every": 1, "snapshot_every": 0}})
    trained = train(asked, corpus, tokenizer, tmp_path)
    first, last = trained.rows[0].bits, trained.bits
    assert set(last) == {"en", "ja"}
    assert all(last[language] < first[language] - 0.5 for language in last)
    assert trained.rows[0].loss == pytest.approx(5.7038, abs=1e-3), "ln 300: nothing is known at the start"


def test_bits_are_over_all_bytes_of_the_text(
    config: Config, corpus: Corpus, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    asked = varied(
        config,
        {
            "run": {"steps": 1},
            "data": {"evaluation_tokens": 10**9},
            "rates": {"matrices": 1e-7, "embedding": 1e-7, "head": 1e-7, "gains": 0.0},
        },
    )
    trained = train(asked, corpus, tokenizer, tmp_path)  # it learns nothing: the model is uniform
    _, held = corpus.split(asked.data.held_out)
    for language, bits in trained.bits.items():
        texts = [document.text for document in held if document.language == language]
        tokens = sum(len(tokenizer.encode(text)) for text in texts)
        size = sum(len(text.encode()) for text in texts)
        assert bits == pytest.approx(tokens * math.log2(300) / size, rel=1e-5)


class CutError(Exception):
    """Power."""


@pytest.mark.parametrize("at", [1, 2, 5, 7])
def test_a_run_that_breaks_ends_like_one_that_did_not(
    at: int, config: Config, corpus: Corpus, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    whole = train(config, corpus, tokenizer, tmp_path / "whole")

    def cut(row: Row) -> None:
        if row.step == at:
            raise CutError

    with pytest.raises(CutError):
        train(config, corpus, tokenizer, tmp_path / "cut", listener=Listener(step=cut))
    resumed = train(config, corpus, tokenizer, tmp_path / "cut", resume=True)
    assert losses(resumed) == losses(whole)
    assert resumed.bits == whole.bits
    assert all(torch.equal(a, b) for a, b in zip(weights(resumed), weights(whole), strict=True))
    assert resumed.history.effective == whole.history.effective
    assert resumed.history.attempt == 2
    lost = at - (at - 1) // 2 * 2  # the snapshot of a step comes after its row
    done = resumed.history.executed.model - whole.history.executed.model
    assert done == lost * config.model.shape.model_flop(4, 32), "what was lost was spent"


def test_killed_at_any_instant(tmp_path: Path) -> None:
    """Three kills of one run at random instants, then to the end: the same curve, bit for bit."""

    def start(folder: str, *, resume: bool) -> subprocess.Popen[bytes]:
        how = "resume" if resume else "new"
        return subprocess.Popen([sys.executable, str(KILLED), str(tmp_path / folder), how])

    def rows(folder: str) -> list[bytes]:
        path = tmp_path / folder / "curve.jsonl"
        return path.read_bytes().splitlines() if path.exists() else []

    assert start("whole", resume=False).wait(timeout=120) == 0
    dice = random.Random(time.time_ns())
    kills = 0
    for _ in range(3):
        enough = len(rows("cut")) + dice.randrange(1, 18)
        process = start("cut", resume=kills > 0)
        while process.poll() is None and len(rows("cut")) < enough:
            time.sleep(0.002)
        process.kill()
        assert process.wait() in {0, -signal.SIGKILL}
        kills += 1
    assert start("cut", resume=True).wait(timeout=120) == 0
    curves = [[Row.from_line(line.decode()) for line in rows(name)] for name in ("whole", "cut")]
    told = [[(row.step, row.loss, row.bits, row.flop) for row in curve] for curve in curves]
    assert len(told[0]) == 60
    assert told[0] == told[1]
    whole, cut = (read(tmp_path / name / "run.0.ledger") for name in ("whole", "cut"))
    assert whole.effective == cut.effective
    assert (whole.attempt, cut.attempt) == (1, kills + 1)


def test_a_torn_snapshot_costs_steps_and_no_bits(
    config: Config, corpus: Corpus, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    whole = train(config, corpus, tokenizer, tmp_path / "whole")
    train(config, corpus, tokenizer, tmp_path / "torn")
    (tmp_path / "torn" / "snapshots" / "step-00000008" / "state.pt").write_bytes(b"")
    said: list[str] = []
    resumed = train(
        config, corpus, tokenizer, tmp_path / "torn", resume=True, listener=Listener(say=said.append)
    )
    assert "step-00000008 is torn" in said[0]
    assert "going on after step 6" in said[1]
    assert losses(resumed) == losses(whole)
    assert resumed.history.effective == whole.history.effective


def test_a_finished_run_resumes_to_itself(
    config: Config, corpus: Corpus, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    whole = train(config, corpus, tokenizer, tmp_path)
    again = train(config, corpus, tokenizer, tmp_path, resume=True)
    assert losses(again) == losses(whole)
    assert again.history.effective == whole.history.effective
    assert all(torch.equal(a, b) for a, b in zip(weights(again), weights(whole), strict=True))


def test_time_ends_a_schedule(config: Config, corpus: Corpus, tokenizer: Tokenizer, tmp_path: Path) -> None:
    asked = varied(config, {"run": {"steps": 10**6, "seconds": 1.0}})
    trained = train(asked, corpus, tokenizer, tmp_path)
    assert trained.rows[-1].seconds < 3
    assert 1 < len(trained.rows) < 10**6
    assert trained.bits
    assert trained.rows[-1].rate < 0.5


def test_the_ledger_is_signed_at_snapshots(
    config: Config, corpus: Corpus, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    key = SigningKey.generate("trainer")
    train(config, corpus, tokenizer, tmp_path, key=key)
    history = read(tmp_path / "run.0.ledger", [key.verify_key])
    assert history.signed > 0


def test_a_folder_holds_one_run(config: Config, corpus: Corpus, tokenizer: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no run"):
        train(config, corpus, tokenizer, tmp_path, resume=True)
    train(config, corpus, tokenizer, tmp_path)
    with pytest.raises(InputError, match="holds a run already"):
        train(config, corpus, tokenizer, tmp_path)

    def second(_: Row) -> None:
        with pytest.raises(InputError, match="another run is at work"):
            train(config, corpus, tokenizer, tmp_path / "b")
        raise CutError

    with pytest.raises(CutError):
        train(config, corpus, tokenizer, tmp_path / "b", listener=Listener(step=second))


def test_another_run_is_not_gone_on_with(
    config: Config, corpus: Corpus, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    train(config, corpus, tokenizer, tmp_path)
    other = Tokenizer.train([document.text for document in corpus.documents[:5]], 300)
    assert other.digest != tokenizer.digest
    fewer = replace(corpus, digest=Digest.of(b"other"))
    for what, arguments in (
        ("configuration", (varied(config, {"run": {"steps": 9}}), corpus, tokenizer)),
        ("tokenizer", (config, corpus, other)),
        ("dataset", (config, fewer, tokenizer)),
    ):
        with pytest.raises(InputError, match=f"another {what}"):
            train(*arguments, tmp_path, resume=True)


def test_a_loss_that_is_no_number_stops_and_keeps_evidence(
    config: Config, corpus: Corpus, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(config, corpus, tokenizer, tmp_path / "whole")
    real, calls = loop_module.next_token_loss, [0]

    def breaks(*arguments: Any) -> torch.Tensor:
        calls[0] += 1
        return real(*arguments) * (float("nan") if calls[0] == 6 else 1.0)

    monkeypatch.setattr(loop_module, "next_token_loss", breaks)
    with pytest.raises(TrainError, match="the loss is nan at step 6") as caught:
        train(config, corpus, tokenizer, tmp_path / "nan")
    assert caught.value.code == "not_finite"
    evidence = json.loads((tmp_path / "nan" / "stopped.json").read_bytes())
    assert (evidence["step"], evidence["firstRow"], evidence["rows"]) == (6, 20, 4)
    assert evidence["lossesBefore"] == losses(whole)[:5]
    monkeypatch.undo()
    resumed = train(config, corpus, tokenizer, tmp_path / "nan", resume=True)
    assert losses(resumed) == losses(whole), "the snapshot before it is whole"


def test_weights_that_the_last_step_broke_are_no_result(
    config: Config, corpus: Corpus, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss of a step is of the weights before it; what it made of them shows in the evaluation alone."""
    monkeypatch.setattr(loop_module, "bits_per_byte", lambda *_: {"en": 2.0, "ja": math.nan})
    with pytest.raises(TrainError, match="the loss is nan at step") as caught:
        train(config, corpus, tokenizer, tmp_path)
    evidence = json.loads((tmp_path / "stopped.json").read_bytes())
    assert str(evidence["step"]) in str(caught.value)
    assert not (tmp_path / "snapshots" / f"step-{evidence['step']:08d}").exists()


def test_sizes_that_do_not_fit_are_refused(
    config: Config, corpus: Corpus, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="another size"):
        train(replace(config, model=ModelConfig(2, 301, 32)), corpus, tokenizer, tmp_path / "a")
    with pytest.raises(InputError, match="too little text"):
        train(config, replace(corpus, documents=()), tokenizer, tmp_path / "b")
    one = [d for d in corpus.documents if d in corpus.split(config.data.held_out)[0]][:1]
    with pytest.raises(InputError, match="nothing is held out"):
        train(config, replace(corpus, documents=tuple(one)), tokenizer, tmp_path / "c")
    assert not list(tmp_path.rglob("*.ledger")), "nothing began"
