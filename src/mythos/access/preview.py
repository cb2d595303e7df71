"""Look before anyone signs: what a draft says that it may not mean, and whom it would reach.

`lint` reads the draft alone; an error stops the issue, a question is for the person who drafts. `preview`
takes every present person through the decisions before and after it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from mythos.access.decide import Plan
from mythos.access.directive import ANY_MODEL, Directive, Who
from mythos.access.directives import Directives, uncovered
from mythos.access.lineage import Lineage, Model
from mythos.access.people import UNKNOWN, Entities, Facts, Person
from mythos.access.truth import Reading
from mythos.units import Instant

_ITAR: Final = re.compile(r"\bITAR\b|\b22\s*CFR\s*(?:§+\s*)?1(?:2[0-9]|30)\b")
_DEEMED: Final = re.compile(r"\b734\.1[34]\b")
_FAR: Final = 365 * 86_400.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a draft. An `error` stops the issue; a `question` and a `note` do not."""

    level: Literal["error", "question", "note"]
    code: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """The JSON object."""
        return {"level": self.level, "code": self.code, "message": self.message}


def lint(
    draft: Directive, law: Directives, entities: Entities, now: Instant, *, unmatched: bool = False
) -> tuple[Finding, ...]:
    """What is wrong or doubtful in a draft.

    Args:
        draft: parsed, so sound in itself.
        law: the directives it would join.
        entities: every entity a list could mean.
        now: the time.
        unmatched: allow list ids that no entity line describes.
    """
    found: list[Finding] = []

    def say(level: Literal["error", "question", "note"], code: str, message: str) -> None:
        found.append(Finding(level, code, message))

    atoms = draft.who.atoms()
    cite = draft.cite or ""
    for atom in atoms:
        if atom.word in {"citizen_of", "located_in", "headquartered_in"} and "CN" in atom.values:
            left = [code for code in ("HK", "MO") if code not in atom.values]
            if left:
                say("question", "cn", f"{atom} does not reach {' and '.join(left)}: is that meant?")
    if _ITAR.search(cite) and any(atom.word == "citizen_of" for atom in atoms):
        say(
            "error",
            "itar",
            "ITAR reaches every citizenship ever held (22 CFR 120.50(b)); citizen_of does not",
        )
    if _DEEMED.search(cite):
        say("question", "deemed-export", "that model access is a deemed export is contested: cite the letter")
    if draft.effect == "refuse" and not draft.cite:
        say("question", "no-cite", "a refused person is told the cite, and there is none")
    if draft.text == "confidential" and draft.cite:
        say("note", "cite-is-shown", "the text is confidential, its cite is shown to everyone refused")
    for name, ids in draft.lists.items():
        missing = [entity for entity in ids if entity not in entities.lines]
        if missing and not unmatched:
            say(
                "error",
                "unmatched",
                f"no entity line describes {', '.join(missing[:9])} of the list {name!r}",
            )
        if not ids:
            say("error", "empty-list", f"the list {name!r} is empty")
    for name in draft.lifts:
        if name in law.by_id and law.by_id[name].effect != "refuse":
            say("error", "lifts-allow", f"lifts names {name!r}, which refuses nobody")
    if draft.id in law.by_id:
        say("note", "known", "these bytes are known already")
    if draft.ends is not None and draft.ends <= draft.effective:
        say("error", "never", "it ends before it begins and would never take effect")
    if draft.effective < now:
        say(
            "note",
            "past",
            f"effective {draft.effective} is past: it applies from now on, nothing is rewritten",
        )
    if draft.effective.since(now) > _FAR:
        say("question", "far", f"effective {draft.effective} is more than a year ahead")
    return tuple(found)


def conflicts(draft: Directive, law: Directives, at: Instant) -> list[dict[str, str]]:
    """Directives of other authorities that pull the other way on the same models and acts at `at`."""
    return [
        {"authority": other.authority, "directive": other.id, "effect": other.effect}
        for other in law
        if other.authority != draft.authority
        and other.effect != draft.effect
        and not draft.acts.isdisjoint(other.acts)
        and (ANY_MODEL in draft.models | other.models or not draft.models.isdisjoint(other.models))
        and other.id in law.windows
        and law.windows[other.id].touches(at, at)
    ]


