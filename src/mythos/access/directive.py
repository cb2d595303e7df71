"""A directive: one signed order about people, written by a lawyer, read strictly.

The YAML is guarded (`mythos.strict_yaml`): scalars are their text, nothing stands twice, unknown keys are
refused, times carry a zone. The exact bytes are what is signed, so `Directive.document` keeps them.
The format, key by key: docs/reference/directive-format.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, cast

from mythos import strict_yaml
from mythos.access.countries import country, country_list
from mythos.errors import AccessError, InputError
from mythos.units import Digest, Instant

ANY_MODEL: Final = "*"
ACTS: Final = ("access", "transfer")
KINDS: Final = ("is-informed", "licence", "order", "policy")
EFFECTS: Final = ("refuse", "allow")
TEXTS: Final = ("read", "reported", "confidential")

_REQUIRED: Final = ("id", "authority", "kind", "effective", "models", "acts", "who", "effect")
_OPTIONAL: Final = ("ends", "supersedes", "lifts", "narrows", "lists", "cite", "source", "text")

FACTS_READ: Final[Mapping[str, tuple[str, ...]]] = {
    "any": (),
    "foreign_person_of": ("citizenships", "permanent_residencies", "protected_in"),
    "citizen_of": ("citizenships",),
    "located_in": ("located_in",),
    "entity_in": ("entity",),
    "headquartered_in": ("entity",),
}
"""The words that ask about a person, and the facts each reads (`headquartered_in` reads the entity's too)."""


@dataclass(frozen=True, slots=True)
class Who:
    """One node of a `who`: a word that asks, or `all_of`, `any_of`, `not` over parts.

    `values` are country codes; for `entity_in`, the ids of the list, whose name is `label`.
    """

    word: str
    values: tuple[str, ...] = ()
    label: str = ""
    parts: tuple[Who, ...] = ()

    def __str__(self) -> str:
        match self.word:
            case "any":
                return "anyone"
            case "not":
                return f"not ({self.parts[0]})"
            case "all_of" | "any_of":
                joint = " and " if self.word == "all_of" else " or "
                return joint.join(f"({part})" if part.parts else str(part) for part in self.parts)
            case word:
                return f"{word} {self.label or ', '.join(self.values)}"

    def atoms(self) -> tuple[Who, ...]:
        """The words that ask, left to right."""
        return tuple(atom for part in self.parts for atom in part.atoms()) if self.parts else (self,)


@dataclass(frozen=True, slots=True)
class Directive:
    """A directive as its bytes say it."""

    id: str
    authority: str
    kind: str
    effective: Instant
    ends: Instant | None
    models: frozenset[str]
    acts: frozenset[str]
    who: Who
    effect: str
    supersedes: tuple[str, ...]
    lifts: tuple[str, ...]
    narrows: bool
    lists: Mapping[str, tuple[str, ...]]
    cite: str | None
    source: str | None
    text: str | None
    document: bytes

    @property
    def digest(self) -> Digest:
        """Of the exact bytes."""
        return Digest.of(self.document)

    @property
    def order(self) -> tuple[Instant, str]:
        """Where several could be named, the earlier `effective` is, then the smaller id."""
        return (self.effective, self.id)

    @classmethod
    def parse(cls, document: bytes, *, where: str = "directive") -> Directive:
        """Read the exact bytes.

        Raises:
            AccessError: anything the contract calls wrong input; says the place and what to write.
            FormatError: not YAML of the guarded dialect.
        """
        raw = strict_yaml.loads(document, where=where)
        keys = _mapping(raw, where)
        for key in keys:
            if key not in _REQUIRED and key not in _OPTIONAL:
                _wrong(f"{where}: unknown key", ", ".join(_REQUIRED + _OPTIONAL), key)
        for key in _REQUIRED:
            if keys.get(key) is None:
                _wrong(f"{where}: {key} is missing", "a value", "nothing")
        lists = _lists(keys.get("lists"), where)
        effect = _one_of(keys["effect"], EFFECTS, f"{where}: effect")
        directive = cls(
            id=_name(keys["id"], f"{where}: id"),
            authority=_name(keys["authority"], f"{where}: authority"),
            kind=_one_of(keys["kind"], KINDS, f"{where}: kind"),
            effective=_time(keys["effective"], f"{where}: effective"),
            ends=None if keys.get("ends") is None else _time(keys["ends"], f"{where}: ends"),
            models=frozenset(_models(keys["models"], f"{where}: models")),
            acts=frozenset(
                _one_of(act, ACTS, f"{where}: acts") for act in _several(keys["acts"], f"{where}: acts")
            ),
            who=_who(keys["who"], lists, f"{where}: who"),
            effect=effect,
            supersedes=_names(keys.get("supersedes"), f"{where}: supersedes"),
            lifts=_names(keys.get("lifts"), f"{where}: lifts"),
            narrows=_flag(keys.get("narrows"), f"{where}: narrows"),
            lists=lists,
            cite=_prose(keys.get("cite"), f"{where}: cite"),
            source=_prose(keys.get("source"), f"{where}: source"),
            text=None if keys.get("text") is None else _one_of(keys["text"], TEXTS, f"{where}: text"),
            document=document,
        )
        if directive.lifts and effect != "allow":
            _wrong(f"{where}: lifts", "only in a directive whose effect is allow", effect)
        if directive.id in directive.supersedes + directive.lifts:
            _wrong(f"{where}: the directive names itself", "ids of other directives", directive.id)
        return directive


def _who(value: Any, lists: Mapping[str, tuple[str, ...]], where: str) -> Who:
    node = _mapping(value, where)
    if len(node) != 1:
        _wrong(
            f"{where} has {len(node)} keys", "exactly one; join several with all_of or any_of", sorted(node)
        )
    word, argument = next(iter(node.items()))
    where = f"{where}.{word}"
    match word:
        case "any":
            if argument is not True:
                _wrong(where, "true", argument)
            return Who(word)
        case "foreign_person_of":
            return Who(word, (country(argument, where=where),))
        case "citizen_of" | "located_in" | "headquartered_in":
            _several(argument, where)
            return Who(word, country_list(argument, where=where))
        case "entity_in":
            name = _name(argument, where)
            if name not in lists:
                _wrong(f"{where} names a list that is not here", ", ".join(lists) or "a key of lists", name)
            return Who(word, lists[name], label=name)
        case "all_of" | "any_of":
            return Who(word, parts=tuple(_who(part, lists, where) for part in _several(argument, where)))
        case "not":
            return Who(word, parts=(_who(argument, lists, where),))
        case _:
            words = ", ".join([*FACTS_READ, "all_of", "any_of", "not"])
            raise AccessError(f"{where} is not a word of who", expected=words, found=repr(word)[:80])


def _lists(value: Any, where: str) -> dict[str, tuple[str, ...]]:
    if value is None:
        return {}
    return {
        name: _names(_list(ids, f"{where}: lists.{name}"), f"{where}: lists.{name}")
        for name, ids in _mapping(value, f"{where}: lists").items()
    }


def _models(value: Any, where: str) -> tuple[str, ...]:
    models = tuple(_name(model, where) for model in _several(value, where))
    for model in models:
        if model.lower().startswith("sha256:"):
            try:
                Digest.parse(model)
            except InputError as error:
                raise AccessError(
                    f"{where}: {error.message}", expected=error.expected, found=error.found
                ) from error
    return models


def _names(value: Any, where: str) -> tuple[str, ...]:
    return () if value is None else tuple(_name(item, where) for item in _list(value, where))


def _several(value: Any, where: str) -> list[Any]:
    items = _list(value, where)
    if not items:
        _wrong(f"{where} is empty", "at least one", "[]")
    return items


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        _wrong(where, "a list", value)
    return cast("list[Any]", value)


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _wrong(where, "keys and values", value)
    return cast("dict[str, Any]", value)


def _name(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value or value != value.strip() or not value.isprintable():
        _wrong(where, "printable text without spaces around it", value)
    return value


def _prose(value: Any, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        _wrong(where, "text or null", value)
    return value


def _one_of(value: Any, words: tuple[str, ...], where: str) -> str:
    if value not in words:
        _wrong(where, " | ".join(words), value)
    return cast("str", value)


def _flag(value: Any, where: str) -> bool:
    if value is not None and not isinstance(value, bool):
        _wrong(where, "true or false", value)
    return bool(value)


def _time(value: Any, where: str) -> Instant:
    try:
        return Instant.parse(_name(value, where))
    except InputError as error:
        raise AccessError(
            f"{where} is {error.message}", expected=error.expected, found=error.found, advice=error.advice
        ) from error


def _wrong(message: str, expected: str, found: object) -> NoReturn:
    raise AccessError(message, expected=expected, found=repr(found)[:120])
