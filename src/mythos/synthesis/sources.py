"""The files of a catalogue's tables, read as they lie: raw columns, nothing interpreted.

Every reader gives the columns that the catalogue names, in that order, and the number of the source row that
each value came from. Sizes are bounded before anything is unpacked.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import math
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from mythos.errors import DataError
from mythos.synthesis.terms import Format, Table
from mythos.synthesis.values import fold
from mythos.synthesis.workbook import open_workbook

MAX_TEXT_BYTES: Final = 512 << 20
"""Of what is read by cells: a CSV or Excel file, a database. Larger data belongs into Parquet."""
STATEMENT_SECONDS: Final = 60
"""The longest that a database may take for one statement, and for each fetch of rows."""
MAX_TENANTS: Final = 100_000
_FLOATS: Final = (700, 701)
"""PostgreSQL's numbers of its two binary types, which it may write with an exponent."""
MAX_MERGED: Final = 5_000_000
"""Cells that stand in merged ones."""
_JAPANESE: Final = ("cp932", "euc_jp")
_NO_TEXT: Final = frozenset(("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"))
"""Codecs of Python that are no encodings of files."""
_HALF_WIDTH: Final = re.compile("[\uff61-\uff9f\ue000-\uf8ff\x80-\x9f]")
_ALIASES: Final = {
    "shift_jis": "cp932",
    "sjis": "cp932",
    "shift-jis": "cp932",
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
}
_DELIMITERS: Final = (",", "\t", ";", "|")


@dataclass(frozen=True, slots=True)
class Raw:
    """Raw columns of one table.

    Attributes:
        columns: the catalogue's columns in its order, each the text of its cells, row by row.
        first: the number of the first row in the source, as a person counts there.
        ragged: rows of another length than the header, which are blank in `columns`: the text of the tenant's
            cell, None where it cannot be told, and what is wrong with the first of those rows.
    """

    columns: list[list[str | None]]
    first: int
    ragged: dict[str | None, DataError] = field(default_factory=dict[str | None, DataError])


def read_csv(data: bytes, table: Table) -> Raw:
    """Read a delimited text in any of the encodings of Japan and the rest of the world.

    Raises:
        DataError: not readable in its encoding, without its header, or with a quotation mark out of place.
    """
    rows = _lines(_decoded(data, table.encoding, table.file), table)
    return _gathered(rows, table)


def read_xlsx(data: bytes, table: Table) -> Raw:
    """Read the sheet that has the table's header; a merged cell's value stands in all of its cells.

    Raises:
        DataError: no such sheet, no workbook, or one that unpacks to too much.
    """
    from python_calamine import CalamineError

    try:
        book = open_workbook(data, table.file)
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            rows = sheet.to_python(skip_empty_area=False)
            merged = sheet.merged_cell_ranges or ()
            if sum((b - t + 1) * (r - x + 1) for (t, x), (b, r) in merged) > MAX_MERGED:
                raise DataError(f"{table.file} merges too many cells", expected=f"at most {MAX_MERGED}")
            for (top, left), (bottom, right) in merged:
                for row in rows[top : bottom + 1]:
                    row[left : right + 1] = [rows[top][left]] * (min(right + 1, len(row)) - left)
            if _header_at(rows, table) is not None:
                return _gathered(iter(rows), table)
    except (CalamineError, OSError, ValueError, IndexError) as error:
        raise DataError(f"{table.file} is not an Excel workbook", found=str(error)[:100]) from error
    raise _no_header(table)


