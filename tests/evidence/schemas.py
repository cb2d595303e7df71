"""The JSON Schema of a predicate, from the annotations that its codec reads.

`python -m tests.evidence.schemas` writes the shipped files anew; a test compares them with this.
"""

import json
import types
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from mythos.evidence.predicates import PREDICATES, Count, Predicate, Record
from mythos.evidence.predicates.codec import shape
from mythos.evidence.statement import predicate_type
from mythos.units import Digest, Flop, Instant

FOLDER = Path(__file__).parents[2] / "src" / "mythos" / "evidence" / "schemas"
_DECIMAL = {"type": "string", "pattern": "^(0|[1-9][0-9]*)$"}
_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer", "minimum": 0, "maximum": (1 << 53) - 1},
    Digest: {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
    Instant: {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$"},
    Flop: _DECIMAL,
    Count: _DECIMAL,
}


def path(name: str) -> Path:
    return FOLDER / f"{name}.v1.schema.json"


def schema(predicate: type[Predicate]) -> dict[str, Any]:
    told = (predicate.__doc__ or "").strip().splitlines()[0]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": predicate_type(predicate.NAME),
        "title": predicate.NAME,
        "description": told,
    } | _object(predicate)


def _object(record: type[Record]) -> dict[str, Any]:
    properties = {name: _of(kind) for _, name, kind in shape(record)}
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def _of(kind: Any) -> dict[str, Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return {}
    if origin in {types.UnionType, Union}:
        inner = next(a for a in arguments if a is not types.NoneType)
        return {"anyOf": [_of(inner), {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _of(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of(arguments[1])}
    return _object(kind) if issubclass(kind, Record) else _PLAIN[kind]


def text(predicate: type[Predicate]) -> str:
    return json.dumps(schema(predicate), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for each in PREDICATES.values():
        path(each.NAME).write_text(text(each), encoding="utf-8")
