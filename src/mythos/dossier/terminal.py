"""The passport for a terminal and as one JSON document: the same verdicts as the page."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mythos.dossier.acts import KINDS, Act
from mythos.dossier.build import Dossier
from mythos.dossier.passport import Passport, when
from mythos.dossier.values import show
from mythos.dossier.verdicts import verdicts
from mythos.dossier.words import LANGUAGES, WORDS, Phrase, clean, phrase
from mythos.evidence.statement import Json
from mythos.units import Digest, Instant

_STYLES: Final = {"good": "green", "open": "yellow", "bad": "red", "plain": ""}


def picture(dossier: Dossier) -> RenderableType:
    """What `mythos dossier show` prints."""
    passport = dossier.passport
    title = clean(f"{passport.name} {passport.version}".strip() or "unnamed")
    answers = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for verdict in verdicts(passport):
        question = phrase("verdicts", verdict.question).text("en")
        answers.add_row(question, Text(verdict.answer.text("en"), style=_STYLES[verdict.tone]))
    notes = [phrase("missing", code).text("en") for code in passport.missing]
    notes += [
        f"#{a.index} {clean(a.kind)}: {WORDS['distrust'][a.distrust]['en']}" for a in passport.distrusted
    ]
    wrong = (Text(f"✕ {p.where}: {clean(p.message)} [{p.code}]", style="red") for p in dossier.problems)
    return Group(
        Text.assemble((title, "bold"), f"\n{passport.weights}\n"),
        *(answers, Text(), _acts(passport)),
        *(Text(f"? {note}", style="yellow") for note in notes),
        *wrong,
    )


def _acts(passport: Passport) -> Table:
    """One line for each kind of act: how many, when the last one was, by whom."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("act", "", "last", "by", "index"):
        table.add_column(name, justify="right" if name in {"", "index"} else "left")
    for kind, row in KINDS.items():
        if acts := [act for act in passport.trusted if act.kind == kind]:
            by = clean(", ".join(acts[-1].organisations))
            cells = (row["title"]["en"], str(len(acts)), show(when(acts[-1])), by, f"#{acts[-1].index}")
            table.add_row(*map(Text, cells))
    return table


def document(dossier: Dossier) -> Json:
    """The passport as JSON; times, digests and values as they stand in the log."""
    passport = dossier.passport
    at = passport.witnessed.at if passport.witnessed else None
    told: Json = _plain(passport)
    told["reach"] = [_plain(reach) | {"state": reach.state(at)} for reach in passport.reach]
    return told | {
        "origin": dossier.origin,
        "clear_until": _plain(passport.clear_until),
        "verdicts": _plain(verdicts(passport)),
        "problems": _plain(dossier.problems),
    }


def _plain(value: Any) -> Any:
    match value:
        case Digest() | Instant():
            return str(value)
        case Phrase():
            return {language: value.text(language) for language in LANGUAGES}
        case Act():
            return {"index": value.index, "kind": value.kind, "distrust": value.distrust}
        case tuple() | frozenset():
            return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        case _ if is_dataclass(value):
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return value
