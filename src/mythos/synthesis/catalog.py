"""`catalog.yaml`: what a folder's tables and documents mean, and who may see what of them.

Read strictly: a key that nobody knows is refused, because a misspelt `roles` would open what it should close.
Anchors are allowed, since other programs write them. A folder without a catalogue is read as it is
(`mythos.synthesis.draft.load_catalog`), for one person who may see all.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar, cast, get_args

from mythos import strict_yaml
from mythos.errors import DataError
from mythos.synthesis.terms import (
    ROW_ID,
    Catalog,
    Column,
    ColumnType,
    Document,
    Duplicates,
    ForeignKey,
    Format,
    Metric,
    Person,
    Table,
    Term,
    Words,
)
from mythos.synthesis.values import fold, read_date, read_number

NAME: Final = "catalog.yaml"
MAX_BYTES: Final = 4 << 20
MAX_TABLES: Final = 500

_T = TypeVar("_T")


def read_catalog(folder: Path, *, today: date) -> Catalog:
    """Read `folder/catalog.yaml`.

    Args:
        folder: where the files of the catalogue lie.
        today: the day to take where the catalogue names none.

    Raises:
        DataError: what is wrong, and where.
    """
    path = folder / NAME
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError("the catalogue is too large", expected=f"at most {MAX_BYTES} bytes")
        text = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read", found=error.strerror or str(error), advice="Run: mythos data catalog"
        ) from error
    return parse_catalog(text, folder, today=today)


def parse_catalog(text: str | bytes, folder: Path, *, today: date) -> Catalog:
    """Read a catalogue's text; its files lie in `folder`.

    Raises:
        DataError: what is wrong, and where.
        FormatError: not YAML.
    """
    top = _Node(strict_yaml.loads(text, where=NAME, limit=MAX_BYTES, anchors=True), NAME)
    top.only("today", "covers", "tenants", "terms", "people", "tables", "documents", "metrics")
    covers = top.node("covers")
    catalog = Catalog(
        root=folder,
        today=top.one("today", read_date) or today,
        covers=None if covers is None else (covers.need("from", read_date), covers.need("to", read_date)),
        tenants={tenant.need("id", fold): tenant.words("name") for tenant in top.nodes("tenants")},
        terms=tuple(_term(node) for node in top.nodes("terms")),
        people=tuple(_person(node) for node in top.nodes("people")),
        tables=tuple(_table(node) for node in top.nodes("tables")),
        documents=tuple(_document(node) for node in top.nodes("documents")),
        metrics=tuple(_metric(node) for node in top.nodes("metrics")),
    )
    _check(catalog)
    return catalog


class _Node:
    """One mapping of the file, which knows where it stands."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise DataError(f"{where} is not a mapping", found=str(value)[:60])
        self._value = cast("dict[str, Any]", value)
        self._where = where

    def only(self, *names: str) -> None:
        unknown = sorted(set(self._value) - set(names))
        if unknown:
            raise self.error(f"unknown key {unknown[0]!r}", expected=", ".join(names))

    def error(self, message: str, expected: str = "", found: str = "") -> DataError:
        return DataError(
            f"{self._where}: {message}", expected=expected, found=found, advice="Correct the catalogue."
        )

    def one(self, name: str, read: Callable[[str], _T]) -> _T | None:
        value = self._value.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise self.error(f"{name} is not a text", found=str(value)[:60])
        try:
            return read(value)
        except (ValueError, ArithmeticError) as error:
            raise self.error(f"{name} cannot be read", found=repr(value[:60])) from error
        except DataError as error:
            raise self.error(f"{name} cannot be read", expected=error.expected, found=error.found) from error

    def need(self, name: str, read: Callable[[str], _T]) -> _T:
        value = self.one(name, read)
        if value is None:
            raise self.error(f"{name} is missing")
        return value

    def choice(self, name: str, kind: Any, default: str | None = None) -> Any:
        value = self.one(name, str) or default
        if value is not None and value not in get_args(kind):
            raise self.error(f"{name} is unknown", expected=" | ".join(get_args(kind)), found=value[:60])
        return value

    def node(self, name: str) -> _Node | None:
        value = self._value.get(name)
        return None if value is None else _Node(value, f"{self._where}: {name}")

    def nodes(self, name: str) -> list[_Node]:
        found: list[_Node] = []
        for number, value in enumerate(self._list(name), 1):
            label = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
            named = next((str(label[k]) for k in ("name", "id", "file", "column") if k in label), str(number))
            found.append(_Node(value, f"{self._where}: {name} {named[:60]}"))
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._value.get(name)
        listed = [values] if isinstance(values, str) else self._list(name)
        if not all(isinstance(value, str) or value in {True, False} for value in listed):
            raise self.error(f"{name} holds something that is not a text")
        return tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in listed)

    def words(self, name: str) -> Words:
        value = self._value.get(name)
        if value is None or isinstance(value, str):
            return Words(value or "", value or "")
        inner = _Node(value, f"{self._where}: {name}")
        inner.only("ja", "en")
        return Words(inner.one("ja", str) or "", inner.one("en", str) or "")

    def mapping(self, name: str) -> Mapping[str, Any]:
        inner = self.node(name)
        return {} if inner is None else inner._value  # noqa: SLF001 (its own class)

    def _list(self, name: str) -> list[Any]:
        value: Any = self._value.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(f"{name} is not a list", found=str(value)[:60])
        return cast("list[Any]", value)


