"""Find in a question the names of the caller's tables and columns, and the values of the caller's cells.

Names come from the view and values from the capture, so a word that only another tenant's rows hold is a
word nobody knows. A phrase of Latin letters is matched by whole words without plural endings, a Japanese one
where it stands; of several that begin at one place the longest counts.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from mythos.files import write_private
from mythos.synthesis.capture import quote
from mythos.synthesis.cell import Cells
from mythos.synthesis.terms import Column, Table, View, Words
from mythos.synthesis.values import fold
from mythos.synthesis.words import GENERIC, SILENT, SYNONYMS

MAX_VALUES: Final = 5_000
"""Distinct values of a column that are known by heart; beyond it only what looks like a code is sought."""
_MAX_PHRASE: Final = 60
_PLAIN: Final = re.compile(r"[a-z0-9][a-z0-9\s\-_/.,'&()]*(?<!-)", re.ASCII)
"""A value that its words alone tell from others; `C++`, `A+` and `B-` are found as they stand."""
_FUNCTION: Final = SILENT | frozenset(
    ("by", "each", "every", "least", "less", "max", "min", "more", "most", "no", "none", "not", "or", "per")
)  # fmt: skip
"""English words that may also be values: `IT`, `US`, the states `IN`, `OR`, `ME`."""
_WORD: Final = re.compile(r"[a-z0-9]+(?:'s)?", re.ASCII)
_CODE: Final = re.compile(
    r"[a-z]*[-_/.]?\d[a-z0-9]*(?:[-_/.][a-z0-9]+)*|[a-z]+(?:[-_/.][a-z0-9]+)+", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Place:
    """A column of a table."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Target:
    """What a phrase may mean: a table, a column (`place`), a value in it, a metric, or a closed name."""

    kind: str
    table: str
    column: str = ""
    value: str = ""

    @property
    def place(self) -> Place:
        """The column."""
        return Place(self.table, self.column)


@dataclass(frozen=True, slots=True)
class Named:
    """A phrase of the question and everything it may mean."""

    start: int
    end: int
    targets: tuple[Target, ...]


