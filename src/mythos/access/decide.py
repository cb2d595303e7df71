"""Who may use a model: one pure function for every path, and why.

Truth has three values, and unknown never helps anyone: a refusal holds when its `who` is true *or unknown*,
an allow lifts only when its `who` is *true*. The instant is an interval [lo, hi], because a hub knows the
time only so well: refusals count if in force at any instant in it, allows and verified facts only if at all.

A `Plan` is the directives in force for one model, one act and one interval, compiled to plain closures; it
answers persons. A `Decider` keeps the plans of one version of the set: it is made anew when the set changes,
so no answer outlives the directives it came from.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple, TypeVar

from mythos.access.directive import ACTS, FACTS_READ, Directive
from mythos.access.directives import Directives
from mythos.access.lineage import Lineage, Model
from mythos.access.people import NONE, UNKNOWN, Entities, Facts, Person
from mythos.access.truth import Holds, Truth, compile_who
from mythos.errors import AccessError
from mythos.units import Instant

Reason = Literal["no_directive", "exempt", "refused", "needs_fact"]

_ANSWERS_KEPT: Final = 1 << 16
_PLANS_KEPT: Final = 1 << 12


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer: allowed or not, and the directive, its citation and the missing facts behind it."""

    reason: Reason
    directive: str | None = None
    needs: tuple[str, ...] = ()
    cite: str | None = None

    @property
    def allowed(self) -> bool:
        """No refusal holds unlifted."""
        return self.reason in {"no_directive", "exempt"}

    def to_dict(self, person: str) -> dict[str, Any]:
        """The line of the contract."""
        return {
            "id": person,
            "decision": "allow" if self.allowed else "refuse",
            "reason": self.reason,
            "directive": self.directive,
            "needs": list(self.needs),
            "cite": self.cite,
        }


NO_DIRECTIVE: Final = Decision("no_directive")


class _Refusal(NamedTuple):
    holds: Holds
    lifters: int
    """The allows that could lift it, as bits: bit i is the i-th allow in order."""
    directive: Directive
    reads: tuple[tuple[int, str], ...]
    """Facts (place and name) that its `who`, and the `who` of every allow that could lift it, read."""
    reads_chain: bool
    """They read where the entity's chain is headquartered."""


_Value = TypeVar("_Value")


class _Projection(dict[_Value, _Value]):
    """What of a fact can change an answer, worked out once for each value met."""

    __slots__ = ("_project",)

    def __init__(self, project: Callable[[_Value], _Value]) -> None:
        self._project = project

    def __missing__(self, value: _Value) -> _Value:
        if len(self) >= _ANSWERS_KEPT:
            self.clear()
        projected = self[value] = self._project(value)
        return projected


_Codes = _Projection[tuple[str, ...] | None]
_Name = _Projection[str | None]


class Clause(NamedTuple):
    """One part of a directive's `who`, for people: what it asks and what it found."""

    directive: str
    text: str
    value: Truth


