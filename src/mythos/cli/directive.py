"""`mythos directive`: look at an order before it is signed, issue it, see how far it reached."""

from __future__ import annotations

import base64
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from mythos.cli.access import fetch_ledger
from mythos.cli.directive_drill import command as drill
from mythos.cli.directive_service import ask_service
from mythos.cli.directive_service import command as serve
from mythos.cli.shared import Home, act_once, as_option, emit, home_option, json_option, log_option, say
from mythos.errors import AccessError, InputError

if TYPE_CHECKING:
    from mythos.access.directive import Directive
    from mythos.access.lineage import Lineage
    from mythos.access.people import Entities
    from mythos.access.preview import Finding

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_INLINE = 40_000  # bytes of a document that still fits a leaf, in base64 twice


@click.group()
def command() -> None:
    r"""Orders about people: preview, issue, push, status; and a rehearsal.

    \b
    mythos directive preview order.yaml --persons people.jsonl --entities entities.jsonl
    mythos directive issue order.yaml
    mythos directive status us-bis-2026-06-12 --json
    mythos directive drill --hubs 20 --streams 200
    """


command.add_command(serve, "serve")
command.add_command(drill, "drill")


@command.command()
@click.argument("file", type=_FILE)
@click.option("--persons", type=_FILE, help="JSONL: everyone who is there now.")
@click.option("--entities", type=_FILE, help="JSONL.")
@click.option("--directives", type=_FOLDER, help="What is known already. Default: the home's log.")
@click.option("--lineage", type=_FILE, help="JSON. Default, with the log: what the log says.")
@click.option("--sessions", type=_FILE, help='JSONL of open sessions: {"person": ID, "model": NAME}.')
@click.option("--model", "models", multiple=True, help="Look at this model too. Repeatable.")
@click.option("--at", metavar="TIME", help="Default: now, or when it takes effect.")
@click.option("--unmatched", is_flag=True, help="Allow list ids that no entity line describes.")
@home_option
@log_option
@json_option
def preview(
    file: Path,
    persons: Path | None,
    entities: Path | None,
    directives: Path | None,
    lineage: Path | None,
    sessions: Path | None,
    models: tuple[str, ...],
    at: str | None,
    unmatched: bool,
    home: Home,
    log: str | None,
    as_json: bool,
) -> None:
    """Whom FILE would refuse, allow or leave needing a fact, by clause, country and entity.

    Nothing is signed. Also what its supersession would free, which other authorities pull the other way,
    and what the linter asks. Exit status 1 when the linter finds an error.
    """
    from mythos.access.directive import Directive
    from mythos.access.directives import read_folder
    from mythos.access.lineage import read_lineage
    from mythos.access.people import json_lines, read_persons
    from mythos.access.preview import lint
    from mythos.access.preview import preview as make
    from mythos.units import Instant

    draft = Directive.parse(file.read_bytes(), where=str(file))
    now = Instant.parse(at) if at else Instant.now()
    known = _entities(entities)
    if directives:
        law, names = read_folder(directives)[0], read_lineage(lineage.read_bytes() if lineage else b"{}")
    else:
        ledger = fetch_ledger(home, log)
        law = ledger.held.law
        names = read_lineage(lineage.read_bytes()) if lineage else ledger.lineage_at(ledger.size)
    opened = Counter(
        (str(line.get("person")), str(line.get("model")))
        for line, _ in json_lines(sessions.read_bytes() if sessions else b"", where=str(sessions))
    )
    people = read_persons(persons.read_bytes() if persons else b"", where=str(persons))
    findings = lint(draft, law, known, now, unmatched=unmatched)
    if names.names:
        findings += _unbound(draft, names)
    document = make(draft, law, people, known, names, now, models=models, sessions=opened)
    document["findings"] = [finding.to_dict() for finding in findings]
    lines = [f"{draft.id} at {document['at']}, {document['persons']} persons"]
    for clause in document["clauses"]:
        counts = ", ".join(f"{clause.get(word, 0)} {word}" for word in ("true", "false", "unknown"))
        lines.append(f"  {clause['clause']}: {counts}")
    alike: dict[str, list[str]] = {}
    for table in document["tables"]:
        rows = [_counts(table["persons"])]
        for name in ("countries", "entities"):
            rows += [f"  {key}: {_counts(counts)}" for key, counts in list(table[name].items())[:20]]
        alike.setdefault("\n".join(rows), []).append(f"{table['act']} to {table['model']}")
    lines += [f"{', '.join(names)}: {rows}" for rows, names in alike.items()]
    lines += [
        f"frees what {item['directive']} covers: {', '.join(item['frees'])}" for item in document["freed"]
    ]
    lines += [f"{c['authority']} says {c['effect']}: {c['directive']}" for c in document["conflicts"]]
    lines += [f"{f.level}: {f.message}" for f in findings]
    emit(document, as_json=as_json, line="\n".join(lines))
    if any(finding.level == "error" for finding in findings):
        raise SystemExit(1)


