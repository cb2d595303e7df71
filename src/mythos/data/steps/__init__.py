"""The steps of the pipeline: a table in, the same rows out with more columns. Nothing is deleted.

A row that a step takes out gets `removed` (the step), `reason` and `evidence` (for a duplicate: the document
that stays); later steps leave it alone. Steps over one batch (`normalise`, `language`, `quality`, `pii`,
`sketch`, `tokenise`) are plain functions of a table and run anywhere; `exact` and `near` see every row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from mythos.data.arrow import Table, pa

COLUMNS: Final = {
    "id": pa.string(),
    "record": pa.string(),
    "text": pa.large_string(),
    "removed": pa.string(),
    "reason": pa.string(),
    "evidence": pa.string(),
    "twin": pa.string(),
}
Step = Callable[[Table], Table]
Removals = Mapping[int, tuple[str, str | None]]


def texts(table: Table) -> list[str | None]:
    """The text of each row that is still in; None for the others."""
    removed = table.column("removed").to_pylist()
    return [
        None if out else text for text, out in zip(table.column("text").to_pylist(), removed, strict=True)
    ]


def put(table: Table, name: str, values: Iterable[object], kind: Any) -> Table:
    """The table with a column set."""
    column = pa.array(values, type=kind)
    where = table.schema.get_field_index(name)
    return table.append_column(name, column) if where < 0 else table.set_column(where, name, column)


def remove(table: Table, step: str, removals: Removals) -> Table:
    """Mark rows as removed by a step, each with its reason and evidence."""
    if not removals:
        return table
    for name, value in (("removed", step), ("reason", None), ("evidence", None)):
        which = 0 if name == "reason" else 1
        old = table.column(name).to_pylist()
        new = [(value or removals[i][which]) if i in removals else kept for i, kept in enumerate(old)]
        table = put(table, name, new, pa.string())
    return table
