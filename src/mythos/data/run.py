"""The pipeline over a dataset: steps over batches in a process pool, or on Ray, then one look over all rows.

rows = table(store, dataset, "train", pack, on)
done = process(rows, Pipeline(languages=("ja", "en")), in_pool(2), salt)
done = process(rows, Pipeline(languages=("ja", "en")), in_ray("JP"), salt)     # the same bytes
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

from mythos.data import ledger
from mythos.data.admit import Dataset
from mythos.data.arrow import Table, pa
from mythos.data.pack import Pack
from mythos.data.rights import Place, Purpose, decide
from mythos.data.steps import COLUMNS, Step, duplicates, language, names, pii, tokenise
from mythos.data.steps.normalise import normalise
from mythos.data.steps.quality import quality
from mythos.data.store import Store
from mythos.errors import DataError
from mythos.units import Digest

BATCH: Final = 500
Runner = Callable[[Table, Sequence[Step]], Table]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What to do: languages to keep (none: all), similarity of near duplicates, the tokenizer's file.

    `named`: mask personal names in Japanese too; needs the extra `ja`.
    """

    languages: tuple[str, ...] = ()
    threshold: float = duplicates.THRESHOLD
    tokenizer: str | None = None
    named: bool = False

    def before(self, salt: bytes) -> tuple[Step, ...]:
        """The steps over one batch, before duplicates are looked for."""
        told = language.step(*self.languages)
        return (normalise, told, quality, pii.step(salt, named=self.named), duplicates.sketch)

    def after(self) -> tuple[Step, ...]:
        """The steps over one batch of what is left."""
        return (tokenise.step(self.tokenizer),) if self.tokenizer else ()

    def document(self) -> dict[str, Any]:
        """As JSON: a threshold is decimal text, a tokenizer is named by its digest."""
        return {
            "languages": list(self.languages),
            "threshold": str(self.threshold),
            "tokenizer": str(Digest.of(Path(self.tokenizer).read_bytes())) if self.tokenizer else None,
            **({"names": names.version()} if self.named else {}),
        }


def table(store: Store, dataset: Dataset, purpose: Purpose, pack: Pack, on: date) -> Table:
    """The rows of a dataset, each record decided again today; a record no longer allowed is a removed row.

    Raises:
        DataError: a text changed, or is missing although nobody took it down.
    """
    region = dataset.region
    place = Place(region, region, third_party=False)
    decisions = {name: decide(one, purpose, place, pack, on) for name, one in dataset.records.items()}
    taken = ledger.taken(store.ledger(region))
    rows: list[dict[str, Any]] = []
    for name, record, digest in dataset.documents:
        gone = str(digest) in taken
        refused = not decisions[record].allowed
        rows.append(
            {
                "id": name,
                "record": record,
                "twin": dataset.twins.get(name),
                "text": "" if gone or refused else store.get(region, digest).decode(),
                "removed": "takedown" if gone else "rights" if refused else None,
                "reason": "taken down" if gone else decisions[record].words if refused else None,
                "evidence": str(decisions[record].digest) if refused and not gone else None,
            }
        )
    return pa.Table.from_pylist(rows, schema=pa.schema(COLUMNS))


def process(rows: Table, pipeline: Pipeline, runner: Runner, salt: bytes) -> Table:
    """Every step, in order. The result depends on the rows, the pipeline and the salt alone.

    Raises:
        DataError: no rows.
    """
    if not rows.num_rows:
        raise DataError("a dataset without documents", expected="at least one row")
    sketched = runner(rows.sort_by("id"), pipeline.before(salt)).sort_by("id").combine_chunks()
    alone = duplicates.near(duplicates.exact(sketched), pipeline.threshold).drop_columns(["bands"])
    return runner(alone, pipeline.after()).sort_by("id").combine_chunks() if pipeline.tokenizer else alone


def apply(steps: Sequence[Step], rows: Table) -> Table:
    """The steps one after another on one batch."""
    for step in steps:
        rows = step(rows)
    return rows


def batches(rows: Table) -> list[Table]:
    """The rows in slices of `BATCH`."""
    return [rows.slice(n, BATCH).combine_chunks() for n in range(0, rows.num_rows, BATCH)]


def in_pool(workers: int) -> Runner:
    """Run batches on this machine, in `workers` processes (1: in this one)."""

    def runner(rows: Table, steps: Sequence[Step]) -> Table:
        parts, work = batches(rows), partial(apply, steps)
        if workers == 1 or len(parts) == 1:
            return pa.concat_tables([work(part) for part in parts])
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(workers, len(parts)), mp_context=context) as pool:
            return pa.concat_tables(list(pool.map(work, parts)))

    return runner