def _term(node: _Node) -> Term:
    node.only("ja", "en", "definition")
    return Term(node.one("ja", str) or "", node.one("en", str) or "", node.words("definition"))


def _person(node: _Node) -> Person:
    node.only("id", "tenant", "roles", "limits", "name")
    limits = node.node("limits")
    values = {} if limits is None else {n: tuple(map(fold, limits.texts(n))) for n in node.mapping("limits")}
    return Person(node.need("id", str), node.one("tenant", fold), frozenset(node.texts("roles")), values)


def _table(node: _Node) -> Table:
    node.only(
        *("name", "file", "format", "encoding", "header_row", "description", "primary_key", "foreign_keys"),
        *("duplicates", "tenant_column", "limit_columns", "columns"),
    )
    duplicates = node.node("duplicates")
    if duplicates is not None:
        duplicates.only("rule", "by", "ja", "en")
    return Table(
        name=node.need("name", str),
        file=node.need("file", str),
        format=node.choice("format", Format, "csv"),
        columns=tuple(_column(column) for column in node.nodes("columns")),
        encoding=node.one("encoding", str),
        header_row=node.one("header_row", _header_row) or 1,
        description=node.words("description"),
        primary_key=node.texts("primary_key"),
        foreign_keys=tuple(_foreign_key(key) for key in node.nodes("foreign_keys")),
        duplicates=None if duplicates is None else _duplicates(duplicates),
        tenant_column=node.one("tenant_column", str),
        limit_columns={name: str(column) for name, column in node.mapping("limit_columns").items()},
    )


def _column(node: _Node) -> Column:
    node.only("name", "type", "unit", "scale", "missing", "roles", "values", "description")
    values = node.node("values")
    return Column(
        name=node.need("name", str),
        type=node.choice("type", ColumnType, "text"),
        unit=node.one("unit", read_unit),
        scale=node.one("scale", _scale) or Decimal(1),
        missing=node.texts("missing"),
        roles=frozenset(node.texts("roles")),
        values={} if values is None else {fold(code): values.words(code) for code in node.mapping("values")},
        description=node.words("description"),
    )


def read_unit(text: str) -> str:
    """A unit that cannot be read as a part of the number before it.

    Raises:
        DataError: it begins with a digit, a sign or a separator, is longer than 20 characters, or is hidden.
    """
    unit = fold(text)
    first = unicodedata.numeric(unit[:1] or "0", None) is not None and unit[:1] not in "千百万億十"
    if first or unit[0] in "+-−△▲.,'" or len(unit) > 20 or not unit.isprintable():
        raise DataError(
            "a unit", expected="at most 20 characters, of which the first is no digit and no sign"
        )
    return unit


def _scale(text: str) -> Decimal:
    scale = read_number(text)
    if scale <= 0:
        raise DataError("a scale", expected="a number over 0", found=text[:40])
    return scale


def _header_row(text: str) -> int:
    row = int(text)
    if not 1 <= row <= 1_000_000:
        raise DataError("a row", expected="1 to 1000000", found=text[:40])
    return row


