"""The front of a sandbox: have a base released for adapting, keep what comes out, say what was done.

The front never sees the base, the text or the adapter: it relays the release, keeps ciphertext and the lines
of the compute ledger as they come, and signs the statements that the engine made of them, after checking that
they are about this seal and this ledger. The engine's lease is renewed while it works; whatever ends the
engine ends the work, and is stated.

    OUT/compute.ledger     every operation that was counted, also of work that ended too early
    OUT/sealed, OUT/keys.json    the adapter for this hub, and the shares of its key; `custody.inside`
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mythos.compute.ledger import read
from mythos.custody import Follower, Record, check
from mythos.custody.inside import KEYS_FILE, Kept
from mythos.custody.sealed import SealManifest
from mythos.engines import Ended, Frame
from mythos.errors import EngineError, GrantError, HubError, InputError, LeaseError, MythosError, SealError
from mythos.evidence.note import SigningKey, decode64
from mythos.evidence.predicates import ModelIdentity, Predicate, TrainingCompute
from mythos.evidence.statement import Statement, Subject
from mythos.files import private_folder, sync_folder
from mythos.hub.keeper import Serving
from mythos.hub.receipts import Receipts, Vault
from mythos.hub.release import Release, Site
from mythos.hub.server import publishing
from mythos.hub.store import open_store
from mythos.units import Digest, Instant

__all__ = ["LEDGER", "Done", "Place", "work"]

LEDGER: Final = "compute.ledger"
_SEALED: Final = "sealed"
_LAST_WORDS: Final = 20.0
_SAID: Final = ["derivation", "evaluation", "training-compute", "training-run"]
"""What an engine may have its hub sign: all of them about what it made, or none."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sandbox works.

    Attributes:
        folder: private, of this hub's sandboxes: what is yet to be logged.
        log: the log's address.
        out: the folder that appears.
    """

    folder: Path
    log: str
    out: Path


@dataclass(frozen=True, slots=True)
class Done:
    """A finished piece of work: the sealed folder's manifest, who holds its key, what was said."""

    manifest: SealManifest
    kept: Kept
    statements: tuple[Statement, ...]
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])


async def work(
    place: Place,
    site: Site,
    signer: SigningKey,
    follower: Follower,
    tell: Callable[[Frame], None],
    *,
    renew: bool = True,
    keeping: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
) -> Done:
    """Open, work, keep, state. What ends too early leaves its compute ledger and nothing else.

    Args:
        place: where.
        site: the grant, the sealed folder and what the engine is told.
        signer: the hub's key.
        follower: the log as this hub believes it.
        tell: given each step.
        renew: whether to ask for renewals of the lease; without, its end is the end.
        keeping: held while what came of it is kept and stated; raises when it may not be any more.

    Raises:
        InputError: the folder is another work's.
        GrantError: not granted for this purpose, an approver refused, or the grant was revoked meanwhile.
        LeaseError: the lease ended first, and with it the work.
        EngineError: the engine ended otherwise.
        HubError: another sandbox of this hub is at work, or the disk is full.
        MythosError: what the work itself raised, under its own code.
    """
    with open_store(private_folder(place.folder), exclusive=True) as store, _drafting(place.out) as draft:
        receipts = Receipts(store, Vault(secrets.token_bytes(32)), signer, place.log)
        async with publishing(receipts, asyncio.Event()):
            release = Release(site, signer, follower, receipts)
            serving = await release.open()
            async with _ending(release, serving, renew=renew):
                facts = await _collect(serving, place.out, draft, tell)
            with keeping():
                done = _finish(place.out, draft, facts)
                about = Subject(done.manifest.weights.name, done.manifest.weights.root)
                own = (_identity(done.manifest), done.manifest.predicate())
                await receipts.post([*done.statements, *(one.statement(about) for one in own)])
                async with asyncio.timeout(_LAST_WORDS):
                    await receipts.publish()
    return done


@contextlib.contextmanager
def _drafting(out: Path) -> Generator[Path]:
    """The folder that ciphertext comes into; what was not finished is removed: nothing looks whole."""
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out} is not empty", expected="a new folder", advice="Choose another with --out.")
    draft = private_folder(out) / f".{_SEALED}"
    try:
        draft.mkdir(mode=0o700)
    except FileExistsError as error:
        raise InputError(f"another work is under way in {out}", advice="Choose another --out.") from error
    try:
        yield draft
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise HubError(
            "the disk is full", found=str(out), code="disk_full",
            advice="Make room and begin again: what was not kept whole is gone with the engine.",
        ) from error  # fmt: skip
    finally:
        if draft.exists():
            shutil.rmtree(draft)
            (out / KEYS_FILE).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                out.rmdir()


