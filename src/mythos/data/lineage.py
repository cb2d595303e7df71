"""From a token to its document and source, and back: what a takedown touches, down to the models.

where(run, shard=0, start=1000, end=1010)          # documents and byte spans behind these tokens
takedown(store, "JP", {"httpd/install"}, envelopes) # rewrites shards, names runs and models
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mythos.data import ledger
from mythos.data.admit import Dataset
from mythos.data.arrow import pa, parquet
from mythos.data.shards import SHARD, Run, write
from mythos.data.steps import put, tokenise
from mythos.data.store import Store
from mythos.errors import DataError
from mythos.evidence.predicates import Derivation, Takedown, TrainingRun
from mythos.evidence.statement import Envelope
from mythos.units import Digest, Instant


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
    """What a takedown did and reached.

    `near`: a document that went, and the one that stays in its place because it is close to it.
    `copies`: runs that were exported, and the country where they must be taken down too.
    """

    documents: tuple[Digest, ...]
    ids: tuple[str, ...]
    shards: tuple[Digest, ...]
    replaced: tuple[tuple[Digest, Digest], ...]
    training_runs: tuple[Digest, ...]
    models: tuple[Digest, ...]
    near: tuple[tuple[str, str], ...]
    copies: tuple[tuple[str, str], ...]

    def act(self, reason: str, now: Instant) -> Takedown:
        """The predicate of the act."""
        return Takedown(self.documents, self.shards, self.models, reason, now)


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
        names: ids, record names or digests of texts; each must name something.
        envelopes: the log's statements, in order.
        limit: tokens of a shard, for the shards that are written again.

    Raises:
        DataError: a name that names nothing.
    """
    datasets = [
        Dataset.load(store, region, Digest.parse(f"sha256:{path.stem}"))
        for path in sorted((store.region(region) / "datasets").glob("*.json"))
    ]
    listed = [(one.digest, *row) for one in datasets for row in one.documents]
    unknown = [n for n in names if not any(n in {key, record, str(d)} for _, key, record, d in listed)]
    if unknown:
        raise DataError(
            "nothing of this name was admitted", expected="an id, a record or a digest", found=unknown[0]
        )
    known = [(run, run.verdicts()) for run in runs(store, region)]
    digests = {d for _, key, record, d in listed if {key, record, str(d)} & set(names)}
    gone: set[tuple[str, str]] = set()
    size = 0
    while size != len(digests):
        size = len(digests)
        gone = {(str(dataset), key) for dataset, key, _, d in listed if d in digests}
        gone |= {(run.manifest["dataset"], key) for run, rows in known for key in _equal(rows, run, gone)}
        digests |= {d for dataset, key, _, d in listed if (str(dataset), key) in gone}
    near = {
        (row["id"], row["evidence"])
        for run, rows in known
        for row in rows
        if row["removed"] == "near" and (run.manifest["dataset"], row["id"]) in gone
    }
    touched: set[str] = set()
    shards: set[str] = set()
    replaced: list[tuple[Digest, Digest]] = []
    for run, rows in known:
        ids = {row["id"] for row in rows if row["removed"] is None} & _ids(run, gone)
        # A call that was killed half-way is made again: what an earlier one took out was read all the same.
        earlier = {row["id"] for row in rows if row["removed"] == "takedown"} & _ids(run, gone)
        touched |= run.names if ids | earlier else set()
        if ids:
            files = run.manifest["files"]
            shards |= {files[f"shards/{row['shard']:05}.tokens"] for row in run.index() if row["id"] in ids}
            replaced.append((run.digest, _rewrite(run, ids, limit).digest))
    trained, models = readers(touched, envelopes)
    log = list(ledger.entries(store.ledger(region)))
    for digest in digests:
        store.delete(region, digest)
    done = Affected(
        tuple(sorted(digests)),
        tuple(sorted({key for _, key in gone})),
        tuple(Digest.parse(one) for one in sorted(shards)),
        tuple(replaced),
        trained,
        models,
        tuple(sorted(near)),
        tuple(sorted({(e["run"], e["to"]) for e in log if e["kind"] == "export" and e["run"] in touched})),
    )
    body = {
        "documents": [str(d) for d in done.documents],
        "replaced": [[str(a), str(b)] for a, b in replaced],
    }
    ledger.append(store.ledger(region), "takedown", body)
    return done


def _ids(run: Run, gone: Collection[tuple[str, str]]) -> set[str]:
    return {key for dataset, key in gone if dataset == run.manifest["dataset"]}


def _equal(rows: list[dict[str, Any]], run: Run, gone: Collection[tuple[str, str]]) -> set[str]:
    """The ids of a run whose normal text is that of a document that goes."""
    ids = _ids(run, gone)
    first = {row["id"]: row["evidence"] if row["removed"] == "exact" else row["id"] for row in rows}
    texts = {first[key] for key in ids if key in first}
    return {key for key, one in first.items() if one in texts}


def _rewrite(run: Run, ids: Collection[str], limit: int) -> Run:
    """The run without some documents; each of them is a removed row of the new one."""
    rows = parquet.read_table(run.folder / "verdicts.parquet")
    texts = {one["id"]: one["text"] for one in run.documents()}
    names = rows.column("id").to_pylist()
    for column, value in (("removed", "takedown"), ("reason", "taken down")):
        old = rows.column(column).to_pylist()
        new = [
            value if name in ids and name in texts else kept for name, kept in zip(names, old, strict=True)
        ]
        rows = put(rows, column, new, pa.string())
    stays = [texts.get(name, "") if name not in ids else "" for name in names]
    rows = put(rows, "text", stays, pa.large_string())
    if index := run.index():
        tokens = {row["id"]: _tokens(run.folder, row) for row in index if row["id"] not in ids}
        rows = put(rows, "tokens", [tokens.get(name) for name in names], pa.list_(pa.uint32()))
    facts = {k: v for k, v in run.manifest.items() if k not in {"before", "documents", "tokens", "files"}}
    new_run = write(rows, run.folder.parent, facts, (*run.manifest["before"], *sorted(run.names)), limit)
    shutil.rmtree(run.folder)
    return new_run


def _tokens(folder: Path, row: dict[str, Any]) -> list[int]:
    with open(folder / "shards" / f"{row['shard']:05}.tokens", "rb") as file:
        file.seek(4 * row["start"])
        data = file.read(4 * (row["end"] - row["start"]))
    return [int.from_bytes(data[n : n + 4], "little") for n in range(0, len(data), 4)]


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
