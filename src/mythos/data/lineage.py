"""From a token to its document and source, and back: what a takedown touches, down to the models.

where(run, shard=0, start=1000, end=1010)          # documents and byte spans behind these tokens
takedown(store, "JP", {"httpd/install"}, envelopes) # rewrites shards, names runs and models
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import numpy as np

from mythos.data import ledger
from mythos.data.admit import Dataset
from mythos.data.arrow import pa, parquet
from mythos.data.export import bring, dataset_of
from mythos.data.shards import DRAFT, SHARD, Run, write
from mythos.data.steps import put, tokenise
from mythos.data.store import Store, one_name
from mythos.errors import DataError
from mythos.evidence.predicates import Derivation, Takedown, TrainingRun
from mythos.evidence.statement import Envelope
from mythos.units import Digest, Instant

NAMED: Final = 150
"""Digests of a kind that one statement names; a hundred bytes each, and a log's entry has 64 KiB."""


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens of one document: their places in the shard, and the bytes they stand for in its text.

    `byte_start`, `byte_end` are None when the run's tokenizer is not at hand.
    """

    id: str
    record: str
    text_digest: Digest
    start: int
    end: int
    byte_start: int | None
    byte_end: int | None


def where(run: Run, shard: int, start: int, end: int, tokenizer: str | None = None) -> tuple[Span, ...]:
    """The documents behind tokens `start` to `end` (exclusive) of a shard.

    Raises:
        DataError: no such shard, or an empty or outside range; with `tokenizer`, one that is not the run's.
    """
    rows = [row for row in run.index() if row["shard"] == shard]
    last = max((row["end"] for row in rows), default=0)
    if not 0 <= start < end <= last:
        raise DataError(
            f"no tokens {start} to {end} in shard {shard}",
            expected=f"a range within 0 to {last}" if rows else "a shard of this run",
            found=f"{start}:{end}",
        )
    said = run.manifest.get("pipeline", {}).get("tokenizer")
    if tokenizer and (found_digest := str(Digest.of(Path(tokenizer).read_bytes()))) != said:
        raise DataError("this is not the tokenizer of the run", expected=str(said), found=found_digest)
    texts = {one["id"]: one["text"] for one in run.documents()} if tokenizer else {}
    found: list[Span] = []
    for row in rows:
        low, high = max(start, row["start"]), min(end, row["end"])
        if low < high:
            a, b = low - row["start"], high - row["start"]
            size = row["end"] - row["start"]
            place = _bytes(texts[row["id"]], tokenizer, a, b, size) if tokenizer else (None, None)
            digest = Digest.parse(f"sha256:{row['text_digest']}")
            found.append(Span(row["id"], row["record"], digest, low, high, *place))
    return tuple(found)


def _bytes(text: str, tokenizer: str, first: int, end: int, size: int) -> tuple[int, int]:
    offsets = tokenise.load(tokenizer).encode(text, add_special_tokens=False).offsets
    if len(offsets) != size:
        raise DataError(
            "this is not the tokenizer of the run", expected=f"{size} tokens", found=str(len(offsets))
        )
    return len(text[: offsets[first][0]].encode()), len(text[: offsets[end - 1][1]].encode())


@dataclass(frozen=True, slots=True)
class Affected:
    """What a takedown did and reached, earlier calls for the same texts included.

    `near`: a document that went, and one that is kept although it is close to it: in a run, or, where it was
    out of the run only because of the one that went, in the store, for the next run.
    `twins`: a document that went, and a translation of it that stays.
    `copies`: runs that were exported, and the country where they must be taken down too.
    """

    documents: tuple[Digest, ...]
    ids: tuple[str, ...]
    shards: tuple[Digest, ...]
    replaced: tuple[tuple[Digest, Digest], ...]
    training_runs: tuple[Digest, ...]
    models: tuple[Digest, ...]
    near: tuple[tuple[str, str], ...]
    twins: tuple[tuple[str, str], ...]
    copies: tuple[tuple[str, str], ...]

    def acts(self, reason: str, now: Instant) -> tuple[Takedown, ...]:
        """The predicates of the act: one, or as many as what it names needs; a statement has a size."""
        named = (self.documents, self.shards, self.models)
        count = max(1, *(-(-len(one) // NAMED) for one in named))
        slices = (slice(n * NAMED, (n + 1) * NAMED) for n in range(count))
        return tuple(
            Takedown(self.documents[part], self.shards[part], self.models[part], reason, now)
            for part in slices
        )


def runs(store: Store, region: str) -> list[Run]:
    """Every run kept in a country."""
    folder = store.region(region) / "runs"
    return [Run.load(path) for path in sorted(folder.glob("[0-9a-f]*"))] if folder.is_dir() else []


def takedown(
    store: Store, region: str, names: Collection[str], envelopes: Iterable[Envelope], limit: int = SHARD
) -> Affected:
    """Delete documents, wherever the same text stands, from a country's store and runs; say who read them.

    Args:
        store: the data store.
        region: the country.
        names: ids (in every dataset there), record names or digests of texts; each must name something.
        envelopes: the log's statements, in order.
        limit: tokens of a shard, for the shards that are written again.

    Raises:
        DataError: a name of nothing, or of a document and a record; a file with a second name on the disk; a
            region in use. Nothing is deleted then.
    """
    with store.held(region, alone=True):
        found = _find(store, region, names)
        store.deletable(region, found.digests)
        for run, _ in found.held:
            for name in run.manifest["files"]:
                one_name(run.folder / name)
        log = list(ledger.entries(store.ledger(region)))
        digests = sorted(map(str, found.digests))
        shards = found.shards | {
            shard
            for entry in log
            if entry["kind"] == "takedown" and set(entry["documents"]) & set(digests)
            for shard in entry.get("shards", ())
        }
        # Said before it is done: a call that is cut short has named the shards that it rewrote.
        listed = sorted(shards)
        for part, named in zip_longest(ledger.parts(digests), ledger.parts(listed), fillvalue=()):
            ledger.append(store.ledger(region), "takedown", {"documents": [*part], "shards": [*named]})
        replaced = [(run.digest, _rewrite(store, region, run, ids, limit).digest) for run, ids in found.held]
        for digest in found.digests:
            store.delete(region, digest)
        for draft in (store.region(region) / "runs").glob(f"{DRAFT}*"):
            shutil.rmtree(draft)
    trained, models = readers(found.names, envelopes)
    copies = {(e["run"], e["to"]) for e in log if e["kind"] == "export" and e["run"] in found.names}
    return Affected(
        tuple(sorted(found.digests)),
        tuple(sorted({key for _, key in found.gone})),
        tuple(Digest.parse(one) for one in listed),
        tuple(replaced),
        trained,
        models,
        tuple(sorted(found.near)),
        tuple(sorted(found.twins)),
        tuple(sorted(copies)),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What goes: texts, (dataset, id), runs that hold some of them; and all names of what was read."""

    digests: frozenset[Digest]
    gone: frozenset[tuple[str, str]]
    held: tuple[tuple[Run, frozenset[str]], ...]
    shards: frozenset[str]
    names: frozenset[str]
    near: frozenset[tuple[str, str]]
    twins: frozenset[tuple[str, str]]


