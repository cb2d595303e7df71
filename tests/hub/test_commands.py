"""`mythos serve-key`, and what `mythos serve` says when it cannot start."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mythos.cli import cli
from mythos.errors import HubError, InputError
from mythos.evidence.note import SigningKey
from mythos.hub import open_store

GRANT = "sha256:" + "0" * 64


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    keys = folder / "host" / "keys"
    keys.mkdir(parents=True)
    for path in (folder, folder / "host", keys):
        path.chmod(0o700)
    key = keys / "host.key"
    key.write_text(SigningKey.generate("host").to_text())
    key.chmod(0o600)
    return folder


def test_a_key_is_printed_once_and_revoked_by_its_id(home: Path) -> None:
    made = CliRunner().invoke(cli, ["serve-key", "new", "--name", "acme", "--home", str(home), "--json"])
    document = json.loads(made.stdout)
    assert document["tenant"] == "acme"
    with open_store(home / "host", exclusive=False) as store:
        caller = store.caller(document["key"])
    assert caller is not None
    assert caller.key == document["id"]
    assert (home / "host" / "hub.db").stat().st_mode & 0o077 == 0
    gone = CliRunner().invoke(cli, ["serve-key", "revoke", document["id"], "--home", str(home)])
    assert gone.exit_code == 0
    again = CliRunner().invoke(cli, ["serve-key", "revoke", document["id"], "--home", str(home)])
    assert isinstance(again.exception, InputError)


def test_a_taken_port_ends_serve_before_it_asks_anybody(home: Path, tmp_path: Path) -> None:
    (tmp_path / "sealed").mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        arguments = [
            "--home",
            str(home),
            "--grant",
            GRANT,
            "--sealed",
            str(tmp_path / "sealed"),
            "--port",
            port,
        ]
        ended = CliRunner().invoke(cli, ["serve", *arguments])
    assert isinstance(ended.exception, HubError)
    assert ended.exception.code == "port_taken"
    assert not (home / "host" / "hub.db").exists()


def test_without_a_log_serve_says_whom_it_could_not_reach(home: Path, tmp_path: Path) -> None:
    (tmp_path / "sealed").mkdir()
    (home / "trust.policy").write_text("")
    arguments = ["--home", str(home), "--grant", GRANT, "--sealed", str(tmp_path / "sealed"), "--port", "0"]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "-m", "mythos", "serve", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode in {1, 2, 3}
    assert done.stderr.count("mythos: ") == 1
    assert "Traceback" not in done.stderr
