"""`mythos access`: who may use a model, why, and the proof of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mythos.cli.access_screen import dispose, ownership, screen
from mythos.cli.access_token import accept
from mythos.cli.shared import Home, emit, home_option, json_option, log_option, say
from mythos.errors import AccessError

if TYPE_CHECKING:
    from mythos.access.decide import Plan
    from mythos.access.ledger import Ledger
    from mythos.access.people import Entities
    from mythos.access.record import Record
    from mythos.units import Instant
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_F = TypeVar("_F", bound=Callable[..., Any])


@click.group()
def command() -> None:
    """Decide who may use a model, explain and prove it, import what is known about people."""


for _other in (accept, screen, dispose, ownership):
    command.add_command(_other)


def _question(function: _F) -> _F:
    for option in (
        click.option("--lineage", type=_FILE, help="JSON: names {NAME: DIGEST}, parents {DIGEST: [DIGEST]}."),
        click.option("--directives", type=_FOLDER, required=True, help="A folder of directives in YAML."),
        click.option("--entities", type=_FILE, help="JSONL, one entity a line."),
        click.option("--persons", type=_FILE, required=True, help="JSONL, one person a line."),
        click.option("--known-at", type=int, metavar="INDEX", help="Only what the log held at this index."),
        click.option("--at", required=True, metavar="TIME", help="RFC 3339 with a zone."),
        click.option("--act", type=click.Choice(["access", "transfer"]), required=True),
        click.option("--model", required=True, help="A name or a weights digest."),
    ):
        function = option(function)
    return function


@command.command()
@_question
@click.option("--workers", type=click.IntRange(1, 256), help="Processes. Default: the machine's cores.")
@json_option
def decide(persons: Path, workers: int | None, as_json: bool, **question: Any) -> None:
    r"""One JSON line for each person, in order; one wrong line and nothing is decided.

    \b
    mythos access decide --model mythos-5 --act access --at 2026-06-12T17:21:00-04:00 \
        --persons persons.jsonl --entities entities.jsonl --directives directives/ --json
    """
    from mythos.access.batch import decide_file

    plan, at = _plan(**question)
    count = decide_file(persons, plan, at, sys.stdout.buffer, workers=workers)
    if not as_json:
        say(f"{count} persons; {len(plan.in_force)} directives in force at {at}")


@command.command()
@_question
@click.option("--person", "name", required=True, help="The person's id.")
@json_option
def explain(persons: Path, name: str, as_json: bool, **question: Any) -> None:
    """One person's answer with its trace: every directive in force, every question, what was found."""
    from mythos.access.people import UNKNOWN, read_persons

    plan, at = _plan(**question)
    found = next((one for one in read_persons(persons.read_bytes()) if one.id == name), None)
    if found is None:
        raise AccessError(f"no line describes {name!r}", expected="the id of a person line")
    verified = found.verified_until is not None and found.verified_until > at
    trace = plan.explain(found.facts if verified else UNKNOWN)
    document = plan.decide(found, at).to_dict(name) | {
        "trace": [{"directive": c.directive, "asks": c.text, "held": c.value} for c in trace]
    }
    words = {True: "true", False: "false", None: "unknown"}
    lines = [f"{name}: {document['decision']} ({document['reason']}) {document['directive'] or ''}"]
    lines += [f"  {clause.directive}: {clause.text}: {words[clause.value]}" for clause in trace]
    emit(document, as_json=as_json, line="\n".join(lines))


def _plan(
    *,
    model: str,
    act: str,
    at: str,
    known_at: int | None,
    entities: Path | None,
    directives: Path,
    lineage: Path | None,
) -> tuple[Plan, Instant]:
    from mythos.access.decide import Plan
    from mythos.access.directives import read_folder
    from mythos.access.lineage import read_lineage
    from mythos.units import Instant

    instant = Instant.parse(at)
    law, ignored = read_folder(directives)
    if ignored:
        say(f"not directives, left alone: {', '.join(ignored)[:300]}")
    known = law if known_at is None else law.known_at(known_at)
    named = read_lineage(lineage.read_bytes() if lineage else b"{}").model(model)
    return Plan(known, _entities(entities), named, act, instant, instant), instant


def _entities(path: Path | None) -> Entities:
    from mythos.access.people import read_entities

    return read_entities(path.read_bytes() if path else b"", where=str(path))


