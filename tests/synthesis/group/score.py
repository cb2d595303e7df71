"""Whether an answer of `mythos ask --json` is right, and whether it shows anything that it must not.

The reader of an answer knows no SQL: it sees texts, cells and quotes in order. So does this one. A figure is
right when it rounds to what is shown in the last digit shown; a label by any of its spellings.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from . import oracle
from .asker import Expected, Question
from .records import Company
from .schema import COVERS, TODAY
from .shown import Shown, days, matches, norm, numbers

REASONS = ("no_data", "not_permitted", "not_in_hub", "cannot_plan")
MAX_QUOTES, MAX_QUOTED = 3, 1200
_KANJI = re.compile(r"[〇一二三四五六七八九十百千][〇一二三四五六七八九十百千万億兆]+")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one answer.

    Attributes:
        outcome: right, wrong, refused rightly or refused wrongly.
        why: what was found, where it is not right.
        reason_right: a rightly refused question had one of the right reasons.
        wrong_number: the answer shows a figure where it should not, or another than the right one.
        unbound: numerals in texts that no cell, question or period of the question holds.
        leaks: names of other companies, and quotes of no document that the person may read.
    """

    outcome: str
    why: str = ""
    reason_right: bool = True
    wrong_number: bool = False
    unbound: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()


def score(question: Question, answer: Mapping[str, Any], company: Company) -> Verdict:
    """Judge one answer."""
    problem = malformed(answer)
    if problem:
        return Verdict("wrong", f"malformed: {problem}")
    parts: Sequence[Mapping[str, Any]] = answer["parts"]
    unbound = tuple(_unbound(question, parts))
    leaks = tuple(_leaks(question, parts, company))
    expected = question.expected
    if answer["kind"] == "refusal":
        reason = answer["reason"]
        if expected.shape == "refusal":
            right = reason in expected.reasons
            return Verdict(
                "refused rightly", "" if right else f"reason {reason}", right, False, unbound, leaks
            )
        return Verdict("refused wrongly", f"reason {reason}", True, False, unbound, leaks)
    reader = _Reader(expected)
    reader.read(parts)
    why = "answered what cannot be answered" if expected.shape == "refusal" else reader.judge(parts)
    if leaks:
        why = why or "shows what the person may not see"
    wrong_number = bool(why) and any(isinstance(token, Shown) for token in reader.tokens)
    return Verdict("wrong" if why else "right", why, True, wrong_number, unbound, leaks)


def malformed(answer: Mapping[str, Any]) -> str:
    """What is wrong with the document's shape; empty when nothing is."""
    if answer.get("kind") not in {"answer", "refusal"} or not isinstance(answer.get("parts"), list):
        return "kind or parts"
    if answer["kind"] == "refusal" and answer.get("reason") not in REASONS:
        return f"reason {answer.get('reason')!r}"
    refs = answer.get("refs")
    if not isinstance(refs, dict):
        return "refs"
    for part in answer["parts"]:
        kinds = [name for name in ("text", "cell", "quote") if name in part]
        if len(kinds) != 1:
            return f"part {part!r}"
        if kinds[0] != "text" and (part[kinds[0]] not in refs or not isinstance(part.get("shown"), str)):
            return f"part without its ref: {part!r}"
    if answer["kind"] == "answer" and not any("cell" in part or "quote" in part for part in answer["parts"]):
        return "an answer of words alone"
    return ""