def spoken(name: str) -> str:
    """A name as it is said: `unitPrice_JPY` is `unit price jpy`."""
    return fold(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ")).lower()


def _stem(word: str) -> str:
    word = word.removesuffix("'s")
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and re.search(r"(?:ss|x|ch|sh|(?<![oa])us)es\Z", word):
        return word[:-2]
    return (
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
    )


def _key(phrase: str) -> str:
    return " ".join(_stem(word) for word in _WORD.findall(phrase))


def _shortened(phrase: str) -> Iterator[str]:
    """The phrase, without what stands in brackets, and without endings that people leave out."""
    seen = re.sub(r"\s*[((].*?[))]", "", phrase).strip()
    yield seen
    while True:
        for ending in GENERIC:
            bare = seen.removesuffix(ending)
            cut = bare.rstrip() if not ending.isascii() or bare.endswith(" ") else seen
            if cut != seen and len(cut) > 1:
                seen = cut
                yield seen
                break
        else:
            return


def own_phrases(*names: str) -> set[str]:
    """The names as people say them: endings left out, "weight shipped", 与信の限度額."""
    said = {phrase for name in names for phrase in _shortened(spoken(name)) if phrase}
    return said | {other for phrase in said for other in _turned(phrase)}


def _turned(phrase: str) -> Iterator[str]:
    """A participle behind its noun, and の between the parts of a long Japanese name."""
    words = phrase.split()
    if len(words) == 2 and words[0].endswith("ed") and phrase.isascii():
        yield f"{words[1]} {words[0]}"
    if re.fullmatch(r"[一-龯々]{2,}(?<![件人回])数", phrase):
        yield from (f"{phrase[:-1]}{counted}" for counted in ("数量", "個数"))
    if re.fullmatch(r"[一-龯々]{4,8}", phrase):
        yield from (f"{phrase[:i]}の{phrase[i:]}" for i in range(2, len(phrase) - 1))


def phrases(*names: str) -> set[str]:
    """Everything that people say for what has these names, with words that mean the same."""
    own = own_phrases(*names)
    said = set(own)
    for phrase, group in itertools.product(tuple(said), SYNONYMS):
        for word in group:
            if phrase == word:
                said |= group
            elif word.isascii() and re.search(rf"\b{re.escape(word)}\b", phrase):
                said |= {
                    re.sub(rf"\b{re.escape(word)}\b", other, phrase) for other in group if other.isascii()
                }
            elif not word.isascii() and (len(word) > 1 or word == "額") and phrase.endswith(word):
                said |= {phrase.removesuffix(word) + other for other in group if not other.isascii()}
    return {phrase for phrase in said if len(phrase) > 1 or phrase in own}


class Lexicon:
    """Every phrase that means something to this caller."""

    def __init__(self, view: View, cells: Cells) -> None:
        self._latin: dict[str, set[Target]] = defaultdict(set)
        self._other: dict[str, set[Target]] = defaultdict(set)
        self._exact: dict[str, set[Target]] = defaultdict(set)
        self._cased: dict[str, set[Target]] = defaultdict(set)
        self._many: list[Place] = []
        self._cells = cells
        self._same: list[tuple[set[str], Target]] = []
        for table in view.tables:
            self._names(table.name, table.description, Target("table", table.name))
            for column in table.columns:
                self._column(table, column)
        self._closed(view)
        own = {*self._latin, *self._other}
        for said, target in self._same:
            self._add({p for p in said if (_key(p) if p.isascii() else p) not in own}, target)
        for metric in view.catalog.metrics:
            names = {spoken(metric.name.ja), spoken(metric.name.en)} - {""}
            self._add(names, Target("metric", "", value=metric.name.of("en")))
        self._values(view)
        self._length = max(map(len, self._other), default=0)

    def _column(self, table: Table, column: Column) -> None:
        target = Target("column", table.name, column.name)
        owners = phrases(table.name, table.description.ja, table.description.en)
        bare = {
            phrase.removeprefix(_singular(owner)).strip().lstrip("の")
            for phrase in own_phrases(column.name, column.description.ja, column.description.en)
            for owner in owners
            if phrase.startswith(_singular(owner))
        }
        self._names(column.name, column.description, target)
        self._add({phrase for phrase in bare if len(phrase) > 1}, target)
        self._same.append(({p for p in phrases(*bare) if len(p) > 1}, target))
        for code, words in column.values.items():
            self._add(_spellings(code, words), Target("value", table.name, column.name, code))

    def _names(self, name: str, words: Words, target: Target) -> None:
        """Its own names now; words that mean the same later, where they are nobody's own."""
        self._add(own_phrases(name, words.ja, words.en), target)
        self._same.append((phrases(name, words.ja, words.en), target))

    def _closed(self, view: View) -> None:
        for table in view.catalog.tables:
            for column in table.columns:
                if f"{table.name}.{column.name}" in view.closed:
                    self._names(column.name, column.description, Target("closed", table.name, column.name))
            if table.name in view.closed:
                self._names(table.name, table.description, Target("closed", table.name))

    def _values(self, view: View) -> None:
        held = vocabulary(self._cells, view.tables)
        for place, values in held.items():
            if values is None:
                self._many.append(place)
                continue
            for value in values:
                self._add((spoken(value), value.lower()), Target("value", place.table, place.column, value))

    def _add(self, said: Iterable[str], target: Target) -> None:
        for phrase in said:
            if len(phrase) > _MAX_PHRASE or (
                target.kind == "value" and ((phrase.isascii() and len(phrase) < 2) or phrase.isdecimal())
            ):
                continue
            if not phrase.isascii():
                self._other[phrase].add(target)
            elif target.kind == "value" and _PLAIN.fullmatch(phrase) is None:
                self._exact[phrase].add(target)
            elif target.kind == "value" and phrase in _FUNCTION:
                self._cased[phrase].add(target)
            elif key := _key(phrase):
                self._latin[key].add(target)

    def find(self, text: str, written: str = "") -> list[Named]:
        """Every longest phrase at every place of a folded, lower-case text; they may overlap.

        Args:
            text: folded, lower case.
            written: the same text before it was put in lower case; it tells `IT` from `it`.
        """
        words = list(_WORD.finditer(text))
        found = [named for i in range(len(words)) if (named := self._from_word(words, i)) is not None]
        found += self._literal(text)
        found += self._of_function(text, written if len(written) == len(text) else text)
        for start in range(len(text)):
            for length in range(min(self._length, len(text) - start), 0, -1):
                phrase = text[start : start + length]
                if phrase in self._other and (
                    _stands_alone(text, start, start + length)
                    or self._after_name(text, start, length)
                    or self._in_two(text, start, start + length)
                ):
                    found.append(Named(start, start + length, _sorted(self._other[phrase])))
                    break
        return found + list(self._codes(text))

    def _literal(self, text: str) -> Iterator[Named]:
        """Values with marks that tell them from others, as they stand."""
        for phrase, targets in self._exact.items():
            at = text.find(phrase)
            while at >= 0:
                before, after = text[at - 1 : at], text[at + len(phrase) : at + len(phrase) + 1]
                inside = (before.isalnum() and phrase[0].isalnum()) or after in {"+", "#", "-"}
                if not inside and not (after.isalnum() and phrase[-1].isalnum()):
                    yield Named(at, at + len(phrase), _sorted(targets))
                at = text.find(phrase, at + 1)

    def _of_function(self, text: str, written: str) -> Iterator[Named]:
        """`IT` and `US` where they are written so, or stand where a name does: "in us"."""
        for word in _WORD.finditer(text) if self._cased else ():
            if word[0] not in self._cased:
                continue
            shown = written[word.start() : word.end()]
            as_value = shown != word[0] and written != written.upper()
            before = re.search(r"(?<![a-z])(?:in|from|of|the)\s+\Z", text[: word.start()])
            if as_value or before is not None:
                yield Named(*word.span(), _sorted(self._cased[word[0]]))

    def _after_name(self, text: str, start: int, length: int) -> bool:
        """A value of one character right after its column's name: 優先度高."""
        follows = _script(text[start + length]) if start + length < len(text) else "other"
        return (
            length == 1
            and follows == "other"
            and any(text[start - size : start] in self._other for size in range(2, min(9, start + 1)))
        )

    def _in_two(self, text: str, start: int, end: int) -> bool:
        """One of the two known words that make a longer one of katakana: ポンプカテゴリ."""
        if end - start < 2:
            return False
        first, last = start, end
        while first and _script(text[first - 1]) == "katakana":
            first -= 1
        while last < len(text) and _script(text[last]) == "katakana":
            last += 1
        before, after = text[first:start], text[end:last]
        return bool(before) != bool(after) and (before or after) in self._other

    def _from_word(self, words: list[re.Match[str]], first: int) -> Named | None:
        for last in range(min(len(words), first + 8), first, -1):
            key = " ".join(_stem(word[0]) for word in words[first:last])
            if key in self._latin:
                return Named(words[first].start(), words[last - 1].end(), _sorted(self._latin[key]))
        return None

    def _codes(self, text: str) -> Iterator[Named]:
        """Codes of columns with too many values to know by heart, asked of the capture."""
        spans = [span for span in _CODE.finditer(text) if not span[0].isdecimal()][:20]
        listed = ", ".join(f"'{span[0]}'" for span in spans)
        found: dict[str, set[Target]] = defaultdict(set)
        for place in self._many if spans else ():
            column = quote(place.column)
            sql = f"SELECT DISTINCT {column} FROM {quote(place.table)} WHERE lower({column}) IN ({listed})"
            for (value,) in self._cells.run(sql, limit=40).rows:
                found[str(value).lower()].add(Target("value", place.table, place.column, str(value)))
        for span in spans:
            if span[0] in found:
                yield Named(*span.span(), _sorted(found[span[0]]))


def vocabulary(cells: Cells, tables: Iterable[Table]) -> dict[Place, list[str] | None]:
    """The distinct values of each text column of a capture; none where there are too many to know by heart.

    Kept beside the capture, under the same digest, for the caller alone.
    """
    path = cells.capture.file.with_suffix(".words.json")
    places = [Place(t.name, c.name) for t in tables for c in t.columns if c.type in {"text", "code"}]
    try:
        kept: list[Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        kept = []
        for place in places:
            column = quote(place.column)
            short = f"length({column}) <= {_MAX_PHRASE}"  # a longer one is never sought
            sql = f"SELECT DISTINCT {column} FROM {quote(place.table)} WHERE {short} ORDER BY 1"
            result = cells.run(sql, limit=MAX_VALUES)
            values = [str(row[0]) for row in result.rows]
            kept.append([place.table, place.column, values if result.complete else None])
        write_private(path, json.dumps(kept, ensure_ascii=False).encode())
    return {Place(table, column): values for table, column, values in kept}


def _spellings(code: str, words: Words) -> set[str]:
    return {spoken(text) for text in (code, words.ja, words.en) if text}


def _singular(phrase: str) -> str:
    return (
        " ".join([*phrase.split()[:-1], _stem(phrase.rsplit(maxsplit=1)[-1])])
        if phrase.isascii() and phrase
        else phrase
    )


def _sorted(targets: set[Target]) -> tuple[Target, ...]:
    return tuple(sorted(targets, key=lambda t: (t.kind, t.table, t.column, t.value)))


def _script(character: str) -> str:
    if "ァ" <= character <= "ヺ" or character == "ー":
        return "katakana"
    return "kanji" if "一" <= character <= "鿿" or character == "々" else "other"


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Not a part of a longer katakana word; a single character not a part of any word."""
    before = _script(text[start - 1]) if start else "other"
    after = _script(text[end]) if end < len(text) else "other"
    if end - start == 1:
        if re.match(r"の中[でのに]", text[max(0, start - 1) :]):  # "of these"
            return False
        return before == "other" and (after == "other" or text[end] in "別毎")
    first, last = _script(text[start]), _script(text[end - 1])
    return not (first == "katakana" == before or last == "katakana" == after)