def _find(store: Store, region: str, names: Collection[str]) -> _Found:
    known = [(run, run.verdicts()) for run in runs(store, region)]
    sets = {
        path.stem: Dataset.load(store, region, Digest.parse(f"sha256:{path.stem}"))
        for path in sorted((store.region(region) / "datasets").glob("*.json"))
    }
    for run, _ in known:
        one = dataset_of(store, region, run)
        sets.setdefault(one.digest.hex, one)
    listed = [(f"sha256:{name}", *row) for name, one in sorted(sets.items()) for row in one.documents]
    said = {value for _, key, record, d in listed for value in (key, record, str(d))}
    unknown = sorted(set(names) - said)
    if unknown:
        raise DataError(
            "nothing of this name was admitted",
            expected="an id, a record or a digest",
            found=unknown[0][:200],
        )
    both = {key for _, key, _, _ in listed} & {record for _, _, record, _ in listed} & set(names)
    if both:
        raise DataError(
            "a document and a whole record have this name",
            expected="a name of one of them, or digests",
            found=min(both)[:200],
            advice="Name the document by the digest of its text: mythos data where tells it.",
        )
    digests = {d for _, key, record, d in listed if {key, record, str(d)} & set(names)}
    normal = {(run.manifest["dataset"], row["id"]): row["text_digest"] for run, rows in known for row in rows}
    size, gone = 0, set[tuple[str, str]]()
    while size != len(digests):
        size = len(digests)
        gone = {(dataset, key) for dataset, key, _, d in listed if d in digests}
        texts = {text for one in gone if (text := normal.get(one))}
        gone |= {one for one, text in normal.items() if text in texts}
        digests |= {d for dataset, key, _, d in listed if (dataset, key) in gone}
    held: list[tuple[Run, frozenset[str]]] = []
    shards: set[str] = set()
    touched: set[str] = {dataset for dataset, _ in gone}
    near: set[tuple[str, str]] = set()
    for run, rows in known:
        mine = {key for dataset, key in gone if dataset == run.manifest["dataset"]}
        ids = frozenset(row["id"] for row in rows if row["removed"] is None) & mine
        # A call that was killed half-way is made again: what an earlier one took out was read all the same.
        earlier = {row["id"] for row in rows if row["removed"] == "takedown"} & mine
        touched |= run.names if ids | earlier else set()
        pairs = [(row["id"], row["evidence"]) for row in rows if row["removed"] == "near"]
        near |= {(a, b) if a in mine else (b, a) for a, b in pairs if (a in mine) != (b in mine)}
        if ids:
            files = run.manifest["files"]
            shards |= {files[f"shards/{row['shard']:05}.tokens"] for row in run.index() if row["id"] in ids}
            held.append((run, ids))
    twins = {
        (key, other)
        for one in sets.values()
        for key, other in _twins(one, {key for dataset, key in gone if dataset == str(one.digest)})
    }
    return _Found(
        frozenset(digests), frozenset(gone), tuple(held), frozenset(shards), frozenset(touched),
        frozenset(near), frozenset(twins),
    )  # fmt: skip


