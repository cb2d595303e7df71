"""People as a directory provisions them: SCIM 2.0 users (RFC 7643) to the facts of persons.

The facts stand in an extension of the user, `urn:mythos:scim:schemas:person:1.0`, with the names of a person
line; the employer is the enterprise extension's `organization`, through a table of the operator. A user who
is not active, or whose extension is missing, is somebody of whom nothing is known: never somebody who is not
there. Read as one resource, a ListResponse, or PatchOp (RFC 7644 section 3.5.2) on what was read before.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final, cast

from mythos.access.people import NONE, UNKNOWN, Person, person
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
        one = _user(user, f"user {number}", tenant, entities, now.plus(days * 86_400))
        if one.id in people:
            raise AccessError(f"user {number}: {one.id!r} stands twice")
        people[one.id] = one
    return tuple(people.values())


def _user(value: Any, at: str, tenant: str, entities: Mapping[str, str], latest: Instant) -> Person:
    user = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    name, schemas = user.get("id"), user.get("schemas")
    if not (isinstance(name, str) and name and isinstance(schemas, list) and USER in schemas):
        raise AccessError(f"{at} is no SCIM user", expected=f"id and the schema {USER}")
    told: Any = user.get(PERSON)
    if user.get("active", True) is not True or not isinstance(told, dict):
        return Person(f"{tenant}/{name}", UNKNOWN)
    facts = cast("dict[str, Any]", told)
    unknown = sorted(facts.keys() - set(_FACTS))
    if unknown:
        raise AccessError(f"{at}: {PERSON} has no {unknown[0]!r}", expected=", ".join(_FACTS))
    employer: Any = user.get(ENTERPRISE)
    word: Any = cast("dict[str, Any]", employer).get("organization") if isinstance(employer, dict) else None
    entity = word if word == NONE else entities.get(word) if isinstance(word, str) else None
    one = person({"id": f"{tenant}/{name}", "entity": entity, **facts}, where=at)
    until = latest if one.verified_until is None else min(one.verified_until, latest)
    return Person(one.id, one.facts, until)


def patch(user: Mapping[str, Any], operations: Mapping[str, Any]) -> dict[str, Any]:
    """Apply a PatchOp to a user and return the user it makes; attributes and one level of an extension.

    Raises:
        AccessError: not a PatchOp, an operation or path that is not supported; nothing was applied.
    """
    schemas, listed = operations.get("schemas"), operations.get("Operations")
    if not (isinstance(schemas, list) and PATCH in schemas and isinstance(listed, list)):
        raise AccessError("not a SCIM PatchOp", expected=f"the schema {PATCH} and Operations")
    made: dict[str, Any] = copy.deepcopy(dict(user))
    for number, value in enumerate(cast("list[Any]", listed), 1):
        operation = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        kind, path = str(operation.get("op", "")).lower(), operation.get("path")
        if kind not in _OPERATIONS or (kind == "remove") is ("value" in operation):
            raise AccessError(
                f"operation {number} is not supported", expected="add, replace or remove", found=kind[:40]
            )
        if path is None:
            if not isinstance(operation.get("value"), dict):
                raise AccessError(
                    f"operation {number} changes nothing", expected="a path, or an object as value"
                )
            for key, held in cast("dict[str, Any]", operation["value"]).items():
                _set(made, key, held, remove=False)
        elif isinstance(path, str) and path and "[" not in path:
            _set(made, path, operation.get("value"), remove=kind == "remove")
        else:
            raise AccessError(f"operation {number}: the path is not supported", found=str(path)[:60])
    return made


def _set(user: dict[str, Any], path: str, value: Any, *, remove: bool) -> None:
    """Set `attribute`, `urn:…:extension` or `urn:…:extension:attribute`."""
    extension = next((name for name in (PERSON, ENTERPRISE) if path.startswith(f"{name}:")), None)
    holder: dict[str, Any] = user
    if extension is not None:
        inner = user.setdefault(extension, {})
        if not isinstance(inner, dict):
            raise AccessError(f"{extension} is not an object")
        holder, path = cast("dict[str, Any]", inner), path.removeprefix(f"{extension}:")
    if path in {"id", "schemas"}:
        raise AccessError(f"{path} cannot be changed")
    if remove:
        holder.pop(path, None)
    else:
        holder[path] = value
