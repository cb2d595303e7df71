"""From what an issuer or an administrator says to the facts of a person.

Three sources, one rule: what is not said is unknown, and every fact expires. A mapping names where an
issuer's token keeps each fact; an issuer says what its empty list means before that counts as "known: none".
A tenant's administrator imports a table of people (CSV); one wrong cell and nothing is imported.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from mythos.access.countries import COUNTRIES, nationality
from mythos.access.people import NONE, Facts, Person, person
from mythos.errors import AccessError, InputError
from mythos.units import Instant

STATELESS: Final = "XXA"
"""ICAO Doc 9303 part 3: a stateless person. XXB (refugee), XXC and XXX say nothing of citizenship."""

_LISTS: Final = ("citizenships", "permanent_residencies", "protected_in")
_MOST_DAYS: Final = 3660
_KEYS: Final = (*_LISTS, "entity", "located_in", "verified_at", "assurance")


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a mapping found: the facts, when they were verified, and how surely."""

    facts: Facts
    verified_at: Instant | None
    assurance: str | None


@dataclass(frozen=True, slots=True)
class ClaimsMapping:
    """Where an issuer's claims hold the facts: paths such as `verified_claims.claims.nationalities`.

    Attributes:
        paths: fact (or `verified_at`, `assurance`) to the path of its claim.
        entities: the issuer's word for an employer to an entity id; a word that is not here is unknown.
        assurances: accepted assurance levels; any when empty.
        seconds: how long facts hold after they were verified.
        empty_is_none: an empty list means "known: none" at this issuer.
    """

    paths: Mapping[str, tuple[str, ...]]
    entities: Mapping[str, str]
    assurances: frozenset[str]
    seconds: float
    empty_is_none: bool = False

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> ClaimsMapping:
        """Read the configuration: paths, entities, assurances, days, empty_is_none.

        Raises:
            AccessError: a fact that does not exist, a mapping of nothing, or no lifetime.
        """
        usual: dict[str, Any] = {"entities": {}, "assurances": [], "empty_is_none": False}
        told: dict[str, Any] = usual | dict(document)
        paths: Any = told.get("paths")
        days: Any = told.get("days")
        if not (
            told.keys() == {"paths", "entities", "assurances", "days", "empty_is_none"}
            and _texts(paths, dict)
            and paths.keys() <= set(_KEYS)
            and paths.keys() & set(Facts._fields)
            and _texts(told["entities"], dict)
            and _texts(told["assurances"], list)
            and isinstance(told["empty_is_none"], bool)
            and isinstance(days, int | float)
            and not isinstance(days, bool)
            and 0 < days <= _MOST_DAYS
        ):
            raise AccessError(
                "the claims mapping is wrong",
                expected=f"paths to some of {', '.join(_KEYS)}, days, perhaps entities and assurances",
                found=repr(dict(document))[:200],
            )
        return cls(
            {fact: tuple(path.split(".")) for fact, path in paths.items()},
            dict(told["entities"]),
            frozenset(told["assurances"]),
            days * 86_400,
            told["empty_is_none"],
        )

    def apply(self, claims: Mapping[str, Any]) -> Mapped | None:
        """The facts in claims; `None` if none, no accepted assurance, or no time where one is named."""
        found = {fact: _at(claims, path) for fact, path in self.paths.items()}
        said = found.get("assurance")
        assurance = said if isinstance(said, str) else None
        if self.assurances and assurance not in self.assurances:
            return None
        employer, place = found.get("entity"), found.get("located_in")
        facts = _settled(
            Facts(
                self._codes(found.get("citizenships")),
                self._codes(found.get("permanent_residencies")),
                self._codes(found.get("protected_in")),
                self.entities.get(employer) if isinstance(employer, str) else None,
                place if isinstance(place, str) and place in COUNTRIES else None,
            )
        )
        if not any(fact is not None for fact in facts):
            return None
        try:
            verified_at = Instant.parse(cast("str", found["verified_at"])) if "verified_at" in found else None
        except (InputError, TypeError):
            return None
        return Mapped(facts, verified_at, assurance)

    def _codes(self, value: Any) -> tuple[str, ...] | None:
        codes = (
            [value]
            if isinstance(value, str)
            else cast("list[Any]", value)
            if isinstance(value, list)
            else None
        )
        if codes is None or (not codes and not self.empty_is_none):
            return None
        kept = [code for code in codes if code != STATELESS]
        return tuple(kept) if all(isinstance(code, str) and code in COUNTRIES for code in kept) else None


