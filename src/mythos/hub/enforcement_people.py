"""Whom a key of this hub stands for, and the decision records of every minute.

The name of an API key is the id of a person line. That line may name the tenant whose key it is, and for a
service account the person who answers for it; every one of them must be allowed. A name that no line
describes is somebody of whom nothing is known.

Records are written in the background, a quarter of a second late at most; a hub that is killed then has lost
those last records, and the receipts still hold what was decided. A minute's root is logged once the minute is
over, or when the hub starts again.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

from mythos.access.people import NONE, Entities, Person, json_lines, person, read_entities
from mythos.access.principals import Binding, Role, key_digest
from mythos.access.record import Record, minute_of, minute_root
from mythos.access.signals import forget
from mythos.errors import AccessError
from mythos.evidence.policy import Policy
from mythos.evidence.statement import Statement, Subject
from mythos.files import private_folder, sync_folder
from mythos.units import Digest, Instant

__all__ = ["Minutes", "Orders", "People", "Posts"]

_LATE: Final = 5.0  # seconds after which nothing is added to a minute any more
_LOGGED: Final = "decisions-logged"


@dataclass(frozen=True, slots=True)
class People:
    """Everyone a hub knows: persons, the chain behind each name, entities."""

    persons: Mapping[str, Person] = field(default_factory=dict[str, Person])
    chains: Mapping[str, tuple[tuple[Role, str], ...]] = field(
        default_factory=dict[str, tuple[tuple[Role, str], ...]]
    )
    entities: Entities = field(default_factory=lambda: Entities({}, {}))

    @classmethod
    def read(cls, persons: bytes, entities: bytes) -> People:
        """Read the JSONL files. A person line may have `tenant` (an id) and `accountable` (an id).

        Raises:
            AccessError: a wrong line, or an id that two lines describe.
        """
        known: dict[str, Person] = {}
        chains: dict[str, tuple[tuple[Role, str], ...]] = {}
        for document, at in json_lines(persons, where="persons"):
            one = person(document, where=at)
            if one.id in known:
                raise AccessError(f"{at}: two lines describe one id", expected="one line a person")
            known[one.id] = one
            chains[one.id] = _chain(one.id, document, at)
        return cls(known, chains, read_entities(entities, where="entities"))

    def chain(self, name: str) -> tuple[tuple[Role, str], ...]:
        """The principals behind a key's name, nearest first."""
        return self.chains.get(name, (("person", name),))

    def without(self, forgotten: Collection[str]) -> People:
        """The same people, and nothing known of those named; ids that nobody has change nothing."""
        unknown = {name: forget(one) for name, one in self.persons.items() if name in forgotten}
        return replace(self, persons={**self.persons, **unknown}) if unknown else self


def _chain(name: str, document: Mapping[str, Any], at: str) -> tuple[tuple[Role, str], ...]:
    tenant, accountable = document.get("tenant"), document.get("accountable")
    for word, value in (("tenant", tenant), ("accountable", accountable)):
        if value is not None and (not isinstance(value, str) or not value or value == NONE):
            raise AccessError(f"{at}: {word}", expected="the id of a person line", found=repr(value)[:80])
    binding = Binding(key_digest(name), name, tenant or name, accountable is not None, accountable)
    nearest: dict[str, tuple[Role, str]] = {}
    for role, known in binding.chain:
        nearest.setdefault(known, (role, known))
    return tuple(nearest.values())


@dataclass(frozen=True, slots=True)
class Orders:
    """Where directives come from.

    Attributes:
        address: the owner's directive service.
        policy: who may sign the first trust root.
        people: whom keys stand for.
        hub: the hub's name in its grant. Default: the name of its key.
    """

    address: str
    policy: Policy
    people: People = field(default_factory=People)
    hub: str = ""


class Posts(Protocol):
    """Signs statements and has them logged, whatever becomes of this process (see `Receipts.post`)."""

    async def post(self, statements: list[Statement], **facts: bytes) -> None:
        """Keep them with the facts, all or nothing, until the log has them."""
        ...

    async def fact(self, name: str) -> bytes | None:
        """A fact kept with a statement."""
        ...


class Minutes:
    """The decision records of a hub, one file for each minute and one line for each record.

    All methods but `write` belong to the hub's loop. `mythos access prove` and `report` read the files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = private_folder(folder / "decisions")
        self._pending: list[Record] = []

    def add(self, record: Record) -> None:
        """Keep a decision that was just taken."""
        self._pending.append(record)

    @property
    def pending(self) -> bool:
        """Whether `write` has something to do."""
        return bool(self._pending)

    def write(self) -> None:
        """Make what was added durable; may run in a thread, one call at a time."""
        taken, self._pending = self._pending, []
        minutes: dict[Instant, list[Record]] = {}
        for record in taken:
            minutes.setdefault(record.minute, []).append(record)
        for minute, records in minutes.items():
            path = self._path(minute)
            new = not path.exists()
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                file.write(b"".join(record.to_bytes() + b"\n" for record in records))
                file.flush()
                os.fsync(file.fileno())
            if new:
                sync_folder(self._folder)

    def read(self, minute: Instant) -> list[Record]:
        """The records of a minute, in their order; a last line that was cut short is left out."""
        lines = self._path(minute).read_bytes().split(b"\n")[:-1]
        return [Record.parse(line) for line in lines]

    async def close(self, posts: Posts, now: Instant) -> int:
        """Log the root of every minute that is over at `now`; how many."""
        logged = int(await posts.fact(_LOGGED) or b"-1")
        count = 0
        for path in sorted(self._folder.glob("*.records")):
            minute = Instant(int(path.stem))
            if minute.micros <= logged or now.since(minute) < 60 + _LATE:
                continue
            if records := self.read(minute):
                act = minute_root(records)
                digest = Digest(act.root.value)
                statement = act.statement(Subject(f"{act.hub} {minute}", digest))
                await posts.post([statement], **{_LOGGED: str(minute.micros).encode()})
                count += 1
        return count

    def _path(self, minute: Instant) -> Path:
        return self._folder / f"{minute_of(minute).micros:020d}.records"
