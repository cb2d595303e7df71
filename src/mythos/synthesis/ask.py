"""One question, from its words to a bound answer or a typed refusal.

    read ─▶ plan ─▶ query ─▶ cells ─▶ recheck ─▶ parts
                └▶ search ─▶ quotes

The plain planner goes first; a model is asked only for what it cannot plan, sees names and never a cell, and
its plan goes the same way. What neither can plan is looked for in the documents, and only quoted.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal, Self

from mythos.errors import DataError
from mythos.synthesis import planner
from mythos.synthesis.answers import Answer, difference, quotient, refusal, rendered, skeleton
from mythos.synthesis.capture import capture
from mythos.synthesis.cell import Cells
from mythos.synthesis.lexicon import Lexicon, Place, spoken
from mythos.synthesis.plan import Plan, Schema, query
from mythos.synthesis.planner import Question, Refusal
from mythos.synthesis.quotes import quoted
from mythos.synthesis.reading import Reading, language_of, read
from mythos.synthesis.recheck import recheck
from mythos.synthesis.search import Index, build_index
from mythos.synthesis.terms import Document, Language, Metric, Result, Table, Value, View
from mythos.synthesis.values import fold

Model = Callable[[Reading, View, Schema], Question | Refusal]
"""Plans what the plain planner cannot; `mythos.synthesis.loop` makes one."""
Decide = Callable[[Document, Literal["retrieve", "quote"]], bool]
"""The decision of the data room for one document and purpose."""
MAX_GROUPS: Final = 200
_MORE_PLACES: Final = 2
"""Of a quotient: places beyond those of what is divided."""


def answer(
    question: str, view: View, *, cache: Path, model: Model | None = None, decide: Decide | None = None
) -> dict[str, Any]:
    """Answer a question from what one person may know.

    Args:
        question: in English or Japanese.
        view: whose tables and documents.
        cache: a private folder for captures and indexes.
        model: plans what the plain planner cannot; none: such questions are refused.
        decide: whether a document may be used for `retrieve` or `quote`; none: the catalogue alone decides.

    Returns:
        The JSON document of `mythos ask`: an answer made of text, cells and quotes, or a typed refusal.

    Raises:
        DataError: a source is gone or unreadable.
    """
    with Asker(view, cache=cache, model=model, decide=decide) as asker:
        return asker.answer(question)


class Asker:
    """One person's questions: their rows captured once, their words learnt once; a context manager."""

    def __init__(
        self, view: View, *, cache: Path, model: Model | None = None, decide: Decide | None = None
    ) -> None:
        self._view, self._cache, self._model, self._decide = view, cache, model, decide or _by_catalogue
        self._schema = Schema({table.name: table for table in view.tables})
        self._cells = Cells(capture(view, cache))
        self._index: Index | None = None
        try:
            self._lexicon = Lexicon(view, self._cells)
        except BaseException:
            self._cells.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cells.close()

    def answer(self, question: str) -> dict[str, Any]:
        """The JSON document of one question's answer or refusal."""
        language = language_of(question)
        reading = read(question, self._lexicon, self._view.catalog.today)
        metric = _metric(reading, self._view)
        if metric is not None:
            return _of_metric(metric, self._cells, language)
        planned = planner.plan(reading, self._view, self._schema)
        if isinstance(planned, Refusal) and planned.reason in {"cannot_plan", "not_in_hub"}:
            found = self._from_documents(question)
            if found is not None:
                return found
            if self._model is not None:
                planned = _from_model(self._model, reading, self._view, self._schema)
        if isinstance(planned, Refusal):
            return refusal(planned.reason, language, planned.why)
        return answered(planned, self._schema, self._cells, language)

    def _from_documents(self, question: str) -> dict[str, Any] | None:
        """A quote; or that a document which bears what was asked about is closed to the caller."""
        view, decide = self._view, self._decide
        if view.documents:
            if self._index is None:
                self._index = build_index(view, self._cache, lambda document: decide(document, "retrieve"))
            found = quoted(question, view, self._index, lambda document: decide(document, "quote"))
            if found is not None:
                return found
        asked = fold(question).lower()
        titles = {d.file: fold(d.title).lower() for d in view.catalog.documents if d.file in view.closed}
        named = next((title for title in titles.values() if len(title) > 3 and title in asked), None)
        return None if named is None else refusal("not_permitted", language_of(question), named)


def _by_catalogue(_document: Document, _purpose: Literal["retrieve", "quote"]) -> bool:
    """Where no records of rights lie beside the catalogue, the catalogue's own rules are the decision."""
    return True


def _from_model(model: Model, reading: Reading, view: View, schema: Schema) -> Question | Refusal:
    with suppress(DataError):
        return model(reading, view, schema)
    return Refusal("cannot_plan", "the model gave no plan that could be checked")


def answered(question: Question, schema: Schema, cells: Cells, language: Language) -> dict[str, Any]:
    """Run a question's plans twice over and write the answer, or say that there is none."""
    try:
        results = [_run(plan, schema, cells) for plan in question.plans]
    except DataError as error:
        if error.code in {"plan", "gate", "recheck", "too_much", "overflow"}:
            return refusal("cannot_plan", language, error.message)
        raise
    first = results[0]
    if not first.rows or all(_empty(first, row) for row in first.rows):
        return refusal("no_data", language)
    made = Answer(language, read_as="; ".join(_read_as(plan) for plan in question.plans))
    writer = Writer(made, schema, language)
    if question.plans[0].operation == "value":
        writer.cells(question.plans[0], first)
    elif question.plans[0].group is not None:
        writer.groups(question.plans[0], first, difference=question.relation == "difference")
    elif len(results) == 1:
        writer.single(question.plans[0], first, question.sentence)
    elif any(_empty(result, result.rows[0]) for result in results):
        return refusal("no_data", language)
    else:
        writer.pair(question, results)
    return made.document()


