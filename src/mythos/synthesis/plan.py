"""A plan: what is to be counted, of which rows, split how; and the one query that it comes to.

A plan is made of names alone. Whoever makes it, the plain planner or a model, cannot write SQL, a number that
was not asked about, or a table that the caller has not. Columns of other tables are reached along declared
keys from many to one, so that no row is counted twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from mythos.errors import DataError
from mythos.synthesis.capture import quote
from mythos.synthesis.lexicon import Place
from mythos.synthesis.terms import ROW_ID, Column, Table, Value

Operation = Literal["sum", "count", "distinct", "avg", "min", "max", "value"]
Comparator = Literal["=", "<>", ">", ">=", "<", "<="]
Bucket = Literal["month", "quarter", "fiscal-quarter", "year", "fiscal"]
Step = tuple[str, str, str, str]
"""A key followed: (table, column, table, column)."""
Way = tuple[Step, ...]
MAX_STEPS: Final = 3
"""Keys to follow from the table whose rows are counted to the one that holds a column."""


@dataclass(frozen=True, slots=True)
class Filter:
    """The rows whose cell compares so with any of the values."""

    place: Place
    comparator: Comparator
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """One question to the caller's rows.

    Attributes:
        table: the table whose rows are counted.
        operation: what is made of `measure`; `count` needs none; `value` reads the cells as they are.
        group: the column, or the bucket of a date column, that splits the rows.
        label: of a grouped key, the column of the same table that says its name.
        order: of the groups, by their value.
        limit: how many groups; those that tie with the last are shown too.
        shown: for `value`, the columns to read; the first is the measure.
    """

    table: str
    operation: Operation
    measure: Place | None = None
    filters: tuple[Filter, ...] = ()
    group: Place | None = None
    bucket: Bucket | None = None
    label: Place | None = None
    order: Literal["asc", "desc"] | None = None
    limit: int | None = None
    shown: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """The caller's tables and how one is reached from another."""

    tables: Mapping[str, Table]
    _paths: dict[tuple[str, str], Way | None] = field(default_factory=dict[tuple[str, str], Way | None])

    def column(self, place: Place) -> Column:
        """The column at a place.

        Raises:
            DataError: the caller has no such column.
        """
        if place.column == ROW_ID and place.table in self.tables:
            return Column(ROW_ID, "integer")
        table = self.tables.get(place.table)
        found = None if table is None else next((c for c in table.columns if c.name == place.column), None)
        if found is None:
            raise DataError(
                "a plan names what is not there", found=f"{place.table}.{place.column}"[:80], code="plan"
            )
        return found

    def path(self, start: str, end: str) -> Way | None:
        """The keys from `start` to `end`; none where there is no single way."""
        if (start, end) not in self._paths:
            self._paths[start, end] = self._find(start, end)
        return self._paths[start, end]

    def _find(self, start: str, end: str) -> Way | None:
        ways: list[Way] = [()]
        for _ in range(MAX_STEPS + 1):
            ended = [way for way in ways if (way[-1][2] if way else start) == end]
            if ended:
                return ended[0] if len(ended) == 1 else None
            ways = [
                (*way, (at, key.column, key.table, key.references))
                for way in ways
                for at in [way[-1][2] if way else start]
                for key in self.tables[at].foreign_keys
                if key.table in self.tables and all(key.table != step[0] for step in way)
                and self.tables[key.table].primary_key == (key.references,)
            ]  # fmt: skip
        return None

    def distance(self, start: str, end: str) -> int | None:
        """How many keys lie between; none where `end` is not reached."""
        path = self.path(start, end)
        return None if path is None else len(path)


def places_of(plan: Plan) -> Iterator[Place]:
    """Every column that a plan reads."""
    for place in (plan.measure, plan.group, plan.label, *plan.shown, *(f.place for f in plan.filters)):
        if place is not None:
            yield place


