"""Which instrument applies to a model, on a route, on a date: pure, three-valued, with all its reasoning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, Literal, cast, get_args

from mythos.errors import InputError
from mythos.regimes.derived import DERIVED
from mythos.regimes.facts import Facts
from mythos.regimes.instrument import (
    Clause,
    Condition,
    Instrument,
    Interval,
    Kind,
    Obligation,
    Outcome,
    covers,
)
from mythos.regimes.pack import Pack
from mythos.regimes.scalar import Scalar, text
from mythos.regimes.truth import Comparator, Held, Seen, all_of, any_of, compare, unsettled
from mythos.units import Digest

BINDING: Final = frozenset(
    {"applies", "applies_not_enforced", "compliance_pending", "transition", "voluntary"}
)
_STEPS: Final[tuple[tuple[Kind, bool, Outcome], ...]] = (
    ("scope", False, "out_of_scope"),
    ("exclusion", True, "excluded"),
    ("threshold", False, "below_threshold"),
    ("transition", True, "transition"),
    ("review", True, "needs_review"),
)
_LEAVES: Final = frozenset({"scope", "exclusion", "threshold"})
"""Clauses that take the act out of the instrument; the others say how it stands inside."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of reasoning: what was asked, what was seen, and whether it held (None: unknown)."""

    clause: str
    fact: str
    saw: str
    comparator: str
    value: str
    words: str
    cite: str
    held: bool | None
    terms: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What one instrument comes to. The trace's last line is the verdict."""

    instrument: Instrument
    outcome: Outcome
    cite: str
    trace: tuple[Line, ...]
    needs: tuple[str, ...]
    review: tuple[str, ...]
    confidence: str
    obligations: tuple[Obligation, ...]
    notes: tuple[str, ...]
    unstated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leg:
    """One step of a route: from, to, what moves (`weights`, `api`, `hardware`, `none`), its own facts."""

    from_: str
    to: str
    act: str
    facts: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Determination:
    """The findings of each leg, facts that no rule reads, facts that contradict each other, and the pack."""

    on: date
    legs: tuple[tuple[Leg | None, tuple[Finding, ...]], ...]
    strangers: tuple[str, ...]
    contradictions: tuple[str, ...]
    pack: Digest

    @property
    def findings(self) -> tuple[Finding, ...]:
        """For each instrument the finding that binds most, over all legs."""
        rank = get_args(Outcome).index
        return tuple(
            min(each, key=lambda f: rank(f.outcome)) for each in zip(*(f for _, f in self.legs), strict=True)
        )


@dataclass(frozen=True, slots=True)
class Bar:
    """Why an act may not happen without a named override."""

    reason: Literal["barred", "needs_fact", "needs_review", "contradiction"]
    instrument: str
    cite: str
    leg: int
    needs: tuple[str, ...] = ()
    review: tuple[str, ...] = ()


def determine(facts: Mapping[str, object], on: date, pack: Pack) -> Determination:
    """Every instrument of the pack over the facts on a day.

    Raises:
        InputError: a fact of the wrong type, a binary float, a negative or absurd number.
    """
    return _determination([(None, facts)], on, pack)


def determine_route(legs: Sequence[Leg], facts: Mapping[str, object], on: date, pack: Pack) -> Determination:
    """The same over a route: each leg overrides `origin`, `dest`, `transfer`, and what it says itself.

    Raises:
        InputError: as `determine`, or no leg.
    """
    if not legs:
        raise InputError("a route without a leg", expected="at least one FROM:TO:ACT")
    own = [
        (leg, {**facts, "origin": leg.from_, "dest": leg.to, "transfer": leg.act, **leg.facts})
        for leg in legs
    ]
    return _determination(own, on, pack)


def _determination(
    questions: Sequence[tuple[Leg | None, Mapping[str, object]]], on: date, pack: Pack
) -> Determination:
    read = [(leg, Facts.parse(stated, pack.vocabulary)) for leg, stated in questions]
    d5_macau = pack.places["us-ear-d5-macau"].codes
    return Determination(
        on,
        tuple((leg, tuple(evaluate(one, facts, on) for one in pack.instruments)) for leg, facts in read),
        tuple(sorted({name for _, facts in read for name in facts.strangers})),
        tuple(dict.fromkeys(said for _, facts in read for said in facts.contradictions(d5_macau))),
        pack.digest,
    )


def bars(determination: Determination) -> tuple[Bar, ...]:
    """What stands in the way: an instrument that bars the act, a fact or a reading that is missing.

    Whether an instrument bars at all stands in its own file (`bars_when`): a reporting duty does not, and
    a rule that nobody enforces (`applies_not_enforced`) is a warning. Unknown is not allowed.
    """
    found = [Bar("contradiction", "", said, 0) for said in determination.contradictions]
    for n, (_, findings) in enumerate(determination.legs):
        for f in findings:
            reason = "barred" if f.outcome in f.instrument.bars_when else f.outcome
            if reason in {"barred", "needs_fact", "needs_review"}:
                found.append(Bar(cast("Any", reason), f.instrument.id, f.cite, n, f.needs, f.review))
    return tuple(found)


