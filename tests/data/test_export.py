"""The one door out: decided for every record before a byte moves, and its papers are of the standards."""

import json
import shutil
from dataclasses import replace

import pytest

from mythos.data import ledger
from mythos.data.admit import Dataset, admit
from mythos.data.export import dataset_of, export
from mythos.data.run import in_pool
from mythos.data.shards import Run
from mythos.data.store import Store
from mythos.data.training import decide_training
from mythos.errors import DataError
from mythos.evidence.predicates import DataExport
from mythos.units import Instant

from .conftest import ON, OPEN, documents
from .test_run import finish


@pytest.fixture
def run(store, dataset, pack, tokenizer):
    return finish(store, dataset, pack, tokenizer, in_pool(1))


def test_one_record_that_may_not_leave_keeps_everything(store: Store, pack, tokenizer, monkeypatch):
    mixed = [replace(one, record="home" if one.id == "ja/03" else "open") for one in documents()]
    dataset = admit(
        "d", mixed, {"open": OPEN, "home": replace(OPEN, residency=("JP",))}, ["train"], store, "JP", pack, ON
    ).dataset
    assert dataset
    run = finish(store, dataset, pack, tokenizer, in_pool(1))
    monkeypatch.setattr("shutil.copyfile", lambda *_, **__: pytest.fail("a byte moved"))
    done = export(store, run, dataset, "US", pack, ON, third_party=True, issuer="Example KK")
    assert done.folder is None
    assert {name: one.outcome for name, one in done.decisions.items()} == {"home": "deny", "open": "allow"}
    assert not (store.root / "US").exists()
    assert [e["kind"] for e in ledger.entries(store.ledger("JP"))][-1] == "export-refused"


def test_nobody_adopted_the_rules_and_nothing_leaves(store, dataset, run, pack):
    done = export(store, run, dataset, "US", replace(pack, adoption=None), ON, third_party=True, issuer="x")
    assert done.folder is None


def test_a_removed_row_leaves_too_so_its_record_is_asked(store: Store, pack, tokenizer):
    mixed = [replace(one, record="home" if one.id == "zz/short" else "open") for one in documents()]
    records = {"open": OPEN, "home": replace(OPEN, residency=("JP",))}
    dataset = admit("d", mixed, records, ["train"], store, "JP", pack, ON).dataset
    assert dataset
    run = finish(store, dataset, pack, tokenizer, in_pool(1))
    assert {row["record"] for row in run.verdicts() if row["removed"] is None} == {"open"}
    assert export(store, run, dataset, "US", pack, ON, third_party=True, issuer="x").folder is None


def test_a_run_is_exported_by_its_own_dataset_and_from_its_own_country(store, pack, dataset, run, tmp_path):
    other = replace(dataset, name="other", records={"open": replace(OPEN, residency=("*",))})
    moved = Run(shutil.copytree(run.folder, tmp_path / run.folder.name), run.manifest)
    for one, by in ((run, other), (moved, dataset), (run, replace(dataset, region="US"))):
        with pytest.raises(DataError):
            export(store, one, by, "US", pack, ON, third_party=True, issuer="x")
    with pytest.raises(DataError, match="already"):
        export(store, run, dataset, "JP", pack, ON, third_party=True, issuer="x")


def test_a_file_that_is_not_the_runs_stays_and_one_that_changed_on_the_way_stops_it(
    store, pack, dataset, run
):
    (run.folder / "notes.txt").write_text("not decided")
    (run.folder / "link").symlink_to("/etc/passwd")
    folder = export(store, run, dataset, "US", pack, ON, third_party=True, issuer="x").folder
    assert folder
    own = {*run.manifest["files"], "run.json"}
    papers = {"croissant.json", "provenance.json", "decisions.json", "dataset.json"}
    assert {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} == own | papers
    shutil.rmtree(folder)
    (run.folder / "documents.jsonl").write_text("another")
    with pytest.raises(DataError, match="changed"):
        export(store, run, dataset, "US", pack, ON, third_party=True, issuer="x")
    assert list((store.region("US") / "runs").iterdir()) == []


def test_where_it_arrived_its_records_are_known_and_training_is_decided_there(store, pack, dataset, run):
    folder = export(store, run, dataset, "US", pack, ON, third_party=True, issuer="x").folder
    assert folder
    there = Run.load(folder)
    assert dataset_of(store, "US", there) == dataset_of(store, "JP", run) == dataset
    decided = decide_training(store, "US", run.digest, "US", pack, ON)
    assert decided.refused is None
    with pytest.raises(DataError, match="no dataset"):
        Dataset.load(store, "US", dataset.digest)


def test_what_leaves_is_whole_and_the_act_names_the_decision(store, dataset, run, pack):
    done = export(store, run, dataset, "US", pack, ON, third_party=True, issuer="Example KK")
    assert done.folder
    assert Run.load(done.folder).digest == run.digest
    said = done.act("US", "train", Instant.parse("2026-11-26T12:00:00Z"))
    assert said == DataExport("US", "train", str(done.digest), said.exported_at)
    assert [e["kind"] for e in ledger.entries(store.ledger("US"))] == ["arrived"]
    again = export(store, run, dataset, "US", pack, ON, third_party=True, issuer="Example KK")
    assert again.folder == done.folder


@pytest.mark.filterwarnings("ignore")  # mlcroissant's own libraries warn
def test_the_croissant_is_one_by_its_own_library(store, dataset, run, pack):
    croissant = pytest.importorskip("mlcroissant", reason="extra missing: pip install mlcroissant")
    folder = export(store, run, dataset, "US", pack, ON, third_party=True, issuer="Example KK").folder
    assert folder
    body = json.loads((folder / "croissant.json").read_text())
    read = croissant.Dataset(jsonld=body)
    assert not read.metadata.issues.errors
    assert not read.metadata.issues.warnings
    assert body["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert body["license"] == ["https://spdx.org/licenses/Apache-2.0.html"]
    assert body["prov:wasDerivedFrom"][0]["@id"] == OPEN.source


def test_the_provenance_has_its_three_groups_and_says_what_is_unknown(store, dataset, run, pack):
    folder = export(store, run, dataset, "US", pack, ON, third_party=True, issuer="Example KK").folder
    assert folder
    body = json.loads((folder / "provenance.json").read_text())
    assert [len(body[group]) for group in ("source", "provenance", "use")] == [5, 8, 10]
    assert body["provenance"]["data_origin_geography"] == ["US"]
    assert body["use"]["licence_to_use"] == ["Apache-2.0"]
    assert body["use"]["proprietary_data_presence"] == "unknown"
