import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from mythos.cli import COMMANDS, cli

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
