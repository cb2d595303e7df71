"""An instrument of law as data: when it has which state, and its clauses in the order a lawyer asks them.

    id: US-CA-SB53
    status:
    - {from: 2026-01-01, state: in_force, cite: "ch. 138 of 2025", confidence: H}
    clauses:
    - {kind: scope, fact: us_state_nexus_ca, comparator: eq, value: true, reading: "…", cite: "…", …}
    - {kind: threshold, fact: operations, comparator: gt, value: 1.0e26, words: "greater than 10^26 …", …}

`words` are quoted from the text, one line; where only a report of the text was read, `reading` says it in our
words. A state ends where the next begins, unless it says `until`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from typing import Any, Final, Literal, cast

from mythos.errors import InputError
from mythos.regimes.derived import DERIVED
from mythos.regimes.facts import FactType
from mythos.regimes.scalar import Scalar, number
from mythos.regimes.shape import located, read, wrong
from mythos.regimes.truth import Comparator

Kind = Literal["scope", "exclusion", "threshold", "transition", "review"]
State = Literal[
    "compliance_pending",
    "in_force",
    "applies_not_enforced",
    "transition",
    "voluntary",
    "needs_review",
    "not_in_force",
]
Outcome = Literal[
    "applies",
    "needs_fact",
    "needs_review",
    "applies_not_enforced",
    "compliance_pending",
    "transition",
    "voluntary",
    "below_threshold",
    "excluded",
    "out_of_scope",
    "not_in_force",
]
Confidence = Literal["H", "M", "L"]
Counted = Literal["counted", "not_counted", "unpublished", "unsettled"]
ORDER: Final = ("scope", "exclusion", "threshold", "transition", "review")
LINE: Final = 160
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{2,63}\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One comparison, or several of which all or any must hold.

    `unstated` is what a comparison comes to when nobody stated its fact; without it the fact is asked for.
    `value` is typed when the file is read; `value_of` names a derived fact instead.
    """

    fact: str = ""
    comparator: Comparator | None = None
    value: Any = None
    value_of: str = ""
    with_: dict[str, Any] = field(default_factory=dict[str, Any])
    unstated: Literal["holds", "fails"] | None = None
    all_of: tuple[Condition, ...] = ()
    any_of: tuple[Condition, ...] = ()

    def leaves(self, label: str) -> Iterator[tuple[str, Condition]]:
        """The comparisons, each with the label it has in a trace."""
        for n, part in enumerate(self.all_of or self.any_of, 1):
            yield from part.leaves(f"{label}.{n}")
        if self.fact:
            yield label, self


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause(Condition):
    """One provision: what it asks, in whose words, where it stands, and between which days."""

    kind: Kind
    cite: str
    confidence: Confidence
    words: str = ""
    reading: str = ""
    source: str = ""
    checked_on: date | None = None
    from_: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """A state from a day (inclusive) to a day (exclusive); `from: null`: the first day was not verified."""

    from_: date | None
    state: State
    cite: str
    confidence: Confidence
    until: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Obligation:
    """What follows when the instrument binds, possibly only on a condition."""

    en: str
    ja: str = ""
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """The same in English and Japanese."""

    en: str
    ja: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """What an instrument counts as training compute; `unpublished`: counted unless it is published.

    `synthetic_over`: the share of operations above which synthetic data counts.
    """

    unit: Literal["flop", "operations"]
    own_training: Counted = "counted"
    later_training: Counted = "unsettled"
    ancestors: Counted = "unsettled"
    synthetic_generation: Counted = "unsettled"
    discarded_samples: Counted = "unsettled"
    generator_training: Counted = "unsettled"
    distillation_teacher: Counted = "unsettled"
    auxiliary_models: Counted = "unsettled"
    evaluation: Counted = "unsettled"
    failed_runs: Counted = "unsettled"
    recomputation: Counted = "unsettled"
    data_processing: Counted = "unsettled"
    synthetic_over: str = "0"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One record of law, guidance, policy or notice. `bars_when`: outcomes that bar the act."""

    id: str
    title: Words
    jurisdiction: str
    kind: Literal["law", "guidance", "policy", "notice", "record"]
    effect: Literal["bars", "duty", "permission", "information"]
    cite: str
    source: str
    checked_on: date
    verified_to: date
    status: tuple[Interval, ...]
    clauses: tuple[Clause, ...]
    bars_when: tuple[Outcome, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    counts: Counts | None = None
    directive: str | None = None
    unverified: tuple[str, ...] = ()
    facts: dict[str, FactType] = field(default_factory=dict[str, FactType])
    user: bool = field(default=False, metadata={"written": False})

    def leaves(self) -> Iterator[tuple[str, Condition]]:
        """Every comparison with its label."""
        for n, clause in enumerate(self.clauses, 1):
            yield from clause.leaves(f"{n} {clause.kind}")

    def days(self) -> frozenset[date]:
        """The days on which something about the instrument itself changes."""
        spans: list[Interval | Clause] = [*self.status, *self.clauses]
        return frozenset(day for span in spans for day in (span.from_, span.until) if day)

    def at(self, on: date) -> Interval | None:
        """The state on a day; None before the first and in a gap."""
        return next((i for i in self.status if covers(i, on)), None)


def covers(span: Interval | Clause, on: date) -> bool:
    """Whether a state or clause is there on a day."""
    return (span.from_ is None or span.from_ <= on) and (span.until is None or on < span.until)


def parse(
    document: Any, where: str, vocabulary: Mapping[str, FactType], lists: Mapping[str, tuple[str, ...]]
) -> Instrument:
    """Read an instrument's document.

    Raises:
        RegimeError: a missing, unknown or wrong field, overlapping intervals, an unknown fact or list.
    """
    raw: Instrument = read(Instrument, document, where)
    known = {**vocabulary, **raw.facts}
    if not _ID.match(raw.id):
        raise wrong(f"{where}.id", "3 to 64 letters, digits, dots and hyphens", raw.id)
    kinds = [ORDER.index(clause.kind) for clause in raw.clauses]
    if kinds != sorted(kinds) or not kinds:
        raise wrong(
            f"{where}.clauses", f"clauses in the order {', '.join(ORDER)}", [c.kind for c in raw.clauses]
        )
    clauses: list[Clause] = []
    for n, clause in enumerate(raw.clauses):
        said = clause.words or clause.reading
        if bool(clause.words) == bool(clause.reading) or len(said) > LINE or "\n" in said:
            raise wrong(f"{where}.clauses[{n}]", f"words or a reading, one line of {LINE} characters", said)
        typed = cast("Clause", _typed(clause, f"{where}.clauses[{n}]", known, lists))
        source, checked = clause.source or raw.source, clause.checked_on or raw.checked_on
        clauses.append(replace(typed, source=source, checked_on=checked))
    duties = tuple(
        o
        if o.when is None
        else replace(o, when=_typed(o.when, f"{where}.obligations[{n}].when", known, lists))
        for n, o in enumerate(raw.obligations)
    )
    bars = raw.bars_when or (("applies",) if raw.effect == "bars" else ())
    status = _ordered(raw.status, f"{where}.status")
    return replace(raw, clauses=tuple(clauses), obligations=duties, bars_when=bars, status=status)


def _ordered(status: tuple[Interval, ...], where: str) -> tuple[Interval, ...]:
    if not status:
        raise wrong(where, "at least one state", "none")
    closed = [replace(a, until=a.until or b.from_) for a, b in pairwise(status)] + [status[-1]]
    for n, (a, b) in enumerate(pairwise([*closed, closed[-1]])):
        late = n < len(closed) - 1 and (b.from_ is None or cast("date", a.until) > b.from_)
        if late or (a.from_ and a.until and a.until <= a.from_):
            raise wrong(f"{where}[{n}]", "intervals in order that do not overlap", f"{a.from_} to {a.until}")
    return tuple(closed)


def _typed(
    condition: Condition, where: str, known: Mapping[str, FactType], lists: Mapping[str, tuple[str, ...]]
) -> Condition:
    """The condition with its values typed as its fact is."""
    groups, leaf = bool(condition.all_of) + bool(condition.any_of), bool(condition.fact)
    if groups + leaf != 1 or (
        leaf and (condition.comparator is None or (condition.value is None) != bool(condition.value_of))
    ):
        raise wrong(where, "all_of, any_of, or a fact with comparator and value (or value_of)", condition)
    if not leaf:
        return replace(
            condition,
            all_of=tuple(
                _typed(c, f"{where}.all_of[{n}]", known, lists) for n, c in enumerate(condition.all_of)
            ),
            any_of=tuple(
                _typed(c, f"{where}.any_of[{n}]", known, lists) for n, c in enumerate(condition.any_of)
            ),
        )
    fact, sign = condition.fact, condition.comparator
    if fact not in known and fact not in DERIVED:
        raise wrong(
            f"{where}.fact", "a fact of the vocabulary, of `facts:` in this file, or a derived one", fact
        )
    described = known[fact] if fact in known else FactType(cast("Any", DERIVED[fact].type), fact)
    if sign in {"gt", "ge", "lt", "le"} and described.type not in {"number", "share", "date"}:
        raise wrong(f"{where}.comparator", f"eq, ne, in or not_in for a {described.type}", sign)
    if condition.value_of and condition.value_of not in DERIVED:
        raise wrong(f"{where}.value_of", f"one of {', '.join(DERIVED)}", condition.value_of)

    def one(value: Any) -> Scalar:
        parsed = described.parse(value, f"{where}.value")
        if parsed is None:
            raise wrong(f"{where}.value", described.type, value)
        return parsed

    def many(value: Any, each: Callable[[Any], Any]) -> Any:
        if isinstance(value, dict):
            name = str(cast("dict[str, Any]", value).get("list"))
            if name not in lists:
                raise wrong(where, f"list: one of {', '.join(lists)}", name)
            return lists[name]
        return tuple(each(item) for item in read(tuple[Any, ...], value, where))

    wanted = {p for name in (fact, condition.value_of) if name in DERIVED for p in DERIVED[name].given}
    if condition.with_.keys() != wanted:
        raise wrong(f"{where}.with", ", ".join(sorted(wanted)) or "nothing", list(condition.with_))
    try:
        given = {
            name: number(value, name) if isinstance(value, str) else many(value, str)
            for name, value in condition.with_.items()
        }
        if condition.value_of:
            return replace(condition, with_=given)
        several = sign in {"in", "not_in"}
        return replace(
            condition, with_=given, value=many(condition.value, one) if several else one(condition.value)
        )
    except InputError as error:
        raise located(f"{where}: ", error) from error
