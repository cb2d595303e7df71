"""Sentences in English and Japanese, and text from the log made safe to read.

A name in the log is chosen by whoever signed it. `clean` shows what such text would rather hide: controls
that reverse, erase or blank out what stands beside them (Unicode TR 36, section 2) become visible names.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from mythos.dossier.acts import load

WORDS: Final = load("words.yaml")
"""Every sentence of the dossier (`words.yaml`), by section and key."""

LANGUAGES: Final = ("en", "ja")


def clean(text: str) -> str:
    """The text with every invisible or reordering character written out as `⟨U+202E⟩`."""
    return "".join(f"⟨U+{ord(c):04X}⟩" if _hidden(c) else c for c in text)


def _hidden(character: str) -> bool:
    category = unicodedata.category(character)
    return category in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence of `words.yaml` with its values: text from the log, or other phrases."""

    section: str
    key: str
    values: Mapping[str, str | Phrase | tuple[Phrase, ...]]

    def text(self, language: str, shown: Callable[[str], str] = clean) -> str:
        """The sentence in `en` or `ja`; `shown` makes each value from the log safe for where it goes."""
        template: str = WORDS[self.section][self.key][language]
        return template.format_map(
            {name: _fill(value, language, shown) for name, value in self.values.items()}
        )


def phrase(section: str, key: str, **values: str | Phrase | tuple[Phrase, ...]) -> Phrase:
    """A sentence of `words.yaml`."""
    return Phrase(section, key, values)


def _fill(value: str | Phrase | tuple[Phrase, ...], language: str, shown: Callable[[str], str]) -> str:
    if isinstance(value, str):
        return shown(value)
    parts = value if isinstance(value, tuple) else (value,)
    return ("、" if language == "ja" else ", ").join(part.text(language, shown) for part in parts)
