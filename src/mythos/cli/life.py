"""The life of a model as the list of commands an operator would type, and what each found out.

`Life` keeps no logic of its own: a step runs commands, and what they printed is kept in HOME/life.json, so
that a second start goes on where the first one ended. Losing that file loses nothing: every command that acts
is safe to call again.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from mythos.cli.processes import Household, run
from mythos.cli.shared import Home
from mythos.files import write_atomic

APPROVERS: Final = ("approver-a", "approver-b")
GRANT_DAYS: Final = 30


@dataclass(slots=True)
class Life:
    """One home on its way through the ten steps."""

    home: Home
    console: Console
    household: Household
    facts: dict[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def of(cls, home: Home, console: Console) -> Life:
        """Read what a former start found out, if there was one."""
        path = home.path / "life.json"
        known: dict[str, Any] = {}
        if path.exists():
            try:
                known = dict(json.loads(path.read_bytes()))
            except (ValueError, TypeError):
                console.print(f"{path} cannot be read; every step is asked again, none acts twice")
        return cls(home, console, Household(home.path / "run"), known)

    def keep(self, name: str, document: dict[str, Any]) -> dict[str, Any]:
        """Remember what a step found out."""
        self.facts[name] = document
        write_atomic(self.home.path / "life.json", json.dumps(self.facts, indent=1).encode(), mode=0o600)
        return document

    def command(self, *argv: str, show_progress: bool = False) -> dict[str, Any]:
        """Print a command so that it can be pasted, run it, return its document."""
        full = [*argv, "--home", str(self.home.path)]
        self.show(full)
        return run(full, show_progress=show_progress)

    def once(self, name: str, *argv: str, show_progress: bool = False) -> dict[str, Any]:
        """Run a command unless a former start already has its document."""
        if name in self.facts:
            return self.facts[name]
        return self.keep(name, self.command(*argv, show_progress=show_progress))

    def service(self, name: str, address: str, *argv: str) -> None:
        """Start a service and wait until it answers."""
        full = [*argv, "--home", str(self.home.path)]
        self.show([*full, "&"])
        self.household.start(name, full)
        self.household.await_ready(name, address)

    def show(self, argv: Sequence[str]) -> None:
        """Print a command line as an operator would type it."""
        text = " ".join(part if part == "&" else shlex.quote(part) for part in argv)
        self.console.print(f"     $ mythos {text}", style="dim", highlight=False, soft_wrap=True)

    @contextmanager
    def step(self, number: int, title: str) -> Generator[Callable[[str], None]]:
        """Show a step as it happens: its commands, its time and one line of fact."""
        started = time.monotonic()
        self.console.print(f"[bold]{number:2}[/]  [bold]{title}[/]")
        fact: list[str] = []
        yield fact.append
        seconds = time.monotonic() - started
        told = escape(fact[-1]) if fact else ""
        self.console.print(
            f"     [green]✓[/] {told} [dim]{seconds:.1f} s[/]", highlight=False, soft_wrap=True
        )


def sealed_folder(home: Home, weights: str) -> Path:
    """Where the host keeps the ciphertext of these weights."""
    return home.party("host") / "sealed" / weights.removeprefix("sha256:")[:16]
