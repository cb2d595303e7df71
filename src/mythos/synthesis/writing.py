"""Results in words: a plain sentence, or a line for each group; every number in a cell of its own."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from mythos.synthesis.answers import Answer, Row, exactly, quotient, rendered, skeleton
from mythos.synthesis.lexicon import Place, spoken
from mythos.synthesis.periods import Period
from mythos.synthesis.plan import Plan, Schema
from mythos.synthesis.planner import Question
from mythos.synthesis.terms import Language, Result, Table, Value

_MORE_PLACES: Final = 2
"""Of a quotient: places beyond those of what is divided."""


class Writer:
    """Writes results into an answer, in plain sentences."""

    def __init__(self, made: Answer, schema: Schema, language: Language) -> None:
        self._made = made
        self._schema = schema
        self._language: Language = language

    def _words(self, english: str, japanese: str) -> None:
        with suppress(ValueError):
            self._made.say(japanese if self._language == "ja" else english)
            return
        self._made.say("結果: " if self._language == "ja" else "Result: ")

    def _unit(self, plan: Plan) -> str | None:
        if plan.measure is None or plan.operation in {"count", "distinct"}:
            return None
        return self._schema.column(plan.measure).unit

    def _value(self, plan: Plan, held: dict[str, Value]) -> Value:
        value = held["value"]
        if plan.operation != "avg" or value is None:
            return value
        return quotient(_number(value), _number(held["cells"]), _places(value) + _MORE_PLACES)

    def single(self, plan: Plan, result: Result, sentence: str = "") -> None:
        """One number, in a model's words where they hold no number of their own."""
        pieces = skeleton(sentence, ["value"])
        if pieces is not None:
            for piece in pieces:
                if piece is None:
                    self._cell(plan, result, 0)
                elif piece:
                    self._made.say(piece)
            return
        name = _measure_name(plan, self._schema, self._language)
        self._words(f"{name}: ", f"{name}: ")
        self._cell(plan, result, 0)

    def _cell(self, plan: Plan, result: Result, row: int, label: str | None = None) -> str:
        held = dict(zip(result.columns, result.rows[row], strict=True))
        value = self._value(plan, held)
        source = _source(result, held)
        if plan.operation == "avg":
            source["expression"] = f"{held['value']} / {held['cells']}"
        shown = rendered(value, self._unit(plan), self._language)
        ref = self._made.cell(shown, source)
        self._made.rows.append(Row(label, ref, value, _position(plan, held.get("key"))))
        return ref

    def groups(self, plan: Plan, result: Result, *, difference: bool) -> None:
        """A label and a number a line."""
        rows = self._ordered(plan, result)
        kept = _with_ties(plan, rows)
        name = _measure_name(plan, self._schema, self._language)
        self._words(f"{name}:", f"{name}:")
        shown: list[str] = []
        for index, held in kept:
            self._made.say("\n")
            label = held.get("label") or held.get("key")
            ref = self._made.cell(self._label_of(plan, label), _source(result, held) | {"column": "label"})
            self._made.say(": ")
            shown.append(self._cell(plan, result, index, ref))
        if difference and len(kept) == 2:
            values = [_exact(plan, held) for _, held in kept]
            self._computed("difference", plan, values, shown)

    def _ordered(self, plan: Plan, result: Result) -> list[tuple[int, dict[str, Value]]]:
        rows = [(i, dict(zip(result.columns, row, strict=True))) for i, row in enumerate(result.rows)]
        rows = [(i, held) for i, held in rows if held["value"] is not None and held.get("key") is not None]
        if plan.order is not None and plan.operation == "avg":
            sign = -1 if plan.order == "desc" else 1
            rows.sort(key=lambda row: (sign * _number(self._value(plan, row[1])), str(row[1]["key"])))
        return rows

    def _label_of(self, plan: Plan, label: Value) -> str:
        group = plan.group
        if group is None:
            return ""
        if plan.bucket == "fiscal":
            return f"{label}年度" if self._language == "ja" else f"FY{label}"
        if plan.bucket is not None and label is not None:
            return _bucket_label(plan.bucket, label, self._language)
        words = self._schema.column(group).values.get(str(label))
        return (words.of(self._language) if words else "") or rendered(label, None, self._language)

    def cells(self, plan: Plan, result: Result) -> None:
        """Cells as they stand."""
        for number, row in enumerate(result.rows[: plan.limit or 1]):
            if number:
                self._made.say("\n")
            for column, (place, value) in enumerate(zip(plan.shown, row, strict=True)):
                if column:
                    self._made.say(", ")
                elif len(result.rows) == 1 or plan.limit == 1:
                    name = _name(place, self._schema, self._language)
                    self._words(f"{name}: ", f"{name}: ")
                known = self._schema.column(place)
                words = known.values.get(str(value))
                shown = (words.of(self._language) if words else "") or rendered(
                    value, known.unit, self._language
                )
                source = {
                    "sql": result.sql,
                    "capture": str(result.capture),
                    "rows": [list(r) for r in result.row_ids[number]],
                }
                self._made.cell(shown, source)
        if not result.complete or (plan.limit is not None and len(result.rows) > plan.limit):
            self._made.say("\n…")

    def pair(self, question: Question, results: list[Result]) -> None:
        """Two numbers, each with its period, and how they relate."""
        plan = question.plans[0]
        name = _measure_name(plan, self._schema, self._language)
        self._words(f"{name}:", f"{name}:")
        values: list[Fraction] = []
        shown: list[str] = []
        for number, (each, result) in enumerate(zip(question.plans, results, strict=True)):
            self._made.say("\n")
            label = None
            if question.periods:
                period = question.periods[number]
                source = {"sql": result.sql, "capture": str(result.capture), "column": "period"}
                label = self._made.cell(period_label(period, self._language), source)
                self._made.say(": ")
            shown.append(self._cell(each, result, 0, label))
            values.append(_exact(each, dict(zip(result.columns, result.rows[0], strict=True))))
        if question.relation != "one":
            self._computed(question.relation, plan, values, shown, in_time=bool(question.periods))

    def _computed(
        self, relation: str, plan: Plan, values: list[Fraction], of: list[str], *, in_time: bool = False
    ) -> None:
        over, under = values
        if in_time:
            over, under = under, over
        words = {
            "difference": ("Difference", "差"),
            "growth": ("Change", "増減率"),
            "share": ("Share", "構成比"),
        }
        english, japanese = words[relation]
        a, b = ("b", "a") if in_time else ("a", "b")  # as `of` lists them
        if relation == "difference":
            less = over - under
            rounded = quotient(less.numerator, less.denominator, 2 * _MORE_PLACES)
            value: Value = rounded if plan.operation == "avg" else exactly(less)
            unit, text = self._unit(plan), f"{a} - {b}"
        elif under == 0:
            return
        elif relation == "growth":
            grown = (over - under) * 100 / abs(under)
            value = _percent(grown)
            unit, text = "%", f"({a} - {b}) / |{b}| * 100"
        else:
            share = over * 100 / under
            value = _percent(share)
            unit, text = "%", f"{a} / {b} * 100"
        self._made.say("\n")
        self._words(f"{english}: ", f"{japanese}: ")
        self._made.cell(rendered(value, unit, self._language), {"expression": text, "of": of})


