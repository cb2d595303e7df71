"""`mythos witness`: cosign the heads of logs that only grow."""

from __future__ import annotations

from pathlib import Path

import click

from mythos.cli.shared import Home, as_option, home_option, say
from mythos.errors import NoTrustError


@click.group()
def command() -> None:
    """A witness: cosigns a log's head only when it extends the one it saw before."""


@command.command()
@home_option
@as_option("witness")
@click.option("--name", help="Which of PARTY's keys cosigns. Default: the party's own.")
@click.option("--address", help="unix:PATH or http://HOST:PORT. Default: the home's own socket.")
@click.option(
    "--policy",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Whose `log` lines are witnessed. Default: HOME/trust.policy.",
)
def serve(home: Home, party: str, name: str | None, address: str | None, policy: Path | None) -> None:
    r"""Answer add-checkpoint requests (C2SP tlog-witness) until SIGTERM.

    \b
    mythos witness serve
    mythos witness serve --as host --name host-witness --address http://127.0.0.1:7001
    """
    from mythos.evidence.note import SigningKey, VerifyKey
    from mythos.evidence.policy import Policy
    from mythos.evidence.witness import Witness
    from mythos.files import read_private
    from mythos.services import serve as run
    from mythos.services.witness import witness_app

    named = name or party
    path = policy or home.policy
    if not path.exists():
        raise NoTrustError(f"no policy at {path}", advice="Give the logs to witness: --policy FILE")
    logs: dict[str, list[VerifyKey]] = {}
    for log in Policy.parse(path.read_bytes()).logs:
        logs.setdefault(log.name, []).append(log)
    key = SigningKey.parse(read_private(home.key(party, named)).decode())
    where = address or home.address(named)
    say(f"witness {key.name} for {', '.join(logs)}: {where}")
    run(witness_app(Witness(home.party(party) / f"{named}.db", key, logs)), where)
