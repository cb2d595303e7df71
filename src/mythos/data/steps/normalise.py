"""NFKC, one kind of line end, nothing unseen: the form in which later steps see the text."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from mythos.data.arrow import Table, pa
from mythos.data.steps import put, texts

_CONTROL: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
_JOINER: Final = re.compile(r"(?<=[!-~])[\u200c\u200d]+(?=[!-~])")
"""Within ASCII a joiner joins nothing; left there, it would hide a number from every later step."""


def clean(text: str) -> str:
    """The normal form of a text; applying it twice changes nothing."""
    lines = re.sub("\r\n?|[\x85\u2028\u2029]", "\n", text)
    plain = _JOINER.sub("", _CONTROL.sub("", unicodedata.normalize("NFKC", lines)))
    # A pattern for spaces before a line's end would be tried again at every space of a long run.
    ended = "\n".join(line.rstrip(" \t") for line in plain.split("\n"))
    return unicodedata.normalize("NFKC", ended).strip()


def normalise(table: Table) -> Table:
    """Write each text in its normal form."""
    new = [None if text is None else clean(text) for text in texts(table)]
    old = table.column("text").to_pylist()
    return put(
        table, "text", [b if a is None else a for a, b in zip(new, old, strict=True)], pa.large_string()
    )
