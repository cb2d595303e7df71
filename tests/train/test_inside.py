"""Adapting inside an engine comes to the same as adapting outside, to the bit, and writes nothing."""

import json
import os
import subprocess
import sys
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
from mythos.train.adapter import CONFIG, WEIGHTS
from mythos.train.config import RunConfig
from mythos.train.documents import parse_corpus
from mythos.train.inside import adapt_inside
from mythos.units import Digest
from mythos.weights.adapter import ADAPTER, LINEAGE, Lineage

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


SERVER = """
import json, os, sys, tempfile
import xllamacpp
def first(model, adapter=""):
    p = xllamacpp.CommonParams()
    p.model.path, p.n_ctx, p.n_parallel, p.warmup, p.fit_params, p.verbosity = model, 256, 1, False, False, 0
    p.hostnames, p.api_keys, p.cpuparams.n_threads = [tempfile.mkdtemp() + "/s.sock"], ["x"], 1
    if adapter:
        p.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(adapter, 1.0)]
    said = []
    asked = {"prompt": "The server", "max_tokens": 8, "temperature": 0, "logprobs": 1, "stream": True}
    xllamacpp.Server(p).handle_completions(asked, lambda chunk: said.append(chunk) or False)
    scores = [one for c in said for x in c.get("choices", []) for one in (x.get("logprobs") or {}).get("content", [])]
    return scores[0]["logprob"]
base, adapter, merged = sys.argv[1:]
memory = os.memfd_create("adapter")
os.write(memory, open(adapter, "rb").read())
print(json.dumps([first(base), first(base, f"/proc/self/fd/{memory}"), first(merged)]), flush=True)
os._exit(0)
"""


def test_the_engine_serves_beside_the_base_what_merging_would_give(
    base_file: Path, corpus: Corpus, tmp_path: Path
) -> None:
    how = replace(HOW, run=replace(HOW.run, steps=30))
    made = adapt_inside(load_base(base_file), corpus, how, lambda _: None, Listener())
    (tmp_path / "adapter.gguf").write_bytes(made.files[ADAPTER])
    merged = adapt(load_base(base_file), corpus, tmp_path / "open", how).path
    argv = [sys.executable, "-c", SERVER, str(base_file), str(tmp_path / "adapter.gguf"), str(merged)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True)
    plain, beside, whole = json.loads(done.stdout.splitlines()[-1])
    assert abs(beside - whole) < 0.02, "but for the eight bits of the merged file"
    assert abs(beside - plain) > 0.1
