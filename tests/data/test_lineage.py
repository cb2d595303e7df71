"""Every token knows its document; what is taken down is nowhere, and those who read it are named."""

import hashlib
import json

import pytest

from mythos.data import ledger
from mythos.data.admit import Dataset
from mythos.data.export import export
from mythos.data.lineage import readers, runs, takedown, where
from mythos.data.run import in_pool
from mythos.data.steps import tokenise
from mythos.errors import DataError
from mythos.evidence.note import SigningKey
from mythos.evidence.predicates import Derivation, TrainingRun
from mythos.evidence.predicates.weights import Parent
from mythos.evidence.statement import Envelope, Subject
from mythos.units import Digest, Instant

from .conftest import ON, documents
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
    assert (again.replaced, again.shards, again.models) == ((), (), done.models)


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


def test_a_name_that_names_nothing_is_refused_and_nothing_is_deleted(store, dataset, run):
    with pytest.raises(DataError, match="nothing of this name"):
        takedown(store, "JP", {"en/00", "en/99"}, [])
    assert Dataset.load(store, "JP", dataset.digest).documents == dataset.documents
    assert all(store.get("JP", digest) for *_, digest in dataset.documents)
    assert json.loads((run.folder / "run.json").read_text())["documents"]["in"] == len(documents())
