"""What each name of a question means, seen from one table: its own columns, those it points to, its dates.

`Meanings` resolves every name or raises `NoPlanError`; nothing is chosen between two that fit equally well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from mythos.synthesis.lexicon import Named, Place, Target, phrases
from mythos.synthesis.periods import Period
from mythos.synthesis.plan import Filter, Schema
from mythos.synthesis.reading import Bound, Reading
from mythos.synthesis.terms import Column, Reason, Table, View
from mythos.synthesis.words import AMOUNT_NOUNS, BORNE_BY, GENERIC, UNITS

_CURRENCIES: Final = frozenset({"JPY", "円", "USD", "EUR", "¥", "$", "千円", "百万円"})
_PRICES: Final = (
    "price", "rate", "ratio", "percent", "age", "score", "temperature",
    "単価", "価格", "率", "年齢", "割合", "温度", "評価", "定価",
)  # fmt: skip
_LEVELS: Final = ("limit", "balance", "stock", "hand", "level", "capacity", "限度", "残高", "在庫", "与信")
ASKED_OF_NUMBERS: Final = (
    "sum", "avg", "min", "max", "much", "growth", "share", "difference", "compare", "trend",
    "limit-desc", "limit-asc", "by-month", "by-quarter", "by-year", "by-fiscal",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a question is not answered. `why` names only what the caller said or may know."""

    reason: Reason
    why: str


class NoPlanError(Exception):
    """This table does not serve, and why."""

    def __init__(self, why: str, reason: Reason = "cannot_plan") -> None:
        super().__init__(why)
        self.refusal = Refusal(reason, why)