class Plan:
    """Answers persons about one model, one act and one interval. Pure: the same facts, the same answer.

    Countries that no directive in force names, and entities that none of them tells apart, are the same to
    every closure; facts are reduced to what matters before answers are looked up, so a population has few.
    """

    __slots__ = (
        "_allows",
        "_answers",
        "_cites",
        "_entities",
        "_named_before",
        "_reduce",
        "_refusals",
        "in_force",
        "unverified",
    )

    def __init__(
        self, directives: Directives, entities: Entities, model: Model, act: str, lo: Instant, hi: Instant
    ) -> None:
        if act not in ACTS:
            raise AccessError("not an act", expected=" | ".join(ACTS), found=repr(act)[:40])
        if hi < lo:
            raise AccessError(
                "an interval that ends before it begins", expected=f"not before {lo}", found=f"{hi}"
            )
        self._entities = entities
        windows = [
            (directives.windows[directive.id], directive)
            for directive in sorted(directives, key=lambda directive: directive.order)
            if directive.id in directives.windows
            and act in directive.acts
            and model.reached_by(directive.models)
        ]
        allows = [d for window, d in windows if d.effect == "allow" and window.spans(lo, hi)]
        refusals = [d for window, d in windows if d.effect == "refuse" and window.touches(lo, hi)]
        self.in_force = tuple(refusals + allows)
        self._allows = tuple((compile_who(allow.who, entities), 1 << i) for i, allow in enumerate(allows))
        self._cites = tuple(allow.cite for allow in allows)
        self._refusals = tuple(self._refusal(refusal, allows, model) for refusal in refusals)
        self._reduce = self._projections()
        self._answers: dict[tuple[object, ...], Decision] = {}
        self._named_before: dict[tuple[str, ...], Decision] = {}
        answer = self._answer(UNKNOWN)
        self.unverified = answer if answer.allowed else replace(answer, needs=("verified_until",))
        """The answer for everyone whose verification is missing or past."""

    def _refusal(self, refusal: Directive, allows: list[Directive], model: Model) -> _Refusal:
        lifters = [
            could_lift(allow, refusal) and model.lifted(refusal.models, allow.models) for allow in allows
        ]
        readers = [refusal, *(allow for allow, lifts in zip(allows, lifters, strict=True) if lifts)]
        atoms = [atom for directive in readers for atom in directive.who.atoms()]
        facts_read = {fact for atom in atoms for fact in FACTS_READ[atom.word]}
        return _Refusal(
            compile_who(refusal.who, self._entities),
            sum(1 << i for i, lifts in enumerate(lifters) if lifts),
            refusal,
            tuple((at, name) for at, name in enumerate(Facts._fields) if name in facts_read),
            any(atom.word == "headquartered_in" for atom in atoms),
        )

    def decide(self, person: Person, hi: Instant) -> Decision:
        """The answer for a person; facts that are not verified beyond `hi` are unknown."""
        until = person.verified_until
        return self.unverified if until is None or until <= hi else self.decide_facts(person.facts)

    def decide_facts(self, facts: Facts) -> Decision:
        """The answer for verified facts."""
        citizenships, residencies, protected, entities, places = self._reduce
        reduced = (
            citizenships[facts[0]],
            residencies[facts[1]],
            protected[facts[2]],
            entities[facts[3]],
            places[facts[4]],
        )
        answer = self._answers.get(reduced)
        if answer is None:
            if len(self._answers) >= _ANSWERS_KEPT:
                self._answers.clear()
            answer = self._answers[reduced] = self._answer(Facts(*reduced))
        return answer

    def _projections(self) -> tuple[_Codes, _Codes, _Codes, _Name, _Name]:
        named: dict[str, set[str]] = {word: set() for word in FACTS_READ}
        for directive in self.in_force:
            for atom in directive.who.atoms():
                named[atom.word].update(atom.values)
        homes, seats, listed = named["foreign_person_of"], named["headquartered_in"], named["entity_in"]
        alike: dict[tuple[object, ...], str] = {}

        def entity(value: str | None) -> str | None:
            if value is None or value == NONE or value in listed:
                return value
            chain = self._entities.chain(value)
            return alike.setdefault((chain.seats & seats, chain.complete, chain.missing), value)

        def codes(kept: set[str]) -> _Codes:
            return _Projection(
                lambda value: None if value is None else tuple(sorted(kept.intersection(value)))
            )

        place = named["located_in"]
        return (
            codes(homes | named["citizen_of"]),
            codes(homes),
            codes(homes),
            _Projection(entity),
            _Projection(lambda value: value if value is None or value in place else ""),
        )

    def explain(self, facts: Facts) -> tuple[Clause, ...]:
        """The trace: every directive in force and every question its `who` asks, with what was found."""
        return tuple(
            Clause(directive.id, str(who), compile_who(who, self._entities)(facts))
            for directive in self.in_force
            for who in dict.fromkeys((directive.who, *directive.who.atoms()))
        )

    def _answer(self, facts: Facts) -> Decision:
        unknown: _Refusal | None = None
        allowing: int | None = None
        lifting = 0
        for refusal in self._refusals:  # the earlier `effective` first, then the smaller id
            value = refusal.holds(facts)
            if value is False:
                continue
            if allowing is None:
                allowing = sum([bit for holds, bit in self._allows if holds(facts)])
            if lifters := refusal.lifters & allowing:
                lifting |= lifters
            elif value:
                return self._named(refusal, "refused", facts)
            elif unknown is None:
                unknown = refusal
        if unknown is not None:
            return self._named(unknown, "needs_fact", facts)
        if not lifting:
            return NO_DIRECTIVE
        earliest = (lifting & -lifting).bit_length() - 1
        return Decision("exempt", cite=self._cites[earliest])

    def _named(self, refusal: _Refusal, reason: Reason, facts: Facts) -> Decision:
        missing = [name for at, name in refusal.reads if facts[at] is None]
        if refusal.reads_chain and facts.entity not in (None, NONE):
            missing += self._entities.chain(facts.entity).missing
        key = (refusal.directive.id, reason, *missing)
        answer = self._named_before.get(key)
        if answer is None:
            needs = tuple(sorted(missing))
            answer = Decision(reason, refusal.directive.id, needs, refusal.directive.cite)
            self._named_before[key] = answer
        return answer


def could_lift(allow: Directive, refusal: Directive) -> bool:
    """Same authority, and the refusal is not later than the allow or is named in its `lifts`."""
    return allow.authority == refusal.authority and (
        refusal.effective <= allow.effective or refusal.id in allow.lifts
    )


class Decider:
    """Every decision a hub takes under one version of the set.

    Plans are kept by model, act and the stretch of time between two beginnings or ends of directives: inside
    a stretch the same directives are in force, so the plan is the same.
    """

    __slots__ = ("_plans", "directives", "entities", "lineage")

    def __init__(self, directives: Directives, entities: Entities, lineage: Lineage) -> None:
        self.directives = directives
        self.entities = entities
        self.lineage = lineage
        self._plans: dict[tuple[str, str, int, int], Plan] = {}

    def plan(self, model: str, act: str, lo: Instant, hi: Instant) -> Plan:
        """The plan for a model (after routing), an act and an interval."""
        boundaries = self.directives.boundaries
        key = (model, act, bisect_right(boundaries, lo.micros), bisect_right(boundaries, hi.micros))
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _PLANS_KEPT:
                self._plans.clear()
            plan = Plan(self.directives, self.entities, self.lineage.model(model), act, lo, hi)
            self._plans[key] = plan
        return plan

    def decide(self, person: Person, model: str, act: str, lo: Instant, hi: Instant) -> Decision:
        """One person, now. The same function for a request, a transfer, a console session and a shell."""
        return self.plan(model, act, lo, hi).decide(person, hi)
