"""A folder without a catalogue, read as it is: tables and their columns guessed from the cells themselves.

`load_catalog` takes `catalog.yaml` where there is one, else a Frictionless `datapackage.json`, else a draft.
`dump` writes any of them as `catalog.yaml` for a person to correct: a guess is a start, never a rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

from mythos.errors import DataError
from mythos.synthesis.catalog import NAME, read_catalog
from mythos.synthesis.sources import bounded_bytes, peek
from mythos.synthesis.terms import Catalog, Column, ColumnType, Document, ForeignKey, Format, Table, Words
from mythos.synthesis.values import fold, read_cell

PACKAGE: Final = "datapackage.json"
SAMPLE: Final = 2_000
_WHOLE: Final = 500_000
"""Rows in which a key is looked for; a longer table has none that was only guessed."""
_TABLES: Final[dict[str, Format]] = {
    ".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".xlsx": "xlsx",
}  # fmt: skip
DOCUMENTS: Final = frozenset({".md", ".txt", ".html", ".htm", ".docx", ".pdf"})
_NOT_YAML: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What JSON lets stand in a string as it is, and YAML does not."""
_HEAD: Final = """\
# A draft: types, units and keys are guesses from the cells. Correct them, and say in `description`
# what people call each table and column. `today: 2026-04-01` would fix the day that "last month" is
# counted from; without it, that is the day of the question.
people:
- {id: everybody}"""
_UNIT: Final = re.compile(
    r"[(（\[]\s*(千円|百万円|億円|円|jpy|usd|eur|%|個|件|人|名|時間|日|kg|台)\s*[)）\]]", re.IGNORECASE
)
_SCALED: Final = {"千円": 1000, "百万円": 10**6, "億円": 10**8}
_CODE: Final = re.compile(r"(?:^|_|\b)(?:id|code|no|number|key)$|コード$|番号$|ID$", re.IGNORECASE)
_FRICTIONLESS: Final[dict[str, ColumnType]] = {
    "string": "text", "integer": "integer", "number": "decimal", "date": "date", "datetime": "timestamp",
    "year": "integer",
}  # fmt: skip


def load_catalog(folder: Path, *, today: date) -> Catalog:
    """What a folder's files mean: its catalogue, its data package, or a draft for one person who may see all.

    Raises:
        DataError: no such folder, a catalogue that is wrong, or a table that cannot be read.
    """
    if (folder / NAME).is_file():
        return read_catalog(folder, today=today)
    return draft(folder, today=today)


def draft(folder: Path, *, today: date) -> Catalog:
    """What the data package of a folder says, else what its files and those below it let guess.

    Raises:
        DataError: no such folder, a package that is wrong, or a table that cannot be read.
    """
    if not folder.is_dir():
        raise DataError("the data is not a folder", found=str(folder), advice="Name a folder.")
    if (folder / PACKAGE).is_file():
        return _package(folder, today)
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith((".", "~$")))
    tables: list[tuple[Table, bool]] = []
    for path in files:
        kind = _TABLES.get(path.suffix.lower())
        if kind is not None:
            tables.append(_table(path, path.relative_to(folder).as_posix(), kind))
    names = [table.name for table, _ in tables]
    for name in {n for n in names if names.count(n) > 1}:
        raise DataError(
            "two files would be one table", found=name, advice="Rename one, or write a catalog.yaml."
        )
    return Catalog(folder, today, _keys(tables), _documents(folder), everybody_sees_all=True)


def _table(path: Path, file: str, kind: Format) -> tuple[Table, bool]:
    """A table, and whether its first column is a code that no two of the rows looked at share."""
    header_row, names, rows = peek(path, kind)
    if len(set(map(fold, names))) != len(names) or not names:
        raise DataError(f"{file}: two columns have one name", found=", ".join(names)[:200])
    columns = tuple(_column(name, [row[i] for row in rows if i < len(row)]) for i, name in enumerate(names))
    if columns[0].type == "code" and len(rows) >= SAMPLE:  # a key holds to the end of the file
        rows = peek(path, kind, rows=_WHOLE)[2]
    first = [fold(str(row[0])) for row in rows if row and row[0] not in {None, ""}]
    unique = columns[0].type == "code" and len(set(first)) == len(first) and len(rows) < _WHOLE
    name = re.sub(r"\W+", "_", fold(path.stem)).strip("_").lower()
    return Table(name, file, kind, columns, header_row=header_row), unique


def _column(name: str, cells: Sequence[Any]) -> Column:
    found = _UNIT.search(fold(name))
    unit = None if found is None else found[1]
    scale = Decimal(_SCALED.get(unit or "", 1))
    if unit in {*_SCALED, "円"}:
        unit = "JPY"
    column = Column(name, "text", unit.upper() if unit and unit.isascii() else unit, scale)
    filled = [cell for cell in cells if cell is not None and str(cell).strip()]
    if _CODE.search(fold(name)):
        return replace(column, type="code", unit=None, scale=Decimal(1))
    for kind in ("integer", "decimal", "date", "timestamp"):
        if filled and _all_read(filled, replace(column, type=kind, scale=Decimal(1))):
            return replace(column, type=kind)
    return replace(column, unit=None, scale=Decimal(1))


def _all_read(cells: Iterable[Any], column: Column) -> bool:
    try:
        read = [read_cell(cell, column) for cell in cells]
    except DataError:
        return False
    return any(value is not None for value in read)


