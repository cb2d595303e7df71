"""`mythos release`: an approver's service, which hands its share to engines that a grant covers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mythos.cli.shared import Home, as_option, emit, home_option, json_option, log_option, say

if TYPE_CHECKING:
    from mythos.custody import Approver


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
    from mythos.services import serve as run
    from mythos.services.release import release_app

    approver = _approver(home, party, log)
    where = address or home.address(f"release-{party}")
    say(f"release service of {approver.key.id}: {where}")
    run(release_app(approver), where)


@command.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@home_option
@as_option("approver-a")
@log_option
@json_option
def deposit(file: Path, home: Home, party: str, log: str | None, as_json: bool) -> None:
    r"""Keep a share that the owner sent as a file (`mythos grant issue --shares`).

    \b
    mythos release deposit approver-b.share --as approver-b
    """
    digest = _approver(home, party, log).deposit(file.read_bytes())
    emit({"digest": str(digest)}, as_json=as_json, line=f"kept the share {digest}")


def _approver(home: Home, party: str, log: str | None) -> Approver:
    from mythos.cli.parties import follower, hpke_key, log_client, signing_key
    from mythos.custody import Approver

    client = log_client(home, log)
    return Approver(
        folder=home.party(party), key=signing_key(home, party), hpke=hpke_key(home, party), log=client,
        follower=follower(home, client),
    )  # fmt: skip
