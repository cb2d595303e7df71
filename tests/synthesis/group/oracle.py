"""What the right answer is, counted in plain Python over the company's own records.

Nothing here reads a file, writes SQL or knows how the product plans: a question's meaning is a `Spec`, and
`values` walks the rows that the person may see. Numbers are exact (`Fraction`, then `Decimal`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from . import schema
from .documents import Made
from .periods import GRAINS, Period, grain_forms, start_of
from .records import Company, Person, Record
from .schema import BY_NAME

_WIDE = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Where:
    """A column, or `table.column` reached over declared keys, has this value, or with `op` another, one above or below."""

    path: str
    value: Any
    op: str = "="

    def holds(self, found: Any) -> bool:
        """Whether a cell meets it; an empty one meets nothing."""
        if found is None or self.op == "=":
            return found == self.value
        match self.op:
            case "!=":
                return found != self.value
            case ">":
                return found > self.value
            case ">=":
                return found >= self.value
            case "<":
                return found < self.value
            case "<=":
                return found <= self.value
            case _:
                raise AssertionError(self.op)


@dataclass(frozen=True, slots=True)
class Spec:
    """What is asked for: `how` of `measure` over the rows of `table`.

    Attributes:
        how: sum, avg, min, max or count.
        group: a column, `table.column` over keys, or one of `GRAINS` of the table's date.
        top: only the first so many, largest first (smallest with `lowest`).
    """

    table: str
    how: str
    measure: str | None = None
    where: tuple[Where, ...] = ()
    period: Period | None = None
    group: str | None = None
    top: int | None = None
    lowest: bool = False


def rows(company: Company, person: Person, table: str) -> list[Record]:
    """The rows that this person may see."""
    tab = BY_NAME[table]
    if tab.tenant is not None and person.tenant is None:
        return []
    return [
        row
        for row in company.tables[table]
        if (tab.tenant is None or row[tab.tenant] == person.tenant)
        and (not tab.region or person.regions is None or row["region"] in person.regions)
    ]


def open_to(person: Person, table: str, column: str) -> bool:
    """Whether the person's roles open this column."""
    return person.roles.issuperset(BY_NAME[table].col(column).roles)


class _Reached:
    """Follows declared keys from a row of one table to a column of another."""

    def __init__(self, company: Company, person: Person, table: str) -> None:
        self._company, self._person, self._table = company, person, table
        self._index: dict[str, dict[str, Record]] = {}

    def __call__(self, row: Record, path: str) -> Any:
        target, dot, column = path.rpartition(".")
        if not dot or target == self._table:
            return row[column]
        found = self._walk(self._table, row, target, frozenset({self._table}))
        return None if found is None else found[column]

    def _walk(self, table: str, row: Record, target: str, seen: frozenset[str]) -> Record | None:
        for column, reference in BY_NAME[table].keys.items():
            other, _, key = reference.partition(".")
            if other in seen:
                continue
            if other not in self._index:
                self._index[other] = {r[key]: r for r in rows(self._company, self._person, other)}
            near = self._index[other].get(row[column])
            if near is None:
                continue
            if other == target:
                return near
            further = self._walk(other, near, target, seen | {other})
            if further is not None:
                return further
        return None


def _day(value: Any) -> date:
    return value.date() if isinstance(value, datetime) else value


def chosen(company: Company, person: Person, spec: Spec) -> Iterator[tuple[Any, Record]]:
    """The rows that the spec is about, each with its group's key (None without a group)."""
    tab, reach = BY_NAME[spec.table], _Reached(company, person, spec.table)
    for row in rows(company, person, spec.table):
        if spec.period is not None and not (
            spec.period.first <= _day(row[tab.dated or ""]) <= spec.period.last
        ):
            continue
        if not all(where.holds(reach(row, where.path)) for where in spec.where):
            continue
        key = None
        if spec.group in GRAINS:
            key = start_of(spec.group, _day(row[tab.dated or ""]))
        elif spec.group is not None:
            key = reach(row, spec.group)
        yield key, row