def _unbound(draft: Directive, names: Lineage) -> tuple[Finding, ...]:
    """A question for each model that is nobody's name here: a misspelt one would reach nothing."""
    from mythos.access.directive import ANY_MODEL
    from mythos.access.preview import Finding

    bound = {ANY_MODEL, *names.names, *names.parents}.union(*names.names.values(), *names.parents.values())
    return tuple(
        Finding("question", "unbound", f"no identity statement is about {model!r}: is it spelled so?")
        for model in sorted(draft.models - bound)
    )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {change}" for change, count in sorted(counts.items()))


def _entities(path: Path | None) -> Entities:
    from mythos.access.people import read_entities

    return read_entities(path.read_bytes() if path else b"", where=str(path))


@command.command()
@click.argument("file", type=_FILE)
@click.option("--entities", type=_FILE, help="JSONL: whom the ids of its lists mean.")
@click.option("--unmatched", is_flag=True, help="Allow list ids that no entity line describes.")
@click.option("--name", help="Which of PARTY's keys signs. Default: the party's own.")
@as_option("owner")
@home_option
@log_option
@json_option
def issue(
    file: Path,
    entities: Path | None,
    unmatched: bool,
    name: str | None,
    party: str,
    home: Home,
    log: str | None,
    as_json: bool,
) -> None:
    """Sign FILE and log it; every hub that follows the log takes it from there. Safe to call again.

    Refused before anything is signed: wrong input, what contradicts the directives in the log, and what the
    linter calls an error. A confidential or large text goes into the log by its digest alone.
    """
    from mythos.access.directive import Directive
    from mythos.access.preview import lint
    from mythos.evidence.note import SigningKey
    from mythos.evidence.predicates import Directive as Act
    from mythos.evidence.statement import Envelope, Subject
    from mythos.files import private_folder, read_private, write_private
    from mythos.units import Instant

    path = home.key(party, name)
    if not path.exists():
        raise InputError(f"no key {path}", advice=f"Make it: mythos keys new --as {party}")
    data = file.read_bytes()
    draft = Directive.parse(data, where=str(file))
    ledger, now = fetch_ledger(home, log), Instant.now()
    findings = lint(draft, ledger.held.law, _entities(entities), now, unmatched=unmatched)
    findings += _unbound(draft, ledger.lineage_at(ledger.size))
    for finding in findings:
        say(f"{finding.level}: {finding.message}")
    if errors := [finding.message for finding in findings if finding.level == "error"]:
        raise AccessError("the directive is not issued", found="; ".join(errors)[:500])
    ledger.held.law.plus(ledger.size, draft)
    inline = draft.text != "confidential" and len(data) <= _INLINE
    if not inline:
        kept = private_folder(home.party("owner") / "directives") / f"{draft.digest.hex}.yaml"
        write_private(kept, data)
    document = base64.b64encode(data).decode() if inline else None

    def make() -> bytes:
        act = Act(draft.id, draft.authority, document, now).statement(Subject(draft.id, draft.digest))
        return Envelope.sign(act, SigningKey.parse(read_private(path).decode())).to_bytes()

    place = act_once(home, party, log, f"directive:{draft.digest}", make)
    ask_service(home, "POST", "/v1/read")
    void = dict(fetch_ledger(home, log).held.void)
    if place.index in void:
        raise AccessError("another directive came first and this one is void", found=void[place.index])
    told = {
        "id": draft.id,
        "index": place.index,
        "digest": str(draft.digest),
        "effective": str(draft.effective),
    }
    emit(told, as_json=as_json, line=f"{draft.id} stands at index {place.index}, effective {draft.effective}")


@command.command()
@click.argument("directive")
@home_option
@log_option
@json_option
def status(directive: str, home: Home, log: str | None, as_json: bool) -> None:
    """Which hubs acknowledged a directive (an ID), what they cut, and which are still red.

    Live when the home's directive service runs: it knows when the last lease of a silent hub has ended.
    Without it, what the log says.
    """
    from mythos.access.ledger import status as make
    from mythos.units import Instant

    document = ask_service(home, "GET", f"/v1/status/{quote(directive, safe='')}")
    if document is None:
        document = make(fetch_ledger(home, log), directive, Instant.now())
    if document is None:
        raise AccessError(
            f"the log holds no directive {directive!r}", advice="Issue it: mythos directive issue"
        )
    covered = "complete" if document["complete"] else "NOT complete"
    lines = [f"{directive}: issued {document['issued_at']}, {covered}"]
    for hub in document["hubs"]:
        cut = f", cut {hub['streams_cut']} streams of {hub['persons_refused']} persons"
        lines.append(
            f"  {hub['hub']}: {hub['state']}"
            + (f", acknowledged {hub['acknowledged_at']}{cut}" if hub["acknowledged_at"] else "")
        )
    emit(document, as_json=as_json, line="\n".join(lines))


@command.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
@home_option
@log_option
@json_option
def pull(out: Path, home: Home, log: str | None, as_json: bool) -> None:
    """Write every directive of the log into a folder, as `access decide --directives` reads it."""
    from mythos.access.directives import file_name
    from mythos.files import write_atomic

    ledger = fetch_ledger(home, log)
    out.mkdir(parents=True, exist_ok=True)
    for index, known in ledger.held.law.known.items():
        write_atomic(out / file_name(index, known), known.document)
    told: dict[str, Any] = {"directives": len(ledger.held.law), "size": ledger.held.size, "path": str(out)}
    emit(told, as_json=as_json, line=f"{told['directives']} directives in {out}")
