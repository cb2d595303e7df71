"""What the commands of `mythos data` share: options, the store, the pack as adopted, one signed act."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from mythos.cli.shared import Home, say

if TYPE_CHECKING:
    from mythos.data import Decision, Pack
    from mythos.data.shards import Run
    from mythos.data.store import Store
    from mythos.evidence.predicates import Predicate
    from mythos.evidence.statement import Envelope


def _to_day(_context: click.Context, _parameter: click.Parameter, value: str | None) -> date:
    from mythos.regimes.scalar import day
    from mythos.units import Instant

    return Instant.now().datetime.date() if value is None else day(value, "--on")


FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
PURPOSES: Final = ("train", "retrieve", "quote", "export")

pack_option = click.option(
    "--pack", "folder", type=FOLDER, help="Your own pack. Default: the shipped one, jp."
)
region_option = click.option(
    "--region", required=True, metavar="CC", help="The country where the data is kept."
)
no_log_option = click.option(
    "--no-log", is_flag=True, help="Append no statement; the ledger is still written."
)
day_option = click.option(
    "--on", callback=_to_day, metavar="DATE", help="The day asked about. Default: today."
)


def store_of(home: Home, party: str) -> Store:
    """The data store of a party."""
    from mythos.data.store import Store

    return Store(home.party(party) / "data")


def adoption_file(home: Home, party: str) -> Path:
    """Where a party keeps its adoption."""
    return home.party(party) / "data-pack.yaml"


def pack_of(folder: Path | None, home: Home, party: str) -> Pack:
    """The pack, as adopted when it was; an adoption of other bytes is told and not used."""
    from mythos.data import read_adoption, read_pack, shipped
    from mythos.errors import DataError

    pack = shipped() if folder is None else read_pack(folder)
    path = adoption_file(home, party)
    if not path.exists():
        return pack
    try:
        return pack.adopted(read_adoption(path))
    except DataError as error:
        say(f"mythos: {error}")
        return pack


def append_act(
    act: Predicate, name: str, digest: str, key: str, home: Home, party: str, log: str | None, *, no_log: bool
) -> int | None:
    """Sign and append one act; its index in the log."""
    if no_log:
        return None
    from mythos.cli.parties import signing_key
    from mythos.cli.shared import act_once
    from mythos.evidence.statement import Envelope, Subject
    from mythos.units import Digest

    statement = act.statement(Subject(name, Digest.parse(digest)))
    return act_once(
        home, party, log, key, lambda: Envelope.sign(statement, signing_key(home, party)).to_bytes()
    ).index


def shown(found: Sequence[tuple[str, Decision]]) -> list[dict[str, Any]]:
    """Decisions as JSON, each with its record."""
    return [{"record": name, **one.document()} for name, one in found]


def salt_of(home: Home, party: str) -> bytes:
    """The holder's secret for hashes of personal data; made once."""
    from mythos.files import read_private, write_private

    path = home.key(party, "data-salt")
    if not path.exists():
        write_private(path, secrets.token_bytes(32))
    return read_private(path)


def run_of(home: Home, party: str, region: str, digest: str) -> tuple[Store, Run]:
    """A run kept in a country, checked, and its store."""
    from mythos.data.shards import Run
    from mythos.units import Digest

    store = store_of(home, party)
    return store, Run.load(store.region(region) / "runs" / Digest.parse(digest).hex)


def statements_of(home: Home, log: str | None) -> list[Envelope]:
    """Every statement of the log, in order."""
    from mythos.cli.parties import log_client
    from mythos.evidence.statement import Envelope

    with log_client(home, log) as client:
        return [Envelope.parse(entry) for entry in client.entries(0, 1 << 40)]