def values(company: Company, person: Person, spec: Spec) -> list[tuple[Any, Decimal]]:
    """The figures: one pair for each group that has a value; (None, figure) without a group.

    In the order that the question asks for: by size where `top` is given, else by key.
    """
    groups: dict[Any, list[Record]] = {}
    for key, row in chosen(company, person, spec):
        groups.setdefault(key, []).append(row)
    if spec.group is None and spec.how == "count":
        groups.setdefault(None, [])
    made = [(key, _figure(spec, found)) for key, found in groups.items()]
    figures = [(key, figure) for key, figure in made if figure is not None]
    if spec.top is not None:
        figures.sort(key=lambda pair: pair[1], reverse=not spec.lowest)
        return figures[: spec.top]
    return sorted(figures, key=lambda pair: str(pair[0]))


def tied(company: Company, person: Person, spec: Spec) -> bool:
    """Whether two groups that `top` would show, or the last shown and the first not, have one figure."""
    everything = values(company, person, replace(spec, top=10**6))
    shown = [figure for _, figure in everything[: (spec.top or 0) + 1]]
    return len(set(shown)) < len(shown)


def _figure(spec: Spec, found: list[Record]) -> Decimal | None:
    if spec.how == "count":
        return Decimal(len(found))
    present = [row[spec.measure or ""] for row in found if row[spec.measure or ""] is not None]
    if not present:
        return None
    match spec.how:
        case "sum":
            return _decimal(sum(map(Fraction, present), Fraction(0)))
        case "avg":
            return _decimal(sum(map(Fraction, present), Fraction(0)) / len(present))
        case "min":
            return Decimal(min(present))
        case "max":
            return Decimal(max(present))
        case _:
            raise AssertionError(spec.how)


def _decimal(number: Fraction) -> Decimal:
    """Exactly, or to sixty digits where it has no end."""
    return _WIDE.divide(Decimal(number.numerator), Decimal(number.denominator))


def unit_of(spec: Spec) -> str | None:
    """The unit of the figures; None for a count."""
    return None if spec.measure is None else BY_NAME[spec.table].col(spec.measure).unit


def label_forms(company: Company, person: Person, spec: Spec, key: Any) -> frozenset[str]:
    """Every text that names this group: its code, its words in both languages, its period's spellings."""
    group = spec.group or ""
    if group in GRAINS:
        return grain_forms(group, key, fiscal_only=spec.period is not None and spec.period.fiscal)
    return value_forms(company, person, spec.table, group, key)


def value_forms(company: Company, person: Person, table: str, path: str, key: Any) -> frozenset[str]:
    """Every text that names this value of a column: a code's words, a name in the other language, its number."""
    target, dot, column = path.rpartition(".")
    name = target if dot else table
    col = BY_NAME[name].col(column)
    if col.values:
        return frozenset({str(key), *col.values[str(key)]})
    named = [row for row in rows(company, person, name) if row[column] == key and "name_en" in row]
    if named:
        return frozenset({str(row[k]) for row in named for k in ("name", "name_en", *BY_NAME[name].key)})
    return frozenset({str(key)})


def may_read(person: Person, made: Made) -> bool:
    """Whether the person may read this document."""
    return (
        made.tenant in {None, person.tenant}
        and person.roles.issuperset(made.roles)
        and (made.region is None or person.regions is None or made.region in person.regions)
    )


def foreign_words(company: Company, person: Person) -> frozenset[str]:
    """Names that stand only in rows of other companies: none of them may ever be shown."""
    own: set[str] = set()
    theirs: set[str] = set()
    for tab in schema.TABLES:
        if tab.name in {"customers", "employees"}:
            for row in company.tables[tab.name]:
                (own if row["tenant"] == person.tenant else theirs).update((row["name"], row["name_en"]))
    return frozenset(theirs - own)
