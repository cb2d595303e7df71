"""`mythos keys`: make and show the keys of a party."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mythos.cli.shared import PARTIES, Home, as_option, emit, home_option, json_option
from mythos.errors import InputError


@click.group()
def command() -> None:
    """Make and show keys: Ed25519 to sign or to cosign, HPKE to receive key shares."""


@command.command()
@home_option
@as_option("owner")
@click.option("--name", help="The key's file and its place in the trust root. Default: the party.")
@click.option("--key-name", help="The name inside the key (the origin of a log). Default: NAME.")
@click.option(
    "--kind",
    type=click.Choice(["note", "cosigner"]),
    help="What it may sign. Default: cosigner when NAME ends with `witness`, else note.",
)
@click.option("--hpke", is_flag=True, help="Also a key to which key shares are wrapped.")
@json_option
def new(
    home: Home,
    party: str,
    name: str | None,
    key_name: str | None,
    kind: str | None,
    hpke: bool,
    as_json: bool,
) -> None:
    r"""Make a signing key for PARTY; a key that exists is kept and shown.

    \b
    mythos keys new --as owner --name log --key-name hub.example/log
    mythos keys new --as approver-a --hpke
    """
    from mythos.evidence.note import SigningKey
    from mythos.files import read_private, write_atomic, write_private

    named = name or party
    path = home.key(party, named)
    if not path.exists():
        cosigner = kind == "cosigner" if kind else named.endswith("witness")
        key = SigningKey.generate(key_name or named, cosigner=cosigner)
        write_private(path, f"{key.to_text()}\n".encode())
    key = SigningKey.parse(read_private(path).decode())
    write_atomic(path.with_suffix(".pub"), f"{key.verify_key}\n".encode())
    document: dict[str, Any] = {"name": named, "key": str(key.verify_key), "path": str(path)}
    if hpke:
        document["hpke"] = _hpke(path)
    emit(document, as_json=as_json, line=f"{key.verify_key}  ({path})")


def _hpke(path: Path) -> dict[str, str]:
    """The HPKE key beside a signing key, made when it does not exist."""
    from mythos.custody.keys import HPKE_SUITE, HpkePrivateKey
    from mythos.files import read_private, write_atomic, write_private

    private = path.with_suffix(".hpke")
    if not private.exists():
        write_private(private, f"{HpkePrivateKey.generate().to_text()}\n".encode())
    public = str(HpkePrivateKey.parse(read_private(private).decode()).public)
    write_atomic(path.with_suffix(".hpke.pub"), f"{public}\n".encode())
    return {"suite": HPKE_SUITE, "publicKey": public}


@command.command("list")
@home_option
@json_option
def list_keys(home: Home, as_json: bool) -> None:
    """The verifier keys of every party in this home."""
    found = [
        {"party": party, "name": path.stem, "key": path.read_text(encoding="utf-8").strip()}
        for party in PARTIES
        for path in sorted((home.path / party / "keys").glob("*.pub"))
        if not path.name.endswith(".hpke.pub")
    ]
    if not found:
        raise InputError(f"no keys in {home.path}", advice="Make one: mythos keys new --as owner")
    lines = "\n".join(f"{item['party']:12} {item['name']:14} {item['key']}" for item in found)
    emit({"keys": found}, as_json=as_json, line=lines)
