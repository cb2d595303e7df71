"""The engine that adapts, without weights: it ends with its lease after a sleep too, and works once."""

import signal
import subprocess
import sys
from typing import Any, cast

import pytest

pytest.importorskip("numpy", reason="extra missing: pip install 'mythos-hub[torch]'")

from mythos.engines import sandbox
from mythos.errors import EngineError

ASLEEP = """
import sys
from mythos.engines import sandbox
from mythos.errors import LeaseError

class Held:
    def remaining(self):
        if sys.argv[1] == "over":
            raise LeaseError("the lease ended while the machine slept")
        return float(sys.argv[1])

sandbox.still(Held())
print("goes on", flush=True)
"""


@pytest.mark.parametrize(("left", "status"), [("60", 0), ("over", -signal.SIGALRM)])
def test_a_lease_that_ended_in_a_sleep_ends_the_engine(left: str, status: int) -> None:
    done = subprocess.run([sys.executable, "-c", ASLEEP, left], capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    assert ("goes on" in done.stdout) == (status == 0)


class Told:
    """A front that asks twice, and a lease that runs."""

    def __init__(self) -> None:
        self.frames = [{"kind": "work", "id": "1"}, {"kind": "work", "id": "2"}]

    def receive(self) -> Any:
        return self.frames.pop(0) if self.frames else None

    def send(self, frame: Any) -> None:
        pass

    def remaining(self) -> float:
        return 3600.0


def test_an_engine_works_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its base has thin matrices beside it after the first time: a second adapter would not be the base's."""
    monkeypatch.setattr(sandbox, "arm", lambda _: None)
    told = cast("Any", Told())
    with pytest.raises(EngineError, match="works once"):
        sandbox._attend(told, told, lambda _: (cast("Any", None), {}))
