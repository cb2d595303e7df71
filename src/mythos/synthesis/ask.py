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
from pathlib import Path
from typing import Any, Final, Literal, Self

from mythos.errors import DataError
from mythos.synthesis import planner
from mythos.synthesis.answers import Answer, refusal, rendered
from mythos.synthesis.capture import capture
from mythos.synthesis.cell import Cells
from mythos.synthesis.lexicon import Lexicon, spoken
from mythos.synthesis.plan import Plan, Schema, query
from mythos.synthesis.planner import Question, Refusal
from mythos.synthesis.quotes import holds, quoted
from mythos.synthesis.reading import Reading, language_of, read
from mythos.synthesis.recheck import recheck
from mythos.synthesis.search import Index, build_index
from mythos.synthesis.terms import Capture, Document, Language, Metric, Result, Value, View
from mythos.synthesis.values import fold
from mythos.synthesis.writing import Writer, read_as

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
        reading = read(question, self._lexicon, self._view.catalog.today)
        metric = _metric(reading, self._view)
        if metric is not None:
            return _of_metric(metric, self._cells, language)
        planned = planner.plan(reading, self._view, self._schema)
        if isinstance(planned, Refusal) and planned.reason in {"cannot_plan", "not_in_hub"}:
            found = self._from_documents(question, language)
            if found is not None:
                return found
            if self._model is not None:
                planned = _from_model(self._model, reading, self._view, self._schema)
        if isinstance(planned, Refusal):
            return refusal(planned.reason, language, planned.why)
        found = answered(planned, self._schema, self._cells, language)
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
    except DataError as error:
        if error.code in {"plan", "gate", "recheck", "too_much", "overflow"}:
            return refusal("cannot_plan", language, error.message)
        raise
    first = results[0]
    if not first.rows or all(_empty(first, row) for row in first.rows):
        return refusal("no_data", language)
    made = Answer(language, read_as="; ".join(read_as(plan) for plan in question.plans))
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
