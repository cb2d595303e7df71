"""Reads a YAML document into a frozen dataclass, strictly, from its annotations alone.

A missing or unknown field and a value of another type are refused with the file and the path of the field.
`from_` and `with_` are `from` and `with`; a dataclass with a field `en` may be written as its English text,
and one with `OPEN` may have fields that nobody reads.
"""

from __future__ import annotations

import dataclasses
import types
from datetime import date
from functools import cache
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from mythos.errors import InputError, MythosError, RegimeError
from mythos.regimes.scalar import day


def read(kind: Any, value: Any, where: str) -> Any:
    """As a dataclass, `str`, `bool`, `date`, `Literal`, `tuple[X, ...]`, `dict[str, X]` or `X | None`.

    Raises:
        RegimeError: says where, what was expected and what was found.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in {Union, types.UnionType}:
        return None if value is None else read(arguments[0], value, where)
    if origin is Literal:
        if value not in arguments:
            raise wrong(where, f"one of {', '.join(arguments)}", value)
        return value
    if origin is tuple and isinstance(value, list):
        return tuple(
            read(arguments[0], one, f"{where}[{n}]") for n, one in enumerate(cast("list[Any]", value))
        )
    if origin is dict and isinstance(value, dict):
        return {
            name: read(arguments[1], one, f"{where}.{name}")
            for name, one in cast("dict[str, Any]", value).items()
        }
    if dataclasses.is_dataclass(kind):
        return _record(cast("type[Any]", kind), value, where)
    if kind is date:
        try:
            return day(value, where)
        except InputError as error:
            raise located("", error) from error
    if (kind is str and isinstance(value, str) and value.strip()) or (
        kind is bool and isinstance(value, bool)
    ):
        return value
    raise wrong(
        where, {str: "text", bool: "true or false", tuple: "a list", dict: "a mapping"}[origin or kind], value
    )


@cache
def _fields(kind: type[Any]) -> dict[str, tuple[str, Any, bool]]:
    hints = get_type_hints(kind)
    return {
        f.name.removesuffix("_"): (
            f.name,
            hints[f.name],
            f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING,
        )
        for f in dataclasses.fields(kind)
        if f.metadata.get("written", True)
    }


def _record(kind: type[Any], value: Any, where: str) -> Any:
    known = _fields(kind)
    body: Any = {"en": value} if isinstance(value, str) and "en" in known else value
    if not isinstance(body, dict):
        raise wrong(where, "a mapping", body)
    given = cast("dict[str, Any]", body)
    missing = [name for name, (_, _, needed) in known.items() if needed and name not in given]
    unknown = [name for name in given if name not in known and not getattr(kind, "OPEN", False)]
    if missing or unknown:
        raise wrong(where, f"the fields {', '.join(known)}", f"missing {missing}, unknown {unknown}")
    return kind(
        **{
            known[name][0]: read(known[name][1], one, f"{where}.{name}")
            for name, one in given.items()
            if name in known
        }
    )


def wrong(where: str, expected: str, found: object) -> RegimeError:
    """A field is wrong."""
    return RegimeError(f"{where} is wrong", expected=expected, found=repr(found)[:160])


def located(where: str, error: MythosError) -> RegimeError:
    """The same trouble, found at a place in a file."""
    return RegimeError(
        f"{where}{error.message}", expected=error.expected, found=error.found, advice=error.advice
    )
