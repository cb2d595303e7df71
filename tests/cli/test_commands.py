import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mythos.cli import COMMANDS, cli
from mythos.cli.shared import plain
from mythos.evidence.statement import canonical

RUNNER = CliRunner()


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_explains_itself_with_an_example(name: str) -> None:
    found = command(name)
    children = [found]
    if isinstance(found, click.Group):
        context = click.Context(found)
        children = [child for n in found.list_commands(context) if (child := found.get_command(context, n))]
    for child in children:
        assert child.help, child.name
    assert "mythos " in "".join(child.help or "" for child in [found, *children]), f"{name} shows no example"


def test_an_unknown_command_is_a_wrong_call() -> None:
    done = subprocess.run([sys.executable, "-m", "mythos", "fly"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "No such command" in done.stderr


def test_help_stays_quick_because_rooms_are_imported_late() -> None:
    code = "import sys, mythos.cli; print([m for m in sys.modules if m.split('.')[0] in ('torch','starlette','cryptography','numpy')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_doctor_says_what_is_lacking() -> None:
    done = RUNNER.invoke(cli, ["doctor", "--json"])
    assert done.exit_code in {0, 1}
    assert '"findings"' in done.output


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_text_that_others_chose_neither_acts_on_a_terminal_nor_fails_on_one(
    tmp_path: Path, encoding: str
) -> None:
    """A sender may call a field of their dossier so that a terminal would erase the verdict and write another."""
    path, policy = tmp_path / "dossier.json", tmp_path / "trust.policy"
    path.write_bytes(
        canonical({"formatVersion": 1, "kind": "dossier", "\x1b[2K\rverified\u202e\x9b": "重み"})
    )
    policy.write_text("quorum none\n")
    call = [sys.executable, "-m", "mythos", "verify", str(path), "--policy", str(policy)]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    for arguments in (call, [*call[:-1], str(path)]):
        done = subprocess.run(arguments, capture_output=True, env=environment)
        assert done.returncode == (1 if arguments is call else 2)
        told = (done.stdout + done.stderr).decode("latin-1" if encoding == "latin-1" else "utf-8")
        assert not {"\x1b", "\r", "\x9b", "\u202e"}.intersection(told)
        assert told.count("\n") == 1
    assert json.loads(subprocess.run([*call, "--json"], capture_output=True, env=environment).stdout)


def test_what_a_language_needs_stays_as_it_is() -> None:
    assert plain("許諾\u3000「重み」 é\tß\n") == "許諾\u3000「重み」 é\tß\n"
    assert plain("a\x1b[2Kb\u202ec") == "a⟨U+001B⟩[2Kb⟨U+202E⟩c"
