"""What a `who` says about a person, compiled to closures: true, false, or `None` for unknown.

Kleene's strong logic all the way: unknown stays unknown unless the other part settles it, so a tautology
over an unknown fact is unknown too, and a refusal then holds.
"""

from __future__ import annotations

from collections.abc import Callable

from mythos.access.directive import Who
from mythos.access.people import NONE, Entities, Facts

Truth = bool | None
Holds = Callable[[Facts], Truth]


def compile_who(who: Who, entities: Entities) -> Holds:
    """A `who` as a closure over facts: true, false, or `None` for unknown (Kleene's strong logic)."""
    match who.word:
        case "any":
            return lambda _facts: True
        case "foreign_person_of":
            return _foreign(who.values[0])
        case "citizen_of":
            return _citizen(frozenset(who.values))
        case "located_in":
            return _located(frozenset(who.values))
        case "entity_in":
            return _listed(frozenset(who.values) - {NONE})
        case "headquartered_in":
            return _headquartered(frozenset(who.values), entities)
        case "not":
            return _negated(compile_who(who.parts[0], entities))
        case word:
            parts = tuple(compile_who(part, entities) for part in who.parts)
            return _joined(parts, settles=word == "any_of")


def _foreign(home: str) -> Holds:
    def holds(facts: Facts) -> Truth:
        citizenships, residencies, protected, _, _ = facts
        if citizenships is not None and home in citizenships:
            return False
        if residencies is not None and home in residencies:
            return False
        if protected is not None and home in protected:
            return False
        return None if citizenships is None or residencies is None or protected is None else True

    return holds


def _citizen(codes: frozenset[str]) -> Holds:
    def holds(facts: Facts) -> Truth:
        citizenships = facts[0]
        return None if citizenships is None else not codes.isdisjoint(citizenships)

    return holds


def _located(codes: frozenset[str]) -> Holds:
    def holds(facts: Facts) -> Truth:
        place = facts[4]
        return None if place is None else place in codes

    return holds


def _listed(ids: frozenset[str]) -> Holds:
    def holds(facts: Facts) -> Truth:
        entity = facts[3]
        return None if entity is None else entity in ids

    return holds


def _headquartered(codes: frozenset[str], entities: Entities) -> Holds:
    chain_of = entities.chain

    def holds(facts: Facts) -> Truth:
        entity = facts[3]
        if entity is None:
            return None
        if entity == NONE:
            return False
        chain = chain_of(entity)
        if not codes.isdisjoint(chain.seats):
            return True
        return False if chain.complete else None

    return holds


def _negated(part: Holds) -> Holds:
    def holds(facts: Facts) -> Truth:
        value = part(facts)
        return None if value is None else not value

    return holds


def _joined(parts: tuple[Holds, ...], *, settles: bool) -> Holds:
    """`any_of` is settled by one true part, `all_of` by one false part."""

    def holds(facts: Facts) -> Truth:
        result: Truth = not settles
        for part in parts:
            value = part(facts)
            if value is settles:
                return settles
            if value is None:
                result = None
        return result

    return holds
