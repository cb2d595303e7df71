"""Obey an order about people in seconds, for exactly those it names, and prove it.

A *directive* says who may not, or may, use which models from when on. A *person* has facts, each known,
known to be none, or unknown, and believed until a date. `decide` joins the two: pure, in three values,
refusing where a fact that a directive in force asks for is unknown.

    law = Directives.of([Directive.parse(yaml_bytes)])
    plan = Plan(law, entities, Model.named("mythos-5"), "access", at, at)
    plan.decide(person, at)                   # Decision(reason="needs_fact", needs=("citizenships",), ...)

    countries, people, claims, tokens,        who somebody is: facts, entities, and their sources
      oidc, sdjwt, principals
    directive, directives, lineage            what is ordered, when it is in force, which models it reaches
    truth, decide, batch, preview             the answer: for one, for a file, for a draft before it is signed
    follow, lease, ledger                     the signed chain of directives as hub, owner and reader hold it
    record, report                            what was decided, proven and taken again

Nothing here waits, serves or knows the time: the hub and the owner's services call these functions. Names
are loaded on first use, so that deciding a file imports no cryptography.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mythos.access.decide import Decider, Decision, Plan
    from mythos.access.directive import Directive
    from mythos.access.directives import Directives
    from mythos.access.follow import DirectiveSet, Link, Step, acknowledge
    from mythos.access.lease import HubLease, HubView
    from mythos.access.ledger import Ledger
    from mythos.access.lineage import Lineage, Model
    from mythos.access.people import Entities, Facts, Person
    from mythos.access.principals import Answer, Binding, decide_chain
    from mythos.access.record import Record, minute_root

_HOME: Final = {
    "Answer": "principals",
    "Binding": "principals",
    "Decider": "decide",
    "Decision": "decide",
    "Directive": "directive",
    "DirectiveSet": "follow",
    "Directives": "directives",
    "Entities": "people",
    "Facts": "people",
    "HubLease": "lease",
    "HubView": "lease",
    "Ledger": "ledger",
    "Lineage": "lineage",
    "Link": "follow",
    "Model": "lineage",
    "Person": "people",
    "Plan": "decide",
    "Record": "record",
    "Step": "follow",
    "acknowledge": "follow",
    "decide_chain": "principals",
    "minute_root": "record",
}

__all__ = [
    "Answer",
    "Binding",
    "Decider",
    "Decision",
    "Directive",
    "DirectiveSet",
    "Directives",
    "Entities",
    "Facts",
    "HubLease",
    "HubView",
    "Ledger",
    "Lineage",
    "Link",
    "Model",
    "Person",
    "Plan",
    "Record",
    "Step",
    "acknowledge",
    "decide_chain",
    "minute_root",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
