"""`mythos directive drill`: rehearse the evening of an order on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mythos.cli.shared import Home, emit, home_option, json_option, say


@click.command()
@click.option("--hubs", default=3, show_default=True, type=click.IntRange(1, 200), help="Hub processes.")
@click.option(
    "--streams", default=12, show_default=True, type=click.IntRange(4, 2000), help="Clients in all."
)
@click.option("--rate", default=5.0, show_default=True, help="Tokens a second of each canned stream.")
@click.option("--real", is_flag=True, help="Stream from the real model (smollm2) instead of canned tokens.")
@click.option(
    "--model",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="With --real: this GGUF file.",
)
@home_option
@json_option
def command(
    hubs: int, streams: int, rate: float, real: bool, model: Path | None, home: Home, as_json: bool
) -> None:
    r"""Order, relief, lifting: with real hub processes and real HTTP streams, in a temporary estate.

    Engines stream canned tokens at a fixed rate unless --real is given. Exit status 1 when anybody was
    wrongly cut or wrongly served, or a hub did not acknowledge.

    \b
    mythos directive drill
    mythos directive drill --hubs 20 --streams 200 --json
    mythos directive drill --hubs 2 --streams 4 --real
    """
    from mythos.cli.drill_directives import rehearse

    file = model
    if real and file is None:
        from mythos.weights.fetch import resolve

        file = resolve("smollm2", home.cache)
    report = rehearse(hubs, streams, rate=rate, real=file if real else None, told=say)
    line = (
        f"{report['refused_streams']} streams were cut, p50 {report['p50_s']} s, p99 {report['p99_s']} s "
        f"after the order was logged; wrongly cut {report['wrongly_cut']}, "
        f"wrongly served {report['wrongly_served']} ({report['engine']})"
    )
    emit(report, as_json=as_json, line=line)
    complete = all(phase["complete"] for phase in report["phases"])
    if report["wrongly_cut"] or report["wrongly_served"] or not complete:
        sys.exit(1)
