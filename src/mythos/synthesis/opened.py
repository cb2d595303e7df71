"""The sources of an answer, opened: the rows below a number, the passage around a quote.

Rows come from the same capture and through the same gate as the number, so nobody sees a row that they could
not have asked for. Of a group only the group's own rows are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from mythos.errors import DataError
from mythos.synthesis.answers import rendered
from mythos.synthesis.cell import Cells
from mythos.synthesis.documents import text_of
from mythos.synthesis.terms import ROW_ID, Capture, Language, Result, Table, View
from mythos.units import Digest

ROWS: Final = 20
REFS: Final = 60
AROUND: Final = 600
"""Bytes of a document before and after its quote."""


def opened(document: Mapping[str, Any], view: View, taken: Capture) -> dict[str, dict[str, Any]]:
    """By reference, what stands behind each part of an answer.

    Args:
        document: the JSON document of an answer.
        view: of the person who was answered.
        taken: the capture it was answered from.

    Returns:
        `{"table", "columns", "rows", "numbers", "complete"}` of a cell, `{"before", "quote", "after"}` of a
        quote; at most `REFS` of them. What cannot be shown is left out; `refs` still says what it is.
    """
    made: dict[str, dict[str, Any]] = {}
    held: dict[str, dict[str, Any]] = {}
    language: Language = document["language"]
    with Cells(taken) as cells:
        for ref, source in list(document["refs"].items())[:REFS]:
            with suppress(DataError, SqlglotError, StopIteration):
                if "span" in source:
                    made[ref] = _passage(source, view)
                elif "sql" in source:
                    sql = rows_query(source, taken)
                    if sql not in held:
                        held[sql] = _rows(cells.run(sql, limit=ROWS), taken, language)
                    if _are_all(held[sql], source.get("rows")):
                        made[ref] = held[sql]
    return made


def _are_all(found: Mapping[str, Any], counted: Any) -> bool:
    """Whether the rows found are as many as the cell counted, so that no others are shown below it."""
    if not isinstance(counted, int):
        return True
    return len(found["rows"]) == counted if found["complete"] else counted > ROWS


def _passage(source: Mapping[str, Any], view: View) -> dict[str, Any]:
    document = next(d for d in view.documents if d.file == source["file"])
    data = text_of(view.catalog.root, document).encode()
    if str(Digest.of(data)) != source["capture"]:
        raise DataError(f"{document.file} changed since it was quoted", code="recheck")
    start, end = source["span"]
    before = data[max(0, start - AROUND) : start].decode(errors="ignore")
    after = data[end : end + AROUND].decode(errors="ignore")
    return {"before": before, "quote": data[start:end].decode(), "after": after}


def rows_query(source: Mapping[str, Any], taken: Capture) -> str:
    """The query for the rows below a cell: the cell's own, without its aggregate, and of its group alone.

    Raises:
        DataError: the cell's query has no such rows (it joins itself, or is more than one SELECT).
    """
    tree = sqlglot.parse_one(source["sql"], read="duckdb")
    origin = tree.args.get("from_") or tree.args.get("from")
    if not isinstance(tree, exp.Select) or origin is None or tree.find(exp.Subquery, exp.CTE, exp.Union):
        raise DataError("the rows below this query cannot be shown", code="query")
    named: exp.Table = origin.this
    table = next(table for table in taken.tables if table.name == named.name)
    columns = [
        exp.column(ROW_ID, named.alias_or_name, quoted=True).as_(f"{ROW_ID}:{table.name}", quoted=True)
    ]
    asked = {column.name for column in tree.find_all(exp.Column)}
    first = (*table.primary_key, *(c.name for c in table.columns if c.name in asked))
    names = dict.fromkeys((*first, *(c.name for c in table.columns)))
    shown = {c.name for c in table.columns}
    columns += [exp.column(name, named.alias_or_name, quoted=True) for name in names if name in shown]
    query = exp.select(*columns).from_(named.copy())
    for join in tree.args.get("joins") or ():
        query.append("joins", join.copy())
    if (where := tree.args.get("where")) is not None:
        query = query.where(where.this.copy())
    group = tree.args.get("group")
    if group is not None and source.get("key") is not None:
        text = exp.cast(group.expressions[0].copy(), "VARCHAR")
        query = query.where(text.eq(exp.Literal.string(str(source["key"]))))
    elif isinstance(source.get("rows"), list):
        own = [row for name, row in source["rows"] if name == table.name]
        row_id = exp.column(ROW_ID, named.alias_or_name, quoted=True)
        query = query.where(row_id.isin(*own))
    return query.sql(dialect="duckdb")


def _rows(result: Result, taken: Capture, language: Language) -> dict[str, Any]:
    numbers = [dict(ids) for ids in result.row_ids]
    table = _table(numbers[0] if numbers else {}, taken)
    units = {column.name: column.unit for column in table.columns} if table else {}
    return {
        "table": "" if table is None else table.name,
        "columns": list(result.columns),
        "rows": [
            [
                rendered(value, units.get(name), language)
                for name, value in zip(result.columns, row, strict=True)
            ]
            for row in result.rows
        ],
        "numbers": [next(iter(ids.values()), None) for ids in numbers],
        "complete": result.complete,
    }


def _table(ids: Mapping[str, int], taken: Capture) -> Table | None:
    return next((table for table in taken.tables if table.name in ids), None)
