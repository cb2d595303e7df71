"""dossier.html: one page a lawyer can read and print, with no script, no network and nothing to trust.

Verdicts first, then what they rest on, then each field of the law, and last what is not proven. The page is
a function of the dossier alone, so a reader who has dossier.json can make the same page.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from string import Template
from typing import Any, Final

from mythos import __version__
from mythos.dossier.acts import KINDS, Act
from mythos.dossier.build import Dossier
from mythos.dossier.forms import Answer, Form, answer, forms, shown_to
from mythos.dossier.markup import Html, both, join, tag, text, titled, words
from mythos.dossier.passport import Level, Passport, facts, level, when
from mythos.dossier.reach import Reach, State
from mythos.dossier.routes import draw
from mythos.dossier.values import show, total
from mythos.dossier.verdicts import Verdict, determinations, verdicts
from mythos.dossier.words import WORDS, phrase
from mythos.units import Digest, Instant

NEWEST: Final = 3
"""Acts of a kind that are written out; the others are counted and stand in dossier.json."""

STEPS: Final = 400
"""Lines of the timeline."""

_MARKS: Final = {"good": "✓", "open": "?", "bad": "✕", "plain": "•"}
_COLUMNS: Final = {"index": "n", "grant": "n", "time": "t", "audience": "who"}
_CHECK: Final = """mythos verify dossier.json --policy trust.policy
./mythos-verify.pyz dossier.json --policy trust.policy"""

Row = Sequence[Html | str]


def render(dossier: Dossier, *, audience: str) -> str:
    """The page for one of `forms.AUDIENCES`; fields of other audiences are left out."""
    passport = dossier.passport
    name = f"{passport.name} {passport.version}".strip() or str(passport.weights)
    body = {
        "verdicts": _verdicts(verdicts(passport)),
        "law": _law(passport, dossier.documents),
        "map": _map(passport),
        "timeline": _timeline(passport),
        "forms": _forms(passport, audience),
        "acts": _acts(passport),
        "distrusted": _distrusted(passport.distrusted),
        "unproven": _unproven(passport),
        "levels": _levels(),
        "check": join((tag("p", words("page", "evidence")), tag("pre", Html(_CHECK)))),
    }
    sections = (tag("section", tag("h2", words("headings", key)), told, id=key) for key, told in body.items())
    page = files("mythos.dossier").joinpath("page.html").read_text("utf-8")
    return Template(page).substitute(
        title=join([name]),
        kicker=words("page", "about", audience=phrase("audiences", audience)),
        name=text(name),
        weights=text(str(passport.weights)),
        meta=_meta(dossier),
        body=join(sections, "\n"),
        footer=words("page", "made", version=__version__),
    )


def _table(heads: Sequence[str], rows: Iterable[Row], kind: str = "") -> Html:
    classes = [_COLUMNS.get(head, "") for head in heads]
    titles = (tag("th", words("labels", h), cls=c) for h, c in zip(heads, classes, strict=True))
    lines = (
        tag("tr", *(tag("td", cell, cls=c) for cell, c in zip(row, classes, strict=True))) for row in rows
    )
    inside = (tag("thead", tag("tr", *titles)), tag("tbody", join(lines, "\n")))
    return tag("div", tag("table", *inside, cls=kind), cls="wide")


def _none(section: str, key: str) -> Html:
    return tag("p", words(section, key), cls="empty")


def _ref(index: int) -> Html:
    return tag("span", f"#{index}", cls="ref")


def _level(found: Level) -> Html:
    return tag("span", words("levels", found), cls=f"level {found} run")


def _meta(dossier: Dossier) -> Html:
    passport, seen = dossier.passport, dossier.passport.witnessed
    witnessed = words("page", "unwitnessed")
    if seen:
        witnessed = words("page", "witnessed", at=show(str(seen.at)), names=", ".join(seen.names))
    counts = {"size": str(passport.size), "acts": str(len(passport.acts))}
    rows = [
        (words("labels", "witnesses"), witnessed),
        (words("labels", "log"), words("page", "log", origin=dossier.origin, **counts)),
        (words("page", "digest"), tag("span", str(Digest.of(dossier.evidence)), cls="digest")),
        *((words("labels", "problem"), text(f"{p.where}: {p.message}")) for p in dossier.problems),
    ]
    return join(tag("dt", name) + tag("dd", value) for name, value in rows)


def _verdicts(found: Sequence[Verdict]) -> Html:
    items = (
        tag(
            "li",
            tag("div", words("verdicts", verdict.question), cls="q run"),
            tag("div", tag("span", _MARKS[verdict.tone], cls="mark"), both(verdict.answer), cls="a"),
            join((_ref(index) for index in verdict.acts[:12]), " "),
            cls=verdict.tone,
        )
        for verdict in found
    )
    return tag("ul", join(items, "\n"), cls="verdicts")


def _law(passport: Passport, documents: Mapping[str, bytes]) -> Html:
    found = determinations(passport)
    told = (_determination(act, documents.get(act.predicate["document"])) for act in found)
    return join(told) if found else _none("verdicts", "law-none")


def _determination(act: Act, document: bytes | None) -> Html:
    body, duties = act.predicate, _obligations(document)
    rows: list[Row] = []
    for item in body["instruments"]:
        known = item["outcome"] in WORDS["outcomes"]
        outcome = words("outcomes", item["outcome"]) if known else text(item["outcome"])
        owed = [join(tag("div", text(d)) for d in duties.get(item["id"], []))] if duties else []
        rows.append((text(item["id"]), outcome, text(item["cite"]), *owed))
    heads = ("instrument", "outcome", "cite", *(("obligations",) if duties else ()))
    pending = (
        tag("p", words("labels", key), ": ", text("; ".join(body[key])), cls="run")
        for key in ("needs", "review")
        if body[key]
    )
    title = tag("h3", text(f"{show(body['legs'])}, {body['on']}"), " ", _ref(act.index))
    return join((title, _table(heads, rows), *pending))


def _obligations(document: bytes | None) -> dict[str, list[str]]:
    """The obligations by instrument, as the full determination lists them; nothing from another document."""
    try:
        found: Any = json.loads(document or b"{}")
        return {item["id"]: [str(line) for line in item["obligations"]] for item in found["instruments"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}


def _map(passport: Passport) -> Html:
    if not passport.reach:
        return _none("map", "none")
    at = passport.witnessed.at if passport.witnessed else None
    rows = (
        (
            tag("b", text(reach.hub)) + tag("div", text(reach.organisation), cls="says"),
            text("; ".join(f"{a} → {b} ({act})" for a, b, act in reach.legs)),
            _state(reach, at),
            _ref(reach.index),
        )
        for reach in passport.reach
    )
    figure = tag("figure", draw(passport.reach, at), tag("figcaption", words("page", "map")))
    return figure + _table(("hub", "route", "state", "grant"), rows)


def _state(reach: Reach, at: Instant | None) -> Html:
    state = reach.state(at)
    closes = show(str(reach.closes))
    said = [words("states", state, hub=reach.hub, until=show(str(reach.until)), closes=closes)]
    if reach.revoked is not None:
        said.append(words("states", "revoked", revoked=f"#{reach.revoked}"))
    elif state in {State.WIPED, State.ENDED}:
        said.append(words("states", "reopens", closes=closes))
    return join(tag("div", line) for line in said)


def _timeline(passport: Passport) -> Html:
    """Every act in order; the periodic ones of a kind are one line, where the first of them stands."""
    lines: dict[str, list[Act]] = {}
    for act in passport.trusted:
        lines.setdefault(act.kind if "periodic" in KINDS[act.kind] else str(act.index), []).append(act)
    rows = [_step(acts[0], acts[-1], len(acts)) for acts in list(lines.values())[-STEPS:]]
    return _table(("time", "act", "by", "index"), rows)


def _step(first: Act, last: Act, count: int) -> Row:
    title = tag("div", titled(KINDS[first.kind]["title"]), cls="run")
    if count > 1:
        span = {"first": show(when(first)), "last": show(when(last))}
        title += tag("div", words("labels", "times", n=str(count), **span), cls="says")
    return text(show(when(first))), Html(title), text(", ".join(last.organisations)), _ref(last.index)


def _forms(passport: Passport, audience: str) -> Html:
    note = tag("p", words("page", "unlogged"), " ", words("page", "codes"), cls="note")
    return join((note, *(_form(passport, form, audience) for form in forms())), "\n")


def _form(passport: Passport, form: Form, audience: str) -> Html:
    shown = [(field, answer(passport, field)) for field in form["fields"] if shown_to(field, audience)]
    hidden = len(form["fields"]) - len(shown)
    count = words("labels", "provided", n=str(sum(bool(a) for _, a in shown)), m=str(len(shown)))
    rows = (
        (
            titled(field["title"]) + tag("div", text(field["cite"]), cls="says"),
            join(map(_answer, found)) or tag("span", words("labels", "unprovided"), cls="empty"),
            join((_level(each) for each in dict.fromkeys(a.level for a in found)), " "),
            " ".join(WORDS["audience-codes"][name] for name in field["audience"]),
        )
        for field, found in shown
    )
    note = [words("page", "withheld", n=str(hidden))] if hidden else []
    return join(
        (
            tag("h3", titled(form["title"]), cls="run"),
            tag(
                "p",
                text(form["instrument"]),
                " · ",
                count,
                Html("<br>"),
                titled(form["note"]),
                *note,
                cls="note",
            ),
            _table(("field", "found", "level", "audience"), rows, "form") if shown else "",
        )
    )


def _answer(found: Answer) -> Html:
    spec = KINDS[found.kind]["fields"].get(found.field)
    said = _named(spec, found.value) if spec else text(show(found.value))
    return tag("div", said, " ", _ref(found.index), cls="run")


def _named(spec: dict[str, Any], value: Any, before: str = "") -> Html:
    name = tag("span", before, titled(spec), ":", cls="says")
    return join((name, text(show(value, spec.get("unit", "")))), " ")


def _acts(passport: Passport) -> Html:
    by_kind = {kind: [act for act in passport.trusted if act.kind == kind] for kind in KINDS}
    present = join((_kind(kind, acts, passport.weights) for kind, acts in by_kind.items() if acts), "\n")
    absent = join((titled(KINDS[kind]["title"]) for kind, acts in by_kind.items() if not acts), " · ")
    return join((present, tag("h3", words("labels", "absent")), tag("p", absent, cls="note run")))


def _kind(kind: str, acts: Sequence[Act], weights: Digest) -> Html:
    row, more = KINDS[kind], len(acts) - NEWEST
    rest: list[Html] = []
    if more > 0:
        rest = [words("labels", "more", n=str(more))]
        sums = {
            name: total([act.predicate[name] for act in acts])
            for name, s in row["fields"].items()
            if "sum" in s
        }
        rest += [
            _named(row["fields"][name], value, "Σ ") for name, value in sums.items() if value is not None
        ]
    return join(
        (
            tag("h3", titled(row["title"]), cls="run"),
            tag("p", titled(row["says"]), cls="says run"),
            _table(("found", "level", "index"), (_act(act, weights) for act in acts[-NEWEST:]), "acts"),
            tag("p", join(rest, " · "), cls="note run"),
        )
    )


def _act(act: Act, weights: Digest) -> Row:
    fields = KINDS[act.kind]["fields"]
    others = [subject for subject in act.subjects[:3] if subject.digest != weights]
    about = [tag("div", ", ".join(f"{s.name} {s.digest}" for s in others), cls="digest")] if others else []
    said = join((_named(fields[fact.field], fact.value) for fact in facts(act)), " · ")
    return tag("div", *about, said, cls="run"), _level(level(act, "")), _ref(act.index)


def _distrusted(acts: Sequence[Act]) -> Html:
    rows = [
        (text(act.kind), words("distrust", act.distrust), text(", ".join(act.signers)), _ref(act.index))
        for act in acts[-STEPS:]
    ]
    return _table(("act", "reason", "by", "index"), rows) if rows else _none("labels", "none")


def _unproven(passport: Passport) -> Html:
    gaps = (tag("li", words("missing", code), cls="gap") for code in passport.missing)
    always = (tag("li", words("unproven", key)) for key in WORDS["unproven"])
    return tag("ul", join((*gaps, *always), "\n"), cls="plain")


def _levels() -> Html:
    rows = ((_level(each), titled(WORDS["levels"][each]["says"])) for each in Level)
    return _table(("level", "found"), rows)
