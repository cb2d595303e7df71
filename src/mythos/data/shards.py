"""Token shards that know where each token came from, and the manifest that names a run.

documents.jsonl       what is left, as `mythos train` reads it; a page and its translation share a `twin`
shards/00000.tokens   little-endian 32-bit token numbers, document after document
index.parquet         for each document: shard, first and last token, id, record, digest of its text
verdicts.parquet      every row that came in: what was removed, why, and the evidence; no text
run.json              digests of all these, and what they were made from
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Generator, Mapping
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
DRAFT: Final = ".draft-"
MANIFEST: Final = 1 << 24
FILES: Final = re.compile(
    r"(?:documents\.jsonl|index\.parquet|verdicts\.parquet|shards/\d{5,9}\.tokens)\Z", re.ASCII
)


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
    def load(cls, folder: Path, digest: Digest | None = None) -> Run:
        """Read a run; its manifest must be the one it is named by, every file what the manifest says.

        Args:
            folder: where it stands.
            digest: its name; None: the folder's.

        Raises:
            DataError: missing, changed, or a file that is a link or stands outside.
        """
        try:
            data = (folder / "run.json").read_bytes()
            if Digest.of(data).hex != (digest.hex if digest else folder.name):
                raise DataError(f"{folder} is another run", found=str(Digest.of(data)))
            manifest = parse_canonical(data, MANIFEST)
            for name, said in manifest["files"].items():
                if not FILES.match(name) or (folder / name).is_symlink():
                    raise DataError(f"{folder} names a file that is not its own", found=name[:80])
                found = _digest(folder / name)
                if found != said:
                    raise DataError(f"{folder / name} changed", expected=said, found=found)
        except (OSError, MalformedError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"no whole run at {folder}",
                found=type(error).__name__,
                advice="Make it again: mythos data run; delete what is left of this one.",
            ) from error
        return cls(folder, manifest)


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


@contextlib.contextmanager
def drafting(runs: Path) -> Generator[Path]:
    """A folder of one's own in which a run is put together; what was not settled is removed."""
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=private_folder(runs)))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def settle(draft: Path, folder: Path) -> None:
    """Give a draft its name; of two with the same one the first stays."""
    try:
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


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

    Raises:
        DataError: a run of this name stands there and is not whole.
    """
    with drafting(runs) as draft:
        private_folder(draft / "shards")
        writer = _Writer(draft / "shards", limit)
        kept = rows.filter(compute.is_null(rows.column("removed")))
        tokens = kept.column("tokens") if "tokens" in kept.column_names else None
        columns = {"id", "record", "text_digest", "text", "language", "twin"} & set(kept.column_names)
        with open(draft / "documents.jsonl", "w", encoding="utf-8") as file:
            for n, row in enumerate(kept.select(sorted(columns)).to_pylist()):
                line = {name: row[name] for name in ("id", "language", "record", "text")}
                twin = {"twin": row["twin"]} if row.get("twin") else {}
                file.write(json.dumps(line | twin, ensure_ascii=False) + "\n")
                if tokens is not None:
                    writer.add(
                        {name: row[name] for name in ("id", "record", "text_digest")}, tokens[n].values
                    )
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
            "files": {str(path.relative_to(draft)): _digest(path) for path in files},
        }
        write_atomic(draft / "run.json", canonical(manifest), mode=0o600)
        folder = runs / Digest.of(canonical(manifest)).hex
        settle(draft, folder)
    return Run.load(folder)
