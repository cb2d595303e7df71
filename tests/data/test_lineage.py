"""Every token knows its document; what is taken down is nowhere, and those who read it are named."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from mythos.data import ledger
from mythos.data.admit import Dataset, admit
from mythos.data.export import export
from mythos.data.lineage import Affected, readers, runs, takedown, where
from mythos.data.run import in_pool, table
from mythos.data.steps import tokenise
from mythos.errors import DataError
from mythos.evidence.note import SigningKey
from mythos.evidence.predicates import Derivation, TrainingRun
from mythos.evidence.predicates.weights import Parent
from mythos.evidence.statement import Envelope, Subject
from mythos.units import Digest, Instant

from .conftest import ON, OPEN, documents
from .test_run import finish

KEY = SigningKey.generate("owner")
NOW = Instant.parse("2026-11-26T12:00:00Z")


def model(name):
    return Digest.of(name.encode())


def trained(name, *datasets, base=None):
    said = TrainingRun(
        model(f"config {name}"), model("code"), tuple(map(Digest.parse, datasets)), base, NOW, NOW, ()
    )
    return Envelope.sign(said.statement(Subject(name, model(name))), KEY)


def derived(name, parent):
    said = Derivation("quantise", (Parent(model(parent), "base"),), "to four bits", NOW)
    return Envelope.sign(said.statement(Subject(name, model(name))), KEY)


@pytest.fixture
def run(store, dataset, pack, tokenizer):
    return finish(store, dataset, pack, tokenizer, in_pool(1), limit=700)


def test_every_byte_of_every_shard_traces_to_a_document(run, tokenizer):
    texts = {one["id"]: one["text"] for one in run.documents()}
    shard = total = 0
    for shard, path in enumerate(sorted((run.folder / "shards").iterdir())):
        data = path.read_bytes()
        spans = where(run, shard, 0, len(data) // 4, tokenizer)
        assert [one.start for one in spans] == [0, *(one.end for one in spans[:-1])]
        assert spans[-1].end * 4 == len(data)
        for span in spans:
            numbers = [int.from_bytes(data[4 * n : 4 * n + 4], "little") for n in range(span.start, span.end)]
            assert tokenise.load(tokenizer).decode(numbers) == texts[span.id]
            assert span.text_digest.hex == hashlib.sha256(texts[span.id].encode()).hexdigest()
        total += len(data) // 4
    assert shard > 1
    assert total == run.manifest["tokens"]


def test_a_few_tokens_name_their_bytes(run, tokenizer):
    first, *_ = run.index()
    [span] = where(run, 0, 3, 9, tokenizer)
    text = next(one["text"] for one in run.documents() if one["id"] == first["id"])
    piece = text.encode()[span.byte_start : span.byte_end].decode()
    assert tokenise.load(tokenizer).encode(text).ids[3:9] == tokenise.load(tokenizer).encode(piece).ids
    for shard, start, end in ((0, 5, 5), (0, -1, 3), (99, 0, 1), (0, 0, 10**9)):
        with pytest.raises(DataError):
            where(run, shard, start, end)


def test_a_takedown_leaves_no_byte_and_names_who_read_it(store, pack, run, tokenizer):
    text = next(one["text"] for one in run.documents() if one["id"] == "en/00")
    old = run.manifest["files"]
    log = [
        trained("base", old["documents.jsonl"]),
        trained("other", str(model("else"))),
        trained("child", str(model("else")), base=model("base")),
        derived("small", "child"),
        derived("unrelated", "other"),
    ]
    done = takedown(store, "JP", {"en/00"}, log, limit=700)
    assert done.ids == ("en/00", "zz/copy")
    assert done.models == (model("base"), model("child"), model("small"))
    assert done.training_runs == (model("config base"),)
    shards = (
        {old[f"shards/{row['shard']:05}.tokens"] for row in run.index()}
        if run.folder.exists()
        else set(old.values())
    )
    assert {str(one) for one in done.shards} <= shards
    [new] = runs(store, "JP")
    assert done.replaced == ((run.digest, new.digest),)
    assert {row["id"] for row in new.verdicts() if row["removed"] == "takedown"} == {"en/00"}
    assert "en/00" not in {row["id"] for row in new.index()}
    for shard in range(len(list((new.folder / "shards").iterdir()))):
        last = max(row["end"] for row in new.index() if row["shard"] == shard)
        assert "en/00" not in {span.id for span in where(new, shard, 0, last, tokenizer)}
    kept = b"".join(p.read_bytes() for p in store.root.rglob("*") if p.is_file())
    assert text.encode() not in kept
    assert documents()[0].text.encode() not in kept
    assert [entry["kind"] for entry in ledger.entries(store.ledger("JP"))] == [
        "decision",
        "admitted",
        "takedown",
    ]
    assert readers(new.names, log)[1] == done.models
    again = takedown(store, "JP", {"en/00"}, log, limit=700)
    assert (again.replaced, again.shards, again.models) == ((), done.shards, done.models)


def test_a_run_after_a_takedown_has_the_rest(store, dataset, pack, run, tokenizer):
    takedown(store, "JP", {"ja/00"}, [])
    later = finish(store, dataset, pack, tokenizer, in_pool(1), "later")
    fates = {row["id"]: row["removed"] for row in later.verdicts()}
    assert fates["ja/00"] == "takedown"
    assert fates["ja/01"] is None


def test_what_stays_because_it_was_near_and_what_left_the_country_is_told(store, dataset, pack, run):
    assert export(store, run, dataset, "US", pack, ON, third_party=True, issuer="Example KK").folder
    done = takedown(store, "JP", {"zz/near", "ja/01"}, [])
    assert done.near == (("zz/near", "en/01"),)
    assert done.copies == ((str(run.digest), "US"),)


def test_what_waits_in_the_store_because_it_was_near_what_went_is_told(store, dataset, pack, run, tokenizer):
    assert takedown(store, "JP", {"en/01"}, []).near == (("en/01", "zz/near"),)
    later = finish(store, dataset, pack, tokenizer, in_pool(1), "later")
    assert {row["id"]: row["removed"] for row in later.verdicts()}["zz/near"] is None
    assert takedown(store, "JP", {"en/01", "zz/near"}, []).near == ()


def test_a_copy_abroad_is_taken_down_there_and_keeps_its_papers(store, dataset, pack, run, tokenizer):
    folder = export(store, run, dataset, "US", pack, ON, third_party=True, issuer="Example KK").folder
    assert folder
    log = [trained("abroad", run.manifest["files"]["documents.jsonl"])]
    done = takedown(store, "US", {"en/00"}, log, limit=700)
    assert (done.ids, done.models) == (("en/00", "zz/copy"), (model("abroad"),))
    assert not folder.exists()
    [new] = runs(store, "US")
    assert {row["id"]: row["removed"] for row in new.verdicts()}["en/00"] == "takedown"
    said = json.loads((new.folder / "croissant.json").read_text())
    named = {one["contentUrl"]: one["sha256"] for one in said["distribution"]}
    assert {f"sha256:{one}" for one in named.values()} == set(new.manifest["files"].values())
    assert said["creator"]["name"] == "Example KK"
    assert takedown(store, "JP", {"en/00"}, log, limit=700).replaced == ((run.digest, new.digest),)
    assert [one.id for one in where(new, 0, 0, 3, tokenizer)] == ["en/01"]


def test_the_same_text_in_another_dataset_under_other_spaces_goes_too(store, pack, run, tokenizer):
    moved = [replace(one, id="x/" + one.id, text=one.text + " \r\n") for one in documents()]
    other = admit("other", moved, {"open": OPEN}, ["train"], store, "JP", pack, ON).dataset
    assert other
    second = finish(store, other, pack, tokenizer, in_pool(1))
    done = takedown(store, "JP", {"en/00"}, [trained("second", str(second.digest))])
    assert done.ids == ("en/00", "x/en/00", "x/zz/copy", "zz/copy")
    assert done.models == (model("second"),)
    assert len(done.replaced) == 2


def test_a_twin_that_stays_is_told(store, pack, tokenizer):
    texts = [replace(documents()[n], twin="page") for n in (0, 9)]
    dataset = admit("twins", texts, {"open": OPEN}, ["train"], store, "JP", pack, ON).dataset
    assert dataset
    run = finish(store, dataset, pack, tokenizer, in_pool(1))
    assert {one["twin"] for one in run.documents()} == {"page"}
    first, second = sorted(one.id for one in texts)
    assert takedown(store, "JP", {first}, []).twins == ((first, second),)
    assert takedown(store, "JP", {first, second}, []).twins == ()


def test_what_was_taken_down_does_not_come_back_with_the_next_admission_unless_somebody_says_why(
    store, pack, dataset
):
    [digest] = [d for key, _, d in dataset.documents if key == "en/02"]
    takedown(store, "JP", {"en/02"}, [])
    again = admit("manuals", documents(), {"open": OPEN}, ["train"], store, "JP", pack, ON).dataset
    assert again == dataset
    assert not store.path("JP", digest).exists()
    rows = {row["id"]: row["removed"] for row in table(store, dataset, "train", pack, ON).to_pylist()}
    assert rows["en/02"] == "takedown"
    admit(
        "manuals", documents(), {"open": OPEN}, ["train"], store, "JP", pack, ON, restore="the author agreed"
    )
    assert store.get("JP", digest)
    assert ledger.taken(store.ledger("JP")) == frozenset()
    [said] = [e for e in ledger.entries(store.ledger("JP")) if e["kind"] == "restored"]
    assert said["reason"] == "the author agreed"


def test_a_takedown_cut_short_names_the_same_shards_when_it_is_made_again(store, run, monkeypatch):
    log = [trained("base", str(run.digest))]

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("mythos.data.lineage.bring", killed)
    with pytest.raises(KeyboardInterrupt):
        takedown(store, "JP", {"en/00"}, log, limit=700)
    monkeypatch.undo()
    [named] = [set(e["shards"]) for e in ledger.entries(store.ledger("JP")) if e["kind"] == "takedown"]
    done = takedown(store, "JP", {"en/00"}, log, limit=700)
    assert named <= {str(one) for one in done.shards}
    assert done.models == (model("base"),)
    kept = b"".join(p.read_bytes() for p in store.root.rglob("*") if p.is_file())
    assert documents()[0].text.encode() not in kept


def test_a_name_of_a_document_and_of_a_record_is_refused_and_nothing_goes(store, pack, tokenizer):
    mixed = [*documents()[:3], replace(documents()[3], id="open")]
    dataset = admit("d", mixed, {"open": OPEN}, ["train"], store, "JP", pack, ON).dataset
    assert dataset
    with pytest.raises(DataError, match="a document and a whole record"):
        takedown(store, "JP", {"open"}, [])
    [digest] = [d for key, _, d in dataset.documents if key == "open"]
    assert takedown(store, "JP", {str(digest)}, []).ids == ("open",)
    assert takedown(store, "JP", {"en/00"}, []).ids == ("en/00",)


def test_a_text_under_a_second_name_on_the_disk_stops_a_takedown_before_it_starts(
    store, dataset, run, tmp_path
):
    [digest] = [d for key, _, d in dataset.documents if key == "en/00"]
    (tmp_path / "copy").hardlink_to(store.path("JP", digest))
    with pytest.raises(DataError, match="second name"):
        takedown(store, "JP", {"en/00"}, [])
    (tmp_path / "copy").unlink()
    (tmp_path / "copy").hardlink_to(run.folder / "documents.jsonl")
    with pytest.raises(DataError, match="second name"):
        takedown(store, "JP", {"en/00"}, [])
    assert [one.digest for one in runs(store, "JP")] == [run.digest]
    assert "takedown" not in [entry["kind"] for entry in ledger.entries(store.ledger("JP"))]


def test_a_draft_that_a_killed_run_left_is_deleted_with_its_text(store, run):
    draft = run.folder.with_name(".draft-killed")
    draft.mkdir()
    (draft / "documents.jsonl").write_text(documents()[0].text)
    takedown(store, "JP", {"en/00"}, [])
    assert not draft.exists()


def test_a_large_takedown_is_several_statements_and_each_fits_into_the_log():
    digests = tuple(sorted(Digest.of(bytes([n % 256, n // 256])) for n in range(1000)))
    done = Affected(digests, (), digests[:40], (), (), digests[:200], (), (), ())
    acts = done.acts("asked", NOW)
    assert len(acts) == 7
    assert tuple(d for act in acts for d in act.documents) == digests
    assert tuple(d for act in acts for d in act.models) == digests[:200]
    for act in acts:
        assert Envelope.parse(Envelope.sign(act.statement(Subject("t", digests[0])), KEY).to_bytes())


def test_another_tokenizer_is_not_believed_even_with_as_many_tokens(run, tokenizer, tmp_path):
    other = tmp_path / "tokenizer.json"
    other.write_text(Path(tokenizer).read_text() + "\n")
    with pytest.raises(DataError, match="not the tokenizer of the run"):
        where(run, 0, 3, 9, str(other))


def test_a_name_that_names_nothing_is_refused_and_nothing_is_deleted(store, dataset, run):
    with pytest.raises(DataError, match="nothing of this name"):
        takedown(store, "JP", {"en/00", "en/99"}, [])
    assert Dataset.load(store, "JP", dataset.digest).documents == dataset.documents
    assert all(store.get("JP", digest) for *_, digest in dataset.documents)
    assert json.loads((run.folder / "run.json").read_text())["documents"]["in"] == len(documents())
