"""`mythos log drill`: rehearse a bad day on this machine."""

from __future__ import annotations

import sys

import click

from mythos.cli.drills import DRILLS, drill
from mythos.cli.shared import emit, json_option, say


@click.command()
@click.argument("name", type=click.Choice(list(DRILLS)))
@json_option
def command(name: str, as_json: bool) -> None:
    r"""Break one thing in a temporary estate of real processes; exit status 1 when a promise was not seen.

    \b
    mythos log drill witness-down       one witness is away for a day
    mythos log drill disk-full          the log's disk is full while a lease runs
    mythos log drill restored-backup    the log was restored from an older copy
    mythos log drill time-withheld      approvers do not answer, the host's clock is wrong
    """
    report = drill(name, say)
    kept = sum(promise["kept"] for promise in report.promises)
    line = f"{name}: {kept} of {len(report.promises)} promises seen"
    emit(report.document(), as_json=as_json, line=line)
    if not report.kept:
        sys.exit(1)
