"""The built wheel in an empty virtual environment, and one home that has lived through `mythos up --once`."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Installed:
    """The `mythos` of the built wheel."""

    python: Path

    def run(
        self, *argv: str, env: dict[str, str] | None = None, timeout: int = 300
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.python), "-m", "mythos", *argv],
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            cwd="/",
        )

    def json(self, *argv: str) -> dict[str, Any]:
        done = self.run(*argv, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)], check=True
    )
    (wheel,) = folder.glob("mythos_hub-*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    python = folder / "venv" / "bin" / "python"
    inside = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    subprocess.run([*inside, "--require-hashes", "-r", str(ROOT / "lock" / "core.txt")], check=True)
    subprocess.run([*inside, "--no-deps", str(wheel)], check=True)
    return Installed(python)


@dataclass(frozen=True)
class Lived:
    """A home after one `mythos up --once`, and what that printed."""

    installed: Installed
    home: Path
    document: dict[str, Any]
    shown: str


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def lived(installed: Installed) -> Iterator[Lived]:
    folder = Path(tempfile.mkdtemp(prefix="mythos-e2e-"))
    home = folder / "home"
    argv = ("up", "--home", str(home), "--port", str(free_port()), "--once", "What is a witness?", "--json")
    done = installed.run(*argv)
    if "no network" in done.stderr.lower():
        pytest.skip(f"hardware missing: the network that holds the model ({done.stderr.strip()[-200:]})")
    assert done.returncode == 0, done.stderr
    yield Lived(installed, home, json.loads(done.stdout), done.stderr)
    shutil.rmtree(folder, ignore_errors=True)
