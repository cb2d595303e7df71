"""The plain planner: from a question that is wholly understood to plans, without any model.

Every table is tried as the one whose rows are counted; what the question names must be reached from it, and
every name must find its use. Of the tables that serve, the one from which the least has to be followed is
taken; if two serve equally well, or a name could be two columns, the question is refused and not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from mythos.synthesis.lexicon import Named, Place, Target, phrases
from mythos.synthesis.periods import Period
from mythos.synthesis.plan import Bucket, Filter, Operation, Plan, Schema
from mythos.synthesis.reading import Bound, Reading
from mythos.synthesis.terms import Column, Reason, Table, Value, View

Relation = Literal["one", "difference", "growth", "share"]
DEFAULT_LIST: Final = 50
_BUCKETS: Final[dict[str, Bucket]] = {
    "by-month": "month", "by-quarter": "quarter", "by-year": "year", "by-fiscal": "fiscal",
}  # fmt: skip
_CURRENCIES: Final = frozenset({"JPY", "円", "USD", "EUR", "¥", "$", "千円", "百万円"})
_NOT_ADDITIVE: Final = (
    "price", "rate", "limit", "ratio", "percent", "balance", "stock", "level", "age", "score", "temperature", "salary per",
    "単価", "価格", "率", "残高", "在庫", "限度", "年齢", "割合", "温度", "評価", "与信", "定価",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What a question comes to: one plan, or two and how the first relates to the second."""

    plans: tuple[Plan, ...]
    relation: Relation = "one"
    period: Period | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a question is not answered. `why` names only what the caller said or may know."""

    reason: Reason
    why: str


class _No(Exception):
    """This table does not serve, and why."""

    def __init__(self, why: str, reason: Reason = "cannot_plan") -> None:
        super().__init__(why)
        self.refusal = Refusal(reason, why)


def plan(reading: Reading, view: View, schema: Schema) -> Question | Refusal:
    """The plans of a question, or why there are none."""
    for named in reading.named:
        if all(target.kind == "closed" for target in named.targets):
            return Refusal("not_permitted", reading.text[named.start : named.end])
    if reading.unknown:
        return Refusal("not_in_hub", ", ".join(reading.unknown))
    if not reading.named:
        return Refusal("cannot_plan", "the question names no table, column or value")
    if not _covered(reading, view):
        return Refusal("no_data", "the data does not cover that time")
    best: list[tuple[int, Question]] = []
    refusals: list[Refusal] = []
    for table in schema.tables.values():
        try:
            attempt = _Attempt(reading, view, schema, table)
            question = attempt.question()
        except _No as no:
            refusals.append(no.refusal)
            continue
        if not best or attempt.cost < best[0][0]:
            best = [(attempt.cost, question)]
        elif attempt.cost == best[0][0]:
            best.append((attempt.cost, question))
    if len(best) == 1:
        return best[0][1]
    if best:
        tables = sorted({question.plans[0].table for _, question in best})
        return Refusal("cannot_plan", f"it could be about any of: {', '.join(tables)}")
    closed = next((r for r in refusals if r.reason == "not_permitted"), None)
    return closed or (refusals[0] if refusals else Refusal("not_in_hub", "there is no table"))


def _covered(reading: Reading, view: View) -> bool:
    covers = view.catalog.covers
    if covers is None:
        return True
    return all(
        (p.end is None or p.end > covers[0]) and (p.start is None or p.start <= covers[1])
        for p in reading.periods
    )


class _Attempt:
    """One table tried as the one whose rows are counted."""

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

    # what each name means, seen from this table

    def _place(self, named: Named) -> None:
        near = self._nearest(named)
        kinds = {target.kind for target in near}
        if "column" in kinds and "table" in kinds:
            near = [t for t in near if t.kind == ("table" if self._is_entity(near) else "column")]
            kinds = {target.kind for target in near}
        if "value" in kinds and len(kinds) > 1:
            near = [target for target in near if target.kind != "value"]
        if len(near) > 1:
            near = self._particular(named, near)
        if len(near) != 1:
            raise _No(
                f"{self._said(named)!r} could be {', '.join(sorted(f'{t.table}.{t.column}' for t in near))}"
            )
        (target,) = near
        match target.kind:
            case "table":
                self._tables.append((named, target.table))
            case "column":
                self._columns.append((named, target.place))
            case _:
                self._values.append((named, target))

    def _nearest(self, named: Named) -> list[Target]:
        reached: list[tuple[int, Target]] = []
        for target in named.targets:
            distance = self._schema.distance(self._table.name, target.table)
            if target.kind != "closed" and distance is not None:
                reached.append((distance, target))
        if not reached:
            if any(t.kind == "closed" and t.table == self._table.name for t in named.targets):
                raise _No(self._said(named), "not_permitted")
            raise _No(f"{self._said(named)!r} is not reached from {self._table.name}")
        beside = [(d, t) for d, t in reached if t.kind == "value" and self._beside(named, t.table)]
        reached = beside or reached
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

    def _is_entity(self, near: list[Target]) -> bool:
        """A word that is a table's name and a key to it means the table; a number's name means the number."""
        numbers = [
            t for t in near if t.kind == "column" and self._column(t.place).type in {"integer", "decimal"}
        ]
        return not numbers

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

    # what is asked of it

    def question(self) -> Question:
        """The plans with this table's rows counted."""
        self._absorb_qualifiers()
        filters = self._value_filters()
        operation, measure = self._measure()
        base = Plan(self._table.name, operation, measure, tuple(filters + self._bound_filters(measure)))
        grouped = self._grouped(base)
        if grouped.operation == "value" and grouped.group is None:
            grouped = self._looked_up(grouped)
        self._used_up()
        return self._related(grouped)

    def _absorb_qualifiers(self) -> None:
        """`region Kanto`: a column named for its value; `order date`: one named for the period."""
        of_values = {target.place for _, target in self._values}
        self._columns = [(n, p) for n, p in self._columns if p not in of_values or self._asked_by(n)]
        self._dates = [p for _, p in self._columns if self._column(p).type in {"date", "timestamp"}]
        if self._reading.periods:
            self._columns = [(n, p) for n, p in self._columns if p not in self._dates]

    def _asked_by(self, named: Named) -> bool:
        """Whether the name is what the rows are split by."""
        for op in self._reading.ops:
            if op.kind in {"each", "which"}:
                first, last = sorted(((op.start, op.end), (named.start, named.end)))
                if not self._reading.text[first[1] : last[0]].strip(" の"):
                    return True
        return False

    def _value_filters(self) -> list[Filter]:
        held: dict[Place, list[Value]] = {}
        for named, target in self._values:
            limits = self._view.catalog.tables
            whole = next(t for t in limits if t.name == target.table)
            for name, column in whole.limit_columns.items():
                if column == target.column and target.value not in self._view.person.limits.get(
                    name, (target.value,)
                ):
                    raise _No(self._said(named), "not_permitted")
            held.setdefault(target.place, []).append(target.value)
        filters: list[Filter] = []
        negated = self._reading.asks("except")
        for place, values in held.items():
            if len(set(values)) > 1 and not negated:
                self._split_by(place)
            filters.append(Filter(place, "<>" if negated else "=", tuple(dict.fromkeys(values))))
        if negated and len(filters) != 1:
            raise _No("it is not clear what is left out")
        return filters

    _split: Place | None = None

    def _split_by(self, place: Place) -> None:
        if self._split is not None:
            raise _No("two lists of values to compare")
        if (
            self._reading.asks("compare", "difference", "which", "each", "list") is None
            and "それぞれ" not in self._reading.text
            and "each" not in self._reading.text
            and "respectively" not in self._reading.text
        ):
            raise _No("several values: to be compared, or taken together?")
        self._split = place

    def _measure(self) -> tuple[Operation, Place | None]:
        numbers = [p for _, p in self._columns if self._numeric(p)]
        if any(p.table != self._table.name for p in numbers):
            raise _No("a number of another table")
        if len(set(numbers)) > 1:
            raise _No(f"two numbers: {', '.join(p.column for p in numbers)}")
        self._columns = [(n, p) for n, p in self._columns if p not in numbers]
        measure = numbers[0] if numbers else None
        reading = self._reading
        counting = reading.asks("count")
        if counting is not None and measure is None:
            return self._counted()
        asked: Operation | None = None
        for kind in ("avg", "sum", "max", "min"):
            if reading.asks(kind) is not None:
                asked = (
                    "avg" if kind == "avg" else "sum" if kind == "sum" else "max" if kind == "max" else "min"
                )
                break
        if measure is None and (
            asked is not None
            or reading.asks(
                "much",
                "growth",
                "share",
                "difference",
                "compare",
                "trend",
                *_BUCKETS,
                "limit-desc",
                "limit-asc",
            )
        ):
            if asked in {"max", "min"} and self._only_counts():
                return "count", None
            measure = self._main_number()
        if measure is None:
            return "value", None
        if asked is None:
            counting_units = counting is not None and not self._is_rate(measure)
            if counting_units or self._adds_up(measure):
                return "sum", measure
            return "value", measure
        if asked in {"max", "min"} and self._ranks():
            return ("sum" if self._adds_up(measure) else asked), measure
        return asked, measure

    def _ranks(self) -> bool:
        """Whether "highest" orders groups: there is something to be split by."""
        return (
            self._reading.asks("which", "each", "limit-desc", "limit-asc") is not None
            or any(table != self._table.name for _, table in self._tables)
            or any(not self._numeric(p) for _, p in self._columns)
        )

    def _only_counts(self) -> bool:
        """`most orders`: the rows themselves are what there is most of."""
        return self._main_number_or_none() is None or any(
            table == self._table.name
            and self._reading.text[: named.start].rstrip().endswith(("most", "fewest", "least"))
            for named, table in self._tables
        )

    def _counted(self) -> tuple[Operation, Place | None]:
        """What "how many" is said of: these rows, or the different ones of a table they point to."""
        count = self._reading.asks("count")
        if count is None or not self._tables:
            raise _No("it is not clear what is counted")
        after = [(n, t) for n, t in self._tables if n.start >= count.end]
        before = [(n, t) for n, t in self._tables if n.end <= count.start]
        if self._reading.language == "ja" and before:
            _, table = before[-1]
        elif after:
            _, table = after[0]
        else:
            _, table = before[-1]
        if table == self._table.name:
            self.cost -= 1
            return "count", None
        path = self._schema.path(self._table.name, table)
        if path is None or len(path) != 1 or not self._event():
            raise _No(f"{table} are not counted by rows of {self._table.name}")
        self._tables = [(n, t) for n, t in self._tables if t != table]
        return "distinct", Place(path[0][0], path[0][1])

    def _event(self) -> bool:
        """Whether this table is itself spoken of: by name, or by a word for what happened."""
        return self._table.name in self._mentioned or self._hinted()

    def _hinted(self) -> bool:
        said = phrases(self._table.name, self._table.description.en)
        return any(hint in phrase for hint in self._reading.hints for phrase in said)

    def _main_number(self) -> Place:
        place = self._main_number_or_none()
        if place is None:
            raise _No(f"{self._table.name} has no one number to add up")
        if not self._event():
            raise _No(f"{self._table.name} is not spoken of")
        return place

    def _main_number_or_none(self) -> Place | None:
        money = [
            c
            for c in self._table.columns
            if c.unit in _CURRENCIES and self._adds_up(Place(self._table.name, c.name))
        ]
        return Place(self._table.name, money[0].name) if len(money) == 1 else None

    def _is_rate(self, place: Place) -> bool:
        column = self._column(place)
        said = f"{column.name} {column.description.en} {column.description.ja} {column.unit or ''}".lower().replace(
            "_", " "
        )
        return (
            any(word in said.split() or (not word.isascii() and word in said) for word in _NOT_ADDITIVE)
            or column.unit == "%"
        )

    def _adds_up(self, place: Place) -> bool:
        """Amounts of events add up; prices, rates, balances and limits do not."""
        event = any(c.type in {"date", "timestamp"} for c in self._table.columns) or bool(
            self._table.foreign_keys
        )
        return self._numeric(place) and event and not self._is_rate(place)

    # rows: which, and split how

    def _bound_filters(self, measure: Place | None) -> list[Filter]:
        filters = [self._bound(bound, measure) for bound in self._reading.bounds]
        if self._reading.periods and len(self._reading.periods) == 1:
            filters += _within(self._date(), self._reading.periods[0])
        elif len(self._reading.periods) > 2:
            raise _No("more than two periods")
        return filters

    def _bound(self, bound: Bound, measure: Place | None) -> Filter:
        numeric = [
            Place(self._table.name, c.name) for c in self._table.columns if c.type in {"integer", "decimal"}
        ]
        if measure is not None:
            numeric = [measure]
        elif bound.unit:
            money = bound.unit in {"円", "yen", "jpy", "¥", "$", "usd"}
            numeric = [p for p in numeric if (self._column(p).unit in _CURRENCIES) == money]
        if len(numeric) != 1:
            raise _No("it is not clear which number is bounded")
        return Filter(numeric[0], bound.comparator, (_plain(bound.value),))

    def _date(self) -> Place:
        if len(self._dates) == 1:
            return self._dates[0]
        for table in self._dated():
            by = None if table.duplicates is None else table.duplicates.by
            dates = [c for c in table.columns if c.type in {"date", "timestamp"} and c.name != by]
            hinted = [
                c
                for c in dates
                if any(h in p for h in self._reading.hints for p in phrases(c.name, c.description.en))
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
                raise _No("several dates: " + ", ".join(c.name for c in dates))
        raise _No(f"{self._table.name} has no date")

    def _dated(self) -> list[Table]:
        """This table, then those it belongs to, the nearest first."""
        near = [(self._schema.distance(self._table.name, name), name) for name in self._schema.tables]
        listed = [
            self._schema.tables[name] for distance, name in sorted((d, n) for d, n in near if d is not None)
        ]
        return [t for t in listed if any(c.type in {"date", "timestamp"} for c in t.columns)]

    def _grouped(self, base: Plan) -> Plan:
        reading = self._reading
        bucket = next((b for kind, b in _BUCKETS.items() if reading.asks(kind)), None)
        limit = reading.asks("limit-desc", "limit-asc")
        extreme = (
            None if base.operation in {"max", "min"} and not self._ranks() else reading.asks("max", "min")
        )
        if bucket is None and reading.asks("trend") is not None:
            bucket = "month"
        if bucket is not None:
            if base.operation == "value":
                raise _No("a trend of what?")
            return replace(base, group=self._date(), bucket=bucket)
        ranked = limit or (extreme if self._ranks() else None)
        each = reading.asks("each")
        if ranked is None and each is None and self._split is None:
            return base
        group, label = self._group()
        order: Literal["asc", "desc"] | None = None
        if ranked is not None:
            order = "asc" if ranked.kind in {"min", "limit-asc"} else "desc"
        elif self._split is not None and reading.asks("which"):
            order = "desc"
        if base.operation == "value":
            raise _No("a ranking of what?")
        count = 1 if ranked is extreme and ranked is not None else None if limit is None else limit.n
        return replace(base, group=group, label=label, order=order, limit=count)

    def _group(self) -> tuple[Place, Place | None]:
        if self._split is not None:
            return self._split, None
        entities = [t for _, t in self._tables if t != self._table.name]
        columns = [p for _, p in self._columns if not self._numeric(p)]
        if columns and entities:
            entities = [t for t in entities if all(p.table != t for p in columns)]
        if len(columns) == 1 and not entities:
            self._columns = [(n, p) for n, p in self._columns if p != columns[0]]
            return columns[0], None
        if len(entities) == 1 and not columns:
            return self._entity(entities[0])
        if not entities and not columns and self._table.name in self._mentioned:
            return self._entity(self._table.name)
        raise _No("it is not clear what to split by")

    def _entity(self, name: str) -> tuple[Place, Place | None]:
        table = self._schema.tables[name]
        if len(table.primary_key) != 1:
            raise _No(f"{name} has no one key")
        self._tables = [(n, t) for n, t in self._tables if t != name or t == self._table.name]
        return Place(name, table.primary_key[0]), self._label(table)

    def _label(self, table: Table) -> Place | None:
        texts = [c for c in table.columns if c.type == "text"]
        named = [c for c in texts if "name" in c.name.lower() or "名" in c.description.ja]
        spoken = [c for c in named if c.name.endswith(f"_{self._reading.language}")]
        found = (spoken or named or texts)[:1]
        return Place(table.name, found[0].name) if found else None

    def _looked_up(self, base: Plan) -> Plan:
        """The cells themselves: of one row that a value names, or a list."""
        wanted = [base.measure] if base.measure else [p for _, p in self._columns]
        listing = self._reading.asks("list")
        if any(p.table != self._table.name for p in wanted) and len(wanted) == 1 and not listing:
            self.cost += 1
        if not wanted and (listing or self._reading.asks("which")) and self._table.name in self._mentioned:
            label = self._label(self._table)
            wanted = [label] if label else [Place(self._table.name, key) for key in self._table.primary_key]
            listing = listing or self._reading.asks("which")
        if not wanted or not (base.filters or listing):
            raise _No("it is not clear what is asked of it")
        if not listing and not self._unique(base.filters):
            raise _No("several rows may have that")
        self._columns = []
        return replace(base, measure=None, shown=tuple(wanted), limit=DEFAULT_LIST if listing else 1)

    def _unique(self, filters: tuple[Filter, ...]) -> bool:
        """Whether the values name one row of this table."""
        labels = {
            self._label(self._table),
            *(Place(self._table.name, key) for key in self._table.primary_key),
        }
        return any(f.place in labels and f.comparator == "=" and len(f.values) == 1 for f in filters)

    def _used_up(self) -> None:
        """Every name has found its use; one that has not makes this another question."""
        used = {self._table.name, *(t.table for _, t in self._values), *(p.table for p in self._dates)}
        for named, place in self._columns:
            if self._split != place:
                raise _No(f"{self._said(named)!r} has no use in {self._table.name}")
        for named, table in self._tables:
            if table not in used:
                raise _No(f"{self._said(named)!r} has no use in {self._table.name}")
        if self._table.name not in self._mentioned:
            self.cost += 1
        if self._reading.hints and not self._hinted():
            self.cost += 1

    def _related(self, plan: Plan) -> Question:
        reading = self._reading
        periods = reading.periods
        relation: Relation = "one"
        for kind in ("growth", "difference", "share"):
            if reading.asks(kind) is not None:
                relation = "growth" if kind == "growth" else "difference" if kind == "difference" else "share"
                break
        if relation == "share":
            values = [f for f in plan.filters if f.comparator == "=" and isinstance(f.values[0], str)]
            if len(values) != 1 or plan.group is not None or plan.operation not in {"sum", "count"}:
                raise _No("a share of what?")
            return Question(
                (plan, replace(plan, filters=tuple(f for f in plan.filters if f not in values))), "share"
            )
        if len(periods) == 2:
            first, second = (
                replace(plan, filters=(*plan.filters, *_within(self._date(), p))) for p in periods
            )
            if plan.group is not None or plan.operation == "value":
                raise _No("two periods and a split")
            if relation == "growth" and (periods[0].start or date.min) < (periods[1].start or date.min):
                first, second = second, first
            return Question((first, second), relation)
        if relation == "growth":
            if len(periods) != 1 or plan.group is not None or plan.operation not in {"sum", "count"}:
                raise _No("growth from when to when?")
            before = _year_before(periods[0])
            rows = tuple(
                f for f in plan.filters if f.place != self._date() or f.comparator not in {">=", "<"}
            )
            return Question((plan, replace(plan, filters=(*rows, *_within(self._date(), before)))), "growth")
        if relation == "difference" and self._split is None:
            raise _No("a difference between what?")
        return Question((plan,), relation, periods[0] if periods else None)


def _shares(said: set[str], own: set[str]) -> bool:
    return any(
        phrase.startswith(name) or name.startswith(phrase.split(" ")[0])
        for phrase in said
        for name in own
        if name
    )


def _within(place: Place, period: Period) -> list[Filter]:
    filters: list[Filter] = []
    if period.start is not None:
        filters.append(Filter(place, ">=", (period.start,)))
    if period.end is not None:
        filters.append(Filter(place, "<", (period.end,)))
    return filters


def _year_before(period: Period) -> Period:
    if period.start is None or period.end is None:
        raise _No("growth from when to when?")
    return Period(_back(period.start), _back(period.end))


def _back(day: date) -> date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def _plain(value: Decimal) -> int | Decimal:
    return int(value) if value == value.to_integral_value() else value
