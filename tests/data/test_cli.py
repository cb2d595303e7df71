"""The commands as an operator types them, with a real log: adopt, decide, admit, run, where, export, takedown."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mythos.cli import data, keys, trust
from mythos.cli.shared import Home
from mythos.errors import InputError, MythosError
from mythos.evidence.client import LogClient
from mythos.evidence.predicates import DataExport, DatasetAdmitted, Takedown
from mythos.evidence.statement import Envelope

from .conftest import OPEN, documents


def call(command, *arguments, home, status=0) -> Any:
    place = [] if home is None else ["--home", str(home)]
    result = CliRunner().invoke(command, [*map(str, arguments), *place, "--json"])
    if isinstance(result.exception, MythosError):
        raise result.exception
    assert result.exit_code == status, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def home(monkeypatch):
    folder = Path(tempfile.mkdtemp(prefix="mythos-test-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder / "home"
    shutil.rmtree(folder)


@pytest.fixture
def files(tmp_path):
    lines = [json.dumps({"id": one.id, "record": one.record, "text": one.text}) + "\n" for one in documents()]
    (tmp_path / "documents.jsonl").write_text("".join(lines))
    (tmp_path / "records.yaml").write_text(json.dumps({"open": OPEN.document()}))
    return tmp_path


@pytest.fixture
def log(home):
    for party, name in (("owner", "owner"), ("owner", "log"), ("owner", "root"), ("approver-a", "approver-a"),
                        ("approver-b", "approver-b"), ("host", "host"), ("host", "host-witness"), ("witness", "witness")):  # fmt: skip
        call(keys.command, "new", "--as", party, "--name", name, home=home)
    call(trust.command, "init", home=home)
    process = subprocess.Popen([sys.executable, "-m", "mythos", "log", "serve", "--home", str(home)])
    try:
        with LogClient(Home(home).address("log")) as client:
            for _ in range(400):
                try:
                    client.request("GET", "/healthz")
                    break
                except MythosError:
                    assert process.poll() is None
                    time.sleep(0.02)
            call(trust.command, "publish", home=home)
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def test_the_life_of_a_dataset_with_a_statement_for_each_act(home, files, log, tokenizer):
    command, records = data.command, files / "records.yaml"
    admit = ("admit", files / "documents.jsonl", "--records", records, "--region", "JP", "--on", "2026-11-26")
    refused = call(command, *admit, home=home, status=1)
    assert refused["dataset"] is None
    assert "nobody has adopted" in refused["decisions"][0]["words"]
    call(command, "adopt", "--by", "Aoi Sato, counsel", "--on", "2026-11-25", home=home)
    told = call(
        command,
        "decide",
        records,
        "--region",
        "JP",
        "--to",
        "US",
        "--third-party",
        "--on",
        "2026-11-26",
        home=home,
    )
    assert [one["outcome"] for one in told["decisions"]] == ["allow"] * 4
    admitted = call(command, *admit, home=home)
    assert call(command, *admit, home=home)["index"] == admitted["index"]
    run = (
        "run",
        admitted["dataset"],
        "--region",
        "JP",
        "--tokenizer",
        tokenizer,
        "--workers",
        1,
        "--on",
        "2026-11-26",
    )
    done = call(command, *run, home=home)
    assert call(command, *run, home=home) == done
    assert done["removed"] == {"exact": 1, "near": 1, "quality": 1}
    found = call(
        command,
        "where",
        done["run"],
        "--region",
        "JP",
        "--tokens",
        "0:5:9",
        "--tokenizer",
        tokenizer,
        home=home,
    )
    assert [one["source"] for one in found["documents"]] == [OPEN.source]
    leave = ("export", done["run"], "--region", "JP", "--third-party", "--to")
    assert call(command, *leave, "SG", home=home, status=1)["moved"] is False
    moved = call(command, *leave, "US", home=home)
    assert (Path(moved["path"]) / "croissant.json").exists()
    gone = call(command, "takedown", "en/00", "--region", "JP", "--reason", "asked", home=home)
    assert gone["copies"] == [{"run": done["run"], "region": "US"}]
    indices = [admitted["index"], moved["index"], gone["index"]]
    said = [Envelope.parse(log.entries(n, n + 1)[0]).statement() for n in indices]
    first, second, third = DatasetAdmitted.of(said[0]), DataExport.of(said[1]), Takedown.of(said[2])
    assert (first.licence, first.documents, first.residency) == ("Apache-2.0", len(documents()), "JP, US")
    assert (second.destination, second.decision) == ("US", moved["decision"])
    assert [str(one) for one in third.documents] == gone["documents"]
    assert str(said[0].subjects[0].digest) == admitted["dataset"]


def test_a_changed_pack_ends_its_adoption(home, tmp_path):
    from mythos.data.pack import HERE

    folder = tmp_path / "mine"
    shutil.copytree(HERE / "jp", folder)
    call(data.command, "adopt", "--by", "Aoi Sato", "--pack", folder, home=home)
    (folder / "residency.yaml").write_text((folder / "residency.yaml").read_text() + "# changed\n")
    (tmp_path / "records.yaml").write_text(json.dumps({"open": OPEN.document()}))
    told = call(
        data.command, "decide", tmp_path / "records.yaml", "--region", "JP", "--pack", folder, home=home
    )
    assert {one["outcome"] for one in told["decisions"]} == {"needs_review"}


def test_synthesise_writes_a_set_that_says_what_made_it(tmp_path):
    made = call(data.command, "synthesise", "--out", tmp_path / "t", "--count", 12, "--seed", 3, home=None)
    lines = (tmp_path / "t" / "documents.jsonl").read_text().splitlines()
    assert made["rows"] == len(lines) == 12
    assert {json.loads(line)["generator"] for line in lines} == {made["generator"]["digest"]}


@pytest.mark.parametrize("tokens", ["0:1", "a:b:c", "0:-1:3", "0:1:٣"])
def test_a_range_that_is_none_is_a_wrong_call(home, tokens):
    with pytest.raises(InputError):
        call(data.command, "where", "sha256:" + "0" * 64, "--region", "JP", "--tokens", tokens, home=home)