class Meanings:
    """The names of a question, resolved from one table.

    `_dates` are columns named for the period; `_any_number`: an amount is asked for, and not which.
    """

    _dates: list[Place]
    cost: int
    _any_number = False
    _bounded: Place | None = None

    def __init__(self, reading: Reading, view: View, schema: Schema, table: Table) -> None:
        self._reading = reading
        self._view = view
        self._schema = schema
        self._table = table
        self.cost = 0
        self._tables: list[tuple[Named, str]] = []
        self._columns: list[tuple[Named, Place]] = []
        self._values: list[tuple[Named, Target]] = []
        self._mentioned = {t.table for n in reading.named for t in n.targets if t.kind == "table"}
        for named in reading.named:
            self._place(named)

    def _place(self, named: Named) -> None:
        if self._said(named) in GENERIC and self._elsewhere(named):
            self._any_number = True
            return
        near = self._nearest(named)
        kinds = {target.kind for target in near}
        if "column" in kinds and "table" in kinds:
            near = [t for t in near if t.kind == ("table" if self._is_entity(named, near) else "column")]
            kinds = {target.kind for target in near}
        if "value" in kinds and len(kinds) > 1:
            near = [target for target in near if target.kind != "value"]
        if len(near) > 1:
            near = self._particular(named, near)
        if len(near) != 1:
            raise NoPlanError(
                f"{self._said(named)!r} could be {', '.join(sorted(f'{t.table}.{t.column}' for t in near))}"
            )
        (target,) = near
        match target.kind:
            case "table":
                self._tables.append((named, target.table))
                if target.table == self._table.name and self._said(named) in AMOUNT_NOUNS:
                    self._any_number = True
            case "column":
                self._columns.append((named, target.place))
            case _:
                self._values.append((named, target))

    def _elsewhere(self, named: Named) -> bool:
        """`amount` in "invoice amount": a word for any number, and a name only in another table."""
        return self._table.name in self._mentioned and not any(
            self._schema.distance(self._table.name, target.table) is not None for target in named.targets
        )

    def _nearest(self, named: Named) -> list[Target]:
        reached: list[tuple[int, Target]] = []
        for target in named.targets:
            distance = self._schema.distance(self._table.name, target.table)
            if target.kind != "closed" and distance is not None:
                reached.append((distance, target))
        if not reached:
            if any(t.kind == "closed" and t.table == self._table.name for t in named.targets):
                raise NoPlanError(self._said(named), "not_permitted")
            raise NoPlanError(f"{self._said(named)!r} is not reached from {self._table.name}")
        beside = [(d, t) for d, t in reached if t.kind == "value" and self._beside(named, t.table)]
        reached = beside or reached
        tables = {t.table for _, t in reached if t.kind == "table"}
        keys = {k.column for k in self._table.foreign_keys if k.table in tables}
        reached = [(d, t) for d, t in reached if t.table != self._table.name or t.column not in keys]
        nearest = min(distance for distance, _ in reached)
        self.cost += nearest
        return [target for distance, target in reached if distance == nearest]

    def _beside(self, value: Named, table: str) -> bool:
        """Whether the value is said of rows of that table: "customers in Kanto", 関東の顧客."""
        if table == self._table.name:
            return False
        for named in self._reading.named:
            if all(t.kind != "table" or t.table != table for t in named.targets):
                continue
            first, last = sorted((named, value), key=lambda n: n.start)
            between = self._reading.text[first.end : last.start].strip()
            if between in (
                {"in", "from", "of", "at", ""} if first is named else {"の", "にある", "", "に所在する"}
            ):
                return True
        return False

    def _is_entity(self, named: Named, near: list[Target]) -> bool:
        """A word that is a table's name and a number's means the number only where nothing else does."""
        numbers = {t.place for t in near if t.kind == "column" and self._numeric(t.place)}
        if self._most_of(named):
            return True
        if not numbers or self._reading.asks("count") or not self._reading.asks(*ASKED_OF_NUMBERS):
            return True
        return any(
            t.kind == "column" and t.place not in numbers and self._numeric(t.place)
            for other in self._reading.named
            if other is not named
            for t in other.targets
            if t.kind == "column"
        )

    def _most_of(self, named: Named) -> bool:
        """`most orders`, 受注が最も多い: how many there are; 在庫が最も多い is of things, not of rows."""
        text = self._reading.text
        of_things = any(
            t.kind == "column" and self._numeric(t.place) and not self._is_money(t.place)
            for t in named.targets
            if t.table == self._table.name
        )
        if of_things or self._said(named) in AMOUNT_NOUNS:
            return False
        if text[: named.start].rstrip().endswith((" most", " fewest", " least")):
            return True
        return re.match(r"[がの](?:最も|一番|もっとも|いちばん)?(?:多|少)", text[named.end :]) is not None

    def _particular(self, named: Named, near: list[Target]) -> list[Target]:
        """Of several columns or values, the one whose column is named right beside it."""
        places = {
            t.place for n in self._reading.named for t in n.targets if t.kind == "column" and n is not named
        }
        chosen = [t for t in near if t.kind == "value" and t.place in places]
        if chosen:
            return chosen
        numeric = [
            t for t in near if t.kind == "column" and self._column(t.place).type in {"integer", "decimal"}
        ]
        if numeric and self._reading.asks("sum", "avg", "much"):
            return numeric
        if all(t.kind == "column" for t in near):
            keys = {key.column for key in self._table.foreign_keys} | set(self._table.primary_key)
            labels = [t for t in near if t.column not in keys]
            return labels if len(labels) == 1 else self._spoken(near)
        return near

    def _spoken(self, near: list[Target]) -> list[Target]:
        """Names in the language of the question, where a table has them in both."""
        end = f"_{self._reading.language}"
        return [t for t in near if t.column.endswith(end)] or near

    def _said(self, named: Named) -> str:
        return self._reading.text[named.start : named.end]

    def _column(self, place: Place) -> Column:
        return self._schema.column(place)

    def _numeric(self, place: Place) -> bool:
        return self._column(place).type in {"integer", "decimal"}

    def _event(self) -> bool:
        """Whether this table is itself spoken of: by name, or by a word for what happened."""
        return self._table.name in self._mentioned or self._hinted()

    def _hinted(self) -> bool:
        names = (self._table.name, self._table.description.ja, self._table.description.en)
        return any(borne(hint, *names) for hint in self._reading.hints)

    def _main_number(self) -> Place:
        place = self._main_number_or_none()
        if place is None:
            raise NoPlanError(f"{self._table.name} has no one number to add up")
        if not self._event():
            raise NoPlanError(f"{self._table.name} is not spoken of")
        return place

    def _main_number_or_none(self) -> Place | None:
        money = [
            c
            for c in self._table.columns
            if c.unit in _CURRENCIES and self._adds_up(Place(self._table.name, c.name))
        ]
        if not money:
            keys = {*self._table.primary_key, *(key.column for key in self._table.foreign_keys)}
            numeric = [
                c for c in self._table.columns if c.type in {"integer", "decimal"} and c.name not in keys
            ]
            money = [c for c in numeric if not self._is_price(Place(self._table.name, c.name))]
        return Place(self._table.name, money[0].name) if len(money) == 1 else None

    def _is_price(self, place: Place) -> bool:
        return is_price(self._column(place))

    def _adds_up(self, place: Place) -> bool:
        return place.table == self._table.name and adds_up(self._table, self._column(place))

    def _date(self) -> Place:
        if len(self._dates) == 1:
            return self._dates[0]
        for table in self._dated():
            by = None if table.duplicates is None else table.duplicates.by
            dates = [c for c in table.columns if c.type in {"date", "timestamp"} and c.name != by]
            hinted = [
                c
                for c in dates
                if any(borne(h, c.name, c.description.ja, c.description.en) for h in self._reading.hints)
            ]
            if len(hinted) == 1:
                return Place(table.name, hinted[0].name)
            if len(dates) > 1:
                own = phrases(table.name, table.description.ja, table.description.en)
                dates = [
                    c for c in dates if _shares(phrases(c.name, c.description.ja, c.description.en), own)
                ]
            if len(dates) == 1:
                return Place(table.name, dates[0].name)
            if dates:
                raise NoPlanError("several dates: " + ", ".join(c.name for c in dates))
        raise NoPlanError(f"{self._table.name} has no date")

    def _dated(self) -> list[Table]:
        """This table, then those it belongs to, the nearest first."""
        near = ((self._schema.distance(self._table.name, name), name) for name in self._schema.tables)
        reached = sorted((steps, name) for steps, name in near if steps is not None)
        listed = [self._schema.tables[name] for _, name in reached]
        return [t for t in listed if any(c.type in {"date", "timestamp"} for c in t.columns)]

    def _entity(self, name: str) -> tuple[Place, Place | None]:
        table = self._schema.tables[name]
        if len(table.primary_key) != 1:
            raise NoPlanError(f"{name} has no one key")
        self._tables = [(n, t) for n, t in self._tables if t != name or t == self._table.name]
        return Place(name, table.primary_key[0]), self._label(table)

    def _label(self, table: Table) -> Place | None:
        texts = [c for c in table.columns if c.type == "text"]
        named = [c for c in texts if "name" in c.name.lower() or "名" in c.description.ja]
        spoken = [c for c in named if c.name.endswith(f"_{self._reading.language}")]
        found = (spoken or named or texts)[:1]
        return Place(table.name, found[0].name) if found else None

    # bounds

    def _bound_filters(self, measure: Place | None) -> list[Filter]:
        filters = [self._bound(bound, measure) for bound in self._reading.bounds]
        if self._reading.periods and len(self._reading.periods) == 1:
            filters += within(self._date(), self._reading.periods[0])
        elif len(self._reading.periods) > 2:
            raise NoPlanError("more than two periods")
        return filters

    def _bound(self, bound: Bound, measure: Place | None) -> Filter:
        """The number that is bounded: the one named, else the only one of that unit, else the main one."""
        near = [self._bounded or measure] if self._bounded or measure else []
        fitting = [(p, worth) for p in near if p and (worth := self._worth(p, bound, named=True)) is not None]
        if not fitting and bound.units:
            own = [Place(self._table.name, c.name) for c in self._table.columns if self._numeric_column(c)]
            fitting = [(p, w) for p in own if (w := self._worth(p, bound, named=False)) is not None]
            main = self._main_number_or_none()
            sums = [p for p, _ in fitting if p == main and self._adds_up(p)]
            fitting = [(p, w) for p, w in fitting if not self._is_money(p) or p in sums]
        if not fitting and not bound.units and not near and self._event():
            main = self._main_number_or_none()
            fitting = [] if main is None or not self._adds_up(main) else [(main, Decimal(1))]
        if len(fitting) != 1 or (not bound.units and self._counts_something(bound)):
            raise NoPlanError("it is not clear which number is bounded")
        ((place, worth),) = fitting
        return Filter(place, bound.comparator, (_plain(bound.value / worth),))

    def _worth(self, place: Place, bound: Bound, *, named: bool) -> Decimal | None:
        """What one of the column's unit is worth in the bound's; none where they are not of one kind."""
        own, worth = UNITS.get((self._column(place).unit or "").lower(), ("", 1))
        own = own or (self._column(place).unit or "").lower()
        said = [UNITS.get(unit, (unit, 1))[0] for unit in bound.units]
        if set(said) == {own}:
            return Decimal(worth)
        if not said:
            return Decimal(1)
        return Decimal(1) if named and not own and set(said) <= {"piece"} else None

    def _numeric_column(self, column: Column) -> bool:
        return column.type in {"integer", "decimal"}

    def _is_money(self, place: Place) -> bool:
        return self._column(place).unit in _CURRENCIES

    def _counts_something(self, bound: Bound) -> bool:
        """`more than 5 orders`: a number of rows, and no cell of one."""
        return any(
            target.kind == "table" and not self._reading.text[bound.end : named.start].strip()
            for named in self._reading.named
            if named.start >= bound.end
            for target in named.targets
        )