@command.command("import")
@click.argument("table", type=_FILE)
@click.option("--tenant", required=True, help="Whose people they are; ids become TENANT/ID.")
@click.option("--days", default=180.0, show_default=True, help="How long the attestation is believed.")
@click.option("--scim", is_flag=True, help="TABLE is a SCIM 2.0 user or ListResponse (JSON).")
@click.option("--employers", type=_FILE, help="JSON, {WORD OF THE DIRECTORY: ENTITY ID}; for --scim.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@json_option
def import_people(
    table: Path, tenant: str, days: float, scim: bool, employers: Path | None, out: Path, as_json: bool
) -> None:
    """Import what a tenant's administrator attests to about their people: a CSV table, or SCIM users."""
    from mythos.access.claims import read_csv
    from mythos.access.people import read_object
    from mythos.access.scim import read_users
    from mythos.files import write_private
    from mythos.units import Instant

    if scim:
        words = read_object(employers.read_bytes(), where=employers.name) if employers else {}
        document = read_object(table.read_bytes(), where=table.name)
        people = read_users(document, tenant=tenant, entities=words, now=Instant.now(), days=days)
    else:
        people = read_csv(table.read_bytes(), tenant=tenant, now=Instant.now(), days=days)
    lines = [json.dumps(person.to_dict(), ensure_ascii=False) + "\n" for person in people]
    write_private(out, "".join(lines).encode())
    emit({"persons": len(people), "path": str(out)}, as_json=as_json, line=f"{len(people)} persons in {out}")


@command.command()
@click.option("--model", required=True, help="A name or a weights digest.")
@click.option("--act", type=click.Choice(["access", "transfer"]), default="access", show_default=True)
@click.option("--from", "start", required=True, metavar="TIME")
@click.option("--to", "end", required=True, metavar="TIME")
@click.option("--persons", type=_FILE, help="JSONL; the facts that the report is about.")
@click.option("--entities", type=_FILE, help="JSONL.")
@click.option("--records", type=_FILE, help="A hub's decision records, one a line: they are taken again.")
@home_option
@log_option
@json_option
def report(
    model: str,
    act: str,
    start: str,
    end: str,
    persons: Path | None,
    entities: Path | None,
    records: Path | None,
    home: Home,
    log: str | None,
    as_json: bool,
) -> None:
    """Who could use a model between two times, and why; replayed from the log to the same answer.

    With --records every decision of a hub is taken again and compared with its logged root; exit status 1
    when anything differs.
    """
    from mythos.access.people import read_persons
    from mythos.access.report import replay, stretches
    from mythos.access.report import report as make
    from mythos.units import Instant

    ledger = fetch_ledger(home, log)
    times = stretches(ledger, _entities(entities), model, act, Instant.parse(start), Instant.parse(end))
    people = read_persons(persons.read_bytes(), where=str(persons)) if persons else ()
    document: dict[str, Any] = {"model": model, "act": act, "head": str(ledger.held.head)}
    document |= make(people, times)
    sound = True
    if records:
        document["replay"] = replayed = replay(ledger, _records(records))
        sound = not (replayed["different"] or replayed["problems"])
    lines = [
        f"{t['from']} to {t['until']}: {', '.join(t['in_force']) or '-'}" for t in document["directives"]
    ]
    for one in document["persons"]:
        lines += [
            f"{one['id']}: {s['from']} {s['decision']} ({s['reason']}) {s['directive'] or ''}"
            for s in one["spans"]
        ]
    if records:
        told = document["replay"]
        lines.append(f"{told['records']} decisions replayed, {len(told['different'])} differ")
        lines += told["problems"]
    emit(document, as_json=as_json, line="\n".join(lines))
    if not sound:
        sys.exit(1)


@command.command()
@click.argument("request")
@click.option("--records", type=_FILE, required=True, help="The hub's decision records, one a line.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@json_option
def prove(request: str, records: Path, out: Path, as_json: bool) -> None:
    """Write the proof of a single decision: its record and the path to its minute's root."""
    from mythos.access.record import prove as make
    from mythos.files import write_private

    write_private(out, make(list(_records(records)), request))
    emit({"path": str(out)}, as_json=as_json, line=f"proof of {request} in {out}")


@command.command()
@click.argument("proof", type=_FILE)
@home_option
@log_option
@json_option
def check(proof: Path, home: Home, log: str | None, as_json: bool) -> None:
    """Check the proof of a single decision against the log, and take the decision again."""
    from mythos.access.report import check_proof

    answer = check_proof(fetch_ledger(home, log), proof.read_bytes())
    emit(
        answer, as_json=as_json, line=f"{answer['id']}: {answer['decision']} ({answer['reason']}), as logged"
    )


def _records(path: Path) -> Iterator[Record]:
    from mythos.access.record import Record

    for line in path.read_bytes().split(b"\n"):
        if line:
            yield Record.parse(line)


def fetch_ledger(home: Home, log: str | None) -> Ledger:
    """Fold the log under the home's policy; documents that travel by digest come from the owner's folder."""
    from mythos.access.ledger import Ledger
    from mythos.errors import NoTrustError
    from mythos.evidence.client import LogClient
    from mythos.evidence.policy import Policy
    from mythos.units import Digest

    if not home.policy.exists():
        raise NoTrustError(f"no policy at {home.policy}", advice="Make one: mythos trust init")

    def document(digest: Digest) -> bytes | None:
        path = home.path / "owner" / "directives" / f"{digest.hex}.yaml"
        return path.read_bytes() if path.is_file() else None

    with LogClient(log or home.address("log")) as client:
        ledger = Ledger.fetch(client, Policy.parse(home.policy.read_bytes()), document)
    for problem in ledger.problems:
        say(problem)
    return ledger
