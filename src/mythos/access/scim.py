"""People as a directory provisions them: SCIM 2.0 users (RFC 7643) to the facts of persons.

The facts stand in an extension of the user, `urn:mythos:scim:schemas:person:1.0`, with the names of a person
line; the employer is the enterprise extension's `organization`, through a table of the operator. A user who
is not active, or whose extension is missing, is somebody of whom nothing is known: never somebody who is not
there. Read as one resource, a ListResponse, or PatchOp (RFC 7644 section 3.5.2) on what was read before;
`Active` is `active` (RFC 7643 section 2.1).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any, Final, cast

from mythos.access.claims import latest_of, person_id
from mythos.access.people import UNKNOWN, Person, person
from mythos.errors import AccessError
from mythos.units import Instant

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PERSON: Final = "urn:mythos:scim:schemas:person:1.0"
LIST: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MAX_USERS: Final = 1_000_000
_FACTS: Final = ("citizenships", "permanent_residencies", "protected_in", "located_in", "verified_until")
_OPERATIONS: Final = ("add", "replace", "remove")
_NAMES: Final = {
    name.lower(): name
    for name in (*_FACTS, "schemas", "id", "active", "organization", "Resources", USER, ENTERPRISE, PERSON)
}
_ATTRIBUTE: Final = re.compile(r"[a-z$][\w$-]*", re.ASCII | re.IGNORECASE)


def read_users(
    document: Mapping[str, Any], *, tenant: str, entities: Mapping[str, str], now: Instant, days: float
) -> tuple[Person, ...]:
    """The persons of a user or of a ListResponse, ids `TENANT/ID`.

    Args:
        document: the parsed JSON.
        tenant: whose directory it is.
        entities: the directory's word for an employer to an entity id; a word that is not here is unknown.
        now: when it was read.
        days: the longest time that its facts are believed.

    Raises:
        AccessError: not SCIM, a user without id, or two of one id.
    """
    document, latest = _named(document, "the document"), latest_of(now, days)
    schemas = document.get("schemas")
    if not isinstance(schemas, list):
        raise AccessError("not a SCIM document", expected="schemas", found=repr(schemas)[:60])
    users: list[Any] = [document]
    if LIST in schemas:
        resources = document.get("Resources", [])
        users = cast("list[Any]", resources) if isinstance(resources, list) else [None]
    if len(users) > MAX_USERS:
        raise AccessError("too many users", expected=f"at most {MAX_USERS}", found=f"{len(users)}")
    people: dict[str, Person] = {}
    for number, user in enumerate(users, 1):
        one = _user(user, f"user {number}", tenant, entities, latest)
        if one.id in people:
            raise AccessError(f"user {number}: {one.id!r} stands twice")
        people[one.id] = one
    return tuple(people.values())


def _user(value: Any, at: str, tenant: str, entities: Mapping[str, str], latest: Instant) -> Person:
    user = _named(value, at)
    name, schemas = user.get("id"), user.get("schemas")
    if not (isinstance(name, str) and name and isinstance(schemas, list) and USER in schemas):
        raise AccessError(f"{at} is no SCIM user", expected=f"id and the schema {USER}")
    identity, told = person_id(tenant, name), user.get(PERSON)
    if user.get("active", True) is not True or not isinstance(told, dict):
        return Person(identity, UNKNOWN)
    facts = _named(told, at)
    unknown = sorted(facts.keys() - set(_FACTS))
    if unknown:
        raise AccessError(f"{at}: {PERSON} has no {unknown[0]!r}", expected=", ".join(_FACTS))
    word = _named(user.get(ENTERPRISE), at).get("organization")
    entity = entities.get(word) if isinstance(word, str) else None
    one = person({"id": identity, "entity": entity, **facts}, where=at)
    until = latest if one.verified_until is None else min(one.verified_until, latest)
    return Person(one.id, one.facts, until)


def _named(value: Any, at: str) -> dict[str, Any]:
    """An object with the names of its attributes as this file spells them; empty when it is none."""
    made: dict[str, Any] = {}
    for told, held in cast("dict[str, Any]", value).items() if isinstance(value, Mapping) else ():
        name = _NAMES.get(told.lower(), told)
        if name in made:
            raise AccessError(f"{at}: {name} stands twice", found=told[:60])
        made[name] = held
    return made


def patch(user: Mapping[str, Any], operations: Mapping[str, Any]) -> dict[str, Any]:
    """Apply a PatchOp to a user and return the user it makes; attributes and one level of an extension.

    What is added to a list joins it; an extension given as an object is changed attribute by attribute.

    Raises:
        AccessError: not a PatchOp, an operation or path that is not supported; nothing was applied.
    """
    schemas, listed = operations.get("schemas"), operations.get("Operations")
    if not (isinstance(schemas, list) and PATCH in schemas and isinstance(listed, list)):
        raise AccessError("not a SCIM PatchOp", expected=f"the schema {PATCH} and Operations")
    made = copy.deepcopy(_named(user, "the user"))
    for number, value in enumerate(cast("list[Any]", listed), 1):
        operation = _named(value, f"operation {number}")
        kind, path = str(operation.get("op", "")).lower(), operation.get("path")
        if kind not in _OPERATIONS or (kind == "remove") is ("value" in operation):
            raise AccessError(
                f"operation {number} is not supported", expected="add, replace or remove", found=kind[:40]
            )
        changes: Any = operation.get("value") if path is None else {str(path): operation.get("value")}
        if not isinstance(changes, dict):
            raise AccessError(f"operation {number} changes nothing", expected="a path, or an object as value")
        for name, change in cast("dict[str, Any]", changes).items():
            _set(made, name, change, kind, f"operation {number}")
    return made


def _set(user: dict[str, Any], path: str, value: Any, kind: str, at: str) -> None:
    """Change `attribute`, `urn:…:User:attribute`, `urn:…:extension` or `urn:…:extension:attribute`."""
    within = next(
        (urn for urn in (PERSON, ENTERPRISE, USER) if path.lower().startswith(f"{urn.lower()}:")), ""
    )
    name = path[len(within) + 1 :] if within else path
    name = _NAMES.get(name.lower(), name)
    whole = not within and name in {PERSON, ENTERPRISE}
    if not whole and not _ATTRIBUTE.fullmatch(name):
        raise AccessError(f"{at}: the path is not supported", expected="an attribute", found=path[:60])
    if name in {"id", "schemas"} or (name == "active" and kind == "remove"):
        raise AccessError(f"{at}: {name} cannot be changed so")
    if whole and kind != "remove" and isinstance(value, dict):
        for inner, held in cast("dict[str, Any]", value).items():
            _set(user, f"{name}:{inner}", held, kind, at)
        return
    holder = user
    if within and within != USER:
        holder = user[within] = _named(user.get(within), at)
    held: Any = holder.get(name)
    if kind == "remove":
        holder.pop(name, None)
    elif kind == "add" and isinstance(held, list):
        before, more = (
            cast("list[Any]", held),
            cast("list[Any]", value if isinstance(value, list) else [value]),
        )
        holder[name] = [*before, *(one for one in more if one not in before)]
    else:
        holder[name] = value
