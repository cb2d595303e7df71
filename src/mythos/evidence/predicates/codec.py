"""How a predicate becomes JSON and back, from its annotations alone.

A predicate is a frozen dataclass whose fields are `str`, `int`, `bool`, `Digest`, `Instant`, `Count`, `Json`
(an object of another standard), a nested record, `tuple[X, ...]`, `dict[str, X]`, or any of these `| None`.
`snake_case` becomes `lowerCamelCase` (in-toto guidelines for new predicates) and `from_` is `from`. Reading
is strict: a missing or unknown field and a value that is not in its one spelling are refused, so
`from_dict(p.to_dict()) == p` and back.
"""

from __future__ import annotations

import dataclasses
import types
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Final, Self, Union, cast, get_args, get_origin, get_type_hints

from mythos.errors import InputError, MalformedError
from mythos.evidence.statement import Json, Statement, Subject, canonical, predicate_type
from mythos.units import Digest, Flop, Instant


class Count(int):
    """A whole number that may pass 2**53; JSON carries it as decimal text."""

    __slots__ = ()

    def __str__(self) -> str:
        return int.__repr__(self)


@dataclass(frozen=True, slots=True)
class Record:
    """A part of a predicate."""

    def to_dict(self) -> Json:
        """The JSON object of this record."""
        return {name: _write(getattr(self, field)) for field, name, _ in shape(type(self))}

    @classmethod
    def from_dict(cls, document: Any) -> Self:
        """Read the JSON object; the inverse of `to_dict`.

        Raises:
            MalformedError: a missing or unknown field, or a value of another type or spelling.
        """
        return _read_record(cls, document, cls.__name__)


@dataclass(frozen=True, slots=True)
class Predicate(Record):
    """What an act says; `NAME` is the act's name in the table of statements."""

    NAME: ClassVar[str]

    def statement(self, *subjects: Subject) -> Statement:
        """The statement of this act about `subjects`; without one, about the predicate itself."""
        body = self.to_dict()
        about = subjects or (Subject(self.NAME, Digest.of(canonical(body))),)
        return Statement(about, predicate_type(self.NAME), body)

    @classmethod
    def of(cls, statement: Statement) -> Self:
        """Read the predicate of a statement of this act.

        Raises:
            MalformedError: the statement is of another act, or its predicate is malformed.
        """
        if statement.predicate_type != predicate_type(cls.NAME):
            raise MalformedError(
                "a statement of another act",
                expected=predicate_type(cls.NAME),
                found=statement.predicate_type[:120],
            )
        return cls.from_dict(statement.predicate)


@cache
def shape(record: type[Record]) -> tuple[tuple[str, str, Any], ...]:
    """(field, JSON name, type) of every field of a record."""
    hints = get_type_hints(record)
    return tuple((f.name, _camel(f.name), hints[f.name]) for f in dataclasses.fields(record))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _write(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, Digest | Instant | Count | Flop):
        return str(value)
    if isinstance(value, tuple):
        return [_write(item) for item in cast("tuple[Any, ...]", value)]
    if isinstance(value, dict):
        return {key: _write(item) for key, item in cast("dict[str, Any]", value).items()}
    return value


def _read_record(record: type[Any], document: Any, where: str) -> Any:
    if not isinstance(document, dict):
        raise MalformedError(f"{where} is not an object", found=type(document).__name__)
    given = cast("Json", document)
    known = shape(record)
    names = {name for _, name, _ in known}
    if given.keys() != names:
        raise MalformedError(
            f"{where} has other fields",
            expected=", ".join(sorted(names)),
            found=", ".join(sorted(given)),
            advice=f"Missing: {sorted(names - given.keys())}; unknown: {sorted(given.keys() - names)}.",
        )
    return record(**{field: _read(kind, given[name], f"{where}.{name}") for field, name, kind in known})


_TEXTUAL: Final = {Digest: Digest.parse, Instant: Instant.parse}


def _read(kind: Any, value: Any, where: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {types.UnionType, Union}:
        inner = next(a for a in arguments if a is not types.NoneType)
        return None if value is None else _read(inner, value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise _wrong(where, "a list", value)
        listed = cast("list[Any]", value)
        return tuple(_read(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(listed))
    if origin is dict:
        if not isinstance(value, dict):
            raise _wrong(where, "an object", value)
        if arguments[1] is Any:
            return cast("Json", value)
        return {k: _read(arguments[1], v, f"{where}.{k}") for k, v in cast("Json", value).items()}
    if kind is bool or kind is int:
        if type(value) is not kind or (kind is int and value < 0):
            raise _wrong(where, "true or false" if kind is bool else "a whole number from 0", value)
        return value
    if issubclass(kind, Record):
        return _read_record(kind, value, where)
    if not isinstance(value, str):
        raise _wrong(where, "text", value)
    return value if kind is str else _read_text(kind, value, where)


def _read_text(kind: Any, value: str, where: str) -> Any:
    if kind in {Count, Flop}:
        if not value.isascii() or not value.isdigit() or len(value) > 60 or str(int(value)) != value:
            raise _wrong(where, "a canonical decimal", value)
        return kind(int(value))
    try:
        parsed = _TEXTUAL[kind](value)
    except InputError as error:
        raise _wrong(where, "a SHA-256 digest" if kind is Digest else "a time (RFC 3339)", value) from error
    if str(parsed) != value:
        raise _wrong(where, str(parsed), value)
    return parsed


def _wrong(where: str, expected: str, found: Any) -> MalformedError:
    return MalformedError(f"{where} is wrong", expected=expected, found=repr(found)[:80])


__all__ = ["Count", "Predicate", "Record", "shape"]
