"""What only the rows can tell: a name that two bear, a lowest that has none, a last place shared by many.

The plan is sound, and what it gives would still be read as something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from mythos.synthesis.capture import quote
from mythos.synthesis.cell import MAX_ROWS, Cells
from mythos.synthesis.periods import Period
from mythos.synthesis.plan import Plan, Schema, literal, query
from mythos.synthesis.terms import Catalog, Result

TIES = 20
"""Groups beyond the limit that are fetched; when all of them tie with the last, there may be more."""
_NEARLY_ALL, _OF_NAMES = 0.9, 0.5
"""From this share of different cells on, a column tells its rows apart; the lower one is for names."""
_MONTHS = {"month": 1, "quarter": 3, "fiscal-quarter": 3, "year": 12, "fiscal": 12}


def doubt(plan: Plan, schema: Schema, cells: Cells, result: Result) -> str | None:
    """Why a result does not answer its plan's question; none when it does."""
    if plan.operation == "value" and plan.limit == 1 and len(result.rows) > 1:
        return "several rows bear that name"
    for text in _names(plan, schema, cells):
        return text
    if plan.limit is not None and plan.operation not in {"value", "avg"}:
        values = [row[result.columns.index("value")] for row in result.rows]
        if len(values) >= plan.limit + TIES and values[-1] == values[plan.limit - 1]:
            return "too many share the last place"
    adds = plan.operation in {"sum", "count", "distinct"}
    if plan.order == "asc" and adds and _has_empty(plan, schema, cells):
        return "some have no rows at all, and so the least"
    return None


def _names(plan: Plan, schema: Schema, cells: Cells) -> Iterator[str]:
    """A name by which rows are told apart, but not these."""
    for filter_ in plan.filters:
        table, place = schema.tables[filter_.place.table], filter_.place
        if filter_.comparator != "=" or schema.column(place).type not in {"text", "code"}:
            continue
        if len(table.primary_key) != 1 or place.column in table.primary_key:
            continue
        column, name = quote(place.column), quote(table.name)
        listed = ", ".join(map(literal, filter_.values))
        ((borne, rows, different),) = cells.run(
            f"SELECT count(CASE WHEN {column} IN ({listed}) THEN 1 END), count({column}), "
            f"count(DISTINCT {column}) FROM {name}"
        ).rows
        said = schema.column(place)
        named = "name" in f"{said.name} {said.description.en}".lower() or "名" in said.description.ja
        share = (_OF_NAMES if named else _NEARLY_ALL) * int(str(rows))
        if int(str(borne)) > len(filter_.values) and int(str(different)) >= share:
            yield "several rows bear that name"


def _has_empty(plan: Plan, schema: Schema, cells: Cells) -> bool:
    """Whether something that could be ranked lowest has no rows, and so is in no group."""
    group = plan.group
    if group is None:
        return False
    if plan.bucket is not None:
        return _has_empty_time(plan, schema, cells)
    if group.table == plan.table:
        return False
    own = tuple(f for f in plan.filters if f.place.table == group.table)
    there = cells.run(query(Plan(group.table, "distinct", group, own), schema)).rows
    seen = cells.run(query(Plan(plan.table, "distinct", group, plan.filters), schema)).rows
    return int(str(there[0][0])) > int(str(seen[0][0]))


def _has_empty_time(plan: Plan, schema: Schema, cells: Cells) -> bool:
    whole = cells.run(query(replace(plan, order=None, limit=None), schema), limit=MAX_ROWS)
    keys = [row[0] for row in whole.rows if row[0] is not None]
    bucket = plan.bucket or "month"
    seen = {_ordinal(key, bucket) for key in keys}
    days = [
        value if f.comparator == ">=" else value - timedelta(1)
        for f in plan.filters
        for value in f.values
        if f.place == plan.group and isinstance(value, date)
    ]
    found = seen | {_ordinal(day, bucket) for day in days}
    return bool(found) and max(found) - min(found) + 1 > len(seen)


def _ordinal(key: object, bucket: str) -> int:
    """Which of all months, quarters or years; a fiscal year's key is its number."""
    if not isinstance(key, date):
        return int(str(key))
    month = key.year * 12 + key.month - 1 - (3 if bucket == "fiscal" else 0)
    return month // _MONTHS[bucket]


def uncovered(periods: tuple[Period, ...], catalog: Catalog) -> Period | None:
    """The time that the data holds, where a period that was asked about reaches beyond it."""
    if catalog.covers is None:
        return None
    held = Period(catalog.covers[0], catalog.covers[1] + timedelta(1))
    beyond = any(
        (p.start is not None and p.start < catalog.covers[0])
        or (p.end is not None and p.end - timedelta(1) > catalog.covers[1])
        for p in periods
    )
    return held if beyond else None
