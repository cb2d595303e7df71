"""The second path: every number of an answer computed again, another way, before anyone sees it.

Up to `MAX_READ` rows of a table are read as they are and joined, filtered and added up here, in Python, with
no SQL but `SELECT columns`. Larger tables are asked again in parts by row number and the parts are put
together here. A number that the two paths do not agree on is not shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Context, Decimal
from typing import Any, Final

from mythos.errors import DataError
from mythos.synthesis.capture import quote
from mythos.synthesis.cell import MAX_ROWS, Cells
from mythos.synthesis.lexicon import Place
from mythos.synthesis.plan import Filter, Plan, Schema, places_of, query
from mythos.synthesis.terms import ROW_ID, Result, Value

MAX_READ: Final = 50_000
PARTS: Final = 4
_EXACT: Final = Context(prec=100)

Row = dict[Place, Value]


@dataclass(slots=True)
class _Sum:
    """What is known of one group."""

    label: Value = None
    rows: int = 0
    cells: int = 0
    total: Decimal = Decimal(0)
    least: Any = None
    most: Any = None
    different: set[Value] | None = None

    def add(self, value: Value) -> None:
        self.rows += 1
        if value is None:
            return
        self.cells += 1
        if self.different is None:
            self.different = set()
        self.different.add(value)
        if isinstance(value, int | Decimal):
            self.total = _EXACT.add(self.total, Decimal(value))
        self.least = value if self.least is None else min(self.least, value)
        self.most = value if self.most is None else max(self.most, value)

    def value(self, plan: Plan) -> Value:
        match plan.operation:
            case "count":
                return self.rows
            case "distinct":
                return len(self.different or ())
            case "min":
                return self.least
            case "max":
                return self.most
            case _:
                return _number(self.total) if self.cells else None


def recheck(plan: Plan, schema: Schema, cells: Cells, result: Result) -> None:
    """Compute a plan's result again.

    Raises:
        DataError: the two paths differ; `code` is `recheck`.
    """
    counts = {name: _count(cells, name) for name in {plan.table, *(p.table for p in places_of(plan))}}
    if plan.operation == "value":
        if max(counts.values()) <= MAX_READ:
            _same_cells(plan, schema, cells, result)
        return
    if max(counts.values()) <= MAX_READ:
        expected = _from_rows(plan, schema, cells)
    elif plan.operation != "distinct":
        expected = _from_parts(plan, schema, cells)
    else:
        raise DataError(
            "different values of so many rows are not counted in two ways",
            expected=f"at most {MAX_READ} rows",
            advice="Make it a reviewed metric of the catalogue.", code="recheck",
        )  # fmt: skip
    names = list(result.columns)
    for row in result.rows:
        held = dict(zip(names, row, strict=True))
        found = expected.get(held.get("key"))
        agreed = found is not None or (plan.group is None and held["rows"] == 0)
        if found is not None:
            agreed = _equal(found.value(plan), held["value"]) and found.rows == held["rows"]
            agreed = agreed and ("cells" not in held or held["cells"] == found.cells)
        if not agreed:
            raise _differ(plan)
    if (
        result.complete
        and plan.limit is None
        and plan.group is not None
        and len(expected) != len(result.rows)
    ):
        raise _differ(plan)
    if plan.limit is not None and plan.order is not None:
        _best_first(plan, expected, result)


def _best_first(plan: Plan, expected: dict[Value, _Sum], result: Result) -> None:
    """Of a ranking: no group that was left out is better than the last that was shown."""
    if plan.operation == "avg":
        return
    shown = {row[0] for row in result.rows}
    sign = -1 if plan.order == "desc" else 1
    left = [found.value(plan) for key, found in expected.items() if key not in shown]
    last = result.rows[-1][result.columns.index("value")] if result.rows else None
    for value in left:
        if value is not None and last is not None and sign * Decimal(str(value)) < sign * Decimal(str(last)):
            raise _differ(plan)


def _differ(plan: Plan) -> DataError:
    return DataError(
        "two ways to compute a number differ", found=f"{plan.operation} of {plan.table}", code="recheck"
    )


def _equal(one: Value, other: Value) -> bool:
    if isinstance(one, int | Decimal) and isinstance(other, int | Decimal):
        return Decimal(one) == Decimal(other)
    return one == other


def _number(value: Decimal) -> int | Decimal:
    return int(value) if value == value.to_integral_value() else value


def _count(cells: Cells, table: str) -> int:
    (row,) = cells.run(f"SELECT count(*) FROM {quote(table)}").rows
    return int(str(row[0]))


def _same_cells(plan: Plan, schema: Schema, cells: Cells, result: Result) -> None:
    held = [tuple(row[place] for place in plan.shown) for row in _rows(plan, schema, cells)]
    shown = result.rows
    if list(shown) != held[: len(shown)] or (result.complete and len(held) != len(shown)):
        raise _differ(plan)


def _from_rows(plan: Plan, schema: Schema, cells: Cells) -> dict[Value, _Sum]:
    groups: dict[Value, _Sum] = defaultdict(_Sum)
    for row in _rows(plan, schema, cells):
        key = None if plan.group is None else _bucket(row[plan.group], plan.bucket)
        groups[key].add(None if plan.measure is None else row[plan.measure])
    return groups


def _rows(plan: Plan, schema: Schema, cells: Cells) -> Iterator[Row]:
    """The plan's rows, with every column it reads, in the order of their table."""
    needed: dict[str, set[str]] = defaultdict(set)
    steps: dict[tuple[str, str, str, str], None] = {}
    for place in places_of(plan):
        needed[place.table].add(place.column)
        steps |= dict.fromkeys(schema.path(plan.table, place.table) or ())
    for at, column, to, key in steps:
        needed[at].add(column)
        needed[to].add(key)
    needed[plan.table].add(ROW_ID)
    held = {table: _read(cells, table, sorted(columns)) for table, columns in needed.items()}
    keyed = {to: _keyed(held[to], key) for _, _, to, key in steps}
    tests = [(f.place, _test(f)) for f in plan.filters]
    for first in held[plan.table]:
        rows = {plan.table: first}
        for at, column, to, _ in steps:
            rows[to] = keyed[to].get(rows[at].get(column), {})
        row = {p: rows[p.table].get(p.column) for p in places_of(plan)}
        if all(test(row[place]) for place, test in tests):
            yield row


