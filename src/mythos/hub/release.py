"""The front's part in a release: ask the approvers, relay to the engine, state what happened.

The front signs requests and passes blobs on; it can open none of them. Before it asks anybody it reads the
grant in the log itself, as far as two witnesses cosigned it. Statements go through the hub's outbox; a fact
kept with them says that an engine is open, so that a hub which was killed can say afterwards that it is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import importlib.metadata
import json
import secrets
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from mythos import __version__
from mythos.custody import (
    Follower,
    Granted,
    Refused,
    ReleaseRequest,
    RenewalRequest,
    read_manifest,
    sign_message,
)
from mythos.custody.grant import check
from mythos.engines import Ended, Engine, Frame, LoadOptions
from mythos.errors import GrantError, HubError, InputError, MythosError
from mythos.evidence import predicates
from mythos.evidence.client import Peer
from mythos.evidence.note import SigningKey, encode64
from mythos.evidence.statement import Subject
from mythos.hub.keeper import Serving
from mythos.hub.receipts import Receipts
from mythos.units import Digest, Instant

__all__ = ["Release", "Site"]

_OPENING: Final = 300.0
_ANSWER: Final = 60.0
_FACT: Final = "engine"


@dataclass(frozen=True, slots=True)
class Site:
    """What a host opens, and where.

    Attributes:
        grant: the grant's leaf in the log.
        folder: the sealed folder.
        approvers: release services by the approver's key name.
        runtime: a short private folder for the library's socket.
        load: sizes.
        purpose: what the engine does; the grant must be for it.
        engine: the command that starts it; empty for the one that answers requests.
        library: what it works with, for the statement.
        message: what it is told beside the release.
    """

    grant: Digest
    folder: Path
    approvers: Mapping[str, str]
    runtime: Path
    load: LoadOptions = field(default_factory=LoadOptions)
    purpose: str = "serve"
    engine: tuple[str, ...] = ()
    library: str = "xllamacpp"
    message: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Release:
    """Opens, renews and states for one grant (a `keeper.Opener`)."""

    def __init__(self, site: Site, signer: SigningKey, follower: Follower, receipts: Receipts) -> None:
        self._site = site
        self._signer = signer
        self._follower = follower
        self._receipts = receipts
        self._refused = ""
        self._request = Digest(bytes(32))
        self._renewal = 0
        self._build = f"mythos {__version__}, {site.library} {importlib.metadata.version(site.library)}"

    async def open(self) -> Serving:
        """Start an engine, have the weights released to it, and open them.

        Raises:
            GrantError: the grant does not hold, or an approver refused; a `refused` statement says so.
            InputError: the sealed folder is not the one that was granted.
            NetworkError, LogError, EngineError: try again.
        """
        await self._recover()
        granted = await asyncio.to_thread(self._granted)
        manifest = await asyncio.to_thread(read_manifest, self._site.folder)
        if manifest.digest != granted.request.manifest:
            raise InputError(
                "this is not the sealed folder that was granted",
                expected=str(granted.request.manifest), found=str(manifest.digest),
            )  # fmt: skip
        engine = await Engine.launch(command=self._site.engine)
        try:
            return await self._open(engine, granted)
        except GrantError as error:
            await engine.close()
            await self._state_refusal(granted, error)
            raise
        except BaseException:
            await engine.close()
            raise

    async def renew(self, serving: Serving, /) -> Serving:
        """Ask every approver for a renewal and have the engine verify them.

        Raises:
            MythosError: one refused or did not answer; the lease is what it was.
        """
        self._renewal += 1
        now = Instant.now()
        message = RenewalRequest(self._site.grant, self._request, self._renewal, now)
        request = sign_message(message, serving.weights, self._signer)
        renewals = [await self._ask(name, "/v1/renew", request) for name in serving.lease["approvers"]]
        said = await serving.engine.renew({"renewals": [encode64(renewal) for renewal in renewals]})
        until = Instant.parse(said["until"])
        lease = {**serving.lease, "renewal": self._renewal, "from": str(now), "until": str(until)}
        statement = predicates.Lease(self._site.grant, self._renewal, now, until)
        await self._receipts.post([statement.statement(Subject(serving.model, serving.weights))])
        return replace(serving, lease=lease, until=until)

    async def wiped(self, serving: Serving, ended: Ended, /) -> None:
        """State that the engine and its plain weights are gone, and an incident if it was not meant to."""
        await self._state_wiped(Subject(serving.model, serving.weights), ended)

    def _granted(self) -> Granted:
        granted = check(self._site.grant, self._follower.update(), Instant.now())
        if isinstance(granted, Refused):
            raise GrantError(granted.reason, found=granted.cite, code=granted.code)
        if granted.hub_key != self._signer.verify_key:
            raise GrantError(
                "the grant is for another hub", expected=granted.hub_key.id, found=self._signer.verify_key.id
            )
        if granted.request.purpose.partition(":")[0] != self._site.purpose:
            raise GrantError(
                "the grant is for another purpose", expected=self._site.purpose,
                found=granted.request.purpose, code="other_purpose",
                advice=f"Ask for one: mythos grant request --purpose {self._site.purpose}",
            )  # fmt: skip
        return granted

    async def _open(self, engine: Engine, granted: Granted) -> Serving:
        grant, request, now = self._site.grant, granted.request, Instant.now()
        message = ReleaseRequest(
            grant=grant, hub=request.hub.name, engine_key=engine.hello["publicKey"],
            nonce=secrets.token_hex(32), evidence=None, requested_at=now,
        )  # fmt: skip
        signed = sign_message(message, request.weights, self._signer)
        self._request, self._renewal = Digest.of(signed), 0
        answers = await self._shares(granted, signed)
        about = Subject(request.model, request.weights)
        said = await self._relay(engine, about, signed, answers)
        until, manifest = Instant.parse(said["until"]), Digest.parse(said["manifest"])
        opened = predicates.Opened(grant, manifest, self._build, said["bytes"], Instant.now())
        leased = predicates.Lease(grant, 0, now, until)
        await self._receipts.post([opened.statement(about), leased.statement(about)])
        lease = {
            "grant": str(grant), "releaseRequest": str(self._request), "renewal": 0, "from": str(now),
            "until": str(until), "approvers": list(answers),
        }  # fmt: skip
        self._refused = ""
        days = request.retention_days
        return Serving(engine, request.model, request.weights, self._build, lease, until, days)

    async def _relay(
        self, engine: Engine, about: Subject, signed: bytes, answers: Mapping[str, bytes]
    ) -> Frame:
        """Give the engine its shares; its `opened` frame. From here on its end is stated in any case."""
        await self._receipts.post([], **{_FACT: json.dumps([about.name, str(about.digest)]).encode()})
        try:
            async with self._socket(engine) as listen:
                release = {
                    "alias": about.name, "listen": str(listen), "folder": str(self._site.folder.resolve()),
                    "request": encode64(signed), "answers": [encode64(one) for one in answers.values()],
                    "load": dataclasses.asdict(self._site.load),
                }  # fmt: skip
                return await engine.open({**release, **self._site.message}, timeout=_OPENING)
        except BaseException as error:
            await engine.close()
            code = error.code if isinstance(error, MythosError) else "stopped"
            await self._state_wiped(about, Ended(code, "the weights were released and not opened"))
            raise

    async def _shares(self, granted: Granted, signed: bytes) -> dict[str, bytes]:
        """The approvers' answers by name: of all, or of enough organisations when some do not answer."""
        organisation = {share.approver.partition("+")[0]: share.organisation for share in granted.shares}
        asked = [self._ask(name, "/v1/release", signed) for name in organisation]
        given = await asyncio.gather(*asked, return_exceptions=True)
        answers = {name: one for name, one in zip(organisation, given, strict=True) if isinstance(one, bytes)}
        organisations = {organisation[name] for name in answers}
        if len(organisations) < granted.request.organisations_required:
            failed = [one for one in given if isinstance(one, BaseException)]
            raise next((one for one in failed if isinstance(one, GrantError)), failed[0])
        return answers

    async def _ask(self, name: str, path: str, message: bytes) -> bytes:
        address = self._site.approvers.get(name)
        if address is None:
            raise InputError(
                f"where is the release service of {name}?", advice=f"Add --release {name}=ADDRESS."
            )
        return await asyncio.to_thread(_post, address, path, message)

    @contextlib.asynccontextmanager
    async def _socket(self, engine: Engine) -> AsyncGenerator[Path]:
        """Where the library's own server listens while it starts; the name is gone afterwards."""
        path = self._site.runtime / f"engine-{engine.pid}.sock"
        path.unlink(missing_ok=True)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    async def _recover(self) -> None:
        """State the end of an engine whose hub was killed."""
        if held := await self._receipts.fact(_FACT):
            name, digest = json.loads(held)
            ended = Ended("hub_killed", "the hub ended without saying so; its engine ended with it")
            await self._state_wiped(Subject(name, Digest.parse(digest)), ended)

    async def _state_wiped(self, about: Subject, ended: Ended) -> None:
        now, grant = Instant.now(), self._site.grant
        reason = f"{ended.code}: {ended.detail}"
        statements = [predicates.Wiped(grant, reason, now).statement(about)]
        if ended.code not in {"stopped", "lease_ended", "grant_ended"}:
            incident = predicates.Incident(
                kind="engine-ended", severity="warning", hub=self._signer.verify_key.id, description=reason,
                acts=(grant,), occurred_at=now, reported_at=now,
            )  # fmt: skip
            statements.append(incident.statement(about))
        await self._receipts.post(statements, **{_FACT: b""})

    async def _state_refusal(self, granted: Granted, error: GrantError) -> None:
        if error.code == self._refused:
            return
        self._refused = error.code
        refused = predicates.Refused(self._site.grant, error.message, error.code, Instant.now())
        about = Subject(granted.request.model, granted.request.weights)
        await self._receipts.post([refused.statement(about)])


def _post(address: str, path: str, message: bytes) -> bytes:
    with Peer(address, timeout=_ANSWER) as peer:
        reply = peer.request("POST", path, message)
    if reply.status == 200:
        return reply.body
    try:
        told = json.loads(reply.body)
        message_, found, code = str(told["message"]), str(told["found"]), str(told["code"])
    except (ValueError, KeyError, TypeError) as error:
        raise HubError(f"{address} answered {reply.status}") from error
    if reply.status == 403:
        raise GrantError(message_, found=found, code=code)
    raise HubError(f"{address} could not answer: {message_}", found=found, code=code)
