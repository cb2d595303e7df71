"""The spans of a step: what each costs, counted when its key is new and replayed when it is known."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false, reportUnknownLambdaType=false
# (torch annotates itself only in part, and what counts operators is not its public face)

from __future__ import annotations

import itertools
import random
import sys
import threading
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from mythos.compute.counter import Counter, Tally
from mythos.compute.graph import Edge
from mythos.compute.journal import Step

Kind = Literal["forward", "backward", "optimizer", "gap"]
MAX_SIGNATURES: Final = 65_536
_AUDITS: Final = 8
"""A key's 8th, 64th, 512th, … use is counted again and compared."""
_LOOKS: Final = 1 / 64
"""The chance that a gap which cost nothing is watched again: no rhythm hides from it."""
_BEGAN_UNSEEN: Final = "work between the passes began unseen"


@dataclass(slots=True)
class _Known:
    tally: Tally
    uses: int = 0
    audit: int = _AUDITS

    def due(self) -> bool:
        """Use it once more; whether this use is to be counted again."""
        self.uses += 1
        if self.uses < self.audit:
            return False
        self.audit *= _AUDITS
        return True


@dataclass(slots=True)
class Span:
    """A piece of a step.

    Attributes:
        key: equal for equal work; `None` when nothing is known to say so.
        tally: what is being counted; `None` while a known cost is replayed.
        owner: the module of a forward span, `inputs` the graph's edges into it, `depth` passes inside itself.
        place: of a gap, the kinds of the passes before it in this step.
        chance: where Python's generators of random numbers stood when counting began.
    """

    kind: Kind
    key: Hashable | None = None
    owner: Any = None
    inputs: list[Edge] = field(default_factory=list[Edge])
    depth: int = 0
    tally: Tally | None = None
    known: _Known | None = None
    place: str = ""
    chance: Hashable | None = None


_NOTHING: Final = Tally()


