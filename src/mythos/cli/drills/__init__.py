"""Rehearsals of bad days: real processes, a real log, real leases, and something that is taken away.

A drill makes a home in a temporary folder, starts the services that a real estate runs, opens sealed weights
under a grant, breaks one thing, and watches. Every promise is checked where it is made, and the report says
what stopped, when, and what went on:

    report = drill("witness-down")
    report.kept                     # True when every promise was seen

`estate` is the home and its services; `holder` the engine process without a model to serve; `report` what is
told; one file each for what can go wrong. What is not real is said in the report: a day is shortened to
seconds or injected as a clock, the weights are random bytes, and all parties share one machine.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mythos.cli.drills.estate import Estate
    from mythos.cli.drills.report import Report

__all__ = ["DRILLS", "drill"]

DRILLS: Final = {
    "witness-down": "one witness is away for a day",
    "disk-full": "the log's disk is full while a lease runs",
    "restored-backup": "the log was restored from an older copy",
    "time-withheld": "approvers do not answer, and the host's clock is wrong",
}


def drill(name: str, told: Callable[[str], None] = lambda _: None) -> Report:
    """Run one drill in a temporary home and take everything down again.

    Args:
        name: one of `DRILLS`.
        told: receives every line as it happens.

    Raises:
        MachineError: this machine cannot take away what the drill takes away.
        MythosError: the estate did not start.
    """
    from mythos.cli.drills.estate import opened_estate
    from mythos.cli.drills.report import Report

    act: Callable[[Estate, Report], None] = importlib.import_module(
        f"mythos.cli.drills.{name.replace('-', '_')}"
    ).rehearse
    report = Report(name, DRILLS[name], time.monotonic(), told)
    with opened_estate() as estate:
        act(estate, report)
    return report
