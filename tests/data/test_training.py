"""Before a sandbox trains: who decides, on what day, and that only the run's very text is read."""

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mythos.data import Pack, shipped
from mythos.data.admit import Document, admit
from mythos.data.arrow import pa
from mythos.data.lineage import takedown
from mythos.data.run import Pipeline, in_pool, process, table
from mythos.data.shards import Run, write
from mythos.data.store import Store
from mythos.data.training import TEXT, decide_training, manifest_of, text_of
from mythos.errors import DataError
from mythos.units import Digest

from .conftest import ON, OPEN, prose


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data")


def a_run(store: Store, pack: Pack, purpose: Any = "train", **changes: Any) -> tuple[Run, Digest]:
    record = replace(OPEN, **changes)
    texts = [Document(f"d{n}", "r", prose(n)) for n in range(4)]
    found = admit("set", texts, {"r": record}, [purpose], store, "JP", pack, ON)
    assert found.dataset is not None
    rows = process(table(store, found.dataset, purpose, pack, ON), Pipeline(), in_pool(1), b"salt")
    facts = {"name": "set", "dataset": str(found.dataset.digest), "region": "JP", "purpose": purpose}
    return write(rows, store.region("JP") / "runs", facts), found.dataset.digest


def kinds(store: Store) -> list[str]:
    return [json.loads(line)["kind"] for line in store.ledger("JP").read_text().splitlines()]


def test_what_may_be_learnt_from_is_and_its_text_is_the_runs(store: Store, pack: Pack) -> None:
    run, dataset = a_run(store, pack)
    found = decide_training(store, "JP", run.digest, "JP", pack, ON)
    assert found.refused is None
    assert [one.purpose for one in found.decisions.values()] == ["train"]
    assert kinds(store)[-1] == "train"
    data = text_of(run.folder, run.digest, dataset)
    assert len(data.splitlines()) == run.manifest["documents"]["out"] > 0


def test_a_refusal_names_the_reason_and_stands_in_the_ledger(store: Store, pack: Pack) -> None:
    run, _ = a_run(store, pack)
    abroad = decide_training(store, "JP", run.digest, "US", pack, ON)
    assert abroad.refused == "the data stays in JP, and the training would be in US"
    assert OPEN.residency is not None
    assert "US" in OPEN.residency, "whatever the record allows"
    nobody = decide_training(store, "JP", run.digest, "JP", shipped(), ON)
    assert nobody.refused is not None
    assert "nobody has adopted" in nobody.refused
    early = decide_training(store, "JP", run.digest, "JP", pack, date(2020, 1, 1))
    assert early.refused is not None
    shown, _ = a_run(store, pack, "retrieve")
    other = decide_training(store, "JP", shown.digest, "JP", pack, ON)
    assert other.refused == "the run was made for retrieve, not for train"
    assert kinds(store).count("train-refused") == 4
    assert "train" not in kinds(store)


def test_another_run_text_or_dataset_is_not_read(store: Store, pack: Pack) -> None:
    run, dataset = a_run(store, pack)
    with pytest.raises(DataError, match="another run"):
        manifest_of(run.folder, Digest.of(b"other"))
    with pytest.raises(DataError, match="of another dataset"):
        text_of(run.folder, run.digest, Digest.of(b"other"))
    with pytest.raises(DataError, match="no whole run"):
        decide_training(store, "JP", Digest.of(b"other"), "JP", pack, ON)
    text = run.folder / TEXT
    text.write_bytes(text.read_bytes().replace(b"ka", b"mo", 1))
    with pytest.raises(DataError, match="changed") as raised:
        text_of(run.folder, run.digest, dataset)
    assert prose(0)[:20] not in str(raised.value)
    with pytest.raises(DataError, match="changed"):
        decide_training(store, "JP", run.digest, "JP", pack, ON)


def test_a_run_for_something_else_is_not_read_either(store: Store, pack: Pack) -> None:
    run, dataset = a_run(store, pack, "retrieve")
    with pytest.raises(DataError, match="made for something else"):
        text_of(run.folder, run.digest, dataset)


def crafted(store: Store, dataset: Digest, **changes: Any) -> Run:
    """A run that somebody wrote by hand and named as another dataset's."""
    record = {"id": "x", "record": "r", "text": "left", "language": "en", "removed": None, "text_digest": "0"}
    columns = {name: pa.string() for name in record}
    rows = pa.Table.from_pylist([record | changes], schema=pa.schema(columns))
    facts = {"name": "set", "dataset": str(dataset), "region": "JP", "purpose": "train", "on": str(ON)}
    return write(rows, store.region("JP") / "runs", facts)


def test_documents_that_the_dataset_does_not_hold_are_not_learnt_from(store: Store, pack: Pack) -> None:
    _, dataset = a_run(store, pack)
    for changes in ({}, {"id": "d0", "record": "unheard of"}, {"removed": "near"}):
        found = decide_training(store, "JP", crafted(store, dataset, **changes).digest, "JP", pack, ON)
        assert found.refused == "the run holds nothing, or documents that its dataset does not"


def test_what_was_taken_down_is_not_learnt_from_by_an_old_copy(
    store: Store, pack: Pack, tmp_path: Path
) -> None:
    run, _ = a_run(store, pack)
    shutil.copytree(run.folder, tmp_path / "backup")
    done = takedown(store, "JP", ["d1"], [])
    ((_, now),) = done.replaced
    assert decide_training(store, "JP", now, "JP", pack, ON).refused is None
    shutil.copytree(tmp_path / "backup", run.folder)
    old = decide_training(store, "JP", run.digest, "JP", pack, ON)
    assert old.refused == "the run holds a document that was taken down"