class Spans:
    """A stack of open spans over a memory of costs. `step` is where what is found goes."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self._outside = 0
        self._counter = Counter()
        self._costs: dict[Hashable, _Known] = {}
        self._quiet: dict[str, bool] = {}
        self._numbers: dict[Hashable, int] = {}
        self._next = itertools.count()
        self._stack: list[Span] = []
        self._thread = 0
        self._unwatched: set[str] = set()
        self._products: set[str] = set()
        self._looks = random.Random(0)  # noqa: S311 (a rhythm, no secret)

    @property
    def top(self) -> Span | None:
        """The innermost open span."""
        return self._stack[-1] if self._stack else None

    def elsewhere(self) -> bool:
        """Whether another thread is inside a span: a counter sees its own thread alone."""
        here = threading.get_ident()
        if not self._stack:
            self._thread = here
        elif self._thread != here:
            self.step.unregistered.add("work in another thread")
            return True
        return False

    def number(self, signature: Hashable) -> int:
        """A small number for a signature, the same each time."""
        found = self._numbers.get(signature)
        if found is None:
            found = self._numbers[signature] = next(self._next)
        return found

    def open_gap(self) -> None:
        """Watch the work between spans from here until `unwind`."""
        self._thread = threading.get_ident()
        self._counter.nest()
        self._begin_gap(Span("gap"))

    def rest(self) -> int:
        """Cease to count around here; the differentiable work outside the passes since the last backward."""
        if self._stack and self._stack[-1].tally is not None:
            self._pause(self._stack[-1])
        return self._outside

    def check(self, products: set[str]) -> bool:
        """`products`: operators beside the passes that a backward pass will go through. Were they watched?"""
        if not self._unwatched or self._outside:
            self._products |= products
        if products <= self._products:
            return True
        self.step.mismatches += 1
        self.step.dynamic.add(_BEGAN_UNSEEN)
        self._quiet |= dict.fromkeys(self._unwatched, False)
        return False

    def open(self, span: Span) -> None:
        """Begin a pass or an optimizer step."""
        self.rest()
        if span.kind == "backward":
            self._outside = 0
            self._unwatched.clear()
        self.step.spans += 1
        self._stack.append(span)
        known = span.known = self._costs.get(span.key) if span.key is not None else None
        if known is None or known.tally.dynamic:
            span.tally = Tally()
        elif known.due():
            self.step.audits += 1
            span.tally = Tally()
        if span.tally is not None and span.key is not None:
            span.chance = _chance()
        self._resume(span)

    def close(self, *, whole: bool = True) -> tuple[Span, Tally]:
        """End the innermost span and say what it cost; remember that if the span ran to its end."""
        span = self._stack.pop()
        if span.tally is not None:
            self._pause(span)
        tally = _NOTHING if span.kind == "gap" else self._settle(span, whole=whole)
        if self._stack:
            outer = self._stack[-1]
            if outer.kind == "gap":
                self._stack.pop()
                outer.place += span.kind[0]
                self._begin_gap(outer)
            else:
                self._resume(outer)
        return span, tally

    def unwind(self) -> None:
        """End every open span, those an exception left open too."""
        while self._stack:
            self.close(whole=False)

    def _begin_gap(self, gap: Span) -> None:
        """A gap is known by the passes before it; one that was seen to cost nothing is seldom watched."""
        self._stack.append(gap)
        if self._quiet.get(gap.place) and self._looks.random() >= _LOOKS:
            self._unwatched.add(gap.place)
            return
        if self._counter.may_enter():
            gap.tally = Tally()
            self._resume(gap)
        else:
            self.step.unregistered.add("work between passes, under another dispatch mode")

    def _resume(self, span: Span) -> None:
        if span.tally is not None:
            reads = span.kind in ("forward", "backward")  # no other span begins inside these
            self._counter.start(span.tally, backward=span.kind == "backward", reads=reads)

    def _pause(self, span: Span) -> None:
        if span.tally is not None:
            self._counter.stop(reads=span.kind in ("forward", "backward"))
            if span.kind == "gap":
                self._settle_gap(span, span.tally)

    def _settle_gap(self, gap: Span, tally: Tally) -> None:
        step, gap.tally = self.step, None
        step.spans += 1
        step.counted += 1
        step.forward += tally.flop
        step.model_flop += tally.flop
        step.integer += tally.integer
        step.unregistered |= tally.unregistered
        if tally.hidden_backward:
            step.unregistered.add("a backward pass begun past torch.autograd")
        step.dynamic |= tally.dynamic if tally.flop else set()
        self._outside += tally.differentiable
        costs, quiet = bool(tally.flop or tally.unregistered), self._quiet.get(gap.place)
        step.audits += quiet is True
        if quiet and costs:
            step.mismatches += 1
            step.dynamic.add(_BEGAN_UNSEEN)
        self._quiet[gap.place] = quiet is not False and not costs

    def _settle(self, span: Span, *, whole: bool) -> Tally:
        step, tally, known = self.step, span.tally, span.known
        if tally is None:
            assert known is not None  # noqa: S101 (what is not counted is known)
            tally = known.tally
        else:
            step.counted += 1
            if span.key is not None and span.chance != _chance():
                tally.dynamic.add("Python's random numbers are drawn")
            if span.kind == "optimizer" and span.key is not None:
                tally.dynamic.clear()  # it reads its own step counter, which changes nothing that costs
            if known is not None and not known.tally.dynamic and not known.tally.equals(tally):
                step.mismatches += 1
                tally.dynamic.add("the same signature cost something else")
            if span.key is not None and whole:
                self._remember(span.key, tally, known)
        step.integer += tally.integer
        if tally.dynamic or tally.unregistered:
            step.dynamic |= tally.dynamic
            step.unregistered |= tally.unregistered
        return tally

    def _remember(self, key: Hashable, tally: Tally, known: _Known | None) -> None:
        if known is not None:
            known.tally = tally
            return
        if len(self._costs) >= MAX_SIGNATURES:
            self._costs.clear()
            self._numbers.clear()
        self._costs[key] = _Known(tally)


def _chance() -> Hashable:
    """Where the generators stand that a program may ask which layers to skip, past torch's eyes."""
    numpy: Any = sys.modules.get("numpy")
    return random.getstate(), numpy and repr(numpy.random.get_state())
