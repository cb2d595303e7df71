"""Persons, the entities they work for, and what is known about both. Unknown is not "none".

A fact that nobody stated is `None`. An empty list is a statement: known to have none. The word `"none"` as
an entity or parent is one too. Facts are believed until `verified_until`; from then on all are unknown.
Which facts are kept, why, and how they go away: docs/reference/facts-collected.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple, NoReturn, cast

from mythos.access.countries import COUNTRIES, country, country_list
from mythos.errors import AccessError, InputError
from mythos.units import Instant

NONE: Final = "none"
"""In `entity` and `parent`: known to have none."""


class Facts(NamedTuple):
    """What a decision may read about a person; `None` is unknown, an empty tuple is "known: none"."""

    citizenships: tuple[str, ...] | None
    permanent_residencies: tuple[str, ...] | None
    protected_in: tuple[str, ...] | None
    entity: str | None
    located_in: str | None


UNKNOWN: Final = Facts(None, None, None, None, None)


class Person(NamedTuple):
    """A natural person, or a legal person whose `citizenships` are its countries of incorporation."""

    id: str
    facts: Facts
    verified_until: Instant | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON line of the contract."""
        until = None if self.verified_until is None else str(self.verified_until)
        return {"id": self.id, **facts_to_dict(self.facts), "verified_until": until}


def facts_to_dict(facts: Facts) -> dict[str, Any]:
    """Facts by name, lists as lists."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in zip(Facts._fields, facts, strict=True)
    }


class Chain(NamedTuple):
    """An entity and its ancestors, summed up."""

    seats: frozenset[str]
    """Countries where it or an ancestor is known to be headquartered."""
    complete: bool
    """Every seat and every parent up to a known "none" is known."""
    missing: tuple[str, ...]
    """The facts of the chain that are unknown: `headquartered_in`, `parent`."""


_GHOST: Final = Chain(frozenset(), complete=False, missing=("headquartered_in", "parent"))


@dataclass(frozen=True, slots=True)
class Entity:
    """A line of the entities file."""

    id: str
    name: str | None = None
    headquartered_in: str | None = None
    parent: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON line of the contract."""
        return {
            "id": self.id,
            "name": self.name,
            "headquartered_in": self.headquartered_in,
            "parent": self.parent,
        }


@dataclass(frozen=True, slots=True)
class Entities:
    """All entity lines by id, with the chain of each worked out once."""

    lines: Mapping[str, Entity]
    chains: Mapping[str, Chain]

    @classmethod
    def of(cls, entities: Iterable[Entity]) -> Entities:
        """Index the lines.

        Raises:
            AccessError: an id that two lines describe, or parents that form a circle.
        """
        lines: dict[str, Entity] = {}
        for entity in entities:
            if entity.id in lines:
                _wrong(
                    f"two lines describe the entity {entity.id!r}", "one line an entity", repr(entity.id)[:80]
                )
            lines[entity.id] = entity
        chains: dict[str, Chain] = {}
        for start in lines:
            path: dict[str, None] = {}
            at: str | None = start
            while at in lines and at not in chains:
                if at in path:
                    _wrong("the parents of entities form a circle", "a tree", " -> ".join([*path, at])[-300:])
                path[at] = None
                at = lines[at].parent
            for entity_id in reversed(path):
                chains[entity_id] = _link(lines[entity_id], chains)
        return cls(lines, chains)

    def chain(self, entity: str) -> Chain:
        """The chain of an id; of an id that no line describes nothing is known."""
        return self.chains.get(entity, _GHOST)


def _link(entity: Entity, chains: Mapping[str, Chain]) -> Chain:
    match entity.parent:
        case None:
            above = Chain(frozenset(), complete=False, missing=("parent",))
        case "none":
            above = Chain(frozenset(), complete=True, missing=())
        case parent:
            above = chains.get(parent, _GHOST)
    if entity.headquartered_in is None:
        return Chain(above.seats, complete=False, missing=tuple(sorted({*above.missing, "headquartered_in"})))
    return Chain(above.seats | {entity.headquartered_in}, above.complete, above.missing)


def read_entities(data: bytes, *, where: str = "entities") -> Entities:
    """Read a JSONL file of entities; raises `AccessError` with the line's number."""

    def one(document: dict[str, Any], at: str) -> Entity:
        seat = document.get("headquartered_in")
        parent = document.get("parent")
        name = document.get("name")
        if name is not None and not isinstance(name, str):
            _wrong(f"{at}: name", "text or null", name)
        return Entity(
            _identifier(document.get("id"), where=f"{at}: id"),
            name,
            None if seat is None else country(seat, where=f"{at}: headquartered_in"),
            None if parent is None else _entity(parent, where=f"{at}: parent"),
        )

    return Entities.of(one(document, at) for document, at in json_lines(data, where=where))


