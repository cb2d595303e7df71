"""One witness is away for a day: acts are taken and published, nothing new is believed, leases run on.

The process is really stopped, for seconds; the day is walked through with the approvers' clock injected, on
the same log and the same stalled head. The estate's quorum is both witnesses.
"""

from __future__ import annotations

import time
from typing import Final

from mythos.cli.drills.estate import (
    APPROVERS,
    OBSERVED,
    WITNESSES,
    Estate,
    Held,
    Later,
    expect,
    refused,
    settle,
    until,
)
from mythos.cli.drills.report import Report
from mythos.cli.parties import follower, hpke_key, log_client
from mythos.cli.processes import run
from mythos.custody import Approver, Live, RenewalRequest, sign_message
from mythos.custody.lease import Clock, Lease, Term
from mythos.errors import MythosError
from mythos.evidence.merkle import leaf_hash, verify_consistency
from mythos.evidence.note import Checkpoint, Note
from mythos.evidence.predicates import Grant, Revocation
from mythos.evidence.statement import Envelope
from mythos.units import Digest, Instant

SHORT: Final = 4
LONG: Final = 12 * 3600
HOURS: Final = (0, 6, 12, 18, 24)
SLOW: Final = 2.0
"""Seconds within which an append must be acknowledged and published, witness or not."""


def rehearse(estate: Estate, report: Report) -> None:
    """Two engines run, a grant is about to be issued; the second witness goes, and comes back."""
    settle(estate)
    waiting, spare = estate.approved(LONG), estate.granted(LONG)
    long, short = (estate.open(estate.granted(lease)) for lease in (LONG, SHORT))
    estate.log.wait(estate.size("acknowledged"))
    stalled = Checkpoint.parse(Note.parse(estate.log.checkpoint("witnessed")).text)
    report.event("ready", f"{stalled.size} entries witnessed; two engines, leases of {SHORT} s and 12 h")

    estate.stop(WITNESSES[0])
    report.event("broke", f"{WITNESSES[0]} is stopped; {WITNESSES[1]} runs")
    _appends(estate, report, stalled)
    revocation = Revocation(long.grant, "rehearsed", Instant.now())
    estate.append(estate.entry(revocation, "owner"))
    _renewals(estate, report, short, long)
    issue = Later(lambda: run(["grant", "issue", str(waiting), "--home", str(estate.home.path)])).begin()
    _unwitnessed_grant(estate, report)
    engine = estate.launch()
    request = estate.release_request(spare, engine)
    size = estate.size("acknowledged")
    releases = [Later(lambda n=name: estate.ask(n, "/v1/release", request)).begin() for name in APPROVERS]
    _renewal_behind(estate, report, short, size)
    _short_ends(estate, report, short)
    waits = [one.wait(0) is None for one in (*releases, issue)]
    report.event("stopped", "a release and a grant that were asked for wait; no share has left")
    report.promise(
        "no share leaves and no grant is issued while the head is not witnessed",
        kept=waits == [True] * 3 and estate.size("witnessed") == stalled.size,
        found=f"{stalled.size} witnessed",
    )  # fmt: skip

    estate.start(WITNESSES[0])
    back = time.monotonic()
    report.event("returned", f"{WITNESSES[0]} runs again")
    _catches_up(estate, report, stalled, back)
    granted, answers = issue.wait(15), [one.wait(15) for one in releases]
    opened = refused(lambda: estate.opened(engine, spare, request, answers))
    report.promise(
        "the grant and the release that waited go through, nobody has to ask again",
        kept=isinstance(granted, dict) and opened == "", found=opened or "granted, released, opened",
    )  # fmt: skip
    after = refused(lambda: estate.renew(long))
    report.promise("the revocation is in force: no renewal", kept=after == "revoked", found=after)


def _appends(estate: Estate, report: Report, stalled: Checkpoint) -> None:
    began = time.monotonic()
    places = [estate.append(estate.usage()) for _ in range(5)]
    acknowledged = time.monotonic() - began
    size = places[-1].index + 1
    published = estate.reaches(size, "published", SLOW)
    told = refused(lambda: estate.log.wait(size, "witnessed", timeout=0.3))
    report.event("went on", f"5 appends acknowledged in {acknowledged:.2f} s, and published")
    report.event("stopped", f"nothing beyond entry {stalled.size} is witnessed ({told})")
    report.promise(
        "appends are acknowledged and published without the witness",
        kept=published and acknowledged < SLOW, found=f"{size} entries",
    )  # fmt: skip
    report.promise(
        "nothing new is witnessed, and a caller that waits for it is told so",
        kept=told == "timeout" and estate.size("witnessed") == stalled.size, found=told,
    )  # fmt: skip
    report.facts |= {"witnessed": stalled.size, "acknowledgedInOutage": size}