def _source(result: Result, held: dict[str, Value]) -> dict[str, Any]:
    key = {} if held.get("key") is None else {"key": str(held["key"])}
    return {"sql": result.sql, "capture": str(result.capture), "rows": held.get("rows"), **key}


def _with_ties(plan: Plan, rows: list[tuple[int, dict[str, Value]]]) -> list[tuple[int, dict[str, Value]]]:
    if plan.limit is None or len(rows) <= plan.limit:
        return rows
    last = rows[plan.limit - 1][1]
    tied = [
        row
        for row in rows[plan.limit :]
        if row[1]["value"] == last["value"] and row[1].get("cells") == last.get("cells")
    ]
    return rows[: plan.limit] + tied


def _exact(plan: Plan, held: dict[str, Value]) -> Fraction:
    """The value before it is rounded to be shown: what is computed from it is not of what is shown."""
    value = Fraction(_number(held["value"]))
    return value / Fraction(_number(held["cells"])) if plan.operation == "avg" else value


def _percent(value: Fraction) -> Decimal:
    """Rounded to two places; below one to four, so that little is not shown as nothing."""
    places = _MORE_PLACES if abs(value) >= 1 else 2 * _MORE_PLACES
    return quotient(value.numerator, value.denominator, places)


def _number(value: Value) -> Any:
    return value if value is not None else 0


def _places(value: Value) -> int:
    text = str(value)
    return len(text.partition(".")[2])


_MONTHS: Final = {"month": 1, "quarter": 3, "fiscal-quarter": 3, "year": 12, "fiscal": 12}


def _position(plan: Plan, key: Value) -> int | None:
    """Of a trend in its order of time, the ordinal of a month, quarter or year."""
    if plan.bucket is None or plan.order is not None or key is None:
        return None
    year, month = str(key)[:4], str(key)[5:7] or "1"
    return (int(year) * 12 + int(month) - 1) // _MONTHS[plan.bucket]


def _bucket_label(bucket: str, label: Value, language: Language) -> str:
    text = str(label)
    year, month = text[:4], int(text[5:7] or 1)
    if bucket == "year":
        return f"{year}年" if language == "ja" else year
    if bucket == "fiscal-quarter":
        year, quarter = str(int(year) - (month < 4)), (month - 4) % 12 // 3 + 1
        return f"{year}年度第{quarter}四半期" if language == "ja" else f"FY{year} Q{quarter}"
    if bucket == "quarter":
        quarter = (month - 1) // 3 + 1
        return f"{year}年第{quarter}四半期" if language == "ja" else f"{year} Q{quarter}"
    return f"{year}年{month}月" if language == "ja" else f"{year}-{month:02d}"


