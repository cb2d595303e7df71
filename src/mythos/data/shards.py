"""Token shards that know where each token came from, and the manifest that names a run.

documents.jsonl       what is left, as `mythos train` reads it
shards/00000.tokens   little-endian 32-bit token numbers, document after document
index.parquet         for each document: shard, first and last token, id, record, digest of its text
verdicts.parquet      every row that came in: what was removed, why, and the evidence; no text
run.json              digests of all these, and what they were made from
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mythos.data.arrow import Table, compute, pa, parquet
from mythos.errors import DataError, MalformedError
from mythos.evidence.statement import canonical, parse_canonical
from mythos.files import private_folder, write_atomic
from mythos.units import Digest

SHARD: Final = 16 << 20
"""Tokens of a shard, unless one document is longer."""

INDEX: Final = pa.schema(
    [
        ("shard", pa.int32()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("id", pa.string()),
        ("record", pa.string()),
        ("text_digest", pa.string()),
    ]
)
HIDDEN: Final = ("text", "tokens")


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run's folder and manifest. `before`: runs it replaces after a takedown, oldest first."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def digest(self) -> Digest:
        """The run's name: two runs over the same rows with the same settings have the same one."""
        return Digest.of(canonical(dict(self.manifest)))

    @property
    def names(self) -> frozenset[str]:
        """Every digest by which a training run may have named this data, now or before a takedown."""
        files: Mapping[str, str] = self.manifest["files"]
        return frozenset(
            {str(self.digest), self.manifest["dataset"], *files.values(), *self.manifest["before"]}
        )

    def index(self) -> list[dict[str, Any]]:
        """The rows of the index, in the order of the shards."""
        return parquet.read_table(self.folder / "index.parquet").to_pylist()

    def verdicts(self) -> list[dict[str, Any]]:
        """The rows of the verdicts, in the order of ids."""
        return parquet.read_table(self.folder / "verdicts.parquet").to_pylist()

    def documents(self) -> list[dict[str, Any]]:
        """What is left, with its text."""
        with open(self.folder / "documents.jsonl", encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    @classmethod
    def load(cls, folder: Path) -> Run:
        """Read a run; every file must be what the manifest says.

        Raises:
            DataError: missing, or changed.
        """
        try:
            manifest = parse_canonical((folder / "run.json").read_bytes(), 1 << 24)
            for name, digest in manifest["files"].items():
                with open(folder / name, "rb") as file:
                    found = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
                if found != digest:
                    raise DataError(f"{folder / name} changed", expected=digest, found=found)
        except (OSError, MalformedError, KeyError, TypeError) as error:
            raise DataError(f"no whole run at {folder}", found=type(error).__name__) from error
        return cls(folder, manifest)


@dataclass(slots=True)
class _Writer:
    """Documents into shards."""

    folder: Path
    limit: int
    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    shard: int = 0
    held: list[bytes] = field(default_factory=list[bytes])
    count: int = 0

    def add(self, row: Mapping[str, Any], tokens: Any) -> None:
        """One document's tokens."""
        if self.count and self.count + len(tokens) > self.limit:
            self.flush()
        start, self.count = self.count, self.count + len(tokens)
        self.held.append(_little(tokens))
        self.rows.append({"shard": self.shard, "start": start, "end": self.count, **row})

    def flush(self) -> None:
        """Write the shard that is open."""
        if self.count:
            (self.folder / f"{self.shard:05}.tokens").write_bytes(b"".join(self.held))
            self.shard, self.held, self.count = self.shard + 1, [], 0


def _little(tokens: Any) -> bytes:
    numbers = tokens.to_numpy(zero_copy_only=False)
    return (numbers if sys.byteorder == "little" else numbers.byteswap()).tobytes()


def write(
    rows: Table, runs: Path, facts: Mapping[str, Any], before: tuple[str, ...] = (), limit: int = SHARD
) -> Run:
    """Write a run into `runs/DIGEST`, whole or not at all; the same run is written once.

    Args:
        rows: what `process` gave.
        runs: the folder of a country's runs.
        facts: dataset, region, purpose, pipeline, pack, records.
        before: digests of runs that this one replaces.
        limit: tokens of a shard.
    """
    draft = private_folder(runs / f".draft-{hashlib.sha256(canonical(dict(facts))).hexdigest()[:16]}")
    shutil.rmtree(draft)
    private_folder(draft / "shards")
    writer = _Writer(draft / "shards", limit)
    kept = rows.filter(compute.is_null(rows.column("removed")))
    tokens = kept.column("tokens") if "tokens" in kept.column_names else None
    columns = {"id", "record", "text_digest", "text", "language"} & set(kept.column_names)
    with open(draft / "documents.jsonl", "w", encoding="utf-8") as file:
        for n, row in enumerate(kept.select(sorted(columns)).to_pylist()):
            line = {
                "id": row["id"],
                "language": row["language"],
                "record": row["record"],
                "text": row["text"],
            }
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            if tokens is not None:
                writer.add({name: row[name] for name in ("id", "record", "text_digest")}, tokens[n].values)
    writer.flush()
    parquet.write_table(pa.Table.from_pylist(writer.rows, schema=INDEX), draft / "index.parquet")
    told = rows.drop_columns([name for name in HIDDEN if name in rows.column_names])
    parquet.write_table(told, draft / "verdicts.parquet")
    files = sorted(path for path in draft.rglob("*") if path.is_file())
    manifest = {
        **facts,
        "before": list(before),
        "documents": {"in": rows.num_rows, "out": kept.num_rows},
        "tokens": sum(row["end"] - row["start"] for row in writer.rows),
        "files": {str(path.relative_to(draft)): str(Digest.of(path.read_bytes())) for path in files},
    }
    write_atomic(draft / "run.json", canonical(manifest), mode=0o600)
    run = Run(runs / Digest.of(canonical(manifest)).hex, manifest)
    if run.folder.exists():
        shutil.rmtree(draft)
    else:
        draft.rename(run.folder)
    return run