@contextlib.asynccontextmanager
async def _ending(release: Release, serving: Serving, *, renew: bool) -> AsyncGenerator[None]:
    """Renew the lease meanwhile; at the end the engine is gone, and said to be.

    A revoked grant ends the work at the next renewal, and not only with the lease.
    """
    current, revoked = serving, list[GrantError]()

    async def renewals() -> None:
        nonlocal current
        while renew:
            await asyncio.sleep(max(current.until.since(Instant.now()) / 2, 0.2))
            try:
                current = await release.renew(current)
            except (MythosError, OSError) as error:
                if isinstance(error, GrantError) and error.code == "revoked":
                    revoked.append(error)
                    await serving.engine.close()
                    return

    renewing = asyncio.create_task(renewals())
    try:
        yield
    except EngineError as error:
        if revoked:
            raise revoked[0] from error
        if error.code not in {"lease_ended", "grant_ended"}:
            raise
        raise LeaseError(
            "the lease ended before the work was done", found=f"until {current.until}", code=error.code,
            advice="Ask the approvers for a longer lease or for renewals, or give fewer --minutes.",
        ) from error  # fmt: skip
    finally:
        renewing.cancel()
        running = not serving.engine.ended.done()
        ended = await serving.engine.close()
        ended = (
            Ended("stopped", "the grant was revoked" if revoked else "the work is over")
            if running or revoked
            else ended
        )
        await release.wiped(current, ended)


async def _collect(serving: Serving, out: Path, draft: Path, tell: Callable[[Frame], None]) -> Frame:
    """Keep what comes, until the last frame; that frame."""
    async with aclosing(serving.engine.ask_for("work", {})) as frames:
        async for frame in frames:
            match frame:
                case {"kind": "failed"}:
                    raise EngineError(frame["message"], code=frame["code"])
                case {"kind": "done"}:
                    return frame
                case {"ledger": line}:
                    _append(out / LEDGER, line.encode() + b"\n")
                case {"file": name, "data": data}:
                    _append(_place(out, draft, name), decode64(data))
                case _:
                    tell(frame)
    raise HubError("the engine said nothing more")


def _place(out: Path, draft: Path, name: str) -> Path:
    """Where a file of the engine's goes; the engine names no other folder."""
    if name != Path(name).name or name.startswith("."):
        raise SealError("the engine names a file that leaves its folder", found=name[:80])
    return out / KEYS_FILE if name == KEYS_FILE else draft / name


def _append(path: Path, data: bytes) -> None:
    with open(path, "ab", buffering=0) as file:
        path.chmod(0o600)
        file.write(data)
        os.fsync(file.fileno())


def _finish(out: Path, draft: Path, facts: Frame) -> Done:
    """Check that what came belongs together, and let it appear."""
    manifest, problems = check(draft)
    if problems:
        raise SealError("what the engine sealed is not whole", found=problems[0].message)
    kept = Kept.parse((out / KEYS_FILE).read_bytes())
    said = tuple(Statement.parse(decode64(one)) for one in facts.get("statements", ()))
    about = {subject.digest for one in said for subject in one.subjects}
    if kept.manifest != manifest.digest or about - {manifest.weights.root}:
        raise SealError("the engine speaks of something else than it sealed", expected=str(manifest.digest))
    acts = sorted(str(one.act) for one in said)
    if acts not in ([], _SAID):
        raise SealError("the engine would have more said", expected=", ".join(_SAID), found=str(acts)[:200])
    for one in said:
        if one.act == TrainingCompute.NAME:
            head = read(out / LEDGER).head.digest
            if TrainingCompute.of(one).record_digest != head:
                raise SealError("the compute that is stated is not the ledger's", expected=str(head))
    draft.rename(out / _SEALED)
    sync_folder(out)
    return Done(manifest, kept, said, facts)


def _identity(manifest: SealManifest) -> ModelIdentity:
    """What binds the adapter's name to its digest."""
    return ModelIdentity(
        name=manifest.weights.name, version=str(manifest.release), manifest=manifest.weights.to_predicate(),
        format="lora", licence=None, source=None, parameters=None, architecture=None,
        identified_at=manifest.sealed_at,
    )  # fmt: skip


def act_about(record: Record, kind: type[Predicate], about: Digest) -> bytes:
    """The signed act of this kind about these weights or data, as the log has it.

    Raises:
        InputError: the log holds none that is trusted, or those of several organisations.
    """
    found = [entry for entry, _ in record.all(kind) if about in {s.digest for s in entry.statement.subjects}]
    who = {record.organisation(signer) for entry in found for signer in entry.signers} - {""}
    if len(who) != 1:
        raise InputError(
            f"whose is {about}?", expected=f"one organisation that logged a trusted {kind.NAME}",
            found=", ".join(sorted(who)) or "none", advice="See: mythos log show",
        )  # fmt: skip
    return found[-1].data