def _renewals(estate: Estate, report: Report, short: Held, long: Held) -> None:
    """Renewals rest on the last witnessed head, whatever was acknowledged since: now, and hour by hour."""
    estate.renew(short)
    estate.renew(long)
    report.event("went on", "both engines are renewed on the last witnessed head")
    given, lives = _day(estate, long)
    report.event("injected", f"approvers' clocks at hours {', '.join(map(str, HOURS))} of the outage")
    report.promise(
        "renewals go on through the day: nothing witnessed speaks against them (not even the revocation"
        " that was acknowledged meanwhile: it counts once it is witnessed)",
        kept=all(given), found=f"{sum(given)} of {len(given)} given",
    )  # fmt: skip
    report.promise(
        "a lease that is not renewed is over after its 12 hours, in the middle of the outage",
        kept=lives == [True, True, False, False, False], found=f"runs at hours {HOURS}: {lives}",
    )  # fmt: skip
    report.facts["hours"] = [
        {"hour": h, "renewalGiven": g, "leaseWithoutRenewal": v}
        for h, g, v in zip(HOURS, given, lives, strict=True)
    ]


def _day(estate: Estate, held: Held) -> tuple[list[bool], list[bool]]:
    """At each hour: whether an approver with that clock renews, and whether a lease left alone still runs."""
    began, party = Instant.now(), APPROVERS[0]
    key = estate.key(party)
    term = Term(key.verify_key, began.plus(LONG))
    lease = Lease(held.grant, Digest.of(held.request), began.plus(48 * 3600), (term,), Clock(began, 0.0))
    given: list[bool] = []
    with log_client(estate.home, None) as client:
        view = follower(estate.home, client)
        for hour in HOURS:
            now = began.plus(hour * 3600)
            approver = Approver(
                estate.home.party(party),
                key,
                hpke_key(estate.home, party),
                client,
                view,
                clock=lambda n=now: n,
            )
            asked = RenewalRequest(held.grant, Digest.of(held.request), 100 + hour, now)
            message = sign_message(asked, estate.weights, estate.key("host"))
            given.append(refused(lambda a=approver, m=message: a.renew(m)) == "")
    lives = [isinstance(lease.check(lease.now(hour * 3600.0)), Live) for hour in HOURS]
    return given, lives


def _unwitnessed_grant(estate: Estate, report: Report) -> None:
    """The grant that is being issued is acknowledged by now; approvers do not see it."""
    found: list[Digest] = []

    def appended() -> bool:
        size = estate.size("acknowledged")
        new = estate.log.entries(estate.size("witnessed"), size)
        found.extend(
            Digest(leaf_hash(data)) for data in new if Envelope.parse(data).statement().act == Grant.NAME
        )
        return bool(found)

    until(appended, 10)
    engine = estate.launch()
    request = estate.release_request(found[0], engine)
    codes = [refused(lambda n=name: expect(estate.ask(n, "/v1/release", request))) for name in APPROVERS]
    estate.loop.run(engine.close())
    report.promise(
        "a grant that is acknowledged but not witnessed releases nothing",
        kept=codes == ["not_witnessed"] * 2, found=", ".join(codes),
    )  # fmt: skip


def _renewal_behind(estate: Estate, report: Report, held: Held, size: int) -> None:
    """Whether an approver that logged its release, and waits for the witness, still answers a renewal."""
    until(lambda: estate.size("acknowledged") >= size + len(APPROVERS), 5)
    asked = estate.renewal_request(held)
    code = refused(lambda: expect(estate.ask(APPROVERS[0], "/v1/renew", asked, seconds=0.5)))
    if code:
        report.event("stopped", "a renewal asked for now waits behind the release, up to its 30 s")
    else:
        report.event("went on", "renewals are answered while the release waits")
    report.facts["renewalBehindRelease"] = code or "given"


def _short_ends(estate: Estate, report: Report, held: Held) -> None:
    code, late = estate.ends(held, SHORT + 5)
    report.event(
        "stopped", f"the engine that was not renewed again: {code}, {late:+.2f} s from its lease's end"
    )
    report.promise(
        "a lease runs on through the outage and ends on time", kept=code == "lease_ended" and late < OBSERVED,
        found=f"{code}, {late:+.3f} s",
    )  # fmt: skip
    report.facts["late"] = round(late, 3)


def _catches_up(estate: Estate, report: Report, stalled: Checkpoint, back: float) -> None:
    caught = until(lambda: estate.size("witnessed") >= estate.size("acknowledged"), 15)
    seconds = time.monotonic() - back
    note = Note.parse(estate.log.checkpoint("witnessed"))
    now = Checkpoint.parse(note.text)
    proof = estate.log.consistency(stalled.size, now.size)
    try:
        verify_consistency(stalled.size, now.size, proof, stalled.root, now.root)
        fork = ""
    except MythosError as error:
        fork = error.code
    signers = {signature.name for signature in note.signatures} & set(WITNESSES)
    report.event("went on", f"{now.size} entries witnessed {seconds:.2f} s after its return")
    report.facts |= {"caughtUp": now.size, "caughtUpSeconds": round(seconds, 2)}
    report.promise(
        "everything catches up without a fork, cosigned by both",
        kept=caught and not fork and len(signers) == len(WITNESSES),
        found=fork or f"{stalled.size} to {now.size} entries proven, {', '.join(sorted(signers))}",
    )  # fmt: skip
