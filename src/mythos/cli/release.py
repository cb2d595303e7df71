"""`mythos release`: an approver's service, which hands its share to engines that a grant covers."""

from __future__ import annotations

import click

from mythos.cli.shared import Home, as_option, home_option, log_option, say


@click.group()
def command() -> None:
    """Handing over key shares."""


@command.command()
@home_option
@as_option("approver-a")
@log_option
@click.option("--address", help="unix:PATH or http://HOST:PORT. Default: the home's own socket.")
def serve(home: Home, party: str, log: str | None, address: str | None) -> None:
    r"""Answer deposits, releases and renewals until SIGTERM.

    \b
    mythos release serve --as approver-a
    mythos release serve --as approver-b --address http://127.0.0.1:7002 --log http://log.example:7000
    """
    from mythos.cli.parties import follower, hpke_key, log_client, signing_key
    from mythos.custody import Approver
    from mythos.services import serve as run
    from mythos.services.release import release_app

    client = log_client(home, log)
    approver = Approver(
        folder=home.party(party), key=signing_key(home, party), hpke=hpke_key(home, party), log=client,
        follower=follower(home, client),
    )  # fmt: skip
    where = address or home.address(f"release-{party}")
    say(f"release service of {approver.key.id}: {where}")
    run(release_app(approver), where)