def evaluate(instrument: Instrument, facts: Facts, on: date) -> Finding:
    """One instrument over typed facts on a day."""
    state = instrument.at(on)
    trace = _Trace(facts, [_status_line(instrument, state, on)])
    if state is None or state.state == "not_in_force":
        return trace.finding(instrument, "not_in_force", trace.lines[0].cite, state, on)
    clauses = [(n, clause) for n, clause in enumerate(instrument.clauses, 1) if covers(clause, on)]
    outcome: Outcome = "applies" if state.state == "in_force" else state.state
    cite = instrument.cite if outcome == "applies" else f"{instrument.cite}; {state.cite}"
    unknown: list[tuple[Held, Clause]] = []
    for kind, decisive, ends_as in _STEPS:
        for clause, held in trace.ask(clauses, kind):
            if held.value is None:
                unknown.append((held, clause))
            elif held.value is decisive and kind in _LEAVES:
                outside = any(asked.kind == "scope" for _, asked in unknown)
                if not (outside and ends_as in instrument.bars_when):
                    return trace.finding(instrument, ends_as, clause.cite, state, on)
            elif held.value is decisive and not unknown:
                outcome, cite = ends_as, clause.cite
                trace.review += [clause.words or clause.reading] if kind == "review" else []
    if unknown:
        undecided = unsettled(held for held, _ in unknown)
        trace.needs, trace.review = sorted(undecided.needs), list(undecided.review)
        outcome, cite = "needs_fact" if undecided.needs else "needs_review", unknown[0][1].cite
    if outcome == "needs_review" and not trace.review:
        trace.review = [state.note or state.cite]
    return trace.finding(instrument, outcome, cite, state, on)


@dataclass(slots=True)
class _Trace:
    """The lines as they are written, and what they leave open."""

    facts: Facts
    lines: list[Line]
    needs: list[str] = field(default_factory=list[str])
    review: list[str] = field(default_factory=list[str])
    unstated: set[str] = field(default_factory=set[str])
    confidence: set[str] = field(default_factory=set[str])

    def ask(self, clauses: Sequence[tuple[int, Clause]], kind: str) -> Iterator[tuple[Clause, Held]]:
        """Every clause of a kind, in order, with its answer."""
        for n, clause in clauses:
            if clause.kind == kind:
                held = self.hold(clause, clause, f"{n} {kind}")
                if kind in _LEAVES or held.value is not False:
                    self.confidence.add(clause.confidence)
                yield clause, held

    def hold(self, condition: Condition, clause: Clause, label: str) -> Held:
        """Whether a condition holds; each comparison is written down."""
        parts = condition.all_of or condition.any_of
        if parts:
            every = [self.hold(part, clause, f"{label}.{n}") for n, part in enumerate(parts, 1)]
            held = all_of(every) if condition.all_of else any_of(every)
            if condition is clause:
                sign = "all of" if condition.all_of else "any of"
                self.lines.append(Line(label, "", "", sign, "", self._words(clause), clause.cite, held.value))
            return held
        held, saw, against = self._compare(condition)
        terms = (*saw.terms, *(against.terms if isinstance(against, Seen) else ()))
        shown = "not stated" if not saw.stated and condition.unstated else str(saw)
        written = ", ".join(text(v) for v in against) if isinstance(against, tuple) else str(against)
        words = self._words(clause)
        self.lines.append(
            Line(
                label,
                condition.fact,
                shown,
                condition.comparator or "",
                written,
                words,
                clause.cite,
                held.value,
                terms,
            )
        )
        return held

    def _words(self, clause: Clause) -> str:
        return f"“{clause.words}”" if clause.words else clause.reading

    def _compare(self, leaf: Condition) -> tuple[Held, Seen, Seen | tuple[Scalar, ...]]:
        saw = self._see(leaf.fact, leaf.with_)
        against: Seen | tuple[Scalar, ...] = (
            self._see(leaf.value_of, leaf.with_)
            if leaf.value_of
            else cast("tuple[Scalar, ...]", leaf.value)
            if leaf.comparator in {"in", "not_in"}
            else Seen.of(leaf.value)
        )
        if not saw.stated and leaf.unstated:
            self.unstated.update(DERIVED[leaf.fact].reads if leaf.fact in DERIVED else {leaf.fact})
            return Held(leaf.unstated == "holds"), saw, against
        return compare(saw, cast("Comparator", leaf.comparator), against), saw, against

    def _see(self, name: str, given: Mapping[str, Any]) -> Seen:
        return DERIVED[name].function(self.facts, given) if name in DERIVED else self.facts[name]

    def holds(self, condition: Condition | None) -> bool:
        """Whether a condition is not known to fail; writes nothing down."""
        aside = replace(self, lines=[], unstated=set(), confidence=set())
        blank = Clause(kind="scope", cite="", confidence="H")
        return condition is None or aside.hold(condition, blank, "").value is not False

    def finding(
        self, instrument: Instrument, outcome: Outcome, cite: str, state: Interval | None, on: date
    ) -> Finding:
        binds = outcome in BINDING
        held = None if outcome in {"needs_fact", "needs_review"} else binds
        seen = state.state if state else "not_in_force"
        self.lines.append(Line("verdict", "", outcome, "", seen, instrument.title.en, cite, held))
        notes = [f"not verified after {instrument.verified_to}"] if on > instrument.verified_to else []
        notes += [state.note] if state and state.note else []
        confidence = self.confidence | ({state.confidence} if state else set[str]())
        return Finding(
            instrument,
            outcome,
            cite,
            tuple(self.lines),
            tuple(self.needs),
            tuple(self.review),
            max(confidence, key="HML".index, default="M"),
            tuple(o for o in instrument.obligations if binds and self.holds(o.when)),
            (*notes, *instrument.unverified),
            tuple(sorted(self.unstated)),
        )


def _status_line(instrument: Instrument, state: Interval | None, on: date) -> Line:
    if state is None:
        before = [i for i in instrument.status if i.until is not None and i.until <= on]
        near = before[-1] if before else instrument.status[0]
        value = f"until {near.until}" if before else f"from {near.from_}"
        return Line("status", "date", str(on), "in", value, "not in force", near.cite, held=False)
    span = f"{state.from_ or 'before'} to {state.until or 'open'}"
    held = state.state != "not_in_force"
    return Line("status", "date", str(on), "in", span, state.state, state.cite, held)