def _texts(value: Any, kind: type) -> bool:
    """A list of texts, or texts by name."""
    if not isinstance(value, kind):
        return False
    inner = cast("dict[str, Any]", value).values() if kind is dict else cast("list[Any]", value)
    return all(isinstance(one, str) and one for one in inner)


def _settled(facts: Facts) -> Facts:
    """Nationality codes as the citizenships and protection that they mean."""
    if facts.citizenships is None:
        return facts
    citizenships, protected = nationality(facts.citizenships)
    if protected:
        protected = tuple(dict.fromkeys((*(facts.protected_in or ()), *protected)))
    return facts._replace(citizenships=citizenships, protected_in=protected or facts.protected_in)


def _at(claims: Any, path: Iterable[str]) -> Any:
    for name in path:
        if not isinstance(claims, Mapping):
            return None
        claims = cast("Mapping[str, Any]", claims).get(name)
    return claims


def latest_of(now: Instant, days: float) -> Instant:
    """Until when an attestation of now is believed at most; raises `AccessError`."""
    if not 0 < days <= _MOST_DAYS:
        raise AccessError("it is believed for a while", expected=f"1 to {_MOST_DAYS} days", found=f"{days:g}")
    return now.plus(days * 86_400)


def person_id(tenant: str, name: str) -> str:
    """`TENANT/ID`: no administrator can name a person of another tenant. Raises `AccessError`."""
    if not tenant or "/" in tenant:
        raise AccessError("not a tenant's name", expected="text without /", found=repr(tenant)[:60])
    return f"{tenant}/{name}"


_CSV_LIMIT: Final = 64 << 20
_COLUMNS: Final = ("id", *_LISTS, "entity", "located_in", "verified_until")


def read_csv(data: bytes, *, tenant: str, now: Instant, days: float) -> tuple[Person, ...]:
    """Read the table of a tenant's administrator.

    The header names columns of a person line, `id` first among equals. Codes in a cell are separated by
    spaces; an empty cell is unknown, `none` is "known: none". Without `verified_until` the facts hold for
    `days` from now, and never longer.

    Args:
        data: UTF-8, comma-separated (RFC 4180).
        tenant: whose people they are; ids become `TENANT/ID`.
        now: when the administrator attests.
        days: the longest time an attestation is believed.

    Raises:
        AccessError: says the line; nothing is imported.
    """
    if len(data) > _CSV_LIMIT:
        raise AccessError(
            "the table is too large", expected=f"at most {_CSV_LIMIT} bytes", found=f"{len(data)}"
        )
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise AccessError("not a CSV table in UTF-8", found=str(error)[:120]) from error
    header, latest = (rows[0] if rows else []), latest_of(now, days)
    unknown = [name for name in header if name not in _COLUMNS]
    if "id" not in header or unknown or len(set(header)) != len(header):
        raise AccessError(
            "the table's header is wrong", expected=", ".join(_COLUMNS), found=", ".join(header)[:200]
        )
    people: dict[str, Person] = {}
    for number, row in enumerate(rows[1:], 2):
        where = f"line {number}"
        if not row:
            continue
        if len(row) != len(header):
            raise AccessError(
                f"{where} has other cells than the header", expected=f"{len(header)}", found=f"{len(row)}"
            )
        cells = dict(zip(header, (cell.strip() for cell in row), strict=True))
        one = person({name: _cell(name, cell) for name, cell in cells.items()}, where=where)
        if one.id in people:
            raise AccessError(f"{where}: {one.id!r} stands twice")
        until = latest if one.verified_until is None else min(one.verified_until, latest)
        people[one.id] = Person(person_id(tenant, one.id), _settled(one.facts), until)
    return tuple(people.values())


def _cell(name: str, cell: str) -> Any:
    if not cell:
        return None
    if name in _LISTS:
        return [] if cell == NONE else cell.split()
    return cell
