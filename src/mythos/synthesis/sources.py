"""The files of a catalogue's tables, read as they lie: raw columns, nothing interpreted.

Every reader gives the columns that the catalogue names, in that order, and the number of the source row that
each value came from. Sizes are bounded before anything is unpacked.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from mythos.errors import DataError
from mythos.synthesis.terms import Format, Table
from mythos.synthesis.values import fold

MAX_TEXT_BYTES: Final = 512 << 20
"""Of a CSV or Excel file: they are read by cells. Larger data belongs into Parquet."""
MAX_UNPACKED: Final = 1 << 30
MAX_RATIO: Final = 200
_GUESSES: Final = ("utf-8-sig", "cp932", "euc_jp")
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
    """

    columns: list[list[str | None]]
    first: int


def read_csv(data: bytes, table: Table) -> Raw:
    """Read a delimited text in any of the encodings of Japan and the rest of the world.

    Raises:
        DataError: not readable in its encoding, without its header, or with rows of another length.
    """
    rows = _lines(_decoded(data, table.encoding, table.file), table)
    return _gathered(rows, table)


def read_xlsx(path: Path, table: Table) -> Raw:
    """Read the sheet that has the table's header; a merged cell's value stands in all of its cells.

    Raises:
        DataError: no such sheet, no workbook, or one that unpacks to too much.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    _refuse_bomb(path)
    try:
        book = CalamineWorkbook.from_path(str(path))  # pyright: ignore[reportUnknownMemberType]
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            rows = sheet.to_python(skip_empty_area=False)
            for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
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
            from python_calamine import CalamineWorkbook

            _refuse_bomb(path)
            book = CalamineWorkbook.from_path(str(path))  # pyright: ignore[reportUnknownMemberType]
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


def read_postgresql(table: Table) -> Raw:
    """Read `postgresql:SERVICE/SCHEMA.TABLE` with the role of a libpq service that can only read.

    The catalogue holds no secret: where the server is and who the role is stands in `pg_service.conf`.

    Raises:
        DataError: the role could write, the table is not there, or the server does not answer.
    """
    try:
        import psycopg
        from psycopg import sql
    except ImportError as error:
        raise DataError(
            "PostgreSQL needs an extra", advice="Run: pip install 'mythos-hub[postgres]'"
        ) from error
    service, _, place = table.file.removeprefix("postgresql:").partition("/")
    schema, _, name = place.rpartition(".")
    names = [column.name for column in table.columns]
    try:
        with (
            psycopg.connect(service=service, connect_timeout=10) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = '60s'")
            found = sql.Identifier(schema or "public", name)
            cursor.execute(
                "SELECT has_table_privilege(%s, 'INSERT, UPDATE, DELETE, TRUNCATE')",
                [found.as_string(connection)],
            )
            if cursor.fetchone() != (False,):
                raise DataError(
                    f"the role of service {service!r} may write to {place}",
                    expected="a role with SELECT alone",
                    advice="Make one: CREATE ROLE reader LOGIN; GRANT SELECT ON … TO reader;",
                )
            columns = sql.SQL(", ").join(map(sql.Identifier, names))
            cursor.execute(sql.SQL("SELECT {} FROM {}").format(columns, found))
            rows = cursor.fetchall()
    except psycopg.Error as error:
        raise DataError(f"{table.file} cannot be read", found=str(error).strip()[:200]) from error
    return Raw(_columns(len(names), [list(row) for row in rows]), 1)


def _text(value: object) -> str | None:
    """What a workbook or a database stored, as it is written: no exponent, no `.0` after an integer."""
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    return None if value is None or value == "" else str(value)


def _decoded(data: bytes, encoding: str | None, file: str) -> str:
    if encoding is not None:
        name = _ALIASES.get(encoding.lower().replace(" ", ""), encoding)
        try:
            return data.decode(codecs.lookup(name).name if name != "utf-8-sig" else name)
        except LookupError as error:
            raise DataError(f"{file}: no encoding is called {encoding!r}") from error
        except UnicodeDecodeError as error:
            raise DataError(
                f"{file} is not {encoding} throughout",
                found=f"byte 0x{data[error.start]:02x} in line {1 + data.count(10, 0, error.start)}",
                advice="Correct `encoding`, or save the file in one encoding.",
            ) from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    for name in _GUESSES:
        try:
            return data.decode(name)
        except UnicodeDecodeError:
            continue
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
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise DataError(f"{table.file} is no table of text", found=str(error)) from error


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
    kept: list[list[Any]] = []
    for line, row in enumerate([*head[number + 1 :], *rows], number + 2):
        if not any(str(cell).strip() for cell in row if cell is not None):
            kept.append([None] * len(places))
            continue
        if len(row) < max(places) + 1 or any(str(cell).strip() for cell in row[width:]):
            raise DataError(
                f"{table.file}: row {line} has another length than the header",
                expected=f"{width} cells", found=f"{len(row)}", advice="Correct the row.",
            )  # fmt: skip
        kept.append([row[place] for place in places])
    return Raw(_columns(len(places), kept), number + 2)


def _columns(width: int, rows: list[list[Any]]) -> list[list[str | None]]:
    return [[_text(row[place]) for row in rows] for place in range(width)]


def _no_header(table: Table) -> DataError:
    return DataError(
        f"{table.file}: the header of {table.name} is not at row {table.header_row}",
        expected=", ".join(column.name for column in table.columns)[:300],
        advice="Correct `header_row`, the column names or `encoding`.",
    )


def _refuse_bomb(path: Path) -> None:
    """A workbook is a ZIP: refuse one that says it unpacks to much more than it is."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{path.name} is not an Excel workbook", found=str(error)[:100]) from error
    if unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(path.stat().st_size, 1 << 16):
        raise DataError(
            f"{path.name} unpacks to too much", expected=f"at most {MAX_UNPACKED} bytes", found=f"{unpacked}"
        )


def bounded_bytes(path: Path) -> bytes:
    """The bytes of a file that is read by cells.

    Raises:
        DataError: too large, or gone.
    """
    try:
        size = path.stat().st_size
        if size > MAX_TEXT_BYTES:
            raise DataError(
                f"{path.name} is too large to be read by cells", expected=f"at most {MAX_TEXT_BYTES} bytes",
                found=f"{size}", advice="Convert it to Parquet.",
            )  # fmt: skip
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.name} cannot be read", found=error.strerror or str(error)) from error
