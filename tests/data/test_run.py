"""The whole pipeline: nothing is deleted, two runs are one, and Ray gives the same bytes as the pool."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from mythos.data import shards
from mythos.data.admit import Document, admit, read_documents, read_records
from mythos.data.run import Pipeline, in_pool, process, table
from mythos.errors import DataError

from .conftest import ON, OPEN, WORK, documents

FACTS = {"name": "manuals", "region": "JP", "purpose": "train", "on": str(ON)}


def finish(store, dataset, pack, tokenizer, runner, name="runs", salt=b"salt", limit=2000):
    pipeline = Pipeline(tokenizer=tokenizer)
    done = process(table(store, dataset, "train", pack, ON), pipeline, runner, salt)
    facts = FACTS | {"dataset": str(dataset.digest), "pipeline": pipeline.document()}
    return shards.write(done, store.region("JP") / name, facts, limit=limit)


def test_every_row_that_came_in_comes_out_with_its_fate(store, dataset, pack, tokenizer):
    run = finish(store, dataset, pack, tokenizer, in_pool(1))
    verdicts = {row["id"]: row for row in run.verdicts()}
    assert sorted(verdicts) == sorted(one.id for one in documents())
    fates = {name: (row["removed"], row["evidence"]) for name, row in verdicts.items() if row["removed"]}
    assert fates == {
        "zz/copy": ("exact", "en/00"),
        "zz/near": ("near", "en/01"),
        "zz/short": ("quality", None),
    }
    assert [one["kind"] for one in verdicts["zz/mail"]["pii"]] == ["email", "phone"]
    everything = b"".join(p.read_bytes() for p in [*run.folder.rglob("*"), store.ledger("JP")] if p.is_file())
    assert b"taro@example" not in everything
    assert b"090-1234" not in everything


def test_two_runs_have_one_digest_in_one_process_or_several(store, dataset, pack, tokenizer, monkeypatch):
    monkeypatch.setattr("mythos.data.run.BATCH", 5)
    one = finish(store, dataset, pack, tokenizer, in_pool(1), "a")
    two = finish(store, dataset, pack, tokenizer, in_pool(2), "b")
    assert one.digest == two.digest
    files = sorted(p.relative_to(one.folder) for p in one.folder.rglob("*") if p.is_file())
    assert [(one.folder / f).read_bytes() for f in files] == [(two.folder / f).read_bytes() for f in files]
    assert finish(store, dataset, pack, tokenizer, in_pool(1), "c", salt=b"another").digest != one.digest


@pytest.mark.filterwarnings("ignore")  # Ray warns of its own deprecated settings
def test_a_real_ray_cluster_gives_the_same_bytes_and_only_in_the_region(
    store, dataset, pack, tokenizer, monkeypatch
):
    ray = pytest.importorskip("ray", reason="extra missing: pip install 'mythos-hub[ray]'")
    pytest.importorskip("ray.data", reason="extra missing: pip install 'mythos-hub[ray]'")
    from mythos.data.ray import in_ray

    monkeypatch.setattr("mythos.data.run.BATCH", 5)
    with pytest.raises(DataError, match="not connected"):
        in_ray("JP")
    ray.init(num_cpus=2, resources={"region:JP": 10}, include_dashboard=False, log_to_driver=False)
    try:
        with pytest.raises(DataError, match="no node in SG") as error:
            in_ray("SG")
        assert error.value.code == "region_refused"
        cluster = finish(store, dataset, pack, tokenizer, in_ray("JP"), "cluster")
    finally:
        ray.shutdown()
    assert cluster.digest == finish(store, dataset, pack, tokenizer, in_pool(1), "pool").digest


def test_a_record_no_longer_allowed_is_a_removed_row_with_its_decision(store, pack):
    dataset = admit(
        "d",
        [Document("a", "open", "x"), Document("b", "work", "y")],
        {"open": OPEN, "work": WORK},
        ["train", "quote"],
        store,
        "JP",
        pack,
        ON,
    ).dataset
    assert dataset
    rows = table(store, dataset, "quote", pack, ON).to_pylist()
    assert [(row["removed"], row["text"]) for row in rows] == [(None, "x"), ("rights", "")]
    assert rows[1]["evidence"].startswith("sha256:")


def test_what_no_purpose_allows_is_not_kept(store, pack):
    done = admit(
        "d",
        [Document("a", "r", "secret text")],
        {"r": replace(OPEN, licence=None)},
        ["quote"],
        store,
        "JP",
        pack,
        ON,
    )
    assert (done.dataset, done.refused) == (None, 1)
    assert not (store.region("JP") / "blobs").exists()


def test_an_id_has_one_text_and_a_document_a_known_record(store, pack):
    with pytest.raises(DataError, match="stands twice"):
        admit(
            "d",
            [Document("a", "r", "x"), Document("a", "r", "y")],
            {"r": OPEN},
            ["train"],
            store,
            "JP",
            pack,
            ON,
        )
    with pytest.raises(DataError, match="no known record"):
        admit("d", [Document("a", "s", "x")], {"r": OPEN}, ["train"], store, "JP", pack, ON)


def test_a_dataset_without_documents_is_refused():
    with pytest.raises(DataError):
        process(pa.table({"id": pa.array([], pa.string())}), Pipeline(), in_pool(1), b"")


def test_a_changed_file_of_a_run_is_found(store, dataset, pack, tokenizer):
    run = finish(store, dataset, pack, tokenizer, in_pool(1))
    assert shards.Run.load(run.folder).digest == run.digest
    path = run.folder / "shards" / "00000.tokens"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\0")
    with pytest.raises(DataError, match="changed"):
        shards.Run.load(run.folder)


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[1] / "bad" / "data" / "documents").glob("*")), ids=lambda p: p.name
)
def test_bad_documents_are_refused(path):
    with pytest.raises(DataError):
        list(read_documents(path, "r"))


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[1] / "bad" / "data" / "records").glob("*")), ids=lambda p: p.name
)
def test_bad_records_are_refused(path):
    with pytest.raises(DataError):
        read_records(path)
