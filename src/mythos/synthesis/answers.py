"""Answers as parts: words, cells, quotes. Whoever wrote the words, no number stands in them.

The renderer alone writes numerals, signs, separators, units and scale, from the cell and its column. A
sentence from a model is a skeleton with slots; one that holds any numeral, or would touch a cell so that it
reads as another number, is dropped for the plain sentence of the same plan.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from mythos.synthesis.numerals import numerals, touches
from mythos.synthesis.terms import Language, Reason, Value

_EXACT: Final = Context(prec=100)
_WIDE: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)
_BEFORE: Final = {"USD": "$", "EUR": "€"}
_JAPANESE_UNITS: Final = {
    "JPY": "円",
    "円": "円",
    "units": "個",
    "pieces": "個",
    "days": "日",
    "hours": "時間",
    "persons": "人",
    "people": "人",
}
_ENGLISH_UNITS: Final = {
    "円": "JPY",
    "個": "units",
    "人": "people",
    "時間": "hours",
    "日": "days",
    "件": "cases",
}


@dataclass(frozen=True, slots=True)
class Text:
    """Words without any number."""

    text: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell, or what is computed from cells, as the renderer wrote it."""

    ref: str
    shown: str


@dataclass(frozen=True, slots=True)
class Quote:
    """A passage, exactly as it stands in its document."""

    ref: str
    shown: str


Part = Text | Cell | Quote


@dataclass(frozen=True, slots=True)
class Row:
    """A value and the label it stands beside, both by reference.

    Attributes:
        number: the value itself, before it was rendered.
        at: of a trend, which of all its months, quarters or years this is, so that a gap is seen.
    """

    label: str | None
    ref: str
    number: Value
    at: int | None = None


@dataclass(slots=True)
class Answer:
    """The parts of an answer and what each of them stands on.

    Attributes:
        refs: of each cell its query, capture and rows; of each quote its document, digest and bytes.
        read_as: how the question was understood, for a person to check.
        rows: labels and values once more, for a table or a chart.
    """

    language: Language
    parts: list[Part] = field(default_factory=list[Part])
    refs: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    read_as: str = ""
    rows: list[Row] = field(default_factory=list[Row])

    def say(self, text: str) -> None:
        """Add words.

        Raises:
            ValueError: there is a number in them.
        """
        if (found := numerals(text)) is not None:
            raise ValueError(f"a number in the words of an answer: {found}")
        self.parts.append(Text(text))

    def cell(self, shown: str, source: Mapping[str, Any]) -> str:
        """Add a cell; its reference."""
        ref = self._ref(source)
        self.parts.append(Cell(ref, shown))
        return ref

    def quote(self, shown: str, source: Mapping[str, Any]) -> None:
        """Add a quote."""
        self.parts.append(Quote(self._ref(source), shown))

    def _ref(self, source: Mapping[str, Any]) -> str:
        ref = f"r{len(self.refs) + 1}"
        self.refs[ref] = dict(source)
        return ref

    def document(self) -> dict[str, Any]:
        """The JSON document of an answer."""
        return {
            "kind": "answer", "parts": [_part(part) for part in self.parts], "refs": self.refs,
            "reason": None, "read_as": self.read_as, "language": self.language,
            "table": [_row(row) for row in self.rows if row.label is not None],
        }  # fmt: skip


def _row(row: Row) -> dict[str, Any]:
    number = format(row.number, "f") if isinstance(row.number, Decimal) else str(row.number)
    exact = number if isinstance(row.number, int | Decimal) else None
    return {"label": row.label, "value": row.ref, "number": exact, "at": row.at}


def _part(part: Part) -> dict[str, str]:
    match part:
        case Text():
            return {"text": part.text}
        case Cell():
            return {"cell": part.ref, "shown": part.shown}
        case Quote():
            return {"quote": part.ref, "shown": part.shown}


_REASONS: Final[dict[Reason, dict[Language, str]]] = {
    "no_data": {"en": "There are no rows that answer this.", "ja": "該当するデータがありません。"},
    "not_permitted": {
        "en": "You may not read what this asks about.",
        "ja": "この内容を閲覧する権限がありません。",
    },
    "not_in_hub": {
        "en": "The hub does not hold what this asks about.",
        "ja": "お尋ねの内容はこのハブにありません。",
    },
    "cannot_plan": {
        "en": "The question could not be turned into a plan.",
        "ja": "質問を計画に変えられませんでした。",
    },
}


def refusal(reason: Reason, language: Language, why: str = "") -> dict[str, Any]:
    """The JSON document of a refusal; `why` is beside the parts, because it may repeat the caller's words."""
    return {
        "kind": "refusal", "parts": [{"text": _REASONS[reason][language]}], "refs": {}, "reason": reason,
        "why": why, "language": language,
    }  # fmt: skip


def rendered(value: Value, unit: str | None, language: Language) -> str:
    """A value as a person reads it: separators, sign, unit; an exact decimal is written out whole."""
    match value:
        case None:
            return "–"
        case str():
            return value
        case datetime():
            return value.isoformat(sep=" ", timespec="minutes")
        case date():
            return f"{value.year}年{value.month}月{value.day}日" if language == "ja" else value.isoformat()
        case int() | Decimal():
            return _with_unit(f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}", unit, language)


def _with_unit(number: str, unit: str | None, language: Language) -> str:
    if not unit:
        return number
    if unit == "%":
        return f"{number}%"
    if language == "ja":
        japanese = _JAPANESE_UNITS.get(unit, unit)
        return f"{number}{' ' if japanese.isascii() else ''}{japanese}"
    english = _ENGLISH_UNITS.get(unit, unit)
    sign, bare = ("-", number[1:]) if number.startswith("-") else ("", number)
    return f"{sign}{_BEFORE[english]}{bare}" if english in _BEFORE else f"{number} {english}"


def quotient(over: Decimal | int, under: Decimal | int, places: int) -> Decimal:
    """`over` divided by `under`, rounded once, half to even, at that many places."""
    whole = _WIDE.divide(Decimal(over), Decimal(under))
    rounded = whole.quantize(Decimal(1).scaleb(-places), context=_WIDE)
    return rounded.to_integral_value() if rounded == rounded.to_integral_value() else rounded.normalize(_WIDE)


def exactly(value: Fraction) -> int | Decimal:
    """A sum or difference of decimals, which ends after some places."""
    if value.denominator == 1:
        return value.numerator
    return _EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))


_STRANGE: Final = re.compile(r"[^\w\s,.;:!?()、。「」]|_")
"""In a model's words: everything but letters, spaces and plain punctuation."""
_SLOT: Final = re.compile(r"\{([a-z_]{1,20})\}")


def skeleton(sentence: str, slots: Sequence[str]) -> list[str | None] | None:
    """The pieces of a model's sentence: its words, and in between `None` for each slot, in their order.

    None when it may not be used: a number in its words, a slot that is not there, left out or doubled, or
    words that would touch a cell.
    """
    if len(sentence) > 400 or "\n" in sentence:
        return None
    found = _SLOT.findall(sentence)
    if found != list(slots):
        return None
    words = _SLOT.split(sentence)[::2]
    if any(_STRANGE.search(piece) or numerals(piece) is not None for piece in words):
        return None
    for before, after in pairwise(words):
        if touches(before, after):
            return None
    for between in words[1:-1]:
        if not any(character.isalpha() for character in between):
            return None
    pieces: list[str | None] = []
    for piece in words:
        pieces += [piece, None]
    return pieces[:-1]
