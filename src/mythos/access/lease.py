"""The nonce lease: how a hub knows that nothing newer was hidden from it.

An open socket that delivers nothing looks like silence. So every quarter of a lease the hub sends a fresh
nonce with its version, and the owner signs `{nonce, hub, boot, size, head, time, seconds}`. The lease runs on
the hub's own clock (one that counts suspended time) *from sending*, and only when size and head are the hub's
own; without it the hub serves nobody. The reply also tells the time: between sending and receiving the
owner's clock read `time`, so at any later moment the true time lies in an interval, whatever the hub's wall
clock says.

Both sides are values without I/O. Seconds of the hub's clock are floats; nonces come from the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal, cast

from mythos.access.follow import DirectiveSet
from mythos.errors import EvidenceError, InputError
from mythos.evidence.note import SigningKey, VerifyKey, decode64, encode64
from mythos.evidence.statement import canonical, pae, parse_canonical
from mythos.units import Digest, Instant

REPLY_TYPE: Final = "application/vnd.mythos.directive-lease+json"
DRIFT: Final = 0.001
"""How much faster or slower than the owner's the hub's clock may run: a crystal is 0.0001, plus margin."""
MARGIN: Final = 1.0
"""Seconds the owner waits beyond a lease before a silent hub counts as stopped."""
_PENDING: Final = 8


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the hub sends. `boot` is drawn once by each start of the hub."""

    hub: str
    boot: str
    nonce: str
    size: int
    head: Digest

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "hub": self.hub,
            "boot": self.boot,
            "nonce": self.nonce,
            "size": self.size,
            "head": str(self.head),
        }


@dataclass(frozen=True, slots=True)
class Term:
    """A lease that was granted: from `sent` for `seconds`, both on the hub's clock."""

    sent: float
    received: float
    time: Instant
    seconds: float

    def until(self) -> float:
        """When it ends on the hub's clock, were that clock slow."""
        return self.sent + self.seconds * (1 - DRIFT)

    def interval(self, now: float) -> tuple[Instant, Instant]:
        """Where the owner's clock stands at `now`: it read `time` between sending and receiving."""
        lo = self.time.plus((now - self.received) / (1 + DRIFT))
        return lo, self.time.plus((now - self.sent) / (1 - DRIFT))


@dataclass(frozen=True, slots=True)
class HubLease:
    """The hub's side. Starts without a term: a fresh hub serves nothing."""

    hub: str
    boot: str
    pending: tuple[tuple[str, float], ...] = ()
    term: Term | None = None
    halted: str = ""
    """Why the hub must not serve until a person looked: the owner showed it another history."""

    def ask(self, held: DirectiveSet, nonce: str, now: float) -> tuple[HubLease, Challenge]:
        """A new challenge, sent at `now` (call it right before sending)."""
        if len(nonce) < 22 or nonce in dict(self.pending):
            raise InputError(
                "not a fresh nonce", expected="at least 128 random bits", found=f"{len(nonce)} characters"
            )
        pending = (*self.pending, (nonce, now))[-_PENDING:]
        return replace(self, pending=pending), Challenge(self.hub, self.boot, nonce, held.size, held.head)

    def receive(self, reply: bytes, key: VerifyKey, held: DirectiveSet, now: float) -> tuple[HubLease, str]:
        """Take a reply.

        Returns:
            The next state and what came of it: `granted`; `behind` (pull, then ask again); `stale` (an
            answer to no open question: replayed, or too late); `forged`; `fork` (the state is halted).
        """
        try:
            told = _open(reply, key)
        except EvidenceError:
            return self, "forged"
        sent = dict(self.pending).get(told["nonce"])
        if sent is None or (told["hub"], told["boot"]) != (self.hub, self.boot) or now < sent:
            return self, "stale"
        rest = tuple(item for item in self.pending if item[0] != told["nonce"])
        state = replace(self, pending=rest)
        if told["size"] > held.size:
            return state, "behind"
        if (told["size"], told["head"]) != (held.size, str(held.head)):
            return replace(state, halted="the owner holds another history", term=None), "fork"
        term = Term(sent, now, Instant.parse(told["time"]), told["milliseconds"] / 1000)
        if self.term is None or term.until() > self.term.until():
            state = replace(state, term=term)
        return state, "granted"

    def halt(self, reason: str) -> HubLease:
        """Stop serving for good: `DirectiveSet.apply` found a fork."""
        return replace(self, halted=reason, term=None)

    def serving(self, now: float) -> tuple[Instant, Instant] | None:
        """The interval to decide on, or `None`: serve nobody and cut every stream."""
        if self.halted or self.term is None or not self.term.received <= now < self.term.until():
            return None
        return self.term.interval(now)


def _open(reply: bytes, key: VerifyKey) -> dict[str, Any]:
    document = cast("dict[str, Any]", parse_canonical(reply, 4096))
    try:
        payload = decode64(document["payload"])
        if not key.verify(decode64(document["sig"]), pae(REPLY_TYPE, payload)):
            raise EvidenceError("the lease is not signed by the owner")
    except (KeyError, TypeError) as error:
        raise EvidenceError("not a lease") from error
    return cast("dict[str, Any]", parse_canonical(payload, 4096))


Colour = Literal["green", "red", "stopped"]


@dataclass(frozen=True, slots=True)
class HubView:
    """What the owner knows of a hub. `acknowledged` is the largest size it signed for."""

    acknowledged: int = 0
    boot: str = ""
    until: Instant | None = None

    def answer(
        self, challenge: Challenge, held: DirectiveSet, key: SigningKey, now: Instant, seconds: float
    ) -> tuple[HubView, bytes | None, str]:
        """Answer a challenge that arrived over the hub's authenticated channel.

        Returns:
            The next state, the signed reply (`None`: denied) and why: `granted`; `behind` (the reply says
            how far); `rolled_back` (it reports less than it acknowledged: its disk went back, enrol it
            again); `cloned` (another start of this hub still holds a lease); `ahead` (a head not ours).
        """
        if challenge.size < self.acknowledged:
            return self, None, "rolled_back"
        if self.boot not in {"", challenge.boot} and self.until is not None and now < self.until:
            return self, None, "cloned"
        if challenge.size > held.size or (challenge.size == held.size and challenge.head != held.head):
            return self, None, "ahead"
        told = {**challenge.to_dict(), "size": held.size, "head": str(held.head)}
        payload = canonical({**told, "time": str(now), "milliseconds": round(seconds * 1000)})
        signature = key.sign(pae(REPLY_TYPE, payload))
        reply = canonical({"payload": encode64(payload), "sig": encode64(signature)})
        if challenge.size < held.size:
            return self, reply, "behind"
        return replace(self, boot=challenge.boot, until=now.plus(seconds + MARGIN)), reply, "granted"

    def colour(self, size: int, now: Instant) -> Colour:
        """Coverage of version `size`: acknowledged, or stopped because its lease ended, or red."""
        if self.acknowledged >= size:
            return "green"
        return "stopped" if self.until is None or now >= self.until else "red"
