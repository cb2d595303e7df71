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
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple

from mythos.access.directive import ACTS, Directive
from mythos.access.directives import Directives
from mythos.access.lineage import Lineage, Model
from mythos.access.people import UNKNOWN, Entities, Facts, Person
from mythos.access.truth import Kept, Reading, Truth, reads, unknown
from mythos.errors import AccessError
from mythos.units import Instant

Reason = Literal["no_directive", "exempt", "refused", "needs_fact"]

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
    mask: int
    holds: Kept[int, Truth]
    """What its `who` answers to a word, by the bits of the word under `mask`."""
    lifters: int
    """The allows that could lift it, as bits: bit i is the i-th allow in order."""
    directive: Directive
    read: int
    """The facts that its `who`, and the `who` of every allow that could lift it, read, as bits."""


class Clause(NamedTuple):
    """One part of a directive's `who`, for people: what it asks and what it found."""

    directive: str
    text: str
    value: Truth


class Plan:
    """Answers persons about one model, one act and one interval. Pure: the same facts, the same answer."""

    __slots__ = ("_allows", "_answers", "_named_before", "_reading", "_refusals", "in_force", "unverified")

    def __init__(
        self, directives: Directives, entities: Entities, model: Model, act: str, lo: Instant, hi: Instant
    ) -> None:
        if act not in ACTS:
            raise AccessError("not an act", expected=" | ".join(ACTS), found=repr(act)[:40])
        if hi < lo:
            raise AccessError(
                "an interval that ends before it begins", expected=f"not before {lo}", found=f"{hi}"
            )
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
        self._reading = Reading([directive.who for directive in self.in_force], entities)
        self._allows = tuple((*self._reading.kept(allow.who), allow.cite) for allow in allows)
        self._refusals = tuple(self._refusal(refusal, allows, model) for refusal in refusals)
        self._answers = Kept(self._answer)
        self._named_before: dict[tuple[str, ...], Decision] = {}
        answer = self._answer(self._reading.word(UNKNOWN))
        self.unverified = answer if answer.allowed else replace(answer, needs=("verified_until",))
        """The answer for everyone whose verification is missing or past."""

    def _refusal(self, refusal: Directive, allows: list[Directive], model: Model) -> _Refusal:
        lifters = [
            could_lift(allow, refusal) and model.lifted(refusal.models, allow.models) for allow in allows
        ]
        readers = [refusal.who, *(allow.who for allow, lifts in zip(allows, lifters, strict=True) if lifts)]
        bits = sum(1 << place for place, lifts in enumerate(lifters) if lifts)
        return _Refusal(*self._reading.kept(refusal.who), bits, refusal, reads(readers))

    def decide(self, person: Person, hi: Instant) -> Decision:
        """The answer for a person; facts that are not verified beyond `hi` are unknown."""
        until = person.verified_until
        if until is None or until.micros <= hi.micros:
            return self.unverified
        return self.decide_facts(person.facts)

    def decide_facts(self, facts: Facts) -> Decision:
        """The answer for verified facts."""
        return self._answers[self._reading.word(facts)]

    def explain(self, facts: Facts) -> tuple[Clause, ...]:
        """The trace: every directive in force and every question its `who` asks, with what was found."""
        word = self._reading.word(facts)
        return tuple(
            Clause(directive.id, str(who), self._reading.holds(who)(word))
            for directive in self.in_force
            for who in dict.fromkeys((directive.who, *directive.who.atoms()))
        )

    def _answer(self, word: int) -> Decision:
        doubted: _Refusal | None = None
        allowing: int | None = None
        lifting = 0
        for refusal in self._refusals:  # the earlier `effective` first, then the smaller id
            value = refusal.holds[word & refusal.mask]
            if value is False:
                continue
            if allowing is None:
                allowing = sum(
                    [1 << at for at, (mask, holds, _) in enumerate(self._allows) if holds[word & mask]]
                )
            if lifters := refusal.lifters & allowing:
                lifting |= lifters
            elif value:
                return self._named(refusal, "refused", word)
            elif doubted is None:
                doubted = refusal
        if doubted is not None:
            return self._named(doubted, "needs_fact", word)
        if not lifting:
            return NO_DIRECTIVE
        earliest = (lifting & -lifting).bit_length() - 1
        return Decision("exempt", cite=self._allows[earliest][2])

    def _named(self, refusal: _Refusal, reason: Reason, word: int) -> Decision:
        needs = unknown(word, refusal.read)
        key = (refusal.directive.id, reason, *needs)
        answer = self._named_before.get(key)
        if answer is None:
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
