"""What a `who` says about a person, compiled to closures: true, false, or `None` for unknown.

Kleene's strong logic all the way: unknown stays unknown unless the other part settles it, so a tautology
over an unknown fact is unknown too, and a refusal then holds.

A `Reading` turns facts into one whole number whose bits are the answers to the questions that some directives
ask, so that a country nobody names and an entity nobody tells apart cost nothing twice. Closures read bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from mythos.access.directive import FACTS_READ, Who
from mythos.access.people import NONE, Entities, Facts

Truth = bool | None
Holds = Callable[[int], Truth]

KEPT: Final = 1 << 16
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_NAMES: Final = (*Facts._fields, "headquartered_in", "parent")
"""The facts that can be unknown: bit i of a word says that `_NAMES[i]` is."""
_BIT: Final = {name: 1 << place for place, name in enumerate(_NAMES)}
_BY_NAME: Final = tuple((_BIT[name], name) for name in sorted(_NAMES))


class Kept(dict[_Key, _Value]):
    """A pure function whose values are kept: looking one up costs no call. Emptied when it is full."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[_Key], _Value]) -> None:
        self._function = function

    def __missing__(self, key: _Key) -> _Value:
        if len(self) >= KEPT:
            self.clear()
        value = self[key] = self._function(key)
        return value


class Reading:
    """The questions of some `who`, numbered.

    Attributes:
        citizenships, residencies, protected, entity, place: the bits of each fact's values; the word of a
            person is the union of the five.
    """

    __slots__ = ("_bits", "_entities", "citizenships", "entity", "place", "protected", "residencies")

    def __init__(self, whos: Iterable[Who], entities: Entities) -> None:
        self._entities = entities
        self._bits: dict[Who, int] = {}
        place = len(_NAMES)
        for atom in dict.fromkeys(atom for who in whos for atom in who.atoms()):
            self._bits[atom] = 1 << place
            place += 2 if atom.word == "headquartered_in" else 1
        homes = self._asked("foreign_person_of")
        self.citizenships = Kept(self._listed("citizenships", homes + self._asked("citizen_of")))
        self.residencies = Kept(self._listed("permanent_residencies", homes))
        self.protected = Kept(self._listed("protected_in", homes))
        self.entity = Kept(self._entity)
        self.place = Kept(self._place)

    def word(self, facts: Facts) -> int:
        """Everything the questions can find in these facts."""
        citizenships, residencies, protected, entity, place = facts
        return (
            self.citizenships[citizenships]
            | self.residencies[residencies]
            | self.protected[protected]
            | self.entity[entity]
            | self.place[place]
        )

    def holds(self, who: Who) -> Holds:
        """A `who` as a closure over words."""
        match who.word:
            case "any":
                return lambda _word: True
            case "not":
                return _negated(self.holds(who.parts[0]))
            case "all_of" | "any_of" as word:
                return _joined(tuple(self.holds(part) for part in who.parts), settles=word == "any_of")
            case "foreign_person_of":
                return _negated(_asked(self._bits[who], self._doubt(who)))
            case _:
                return _asked(self._bits[who], self._doubt(who))

    def kept(self, who: Who) -> tuple[int, Kept[int, Truth]]:
        """The bits that a `who` looks at, and its answers by those bits."""
        mask = 0
        for atom in who.atoms():
            mask |= self._bits[atom] | self._doubt(atom)
        return mask, Kept(self.holds(who))

    def _doubt(self, atom: Who) -> int:
        """The bits that make an atom unknown."""
        if atom.word == "headquartered_in":
            return self._bits[atom] << 1
        return sum(_BIT[name] for name in FACTS_READ[atom.word])

    def _asked(self, word: str) -> list[tuple[frozenset[str], int]]:
        return [(frozenset(atom.values), bit) for atom, bit in self._bits.items() if atom.word == word]

    def _listed(
        self, name: str, asked: list[tuple[frozenset[str], int]]
    ) -> Callable[[tuple[str, ...] | None], int]:
        def bits(codes: tuple[str, ...] | None) -> int:
            if codes is None:
                return _BIT[name]
            return sum(bit for values, bit in asked if not values.isdisjoint(codes))

        return bits

    def _place(self, place: str | None) -> int:
        if place is None:
            return _BIT["located_in"]
        return sum(bit for values, bit in self._asked("located_in") if place in values)

    def _entity(self, entity: str | None) -> int:
        seats = self._asked("headquartered_in")
        if entity is None:
            return _BIT["entity"] + sum(bit << 1 for _, bit in seats)
        if entity == NONE:
            return 0
        bits = sum(bit for values, bit in self._asked("entity_in") if entity in values)
        if not seats:
            return bits
        chain = self._entities.chain(entity)
        for values, bit in seats:
            if not values.isdisjoint(chain.seats):
                bits += bit
            elif not chain.complete:
                bits += bit << 1
        return bits + sum(_BIT[name] for name in chain.missing)


def reads(whos: Iterable[Who]) -> int:
    """The facts that some `who` read, as bits."""
    words = {atom.word for who in whos for atom in who.atoms()}
    names = {name for word in words for name in FACTS_READ[word]}
    if "headquartered_in" in words:
        names |= {"headquartered_in", "parent"}
    return sum(_BIT[name] for name in names)


def unknown(word: int, read: int) -> tuple[str, ...]:
    """The names of the unknown facts among those that are read, sorted."""
    return tuple([name for bit, name in _BY_NAME if bit & word & read])


def _asked(true: int, unknown: int) -> Holds:
    def holds(word: int) -> Truth:
        return True if word & true else None if word & unknown else False

    return holds


def _negated(part: Holds) -> Holds:
    def holds(word: int) -> Truth:
        value = part(word)
        return None if value is None else not value

    return holds


def _joined(parts: tuple[Holds, ...], *, settles: bool) -> Holds:
    """`any_of` is settled by one true part, `all_of` by one false part."""

    def holds(word: int) -> Truth:
        result: Truth = not settles
        for part in parts:
            value = part(word)
            if value is settles:
                return settles
            if value is None:
                result = None
        return result

    return holds
