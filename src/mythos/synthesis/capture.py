"""Bring the caller's rows, and nothing else, into one file of typed, exact values.

A database is no boundary between tenants, so the boundary is what the file holds: rows of other tenants and
columns closed to the person are not in it. Cells are read once for each distinct text. The file's name is the
digest of the sources and of every rule, so a second question finds it again, and two people never share one.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from mythos.errors import DataError
from mythos.files import private_folder
from mythos.synthesis.digests import Digests, hashed, used
from mythos.synthesis.sources import Raw, bounded_bytes, read_csv, read_postgresql, read_xlsx
from mythos.synthesis.terms import ROW_ID, Capture, Column, Person, Table, View
from mythos.synthesis.values import fold, read_cell
from mythos.synthesis.view import rows_of
from mythos.units import Digest

FORMAT: Final = "capture/2"
MEMORY: Final = "700MB"
_NUMERIC: Final = frozenset({"integer", "decimal"})
_CLEAN: Final = r"^[!-~]([ -~]*[!-~])?$"
"""Texts of printable ASCII without space at either end, which folding leaves alone unless spaces double."""


def capture(view: View, cache: Path) -> Capture:
    """The person's rows of every table of the view.

    Args:
        view: whose rows, and of what.
        cache: a private folder for captures, made when missing.

    Raises:
        DataError: a source is gone, too large, or holds a cell that cannot be read.
    """
    private_folder(cache)
    originals = {table.name: table for table in view.catalog.tables}
    remote = [table.name for table in view.tables if table.format == "postgresql"]
    fetched = {name: read_postgresql(originals[name], view.person.tenant) for name in remote}
    root = view.catalog.root
    with Digests(cache / "digests.json") as digests:
        sources = {t.name: (t.file, digests.of(root, t, fetched.get(t.name))) for t in view.tables}
    rules = [_rule(originals[table.name], table, view.person) for table in view.tables]
    named = json.dumps([FORMAT, {k: str(d) for k, (_, d) in sources.items()}, rules], sort_keys=True)
    digest = Digest.of(named.encode())
    path = cache / f"{digest.hex}.duckdb"
    taken = Capture(digest, path, view.tables, sources)
    if not path.exists():
        _build(view, originals, taken, fetched)
    used(path)
    return taken


def _rule(whole: Table, seen: Table, person: Person) -> list[Any]:
    """Everything that decides which cells a table has, as JSON."""
    columns = [
        [c.name, c.type, c.unit, str(c.scale), sorted(c.missing), c in seen.columns] for c in whole.columns
    ]
    keys = [list(whole.primary_key), repr(whole.duplicates), [list(rule) for rule in rows_of(whole, person)]]
    return [whole.name, whole.format, whole.encoding, whole.header_row, columns, keys]


def _build(view: View, originals: dict[str, Table], taken: Capture, fetched: dict[str, Raw]) -> None:
    with tempfile.TemporaryDirectory(dir=taken.file.parent) as working:
        path = Path(working) / "capture.duckdb"
        with contextlib.closing(duckdb.connect(str(path))) as database:
            database.execute(f"SET memory_limit='{MEMORY}'; SET temp_directory='{working}/spill'")
            database.execute("SET preserve_insertion_order=true; SET TimeZone='UTC'")
            for seen in view.tables:
                read = taken.sources[seen.name][1], fetched.get(seen.name)
                builder = _Builder(database, originals[seen.name], view, read)
                try:
                    builder.build(seen, view.person)
                except duckdb.Error as error:
                    # Only words that cannot hold a cell are told: it may be one of a row that is not theirs.
                    told = isinstance(
                        error, duckdb.IOException | duckdb.CatalogException | duckdb.BinderException
                    )
                    text = str(error).splitlines()[0][:200] if told else type(error).__name__
                    raise DataError(
                        f"{seen.file} cannot be read as {seen.name}", found=text,
                        advice="Correct the types and scales of its columns, or the file.",
                    ) from (error if told else None)  # fmt: skip
            database.execute("CHECKPOINT")
        path.chmod(0o600)
        path.replace(taken.file)


def quote(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


class _Builder:
    """One table on its way in: raw columns, then typed ones, then only the caller's rows."""

    def __init__(
        self, database: duckdb.DuckDBPyConnection, table: Table, view: View, read: tuple[Digest, Raw | None]
    ) -> None:
        self._database = database
        self._table = table
        self._path = view.catalog.root / table.file
        self._digest, self._fetched = read
        self._tenants = {*view.catalog.tenants, *(person.tenant for person in view.catalog.people)}
        self._shown: set[str] = set()

    def build(self, seen: Table, person: Person) -> None:
        run = self._database.execute
        self._load(person)
        source = self._of_tenant(person)
        open_names = {column.name for column in seen.columns}
        limits = [column for column, _ in rows_of(self._table, person)]
        by = [] if self._table.duplicates is None else [self._table.duplicates.by]
        needed = open_names.union(limits, self._table.primary_key, by)
        self._shown = open_names if set(limits) <= {self._table.tenant_column} else set()
        joins: list[str] = []
        typed = [
            self._typed(i, column, source, joins) if column.name in needed else "NULL"
            for i, column in enumerate(self._table.columns)
        ]
        columns = ", ".join(
            f"{sql} AS {quote(c.name)}" for sql, c in zip(typed, self._table.columns, strict=True)
        )
        run(
            f"CREATE TEMP VIEW typed AS SELECT {source}.rid AS {ROW_ID}, {columns} "
            f"FROM {source} {' '.join(joins)}"
        )
        kept = self._deduplicated()
        conditions: list[str] = []
        values: list[str] = []
        for column, allowed in rows_of(self._table, person):
            marks = ", ".join("?" for _ in allowed)
            conditions.append(f"CAST({quote(column)} AS VARCHAR) IN ({marks})" if allowed else "false")
            values += allowed
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        shown = ", ".join(quote(column.name) for column in seen.columns)
        order = f" ORDER BY {ROW_ID}" if joins or "QUALIFY" in kept else ""
        run(
            f"CREATE TABLE {quote(seen.name)} AS SELECT {ROW_ID}, {shown} FROM ({kept}){where}{order}",
            values,
        )
        if self._table.format == "parquet":
            self._same(hashed(self._path, self._table.file))
        run("DROP VIEW typed; DROP VIEW mine")
        run("DROP VIEW raw" if self._table.format == "parquet" else "DROP TABLE raw")
        for i in range(len(self._table.columns)):
            run(f"DROP TABLE IF EXISTS map{i}")

    def _of_tenant(self, person: Person) -> str:
        """The rows of the person's tenant; no other is read any further, so none is told in an error."""
        condition = "true"
        if self._table.tenant_column is not None:
            names = [column.name for column in self._table.columns]
            cell = f"CAST({quote(str(names.index(self._table.tenant_column)))} AS VARCHAR)"
            texts = self._database.execute(
                f"SELECT DISTINCT {cell} FROM raw WHERE {cell} IS NOT NULL"
            ).fetchall()
            own = [text.replace("'", "''") for (text,) in texts if fold(text) == person.tenant]
            listed = "', '".join(own)
            condition = f"{cell} IN ('{listed}')" if own else "false"
        self._database.execute(f"CREATE TEMP VIEW mine AS SELECT * FROM raw WHERE {condition}")
        return "mine"

    def _load(self, person: Person) -> str:
        """Where the raw columns are: `rid` and one column for each of the table's, named by its number."""
        run = self._database.execute
        if self._table.format == "parquet":
            if not self._path.is_file():
                raise DataError(f"{self._table.file} cannot be read", found="no such file")
            names = ", ".join(
                f"{quote(c.name)} AS {quote(str(i))}" for i, c in enumerate(self._table.columns)
            )
            file = str(self._path).replace("'", "''")
            run(
                f"CREATE TEMP VIEW raw AS SELECT file_row_number + 1 AS rid, {names} "
                f"FROM read_parquet('{file}', file_row_number=true)"
            )
            return "raw"
        raw = self._fetched
        if raw is None:
            data = bounded_bytes(self._path)
            self._same(Digest.of(data))
            raw = (read_csv if self._table.format == "csv" else read_xlsx)(data, self._table)
        for whose, error in raw.ragged.items():
            tenant = None if whose is None else fold(whose)
            if tenant is None or tenant == person.tenant or tenant not in self._tenants:
                raise error
        arrow: Any = pa
        columns = {str(i): arrow.array(column, arrow.string()) for i, column in enumerate(raw.columns)}
        count = len(raw.columns[0]) if raw.columns else 0
        ordinals = arrow.array(range(raw.first, raw.first + count), arrow.int64())
        self._database.register("arriving", arrow.table({"rid": ordinals, **columns}))
        run("CREATE OR REPLACE TEMP TABLE raw AS SELECT * FROM arriving")
        self._database.unregister("arriving")
        blank = " AND ".join(f"{quote(str(i))} IS NULL" for i in range(len(self._table.columns)))
        run(f"DELETE FROM raw WHERE {blank}")
        return "raw"

    def _same(self, read: Digest) -> None:
        if read != self._digest:
            raise DataError(f"{self._table.file} changed while it was read", advice="Ask again.")

    def _typed(self, index: int, column: Column, source: str, joins: list[str]) -> str:
        """An SQL expression for the column's value; texts are read in Python, once for each distinct one."""
        name = f"{source}.{quote(str(index))}"
        kind = str(self._one(f"SELECT typeof({quote(str(index))}) FROM raw LIMIT 1") or "VARCHAR")
        if kind != "VARCHAR":
            return self._native(name, kind, column, source)
        clean = column.type in {"text", "code"} and not column.missing
        where = (
            f"NOT regexp_matches({name}, '{_CLEAN}') OR contains({name}, '  ') OR {name} = '-'"
            if clean
            else "true"
        )
        texts = self._database.execute(
            f"SELECT DISTINCT {name} FROM {source} WHERE {name} IS NOT NULL AND ({where})"
        )
        read: list[tuple[str, Any]] = []
        while batch := texts.fetchmany(100_000):
            read += [(text, self._cell(text, column, name, source)) for (text,) in batch]
        if clean and not read:
            return name
        mapping = f"map{index}"
        self._mapping(mapping, read, column)
        joins.append(f"LEFT JOIN {mapping} ON {mapping}.raw = {name}")
        value = f"{mapping}.value"
        return f"CASE WHEN {mapping}.raw IS NULL THEN {name} ELSE {value} END" if clean else value

    def _cell(self, text: str, column: Column, name: str, source: str) -> Any:
        try:
            return read_cell(text, column)
        except DataError as error:
            row = self._one(f"SELECT min(rid) FROM {source} WHERE {name} = ?", [text])
            raise DataError(
                f"{self._table.file}: row {row}, column {column.name}: {error.message}",
                expected=error.expected, advice=error.advice,
                found=error.found if column.name in self._shown else "",
            ) from None  # fmt: skip

    def _mapping(self, mapping: str, read: Sequence[tuple[str, Any]], column: Column) -> None:
        arrow: Any = pa
        texts = arrow.array([text for text, _ in read], arrow.string())
        kind, values = _column_type(column, [value for _, value in read])
        self._database.register(
            "arriving", arrow.table({"raw": texts, "value": arrow.array(values, arrow.string())})
        )
        self._database.execute(
            f"CREATE OR REPLACE TEMP TABLE {mapping} AS "
            f"SELECT raw, CAST(value AS {kind}) AS value FROM arriving"
        )
        self._database.unregister("arriving")

    def _native(self, name: str, kind: str, column: Column, source: str) -> str:
        """A column that Parquet types itself."""
        match column.type:
            case "date":
                return f"CAST({name} AS DATE)"
            case "timestamp":
                return f"CAST({name} AS TIMESTAMP)"
            case "text" | "code":
                return f"CAST({name} AS VARCHAR)"
            case _:
                pass
        if kind in {"DOUBLE", "FLOAT"}:
            name, places = self._decimal_places(name, column, source)
        elif kind.startswith("DECIMAL"):
            places = int(kind.rpartition(",")[2].strip(" )"))
        elif "INT" in kind:
            if column.scale == 1:
                return name
            places = 0
        else:
            raise DataError(f"{self._table.file}: column {column.name} holds no numbers", found=kind)
        if column.scale == 1:
            return f"CAST({name} AS DECIMAL(38,{places}))"
        scale = max(0, -int(column.scale.normalize().as_tuple().exponent))
        factor = f"CAST('{column.scale:f}' AS DECIMAL(18,{scale}))"
        return f"CAST(CAST({name} AS DECIMAL(20,{places})) * {factor} AS DECIMAL(38,{places + scale}))"

    def _decimal_places(self, name: str, column: Column, source: str) -> tuple[str, int]:
        """Binary fractions as the decimals that were meant: the fewest places that change no value."""
        if self._one(f"SELECT count(*) FROM {source} WHERE NOT isfinite({name})"):
            raise DataError(f"{self._table.file}: column {column.name} holds NaN or an infinity")
        for places in range(10):
            if not self._one(f"SELECT count(*) FROM {source} WHERE {name} <> round({name}, {places})"):
                return f"round({name}, {places})", places
        raise DataError(
            f"{self._table.file}: column {column.name} holds binary fractions", expected="at most 9 places",
            advice="Store it as DECIMAL.",
        )  # fmt: skip

    def _deduplicated(self) -> str:
        """The typed rows after the table's rule for rows that share a primary key."""
        rule, keys = self._table.duplicates, ", ".join(map(quote, self._table.primary_key))
        if not keys:
            return "SELECT * FROM typed"
        if rule is None:
            self._refuse_twice(keys)
            return "SELECT * FROM typed"
        if rule.rule == "latest":
            order = f"{quote(rule.by or '')} DESC NULLS LAST, {ROW_ID} DESC"
        else:
            self._refuse_different(keys)
            order = ROW_ID
        return f"SELECT * FROM typed QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {order}) = 1"

    def _refuse_different(self, keys: str) -> None:
        others = ", ".join(quote(c.name) for c in self._table.columns)
        found = self._database.execute(
            f"SELECT {keys} FROM (SELECT DISTINCT {others} FROM typed) "
            f"GROUP BY {keys} HAVING count(*) > 1 LIMIT 1"
        ).fetchone()
        if found is not None:
            raise self._of_key("rows with one key differ", "identical rows", found)

    def _refuse_twice(self, keys: str) -> None:
        """A key that stands twice would count its row twice, and every row that refers to it."""
        filled = " AND ".join(f"{quote(key)} IS NOT NULL" for key in self._table.primary_key)
        found = self._database.execute(
            f"SELECT {keys} FROM typed WHERE {filled} GROUP BY {keys} HAVING count(*) > 1 LIMIT 1"
        ).fetchone()
        if found is not None:
            raise self._of_key("two rows have one key", "a key of its own for each row", found)

    def _of_key(self, message: str, expected: str, key: Sequence[Any]) -> DataError:
        """An error that names a key only to who sees all rows, and the key of each."""
        keys = self._table.primary_key
        named = f"{', '.join(keys)} = {', '.join(map(str, key))}" if self._shown.issuperset(keys) else ""
        return DataError(
            f"{self._table.file}: {message}", expected=expected, found=named,
            advice="Correct the file, or say in `duplicates` which row counts.",
        )  # fmt: skip

    def _one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        row = self._database.execute(sql, list(values)).fetchone()
        return None if row is None else row[0]


def _column_type(column: Column, values: Sequence[Any]) -> tuple[str, list[str | None]]:
    """The DuckDB type that holds these values exactly, and their texts."""
    match column.type:
        case "date":
            return "DATE", [None if v is None else v.isoformat() for v in values]
        case "timestamp":
            return "TIMESTAMP", [None if v is None else v.isoformat(sep=" ") for v in values]
        case "integer" | "decimal":
            numbers = [Decimal(v) for v in values if v is not None]
            places = max((-int(n.as_tuple().exponent) for n in numbers), default=0)
            kind = (
                "BIGINT"
                if places <= 0 and all(abs(n) < 1 << 62 for n in numbers)
                else f"DECIMAL(38,{max(places, 0)})"
            )
            return kind, [None if v is None else format(Decimal(v), "f") for v in values]
        case "text" | "code":
            return "VARCHAR", [None if v is None else fold(v) for v in values]


def tables_of(taken: Capture) -> Iterator[Table]:
    """The captured tables with the hidden row column first."""
    for table in taken.tables:
        yield replace(table, columns=(Column(ROW_ID, "integer"), *table.columns))
