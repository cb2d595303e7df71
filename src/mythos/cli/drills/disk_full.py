"""The log's disk is full: appends are refused, leases run on, nothing that was acknowledged is lost."""

from __future__ import annotations

import signal
from typing import Final

from mythos.cli.drills.disk import fill, small_disk
from mythos.cli.drills.estate import APPROVERS, OBSERVED, Estate, refused, settle
from mythos.cli.drills.report import Report
from mythos.evidence import predicates
from mythos.evidence.client import BUNDLE, Peer
from mythos.evidence.merkle import pack
from mythos.units import Instant

LEASE: Final = 3
DISK: Final = 4 << 20


def rehearse(estate: Estate, report: Report) -> None:
    """Fill the log's disk under a running engine; give the space back; kill the log and look again."""
    with small_disk(estate.home.log, DISK):
        _rehearse(estate, report)
        estate.household.stop()


def _rehearse(estate: Estate, report: Report) -> None:
    settle(estate)
    grant = estate.granted(LEASE)
    held = estate.open(grant)
    estate.append(*(estate.usage() for _ in range(50)))
    size = estate.size("acknowledged")
    estate.reaches(size, "witnessed", 5)
    before = estate.log.entries(0, size)
    report.event("ready", f"{size} entries witnessed; an engine with a lease of {LEASE} s")

    filler = fill(estate.home.log)
    report.event("broke", f"the log's disk is full ({filler.stat().st_size >> 10} KiB of filler)")
    _refused(estate, report)
    estate.renew(held)
    leased = estate.entry(predicates.Lease(grant, held.renewal, Instant.now(), held.until), "host")
    waits = refused(lambda: estate.append(leased))
    report.promise(
        "a renewal needs no new entry: both approvers give it, the engine takes it; the host's statement of"
        " it waits in its outbox",
        kept=held.alive and waits == "log_full", found=f"until {held.until}, statement: {waits}",
    )  # fmt: skip
    engine = estate.launch()
    request = estate.release_request(grant, engine)
    answers = [estate.ask(name, "/v1/release", request) for name in APPROVERS]
    report.promise(
        "no share leaves: a release is an act, and acts cannot be logged now",
        kept=[a.status for a in answers] == [503, 503] and b"log_full" in answers[0].body,
        found=", ".join(str(a.status) for a in answers),
    )  # fmt: skip
    code, late = estate.ends(held, LEASE + 5)
    report.event("stopped", f"the engine, not renewed again: {code}, {late:+.2f} s from its lease's end")
    report.promise(
        "the lease runs to its end, and ends on time with the disk still full",
        kept=code == "lease_ended" and late < OBSERVED, found=f"{code}, {late:+.3f} s",
    )  # fmt: skip
    report.promise(
        "what was acknowledged can still be read, byte for byte, and nothing was added",
        kept=estate.log.entries(0, size + 1) == before, found=f"{size} entries",
    )  # fmt: skip

    filler.unlink()
    report.event("returned", "space was freed; nothing was restarted")
    place = estate.append(leased)
    answers = [estate.ask(name, "/v1/release", request) for name in APPROVERS]
    again = estate.opened(engine, grant, request, answers)
    report.promise(
        "the log goes on where it stood, and the release that was refused goes through with the same request",
        kept=place.index == size and again.alive
        and estate.reaches(estate.size("acknowledged"), "witnessed", 5),
        found=f"next index {place.index}",
    )  # fmt: skip
    after = estate.log.entries(0, estate.size("acknowledged"))
    estate.stop("log", signal.SIGKILL)
    estate.start("log")
    report.promise(
        "after kill -9 and a new start every entry is there",
        kept=estate.log.entries(0, len(after) + 1) == after and after[:size] == before,
        found=f"{len(after)} entries",
    )  # fmt: skip
    report.facts |= {"entries": size, "entriesAfter": len(after), "late": round(late, 3)}


def _refused(estate: Estate, report: Report) -> None:
    """One entry and a batch of 300: both refused by name, nothing of them stays."""
    size = estate.size("acknowledged")
    codes = [
        refused(lambda n=count: estate.append(*(estate.usage() for _ in range(n)))) for count in (1, 300)
    ]
    with Peer(estate.home.address("log")) as peer:
        status = peer.request("POST", "/v1/append", pack([estate.usage()]), headers={"Content-Type": BUNDLE})
    report.event("stopped", "appends: the disk of the log is full")
    report.facts |= {"appendStatus": status.status, "appendCodes": codes}
    report.promise(
        "an append is refused by name (LogFullError, HTTP 507), whole batches too; the log keeps its head",
        kept=codes == ["log_full"] * 2 and status.status == 507 and estate.size("acknowledged") == size,
        found=f"{', '.join(codes)}, HTTP {status.status}, {size} entries",
    )  # fmt: skip
