"""Every drill, with the real command and real processes: what it prints is what is asserted."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from click.testing import CliRunner

from mythos.cli import cli, log_drill
from mythos.cli.drills import DRILLS
from mythos.cli.drills.estate import OBSERVED
from mythos.cli.drills.report import Report

NO_DISK = "needs a small disk of its own"


def _drill(name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "mythos", "log", "drill", name, "--json"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def ended() -> dict[str, subprocess.CompletedProcess[str]]:
    """All four at once: most of a drill is waiting for a lease to end."""
    with ThreadPoolExecutor(len(DRILLS)) as pool:
        return dict(zip(DRILLS, pool.map(_drill, DRILLS), strict=True))


def _facts(ended: dict[str, Any], name: str, promises: int) -> dict[str, Any]:
    """The facts of a drill of which every promise was seen."""
    done = ended[name]
    if NO_DISK in done.stderr:
        pytest.skip("this machine mounts no small disk: neither root nor user namespaces")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (report["drill"], report["kept"], len(report["promises"])) == (name, True, promises)
    assert all(promise["kept"] and promise["found"] for promise in report["promises"])
    assert {"ready", "broke", "stopped", "returned"} <= {event["what"] for event in report["events"]}
    at = [event["at"] for event in report["events"]]
    assert at == sorted(at)
    assert at[-1] <= report["seconds"]
    facts: dict[str, Any] = report["facts"]
    return facts


def test_a_witness_away_stops_belief_and_nothing_else(ended: dict[str, Any]) -> None:
    facts = _facts(ended, "witness-down", 10)
    assert facts["witnessed"] + 5 <= facts["acknowledgedInOutage"] <= facts["caughtUp"]
    assert facts["late"] < OBSERVED
    assert [hour["hour"] for hour in facts["hours"]] == [0, 6, 12, 18, 24]
    assert [hour["renewalGiven"] for hour in facts["hours"]] == [True] * 5
    assert [hour["leaseWithoutRenewal"] for hour in facts["hours"]] == [True, True, False, False, False]


def test_a_full_disk_refuses_acts_and_loses_none(ended: dict[str, Any]) -> None:
    facts = _facts(ended, "disk-full", 7)
    assert facts["appendStatus"] == 507
    assert facts["appendCodes"] == ["log_full", "log_full"]
    assert facts["entries"] < facts["entriesAfter"]
    assert facts["late"] < OBSERVED


def test_a_restored_backup_is_a_fork_that_witnesses_refuse(ended: dict[str, Any]) -> None:
    facts = _facts(ended, "restored-backup", 7)
    assert facts["copied"] < facts["witnessed"]
    assert facts["witnessStatus"] == [409, 409]
    assert facts["grownForkStatus"] == [422, 422]
    assert f"it saw {facts['witnessed']} entries, this log has {facts['copied']}" in facts["reason"] or (
        facts["acknowledgedOnBranch"] > 0
    )


def test_withheld_time_and_a_wrong_clock_prolong_nothing(ended: dict[str, Any]) -> None:
    facts = _facts(ended, "time-withheld", 5)
    back, ahead = (int(clock[:4]) for clock in facts["wallClocks"])
    assert back < time.gmtime().tm_year < ahead
    assert (facts["asked"], facts["replayed"], facts["forged"]) == ("network", "lease", "lease")
    assert facts["late, a year back"] < OBSERVED
    assert facts["late, a year ahead"] < OBSERVED


def test_a_broken_promise_is_exit_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str, told: Any) -> Report:
        report = Report(name, "a title", time.monotonic(), told)
        report.event("broke", "something")
        report.promise("it holds", kept=True, found="yes")
        report.promise("so does this", kept=False, found="no")
        return report

    monkeypatch.setattr(log_drill, "drill", broken)
    done = CliRunner().invoke(cli, ["log", "drill", "disk-full"])
    assert done.exit_code == 1
    assert "disk-full: 1 of 2 promises seen" in done.output
    assert "BROKEN" in done.output


def test_a_drill_without_a_promise_proves_nothing() -> None:
    assert not Report("disk-full", "a title", 0.0, print).kept