def preview(
    draft: Directive,
    law: Directives,
    people: Iterable[Person],
    entities: Entities,
    lineage: Lineage,
    now: Instant,
    *,
    models: Iterable[str] = (),
    sessions: Mapping[tuple[str, str], int] | None = None,
) -> dict[str, Any]:
    """Who would be refused, allowed or left needing a fact, before and after a draft.

    Args:
        draft: the directive.
        law: what is known now.
        people: every present person, once.
        entities: every entity.
        lineage: names and parents of models.
        now: the preview is for this instant, or for the draft's `effective` when that is later.
        models: models to look at besides those that the draft and what it supersedes name.
        sessions: open sessions by (person, model).

    Raises:
        AccessError: the draft contradicts what is known.
    """
    at = max(now, draft.effective)
    after = law.plus(max(law.known, default=-1) + 1, draft)
    old = [law.by_id[name] for name in draft.supersedes]
    named = {model for d in (draft, *old) for model in d.models} | set(models)
    acts = sorted({act for d in (draft, *old) for act in d.acts})
    tables = [
        _Table(model, act, Plan(law, entities, known, act, at, at), Plan(after, entities, known, act, at, at))
        for model in sorted(named - {ANY_MODEL}) or ["*"]
        for known in [Model.of(()) if model == ANY_MODEL else lineage.model(model)]
        for act in acts
    ]
    reading = Reading([draft.who], entities)
    clauses = [(str(who), reading.holds(who), Counter[str]()) for who in _clauses(draft)]
    persons = 0
    for person in people:
        persons += 1
        verified = person.verified_until is not None and person.verified_until > at
        facts = person.facts if verified else UNKNOWN
        word = reading.word(facts)
        for _, holds, count in clauses:
            count[{True: "true", False: "false", None: "unknown"}[holds(word)]] += 1
        for table in tables:
            table.count(person, facts, at, (sessions or {}).get((person.id, table.model), 0))
    return {
        "directive": draft.id,
        "at": str(at),
        "persons": persons,
        "clauses": [{"clause": text, **dict(count)} for text, _, count in clauses],
        "tables": [table.to_dict() for table in tables],
        "freed": [
            {"directive": d.id, "frees": list(uncovered(draft, d))} for d in old if uncovered(draft, d)
        ],
        "conflicts": conflicts(draft, law, at),
    }


def _clauses(draft: Directive) -> list[Who]:
    return list(dict.fromkeys((draft.who, *draft.who.parts, *draft.who.atoms())))


class _Table:
    """Before and after for one model and act."""

    def __init__(self, model: str, act: str, before: Plan, after: Plan) -> None:
        self.model = model
        self.act = act
        self._plans = (before, after)
        self._persons: Counter[str] = Counter()
        self._sessions: Counter[str] = Counter()
        self._countries: dict[str, Counter[str]] = {}
        self._entities: dict[str, Counter[str]] = {}

    def count(self, person: Person, facts: Facts, at: Instant, sessions: int) -> None:
        """Add one person, under every citizenship they are known to hold."""
        answers = [plan.decide(person, at) for plan in self._plans]
        was, will = ("allow" if answer.allowed else answer.reason for answer in answers)
        change = will if was == will else f"{was} -> {will}"
        self._persons[change] += 1
        if sessions:
            self._sessions[change] += sessions
        citizenships = ("unknown",) if facts.citizenships is None else facts.citizenships or ("none",)
        for code in dict.fromkeys(citizenships):
            self._countries.setdefault(code, Counter())[change] += 1
        self._entities.setdefault(facts.entity or "unknown", Counter())[change] += 1

    def to_dict(self) -> dict[str, Any]:
        """Counts by change: `refused` where nothing changes, `allow -> refused` where it does."""
        return {
            "model": self.model,
            "act": self.act,
            "persons": dict(self._persons),
            "sessions": dict(self._sessions),
            "countries": {code: dict(counts) for code, counts in sorted(self._countries.items())},
            "entities": {entity: dict(counts) for entity, counts in sorted(self._entities.items())},
        }
