"""The lease: how long an engine may hold plain weights, and how it knows the time without trusting its host.

Every approver that handed over a share says until when, and renews for itself. The lease lasts until the
earliest of them, never past the grant: any one organisation ends it by not renewing. Renewals are signed by
the approver and verified in the engine; the front that relays them cannot make one.

The host's wall clock is not asked. The present is the latest time that an approver signed, and what
CLOCK_BOOTTIME (which runs on in suspend) counted since the engine could first have been answered. That is
never earlier than the truth, as long as the kernel counts honestly; a software host's kernel might not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mythos.errors import EvidenceError, LeaseError
from mythos.evidence.note import VerifyKey
from mythos.evidence.predicates import Predicate
from mythos.evidence.statement import Envelope
from mythos.units import Digest, Instant


@dataclass(frozen=True, slots=True)
class Renewal(Predicate):
    """An approver lets a lease run on; a message from approver to engine, not an act of the log."""

    NAME: ClassVar[str] = "renewal"

    grant: Digest
    release_request: Digest
    approver: str
    renewal: int
    lease_until: Instant
    signed_at: Instant


@dataclass(frozen=True, slots=True)
class Clock:
    """A signed time, and the boot-time second at which it was not yet signed."""

    signed: Instant
    boot: float

    def now(self, boot: float) -> Instant:
        """The present, never too early; `boot` is CLOCK_BOOTTIME in seconds."""
        return self.signed.plus(max(0.0, boot - self.boot))

    def seen(self, signed: Instant, boot: float) -> Clock:
        """This clock, or one that starts from a newer signed time when that is ahead."""
        return Clock(signed, boot) if signed > self.now(boot) else self


@dataclass(frozen=True, slots=True)
class Term:
    """What one approver allows: until when, by which renewal (0: the release itself)."""

    approver: VerifyKey
    until: Instant
    renewal: int = 0


@dataclass(frozen=True, slots=True)
class Live:
    """The lease runs for `seconds` more."""

    until: Instant
    seconds: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The lease is over: the engine must end."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Lease:
    """The lease of one engine under one grant."""

    grant: Digest
    release_request: Digest
    not_after: Instant
    terms: tuple[Term, ...]
    clock: Clock

    @property
    def until(self) -> Instant:
        """When it ends: the earliest term, and never past the grant."""
        return min(self.not_after, *(term.until for term in self.terms))

    def now(self, boot: float) -> Instant:
        """The present by this lease's clock; `boot` is CLOCK_BOOTTIME in seconds."""
        return self.clock.now(boot)

    def check(self, now: Instant) -> Live | Ended:
        """Whether the lease runs at `now`."""
        if now >= self.not_after:
            return Ended("grant_ended", f"the grant ended at {self.not_after}")
        if now >= self.until:
            last = min(self.terms, key=lambda term: term.until)
            return Ended(
                "lease_ended", f"the lease ended at {self.until}: {last.approver.name} did not renew"
            )
        return Live(self.until, self.until.since(now))

    def renewed(self, token: bytes, boot: float) -> Lease:
        """The lease after a renewal.

        Args:
            token: the signed renewal (`Envelope` bytes) as an approver answered it.
            boot: CLOCK_BOOTTIME in seconds, now.

        Raises:
            LeaseError: not signed by an approver of this lease, for another grant or engine, or not newer
                than the renewal before; the lease is unchanged. Also when the lease has ended already.
        """
        state = self.check(self.now(boot))
        if isinstance(state, Ended):
            raise LeaseError("an ended lease is not renewed", found=state.reason)
        try:
            envelope = Envelope.parse(token)
            renewal = Renewal.of(envelope.statement())
            term = next((t for t in self.terms if str(t.approver) == renewal.approver), None)
            signed = term is not None and envelope.verify([term.approver]) == (term.approver.id,)
        except EvidenceError as error:
            raise LeaseError("not a renewal", found=str(error)[:300]) from error
        if term is None or not signed:
            raise LeaseError("a renewal that no approver of this lease signed", found=renewal.approver[:100])
        if (renewal.grant, renewal.release_request) != (self.grant, self.release_request):
            raise LeaseError("a renewal for another engine", expected=str(self.release_request))
        if renewal.renewal <= term.renewal:
            raise LeaseError(
                "a renewal that came before",
                expected=f"a number above {term.renewal}",
                found=f"{renewal.renewal}",
            )
        after = Term(term.approver, renewal.lease_until, renewal.renewal)
        terms = tuple(after if t is term else t for t in self.terms)
        return replace(self, terms=terms, clock=self.clock.seen(renewal.signed_at, boot))
