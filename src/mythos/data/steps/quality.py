"""Signals that a text is prose worth reading, kept beside it; a row below a bound is taken out.

The signals and the English bounds follow Gopher (Rae et al. 2021, table A1); Japanese has no spaces, so its
words are not counted and its bounds are the house's own.
"""

from __future__ import annotations

import re
from typing import Final

from mythos.data.arrow import Table, pa
from mythos.data.steps import put, remove, texts

SIGNALS: Final = ("length", "mean_word", "symbols", "letters", "repeated_lines")
SHORTEST: Final = 120
LONGEST: Final = 2 << 20
"""Characters of a text of one document, not a dump of many; later steps hold its pieces in memory."""
_SYMBOL: Final = re.compile(r"[#…]|\.\.\.")


def signals(text: str) -> dict[str, float]:
    """What is measured: characters, mean word length, symbols and letters as shares, repeated lines."""
    words = text.split()
    lines = [line for raw in text.splitlines() if (line := raw.strip())]
    repeated = len(lines) - len(set(lines))
    many = max(len(words), 1)
    return {
        "length": float(len(text)),
        "mean_word": round(sum(map(len, words)) / many, 3),
        "symbols": round(len(_SYMBOL.findall(text)) / many, 3),
        "letters": round(sum(map(str.isalpha, text)) / max(len(text), 1), 3),
        "repeated_lines": round(repeated / max(len(lines), 1), 3),
    }


def fault(seen: dict[str, float], language: str | None) -> str | None:
    """Why a text is taken out, or None."""
    if seen["length"] < SHORTEST:
        return f"shorter than {SHORTEST} characters"
    if seen["length"] > LONGEST:
        return f"longer than {LONGEST} characters: cut it into its chapters"
    if language not in {"ja", "zh", "code"} and not 3 <= seen["mean_word"] <= 10:
        return f"mean word length {seen['mean_word']}, not 3 to 10"
    if language not in {"ja", "zh"} and seen["symbols"] > 0.1:
        return f"symbols to words {seen['symbols']}, over 0.1"
    if language != "code" and seen["letters"] < 0.5:
        return f"letters {seen['letters']} of all characters, under 0.5"
    if seen["repeated_lines"] > 0.3:
        return f"repeated lines {seen['repeated_lines']}, over 0.3"
    return None


def quality(table: Table) -> Table:
    """Measure each text; take out what is below a bound."""
    seen = [None if text is None else signals(text) for text in texts(table)]
    for name in SIGNALS:
        table = put(table, f"quality_{name}", [one and one[name] for one in seen], pa.float64())
    languages = table.column("language").to_pylist()
    faults = {n: fault(one, languages[n]) for n, one in enumerate(seen) if one}
    return remove(table, "quality", {n: (why, None) for n, why in faults.items() if why})
