"""Approvers fall silent, the host's wall clock lies: the lease still ends on the boot clock, never late."""

from __future__ import annotations

import signal
from typing import Final

from mythos.cli.drills.estate import APPROVERS, OBSERVED, Estate, Held, refused, settle
from mythos.cli.drills.report import Report
from mythos.custody import sign_message
from mythos.custody.lease import Renewal
from mythos.units import Digest, Instant

LEASE: Final = 3
YEAR: Final = 365 * 86_400.0


def rehearse(estate: Estate, report: Report) -> None:
    """Two engines, one with its clock a year back and one a year ahead; then silence."""
    settle(estate)
    grant = estate.granted(LEASE)
    back, ahead = (estate.open(grant, shift=shift) for shift in (-YEAR, YEAR))
    tokens = estate.renew(back)
    report.event("ready", f"two engines with leases of {LEASE} s, one renewed once")
    clocks = [estate.loop.run(held.engine.audit())["wallClock"] for held in (back, ahead)]
    report.event("injected", f"wall clocks of the engines: {clocks[0][:10]} and {clocks[1][:10]}")
    report.facts["wallClocks"] = clocks

    stale = [refused(lambda n=name: _ask(estate, back, n, Instant.now().plus(-YEAR))) for name in APPROVERS]
    report.promise(
        "a host whose clock is wrong gets no renewal: its request is not about now",
        kept=stale == ["stale_request"] * 2, found=", ".join(stale),
    )  # fmt: skip
    for name in APPROVERS:
        estate.signal(f"release-{name}", signal.SIGSTOP)
    report.event("broke", "both release services hang (SIGSTOP): nobody signs a time any more")
    silent = refused(lambda: _ask(estate, back, APPROVERS[0], Instant.now(), seconds=0.3))
    replayed = refused(lambda: estate.relay(back, tokens))
    forged = refused(lambda: estate.relay(back, [_forged(estate, back)]))
    report.facts |= {"asked": silent, "replayed": replayed, "forged": forged}
    report.promise(
        "nothing is renewed: no answer, no replay of an old renewal, none that the host signed itself",
        kept=silent == "network" and replayed == forged == "lease", found=f"{silent}, {replayed}, {forged}",
    )  # fmt: skip
    for name, held in (("a year ahead", ahead), ("a year back", back)):
        _ends(estate, report, name, held)
    for name in APPROVERS:
        estate.signal(f"release-{name}", signal.SIGCONT)
    report.event("returned", "both release services answer again")
    again = estate.open(grant)
    report.promise(
        "once time is signed again, a new engine gets a new release", kept=again.alive, found=str(again.until)
    )


def _ask(estate: Estate, held: Held, name: str, now: Instant, seconds: float = 10) -> bytes:
    from mythos.cli.drills.estate import expect

    return expect(estate.ask(name, "/v1/renew", estate.renewal_request(held, now), seconds=seconds))


def _forged(estate: Estate, held: Held) -> bytes:
    """A renewal in an approver's name, signed by the host."""
    approver = estate.key(APPROVERS[0]).verify_key
    far = Instant.now().plus(YEAR)
    renewal = Renewal(held.grant, Digest.of(held.request), str(approver), 9, far, Instant.now())
    return sign_message(renewal, Digest.of(held.request), estate.key("host"))


def _ends(estate: Estate, report: Report, name: str, held: Held) -> None:
    """The process is gone when its lease is over, by the true clock of this machine."""
    code, late = estate.ends(held, LEASE + 5)
    report.event(
        "stopped", f"the engine whose clock is {name} ended: {code}, {late:+.2f} s from its lease's end"
    )
    report.facts[f"late, {name}"] = round(late, 3)
    report.promise(
        f"the lease ends on the boot clock, never late, with the wall clock {name}",
        kept=code == "lease_ended" and late < OBSERVED, found=f"{late:+.3f} s",
    )  # fmt: skip
