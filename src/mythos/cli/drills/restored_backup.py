"""The log comes back from an older copy: that would be a fork, and a witness is who notices."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from mythos.cli.drills.estate import WITNESSES, Estate, settle, until
from mythos.cli.drills.report import Report
from mythos.errors import MythosError, ProcessError
from mythos.evidence.client import Peer, Reply
from mythos.evidence.log import Log
from mythos.evidence.merkle import tile_path, unpack
from mythos.evidence.note import Checkpoint, Note
from mythos.evidence.tiles import Projection
from mythos.evidence.witness import AddCheckpoint

LATER: Final = 8


def rehearse(estate: Estate, report: Report) -> None:
    """Copy the log, go on, put the copy back twice; then the way back without a fork."""
    settle(estate)
    live, copy, newer = estate.home.log, estate.home.path / "copy", estate.home.path / "newer"
    old = _backup(live, copy)
    estate.append(*(estate.usage() for _ in range(LATER)))
    head = Checkpoint.parse(Note.parse(estate.log.wait(old + LATER)).text)
    entries = estate.log.entries(0, head.size)
    report.event("ready", f"a copy of the log at {old} entries; both witnesses have since seen {head.size}")
    estate.stop("log")
    shutil.copytree(live, newer)

    _database_alone(estate, report, live, copy)
    _replace(live, copy)
    report.event("broke", f"the whole folder was put back from the copy, {old} entries; the log starts")
    _whole_folder(estate, report, old, head)
    _grown_fork(estate, report, copy, head)
    report.promise(
        "nothing that was witnessed is overwritten: both witnesses still hold the head they held",
        kept=all(estate.witnessed_by(name) == head for name in WITNESSES), found=f"{head.size} entries",
    )  # fmt: skip
    _way_back(estate, report, newer, entries)
    report.facts |= {"copied": old, "witnessed": head.size}


def _backup(live: Path, copy: Path) -> int:
    """A hot copy, as SQLite makes it, with the static files; its size."""
    shutil.copytree(live, copy, ignore=shutil.ignore_patterns("log.db*", "lock", ".*"))
    with (
        closing(sqlite3.connect(live / "log.db")) as source,
        closing(sqlite3.connect(copy / "log.db")) as target,
    ):
        source.backup(target)
        size: int = target.execute("SELECT size FROM head").fetchone()[0]
    copy.chmod(0o700)
    return size


def _replace(live: Path, copy: Path) -> None:
    shutil.rmtree(live)
    shutil.copytree(copy, live)


def _database_alone(estate: Estate, report: Report, live: Path, copy: Path) -> None:
    """Only log.db comes back: what was published beside it is ahead of it."""
    published = (live / "checkpoint").read_bytes()
    for path in live.glob("log.db*"):
        path.unlink()
    shutil.copy(copy / "log.db", live / "log.db")
    report.event("broke", "log.db alone was put back from the copy; the static files are newer")
    said = ""
    try:
        estate.start("log")
    except ProcessError as error:
        said = str(error)
    report.promise(
        "the service does not start, says why, and leaves the published checkpoint as it was",
        kept="the published checkpoint is ahead of the database" in said
        and (live / "checkpoint").read_bytes() == published,
        found=said.partition("; expected")[0] or "it started",
    )  # fmt: skip


def _whole_folder(estate: Estate, report: Report, old: int, head: Checkpoint) -> None:
    """Everything comes back older: only those who remember more can tell."""
    estate.start("log")
    refusals: list[MythosError] = []
    acknowledged: list[int] = []

    def appended() -> bool:
        try:
            acknowledged.append(estate.append(estate.usage()).index)
        except MythosError as error:
            refusals.append(error)
        return bool(refusals)

    until(appended, 10)
    stopped = refusals[0].found if refusals else ""
    report.event("stopped", f"the log takes no entries: {stopped}")
    note = Note.parse(estate.log.checkpoint())
    status = [_ask(estate, name, old, (), note).status for name in WITNESSES]
    report.facts |= {"witnessStatus": status, "reason": stopped, "acknowledgedOnBranch": len(acknowledged)}
    report.promise("each witness refuses the older head (409)", kept=status == [409, 409], found=f"{status}")
    report.promise(
        "the log stops itself and says which witness saw what",
        kept="contradicts it" in stopped and str(head.size) in stopped, found=stopped,
    )  # fmt: skip
    report.promise(
        "nothing of the branch is witnessed",
        kept=estate.size("witnessed") <= old,
        found=f"{len(acknowledged)} acknowledged before the witnesses answered, none witnessed",
    )
    estate.stop("log")


def _grown_fork(estate: Estate, report: Report, copy: Path, head: Checkpoint) -> None:
    """A branch that hides behind a larger size, as whoever holds the log's key could make it."""
    branch = estate.home.path / "branch"
    shutil.copytree(copy, branch)
    log = Log.open(branch, estate.key("owner", "log"), policy=None)
    try:
        log.append([estate.usage() for _ in range(2 * LATER)])
        proof = tuple(log.consistency(head.size, log.size))
        replies = [_ask(estate, name, head.size, proof, log.checkpoint) for name in WITNESSES]
        size = log.size
    finally:
        log.close()
    found = [reply.status for reply in replies]
    report.facts["grownForkStatus"] = found
    report.promise(
        "a branch that grew past the witnessed head is refused too (422: no proof leads there)",
        kept=found == [422, 422], found=f"{found} at {size} entries",
    )  # fmt: skip


def _ask(estate: Estate, name: str, old: int, proof: tuple[bytes, ...], note: Note) -> Reply:
    body = AddCheckpoint(old, proof, note).to_bytes()
    with Peer(estate.home.address(name), timeout=10) as peer:
        return peer.request("POST", "/add-checkpoint", body)


def _way_back(estate: Estate, report: Report, newer: Path, entries: list[bytes]) -> None:
    """Put the copy back, append the missing entries from the static files in order, then ask witnesses."""
    _replace(estate.home.log, estate.home.path / "copy")
    estate.start("log", witnesses=())
    at, size = estate.size("acknowledged"), len(entries)
    bundle = Projection(newer).read(tile_path(None, 0, size))
    missing = unpack(bundle or b"")[at:]
    estate.append(*missing)
    estate.stop("log")
    estate.start("log")
    report.event(
        "returned",
        f"the copy again, without witnesses; {len(missing)} entries appended from the static files",
    )
    place = estate.append(estate.usage())
    estate.log.wait(place.index + 1, timeout=10)
    report.promise(
        "the way back: the same entries in the same order are the same log, and both witnesses go on",
        kept=estate.log.entries(0, size) == entries and place.index == size
        and all(estate.witnessed_by(name).size == size + 1 for name in WITNESSES),
        found=f"{size + 1} entries witnessed",
    )  # fmt: skip
