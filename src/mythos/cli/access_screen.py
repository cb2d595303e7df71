"""`mythos access screen`, `dispose`, `ownership`: names against lists, and an officer's word about a case."""

from __future__ import annotations

import base64
import json
import secrets
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mythos.cli.shared import Home, act_once, as_option, emit, home_option, json_option, log_option, say
from mythos.errors import AccessError, InputError

if TYPE_CHECKING:
    from mythos.units import Digest

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.option(
    "--list", "listing", type=_FILE, required=True, help="A screening list (JSON, CSV, FollowTheMoney)."
)
@click.option("--names", type=_FILE, required=True, help='JSONL, {"id", "name"} a line.')
@click.option("--threshold", type=click.IntRange(50, 100), help="Score from which a hit is a case.")
@click.option(
    "--cases", type=click.Path(path_type=Path, file_okay=False), help="A private folder for the cases."
)
@json_option
def screen(listing: Path, names: Path, threshold: int | None, cases: Path | None, as_json: bool) -> None:
    r"""Hold NAMES against a list; what is near becomes a case for a person to decide. Refuses nobody.

    A name with a letter that nobody here can read, or one that is too long, is told as unread: that nothing
    was found near it clears nobody.

    \b
    mythos access screen --list consolidated.json --names people.jsonl --cases cases/
    """
    from mythos.access.names import unread
    from mythos.access.people import json_lines
    from mythos.access.screening import THRESHOLD, Case, Screen
    from mythos.access.watchlist import read_list
    from mythos.files import private_folder, write_private
    from mythos.units import Instant

    watchlist = read_list(listing.read_bytes(), where=listing.name)
    say(f"{len(watchlist.entries)} entries of {watchlist.digest}")
    index, now = Screen(watchlist), Instant.now()
    if index.unread:
        keys = ", ".join(f"{entry.source} {entry.id}" for entry in index.unread)
        say(f"{len(index.unread)} entries cannot be read and are never found: {keys[:300]}")
    told: list[dict[str, Any]] = []
    doubtful: list[str] = []
    for document, at in json_lines(names.read_bytes(), where=names.name):
        identity, name = document.get("id"), document.get("name")
        if not (isinstance(identity, str) and identity and isinstance(name, str) and name.strip()):
            raise AccessError(f"{at} names nobody", expected='{"id", "name"}', found=str(document)[:80])
        if unread(name):
            doubtful.append(identity)
        hits = index.search(name, threshold=threshold or THRESHOLD)
        if not hits:
            continue
        case = Case.open(name, index, hits, now)
        path = None
        if cases is not None:
            path = private_folder(cases) / f"{secrets.token_hex(8)}.json"
            opening = {"salt": base64.b64encode(case.salt).decode(), "case": case.document()}
            write_private(path, json.dumps(opening, ensure_ascii=False, indent=1).encode())
        told.append({"id": identity, "case": None if path is None else str(path), **case.document()})
    lines = [
        f"{one['id']}: {one['hits'][0]['listed']} ({one['hits'][0]['score']}), {len(one['hits'])} hits"
        for one in told
    ]
    lines += ["no hits"] if not told else []
    lines += [f"{identity}: cannot be read whole, and is not cleared" for identity in doubtful]
    document = {"list": str(watchlist.digest), "cases": told, "unread": doubtful}
    emit(document, as_json=as_json, line="\n".join(lines))


@click.command()
@click.argument("case", type=_FILE)
@click.option("--disposition", required=True, help="true-match | false-match | needs-more")
@home_option
@as_option("owner")
@log_option
@json_option
def dispose(case: Path, disposition: str, home: Home, party: str, log: str | None, as_json: bool) -> None:
    """Sign what was decided about a CASE; the log learns a salted commitment and no name."""
    from mythos.access.screening import check_disposition
    from mythos.cli.parties import signing_key
    from mythos.evidence import Envelope, Subject
    from mythos.evidence.predicates import ScreeningDisposition
    from mythos.units import Instant

    word = check_disposition(disposition)
    digest, listed = _opened(case)
    key = signing_key(home, party)

    def make() -> bytes:
        act = ScreeningDisposition(
            case=digest,
            disposition=word,
            officer=str(key.verify_key),
            list_digest=listed,
            decided_at=Instant.now(),
        )
        return Envelope.sign(act.statement(Subject("screening-case", digest)), key).to_bytes()

    place = act_once(home, party, log, f"screening:{digest}:{word}", make)
    told = {"case": str(digest), "disposition": word, "index": place.index}
    emit(told, as_json=as_json, line=f"{word} stands at index {place.index}")


def _opened(path: Path) -> tuple[Digest, Digest]:
    """A case file's commitment and the list it was held against."""
    from mythos.evidence.statement import canonical, commit
    from mythos.units import Digest

    try:
        document = json.loads(path.read_bytes())
        salt, case = base64.b64decode(document["salt"], validate=True), document["case"]
        return Digest(commit(salt, "screening-case", canonical(case))), Digest.parse(case["list"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path} is no case", advice="Give a file that `mythos access screen --cases` wrote."
        ) from error


@click.command()
@click.argument("entity")
@click.option(
    "--stakes", type=_FILE, required=True, help='JSONL, {"owner", "owned", "share": "0.25"|null} a line.'
)
@click.option("--listed", required=True, help="Ids on the list, separated by commas.")
@click.option("--rule", "name", default="us-bis-affiliates", show_default=True)
@click.option("--on", "day", required=True, metavar="DATE")
@json_option
def ownership(entity: str, stakes: Path, listed: str, name: str, day: str, as_json: bool) -> None:
    r"""Whether a list reaches ENTITY through who owns it, by a dated rule.

    \b
    mythos access ownership sub --stakes stakes.jsonl --listed acme,apex --on 2025-10-15
    """
    from mythos.access.ownership import reach, rules, stake
    from mythos.access.people import json_lines

    if name not in rules():
        raise AccessError("no rule of that id", expected=", ".join(rules()), found=name[:60])
    try:
        on = datetime.strptime(day, "%Y-%m-%d").date()  # noqa: DTZ007 (a day, not an instant)
    except ValueError as error:
        raise InputError("not a date", expected="2025-10-15", found=day[:40]) from error
    held = [stake(document, where=at) for document, at in json_lines(stakes.read_bytes(), where=stakes.name)]
    ids = frozenset(one.strip() for one in listed.split(",") if one.strip())
    if not ids:
        raise InputError("nobody is listed", expected="ids, separated by commas", found=repr(listed[:40]))
    if strange := sorted(ids - {one.owner for one in held} - {entity}):
        say(f"own nothing here: {', '.join(strange)[:300]}")
    found = reach(entity, held, ids, rules()[name], on)
    told = {
        "entity": entity,
        "held": found.held,
        "share": str(found.share),
        "owners": [{"owner": o, "share": None if s is None else str(s)} for o, s in found.owners],
        "cite": found.cite,
        "needs": list(found.needs),
    }
    word = {True: "reached", False: "not reached", None: "not known"}[found.held]
    emit(told, as_json=as_json, line=f"{entity}: {word}; {found.share} held by listed owners ({found.cite})")
