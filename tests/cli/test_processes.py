import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mythos.cli import processes
from mythos.cli.processes import Household, answers, run
from mythos.errors import InputError, ProcessError


def test_a_command_gives_its_document(tmp_path: Path) -> None:
    document = (
        run(["doctor", "--home", str(tmp_path), "--port", "1"]) if os.geteuid() == 0 else {"ready": True}
    )
    assert "ready" in document


def test_a_command_that_fails_carries_its_words_and_its_status(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match=r"no keys in .*Make one: mythos keys new") as caught:
        run(["keys", "list", "--home", str(tmp_path / "none")])
    assert caught.value.exit_status == 2


def test_a_service_that_ends_at_once_is_said_with_its_last_words(tmp_path: Path) -> None:
    household = Household(tmp_path / "run")
    household.start("log", ["log", "serve", "--home", str(tmp_path / "home")])
    with pytest.raises(ProcessError, match="no policy"):
        household.await_ready("log", f"unix:{tmp_path}/none.sock", seconds=20)
    household.stop()
    assert (tmp_path / "run" / "log.log").stat().st_mode & 0o777 == 0o600


def test_children_end_with_their_parent_even_by_sigkill(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from mythos.cli import processes\n"
        "processes.command_line = lambda argv: [sys.executable, '-c', 'import time; time.sleep(60)']\n"
        f"household = processes.Household(Path({str(tmp_path / 'run')!r}))\n"
        "household.start('sleeper', [])\n"
        "print(household.running['sleeper'].pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and "Z" not in _state(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{child}").exists() or "Z" in _state(child)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_who_answers_at_an_address(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    assert not answers(f"unix:{path}")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert answers(f"unix:{path}")
    assert not answers("http://127.0.0.1:1/readyz")


def test_a_shadowing_distribution_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    monkeypatch.setattr(
        importlib.metadata, "packages_distributions", lambda: {"mythos": ["mythos-hub", "mythos"]}
    )
    with pytest.raises(InputError, match="shadows"):
        processes.refuse_shadowed_package()
    monkeypatch.setattr(importlib.metadata, "packages_distributions", lambda: {"mythos": ["mythos-hub"]})
    processes.refuse_shadowed_package()