def is_price(column: Column) -> bool:
    """A price, a rate or an age: added to another it means nothing."""
    return column.unit == "%" or _bears(column, _PRICES)


def adds_up(table: Table, column: Column) -> bool:
    """Amounts of events add up; prices, balances and limits do not."""
    event = any(c.type in {"date", "timestamp"} for c in table.columns) or bool(table.foreign_keys)
    numeric = column.type in {"integer", "decimal"}
    return numeric and event and not is_price(column) and not _bears(column, _LEVELS)


def _bears(column: Column, marks: tuple[str, ...]) -> bool:
    names = (column.name, column.description.en, column.description.ja, column.unit or "")
    said = " ".join(names).lower().replace("_", " ")
    words = set(said.split())
    return any(mark in words or (not mark.isascii() and mark in said) for mark in marks)


def borne(hint: str, *names: str) -> bool:
    """Whether something with these names tells of such an event."""
    said = phrases(*(name for name in names if name))
    return any(mark in phrase for mark in BORNE_BY[hint] for phrase in said)


def _shares(said: set[str], own: set[str]) -> bool:
    return any(
        phrase.startswith(name) or name.startswith(phrase.split(" ")[0])
        for phrase in said
        for name in own
        if name
    )


def within(place: Place, period: Period) -> list[Filter]:
    """The rows whose date lies in a period."""
    filters: list[Filter] = []
    if period.start is not None:
        filters.append(Filter(place, ">=", (period.start,)))
    if period.end is not None:
        filters.append(Filter(place, "<", (period.end,)))
    return filters


def _plain(value: Decimal) -> int | Decimal:
    return int(value) if value == value.to_integral_value() else value
