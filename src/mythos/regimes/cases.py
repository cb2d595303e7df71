"""Cases: facts, a day, and what each instrument must come to; and what a folder of rules must have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from mythos.errors import InputError
from mythos.regimes.derived import DERIVED
from mythos.regimes.determine import evaluate
from mythos.regimes.facts import Facts
from mythos.regimes.instrument import Instrument
from mythos.regimes.pack import Pack, load
from mythos.regimes.shape import read, wrong

Day = date


@dataclass(frozen=True, slots=True)
class Expected:
    """The outcome that an instrument must have."""

    OPEN: ClassVar = True
    instrument: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Variant:
    """The same case on another day, with other facts, or both."""

    OPEN: ClassVar = True
    expect: tuple[Expected, ...]
    date: Day | None = None
    set: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Case:
    """Facts on a day, what each instrument must come to, and variants of it."""

    OPEN: ClassVar = True
    id: str
    date: Day
    facts: dict[str, Any]
    expect: tuple[Expected, ...]
    variants: tuple[Variant, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One thing a file of cases asks; `variant` counts from 0."""

    case: str
    variant: int | None
    on: Day
    facts: Mapping[str, object]
    expect: tuple[Expected, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """An outcome that differs from what a case expects."""

    case: str
    variant: int | None
    instrument: str
    expected: str
    got: str


def questions(document: Any, where: str) -> Iterator[Question]:
    """Every case and variant of a file.

    Raises:
        RegimeError: not a file of cases; says the field.
    """
    body: dict[str, Any] = read(dict[str, Any], document, where)
    for case in read(tuple[Case, ...], body.get("cases") or None, f"{where}.cases"):
        yield Question(case.id, None, case.date, case.facts, case.expect)
        for n, variant in enumerate(case.variants):
            facts = {**case.facts, **variant.set}
            yield Question(case.id, n, variant.date or case.date, facts, variant.expect)


def check(document: Any, pack: Pack, where: str = "cases") -> dict[str, Any]:
    """`{"checked", "passed", "failed"}` over every expected outcome of every case and variant.

    An instrument that is not known, an outcome that does not exist and wrong facts fail; nothing is skipped.
    """
    checked, failed = 0, list[Failure]()
    for question in questions(document, where):
        if not question.expect:
            raise wrong(f"{where}: {question.case}.expect", "at least one instrument", "none")
        for expected in question.expect:
            checked += 1
            got = _got(expected.instrument, question, pack)
            if got != expected.outcome:
                names = (question.case, question.variant, expected.instrument, expected.outcome)
                failed.append(Failure(*names, got))
    return {"checked": checked, "passed": checked - len(failed), "failed": [asdict(one) for one in failed]}


def _got(name: str, question: Question, pack: Pack) -> str:
    instrument = next((one for one in pack.instruments if one.id == name), None)
    if instrument is None:
        return "unknown instrument"
    try:
        return evaluate(instrument, Facts.parse(question.facts, pack.vocabulary), question.on).outcome
    except InputError as error:
        return f"wrong facts: {error}"


def lint(folder: Path, pack: Pack) -> list[str]:
    """What a user's folder of rules lacks: `*.yaml` are instruments, `cases/*.yaml` their cases.

    Each case must pass, and each number and date needs a case on either side of it. (A citation and a
    comparator are demanded when the file is read.)

    Raises:
        RegimeError: a file is wrong.
    """
    whole = pack.with_folder(folder)
    files = {path.name: load(path) for path in sorted((folder / "cases").glob("*.yaml"))}
    problems = [
        f"{one['case']}: {one['instrument']} is {one['got']}, expected {one['expected']}"
        for name, document in files.items()
        for one in check(document, whole, name)["failed"]
    ]
    asked = [question for name, document in files.items() for question in questions(document, name)]
    own = [instrument for instrument in whole.instruments if instrument.user]
    return problems + [problem for one in own for problem in uncovered(one, asked, whole)]


def uncovered(instrument: Instrument, asked: list[Question], pack: Pack) -> list[str]:
    """The numbers and dates of an instrument that have no case on one of their sides."""
    own = [q for q in asked if any(expected.instrument == instrument.id for expected in q.expect)]
    problems: list[str] = []
    for edge in sorted(instrument.days()):
        missing = {True, False} - {q.on < edge for q in own}
        problems += [f"{instrument.id}: no case {'before' if side else 'from'} {edge}" for side in missing]
    findings = [evaluate(instrument, Facts.parse(q.facts, pack.vocabulary), q.on) for q in own]
    for label, leaf in instrument.leaves():
        kind = DERIVED[leaf.fact].type if leaf.fact in DERIVED else pack.vocabulary[leaf.fact].type
        if kind in {"number", "share", "date"}:
            held = {line.held for found in findings for line in found.trace if line.clause == label}
            asks = f"{instrument.id}: no case where {leaf.fact} {leaf.comparator} …"
            problems += [f"{asks} {'holds' if s else 'fails'} ({label})" for s in {True, False} - held]
    return problems or ([] if own else [f"{instrument.id}: no case names it"])
