"""Adapting inside an engine comes to the same as adapting outside, to the bit, and writes nothing."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")
pytest.importorskip("peft", reason="extra missing: pip install 'mythos-hub[training]'")
pytest.importorskip("gguf", reason="extra missing: pip install 'mythos-hub[training]'")

from safetensors.torch import load, load_file

from mythos.compute import read
from mythos.errors import InputError, TrainError
from mythos.evidence.predicates import Derivation, TrainingCompute, TrainingRun
from mythos.train import Corpus, Listener, Row, load_config, run_config
from mythos.train.adapt import Adaptation, adapt, load_base
from mythos.train.config import RunConfig
from mythos.train.documents import parse_corpus
from mythos.train.inside import CONFIG, WEIGHTS, adapt_inside
from mythos.units import Digest
from mythos.weights.adapter import LINEAGE, Lineage

SMALL = Path(__file__).parent / "small.toml"
HOW = Adaptation(
    "regional", RunConfig(steps=5, rows=4, threads=1), rank=4, rate=1e-2, length=32, held_out=0.1
)


@pytest.fixture(scope="module")
def base_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = load_config(SMALL)
    made = run_config(
        replace(config, run=replace(config.run, snapshot_every=0)), tmp_path_factory.mktemp("base")
    )
    assert made is not None
    return made.path


def test_it_is_what_adapting_in_the_open_makes(
    base_file: Path, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[bytes] = []
    rows: list[Row] = []
    monkeypatch.chdir(tmp_path)
    data = base_file.read_bytes()
    memory = os.memfd_create("weights")
    os.write(memory, data)
    name = load_base(base_file).weights
    base = load_base(Path(f"/proc/self/fd/{memory}"), name)
    made = adapt_inside(base, corpus, HOW, lines.append, Listener(step=rows.append))
    os.close(memory)
    assert not list(tmp_path.iterdir()), "nothing is written"

    known = adapt(load_base(base_file), corpus, tmp_path / "open", HOW)
    mine, theirs = load(made.files[WEIGHTS]), load_file(known.adapter / WEIGHTS)
    assert mine.keys() == theirs.keys()
    assert all(bool((mine[key] == theirs[key]).all()) for key in mine)
    assert (made.before, made.after) == (known.before, known.after)
    assert len(rows) == 5

    (tmp_path / "ledger").write_bytes(b"".join(line + b"\n" for line in lines))
    history = read(tmp_path / "ledger")
    derivation, run, cost, _ = made.statements
    said = TrainingCompute.of(cost)
    assert (said.model_flop, said.method) == (history.effective.model, "counted")
    assert said.model_flop == TrainingCompute.of(known.statements[2]).model_flop
    assert said.record_digest == history.head.digest
    assert TrainingRun.of(run).datasets == (corpus.digest,)
    assert [p.weights for p in Derivation.of(derivation).parents] == [name]
    lineage = Lineage.parse(made.files[LINEAGE])
    assert lineage == Lineage("regional", name, corpus.digest, HOW.digest)
    config = json.loads(made.files[CONFIG])
    assert (config["base_model_name_or_path"], config["r"], config["peft_type"]) == (str(name), 4, "LORA")


def test_other_data_is_another_adapter(base_file: Path, corpus: Corpus) -> None:
    how = replace(HOW, run=replace(HOW.run, steps=1))

    def identity(data: Corpus) -> Digest:
        return adapt_inside(load_base(base_file), data, how, lambda _: None, Listener()).weights

    assert identity(corpus) == identity(corpus)
    assert identity(corpus) != identity(
        replace(corpus, digest=Digest.of(b"the same text under another name"))
    )


def test_what_cannot_be_done_is_said_without_the_text(base_file: Path, corpus: Corpus) -> None:
    with pytest.raises(InputError, match="thin matrices alone"):
        adapt_inside(load_base(base_file), corpus, replace(HOW, rank=0), lambda _: None, Listener())
    wild = replace(HOW, rate=1.0, run=replace(HOW.run, steps=400))
    poisoned = load_base(base_file)
    next(iter(poisoned.model.parameters())).data.fill_(float("inf"))
    with pytest.raises(TrainError, match="the loss is") as raised:
        adapt_inside(poisoned, corpus, wild, lambda _: None, Listener())
    assert "stopped.json" not in str(raised.value)
    secret = "canary-7319"
    for line in (f'{{"id": 1, "language": "ja", "text": "{secret}"}}', f"{secret}", f'{{"{secret}": 1}}'):
        with pytest.raises(InputError) as told:
            parse_corpus(line.encode(), Digest.of(b""))
        assert secret not in str(told.value)
