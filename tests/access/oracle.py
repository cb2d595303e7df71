"""A slow oracle of who may use a model, written from the contract's sentences and from nothing else.

It works on plain dicts as they stand in the files, walks every directive for every person, and spells
truth as the letters T, F and U in tables. It shares no line, type or idea with the room it judges; each
function quotes the sentence it answers for. It was written before the room.
"""

from datetime import datetime

NOT = {"T": "F", "F": "T", "U": "U"}
AND = {"TT": "T", "TF": "F", "TU": "U", "FT": "F", "FF": "F", "FU": "F", "UT": "U", "UF": "F", "UU": "U"}
OR = {"TT": "T", "TF": "T", "TU": "T", "FT": "T", "FF": "F", "FU": "U", "UT": "T", "UF": "U", "UU": "U"}


def when(text):
    """Times RFC 3339 with a zone."""
    moment = datetime.fromisoformat(text)
    assert moment.tzinfo is not None
    return moment


def fact(person, name, hi):
    """When `verified_until` is absent, null or not later than the instant, every fact is unknown.

    Verified facts hold only if all instants of the interval allow it, so its last one counts.
    """
    until = person.get("verified_until")
    if until is None or not when(until) > hi:
        return None
    return person.get(name)


def holds_country(person, name, country, hi):
    known = fact(person, name, hi)
    return "U" if known is None else "T" if country in known else "F"


def headquarters(entity, codes, entities):
    """True when the entity or any ancestor is known to be headquartered there.

    False when the whole chain up to a known "none" is known and none is, unknown otherwise.
    """
    anything_unknown = False
    while entity != "none":
        line = entities.get(entity)
        if line is None:
            return "U"
        seat = line.get("headquartered_in")
        if seat is None:
            anything_unknown = True
        elif seat in codes:
            return "T"
        entity = line.get("parent")
        if entity is None:
            return "U"
    return "U" if anything_unknown else "F"


def truth(who, person, lists, entities, hi):
    """Logic is three-valued (Kleene) all the way."""
    [(word, value)] = who.items()
    if word == "any":
        return "T"
    if word == "foreign_person_of":
        answer = "F"
        for name in ("citizenships", "permanent_residencies", "protected_in"):
            answer = OR[answer + holds_country(person, name, value, hi)]
        return NOT[answer]
    if word == "citizen_of":
        answer = "F"
        for country in value:
            answer = OR[answer + holds_country(person, "citizenships", country, hi)]
        return answer
    if word == "located_in":
        place = fact(person, "located_in", hi)
        return "U" if place is None else "T" if place in value else "F"
    if word in ("entity_in", "headquartered_in"):
        entity = fact(person, "entity", hi)
        if entity is None:
            return "U"
        if entity == "none":  # in no list and headquartered nowhere
            return "F"
        if word == "entity_in":
            return "T" if entity in lists[value] else "F"
        return headquarters(entity, value, entities)
    if word == "not":
        return NOT[truth(value, person, lists, entities, hi)]
    table, answer = (AND, "T") if word == "all_of" else (OR, "F")
    for part in value:
        answer = table[answer + truth(part, person, lists, entities, hi)]
    return answer


def end_of(directive, directives):
    """The earliest of `ends` and the `effective` of any directive that supersedes it and takes effect."""
    ends = [when(directive["ends"])] if directive.get("ends") else []
    ends += [
        when(other["effective"])
        for other in directives
        if directive["id"] in other.get("supersedes", []) and takes_effect(other, directives)
    ]
    return min(ends) if ends else None


def takes_effect(directive, directives):
    """One whose end is not later than its `effective` never takes effect and supersedes nothing."""
    end = end_of(directive, directives)
    return end is None or end > when(directive["effective"])


def in_force_at_some_instant(directive, directives, lo, hi):
    end = end_of(directive, directives)
    return (
        takes_effect(directive, directives)
        and when(directive["effective"]) <= hi
        and (end is None or end > lo)
    )


def in_force_at_every_instant(directive, directives, lo, hi):
    end = end_of(directive, directives)
    return (
        takes_effect(directive, directives)
        and when(directive["effective"]) <= lo
        and (end is None or end > hi)
    )


def about(directive, names, act):
    return act in directive["acts"] and any(model == "*" or model in names for model in directive["models"])


def could_lift(allow, refusal):
    """Same authority; `effective` not later than its own, or named in `lifts`."""
    return allow["authority"] == refusal["authority"] and (
        when(refusal["effective"]) <= when(allow["effective"]) or refusal["id"] in allow.get("lifts", [])
    )


def facts_read(who, person, entities, hi):
    """The names of the unknown facts that a `who` reads."""
    [(word, value)] = who.items()
    if word in ("all_of", "any_of"):
        return set().union(*(facts_read(part, person, entities, hi) for part in value))
    if word == "not":
        return facts_read(value, person, entities, hi)
    direct = {
        "any": [],
        "foreign_person_of": ["citizenships", "permanent_residencies", "protected_in"],
        "citizen_of": ["citizenships"],
        "located_in": ["located_in"],
        "entity_in": ["entity"],
        "headquartered_in": ["entity"],
    }[word]
    unknown = {name for name in direct if fact(person, name, hi) is None}
    if word == "headquartered_in":
        entity = fact(person, "entity", hi)
        while entity not in (None, "none"):
            line = entities.get(entity, {})
            unknown |= {name for name in ("headquartered_in", "parent") if line.get(name) is None}
            entity = line.get("parent")
    return unknown


def decide(person, entities, directives, names, act, lo, hi=None):
    """One answer for one person.

    `entities` is {id: line}; `names` every name and digest that the model and its ancestors bear.
    """
    hi = lo if hi is None else hi
    matching = [d for d in directives if about(d, names, act)]
    allows = [
        d for d in matching if d["effect"] == "allow" and in_force_at_every_instant(d, directives, lo, hi)
    ]
    refusals = [
        d for d in matching if d["effect"] == "refuse" and in_force_at_some_instant(d, directives, lo, hi)
    ]

    def value(directive):
        return truth(directive["who"], person, directive.get("lists", {}), entities, hi)

    holding = [r for r in refusals if value(r) in "TU"]
    lifting = {r["id"]: [a for a in allows if could_lift(a, r) and value(a) == "T"] for r in holding}
    unlifted = [r for r in holding if not lifting[r["id"]]]
    answer = {
        "id": person["id"],
        "decision": "allow",
        "reason": "no_directive",
        "directive": None,
        "needs": [],
    }
    answer["cite"] = None
    if unlifted:
        named = min(unlifted, key=lambda r: ("TU".index(value(r)), when(r["effective"]), r["id"]))
        answer["decision"] = "refuse"
        answer["reason"] = "refused" if value(named) == "T" else "needs_fact"
        answer["directive"] = named["id"]
        answer["cite"] = named.get("cite")
        until = person.get("verified_until")
        if until is None or not when(until) > hi:
            answer["needs"] = ["verified_until"]
        else:
            readers = [named] + [a for a in allows if could_lift(a, named)]
            answer["needs"] = sorted(
                set().union(*(facts_read(d["who"], person, entities, hi) for d in readers))
            )
    elif holding:
        lifters = [a for allows_of in lifting.values() for a in allows_of]
        answer["reason"] = "exempt"
        answer["cite"] = min(lifters, key=lambda a: (when(a["effective"]), a["id"])).get("cite")
    return answer