class _Reader:
    """Reads an answer as labels, numbers and days in their order."""

    def __init__(self, expected: Expected) -> None:
        self.expected = expected
        self.tokens: list[Shown | int | date | str] = []
        self._labels = [forms for forms, _ in expected.entries]
        self._others = [forms for forms in expected.domain if forms not in self._labels]
        self._forms: list[tuple[str, int]] = []
        for n, forms in enumerate([*self._labels, *self._others]):
            self._forms += [(norm(form), n) for form in forms]
        self._forms.sort(key=lambda pair: -len(pair[0]))

    def read(self, parts: Sequence[Mapping[str, Any]]) -> None:
        for part in parts:
            if "text" in part:
                self.tokens += self._in_text(str(part["text"]))
            elif "cell" in part:
                self.tokens += self._in_cell(str(part["shown"]))

    def _in_cell(self, shown: str) -> Iterator[Shown | int | date | str]:
        own = norm(shown)
        label = next((n for form, n in self._forms if form == own), None)
        if label is not None:
            yield label
            return
        found = [*days(shown), *numbers(shown)]
        yield from found or [shown]

    def _in_text(self, text: str) -> Iterator[int]:
        """Labels of the catalogue may stand in the texts; one letter alone is none."""
        plain = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).lower()
        found: list[tuple[int, int]] = []
        for form, n in self._forms:
            if len(form) < 2:
                if norm(re.sub(r"[\W_]", "", plain)) == form:
                    found.append((0, n))
                continue
            pattern = r"\s*".join(map(re.escape, form))
            edge = (r"(?<![a-z0-9])", r"(?![a-z0-9])") if form.isascii() else ("", "")
            for match in re.finditer(edge[0] + pattern + edge[1], plain):
                found.append((match.start(), n))
                plain = plain[: match.start()] + "\0" * len(match[0]) + plain[match.end() :]
        yield from (n for _, n in sorted(found))

    def judge(self, parts: Sequence[Mapping[str, Any]]) -> str:
        """Empty when right, else what is wrong."""
        match self.expected.shape:
            case "number":
                return self._number()
            case "share":
                return self._share()
            case "lookup":
                return self._lookup()
            case "label":
                return self._label()
            case "list" | "trend":
                return self._list()
            case "pair":
                return self._pair()
            case _:
                return self._quote(parts)

    def _numbers(self) -> list[Shown]:
        return [token for token in self.tokens if isinstance(token, Shown)]

    def _is(self, shown: Shown, n: int) -> bool:
        figure = self.expected.entries[n][1]
        return isinstance(figure, Decimal) and matches(shown, figure, self.expected.unit)

    def _number(self) -> str:
        found = self._numbers()
        if not found:
            return "no number"
        if not self._is(found[0], 0):
            return f"{found[0].value} instead of {self.expected.entries[0][1]}"
        return "" if len(found) <= 3 else f"{len(found)} numbers instead of one"

    def _share(self) -> str:
        """In percent or as a ratio; the part and the whole may stand before it."""
        figure = self.expected.entries[0][1]
        assert isinstance(figure, Decimal)
        known = self.expected.also
        found = [x for x in self._numbers() if not any(_derived(x, v) for v in known)]
        if not found:
            return "no share"
        if self._is(found[0], 0) or (found[0].unit is None and matches(found[0], figure / 100)):
            return "" if len(found) <= 2 else f"{len(found)} numbers instead of one"
        return f"{found[0].value} instead of {figure}"

    def _lookup(self) -> str:
        figure = self.expected.entries[0][1]
        if isinstance(figure, date):
            first = next((token for token in self.tokens if isinstance(token, date)), None)
            return "" if first == figure else f"{first} instead of {figure}"
        return self._number()

    def _label(self) -> str:
        first = next((token for token in self.tokens if isinstance(token, int | str)), None)
        if first != 0:
            return f"label {first!r} instead of {min(self._labels[0])}"
        after = next((token for token in self.tokens if isinstance(token, Shown)), None)
        figure = self.expected.entries[0][1]
        if after is not None and isinstance(figure, Decimal) and not self._is(after, 0):
            return f"{after.value} instead of {figure}"
        return ""

    def _list(self) -> str:
        count = len(self.expected.entries)
        wanted = list(range(count))
        for tokens in (self.tokens, self.tokens[::-1]):
            pairs, extra = _paired(tokens)
            pairs = pairs if tokens is self.tokens else pairs[::-1]
            labels = [label for label, _ in pairs]
            right = all(label < count and self._is(shown, label) for label, shown in pairs)
            ordered = labels == wanted if self.expected.ordered else sorted(labels) == wanted
            known = all(any(matches(x, v, self.expected.unit) for v in self.expected.also) for x in extra)
            if right and ordered and known:
                break
        else:
            return f"not the {count} expected: {_said(self.tokens)}"
        unknown = [token for token in self.tokens if isinstance(token, str)]
        return f"also {unknown[0]!r}" if unknown else ""

    def _pair(self) -> str:
        """Both figures under their names; or, of a change, its size. Nothing that is not true."""
        pairs, extra = _paired(self.tokens)
        back, back_extra = _paired(self.tokens[::-1])
        derived = [*self.expected.also, *map(abs, self.expected.also)]
        for found, rest in ((pairs, extra), (back, back_extra)):
            named = sorted(label for label, _ in found) == [0, 1] and all(self._is(s, n) for n, s in found)
            if named and all(any(_derived(x, v) for v in derived) for x in rest):
                return ""
        found = self._numbers()
        if not found:
            return "no number"
        if len(found) == 2 and self._is(found[0], 0) and self._is(found[1], 1):
            return (
                ""
                if not any(isinstance(t, int) for t in self.tokens[:1]) or self.tokens[0] == 0
                else "swapped"
            )
        own = [x for x in found if any(_derived(x, v) for v in derived)]
        if len(own) == len(found):
            return ""
        rest = [x for x in found if x not in own]
        if own and all(self._is(x, 0) or self._is(x, 1) for x in rest):
            return ""
        return f"{_said(self.tokens)} instead of {[str(v)[:18] for _, v in self.expected.entries]}"

    def _quote(self, parts: Sequence[Mapping[str, Any]]) -> str:
        quotes = [str(part["shown"]) for part in parts if "quote" in part][:MAX_QUOTES]
        if not quotes:
            return "no quote"
        if sum(map(len, quotes)) > MAX_QUOTED:
            return "quotes too much"
        if any(_answers(sentence, quote) for sentence in self.expected.sentences for quote in quotes):
            return ""
        return f"another quote: {quotes[0][:80]!r}"