def _read(cells: Cells, table: str, columns: Sequence[str]) -> list[dict[str, Value]]:
    listed = ", ".join(f"{quote(column)} AS {quote(f'c{i}')}" for i, column in enumerate(columns))
    rows: list[dict[str, Value]] = []
    last = 0
    while True:
        sql = (
            f"SELECT {listed}, {ROW_ID} AS at FROM {quote(table)} WHERE {ROW_ID} > {last} "
            f"ORDER BY {ROW_ID} LIMIT {MAX_ROWS}"
        )
        result = cells.run(sql, limit=MAX_ROWS)
        rows += [dict(zip(columns, row, strict=False)) for row in result.rows]
        if len(result.rows) < MAX_ROWS:
            return rows
        last = int(str(result.rows[-1][-1]))


def _keyed(rows: list[dict[str, Value]], key: str) -> dict[Value, dict[str, Value]]:
    keyed: dict[Value, dict[str, Value]] = {}
    for row in rows:
        if row[key] is not None:
            if row[key] in keyed:
                raise DataError(
                    "a key stands twice",
                    found=key,
                    advice="Say in `duplicates` which row counts.",
                    code="recheck",
                )
            keyed[row[key]] = row
    return keyed


def _test(filter_: Filter) -> Callable[[Value], bool]:
    values = filter_.values
    match filter_.comparator:
        case "=":
            return lambda cell: _day(cell) in values
        case "<>":
            return lambda cell: cell not in values
        case ">":
            return lambda cell: cell is not None and all(_day(cell) > v for v in values)  # type: ignore[operator]
        case ">=":
            return lambda cell: cell is not None and all(_day(cell) >= v for v in values)  # type: ignore[operator]
        case "<":
            return lambda cell: cell is not None and all(_day(cell) < v for v in values)  # type: ignore[operator]
        case "<=":
            return lambda cell: cell is not None and all(_day(cell) <= v for v in values)  # type: ignore[operator]


def _day(cell: Value) -> Any:
    return cell.date() if isinstance(cell, datetime) else cell


def _bucket(cell: Value, bucket: str | None) -> Value:
    day = _day(cell)
    if bucket is None or not isinstance(day, date):
        return cell
    match bucket:
        case "month":
            return day.replace(day=1)
        case "quarter" | "fiscal-quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            return day.replace(month=1, day=1)
        case _:
            return day.year - (day.month < 4)


def _from_parts(plan: Plan, schema: Schema, cells: Cells) -> dict[Value, _Sum]:
    groups: dict[Value, _Sum] = defaultdict(_Sum)
    for sql in _parts(plan, schema, cells):
        result = cells.run(sql, limit=MAX_ROWS)
        for row in result.rows:
            held = dict(zip(result.columns, row, strict=True))
            group = groups[held.get("key")]
            group.rows += int(str(held["rows"]))
            value = held["value"]
            if value is None:
                continue
            group.cells += int(str(held.get("cells", 1)))
            if isinstance(value, int | Decimal):
                group.total = _EXACT.add(group.total, Decimal(value))
            group.least = value if group.least is None else min(group.least, value)
            group.most = value if group.most is None else max(group.most, value)
    return groups


def _parts(plan: Plan, schema: Schema, cells: Cells) -> Iterator[str]:
    """The plan's query over one range of rows each, with every group of it."""
    (row,) = cells.run(f"SELECT max({ROW_ID}) FROM {quote(plan.table)}").rows
    step = int(str(row[0] or 0)) // PARTS + 1
    at = Place(plan.table, ROW_ID)
    whole = replace(plan, order=None, limit=None, label=None)
    for part in range(PARTS):
        bounds = (Filter(at, ">=", (part * step,)), Filter(at, "<", ((part + 1) * step,)))
        yield query(replace(whole, filters=(*plan.filters, *bounds)), schema)