def query(plan: Plan, schema: Schema, *, extra: int = 20) -> str:
    """The SQL of a plan.

    Columns: `key` (with a group), `label` (with a label), then `value` and `rows`; an average gives `value`
    as the sum and `cells` as the count of what it is of, because a quotient is not exact. Of a `value` plan:
    the shown columns and their source row.

    Args:
        plan: what to ask.
        schema: the caller's tables.
        extra: groups beyond the limit that are fetched, so that ties at the end are seen.

    Raises:
        DataError: the plan names what is not there, or what cannot be reached.
    """
    joins = _joins(plan, schema)
    where = " AND ".join(_condition(f, schema) for f in plan.filters)
    tail = f" WHERE {where}" if where else ""
    source = f"FROM {quote(plan.table)}{joins}{tail}"
    if plan.operation == "value":
        shown = ", ".join(f"{_name(place)} AS {quote(f'c{i}')}" for i, place in enumerate(plan.shown))
        rid = f'{quote(plan.table)}.{ROW_ID} AS "{ROW_ID}:{plan.table}"'
        return f"SELECT {shown}, {rid} {source} ORDER BY {quote(plan.table)}.{ROW_ID}"
    made = f'{_aggregate(plan, schema)}, count(*) AS "rows"'
    if plan.group is None:
        return f"SELECT {made} {source}"
    key = _key(plan, schema)
    label = f", min({_name(plan.label)}) AS label" if plan.label else ""
    direction = {"asc": "ASC", "desc": "DESC", None: ""}[plan.order]
    first = f'"value" {direction} NULLS LAST, ' if plan.order and plan.operation != "avg" else ""
    limit = f" LIMIT {plan.limit + extra}" if plan.limit and plan.operation != "avg" else ""
    return f'SELECT {key} AS "key"{label}, {made} {source} GROUP BY {key} ORDER BY {first}"key"{limit}'


def _aggregate(plan: Plan, schema: Schema) -> str:
    if plan.operation == "count":
        return 'count(*) AS "value"'
    if plan.measure is None:
        raise DataError("a plan measures nothing", expected="a column", code="plan")
    column = schema.column(plan.measure)
    name = _name(plan.measure)
    if plan.operation == "distinct":
        return f'count(DISTINCT {name}) AS "value"'
    if column.type not in {"integer", "decimal"} and not (
        plan.operation in {"min", "max"} and column.type in {"date", "timestamp"}
    ):
        raise DataError(f"{plan.measure.column} is no number", code="plan")
    if plan.operation == "avg":
        return f'sum({name}) AS "value", count({name}) AS "cells"'
    return f'{plan.operation}({name}) AS "value"'


def _key(plan: Plan, schema: Schema) -> str:
    group = plan.group
    if group is None:
        raise DataError("a plan has no group", code="plan")
    name = _name(group)
    if plan.bucket is None:
        return name
    if schema.column(group).type not in {"date", "timestamp"}:
        raise DataError(f"{group.column} is no date", code="plan")
    day = f"CAST({name} AS DATE)"
    if plan.bucket == "fiscal":
        return f"year({day}) - CASE WHEN month({day}) < 4 THEN 1 ELSE 0 END"
    return f"CAST(date_trunc('{plan.bucket.removeprefix('fiscal-')}', {day}) AS DATE)"


def _joins(plan: Plan, schema: Schema) -> str:
    if plan.table not in schema.tables:
        raise DataError("a plan names what is not there", found=plan.table[:80], code="plan")
    steps: dict[Step, None] = {}
    for place in places_of(plan):
        schema.column(place)
        path = schema.path(plan.table, place.table)
        if path is None:
            raise DataError(f"{place.table} is not reached from {plan.table} by one key", code="plan")
        steps |= dict.fromkeys(path)
    targets = [step[2] for step in steps]
    if len(set(targets)) != len(targets):
        raise DataError("a table is reached in two ways", found=", ".join(targets)[:80], code="plan")
    return "".join(
        f" LEFT JOIN {quote(to)} ON {quote(at)}.{quote(column)} = {quote(to)}.{quote(key)}"
        for at, column, to, key in steps
    )


def _name(place: Place) -> str:
    return f"{quote(place.table)}.{quote(place.column)}"


def _condition(filter_: Filter, schema: Schema) -> str:
    kind = schema.column(filter_.place).type
    name = _name(filter_.place)
    if kind == "timestamp":
        name = f"CAST({name} AS DATE)"
    values = [literal(value) for value in filter_.values]
    if not values:
        return "false"
    if filter_.comparator in {"=", "<>"}:
        inside = f"{name} IN ({', '.join(values)})"
        return inside if filter_.comparator == "=" else f"({name} IS NULL OR NOT {inside})"
    return " AND ".join(f"{name} {filter_.comparator} {value}" for value in values)


def literal(value: Value) -> str:
    """A value as SQL writes it."""
    match value:
        case None:
            return "NULL"
        case datetime():
            return f"CAST('{value.isoformat(sep=' ')}' AS TIMESTAMP)"
        case date():
            return f"CAST('{value.isoformat()}' AS DATE)"
        case int():
            return str(value)
        case Decimal():
            return format(value, "f")
        case str():
            return "'" + value.replace("'", "''") + "'"
