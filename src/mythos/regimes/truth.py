"""What is known of a fact, and what follows: three values, and bounds where only bounds are known.

A comparison is `True` or `False` as soon as every value its sides can still take agrees, and unknown (`None`)
otherwise; an unknown remembers which facts would settle it (`needs`) and which words of the text do not
(`review`). Conjunction and disjunction are Kleene's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from mythos.regimes.scalar import Scalar, text

Comparator = Literal["gt", "ge", "lt", "le", "eq", "ne", "in", "not_in"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A fact as far as it is known: `low == high` is a known value, `None` is no bound on that side.

    `needs`: facts that would narrow it. `review`: words that do not settle it. `terms`: what a derived value
    was made from. `stated`: whether anybody said anything about it.
    """

    low: Scalar | None = None
    high: Scalar | None = None
    needs: frozenset[str] = frozenset()
    review: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()
    stated: bool = True

    @classmethod
    def of(cls, value: Scalar, *terms: tuple[str, str]) -> Seen:
        """A known value."""
        return cls(value, value, terms=terms)

    @classmethod
    def unknown(cls, *needs: str) -> Seen:
        """Nothing is known until one of `needs` is stated."""
        return cls(needs=frozenset(needs), stated=False)

    @property
    def known(self) -> bool:
        """Whether it can only be one value."""
        return self.low is not None and self.low == self.high

    def made_of(self, *terms: tuple[str, str]) -> Seen:
        """The same with these terms."""
        return replace(self, terms=terms)

    def __str__(self) -> str:
        if self.known:
            return text(self.low)
        if self.high is None and not self.low:
            return "unsettled" if self.review and not self.needs else "unknown"
        return f"{text(self.low)} to {text(self.high) or 'unknown'}"


@dataclass(frozen=True, slots=True)
class Held:
    """Whether a condition holds; when unknown, what would settle it."""

    value: bool | None
    needs: frozenset[str] = frozenset()
    review: tuple[str, ...] = ()


def compare(seen: Seen, comparator: Comparator, against: Seen | tuple[Scalar, ...]) -> Held:
    """Whether `seen` stands in this relation to a value, or is one of several."""
    if isinstance(against, tuple):
        answer = seen.low in against if seen.known else None
        sides = (seen,)
    else:
        above = {"gt": (seen, against), "le": (seen, against), "lt": (against, seen), "ge": (against, seen)}
        answer = _above(*above[comparator]) if comparator in above else _same(seen, against)
        sides = (seen, against)
    if answer is None:
        return unsettled(sides)
    return Held(not answer if comparator in {"le", "ge", "ne", "not_in"} else answer)


def unsettled(parts: Iterable[Seen | Held]) -> Held:
    """Unknown, with everything that would settle it."""
    listed = tuple(parts)
    needs = frozenset[str]().union(*(part.needs for part in listed))
    return Held(None, needs, tuple(dict.fromkeys(reason for part in listed for reason in part.review)))


def _above(a: Seen, b: Seen) -> bool | None:
    """Whether every value of `a` exceeds every value of `b` (True), or none does (False)."""
    if _exceeds(a.low, b.high):
        return True
    known = a.high is not None and b.low is not None
    return False if known and not _exceeds(a.high, b.low) else None


def _exceeds(a: Any, b: Any) -> bool:
    """Facts and rules are typed before they get here: both sides are numbers, or both are dates."""
    return a is not None and b is not None and bool(a > b)


def _same(a: Seen, b: Seen) -> bool | None:
    if a.known and b.known:
        return a.low == b.low
    apart = _exceeds(a.low, b.high) or _exceeds(b.low, a.high)
    return False if apart else None


def all_of(parts: Iterable[Held]) -> Held:
    """Kleene's conjunction: one that fails settles it."""
    return _fold(tuple(parts), settles=False)


def any_of(parts: Iterable[Held]) -> Held:
    """Kleene's disjunction: one that holds settles it."""
    return _fold(tuple(parts), settles=True)


def _fold(parts: tuple[Held, ...], *, settles: bool) -> Held:
    if any(part.value is settles for part in parts):
        return Held(settles)
    undecided = [part for part in parts if part.value is None]
    return unsettled(undecided) if undecided else Held(not settles)
