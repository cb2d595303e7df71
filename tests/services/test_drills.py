"""Every drill, with the real command and real processes: what it prints is what is asserted."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mythos.cli.drills import DRILLS


def _drill(name: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "mythos", "log", "drill", name, "--json"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if "needs a small disk of its own" in done.stderr:
        pytest.skip("this machine mounts no small disk: neither root nor user namespaces")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def reports() -> dict[str, dict[str, Any]]:
    """All four at once: most of a drill is waiting for a lease to end."""
    began = time.monotonic()
    with ThreadPoolExecutor(len(DRILLS)) as pool:
        found = {name: pool.submit(_drill, name) for name in DRILLS}
    report = {name: future.result() for name, future in found.items()}
    assert time.monotonic() - began < 60
    return report


@pytest.mark.parametrize("name", list(DRILLS))
def test_every_promise_of_a_drill_is_seen(reports: dict[str, Any], name: str) -> None:
    report = reports[name]
    assert report["drill"] == name
    assert report["kept"]
    assert [p["promise"] for p in report["promises"] if not p["kept"]] == []
    assert len(report["promises"]) >= 5
    assert {event["what"] for event in report["events"]} >= {"ready", "broke", "stopped", "returned"}
    assert [e["at"] for e in report["events"]] == sorted(e["at"] for e in report["events"])
