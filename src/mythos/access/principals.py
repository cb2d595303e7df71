"""Who stands behind a request: a person, or a service account that a person answers for, and their tenant.

Every principal of the chain must be allowed. An API key is bound to exactly one chain, and only its hash is
kept; a key that is bound to nobody opens nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from mythos.access.decide import Decider, Decision
from mythos.access.people import UNKNOWN, Person
from mythos.errors import AccessError
from mythos.units import Digest, Instant

Role = Literal["person", "service-account", "accountable", "tenant"]


@dataclass(frozen=True, slots=True)
class Binding:
    """What an API key is bound to. For a service account `accountable` names the person who answers for it.

    `tenant` is the legal person (a person line) whose key it is; ids are ids of person lines.
    """

    key: Digest
    subject: str
    tenant: str
    service_account: bool = False
    accountable: str | None = None

    def __post_init__(self) -> None:
        if self.service_account != (self.accountable is not None):
            raise AccessError(
                "a service account needs a person who answers for it, and nobody else has one",
                expected="accountable exactly for service accounts",
                found=f"{self.subject!r}, accountable {self.accountable!r}",
            )

    @property
    def chain(self) -> tuple[tuple[Role, str], ...]:
        """The principals, nearest first."""
        if self.accountable is None:
            return (("person", self.subject), ("tenant", self.tenant))
        return (("service-account", self.subject), ("accountable", self.accountable), ("tenant", self.tenant))


def key_digest(key: str) -> Digest:
    """What is kept of an API key, and what bindings are looked up by. Keys are random: no salt is needed."""
    return Digest(hashlib.sha256(b"mythos api key\n" + key.encode()).digest())


@dataclass(frozen=True, slots=True)
class Answer:
    """The decision for a chain: the first refusal met, or the nearest principal's allowance, and whose."""

    decision: Decision
    role: Role
    principal: str


def decide_chain(
    decider: Decider,
    chain: Iterable[tuple[Role, str]],
    people: Mapping[str, Person],
    model: str,
    act: str,
    lo: Instant,
    hi: Instant,
    *,
    located_in: str | None,
) -> Answer:
    """Decide for every principal; each must be allowed.

    Args:
        decider: of the set in force.
        chain: roles and ids, nearest first; the service account itself has the facts of its own line.
        people: what the hub knows; an id it does not know is a person of whom nothing is known.
        model: the digest of the weights that will answer, after routing.
        act: access or transfer.
        lo: the earliest instant it may be now
        hi: and the latest.
        located_in: where this request shows that it comes from; `None` when it shows nothing. A claim about
            an earlier place never counts, and the place is the same for everyone in the chain.
    """
    first: Answer | None = None
    for role, name in chain:
        known = people.get(name, Person(name, UNKNOWN))
        here = Person(known.id, known.facts._replace(located_in=located_in), known.verified_until)
        answer = Answer(decider.decide(here, model, act, lo, hi), role, name)
        if not answer.decision.allowed:
            return answer
        first = first or answer
    if first is None:
        raise AccessError("nobody stands behind this request", expected="at least one principal")
    return first


__all__ = ["Answer", "Binding", "Role", "decide_chain", "key_digest"]
