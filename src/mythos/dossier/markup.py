"""Markup that cannot be forgotten to escape: whatever is not `Html` yet is escaped when it is put in."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from mythos.dossier.words import LANGUAGES, Phrase, clean, phrase

_ISOLATE = ("\u2068", "\u2069")
"""First strong isolate and its end: right-to-left text cannot reorder the sentence around it (UAX 9)."""


class Html(str):
    """Markup. Only this module and literals of its callers make it."""

    __slots__ = ()

    def __add__(self, other: str) -> Html:
        return join((self, other))


def tag(name: str, *inside: Html | str, **attributes: str) -> Html:
    """An element; text inside is cleaned and escaped. `cls` stands for `class`."""
    given = "".join(f' {k.replace("cls", "class")}="{escape(v)}"' for k, v in attributes.items() if v)
    return Html(f"<{name}{given}>{join(inside)}</{name}>")


def join(parts: Iterable[Html | str], between: str = "") -> Html:
    """Markup and text side by side."""
    return Html(between.join(p if isinstance(p, Html) else escape(clean(p)) for p in parts))


def text(value: str) -> Html:
    """Text from the log, kept apart from its surroundings."""
    return tag("bdi", value)


def both(said: Phrase, name: str = "span") -> Html:
    """A sentence in both languages; the page's switch hides one."""
    return titled({language: said.text(language, isolate) for language in LANGUAGES}, name)


def words(section: str, key: str, **values: str | Phrase) -> Html:
    """A sentence of `words.yaml` in both languages."""
    return both(phrase(section, key, **values))


def titled(said: dict[str, str], name: str = "span") -> Html:
    """Words given in both languages; values of theirs are cleaned already."""
    return join((Html(f'<{name} lang="{k}">{escape(said[k])}</{name}>') for k in LANGUAGES), " ")


def isolate(value: str) -> str:
    """A value inside a sentence, cleaned and isolated."""
    return clean(value).join(_ISOLATE)