def read_persons(data: bytes, *, where: str = "persons") -> Iterator[Person]:
    """Read a JSONL file of persons; raises `AccessError` with the line's number."""
    for document, at in json_lines(data, where=where):
        yield person(document, where=at)


def person(document: Mapping[str, Any], *, where: str = "person") -> Person:
    """Check one person's JSON object. Keys of other names are left to their owners.

    A misspelt fact is an unknown fact, and an unknown fact never allows anything.

    Raises:
        AccessError: a value of another type, an unknown country code, a time without a zone.
    """
    identity = document.get("id")
    entity = document.get("entity")
    place = document.get("located_in")
    until = document.get("verified_until")
    if type(identity) is not str or not identity:
        _identifier(identity, where=f"{where}: id")
    if entity is not None and (type(entity) is not str or not entity):
        _entity(entity, where=f"{where}: entity")
    if place is not None and (type(place) is not str or place not in COUNTRIES):
        country(place, where=f"{where}: located_in")
    facts = Facts(
        _codes(document.get("citizenships"), "citizenships", where),
        _codes(document.get("permanent_residencies"), "permanent_residencies", where),
        _codes(document.get("protected_in"), "protected_in", where),
        entity,
        place,
    )
    return Person(cast("str", identity), facts, None if until is None else _time(until, where))


def _codes(value: Any, name: str, where: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    if type(value) is list:
        codes = cast("list[Any]", value)
        try:
            if COUNTRIES.issuperset(codes):
                return tuple(codes)
        except TypeError:
            pass
    return country_list(value, where=f"{where}: {name}")


@lru_cache(1 << 16)
def _day(text: str) -> int:
    return Instant.parse(f"{text}T00:00:00Z").micros


@lru_cache(1 << 16)
def _clock(text: str) -> int:
    return Instant.parse(f"1970-01-01{text}").micros


_EARLIEST: Final = Instant.parse("0001-01-01T00:00:00Z").micros
_LATEST: Final = Instant.parse("9999-12-31T23:59:59.999999Z").micros


def instant(text: str) -> Instant:
    """`Instant.parse` at a third of its cost: in a file of people, days and times of day come again."""
    micros = _day(text[:10]) + _clock(text[10:])
    return Instant(micros) if _EARLIEST <= micros <= _LATEST else Instant.parse(text)


def _time(value: Any, where: str) -> Instant:
    if type(value) is not str:
        _wrong(f"{where}: verified_until", "RFC 3339 with a zone, or null", value)
    try:
        return instant(value)
    except InputError as error:
        raise AccessError(
            f"{where}: verified_until is {error.message}",
            expected=error.expected,
            found=repr(value)[:80],
            advice="A time without a zone is not a time.",
        ) from error


def _identifier(value: Any, *, where: str) -> str:
    if not isinstance(value, str) or not value or value == NONE:
        _wrong(where, 'text that is not empty and not the word "none"', value)
    return value


def _entity(value: Any, *, where: str) -> str:
    if not isinstance(value, str) or not value:
        _wrong(where, 'an entity id, "none" or null', value)
    return value


def _wrong(message: str, expected: str, found: Any) -> NoReturn:
    raise AccessError(message, expected=expected, found=repr(found)[:80])


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)!r} stands twice")
    return document


# One decoder for every JSON line: json.loads would look at the encoding of each line again.
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")
_decode: Final = json.JSONDecoder(object_pairs_hook=_pairs).raw_decode


def json_object(line: str, *, where: str) -> dict[str, Any]:
    """One line as a JSON object without duplicate keys; raises `AccessError`."""
    line = line.strip(" \t\r\n")
    try:
        document, end = _decode(line)
    except (ValueError, RecursionError) as error:
        raise AccessError(f"{where} is not a JSON object", found=f"{line[:80]!r}: {error}") from error
    if type(document) is not dict or end != len(line):
        _wrong(f"{where} is not a JSON object", "{…}", line[:80])
    if "\\u" in line and _HALF.search(line):
        try:
            json.dumps(document, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise AccessError(f"{where}: a text holds half a character", found="a lone surrogate") from error
    return cast("dict[str, Any]", document)


def read_object(data: bytes, *, where: str) -> dict[str, Any]:
    """A whole file as a JSON object; raises `AccessError`."""
    return json_object("\n".join(text_lines(data, where=where)), where=where)


def json_lines(data: bytes, *, where: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects of a JSONL file with the place of each; empty lines are passed over."""
    for number, line in enumerate(text_lines(data, where=where), 1):
        if line and not line.isspace():
            at = f"{where} line {number}"
            yield json_object(line, where=at), at


def text_lines(data: bytes, *, where: str) -> list[str]:
    """UTF-8 lines; only a line feed ends a line (JSON text may hold U+2028)."""
    try:
        return data.decode().split("\n")
    except UnicodeDecodeError as error:
        raise AccessError(f"{where} is not UTF-8", found=f"byte {error.start}") from error
