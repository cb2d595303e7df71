"""The plain planner: from a question that is wholly understood to plans, without any model.

Every table is tried as the one whose rows are counted; what the question names must be reached from it, and
every name must find its use. Of the tables that serve, the one from which the least has to be followed is
taken; if two serve equally well, or a name could be two columns, the question is refused and not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, Literal

from mythos.synthesis.lexicon import Place
from mythos.synthesis.meaning import NoPlanError, Refusal, within
from mythos.synthesis.measures import BUCKETS, Measures
from mythos.synthesis.periods import Period
from mythos.synthesis.plan import Filter, Plan, Schema
from mythos.synthesis.reading import Reading
from mythos.synthesis.terms import Value, View
from mythos.synthesis.uses import left_out, without_use

Relation = Literal["one", "difference", "growth", "share"]
DEFAULT_LIST: Final = 50


@dataclass(frozen=True, slots=True)
class Question:
    """What a question comes to: one plan, or two and how the first relates to the second.

    `sentence` is a model's words around the one number, with a slot for it; they are used only when they hold
    no number of their own.
    """

    plans: tuple[Plan, ...]
    relation: Relation = "one"
    sentence: str = ""
    periods: tuple[Period, ...] = ()


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
        except NoPlanError as no:
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
    return _most_telling(refusals, reading, schema)


def _most_telling(refusals: list[Refusal], reading: Reading, schema: Schema) -> Refusal:
    """Why nothing serves: that of a table the question names, before those of tables it does not."""
    closed = next((refusal for refusal in refusals if refusal.reason == "not_permitted"), None)
    if closed is not None or not refusals:
        return closed or Refusal("not_in_hub", "there is no table")
    named = {t.table for n in reading.named for t in n.targets if t.kind in {"table", "column"}}
    return next((r for name, r in zip(schema.tables, refusals, strict=True) if name in named), refusals[0])


def _covered(reading: Reading, view: View) -> bool:
    covers = view.catalog.covers
    if covers is None:
        return True
    return all(
        (p.end is None or p.end > covers[0]) and (p.start is None or p.start <= covers[1])
        for p in reading.periods
    )


class _Attempt(Measures):
    """One table tried as the one whose rows are counted."""

    # what each name means, seen from this table

    # what is asked of it

    def question(self) -> Question:
        """The plans with this table's rows counted."""
        self._absorb_qualifiers()
        self._numbers = [(n, p) for n, p in self._columns if self._numeric(p)]
        filters = self._value_filters()
        operation, measure = self._measure()
        ends = any(period.kind == "month-end" for period in self._reading.periods)
        if ends and (measure is None or self._adds_up(measure)):
            raise NoPlanError("of what happens over time, the end of a month is no day")
        bounded = self._bound_filters(None if operation == "distinct" else measure)
        base = Plan(self._table.name, operation, measure, tuple(filters + bounded))
        grouped = self._grouped(base)
        if grouped.operation == "value" and grouped.group is None:
            grouped = self._looked_up(grouped)
        self._used_up()
        made = self._related(grouped)
        split = self._split is not None
        if self._of_a_number() and self._reading.asks("each", *BUCKETS) and not self._reading.asks("which"):
            raise NoPlanError("the most within each, or the one with the most?")
        if made.plans[0].group is None and self._of_the_extreme():
            raise NoPlanError("which one is it?")
        doubt = without_use(self._reading, made.plans[0], made.relation, self._schema, split=split)
        if doubt is not None:
            raise NoPlanError(doubt)
        return made

    def _value_filters(self) -> list[Filter]:
        held: dict[tuple[Place, bool], list[Value]] = {}
        excluded = left_out(self._reading, self._values, self._schema)
        for named, target in self._values:
            limits = self._view.catalog.tables
            whole = next(t for t in limits if t.name == target.table)
            for name, column in whole.limit_columns.items():
                if column == target.column and target.value not in self._view.person.limits.get(
                    name, (target.value,)
                ):
                    raise NoPlanError(self._said(named), "not_permitted")
            held.setdefault((target.place, named in excluded), []).append(target.value)
        filters: list[Filter] = []
        for (place, negated), values in held.items():
            if len(set(values)) > 1 and not negated:
                self._split_by(place)
            filters.append(Filter(place, "<>" if negated else "=", tuple(dict.fromkeys(values))))
        left = [f for f in filters if f.comparator == "<>"]
        places = [f.place for f in filters]
        if len(left) != bool(self._reading.asks("except")) or len(set(places)) != len(places):
            raise NoPlanError("it is not clear what is left out")
        return filters

    def _split_by(self, place: Place) -> None:
        if self._split is not None:
            raise NoPlanError("two lists of values to compare")
        if (
            self._reading.asks("compare", "difference", "which", "each", "list") is None
            and "それぞれ" not in self._reading.text
            and "each" not in self._reading.text
            and "respectively" not in self._reading.text
        ):
            raise NoPlanError("several values: to be compared, or taken together?")
        self._split = place

    # rows: which, and split how

    def _grouped(self, base: Plan) -> Plan:
        reading = self._reading
        bucket = next((b for kind, b in BUCKETS.items() if reading.asks(kind)), None)
        limit = reading.asks("limit-desc", "limit-asc")
        some = reading.asks("some")
        if some is not None and limit is None and reading.asks("max", "min") is None:
            raise NoPlanError("how many of what?")
        ranks = self._ranks()
        extreme = reading.asks("max", "min") if ranks else None
        ranked = limit or extreme
        each = reading.asks("each")
        direction = reading.asks("many", "few")
        if bucket is None and reading.asks("trend") is not None:
            bucket = "month"
        if bucket is None and ranked is None and each is None and self._split is None:
            if direction is not None and len(reading.periods) != 2:
                raise NoPlanError("more than what?")
            return base
        if direction is not None and limit is None and self._split is None:
            raise NoPlanError("how many of them?")
        if each is not None and ranked is None and base.operation == "avg" and self._only_itself():
            if each.end - each.start != len("per") or not self._has_date():
                raise NoPlanError("an average of each one?")
            return base
        if base.operation == "value":
            raise NoPlanError("a ranking of what?")
        few = ranked is not None and ranked.kind in {"min", "limit-asc"}
        few = few or (direction is not None and direction.kind == "few")
        order: Literal["asc", "desc"] = "asc" if few else "desc"
        counted = limit or some
        count = None if ranked is None else 1 if counted is None else counted.n
        if bucket is not None:
            if bucket == "quarter" and any(p.kind.startswith("fiscal") for p in reading.periods):
                bucket = "fiscal-quarter"
            group, label = self._date(), None
        else:
            group, label = self._group()
        asked = ranked is not None or (self._split is not None and reading.asks("which") is not None)
        return replace(
            base, group=group, bucket=bucket, label=label, order=order if asked else None, limit=count
        )

    def _group(self) -> tuple[Place, Place | None]:
        if self._split is not None:
            return self._split, None
        entities = list(dict.fromkeys(self._entities()))
        columns = [p for _, p in self._columns if not self._numeric(p)]
        if columns and entities:
            within_each = [t for t in entities if any(p.table == t for p in columns) and not self._of(t)]
            if within_each and self._reading.asks("limit-desc", "limit-asc", "max", "min"):
                raise NoPlanError("a ranking within each one?")
            entities = [t for t in entities if all(p.table != t for p in columns)]
        if len(columns) == 1 and not entities:
            owner = columns[0].table
            self._tables = [(n, t) for n, t in self._tables if t != owner or not self._of(t)]
            self._columns = [(n, p) for n, p in self._columns if p != columns[0]]
            return columns[0], None
        if len(entities) == 1 and not columns:
            return self._entity(entities[0])
        if not entities and not columns and self._table.name in self._mentioned:
            return self._entity(self._table.name)
        raise NoPlanError("it is not clear what to split by")

    def _of(self, table: str) -> bool:
        """`customer region`, 顧客の地域: the table is named for its column."""
        return any(
            not self._reading.text[named.end : other.start].strip(" のs'")
            for named, name in self._tables
            for other, place in self._columns
            if name == table == place.table and other.start >= named.end
        )

    def _looked_up(self, base: Plan) -> Plan:
        """The cells themselves: of one row that a value names, or a list."""
        wanted = [base.measure] if base.measure else [p for _, p in self._columns]
        listing = self._reading.asks("list")
        if any(p.table != self._table.name for p in wanted) and len(wanted) == 1 and not listing:
            self.cost += 1
        if (
            not wanted
            and (listing or self._reading.asks("which", "what"))
            and self._table.name in self._mentioned
        ):
            label = self._label(self._table)
            wanted = [label] if label else [Place(self._table.name, key) for key in self._table.primary_key]
            listing = listing or self._reading.asks("which", "what")
        if not wanted or not (base.filters or listing):
            raise NoPlanError("it is not clear what is asked of it")
        if not listing and not self._unique(base.filters):
            raise NoPlanError("several rows may have that")
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
                raise NoPlanError(f"{self._said(named)!r} has no use in {self._table.name}")
        for named, table in self._tables:
            if table not in used:
                raise NoPlanError(f"{self._said(named)!r} has no use in {self._table.name}")
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
                raise NoPlanError("a share of what?")
            whole = replace(plan, filters=tuple(f for f in plan.filters if f not in values))
            return Question((plan, whole), "share")
        if len(periods) == 2:
            if plan.group is not None or plan.operation == "value":
                raise NoPlanError("two periods and a split")
            early, late = sorted(periods, key=lambda p: p.start or date.min)
            return self._between(plan, early, late) or self._of_periods(plan, relation, (early, late))
        if relation == "growth":
            if len(periods) != 1 or plan.group is not None or plan.operation == "value":
                raise NoPlanError("growth from when to when?")
            before = _year_before(periods[0])
            dates = within(self._date(), periods[0])
            bare = replace(plan, filters=tuple(f for f in plan.filters if f not in dates))
            return self._of_periods(bare, "growth", (before, periods[0]))
        if relation == "difference" and self._split is None:
            raise NoPlanError("a difference between what?")
        return Question((plan,), relation)

    def _between(self, plan: Plan, one: Period, other: Period) -> Question | None:
        """`after May and before July`: one period that each of the two closes on one side."""
        first, last = (one, other) if one.end is None else (other, one)
        if first.end is not None or last.start is not None or self._reading.asks("compare", "or"):
            return None
        if first.start is None or last.end is None or first.start >= last.end:
            raise NoPlanError("a period that ends before it begins")
        at = self._date()
        return Question((replace(plan, filters=(*plan.filters, *within(at, first), *within(at, last))),))

    def _of_periods(self, plan: Plan, relation: Relation, periods: tuple[Period, ...]) -> Question:
        """The same plan in two periods, both of which the data holds throughout."""
        covers, today = self._view.catalog.covers, self._view.catalog.today
        for period in periods:
            if period.start is None or period.end is None:
                raise NoPlanError("which two periods?")
            if period.end - timedelta(1) > today or (
                covers and (period.start < covers[0] or period.end - timedelta(1) > covers[1])
            ):
                raise NoPlanError("a part of a period would be compared with a whole one", "no_data")
        plans = [replace(plan, filters=(*plan.filters, *within(self._date(), p))) for p in periods]
        return Question(tuple(plans), relation, periods=periods)


def _year_before(period: Period) -> Period:
    if period.start is None or period.end is None:
        raise NoPlanError("growth from when to when?")
    return replace(period, start=_back(period.start), end=_back(period.end))


def _back(day: date) -> date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)