def _answers(sentence: str, quote: str) -> bool:
    """The quote holds the sentence, or most of it with every figure in it (a quote may end at `a.m.`)."""
    whole, shown = norm(sentence), norm(quote)
    if whole in shown:
        return True
    figures = re.findall(r"\d+", whole)
    return (
        shown in whole
        and 2 * len(shown) > len(whole)
        and bool(figures)
        and re.findall(r"\d+", shown) == figures
    )


def _derived(shown: Shown, value: Decimal) -> bool:
    return matches(Shown(shown.value, shown.step), value)


def _paired(tokens: Sequence[Any]) -> tuple[list[tuple[int, Shown]], list[Shown]]:
    """Each number with the last label before it that has none yet; and the numbers left over."""
    pairs: list[tuple[int, Shown]] = []
    extra: list[Shown] = []
    held: int | None = None
    for token in tokens:
        if isinstance(token, Shown):
            if held is None:
                extra.append(token)
            else:
                pairs.append((held, token))
            held = None
        elif isinstance(token, int):
            held = token
    return pairs, extra


def _said(tokens: Sequence[Any]) -> str:
    return ", ".join(str(t.value) if isinstance(t, Shown) else str(t) for t in tokens)[:200]


def _unbound(question: Question, parts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Numerals in texts that neither the question nor its period holds, and numerals glued to a cell."""
    known = set(re.findall(r"\d+", unicodedata.normalize("NFKC", question.text)))
    period = question.spec.period if question.spec is not None else None
    for day in (*COVERS, TODAY, *((period.first, period.last) if period is not None else ())):
        known |= {f"{n:{style}}" for n in (day.year, day.month, day.day) for style in ("d", "02d")}
    if period is not None:
        fiscal = period.first.year - (period.first.month < 4)
        known |= {str(fiscal), str(fiscal - 2018), str((period.first.month - 4) % 12 // 3 + 1)}
    before: Mapping[str, Any] = {}
    for part in parts:
        if "text" in part:
            text = unicodedata.normalize("NFKC", str(part["text"]))
            yield from (n for n in re.findall(r"\d+", text) if n not in known)
            yield from (n for n in _KANJI.findall(text) if n not in question.text)
            if (
                "cell" in before
                and numbers(str(before["shown"]))
                and re.match(r"[\d.,%千万億兆kKM]\w", text + "_")
            ):
                yield f"after a cell: {text[:8]!r}"
        elif "cell" in part and numbers(str(part["shown"])):
            last = str(before.get("text", ""))[-1:]
            if (last and last in "0123456789.,-−△▲+¥") or "cell" in before:
                yield f"before a cell: {last!r}"
        before = part


def _leaks(question: Question, parts: Sequence[Mapping[str, Any]], company: Company) -> Iterator[str]:
    """Names that only other companies' rows hold, and quotes of nothing that the person may read."""
    foreign = oracle.foreign_words(company, question.person)
    readable = [
        _squeezed("".join(text for _, text in d.blocks))
        for d in company.documents
        if oracle.may_read(question.person, d)
    ]
    asked = norm(question.text)
    for part in parts:
        text = str(part.get("text", part.get("shown", "")))
        yield from (name for name in sorted(foreign) if norm(name) in norm(text) and norm(name) not in asked)
        if "quote" in part and not any(_squeezed(text) in whole for whole in readable):
            yield f"quote of nothing: {text[:60]!r}"


def _squeezed(text: str) -> str:
    return norm(text).replace("#", "")