def _run(plan: Plan, schema: Schema, cells: Cells) -> Result:
    limit = MAX_GROUPS if plan.operation == "value" or plan.limit is None else plan.limit + 20
    if plan.operation == "avg" and plan.group is not None:
        limit = 10_000
    result = cells.run(query(plan, schema), limit=limit)
    if plan.group is not None and not result.complete and (plan.limit is None or plan.operation == "avg"):
        raise DataError("too many groups", expected=f"at most {MAX_GROUPS}", code="too_much")
    recheck(plan, schema, cells, result)
    return result


def _empty(result: Result, row: tuple[Value, ...]) -> bool:
    held = dict(zip(result.columns, row, strict=True))
    return held["value"] is None or held["rows"] == 0 if "rows" in held else all(v is None for v in row)


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

    def _cell(self, plan: Plan, result: Result, row: int) -> str:
        held = dict(zip(result.columns, result.rows[row], strict=True))
        value = self._value(plan, held)
        source = _source(result, held)
        if plan.operation == "avg":
            source["expression"] = f"{held['value']} / {held['cells']}"
        shown = rendered(value, self._unit(plan), self._language)
        self._made.rows.append((_label(held), value))
        return self._made.cell(shown, source)

    def groups(self, plan: Plan, result: Result, *, difference: bool) -> None:
        """A label and a number a line."""
        rows = self._ordered(plan, result)
        kept = _with_ties(plan, rows)
        name = _measure_name(plan, self._schema, self._language)
        self._words(f"{name}:", f"{name}:")
        for index, held in kept:
            self._made.say("\n")
            label = held.get("label") or held.get("key")
            self._made.cell(self._label_of(plan, label), _source(result, held) | {"column": "label"})
            self._made.say(": ")
            self._cell(plan, result, index)
        if difference and len(kept) == 2:
            values = [self._value(plan, held) for _, held in kept]
            self._computed("difference", plan, values)

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
                self._made.rows.append((shown, value))
        if not result.complete or (plan.limit is not None and len(result.rows) > plan.limit):
            self._made.say("\n…")

    def pair(self, question: Question, results: list[Result]) -> None:
        """Two numbers and how they relate."""
        plan = question.plans[0]
        name = _measure_name(plan, self._schema, self._language)
        self._words(f"{name}: ", f"{name}: ")
        values: list[Value] = []
        for number, (each, result) in enumerate(zip(question.plans, results, strict=True)):
            if number:
                self._words(" against ", " に対し ")
            self._cell(each, result, 0)
            values.append(self._made.rows[-1][1])
        if question.relation != "one":
            self._computed(question.relation, plan, values)

    def _computed(self, relation: str, plan: Plan, values: list[Value]) -> None:
        over, under = _number(values[0]), _number(values[1])
        of = list(self._made.refs)[-len(values) :]
        words = {
            "difference": ("Difference", "差"),
            "growth": ("Change", "増減率"),
            "share": ("Share", "構成比"),
        }
        english, japanese = words[relation]
        if relation == "difference":
            value, unit, text = difference(values[0], values[1]), self._unit(plan), "a - b"
        elif under == 0:
            return
        elif relation == "growth":
            value, unit, text = (
                quotient((over - under) * 100, abs(under), _MORE_PLACES),
                "%",
                "(a - b) / |b| * 100",
            )
        else:
            value, unit, text = quotient(over * 100, under, _MORE_PLACES), "%", "a / b * 100"
        self._made.say("\n")
        self._words(f"{english}: ", f"{japanese}: ")
        self._made.cell(rendered(value, unit, self._language), {"expression": text, "of": of})


def _source(result: Result, held: dict[str, Value]) -> dict[str, Any]:
    return {"sql": result.sql, "capture": str(result.capture), "rows": held.get("rows")}


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


def _number(value: Value) -> Any:
    return value if value is not None else 0


def _places(value: Value) -> int:
    text = str(value)
    return len(text.partition(".")[2])


def _label(held: dict[str, Value]) -> str:
    return str(held.get("label") or held.get("key") or "")


def _bucket_label(bucket: str, label: Value, language: Language) -> str:
    text = str(label)
    year, month = text[:4], int(text[5:7] or 1)
    if bucket == "year":
        return f"{year}年" if language == "ja" else year
    if bucket == "quarter":
        quarter = (month - 1) // 3 + 1
        return f"{year}年第{quarter}四半期" if language == "ja" else f"{year} Q{quarter}"
    return f"{year}年{month}月" if language == "ja" else f"{year}-{month:02d}"


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


def _read_as(plan: Plan) -> str:
    """A plan in one line, names as the catalogue has them, for a person to check."""
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


def _metric(reading: Reading, view: View) -> Metric | None:
    """A trusted metric that the whole question names, and nothing else."""
    for metric in view.catalog.metrics:
        for name in (metric.name.ja, metric.name.en):
            said = spoken(name)
            if said and said in reading.text and not reading.periods and not reading.unknown:
                return metric
    return None


def _of_metric(metric: Metric, cells: Cells, language: Language) -> dict[str, Any]:
    result = cells.run(metric.sql, limit=2)
    if len(result.rows) != 1 or len(result.rows[0]) != 1 or result.rows[0][0] is None:
        return refusal("no_data", language)
    made = Answer(
        language, read_as=f"the metric {metric.name.of(language)}, reviewed by {metric.reviewed_by}"
    )
    with suppress(ValueError):
        made.say(f"{metric.name.of(language)}: ")
    source = {"sql": result.sql, "capture": str(result.capture), "rows": None, "metric": metric.name.of("en")}
    made.cell(rendered(result.rows[0][0], metric.unit, language), source)
    return made.document()
