"""What every command shares: where the home is, who is acting, how results and errors are shown."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mythos.errors import InputError
from mythos.files import private_folder

if TYPE_CHECKING:
    from mythos.evidence.client import Appended

_F = TypeVar("_F", bound=Callable[..., Any])

PARTIES = ("owner", "approver-a", "approver-b", "host", "witness")


@dataclass(frozen=True, slots=True)
class Home:
    """The folder a command works in: one sub-folder for each party, the log, the policy, the cache."""

    path: Path

    def party(self, name: str) -> Path:
        """The private folder of a party (made on first use, mode 0700)."""
        private_folder(self.path)
        return private_folder(self.path / name)

    def key(self, party: str, name: str | None = None) -> Path:
        """The file of a party's signing key."""
        return private_folder(self.party(party) / "keys") / f"{name or party}.key"

    @property
    def runtime(self) -> Path:
        """A short private folder for sockets: a Unix path has at most 107 bytes."""
        tag = hashlib.sha256(str(self.path.resolve()).encode()).hexdigest()[:10]
        base = os.environ.get("XDG_RUNTIME_DIR", "")
        folder = Path(base) / f"mythos-{tag}" if base and len(base) < 40 and Path(base).is_dir() else None
        return private_folder(folder or Path(f"/tmp/mythos-{os.getuid()}-{tag}"))  # noqa: S108 (0700, owner checked)

    def address(self, service: str) -> str:
        """The default address of a local service."""
        return f"unix:{self.runtime / service}.sock"

    @property
    def policy(self) -> Path:
        """What a reader trusts, held beforehand."""
        return self.path / "trust.policy"

    @property
    def log(self) -> Path:
        """The log's folder."""
        return private_folder(private_folder(self.path) / "log")

    @property
    def cache(self) -> Path:
        """Downloaded models by digest; the owner's, never the host's."""
        return private_folder(private_folder(self.path) / "cache")


def _to_home(_context: click.Context, _parameter: click.Parameter, value: Path) -> Home:
    return Home(value)


def home_option(function: _F) -> _F:
    """Add `--home DIR`; the function receives `home: Home`."""
    return click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(".mythos"),
        show_default=True,
        callback=_to_home,
        help="The folder with keys, log and policy.",
    )(function)


def as_option(default: str) -> Callable[[_F], _F]:
    """Add `--as PARTY`; the function receives `party: str`."""
    return click.option(
        "--as", "party", default=default, show_default=True, metavar="PARTY", help="Whose keys to act with."
    )


def log_option(function: _F) -> _F:
    """Add `--log ADDRESS`; the function receives `log: str | None` (None: the home's own log service)."""
    return click.option(
        "--log",
        "log",
        default=None,
        metavar="ADDRESS",
        help="The log service, unix:PATH or http://HOST:PORT. Default: the one of this home.",
    )(function)


def json_option(function: _F) -> _F:
    """Add `--json`; the function receives `as_json: bool`."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")(
        function
    )


def hub_option(function: _F) -> _F:
    """Add `--hub NAME`; the function receives `hub: str | None`, for `hub_folder`."""
    help_ = "Which hub of this home, when there is more than one: each has a database and keys of its own."
    return click.option("--hub", metavar="NAME", help=help_)(function)


def hub_folder(home: Home, party: str, hub: str | None) -> Path:
    """The private folder of a hub: the party's own, or one below it by name.

    Raises:
        InputError: a name that is no folder's.
    """
    if hub is None:
        return home.party(party)
    if not hub.isidentifier():
        raise InputError("not a name for a hub", expected="letters, digits and _", found=hub[:40])
    folder = private_folder(private_folder(home.party(party) / "hubs") / hub)
    private_folder(folder / "keys")
    return folder


def act_once(home: Home, party: str, log: str | None, key: str, make: Callable[[], bytes]) -> Appended:
    """Append one act, once, however often the command is killed and called again.

    The signed bytes are made durable in the party's outbox before they are sent; a second call with the same
    key sends the same bytes, and the log answers with the index that they already have.

    Args:
        home: the home.
        party: whose outbox.
        log: the log's address, or None for the home's own.
        key: what makes this act this act, such as `seal:sha256:…`; never a time.
        make: builds and signs the envelope; called only when the outbox has none.
    """
    from mythos.evidence.client import LogClient
    from mythos.files import write_private

    outbox = private_folder(home.party(party) / "outbox")
    held = outbox / f"{hashlib.sha256(key.encode()).hexdigest()}.dsse"
    if not held.exists():
        write_private(held, make())
    with LogClient(log or home.address("log")) as client:
        return client.append([held.read_bytes()], f"{party}:{key}")[0]


def plain(text: str) -> str:
    """The text with control and reordering characters written out: others chose the names in it."""
    return "".join(c if c.isprintable() or c in "\n\t\u3000" else f"⟨U+{ord(c):04X}⟩" for c in text)


def emit(document: Any, *, as_json: bool, line: str = "") -> None:
    """Print the result: the document as JSON, or one line of fact for people."""
    if as_json:
        encoding = sys.stdout.encoding or "utf-8"  # none where a test or a drill catches the text
        utf8 = encoding.lower() in {"utf-8", "utf8"}
        sys.stdout.write(json.dumps(document, ensure_ascii=not utf8) + "\n")
    elif line:
        sys.stdout.write(plain(line) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Tell people something on standard error."""
    click.echo(plain(text), err=True)
