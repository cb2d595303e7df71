"""Whether a plan answers the question that was asked: every word that asks for something must have its use.

A plan that drops one of two things asked for, or takes a word for another than it is, gives a number that is
true of something else. So each operation, event and bound of a reading is looked for in the plan again.
"""

from __future__ import annotations

import re
from typing import Final

from mythos.synthesis.lexicon import Named, Target, own_phrases
from mythos.synthesis.meaning import borne
from mythos.synthesis.plan import Plan, Schema, places_of
from mythos.synthesis.reading import Op, Reading

_RELATIONS: Final = ("growth", "difference", "share")
_BUCKETS: Final = ("by-month", "by-quarter", "by-year", "by-fiscal")
_PERIODIC: Final = re.compile(r"month|quarter|year|annual|[月次年]|四半期")
_GRADED: Final = re.compile(r"best|worst|strong|weak|ベスト|ワースト")
_BETTER: Final = (
    "sale", "revenue", "turnover", "order", "profit", "income", "quantity", "unit", "score", "output",
    "売上", "受注", "利益", "収入", "数量", "評価", "生産",
)  # fmt: skip
"""Names of numbers of which more is better."""
_SMALL: Final = r"[\s,]|\b(?:the|in|from|of|for|at|by|and|or)\b"
_SMALL_JA: Final = r"[のをと、,・\s]|および|及び"
_BESIDE: Final = re.compile(
    r"\s*(?:(?:of|with|worth|whose|having|that|are|is|was|were|an?|the|amounts?|values?|totals?)\s+)*\s*"
)


def without_use(reading: Reading, plan: Plan, relation: str, schema: Schema, *, split: bool) -> str | None:
    """What of a question the plan leaves unused, or takes for something else; none when nothing.

    Args:
        reading: the question.
        plan: its first plan.
        relation: how its plans relate.
        schema: the caller's tables.
        split: whether the plan compares several values of one column.
    """
    kinds = {op.kind for op in reading.ops}
    return (
        _of_operations(reading, plan, kinds, schema)
        or _of_relations(reading, plan, kinds, relation, split=split)
        or _of_events(reading, plan, schema)
        or _of_bounds(reading, plan)
    )


def _of_operations(reading: Reading, plan: Plan, kinds: set[str], schema: Schema) -> str | None:
    up, down = kinds & {"max", "limit-desc"}, kinds & {"min", "limit-asc"}
    counts = plan.operation in {"count", "distinct"}
    found: str | None = None
    if up and down:
        found = "the highest or the lowest?"
    elif (up or down) and plan.operation not in {"max", "min"} and plan.order is None:
        found = "the highest or lowest of what?"
    elif "avg" in kinds and plan.operation != "avg":
        found = "an average of what?"
    elif "sum" in kinds and plan.operation in ({"avg"} if plan.group else {"avg", "min", "max"}):
        found = "a total, or something else?"
    elif "much" in kinds if counts else "count" in kinds and not _counts_measure(reading, plan):
        found = "how many, or how much?"
    elif "distinct" in kinds and not counts:
        found = "different ones of what?"
    elif (
        "when" in kinds
        and plan.bucket is None
        and not any(schema.column(place).type in {"date", "timestamp"} for place in plan.shown)
    ):
        found = "a time is asked for"
    elif "each" in kinds and plan.group is None and plan.operation not in {"avg", "value"}:
        found = "of each one of what?"
    elif counts and _own_key(plan, schema):
        found = "how many rows of each row?"
    elif plan.bucket and plan.operation == "avg" and "trend" not in kinds and _of_totals(reading):
        found = "an average of rows, or of what each period comes to?"
    elif any(_GRADED.search(reading.text[op.start : op.end]) for op in _extremes(reading)):
        better = _names(plan, schema)
        found = None if any(mark in better for mark in _BETTER) else "better when there is more, or less?"
    return found


def _own_key(plan: Plan, schema: Schema) -> bool:
    keys = schema.tables[plan.table].primary_key
    return plan.group is not None and plan.group.table == plan.table and keys == (plan.group.column,)


def _extremes(reading: Reading) -> list[Op]:
    return [op for op in reading.ops if op.kind in {"max", "min", "limit-desc", "limit-asc"}]