def peek(path: Path, kind: Format, *, rows: int = 2_000) -> tuple[int, list[str], list[list[Any]]]:
    """The number of the header's row, its names, and the first rows below it, of a file nobody described.

    The header is the first row that is filled throughout and as wide as the widest of the first ten.

    Raises:
        DataError: no table, or too large.
    """
    match kind:
        case "parquet":
            import duckdb

            with duckdb.connect() as database:
                found = database.execute("SELECT * FROM read_parquet(?) LIMIT ?", [str(path), rows])
                names = [str(column[0]) for column in found.description or ()]
                return 1, names, [list(row) for row in found.fetchall()]
        case "xlsx":
            book = open_workbook(bounded_bytes(path), path.name)
            table: list[list[Any]] = book.get_sheet_by_index(0).to_python(skip_empty_area=False)[: rows + 10]
        case _:
            text = _decoded(bounded_bytes(path), None, path.name)
            head = "\n".join(text.splitlines()[:10])
            wide = max(
                _DELIMITERS, key=lambda mark: max(map(len, csv.reader(io.StringIO(head), delimiter=mark)))
            )
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=wide)
            table = [row for row, _ in zip(reader, range(rows + 10), strict=False)]
    width = max((len(row) for row in table[:10]), default=0)
    for number, row in enumerate(table[:10], 1):
        if width and len(row) == width and all(str(cell).strip() for cell in row):
            return number, [str(cell).strip() for cell in row], table[number : number + rows]
    raise DataError(f"{path.name} has no header in its first ten rows", advice="Describe it in catalog.yaml.")


def read_postgresql(table: Table, tenant: str | None) -> Raw:
    """Read `postgresql:SERVICE/SCHEMA.TABLE` with the role of a libpq service that can only read.

    The catalogue holds no secret: where the server is and who the role is stands in `pg_service.conf`. Cells
    are the text that PostgreSQL writes for them, times in UTC; rows come in the order of the primary key.

    Args:
        table: its columns and its place.
        tenant: whose rows are fetched, where the table has a tenant column; no other row leaves the server.

    Raises:
        DataError: the role could write, the table is not there or too large, or the server does not answer.
    """
    try:
        import psycopg
    except ImportError as error:
        raise DataError(
            "PostgreSQL needs an extra", advice="Run: pip install 'mythos-hub[postgres]'"
        ) from error
    service, _, place = table.file.removeprefix("postgresql:").partition("/")
    schema, _, name = place.rpartition(".")
    if not service or not name:
        raise DataError(f"{table.file} names no table", expected="postgresql:SERVICE/SCHEMA.TABLE")
    try:
        with psycopg.connect(service=service, connect_timeout=10, client_encoding="UTF8") as connection:
            return Raw(_fetched(connection, table, (schema or "public", name), tenant), 1)
    except (psycopg.Error, UnicodeError) as error:
        # A server's words are told only where they cannot hold a cell, which may be another tenant's.
        state, found = getattr(error, "sqlstate", None) or "", str(error).strip().partition("\n")[0][:200]
        if isinstance(error, psycopg.errors.QueryCanceled):
            advice = f"It took over {STATEMENT_SECONDS} s: name a smaller view, or export it to Parquet."
        elif isinstance(error, psycopg.OperationalError):
            advice = f"Check that pg_service.conf describes [{service}] and that its server runs."
        elif state[:2] in {"42", "3F"}:
            advice = "Correct `file` and `columns` in the catalogue, or grant SELECT on it to the role."
        else:
            found, advice = f"SQLSTATE {state}", "Read the table with psql as the same role."
        raise DataError(f"{table.file} cannot be read", found=found, advice=advice) from error


