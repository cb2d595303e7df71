"""Personal names in Japanese, the second tier: names of Sudachi's dictionary where the words say a person.

A surname with a given name after it, a name before an honorific or a title, a name after a label such as
氏名. A surname alone is left: in manuals most of those are places, firms and things; and so is a name in
another script that no such word stands beside.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any, Final

from mythos.data.steps.language import KANA

PIECE: Final = 8_000
"""Characters that are analysed at once; Sudachi takes 49,149 bytes."""

_CJK: Final = re.compile(r"[\u3400-\u9fff]")
_TITLES: Final = (
    "さん さま 様 氏 君 くん ちゃん 先生 殿 部長 課長 係長 主任 社長 会長 専務 常務 "
    "取締役 教授 博士 議員 選手 弁護士"
)
_LABELS: Final = "氏名 名前 担当 担当者 連絡先 宛先 作成 作成者 承認 承認者 署名 差出人 契約者"
_AFTER: Final = re.compile(f"[ ・]?(?:{_TITLES.replace(' ', '|')})")
_BEFORE: Final = re.compile(f"(?:{_LABELS.replace(' ', '|')})[:・ ]{{0,2}}\\Z")
_LABEL: Final = 8


@cache
def _tokenizer() -> Any:
    sudachi: Any = importlib.import_module("sudachipy")
    dictionary = sudachi.Dictionary()
    made = getattr(dictionary, "tokenizer", None) or dictionary.create
    return made(mode=sudachi.SplitMode.C)


def version() -> str:
    """The analyser and its dictionary, which decide what is a name."""
    parts = ("sudachipy", "sudachidict-core")
    return " ".join(f"{name} {importlib.metadata.version(name)}" for name in parts)


def find(text: str) -> list[tuple[int, int]]:
    """Start and end of each name, in order."""
    if not (KANA.search(text) or _CJK.search(text)):
        return []
    return [place for start, piece in _pieces(text) for place in _in_piece(piece, start)]


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.split("\n"):
        for at in range(0, len(line), PIECE):
            yield start + at, line[at : at + PIECE]
        start += len(line) + 1


def _in_piece(text: str, start: int) -> Iterator[tuple[int, int]]:
    run: list[tuple[int, int, str]] = []
    for token in _tokenizer().tokenize(text):
        kind = token.part_of_speech()
        if kind[2] == "人名":
            run.append((token.begin(), token.end(), kind[3]))
        elif run and token.surface() not in {" ", "・"}:
            yield from _person(text, run, start)
            run = []
    yield from _person(text, run, start)


def _person(text: str, run: list[tuple[int, int, str]], start: int) -> Iterator[tuple[int, int]]:
    if not run:
        return
    first, last = run[0][0], run[-1][1]
    kinds = [kind for *_, kind in run]
    whole = "一般" in kinds or ("姓", "名") in pairwise(kinds)
    whole = whole and _CJK.search(text, first, last) is not None
    label = text[max(0, first - _LABEL) : first]
    if whole or _AFTER.match(text, last) or _BEFORE.search(label):
        yield start + first, start + last
