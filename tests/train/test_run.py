"""From a configuration to a served model and two statements; and the command around it."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest
from click.testing import CliRunner

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")

from mythos.cli import train as train_command
from mythos.cli.shared import Home
from mythos.compute import read
from mythos.engines.client import Engine
from mythos.errors import NetworkError
from mythos.evidence import Appended, Envelope, SigningKey
from mythos.evidence.predicates.training import TrainingCompute, TrainingRun
from mythos.files import write_private
from mythos.train import Config, TrainedModel, load_config, run_config, train_tiny
from mythos.train.loop import Listener, Saved
from mythos.train.pretrain import code_digest
from mythos.train.run import spent_until
from mythos.weights import identify, read_gguf

PLAIN_ENGINE = Path(__file__).parents[1] / "engines" / "plain_engine.py"
SMALL = Path(__file__).parent / "small.toml"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    made = run_config(load_config(SMALL), tmp_path_factory.mktemp("run"))
    assert made is not None
    return made


def test_weights_are_named_by_their_file(trained: TrainedModel) -> None:
    assert identify(trained.path).root == trained.weights
    header = read_gguf(trained.path)
    assert header.metadata["general.name"] == "small"
    assert header.metadata["general.license"] == "Apache-2.0"
    found = {path.name for path in trained.folder.iterdir()}
    assert {"small.gguf", "hf", "curve.svg", "curve.jsonl", "run.0.ledger", "tokenizer.json"} <= found


def test_what_is_said_is_what_was_counted(trained: TrainedModel) -> None:
    run_said, compute_said = trained.statements
    run, compute = TrainingRun.of(run_said), TrainingCompute.of(compute_said)
    shape = trained.config.model.shape
    assert {s.digest for said in trained.statements for s in said.subjects} == {trained.weights}
    assert compute.method == "counted"
    assert compute.model_flop == 8 * shape.model_flop(4, 32) == trained.model_flop
    assert compute.tokens == 8 * 4 * 32 == trained.tokens
    assert compute.parameters == shape.parameters
    assert compute.complete
    assert compute.uncertainty_percent == "0"
    assert compute.executed_flop is not None
    assert compute.executed_flop > compute.model_flop
    assert compute.record_digest == read(trained.folder / "run.0.ledger").head.digest
    assert run.configuration == trained.config.digest
    assert run.code == code_digest()
    assert len(run.snapshots) == 4
    assert run.base is None
    assert compute.started_at == run.started_at
    assert run.started_at < run.ended_at


def test_a_snapshot_says_what_it_cost_so_far(tmp_path: Path) -> None:
    told: list[Saved] = []
    config = load_config(SMALL)
    run_config(config, tmp_path, listener=Listener(snapshot=told.append))
    assert [saved.step for saved in told] == [2, 4, 6, 8]
    for saved in told:
        said = spent_until(saved)
        assert said.subjects[0].digest == saved.digest
        spent = TrainingCompute.of(said)
        assert spent.model_flop == saved.step * config.model.shape.model_flop(4, 32)


def test_the_same_run_gives_the_same_weights(trained: TrainedModel, tmp_path: Path) -> None:
    again = run_config(load_config(SMALL), tmp_path)
    assert again is not None
    assert again.weights == trained.weights
    assert again.bits == trained.bits


def test_tiny_goes_on_where_it_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = load_config("tiny")
    short = replace(short, run=replace(short.run, steps=3, rows=2, snapshot_every=1))

    def shortened(_: str) -> Config:
        return short

    monkeypatch.setattr("mythos.train.run.load_config", shortened)

    def cut(row: Any) -> None:
        if row.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_tiny(tmp_path, cut)
    steps: list[int] = []
    made = train_tiny(tmp_path, lambda row: steps.append(row.step))
    assert steps == [2, 3]
    assert made.history.attempt == 2


def test_tiny_fits_its_promise() -> None:
    config = load_config("tiny")
    assert 0 < config.run.seconds <= 40, "60 seconds with everything around the loop"
    assert 0.9e6 < config.model.shape.parameters < 1.5e6


def test_the_hubs_engine_serves_it(trained: TrainedModel, tmp_path: Path) -> None:
    """The confined engine process, with a plain file in the place of a sealed one."""

    async def ask() -> list[dict[str, Any]]:
        engine = await Engine.launch(command=(sys.executable, "-I", str(PLAIN_ENGINE)))
        try:
            load = {"context": 32, "slots": 1, "threads": 1, "batch": 32}
            about = {"plain": str(trained.path), "alias": "small", "listen": str(tmp_path / "e.sock")}
            await engine.open(about | {"load": load, "seconds": 60.0}, timeout=60)
            body = {"messages": [{"role": "user", "content": "SSL"}], "max_tokens": 4, "temperature": 0}
            async with contextlib.aclosing(engine.generate("chat", body)) as answer:
                return [frame async for frame in answer]
        finally:
            await engine.close()

    frames = asyncio.run(ask())
    assert frames[-1]["finish"] in {"length", "stop"}
    assert frames[-1]["completionTokens"] >= 1


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(train_command.command, list(arguments), catch_exceptions=False)


def test_the_command_prints_one_document(tmp_path: Path) -> None:
    done = invoke(str(SMALL), "--out", str(tmp_path / "o"), "--no-log", "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["weights"] == str(identify(Path(document["path"])).root)
    assert document["method"] == "counted"
    assert document["flop"] == str(8 * load_config(SMALL).model.shape.model_flop(4, 32))
    assert document["said"].startswith(document["flop"])
    assert set(document["bits_per_byte"]) == {"en", "ja"}
    again = invoke(str(SMALL), "--out", str(tmp_path / "o"), "--no-log", "--resume")
    assert document["weights"] in again.stdout


def test_a_wrong_call_says_what_to_do(tmp_path: Path) -> None:
    for arguments, words in (
        (("nowhere.toml", "--no-log"), "tiny"),
        ((str(SMALL), "--out", str(tmp_path), "--no-log", "--resume"), "holds no run"),
        ((str(SMALL), "--out", str(tmp_path), "--home", str(tmp_path / "h")), "no key"),
    ):
        ran = subprocess.run(
            [sys.executable, "-m", "mythos", "train", *arguments],
            capture_output=True,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            timeout=60,
        )
        assert ran.returncode == 2, ran.stderr
        assert words in ran.stderr
        assert "Traceback" not in ran.stderr


def test_statements_are_appended_and_wait_for_a_log_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    appended: list[tuple[str, Envelope]] = []
    away = [True]

    class Client:
        """A log that answers before training and not in the middle of it."""

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None: ...

        def checkpoint(self) -> str:
            return ""

    def act_once(
        _home: Home, _party: str, _log: str | None, name: str, make: Callable[[], bytes]
    ) -> Appended:
        if away[0] and len(appended) == 1:
            away[0] = False
            raise NetworkError("no answer")
        appended.append((name, Envelope.parse(make())))
        return Appended(len(appended), b"", len(appended))

    def client(*_: object) -> Client:
        return Client()

    monkeypatch.setattr("mythos.cli.parties.log_client", client)
    monkeypatch.setattr(train_command, "act_once", act_once)
    key = SigningKey.generate("owner")
    write_private(Home(tmp_path / "h").key("owner"), key.to_text().encode())
    done = invoke(str(SMALL), "--out", str(tmp_path / "o"), "--home", str(tmp_path / "h"), "--json")
    assert "it is sent again" in done.stderr
    document = json.loads(done.stdout)
    acts = [envelope.statement().act for _, envelope in appended]
    assert acts == ["training-compute"] * 4 + ["training-run", "training-compute"]
    assert document["statements"] == [5, 6]
    assert len({name for name, _ in appended}) == 6, "each act is itself, so that it is appended once"
    assert all(envelope.verify([key.verify_key]) for _, envelope in appended)
    assert read(tmp_path / "o" / "run.0.ledger", [key.verify_key]).signed > 0
