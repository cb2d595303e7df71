"""Start, watch and stop the processes of a home; run one command and read its JSON document.

Every child is ended when its parent is, even by SIGKILL (PR_SET_PDEATHSIG), and stands in a session of its
own, so that Ctrl-C reaches `mythos up` alone, which then stops the others in the right order.
"""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mythos.errors import InputError, ProcessError
from mythos.files import private_folder

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None)


def command_line(argv: Sequence[str]) -> list[str]:
    """The argument list that runs `mythos ARGV` with this very interpreter."""
    return [sys.executable, "-m", "mythos", *argv]


def run(argv: Sequence[str], *, show_progress: bool = False) -> dict[str, Any]:
    """Run `mythos ARGV --json` to its end and return the document it printed.

    Raises:
        ProcessError: it ended with a status other than 0; carries what it said.
    """
    done = subprocess.run(
        command_line([*argv, "--json"]),
        stdout=subprocess.PIPE,
        stderr=None if show_progress else subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr or "").strip().removeprefix("mythos: ")
        raise ProcessError(
            said or f"mythos {' '.join(argv[:2])} ended with status {done.returncode}",
            status=done.returncode if done.returncode in {1, 2} else 3,
        )
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def die_with_parent() -> None:
    """End this process when its parent ends, however that does."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


@dataclass(slots=True)
class Household:
    """The long-running processes of one home, in the order they were started."""

    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict[str, subprocess.Popen[bytes]])

    def start(self, name: str, argv: Sequence[str]) -> None:
        """Start `mythos ARGV`; what it prints goes to LOGS/NAME.log (0600)."""
        path = private_folder(self.logs) / f"{name}.log"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            self.running[name] = subprocess.Popen(
                command_line(argv),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 (this process has one thread)
            )
        finally:
            os.close(descriptor)

    def await_ready(self, name: str, address: str, *, seconds: float = 60) -> None:
        """Wait until the service answers at `address` (`unix:PATH` or `http://HOST:PORT/PATH`).

        Raises:
            ProcessError: it ended first; carries what it printed last.
        """
        process = self.running[name]
        deadline = time.monotonic() + seconds
        while not answers(address):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ProcessError(
                    f"the service {name} did not start: {self.last_words(name).rstrip('.')}",
                    status=process.returncode if process.returncode in {1, 2} else 3,
                    advice=f"Its output is in {self.logs / name}.log",
                )
            time.sleep(0.02)

    def last_words(self, name: str) -> str:
        """The last lines a service printed."""
        with contextlib.suppress(OSError):
            lines = (self.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
            return "\n".join(lines[-5:]).removeprefix("mythos: ")
        return ""

    def ended(self) -> str | None:
        """The name of a service that is no longer running, if any."""
        return next((name for name, process in self.running.items() if process.poll() is not None), None)

    def stop(self) -> None:
        """Stop everything, the last started first; a process that does not end in ten seconds is killed."""
        for name, process in reversed(self.running.items()):
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            del name
        self.running.clear()


def answers(address: str) -> bool:
    """Whether somebody listens (Unix) or says 200 (HTTP) at `address`."""
    if address.startswith("unix:"):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(address.removeprefix("unix:")) == 0
    host, _, path = address.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=5)
    try:
        connection.request("GET", f"/{path}")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def refuse_shadowed_package() -> None:
    """Refuse to start when another distribution provides the package `mythos`.

    Raises:
        InputError: names the distributions.
    """
    from importlib.metadata import packages_distributions

    owners = set(packages_distributions().get("mythos", []))
    if owners - {"mythos-hub"}:
        raise InputError(
            "another distribution shadows the package mythos",
            expected="mythos-hub alone",
            found=", ".join(sorted(owners)),
            advice="Remove the other, or install mythos-hub into a virtual environment of its own.",
        )