def _twins(dataset: Dataset, gone: Collection[str]) -> Iterator[tuple[str, str]]:
    by: dict[str, list[str]] = {}
    for key, twin in dataset.twins.items():
        by.setdefault(twin, []).append(key)
    for group in by.values():
        yield from ((a, b) for a in group for b in group if a in gone and b not in gone)


def _rewrite(store: Store, region: str, run: Run, ids: Collection[str], limit: int) -> Run:
    """The run without some documents; each of them is a removed row of the new one."""
    rows = parquet.read_table(run.folder / "verdicts.parquet")
    texts = {one["id"]: one["text"] for one in run.documents()}
    names = rows.column("id").to_pylist()
    for column, value in (("removed", "takedown"), ("reason", "taken down")):
        old = rows.column(column).to_pylist()
        new = [value if name in ids else kept for name, kept in zip(names, old, strict=True)]
        rows = put(rows, column, new, pa.string())
    stays = [texts.get(name, "") if name not in ids else "" for name in names]
    rows = put(rows, "text", stays, pa.large_string())
    if index := run.index():
        tokens = {row["id"]: _tokens(run.folder, row) for row in index if row["id"] not in ids}
        rows = put(rows, "tokens", [tokens.get(name) for name in names], pa.large_list(pa.uint32()))
    facts = {k: v for k, v in run.manifest.items() if k not in {"before", "documents", "tokens", "files"}}
    new_run = write(rows, run.folder.parent, facts, (*run.manifest["before"], *sorted(run.names)), limit)
    bring(run, new_run, dataset_of(store, region, run))
    shutil.rmtree(run.folder)
    return new_run


def _tokens(folder: Path, row: dict[str, Any]) -> Any:
    with open(folder / "shards" / f"{row['shard']:05}.tokens", "rb") as file:
        file.seek(4 * row["start"])
        data = file.read(4 * (row["end"] - row["start"]))
    return np.frombuffer(data, dtype="<u4")


def readers(
    names: Collection[str], envelopes: Iterable[Envelope]
) -> tuple[tuple[Digest, ...], tuple[Digest, ...]]:
    """Training runs whose data is named here, and the models: theirs, and everything derived from those.

    A training run is named by the digest of its configuration.
    """
    trained: dict[Digest, None] = {}
    models: dict[Digest, None] = {}
    edges: list[tuple[Digest, Digest]] = []
    for envelope in envelopes:
        statement = envelope.statement()
        if statement.act == "training-run":
            said = TrainingRun.of(statement)
            edges += [(said.base, subject.digest) for subject in statement.subjects if said.base]
            if {str(one) for one in said.datasets} & set(names):
                trained[said.configuration] = None
                models |= dict.fromkeys(subject.digest for subject in statement.subjects)
        elif statement.act == "derivation":
            parents = Derivation.of(statement).parents
            edges += [
                (parent.weights, subject.digest) for parent in parents for subject in statement.subjects
            ]
    grown = True
    while grown:
        reached = [child for parent, child in edges if parent in models and child not in models]
        models |= dict.fromkeys(reached)
        grown = bool(reached)
    return tuple(trained), tuple(models)
