"""The whole pipeline: nothing is deleted, two runs are one, and Ray gives the same bytes as the pool."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from mythos.data import ledger, shards
from mythos.data.admit import Dataset, Document, admit, read_documents, read_records
from mythos.data.run import Pipeline, in_pool, process, table
from mythos.errors import DataError
from mythos.evidence.statement import canonical
from mythos.train.documents import read_corpus
from mythos.units import Digest

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
    from ray.cluster_utils import Cluster

    from mythos.data.ray import in_ray

    monkeypatch.setattr("mythos.data.run.BATCH", 5)
    with pytest.raises(DataError, match="not connected"):
        in_ray("JP")
    head = {"num_cpus": 1, "resources": {"region:JP": 10}, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        cluster.add_node(num_cpus=4, resources={"region:SG": 10})
        ray.init(address=cluster.address, log_to_driver=False)
        with pytest.raises(DataError, match="cluster has no node in DE") as error:
            in_ray("DE")
        assert error.value.code == "region_refused"
        with pytest.raises(DataError, match="driver has no node in SG"):
            in_ray("SG")
        # Ray Data looks at its input on any node, so rows must not be in that input.
        seen, real = [], ray.data.from_arrow
        monkeypatch.setattr("ray.data.from_arrow", lambda tables: seen.extend(tables) or real(tables))
        spread = finish(store, dataset, pack, tokenizer, in_ray("JP"), "cluster")
        assert seen
        assert {tuple(one.column_names) for one in seen} == {("batch",)}
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert spread.digest == finish(store, dataset, pack, tokenizer, in_pool(1), "pool").digest


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
    mixed = [*documents()[:2], Document("b", "r", "x"), Document("c", "r", "y")]
    records = {"open": OPEN, "r": replace(OPEN, licence=None)}
    assert admit("d", mixed, records, ["quote"], store, "JP", pack, ON).refused == 2
    said = [
        (one["kind"], one["by_record"]) for one in ledger.entries(store.ledger("JP")) if "by_record" in one
    ]
    assert said == [("admission-refused", {"r": 1}), ("admitted", {"r": 2})]


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


@pytest.mark.parametrize("with_tokens", [True, False])
def test_a_run_is_the_same_whatever_the_size_of_a_batch(
    store, dataset, pack, tokenizer, monkeypatch, with_tokens
):
    made = []
    for size in (1, 7, 500):
        monkeypatch.setattr("mythos.data.run.BATCH", size)
        made.append(finish(store, dataset, pack, tokenizer if with_tokens else None, in_pool(1), f"b{size}"))
    assert len({one.digest for one in made}) == 1
    assert (made[0].manifest["tokens"] > 0) is with_tokens


def test_an_admission_that_stops_leaves_no_text_that_nothing_names(store, pack):
    for wrong in (Document("q", "nobody", "x"), Document("en/00", "open", "another")):
        with pytest.raises(DataError):
            admit("d", [*documents(), wrong], {"open": OPEN}, ["train"], store, "JP", pack, ON)
    assert not (store.region("JP") / "blobs").exists()
    assert not (store.region("JP") / "datasets").exists()


def test_an_admission_cut_short_is_named_by_its_manifest_and_is_not_read_as_a_takedown(
    store, pack, monkeypatch
):
    kept = []

    def killed(*arguments):
        if len(kept) == 3:
            raise KeyboardInterrupt
        kept.append(arguments)
        return real(*arguments)

    real = type(store).put
    monkeypatch.setattr(type(store), "put", killed)
    with pytest.raises(KeyboardInterrupt):
        admit("d", documents(), {"open": OPEN}, ["train"], store, "JP", pack, ON)
    monkeypatch.undo()
    [path] = (store.region("JP") / "datasets").iterdir()
    dataset = Dataset.load(store, "JP", Digest.parse(f"sha256:{path.stem}"))
    with pytest.raises(DataError, match="not admitted to the end"):
        table(store, dataset, "train", pack, ON)
    assert admit("d", documents(), {"open": OPEN}, ["train"], store, "JP", pack, ON).dataset == dataset
    assert table(store, dataset, "train", pack, ON).column("removed").null_count == len(documents())


def test_documents_that_come_one_after_another_are_admitted_too(store, pack, dataset):
    assert (
        admit("manuals", iter(documents()), {"open": OPEN}, ["train"], store, "JP", pack, ON).dataset
        == dataset
    )


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31m", "\ud800", "x" * 1025, ""])
def test_a_name_that_no_screen_or_file_can_hold_is_refused(store, pack, name, tmp_path):
    for one in (Document(name, "open", "text"), Document("a", "open", "text", twin=name or "\n")):
        with pytest.raises(DataError):
            admit("d", [one], {"open": OPEN}, ["train"], store, "JP", pack, ON)
    path = tmp_path / "documents.jsonl"
    path.write_text(json.dumps({"id": name, "record": "open", "text": "text"}) + "\n")
    with pytest.raises(DataError, match="line 1"):
        list(read_documents(path, None))


def test_a_twin_goes_through_the_whole_pipeline_and_the_split_of_training_keeps_to_it(store, pack, tokenizer):
    texts = [replace(one, twin=f"page {n // 2}") for n, one in enumerate(documents()[:14])]
    dataset = admit("d", texts, {"open": OPEN}, ["train"], store, "JP", pack, ON).dataset
    assert dataset
    assert Dataset.load(store, "JP", dataset.digest) == dataset
    run = finish(store, dataset, pack, tokenizer, in_pool(1))
    twins = {one.id: one.twin for one in texts}
    assert {one["id"]: one["twin"] for one in run.documents()} == twins
    corpus = read_corpus(str(run.folder / "documents.jsonl"))
    sides = [{twins[one.id] for one in side} for side in corpus.split(0.5)]
    assert sides[0]
    assert sides[1]
    assert not sides[0] & sides[1]


def test_a_dataset_without_twins_has_the_manifest_it_always_had(dataset):
    rows = json.loads(dataset.to_bytes())["documents"]
    assert {len(row) for row in rows} == {3}


def test_two_runs_into_one_folder_at_once_are_one_whole_run(store, dataset, pack, tokenizer):
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: finish(store, dataset, pack, tokenizer, in_pool(1)), range(4)))
    assert len({one.digest for one in made}) == 1
    [folder] = (store.region("JP") / "runs").iterdir()
    assert shards.Run.load(folder).digest == made[0].digest


def test_a_full_disk_leaves_no_half_run_and_the_next_one_is_whole(
    store, dataset, pack, tokenizer, monkeypatch
):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    for step in ("parquet.write_table", "write_atomic", "_digest"):
        monkeypatch.setattr(f"mythos.data.shards.{step}", full)
        with pytest.raises(OSError, match="No space"):
            finish(store, dataset, pack, tokenizer, in_pool(1))
        monkeypatch.undo()
        assert list((store.region("JP") / "runs").iterdir()) == []
    assert finish(store, dataset, pack, tokenizer, in_pool(1))


def test_a_torn_run_is_not_taken_for_the_one_that_is_written_again(store, dataset, pack, tokenizer):
    run = finish(store, dataset, pack, tokenizer, in_pool(1))
    (run.folder / "index.parquet").write_bytes(b"")
    with pytest.raises(DataError, match="changed"):
        finish(store, dataset, pack, tokenizer, in_pool(1))


def test_a_run_under_another_name_or_with_a_file_of_elsewhere_is_refused(
    store, dataset, pack, tokenizer, tmp_path
):
    run = finish(store, dataset, pack, tokenizer, in_pool(1))
    (tmp_path / "secret").write_text("secret")
    for name in ("../../secret", "/etc/passwd", "shards/../run.json"):
        manifest = {**run.manifest, "files": {**run.manifest["files"], name: "sha256:" + "0" * 64}}
        folder = tmp_path / Digest.of(canonical(manifest)).hex
        shutil.copytree(run.folder, folder)
        (folder / "run.json").write_bytes(canonical(manifest))
        with pytest.raises(DataError, match="not its own"):
            shards.Run.load(folder)
    run.folder.rename(run.folder.with_name("0" * 64))
    with pytest.raises(DataError, match="another run"):
        shards.Run.load(run.folder.with_name("0" * 64))
    back = run.folder.with_name("0" * 64).rename(run.folder)
    (back / "index.parquet").rename(tmp_path / "index.parquet")
    (back / "index.parquet").symlink_to(tmp_path / "index.parquet")
    with pytest.raises(DataError, match="not its own"):
        shards.Run.load(back)


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
