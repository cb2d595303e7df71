"""The values that the stages of an answer hand to one another; no stage needs more of another than these.

    catalog ─▶ view ─▶ capture ─▶ plan ─▶ gate ─▶ cells ─▶ answer
                         documents ─▶ search ─▶ quotes ─┘

Every name of the catalogue's format (`Table`, `Column`, `Document`, …) has the attribute names of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

from mythos.units import Digest

ColumnType = Literal["text", "code", "date", "timestamp", "integer", "decimal"]
Format = Literal["csv", "parquet", "xlsx", "postgresql"]
Language = Literal["ja", "en"]
Reason = Literal["no_data", "not_permitted", "not_in_hub", "cannot_plan"]
Value = str | int | Decimal | date | datetime | None
"""What a cell holds: numbers are exact and already in the column's unit; never a float."""

ROW_ID: Final = "_rid"
"""The hidden column of every captured table: the ordinal of the row in its source, from 1."""


@dataclass(frozen=True, slots=True)
class Words:
    """The same words in two languages; either may be missing."""

    ja: str = ""
    en: str = ""

    def of(self, language: Language) -> str:
        """In this language, else in the other."""
        return (self.ja or self.en) if language == "ja" else (self.en or self.ja)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how its text is read and what it means.

    Attributes:
        scale: stored times scale is the value in `unit`; capture has applied it.
        missing: texts that mean "no value", beside blank and `-`.
        roles: all of them are needed to see the column.
        values: the words for each code.
    """

    name: str
    type: ColumnType = "text"
    unit: str | None = None
    scale: Decimal = Decimal(1)
    missing: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()
    values: Mapping[str, Words] = field(default_factory=dict[str, Words])
    description: Words = Words()


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`column` of this table holds keys of `table.references`."""

    column: str
    table: str
    references: str


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Which of several rows with one primary key counts: the latest by a column, or any of identical ones."""

    rule: Literal["latest", "identical"]
    by: str | None = None
    words: Words = Words()


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the catalogue."""

    name: str
    file: str
    format: Format
    columns: tuple[Column, ...]
    encoding: str | None = None
    header_row: int = 1
    description: Words = Words()
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    duplicates: Duplicates | None = None
    tenant_column: str | None = None
    limit_columns: Mapping[str, str] = field(default_factory=dict[str, str])

    def column(self, name: str) -> Column:
        """The column of this name."""
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True, slots=True)
class Document:
    """One document of the catalogue."""

    file: str
    tenant: str | None = None
    lang: Language | None = None
    title: str = ""
    limits: Mapping[str, str] = field(default_factory=dict[str, str])
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. `limits` name the only values of a limit column that the person may see."""

    id: str
    tenant: str | None = None
    roles: frozenset[str] = frozenset()
    limits: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the house and what it means."""

    ja: str
    en: str
    definition: Words


@dataclass(frozen=True, slots=True)
class Metric:
    """A trusted metric: reviewed SQL over catalogue tables that gives one row, tried before any plan."""

    name: Words
    sql: str
    unit: str | None
    reviewed_by: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything that a folder's catalogue says; nobody in particular sees all of it."""

    root: Path
    today: date
    tables: tuple[Table, ...]
    documents: tuple[Document, ...]
    people: tuple[Person, ...] = ()
    tenants: Mapping[str, Words] = field(default_factory=dict[str, Words])
    terms: tuple[Term, ...] = ()
    metrics: tuple[Metric, ...] = ()
    covers: tuple[date, date] | None = None
    everybody_sees_all: bool = False
    """True for a folder without a catalogue: one person, who may see all."""


@dataclass(frozen=True, slots=True)
class View:
    """What one person may know of: tables without the columns closed to them, documents they may read.

    Attributes:
        tables: what can be queried; rows are bounded when they are captured.
        documents: what can be searched and quoted.
        closed: names (of tables, columns as `table.column`, documents) that exist, that the person may know
            to exist, and that they may not read: the only names `not_permitted` is ever said of.
    """

    catalog: Catalog
    person: Person
    tables: tuple[Table, ...]
    documents: tuple[Document, ...]
    closed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Capture:
    """The caller's rows, typed and in their units, in one file; the only thing a query ever sees.

    Attributes:
        digest: of the sources, of the rules and of this format: the same digest, the same cells.
        file: a DuckDB file with one table for each of the view's tables, `ROW_ID` included.
        sources: the file of each table and its digest when it was read.
    """

    digest: Digest
    file: Path
    tables: tuple[Table, ...]
    sources: Mapping[str, tuple[str, Digest]]


@dataclass(frozen=True, slots=True)
class Result:
    """What one gated query gave.

    Attributes:
        sql: the text that ran, exactly.
        rows: at most the limit that was asked for; `complete` says whether that was all.
        row_ids: for each row, the source rows when the query is not an aggregate: (table, ordinal) pairs.
    """

    sql: str
    capture: Digest
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    complete: bool
    row_ids: tuple[tuple[tuple[str, int], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document: `text` is exactly the bytes `start:end` of the document's extracted text."""

    file: str
    title: str
    lang: Language | None
    document: Digest
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that search found."""

    passage: Passage
    score: float
