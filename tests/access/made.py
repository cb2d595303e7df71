"""Small makers for tests: a directive from keywords, a person from facts, a set, an answer."""

import json

from mythos.access.decide import Plan
from mythos.access.directive import Directive
from mythos.access.directives import Directives
from mythos.access.lineage import Model
from mythos.access.people import Entities, person
from mythos.units import Instant

T0 = "2026-06-12T00:00:00Z"
FAR = "2030-01-01T00:00:00Z"


def directive(name="d", effect="refuse", **more):
    document = {
        "id": name,
        "authority": "us-bis",
        "kind": "order",
        "effective": T0,
        "models": ["m"],
        "acts": ["access"],
        "who": {"any": True},
        "effect": effect,
        "cite": f"cite of {name}",
    }
    return Directive.parse(json.dumps(document | more).encode(), where=name)


def someone(name="p", **facts):
    known = {"citizenships": [], "permanent_residencies": [], "protected_in": [], "entity": "none"}
    return person({"id": name, "located_in": "JP", "verified_until": FAR} | known | facts)


def at(text):
    return Instant.parse(text)


def plan(*directives, entities=(), model="m", act="access", lo=T0, hi=None):
    law = directives[0] if directives and isinstance(directives[0], Directives) else Directives.of(directives)
    named = model if isinstance(model, Model) else Model.named(model)
    return Plan(law, Entities.of(entities), named, act, at(lo), at(hi or lo))


def answer(who, *directives, lo=T0, hi=None, **more):
    return plan(*directives, lo=lo, hi=hi, **more).decide(who, at(hi or lo))


def reason(who, *directives, **more):
    return answer(who, *directives, **more).reason
