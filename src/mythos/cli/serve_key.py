"""`mythos serve-key`: the keys with which a hub is called."""

from __future__ import annotations

import click

from mythos.cli.shared import Home, as_option, emit, home_option, hub_folder, hub_option, json_option
from mythos.errors import InputError


@click.group()
def command() -> None:
    """API keys of a hub; works while it runs."""


@command.command()
@click.option("--name", required=True, help="The tenant that the key belongs to.")
@click.option(
    "--scope", type=click.Choice(["use", "metrics"]), default="use", show_default=True,
    help="What it opens: the API, or /metrics alone.",
)  # fmt: skip
@home_option
@as_option("host")
@hub_option
@json_option
def new(name: str, scope: str, home: Home, party: str, hub: str | None, as_json: bool) -> None:
    r"""Make a key and print it, this once: the hub keeps only its hash.

    \b
    mythos serve-key new --name acme
    """
    from mythos.hub import open_store
    from mythos.units import Instant

    with open_store(hub_folder(home, party, hub), exclusive=False) as store:
        key = store.add_key(name, "metrics" if scope == "metrics" else "use", Instant.now())
    document = {"key": key, "id": key.split("-")[1], "tenant": name, "scope": scope}
    emit(document, as_json=as_json, line=key)


@command.command()
@click.argument("identifier", metavar="ID")
@home_option
@as_option("host")
@hub_option
@json_option
def revoke(identifier: str, home: Home, party: str, hub: str | None, as_json: bool) -> None:
    """End the key with this ID (the part after `mk-`); the next call with it is a 401."""
    from mythos.hub import open_store
    from mythos.units import Instant

    with open_store(hub_folder(home, party, hub), exclusive=False) as store:
        if not store.revoke_key(identifier, Instant.now()):
            raise InputError("no such key, or ended before", found=identifier)
    emit({"id": identifier, "revoked": True}, as_json=as_json, line=f"{identifier} is revoked")