def _foreign_key(node: _Node) -> ForeignKey:
    node.only("column", "references")
    table, dot, column = node.need("references", str).rpartition(".")
    if not dot:
        raise node.error("references names no column", expected="table.column")
    return ForeignKey(node.need("column", str), table, column)


def _duplicates(node: _Node) -> Duplicates:
    rule = node.need("rule", str)
    if rule not in {"latest", "identical"}:
        raise node.error("rule is unknown", expected="latest | identical", found=rule)
    by = node.one("by", str)
    if rule == "latest" and by is None:
        raise node.error("by is missing: the column that says which is the latest")
    return Duplicates(
        "latest" if rule == "latest" else "identical",
        by,
        Words(node.one("ja", str) or "", node.one("en", str) or ""),
    )


def _document(node: _Node) -> Document:
    node.only("file", "tenant", "lang", "title", "limits", "roles")
    return Document(
        file=node.need("file", str),
        tenant=node.one("tenant", fold),
        lang="ja" if (lang := node.one("lang", str)) == "ja" else "en" if lang == "en" else None,
        title=node.words("title").of("ja"),
        limits={name: fold(str(value)) for name, value in node.mapping("limits").items()},
        roles=frozenset(node.texts("roles")),
    )


def _metric(node: _Node) -> Metric:
    node.only("name", "sql", "unit", "reviewed_by")
    return Metric(
        node.words("name"), node.need("sql", str), node.one("unit", str), node.need("reviewed_by", str)
    )


def _check(catalog: Catalog) -> None:
    """What the parts say of one another: every name that is used exists, nothing is named twice."""
    tables = {table.name: table for table in catalog.tables}
    _no_twins("table", [table.name for table in catalog.tables])
    _no_twins("person", [person.id for person in catalog.people])
    _no_twins("document", [document.file for document in catalog.documents])
    if len(tables) > MAX_TABLES:
        raise DataError("the catalogue has too many tables", expected=f"at most {MAX_TABLES}")
    for table in catalog.tables:
        names = [column.name for column in table.columns]
        _no_twins(f"column of {table.name}", [*names, ROW_ID])
        used = [
            *table.primary_key,
            *(key.column for key in table.foreign_keys),
            *table.limit_columns.values(),
        ]
        used += [name for name in (table.tenant_column, table.duplicates and table.duplicates.by) if name]
        for name in used:
            if name not in names:
                raise DataError(
                    f"{NAME}: {table.name} has no column {name!r}", expected=", ".join(names)[:300]
                )
        for key in table.foreign_keys:
            other = tables.get(key.table)
            if other is None or key.references not in {column.name for column in other.columns}:
                raise DataError(
                    f"{NAME}: {table.name}.{key.column} references what is not there",
                    found=f"{key.table}.{key.references}",
                )
    limits = {n for t in catalog.tables for n in t.limit_columns} | {
        n for d in catalog.documents for n in d.limits
    }
    for person in catalog.people:
        if unknown := sorted(set(person.limits) - limits):
            raise DataError(  # misspelt, it would open what it should close
                f"{NAME}: the limit {unknown[0]!r} of {person.id} limits no table and no document",
                expected=", ".join(sorted(limits))[:300] or "no limit",
            )
    for metric in catalog.metrics:
        from mythos.synthesis.gate import check

        try:
            check(metric.sql, catalog.tables)
        except DataError as error:
            raise DataError(
                f"{NAME}: the metric {metric.name.of('en')!r}: {error.message}",
                expected=error.expected, found=error.found, advice=error.advice,
            ) from error  # fmt: skip
    for file in [
        *(t.file for t in catalog.tables if t.format != "postgresql"),
        *(d.file for d in catalog.documents),
    ]:
        if not (catalog.root / file).resolve().is_relative_to(catalog.root.resolve()):
            raise DataError(f"{NAME}: a file lies outside the folder", found=file[:80])


def _no_twins(what: str, names: list[str]) -> None:
    folded = str if what in {"person", "document"} else str.lower  # a database knows no upper case
    seen: set[str] = set()
    for name in names:
        if folded(name) in seen:
            raise DataError(f"{NAME}: the {what} {name!r} stands twice")
        seen.add(folded(name))
