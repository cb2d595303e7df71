"""NFKC, one kind of line end, no control characters: the form in which every later step sees the text."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from mythos.data.arrow import Table, pa
from mythos.data.steps import put, texts

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_END: Final = re.compile(r"[ \t]+$", re.MULTILINE)


def clean(text: str) -> str:
    """The normal form of a text; applying it twice changes nothing."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return unicodedata.normalize(
        "NFKC", _END.sub("", _CONTROL.sub("", unicodedata.normalize("NFKC", lines)))
    ).strip()


def normalise(table: Table) -> Table:
    """Write each text in its normal form."""
    new = [None if text is None else clean(text) for text in texts(table)]
    old = table.column("text").to_pylist()
    return put(
        table, "text", [b if a is None else a for a, b in zip(new, old, strict=True)], pa.large_string()
    )