def _names(plan: Plan, schema: Schema) -> str:
    named = schema.tables[plan.table] if plan.measure is None else schema.column(plan.measure)
    return f"{named.name} {named.description.en} {named.description.ja}".lower()


def _counts_measure(reading: Reading, plan: Plan) -> bool:
    """`how many units`: the count is said of the number that is measured."""
    count = reading.asks("count")
    if count is None or plan.measure is None:
        return False
    after = [n for n in reading.named if n.start >= count.end]
    before = [n for n in reading.named if n.end <= count.start]
    beside = before[-1:] if reading.language == "ja" else after[:1]
    return any(
        target.place == plan.measure and all(t.kind != "table" for t in named.targets)
        for named in beside
        for target in named.targets
    )


def _of_totals(reading: Reading) -> bool:
    """`monthly average`, `per month`: perhaps of what the months come to, and not of the rows of each."""
    said = [reading.text[op.start : op.end] for op in reading.ops if op.kind in _BUCKETS]
    return any(not re.match(r"by |each |for each |every |.*(?:別|ごと|毎)|各", text) for text in said)


def _of_relations(reading: Reading, plan: Plan, kinds: set[str], relation: str, *, split: bool) -> str | None:
    asked = [kind for kind in _RELATIONS if kind in kinds]
    if len(asked) > 1:
        return " or ".join(asked) + "?"
    if asked and asked[0] != relation:
        return f"a {asked[0]} of what?"
    if "or" in kinds and not split and len(reading.periods) != 2:
        return "either of two conditions"
    if "compare" in kinds and not split and len(reading.periods) != 2 and plan.group is None:
        return "a comparison of what?"
    if len([kind for kind in _BUCKETS if kind in kinds]) > 1:
        return "by which of the periods?"
    return None


def _of_events(reading: Reading, plan: Plan, schema: Schema) -> str | None:
    """`shipped` of orders that have no day of shipment would count by the day of the order."""
    tables = {plan.table, *(place.table for place in places_of(plan))}
    told = [(t.name, t.description.ja, t.description.en) for t in map(schema.tables.__getitem__, tables)]
    columns = [schema.column(place) for place in places_of(plan)]
    told += [(c.name, c.description.ja, c.description.en) for c in columns]
    for hint in reading.hints:
        if not any(borne(hint, *names) for names in told):
            return f"nothing tells of: {hint}"
    return None


def _of_bounds(reading: Reading, plan: Plan) -> str | None:
    """Of groups and different things, whether a bound is of rows or of what the rows come to."""
    if not reading.bounds or (plan.group is None and plan.operation != "distinct"):
        return None
    own, columns = (
        [n for n in reading.named if any((t.kind, t.table) == (kind, plan.table) for t in n.targets)]
        for kind in ("table", "column")
    )
    for bound in reading.bounds:
        if not any(_beside(reading, named, bound.start, bound.end, columns) for named in own):
            return "a bound of each row, or of what they come to?"
    return None


def _beside(reading: Reading, named: Named, start: int, end: int, columns: list[Named]) -> bool:
    if named.start >= end:
        return reading.text[end : named.start] in {"の", ""}
    between = reading.text[named.end : start]
    for column in columns:
        if named.end <= column.start and column.end <= start:
            said = reading.text[column.start : column.end]
            between = between.replace(said, " ", 1)
    return _BESIDE.fullmatch(between) is not None


def left_out(reading: Reading, values: list[tuple[Named, Target]], schema: Schema) -> set[Named]:
    """The values that `except` is said of: those right beside it, in a list of their own."""
    op = reading.asks("except")
    found: set[Named] = set()
    if op is None:
        return found
    japanese = not reading.text[op.start : op.end].isascii()
    at = op.start if japanese else op.end
    for named, target in sorted(values, key=lambda v: v[0].start, reverse=japanese):
        if (named.start >= op.end) == japanese:
            continue
        between = reading.text[named.end : at] if japanese else reading.text[at : named.start]
        column = schema.column(target.place)
        for phrase in own_phrases(column.name, column.description.en, column.description.ja):
            between = between.replace(phrase, "")
        if re.sub(_SMALL_JA if japanese else _SMALL, "", between):
            break
        found.add(named)
        at = named.start if japanese else named.end
    return found
