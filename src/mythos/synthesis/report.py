"""Several questions answered in one report, in which every cell and every quote names its source.

    questions.md ─▶ lines ─▶ Asker ─▶ numbered notes ─▶ Markdown | HTML

One asker answers all of them from one capture, so that the numbers of a report agree with each other. What a
cell or a quote stands on is a numbered note: the query and the digest of the capture, or the document, its
bytes and its digest. A refusal is shown as one, with its reason. Text from data is never markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, cast

from mythos.errors import InputError
from mythos.synthesis.ask import Asker
from mythos.synthesis.charts import chart
from mythos.synthesis.reading import language_of
from mythos.synthesis.terms import Language, View

MAX_QUESTIONS: Final = 1_000
_HEADING: Final = re.compile(r"(#{1,6})\s+(.*?)\s*#*")
_BULLET: Final = re.compile(r"(?:[-*+]|\d{1,3}[.)])\s+")
_HIDDEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of what follows: they would change what is read."""

Part = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the questions' file; the first of level 1 is the report's title."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """What a cell or a quote stands on.

    Attributes:
        source: the reference of the answer's document: a query, a quote's document, or an expression.
        of: of an expression, its operands: as they are shown, and the numbers of their notes.
        rows: the source rows of cells that are shown as they are: (table, ordinal) each.
    """

    source: Mapping[str, Any]
    of: tuple[tuple[str, tuple[int, ...]], ...] = ()
    rows: dict[tuple[str, int], None] = field(default_factory=dict[tuple[str, int], None])


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, its answer's or refusal's JSON document, the notes of each reference, and a chart."""

    question: str
    found: Mapping[str, Any]
    notes: Mapping[str, tuple[int, ...]]
    chart: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a report shows.

    Attributes:
        notes: note n is `notes[n - 1]`.
        sources: of each table that was captured: its name, its file, and the file's digest.
    """

    title: str
    language: Language
    person: str
    today: str
    capture: str
    sources: tuple[tuple[str, str, str], ...]
    entries: tuple[Heading | Asked, ...]
    notes: tuple[Note, ...]

    @property
    def asked(self) -> list[Asked]:
        """The questions in their order."""
        return [entry for entry in self.entries if isinstance(entry, Asked)]


def questions(text: str) -> list[Heading | str]:
    """The headings and questions of a file: one a line, with a bullet or without; blank lines do not count.

    Raises:
        InputError: no question, or more than `MAX_QUESTIONS`.
    """
    found: list[Heading | str] = []
    for line in map(str.strip, text.removeprefix("\ufeff").splitlines()):
        if heading := _HEADING.fullmatch(line):
            found.append(Heading(len(heading[1]), heading[2]))
        elif bare := _BULLET.sub("", line, count=1):
            found.append(bare)
    count = sum(isinstance(entry, str) for entry in found)
    if not 0 < count <= MAX_QUESTIONS:
        raise InputError(
            "a report needs questions",
            expected=f"one a line, at most {MAX_QUESTIONS}",
            found=str(count),
        )
    return found


def report(entries: Sequence[Heading | str], asker: Asker, view: View, tell: Callable[[str], None]) -> Report:
    """Answer every question.

    Args:
        entries: headings and questions, as `questions` reads them.
        asker: of the person who asks.
        view: the asker's.
        tell: takes a line of progress after each question.

    Raises:
        DataError: a source is gone, or changed while it was read.
    """
    notes = _Notes()
    made: list[Heading | Asked] = []
    count = sum(isinstance(entry, str) for entry in entries)
    first = next((e for e in entries if isinstance(e, Heading)), None)
    for entry in entries:
        if isinstance(entry, Heading):
            made.append(entry)
            continue
        found = asker.answer(entry)
        made.append(Asked(entry, found, notes.of(found), chart(found)))
        done = sum(isinstance(e, Asked) for e in made)
        tell(f"{done}/{count} {found['reason'] or 'answered'}: {visible(entry)}")
    language = language_of(first.text if first else next(e for e in entries if isinstance(e, str)))
    title = next((e for e in made if isinstance(e, Heading) and e.level == 1), None)
    taken = asker.capture
    return Report(
        title.text if title else {"en": "Report", "ja": "レポート"}[language],
        language,
        view.person.id,
        view.catalog.today.isoformat(),
        str(taken.digest),
        tuple((name, file, str(digest)) for name, (file, digest) in sorted(taken.sources.items())),
        tuple(entry for entry in made if entry is not title),
        tuple(notes.made),
    )


class _Notes:
    """Numbers what answers stand on, in the order in which it is first shown."""

    def __init__(self) -> None:
        self.made: list[Note] = []
        self._numbers: dict[str, int] = {}

    def of(self, found: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        """The numbers of the notes of each reference of an answer."""
        numbers: dict[str, tuple[int, ...]] = {}
        shown: dict[str, str] = {}
        for part in found["parts"]:
            ref = part.get("cell") or part.get("quote")
            if ref is None:
                continue
            source: dict[str, Any] = found["refs"][ref]
            shown[ref] = part["shown"]
            held: tuple[int, ...] = ()
            if "sql" in source or "file" in source:
                base = {
                    k: source[k] for k in ("sql", "file", "capture", "span", "title", "metric") if k in source
                }
                held = (self._number(base, (), source.get("rows")),)
            if "expression" in source:
                operands = tuple((shown[of], numbers[of]) for of in source.get("of", ()))
                operands = operands or (("", held),)
                held = (*held, self._number({"expression": source["expression"]}, operands))
            numbers[ref] = held
        return numbers

    def _number(
        self, source: Mapping[str, Any], of: tuple[tuple[str, tuple[int, ...]], ...], rows: Any = None
    ) -> int:
        number = self._numbers.setdefault(repr((source, of)), len(self.made) + 1)
        if number > len(self.made):
            self.made.append(Note(source, of))
        if isinstance(rows, list):
            self.made[number - 1].rows.update(dict.fromkeys(map(_row_id, cast("list[Any]", rows))))
        return number


def _row_id(row: Sequence[Any]) -> tuple[str, int]:
    return str(row[0]), int(row[1])


def blocks(found: Mapping[str, Any]) -> Iterator[tuple[bool, list[list[Part]]]]:
    """The lines of an answer: (True, lines that are a label and its value) or (False, lines of any parts)."""
    pairs = {(row["label"], row["value"]) for row in found.get("table", ())}
    lines: list[list[Part]] = [[]]
    for part in found["parts"]:
        if "text" not in part:
            lines[-1].append(part)
            continue
        first, *more = part["text"].split("\n")
        lines[-1] += [{"text": first}] if first else []
        lines.extend([{"text": piece}] if piece else [] for piece in more)

    def paired(line: list[Part]) -> bool:
        return len(line) == 3 and (line[0].get("cell"), line[2].get("cell")) in pairs

    for is_table, group in groupby(filter(None, lines), key=paired):
        yield is_table, list(group)


def visible(text: str) -> str:
    """A text whose hidden characters are written out, so that it is read as it stands."""
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


WORDS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "as": "Asked as", "on": "on", "sums": "{asked} questions: {answered} answered, {refused} refused",
        "read": "Read as: ", "refused": "Not answered.", "label": "Item", "value": "Value",
        "capture": "What was read", "table": "Table", "file": "File", "digest": "Digest",
        "holds": "The capture {digest} holds the rows of these files that the person may see.",
        "none": "No table was read.", "notes": "Sources", "query": "Query over capture", "rows": "rows",
        "metric": "reviewed metric", "document": "Document", "bytes": "bytes", "text": "of its text",
        "computed": "Computed",
    },
    "ja": {
        "as": "質問者", "on": "日付", "sums": "質問 {asked} 件: 回答 {answered} 件、回答不可 {refused} 件",
        "read": "解釈: ", "refused": "回答できません。", "label": "項目", "value": "値",
        "capture": "読み取ったデータ", "table": "表", "file": "ファイル", "digest": "ダイジェスト",
        "holds": "取込データ {digest} は、次のファイルのうち質問者が閲覧できる行だけを含みます。",
        "none": "表は読み取っていません。", "notes": "出典", "query": "取込データへのクエリ:", "rows": "行",
        "metric": "確認済みの指標", "document": "文書", "bytes": "バイト", "text": "本文",
        "computed": "計算",
    },
}  # fmt: skip
"""What a report says of its own, in both languages."""
