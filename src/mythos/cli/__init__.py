"""The `mythos` command: one file per room that parses, calls one room and prints. No decisions live here.

Exit status everywhere: 0 done, whatever was decided; 1 not verified, a case failed, a release refused;
2 the call or its input is wrong; 3 something broke.
"""

from __future__ import annotations

import importlib
import io
import sys
from typing import Final

import click

from mythos import __version__
from mythos.cli.shared import say
from mythos.errors import MythosError

__all__ = ["cli", "main"]

COMMANDS: Final = {
    "up": "up",
    "doctor": "doctor",
    "keys": "keys",
    "trust": "trust",
    "log": "log",
    "witness": "witness",
    "verify": "verify",
    "dossier": "dossier",
    "model": "model",
    "compute": "compute",
    "regimes": "regimes",
    "access": "access",
    "directive": "directive",
    "seal": "seal",
    "custody": "custody",
    "grant": "grant",
    "release": "release",
    "serve": "serve",
    "serve-key": "serve_key",
    "data": "data",
    "train": "train",
    "adapt": "adapt",
    "sandbox": "sandbox",
    "evaluate": "evaluate",
    "ask": "ask",
    "report": "report",
}


class LazyGroup(click.Group):
    """Imports a command's file only when that command is called, so that `mythos --help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """The commands in the order of a model's life."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load `mythos.cli.FILE:command`."""
        file = COMMANDS.get(cmd_name)
        if file is None:
            return None
        command: click.Command = importlib.import_module(f"mythos.cli.{file}").command
        _keep_examples(command)
        return command


def _keep_examples(command: click.Command) -> None:
    r"""Let the examples in raw docstrings keep their lines: click looks for a backspace, not for `\b`."""
    command.help = (command.help or "").replace("\\b\n", "\b\n")
    if isinstance(command, click.Group):
        for child in command.commands.values():
            _keep_examples(child)


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="mythos")
def cli() -> None:
    r"""Put your model to work in another country without losing it.

    \b
    mythos up                        the whole life of a real model, then serves it
    mythos doctor                    what this machine lacks, before anything is downloaded
    mythos verify dossier.json       check a proof offline, with the policy you hold
    """


_keep_examples(cli)


def main() -> None:
    """Run the command line; turn every error into one clear line and its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what an encoding lacks is shown, not a defect
    try:
        status: object = cli.main(standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except MythosError as error:
        say(f"mythos: {error}")
        sys.exit(error.exit_status)
    except click.exceptions.Abort:
        click.echo("mythos: stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        say(f"mythos: {error.strerror or error}: {error.filename or ''}")
        sys.exit(3)
    except Exception as error:  # noqa: BLE001 (its text could carry a secret; its name and place cannot)
        where = error.__traceback__
        while where and where.tb_next:
            where = where.tb_next
        place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else "?"
        click.echo(
            f"mythos: a defect of mythos: {type(error).__name__} at {place}. Please report it.", err=True
        )
        sys.exit(3)
