"""One question, from its words to a bound answer or a typed refusal.

    read ─▶ plan ─▶ query ─▶ cells ─▶ recheck ─▶ parts
                └▶ search ─▶ quotes

The plain planner goes first; a model is asked only for what it cannot plan, sees names and never a cell, and
its plan goes the same way. What neither can plan is looked for in the documents, and only quoted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal, Self

from mythos.errors import DataError
from mythos.synthesis import planner
from mythos.synthesis.answers import Answer, refusal, rendered
from mythos.synthesis.capture import capture
from mythos.synthesis.cell import Cells
from mythos.synthesis.doubts import TIES, doubt, uncovered
from mythos.synthesis.lexicon import Lexicon
from mythos.synthesis.loop import fits_form
from mythos.synthesis.plan import Plan, Schema, query
from mythos.synthesis.planner import Question, Refusal
from mythos.synthesis.quotes import holds, quoted
from mythos.synthesis.reading import MAX_QUESTION, Reading, language_of, read
from mythos.synthesis.recheck import recheck
from mythos.synthesis.search import Index, build_index
from mythos.synthesis.terms import Capture, Document, Language, Metric, Result, Value, View
from mythos.synthesis.values import fold
from mythos.synthesis.writing import Writer, period_label, read_as

Model = Callable[[Reading, View, Schema], Question | Refusal]
"""Plans what the plain planner cannot; `mythos.synthesis.loop` makes one."""
Decide = Callable[[Document, Literal["retrieve", "quote"]], bool]
"""The decision of the data room for one document and purpose."""
MAX_GROUPS: Final = 200


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

    @property
    def capture(self) -> Capture:
        """The rows that every answer of this asker is from."""
        return self._cells.capture

    def answer(self, question: str, language: Language | None = None) -> dict[str, Any]:
        """The JSON document of one question's answer or refusal; in the question's language unless told."""
        language = language or language_of(question)
        if len(question) > MAX_QUESTION:
            return refusal("cannot_plan", language, f"a question has at most {MAX_QUESTION} characters")
        reading, metric = _metric(read(question, self._lexicon, self._view.catalog.today), self._view)
        if isinstance(metric, Metric):
            return _of_metric(metric, self._cells, language)
        planned = metric or planner.plan(reading, self._view, self._schema)
        if isinstance(planned, Refusal) and planned.reason in {"cannot_plan", "not_in_hub"}:
            found = self._from_documents(question, language)
            if found is not None:
                return found
            if self._model is not None and fits_form(reading):
                planned = _from_model(self._model, reading, self._view, self._schema)
        if isinstance(planned, Refusal):
            return refusal(planned.reason, language, planned.why)
        found = answered(planned, self._schema, self._cells, language)
        if found["kind"] == "answer":
            _say_what_is_held(found, reading, self._view, self._cells)
        return self._beside(question, found) if len(found["refs"]) == 1 else found

    def _beside(self, question: str, found: dict[str, Any]) -> dict[str, Any]:
        """Beside one number of the tables, a document's sentence that answers the same question with another.

        Which is right is not for this room to say. The sentence must hold every word and number of the
        question, so that none about another time, place or name is shown.
        """
        quote = self._quote(question)
        if quote is None:
            return found
        (part,) = quote["parts"]
        held, asked = _numbers(part["shown"]), _numbers(question)
        shown = _numbers("".join(cell.get("shown", "") for cell in found["parts"]))
        same = asked <= held and holds(part["shown"], question)
        if not same or not held - asked or not shown or shown <= held:
            return found
        words = "文書の記載: " if found["language"] == "ja" else "A document says: "
        ref = f"r{len(found['refs']) + 1}"
        parts = [*found["parts"], {"text": f"\n{words}"}, {"quote": ref, "shown": part["shown"]}]
        refs = found["refs"] | {ref: quote["refs"][part["quote"]]}
        return found | {"parts": parts, "refs": refs}

    def _quote(self, question: str) -> dict[str, Any] | None:
        """A sentence of the person's documents that covers a question."""
        view, decide = self._view, self._decide
        if not view.documents:
            return None
        if self._index is None:
            self._index = build_index(view, self._cache, lambda document: decide(document, "retrieve"))
        return quoted(question, view, self._index, lambda document: decide(document, "quote"))

    def _from_documents(self, question: str, language: Language) -> dict[str, Any] | None:
        """A quote; or that a document which bears what was asked about is closed to the caller."""
        view = self._view
        found = self._quote(question)
        if found is not None:
            return found | {"language": language}
        asked = fold(question).lower()
        titles = {d.file: fold(d.title).lower() for d in view.catalog.documents if d.file in view.closed}
        named = next((title for title in titles.values() if len(title) > 3 and title in asked), None)
        return None if named is None else refusal("not_permitted", language, named)