def _fetched(
    connection: Any, table: Table, place: tuple[str, str], tenant: str | None
) -> list[list[str | None]]:
    """The columns of a tenant's rows, of one moment, by a cursor of the server."""
    from psycopg import sql

    found, names = sql.Identifier(*place), [sql.Identifier(column.name) for column in table.columns]
    where, own = sql.SQL(""), list[str]()
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
        cursor.execute("SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'")
        cursor.execute(
            "SELECT has_table_privilege(%(it)s, 'DELETE, TRUNCATE')"
            " OR has_any_column_privilege(%(it)s, 'INSERT, UPDATE')",
            {"it": found.as_string(connection)},
        )
        if cursor.fetchone() != (False,):
            raise DataError(
                f"the role of {table.file} may write to it", expected="a role with SELECT alone",
                advice="Make one: CREATE ROLE reader LOGIN; GRANT SELECT ON … TO reader;",
            )  # fmt: skip
        cursor.execute(sql.SQL("SELECT {} FROM {} LIMIT 0").format(sql.SQL(", ").join(names), found))
        floats = {i for i, column in enumerate(cursor.description) if column.type_code in _FLOATS}
        if table.tenant_column is not None:
            cell = sql.SQL("{}::text").format(sql.Identifier(table.tenant_column))
            cursor.execute(sql.SQL("SELECT DISTINCT {} FROM {} LIMIT {}").format(cell, found, MAX_TENANTS))
            own = [text for (text,) in cursor if text is not None and fold(text) == tenant]
            if cursor.rowcount == MAX_TENANTS:
                raise DataError(f"{table.file}: {table.tenant_column} names no tenants", found="too many")
            where = sql.SQL(" WHERE {} = ANY(%s)").format(cell)
    order = sql.SQL(", ").join(sql.Identifier(*place, key) for key in table.primary_key)
    cells = sql.SQL(", ").join(sql.SQL("{}::text").format(name) for name in names)
    query = sql.SQL("SELECT {} FROM {}{}{}{}").format(
        cells, found, where, sql.SQL(" ORDER BY " if table.primary_key else ""), order
    )
    columns: list[list[str | None]] = [[] for _ in names]
    size = 0
    with connection.cursor(name="rows") as cursor:
        cursor.itersize = 10_000
        for row in cursor.execute(query, [own] if table.tenant_column is not None else None):
            size += sum(1 if cell is None else len(cell) + 1 for cell in row)
            if size > MAX_TEXT_BYTES:
                raise DataError(
                    f"{table.file} is too large to be read by cells", advice="Export it to Parquet.",
                    expected=f"at most {MAX_TEXT_BYTES} characters",
                )  # fmt: skip
            for i, cell in enumerate(row):
                columns[i].append(_text(float(cell)) if i in floats and cell is not None else _text(cell))
    return columns


def _text(value: object) -> str | None:
    """What a workbook or a database stored, as it is written: no exponent, no `.0` after an integer."""
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    return None if value is None or value == "" else str(value)


def _decoded(data: bytes, encoding: str | None, file: str) -> str:
    if encoding is not None:
        name = _ALIASES.get(encoding.lower().replace(" ", ""), encoding)
        try:
            found = codecs.lookup(name).name if name != "utf-8-sig" else name
            return data.decode("no text" if found in _NO_TEXT else found)
        except (LookupError, UnicodeDecodeError) as error:
            if isinstance(error, UnicodeDecodeError):
                raise DataError(
                    f"{file} is not {encoding} throughout",
                    found=f"byte 0x{data[error.start]:02x} in line {1 + data.count(10, 0, error.start)}",
                    advice="Correct `encoding`, or save the file in one encoding.",
                ) from error
            raise DataError(f"{file}: no encoding is called {encoding!r}") from error
    return guessed(data, file)


def guessed(data: bytes, file: str) -> str:
    """A text in UTF-8, UTF-16 with its mark, Shift_JIS or EUC-JP.

    Text of EUC-JP is often readable as Shift_JIS too, as half-width katakana: what has less of them counts.

    Raises:
        DataError: in none of them throughout.
    """
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    with contextlib.suppress(UnicodeDecodeError):
        return data.decode("utf-16" if wide else "utf-8-sig")
    found: list[str] = []
    for name in () if wide else _JAPANESE:
        with contextlib.suppress(UnicodeDecodeError):
            found.append(data.decode(name))
    if found:
        return min(found, key=lambda text: len(_HALF_WIDTH.findall(text)))
    raise DataError(
        f"{file} is in no one encoding", expected="UTF-8, Shift_JIS or EUC-JP throughout",
        advice="Name it under `encoding`, or save the file in one encoding.",
    )  # fmt: skip


