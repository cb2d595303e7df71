"""An adaptation in a home with a real log: what is appended, and what its lineage then says."""

import json
import shutil
import tempfile
from collections.abc import Generator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")
pytest.importorskip("peft", reason="extra missing: pip install 'mythos-hub[training]'")
pytest.importorskip("gguf", reason="extra missing: pip install 'mythos-hub[training]'")

from mythos.cli import adapt, compute, keys, train, trust
from mythos.cli.parties import log_client
from mythos.cli.processes import Household
from mythos.cli.shared import Home
from mythos.cli.up import PARTY_KEYS
from mythos.compute.lineage import Graph
from mythos.evidence import Envelope
from mythos.train import Corpus
from mythos.units import Digest

SMALL = Path(__file__).parent / "small.toml"


@pytest.fixture
def home() -> Generator[Home]:
    """A home with its parties' keys, a log and two witnesses, each service a process of its own."""
    folder = Path(tempfile.mkdtemp(prefix="adapt-"))  # a socket's path must be short
    found = Home(folder / "home")
    household = Household(folder / "logs")
    where = ["--home", str(found.path)]
    try:
        for party, name, hpke in PARTY_KEYS:
            asked = ["new", "--as", party, "--name", name, *where, *(["--hpke"] if hpke else [])]
            CliRunner().invoke(keys.command, asked, catch_exceptions=False)
        CliRunner().invoke(trust.command, ["init", *where], catch_exceptions=False)
        told: list[str] = []
        for party, name in (("witness", "witness"), ("host", "host-witness")):
            household.start(name, ["witness", "serve", "--as", party, "--name", name, *where])
            told += ["--witness", found.address(name)]
        household.start("log", ["log", "serve", "--as", "owner", *told, *where])
        for name in ("witness", "host-witness", "log"):
            household.await_ready(name, found.address(name))
        CliRunner().invoke(trust.command, ["publish", *where], catch_exceptions=False)
        yield found
    finally:
        household.stop()
        shutil.rmtree(folder)


def test_what_is_said_about_an_adapted_model(home: Home, corpus: Corpus, tmp_path: Path) -> None:
    where = ["--home", str(home.path), "--json"]
    trained = CliRunner().invoke(
        train.command, [str(SMALL), "--out", str(tmp_path / "b"), *where], catch_exceptions=False
    )
    base = json.loads(trained.stdout)
    text = tmp_path / "ja.jsonl"
    chosen = replace(corpus, documents=tuple(d for d in corpus.documents if d.language == "ja"))
    text.write_text("".join(json.dumps(asdict(document)) + "\n" for document in chosen.documents))
    asked = [base["path"], "--data", str(text), "--steps", "16", "--rows", "4", "--length", "16"]
    asked += ["--threads", "1", "--rank", "2", "--out", str(tmp_path / "o"), *where]
    done = CliRunner().invoke(adapt.command, asked, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)

    with log_client(home, None) as client:
        entries = [Envelope.parse(entry) for entry in client.entries(0, 1 << 20)]
    about = [entries[index].statement() for index in document["statements"]]
    assert [said.act for said in about] == ["derivation", "training-run", "training-compute", "evaluation"]
    assert {str(subject.digest) for said in about for subject in said.subjects} == {document["weights"]}

    third = next(limit for limit in document["limits"] if limit["id"] == "EU-MODIFIER")
    assert third["above"] is True, "it saw as many tokens as its base did, which the log knows"
    graph = Graph.of(entries)
    weights, parent = Digest.parse(document["weights"]), Digest.parse(base["weights"])
    assert [edge.parent for edge in graph.parents(weights)] == [parent]
    spent = {name: int(graph.figures[name].said.model_flop) for name in (weights, parent)}
    assert spent == {weights: int(document["flop"]), parent: int(base["flop"])}
    lineage = CliRunner().invoke(
        compute.command, ["lineage", document["weights"], *where], catch_exceptions=False
    )
    found = json.loads(lineage.stdout)
    assert (found["total"], found["complete"]) == (str(sum(spent.values())), True)

    def merged(*more: str) -> dict[str, Any]:
        asked = ["merge", document["adapter"], "--base", base["path"], *more, *where]
        return json.loads(CliRunner().invoke(adapt.command, asked, catch_exceptions=False).stdout)

    same = merged("--out", str(tmp_path / "m"))
    assert (same["weights"], same["statements"]) == (document["weights"], []), "the log knows these"
    other = merged("--out", str(tmp_path / "n"), "--name", "renamed")
    assert other["weights"] != document["weights"]
    assert len(other["statements"]) == 1
    with log_client(home, None) as client:
        graph = Graph.of(map(Envelope.parse, client.entries(0, 1 << 20)))
    assert [edge.role for edge in graph.parents(Digest.parse(other["weights"]))] == ["base", "adapter"]
    asked = ["lineage", other["weights"], *where]
    lineage = CliRunner().invoke(compute.command, asked, catch_exceptions=False)
    assert json.loads(lineage.stdout)["complete"] is False, (
        "what the adapter took stands under another digest"
    )
