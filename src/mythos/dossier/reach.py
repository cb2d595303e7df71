"""Where the weights of a grant can be read, and until when nobody may say that they cannot.

granted ──release──▶ readable ──wiped by the grant's own hub──▶ wiped
   │                    └──lease end and MARGIN passed────────▶ ended
   └──grant ended or revoked before any release───────────────▶ unused
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from mythos.dossier.acts import Act
from mythos.errors import MythosError
from mythos.evidence.note import VerifyKey
from mythos.units import Digest, Instant

MARGIN: Final = 120
"""Seconds after a lease's end before anybody may say that the weights are not readable: clocks differ."""


class State(StrEnum):
    """Where the weights of one grant stand."""

    GRANTED = "granted"
    UNUSED = "unused"
    READABLE = "readable"
    ENDED = "ended"
    WIPED = "wiped"


@dataclass(frozen=True, slots=True)
class Reach:
    """What one grant allows: a hub, a route, and until when its weights may be readable there.

    `until` is the end of the last lease, `None` before any share was released; `closes` is when the grant
    itself ends. `live` and `last` are the acts that last opened or prolonged, and last wiped; every opening
    must be wiped before the grant counts as wiped. `revoked` is the act that withdrew it.
    """

    grant: Digest
    index: int
    weights: Digest
    hub: str
    key: str
    organisation: str
    legs: tuple[tuple[str, str, str], ...]
    lease_seconds: int
    closes: Instant
    until: Instant | None = None
    opens: frozenset[int] = frozenset()
    opened: int = 0
    wipes: int = 0
    live: int = -1
    last: int = -1
    revoked: int | None = None

    def state(self, at: Instant | None) -> State:
        """Where the weights stand at a witnessed time; without one, no time has passed for sure."""
        if self.until is None:
            over = self.revoked is not None or _past(at, self.closes)
            return State.UNUSED if over else State.GRANTED
        if self.wipes >= max(len(self.opens), self.opened) and self.last > self.live:
            return State.WIPED
        return State.ENDED if _past(at, self.until) else State.READABLE

    @property
    def acts(self) -> int:
        """The act that the state rests on."""
        return max(self.index, self.live, self.last)


def reaches(acts: Iterable[Act], family: Collection[Digest]) -> tuple[Reach, ...]:
    """Every grant over these weights, after all trusted acts of the log, in order."""
    grants: dict[str, Reach] = {}
    for act in acts:
        if act.kind == "grant" and Digest.parse(act.predicate["request"]["weights"]) in family:
            grants[str(act.leaf)] = _granted(act)
        elif (name := act.predicate.get("grant")) and (reach := grants.get(name)):
            grants[name] = _step(reach, act)
    return tuple(grants.values())


def _past(at: Instant | None, end: Instant) -> bool:
    return at is not None and at > end.plus(MARGIN)


def _granted(act: Act) -> Reach:
    request = act.predicate["request"]
    hub = request["hub"]
    try:
        key = VerifyKey.parse(hub["key"]).id
    except MythosError:
        key = ""
    return Reach(
        grant=act.leaf,
        index=act.index,
        weights=Digest.parse(request["weights"]),
        hub=hub["name"],
        key=key,
        organisation=hub["organisation"],
        legs=tuple((leg["from"], leg["to"], leg["act"]) for leg in request["legs"]),
        lease_seconds=request["leaseSeconds"],
        closes=Instant.parse(request["notAfter"]),
    )


def _step(reach: Reach, act: Act) -> Reach:
    """What one act changes about a grant. Any release or lease prolongs; only the grant's own hub wipes."""
    body = act.predicate
    match act.kind:
        case "release":
            until = Instant.parse(body["leaseUntil"])
            reach = replace(reach, opens=reach.opens | {body["open"]})
        case "lease":
            until = Instant.parse(body["until"])
        case "opened":
            until = reach.until or Instant.parse(body["openedAt"]).plus(reach.lease_seconds)
            reach = replace(reach, opened=reach.opened + 1)
        case "wiped" if reach.key in act.signers:
            return replace(reach, wipes=reach.wipes + 1, last=act.index)
        case "revocation":
            return replace(reach, revoked=act.index)
        case _:
            return reach
    return replace(reach, until=max(reach.until or until, until), live=act.index)
