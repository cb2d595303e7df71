"""`mythos directive serve`: the owner's push service."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from mythos.cli.shared import Home, as_option, home_option, log_option, say
from mythos.errors import NetworkError, NoTrustError


@click.command()
@home_option
@as_option("owner")
@log_option
@click.option("--address", help="unix:PATH or http://HOST:PORT. Default: the home's own socket.")
@click.option(
    "--lease", default=5.0, show_default=True, type=click.FloatRange(1, 3600),
    help="Seconds that a hub which hears nothing goes on.",
)  # fmt: skip
@click.option(
    "--readmit", multiple=True, metavar="HUB",
    help="A hub whose disk was lost or went back: forget what it acknowledged. Repeatable.",
)  # fmt: skip
def command(
    home: Home, party: str, log: str | None, address: str | None, lease: float, readmit: Sequence[str]
) -> None:
    r"""Push directives to every hub and lease them the right to serve, until SIGTERM.

    \b
    mythos directive serve
    mythos serve --directives unix:/run/mythos/directives.sock --persons people.jsonl …
    """
    from mythos.cli.parties import signing_key
    from mythos.evidence.policy import Policy
    from mythos.services import serve
    from mythos.services.directives import Board, directives_app
    from mythos.units import Digest

    if not home.policy.exists():
        raise NoTrustError(f"no policy at {home.policy}", advice="Make one: mythos trust init")
    policy, key = Policy.parse(home.policy.read_bytes()), signing_key(home, party)
    kept = home.party("owner") / "directives"

    def document(digest: Digest) -> bytes | None:
        path = kept / f"{digest.hex}.yaml"
        return path.read_bytes() if path.exists() else None

    def make() -> Board:
        return Board(
            log or home.address("log"), key, policy, document, lease=lease, readmit=frozenset(readmit)
        )

    where = address or home.address("directives")
    say(f"directive service of {key.id}: {where}")
    serve(directives_app(make), where)


def ask_service(home: Home, method: str, path: str) -> dict[str, Any] | None:
    """What the home's directive service says; None when it does not run or does not know."""
    from mythos.evidence.client import Peer

    with Peer(home.address("directives"), timeout=10) as peer:
        try:
            reply = peer.request(method, path)
        except NetworkError:
            return None
    document: dict[str, Any] | None = json.loads(reply.body) if reply.status == 200 else None
    return document
