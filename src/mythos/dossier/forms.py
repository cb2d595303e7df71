"""What laws ask to be documented, filled from the acts: the forms are data (`forms/*.yaml`), not code.

A field names where its value comes from as `ACT.FIELD` (the newest act) or `each ACT.FIELD` (all of them);
`@digest`, `@name` and `@organisation` stand for the act's subject and its signer. Nothing is ever filled in
from anywhere else: a field that no act speaks of stays empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from mythos.dossier.acts import Act, load
from mythos.dossier.passport import Level, Passport, level
from mythos.dossier.values import dig

AUDIENCES: Final = ("ai-office", "authority", "downstream", "all")
"""Who a dossier is for. A field for the `public` is shown to each of them."""

Form = dict[str, Any]
"""A form or one of its fields as the YAML has it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A value for a field and where it stands in the log."""

    kind: str
    field: str
    value: Any
    level: Level
    index: int


def forms() -> list[Form]:
    """Every form of this release, by file name."""
    folder = files("mythos.dossier").joinpath("forms")
    return [load(f"forms/{name}") for name in sorted(item.name for item in folder.iterdir())]


def shown_to(field: Form, audience: str) -> bool:
    """Whether this audience may see a field."""
    return audience == "all" or not {audience, "public"}.isdisjoint(field["audience"])


def answer(passport: Passport, field: Form) -> list[Answer]:
    """What the acts say to a field; empty when none does."""
    found: list[Answer] = []
    for source in field["from"]:
        kind, _, name = source.removeprefix("each ").partition(".")
        acts = passport.of(kind)
        chosen = acts if source.startswith("each ") else acts[-1:]
        found += [Answer(kind, name, _value(act, name), level(act, name), act.index) for act in chosen]
    return [one for one in found if one.value not in (None, [], "")]


def _value(act: Act, name: str) -> Any:
    match name:
        case "@digest":
            return str(act.subjects[0].digest)
        case "@name":
            return act.subjects[0].name
        case "@organisation":
            return ", ".join(act.organisations)
        case _:
            return dig(act.predicate, name)


def table() -> str:
    """The forms as a page of the reference: every field, who may see it, and the acts that answer it."""
    parts = ["# Fields of the dossier\n", f"{__doc__ or ''}\n".partition("\n\n")[2]]
    for form in forms():
        parts.append(
            f"## {form['title']['en']}\n\n{form['instrument']}. Read {form['readOn']}: {form['source']}\n"
        )
        parts.append("| field | asked for | provision | for | answered by |\n|---|---|---|---|---|")
        parts += [
            f"| {f['id']} | {f['title']['en']} | {f['cite']} | {', '.join(f['audience'])} | "
            f"{', '.join(f'`{source}`' for source in f['from']) or 'no act yet'} |"
            for f in form["fields"]
        ]
        parts.append("")
    return "\n".join(parts)
