"""What counts as a number in running text, in any script: an answer's words may hold none of it.

Every number of an answer stands in a cell that the renderer wrote. So the words between cells are searched
for digits of every script, fractions, Roman, kanji and spelled-out numerals, for signs and units that would
change a cell beside them, and for words of scale.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_KANJI: Final = "〇零一二三四五六七八九十百千万億兆京半倍割壱弐参拾両双"
_SIGNS: Final = "%‰‱+±×÷=<>≈≒~^√∞°¥$€£₩元円−"
_ENGLISH: Final = re.compile(
    r"(?<![a-z])(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    r"|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?"
    r"|thousands?|millions?|billions?|trillions?|dozens?|half|halves|thirds?|quarters?|fourths?|fifths?|tenths?"
    r"|double[ds]?|triple[ds]?|twice|thrice|once|single|both|pair|couple|none|nil|nought|first|second|percent"
    r"|per\s?cent|pct|percentage|minus|plus|negative|times|k|m|bn|mn|tn|jpy|usd|eur|yen|dollars?)(?![a-z])"
    r"|(?<![a-z])[ivxlcdm]+(?![a-z])",
    re.IGNORECASE,
)
_JAPANESE: Final = re.compile(r"マイナス|プラス|パーセント|ゼロ|ダース|ハーフ|キロ|ミリ|ドル|ユーロ")
_NEGATED: Final = re.compile(r"(?<![a-z])(?:not|no|never)(?![a-z])|ない|なく|なかった|ません", re.IGNORECASE)


def numerals(text: str) -> str | None:
    """The first thing in a text that is, or could turn a cell into, another number; none if there is none."""
    folded = unicodedata.normalize("NFKC", text)
    for character in (*text, *folded):
        if (
            unicodedata.category(character).startswith("N")
            or unicodedata.numeric(character, None) is not None
        ):
            return character
        if character in _KANJI or character in _SIGNS:
            return character
        if unicodedata.category(character) in {"Cc", "Cf", "Mn", "Me", "Co", "Cs"} and character != "\n":
            return repr(character)
    for pattern in (_ENGLISH, _JAPANESE, _NEGATED):
        if (found := pattern.search(folded)) is not None:
            return found[0]
    return None


def touches(before: str, after: str) -> bool:
    """Whether text may not stand so beside a cell: a letter, sign or point that would join it."""
    if before and not re.search(r"[\s:(「『、。]\Z|[ぁ-ヿ一-鿿]\Z", before):
        return True
    return bool(after) and re.match(r"[\s:)」』、。]|[,.](?:\s|\Z)|[ぁ-ヿ一-鿿]", after) is None