def _numbers(text: str) -> frozenset[str]:
    return frozenset(found.replace(",", "") for found in re.findall(r"\d[\d,]*(?:\.\d+)?", fold(text)))


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
        doubts = [doubt(p, schema, cells, r) for p, r in zip(question.plans, results, strict=True)]
    except DataError as error:
        if error.code in {"plan", "gate", "recheck", "too_much", "overflow"}:
            return refusal("cannot_plan", language, error.message)
        raise
    if (why := next(filter(None, doubts), None)) is not None:
        return refusal("cannot_plan", language, why)
    first = results[0]
    if not first.rows or all(_empty(first, row) for row in first.rows):
        return refusal("no_data", language)
    made = Answer(language, read_as="; ".join(read_as(plan, schema, language) for plan in question.plans))
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
    limit = MAX_GROUPS if plan.operation == "value" or plan.limit is None else plan.limit + TIES
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


def _say_what_is_held(found: dict[str, Any], reading: Reading, view: View, cells: Cells) -> None:
    """After an answer about time that the data holds a part of, which part that is."""
    held = uncovered(reading.periods, view.catalog)
    if held is None:
        return
    language = found["language"]
    ref = f"r{len(found['refs']) + 1}"
    found["refs"][ref] = {"expression": "covers", "capture": str(cells.capture.digest)}
    words = "データの範囲: " if language == "ja" else "The data holds: "
    found["parts"] += [{"text": f"\n{words}"}, {"cell": ref, "shown": period_label(held, language)}]


def _metric(reading: Reading, view: View) -> tuple[Reading, Metric | Refusal | None]:
    """A trusted metric that is the whole question; and the reading without metrics.

    A metric is what was reviewed and nothing else: one with a condition beside it is another number.
    """
    named = [n for n in reading.named if any(t.kind == "metric" for t in n.targets)]
    if not named:
        return reading, None
    more = reading.periods or reading.bounds or reading.hints or any(reading.unknown)
    if len(reading.named) == 1 and not more and {op.kind for op in reading.ops} <= {"what", "much", "name"}:
        name = next(t.value for t in named[0].targets if t.kind == "metric")
        return reading, next(m for m in view.catalog.metrics if m.name.of("en") == name)
    kept = [replace(n, targets=tuple(t for t in n.targets if t.kind != "metric")) for n in reading.named]
    only = next((n for n, k in zip(reading.named, kept, strict=True) if not k.targets), None)
    if only is not None:
        said = reading.text[only.start : only.end]
        return reading, Refusal("cannot_plan", f"{said} is a reviewed metric: it is asked for alone")
    return replace(reading, named=tuple(kept)), None


def _of_metric(metric: Metric, cells: Cells, language: Language) -> dict[str, Any]:
    name = metric.name.of(language)
    try:
        result = cells.run(metric.sql, limit=2)
    except DataError as error:
        if error.code == "gate":  # it was checked against the whole catalogue: a part is closed to the caller
            return refusal("not_permitted", language, name)
        if error.code in {"too_much", "overflow"}:
            return refusal("cannot_plan", language, error.message)
        raise
    if len(result.rows) != 1 or len(result.rows[0]) != 1 or result.rows[0][0] is None:
        return refusal("no_data", language)
    by = metric.reviewed_by
    told = f"指標「{name}」(確認者: {by})" if language == "ja" else f"the metric {name}, reviewed by {by}"
    made = Answer(language, read_as=told)
    with suppress(ValueError):
        made.say(f"{name}: ")
    source = {"sql": result.sql, "capture": str(result.capture), "rows": None, "metric": metric.name.of("en")}
    made.cell(rendered(result.rows[0][0], metric.unit, language), source)
    return made.document()