def _keys(tables: list[tuple[Table, bool]]) -> tuple[Table, ...]:
    """First columns that are keys, and columns of other tables that bear their name.

    Of tables with one key, the one without dates is taken for the thing itself, the others for events.
    """
    owners: dict[str, list[str]] = {}
    for table, unique in tables:
        if unique and not any(c.type in {"date", "timestamp"} for c in table.columns):
            owners.setdefault(fold(table.columns[0].name).lower(), []).append(table.name)
    made: list[Table] = []
    for table, unique in tables:
        owned = [(c, owners.get(fold(c.name).lower(), [])) for c in table.columns]
        foreign = tuple(
            ForeignKey(c.name, of[0], next(t.columns[0].name for t, _ in tables if t.name == of[0]))
            for c, of in owned
            if len(of) == 1 and of[0] != table.name
        )
        first = table.columns[0].name
        key = (first,) if unique and all(k.column != first for k in foreign) else ()
        made.append(replace(table, primary_key=key, foreign_keys=foreign))
    return tuple(made)


def _package(folder: Path, today: date) -> Catalog:
    """A Frictionless data package (specification v1), as far as it goes."""
    try:
        package: Any = json.loads(bounded_bytes(folder / PACKAGE))
        resources: list[dict[str, Any]] = package["resources"]
        tables = [_resource(resource) for resource in resources if "schema" in resource]
        listed = {table.name for table in tables}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{PACKAGE} is no data package", found=repr(error)[:100]) from error
    kept = [replace(t, foreign_keys=tuple(k for k in t.foreign_keys if k.table in listed)) for t in tables]
    for table in kept:
        if not (folder / table.file).resolve().is_relative_to(folder.resolve()):
            raise DataError(f"{PACKAGE}: a file lies outside the folder", found=table.file[:80])
    held = {table.file for table in kept}
    documents = tuple(d for d in _documents(folder) if d.file not in held)
    return Catalog(folder, today, tuple(kept), documents, everybody_sees_all=True)


def _documents(folder: Path) -> tuple[Document, ...]:
    """The documents of a folder, without a word about who may read them."""
    return tuple(
        Document(path.relative_to(folder).as_posix(), title=path.stem)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix.lower() in DOCUMENTS
    )


def _resource(resource: dict[str, Any]) -> Table:
    schema = cast("dict[str, Any]", resource["schema"])
    file = str(resource["path"])
    missing = tuple(str(m) for m in schema.get("missingValues", ()) if m)
    columns = tuple(
        Column(
            str(field["name"]),
            _FRICTIONLESS.get(str(field.get("type", "string")), "text"),
            unit=None if field.get("unit") is None else str(field["unit"]),
            missing=missing,
            description=Words(str(field.get("title", "")), str(field.get("description", ""))),
        )
        for field in schema["fields"]
    )
    key: Any = schema.get("primaryKey", [])
    foreign = tuple(
        ForeignKey(_one(k["fields"]), str(k["reference"]["resource"]), _one(k["reference"]["fields"]))
        for k in schema.get("foreignKeys", ())
    )
    return Table(
        str(resource["name"]), file, _TABLES.get(Path(file).suffix.lower(), "csv"), columns,
        encoding=resource.get("encoding"),
        description=Words(str(resource.get("title", "")), str(resource.get("description", ""))),
        primary_key=(key,) if isinstance(key, str) else tuple(map(str, key)), foreign_keys=foreign,
    )  # fmt: skip


def _one(fields: Any) -> str:
    return fields if isinstance(fields, str) else str(fields[0])


def dump(catalog: Catalog) -> str:
    """The text of a `catalog.yaml` that says the same of tables and documents, for one person, `everybody`.

    Strings are JSON's, which are YAML too.
    """
    lines = [_HEAD, "tables:" if catalog.tables else "tables: []"]
    for table in catalog.tables:
        lines += [f"- name: {_q(table.name)}", f"  file: {_q(table.file)}", f"  format: {table.format}"]
        lines += [f"  encoding: {_q(table.encoding)}"] if table.encoding else []
        lines += [f"  header_row: {table.header_row}"] if table.header_row != 1 else []
        lines += [f"  description: {{ja: {_q(table.description.ja)}, en: {_q(table.description.en)}}}"]
        lines += [f"  primary_key: [{', '.join(map(_q, table.primary_key))}]"] if table.primary_key else []
        if table.foreign_keys:
            lines.append("  foreign_keys:")
            lines += [
                f"  - {{column: {_q(k.column)}, references: {_q(f'{k.table}.{k.references}')}}}"
                for k in table.foreign_keys
            ]
        lines.append("  columns:")
        for column in table.columns:
            unit = f", unit: {_q(column.unit)}" if column.unit else ""
            scale = f", scale: {column.scale}" if column.scale != 1 else ""
            missing = f", missing: [{', '.join(map(_q, column.missing))}]" if column.missing else ""
            words = f", description: {{ja: {_q(column.description.ja)}, en: {_q(column.description.en)}}}"
            lines.append(f"  - {{name: {_q(column.name)}, type: {column.type}{unit}{scale}{missing}{words}}}")
    if catalog.documents:
        lines.append("documents:")
        lines += [f"- {{file: {_q(d.file)}, title: {_q(d.title)}}}" for d in catalog.documents]
    return "\n".join(lines) + "\n"


def _q(text: str) -> str:
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
