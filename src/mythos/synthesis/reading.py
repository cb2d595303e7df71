"""Read a question into the things it names, asks for and bounds, and the words that nobody knows.

Nothing is guessed: each stretch of text becomes the longest thing that begins there, words that say nothing
are passed over, and whatever is left is listed as unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from mythos.synthesis.lexicon import Lexicon, Named
from mythos.synthesis.periods import Period, find_periods
from mythos.synthesis.plan import Comparator
from mythos.synthesis.terms import Language
from mythos.synthesis.values import fold
from mythos.synthesis.words import (
    BOUNDS,
    COUNTS,
    HINTS,
    NEGATIONS,
    NUMBER,
    OPERATIONS,
    PUNCTUATION,
    SCALES,
    SILENT,
    SILENT_JA,
)  # fmt: skip

MAX_QUESTION: Final = 1_000
_OPERATIONS: Final = tuple((kind, re.compile(pattern)) for kind, pattern in OPERATIONS)
_ASCII: Final = re.compile(r"[a-z0-9']+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Op:
    """An operation the question asks for; `n` is how many, of a top or a bottom."""

    kind: str
    start: int
    end: int
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A number that a column's cells are compared with."""

    comparator: Comparator
    value: Decimal
    units: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A question, read. `hints` are words for an event ("shipped") that choose a table or a date."""

    text: str
    language: Language
    named: tuple[Named, ...] = ()
    ops: tuple[Op, ...] = ()
    periods: tuple[Period, ...] = ()
    bounds: tuple[Bound, ...] = ()
    hints: tuple[str, ...] = ()
    unknown: tuple[str, ...] = field(default=())

    def asks(self, *kinds: str) -> Op | None:
        """The first operation of one of these kinds."""
        return next((op for op in self.ops if op.kind in kinds), None)


def language_of(text: str) -> Language:
    """Japanese where any Japanese character stands, else English."""
    return "ja" if re.search(r"[ぁ-ヿ一-鿿]", text) else "en"


def read(question: str, lexicon: Lexicon, today: date) -> Reading:
    """Read a question; of one over `MAX_QUESTION` characters the rest is unknown."""
    written = fold(question[:MAX_QUESTION])
    text = written.lower()
    things = _things(text, written, lexicon, today)
    named: list[Named] = []
    ops: list[Op] = []
    periods: list[Period] = []
    bounds: list[Bound] = []
    hints: list[str] = []
    unknown: list[str] = ["…"] if len(question) > MAX_QUESTION else []
    named_at = [start for start, (_, thing) in things.items() if isinstance(thing, Named)]
    at = _preface(text)
    while at < len(text):
        thing = things.get(at)
        if thing is None:
            nearest = min((start for start in named_at if start > at), default=len(text))
            at = min(_pass_over(text, at, hints, unknown), nearest)
            continue
        end, found = thing
        match found:
            case Named():
                named.append(found)
            case Op():
                if found.kind != "each" or not _by_whom(text, end, things):
                    ops.append(found)
            case Period():
                periods.append(found)
            case Bound():
                bounds.append(found)
        at = end
    return Reading(
        text, language_of(text), tuple(named), tuple(ops), tuple(periods), tuple(bounds), tuple(hints),
        tuple(_joined(unknown)),
    )  # fmt: skip


def _by_whom(text: str, at: int, things: dict[int, tuple[int, _Thing]]) -> bool:
    """`by the Sales Department`: a value, and nothing to split by."""
    found = re.match(r"\s+(?:the\s+|our\s+)?", text[at:])
    if found is None or text[:at].rsplit(maxsplit=1)[-1:] != ["by"]:
        return False
    _, thing = things.get(at + found.end(), (0, None))
    return isinstance(thing, Named) and all(target.kind == "value" for target in thing.targets)


_PREFACE: Final = re.compile(
    r"(?:(?:for|i'm|i am|we're|we are|preparing|the|an?|our|my|this|next|board|audit|pack"
    r"|file|report|review|meeting|presentation|deck|slides?|memo|hi|hello|quick|question)[\s,]*)+:\s"
    r"|(?:役員|経営|取締役|月次|定例)?(?:会議|監査|報告書?|資料|稟議書?|プレゼン)(?:資料)?[でにをの用]*"
    r"(?:使う|使います|必要な|必要です|作る|作成する|作成中な|準備する)?(?:ので|ため|ですが)、"
)


def _preface(text: str) -> int:
    """Where the question begins behind "For the audit file:", which says what it is for and nothing of it."""
    found = _PREFACE.match(text)
    return 0 if found is None else found.end()


_Thing = Named | Period | Bound | Op


def _things(text: str, written: str, lexicon: Lexicon, today: date) -> dict[int, tuple[int, _Thing]]:
    """At each place the longest thing that begins there; of equally long ones the more particular."""
    best: dict[int, tuple[int, _Thing]] = {}
    for start, end, thing in _candidates(text, written, lexicon, today):
        if start not in best or end > best[start][0]:
            best[start] = (end, thing)
    return best


def _candidates(text: str, written: str, lexicon: Lexicon, today: date) -> Iterator[tuple[int, int, _Thing]]:
    for named in lexicon.find(text, written):
        yield named.start, named.end, named
    two = any(kind in {"growth", "difference"} and pattern.search(text) for kind, pattern in _OPERATIONS)
    for period in find_periods(text, today, joined=not two):
        yield *period.at, period
    for bound in _bounds(text):
        yield bound.start, bound.end, bound
    for kind, pattern in _OPERATIONS:
        for found in pattern.finditer(text):
            held = found.groupdict()
            number = held.get("n") or held.get("n2")
            n = None if number is None else COUNTS.get(number) or int(number)
            if found.end() > found.start():
                yield *found.span(), Op(kind, *found.span(), n)


def _bounds(text: str) -> Iterator[Bound]:
    for found in NUMBER.finditer(text):
        for side, comparator, pattern in BOUNDS:
            before, after = text[: found.start()], text[found.end() :]
            near = re.search(pattern, before) if side == "before" else re.match(pattern, after)
            if near is None:
                continue
            value = Decimal(found["n"].replace(",", "")) * SCALES.get(found["scale"] or "", 1)
            value = -value if found["sign"] else value
            units = tuple(unit for unit in (found["mark"], found["unit"]) if unit)
            start = near.start() if side == "before" else found.start()
            end = found.end() if side == "before" else found.end() + near.end()
            yield Bound(_comparator(comparator), value, units, start, end)
            break


def _comparator(text: str) -> Comparator:
    match text:
        case ">" | ">=" | "<" | "<=":
            return text
        case _:
            raise ValueError(text)


def _pass_over(text: str, at: int, hints: list[str], unknown: list[str]) -> int:
    """Go past what says nothing, keep a hint, or note what is unknown."""
    turned = NEGATIONS.match(text, at)
    if turned is not None:
        unknown.append(turned[0])
        return turned.end()
    for pattern, hint in HINTS:
        if (found := pattern.match(text, at)) is not None:
            hints.append(hint)
            return found.end()
    word = _ASCII.match(text, at)
    if word is not None:
        if word[0] not in SILENT:
            unknown.append(word[0])
        return word.end()
    graded = text[at] == "-" and text[at - 1 : at].isalnum() and not text[at + 1 : at + 2].isalnum()
    silent = None if graded else SILENT_JA.match(text, at)
    if silent is not None and silent.end() > at:
        unknown.append("")
        return silent.end()
    if not text[at].isspace() and (graded or text[at] not in PUNCTUATION):
        unknown.append(text[at])
    return at + 1


def _joined(unknown: list[str]) -> Iterator[str]:
    """Single characters that follow one another, as the word they make."""
    held = ""
    for piece in [*unknown, ""]:
        if len(piece) == 1 and not piece.isascii():
            held += piece
            continue
        if held:
            yield held
            held = ""
        if piece:
            yield piece
