"""`mythos doctor`: what this machine lacks."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from mythos.cli.shared import Home, emit, home_option, json_option


@click.command()
@home_option
@click.option("--port", default=8642, show_default=True, help="The port the hub would use.")
@json_option
def command(home: Home, port: int, as_json: bool) -> None:
    r"""Check this machine before anything is downloaded. Exit status 1 when something is lacking.

    \b
    mythos doctor
    mythos doctor --home /srv/mythos --port 8642 --json
    """
    from mythos.engines.machine import examine

    findings = examine(home.path, port)
    lacking = [finding for finding in findings if finding.verdict == "lacking"]
    if as_json:
        emit({"ready": not lacking, "findings": [asdict(finding) for finding in findings]}, as_json=True)
    else:
        for finding in findings:
            advice = f"  {finding.advice}" if finding.advice else ""
            emit(None, as_json=False, line=f"{finding.verdict:8} {finding.name:11} {finding.found}{advice}")
    sys.exit(1 if lacking else 0)