def _lines(text: str, table: Table) -> Iterator[list[Any]]:
    if "\0" in text[:1_000_000]:
        raise DataError(f"{table.file} is no text", found="a zero byte")
    head = "\n".join(text.splitlines()[: table.header_row + 1])
    for delimiter in _DELIMITERS:
        if _header_at(list(csv.reader(io.StringIO(head), delimiter=delimiter)), table) is not None:
            break
    else:
        raise _no_header(table)
    # Strict: a quotation mark that nobody closes would swallow the rows below it, and nobody would know.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(
            f"{table.file} is no table of text", found=f"{error} in line {reader.line_num}",
            advice="Correct its quotation marks.",
        ) from error  # fmt: skip


def _header_at(rows: Sequence[Sequence[Any]], table: Table) -> tuple[int, list[int]] | None:
    """The row that holds every column's name, at `header_row` or (counted from 0) the next; where each is."""
    for number in (table.header_row - 1, table.header_row):
        if 0 <= number < len(rows):
            names = [fold(str(cell)) for cell in rows[number]]
            if all(fold(column.name) in names for column in table.columns):
                return number, [names.index(fold(column.name)) for column in table.columns]
    return None


def _gathered(rows: Iterator[list[Any]], table: Table) -> Raw:
    head: list[list[Any]] = []
    for row in rows:
        head.append(row)
        if len(head) > table.header_row + 1:
            break
    found = _header_at(head, table)
    if found is None:
        raise _no_header(table)
    number, places = found
    width = len(head[number])
    names = [column.name for column in table.columns]
    owner = None if table.tenant_column is None else places[names.index(table.tenant_column)]
    kept: list[list[Any]] = []
    ragged: dict[str | None, DataError] = {}
    for line, row in enumerate([*head[number + 1 :], *rows], number + 2):
        if not any(str(cell).strip() for cell in row if cell is not None):
            kept.append([None] * len(places))
            continue
        if len(row) < max(places) + 1 or any(str(cell).strip() for cell in row[width:]):
            error = DataError(
                f"{table.file}: row {line} has another length than the header",
                expected=f"{width} cells", found=f"{len(row)}", advice="Correct the row.",
            )  # fmt: skip
            # A line break in such a row may be the end of a row of somebody else: then it is nobody's own.
            broken = any(mark in str(cell) for cell in row for mark in "\r\n")
            told = owner is not None and owner < len(row) and not broken
            ragged.setdefault(_text(row[owner]) if owner is not None and told else None, error)
            kept.append([None] * len(places))
            continue
        kept.append([row[place] for place in places])
    return Raw(_columns(len(places), kept), number + 2, ragged)


def _columns(width: int, rows: list[list[Any]]) -> list[list[str | None]]:
    return [[_text(row[place]) for row in rows] for place in range(width)]


def _no_header(table: Table) -> DataError:
    return DataError(
        f"{table.file}: the header of {table.name} is not at row {table.header_row}",
        expected=", ".join(column.name for column in table.columns)[:300],
        advice="Correct `header_row`, the column names or `encoding`.",
    )


def bounded_bytes(path: Path) -> bytes:
    """The bytes of a file that is read by cells.

    Raises:
        DataError: too large, gone, or no file: a pipe would never end.
    """
    try:
        # O_NONBLOCK: opening a pipe that nobody writes to must not wait
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise DataError(f"{path.name} is no file")
            data = opened.read(MAX_TEXT_BYTES + 1)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path.name} cannot be read", found=str(getattr(error, "strerror", error))
        ) from error
    if len(data) > MAX_TEXT_BYTES:
        raise DataError(
            f"{path.name} is too large to be read by cells", expected=f"at most {MAX_TEXT_BYTES} bytes",
            advice="Convert it to Parquet.",
        )  # fmt: skip
    return data