def period_label(period: Period, language: Language) -> str:
    """A period as it was named, or its first and last day."""
    start = period.start
    if start is None or period.end is None or period.kind in {"", "half", "past", "week"}:
        ends = (start, None if period.end is None else period.end - timedelta(1))
        return " – ".join("" if day is None else rendered(day, None, language) for day in ends)
    match period.kind:
        case "day" | "month-end" | "word" if (period.end - start).days == 1:
            return rendered(start, None, language)
        case "fiscal":
            return f"{start.year}年度" if language == "ja" else f"FY{start.year}"
        case "fiscal-quarter" | "quarter" | "month" | "year":
            return _bucket_label(period.kind, start, language)
        case _:
            return period_label(replace(period, kind=""), language)


def _name(place: Place, schema: Schema, language: Language) -> str:
    column = schema.column(place)
    return column.description.of(language) or spoken(column.name)


def _table_name(table: Table, language: Language) -> str:
    return table.description.of(language) or spoken(table.name)


_OPERATIONS: Final[dict[str, dict[Language, str]]] = {
    "sum": {"en": "total", "ja": "合計"}, "avg": {"en": "average", "ja": "平均"},
    "max": {"en": "highest", "ja": "最大"}, "min": {"en": "lowest", "ja": "最小"},
    "count": {"en": "count", "ja": "件数"}, "distinct": {"en": "different", "ja": "種類"},
    "value": {"en": "", "ja": ""},
}  # fmt: skip


def _measure_name(plan: Plan, schema: Schema, language: Language) -> str:
    what = (
        _name(plan.measure, schema, language)
        if plan.measure
        else _table_name(schema.tables[plan.table], language)
    )
    return f"{what} ({_OPERATIONS[plan.operation][language]})"


def read_as(plan: Plan, schema: Schema, language: Language) -> str:
    """A plan in one line, for a person to check: in English the catalogue's names, in Japanese its words."""
    if language == "ja":
        return _read_as_japanese(plan, schema)
    what = plan.table if plan.measure is None else f"{plan.measure.column} of {plan.table}"
    conditions = [
        f"{f.place.table}.{f.place.column} {f.comparator} {' or '.join(map(str, f.values))}"
        for f in plan.filters
    ]
    where = f" where {' and '.join(conditions)}" if conditions else ""
    split = (
        ""
        if plan.group is None
        else f" by {plan.bucket or ''}{' of ' if plan.bucket else ''}{plan.group.table}.{plan.group.column}"
    )
    order = (
        ""
        if plan.order is None
        else f", {'highest' if plan.order == 'desc' else 'lowest'} {plan.limit or ''} first"
    )
    shown = "" if not plan.shown else " ".join(f"{p.table}.{p.column}" for p in plan.shown) + " of "
    return f"{plan.operation} of {shown}{what}{split}{where}{order}"


_COMPARED: Final = {"=": "", "<>": "以外", ">": "より大きい", ">=": "以上", "<": "未満", "<=": "以下"}
_DATED: Final = _COMPARED | {">": "より後", ">=": "以降", "<": "より前", "<=": "まで"}
_SPLIT: Final = {
    "month": "の月", "quarter": "の四半期", "fiscal-quarter": "の四半期", "year": "の年", "fiscal": "の年度"
}  # fmt: skip


def _read_as_japanese(plan: Plan, schema: Schema) -> str:
    def of(place: Place) -> str:
        return f"{_table_name(schema.tables[place.table], 'ja')}の{_name(place, schema, 'ja')}"

    said = [_measure_name(plan, schema, "ja")] if plan.operation != "value" else [of(p) for p in plan.shown]
    told = "、".join(said)
    if plan.measure is not None:
        told = f"{_table_name(schema.tables[plan.table], 'ja')}の{told}"
    if plan.group is not None:
        told += f"、{of(plan.group)}{_SPLIT[plan.bucket] if plan.bucket else ''}ごと"
    if plan.order is not None:
        told += f"、{'多い' if plan.order == 'desc' else '少ない'}順"
        told += f"に{plan.limit}件" if plan.limit else ""
    conditions: list[str] = []
    for f in plan.filters:
        column = schema.column(f.place)
        words = [
            column.values[str(v)].of("ja") if str(v) in column.values else rendered(v, column.unit, "ja")
            for v in f.values
        ]
        compared = (_DATED if column.type in {"date", "timestamp"} else _COMPARED)[f.comparator]
        conditions.append(f"{of(f.place)}が{'または'.join(words)}{compared}")
    return f"{told}(条件: {'、'.join(conditions)})" if conditions else told
