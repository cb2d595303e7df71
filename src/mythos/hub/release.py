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
from collections.abc import AsyncGenerator, Mapping, Sequence
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
from mythos.evidence.statement import Statement, Subject
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
        adapter: opened beside the base, under a grant of its own; it is then the model that is served.
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
    adapter: Site | None = None

    @property
    def parts(self) -> tuple[Site, ...]:
        """The base, and the adapter where there is one."""
        return (self,) if self.adapter is None else (self, self.adapter)


@dataclass(slots=True)
class _Part:
    """A sealed folder that was released: the grant, the signed request, the approvers' answers by name."""

    site: Site
    granted: Granted
    signed: bytes
    answers: dict[str, bytes]

    @property
    def about(self) -> Subject:
        return Subject(self.granted.request.model, self.granted.request.weights)

    @property
    def message(self) -> Frame:
        return {
            "folder": str(self.site.folder.resolve()),
            "request": encode64(self.signed),
            "answers": [encode64(one) for one in self.answers.values()],
        }


class Release:
    """Opens, renews and states for one grant (a `keeper.Opener`)."""

    def __init__(self, site: Site, signer: SigningKey, follower: Follower, receipts: Receipts) -> None:
        self._site = site
        self._signer = signer
        self._follower = follower
        self._receipts = receipts
        self._refused = ""
        self._parts: list[_Part] = []
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
        granted = [await asyncio.to_thread(self._granted, site) for site in self._site.parts]
        engine = await Engine.launch(command=self._site.engine)
        try:
            return await self._open(engine, granted)
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
        renewals = [await self._renewed(part, now) for part in self._parts]
        said = await serving.engine.renew({"renewals": renewals[0], "adapterRenewals": renewals[1:]})
        until = Instant.parse(said["until"])
        lease = {**serving.lease, "renewal": self._renewal, "from": str(now), "until": str(until)}
        statements = [
            predicates.Lease(part.site.grant, self._renewal, now, until).statement(part.about)
            for part in self._parts
        ]
        await self._receipts.post(statements)
        return replace(serving, lease=lease, until=until)

    async def _renewed(self, part: _Part, now: Instant) -> list[str]:
        message = RenewalRequest(part.site.grant, Digest.of(part.signed), self._renewal, now)
        request = sign_message(message, part.about.digest, self._signer)
        return [encode64(await self._ask(part.site, name, "/v1/renew", request)) for name in part.answers]

    async def wiped(self, serving: Serving, ended: Ended, /) -> None:
        """State that the engine and its plain weights are gone, and an incident if it was not meant to."""
        del serving
        await self._state_wiped([(part.site.grant, part.about) for part in self._parts], ended)

    def _granted(self, site: Site) -> Granted:
        granted = check(site.grant, self._follower.update(), Instant.now())
        if isinstance(granted, Refused):
            raise GrantError(granted.reason, found=granted.cite, code=granted.code)
        if granted.hub_key != self._signer.verify_key:
            raise GrantError(
                "the grant is for another hub", expected=granted.hub_key.id, found=self._signer.verify_key.id
            )
        if granted.request.purpose.partition(":")[0] != site.purpose:
            raise GrantError(
                "the grant is for another purpose", expected=site.purpose,
                found=granted.request.purpose, code="other_purpose",
                advice=f"Ask for one: mythos grant request --purpose {site.purpose}",
            )  # fmt: skip
        manifest = read_manifest(site.folder)
        if manifest.digest != granted.request.manifest:
            raise InputError(
                "this is not the sealed folder that was granted",
                expected=str(granted.request.manifest), found=str(manifest.digest),
            )  # fmt: skip
        return granted

    async def _open(self, engine: Engine, granted: list[Granted]) -> Serving:
        now, keys = Instant.now(), (engine.hello["publicKey"], engine.hello.get("adapterKey", ""))
        sites = zip(self._site.parts, granted, keys, strict=False)
        self._parts = [await self._released(site, one, key, now) for site, one, key in sites]
        self._renewal = 0
        said = await self._relay(engine)
        until = Instant.parse(said["until"])
        statements: list[Statement] = []
        for part, opened in zip(self._parts, [said, *said.get("adapter", ())], strict=True):
            manifest = Digest.parse(opened["manifest"])
            grant, size = part.site.grant, opened["bytes"]
            act = predicates.Opened(grant, manifest, self._build, size, Instant.now())
            leased = predicates.Lease(grant, 0, now, until)
            statements += [act.statement(part.about), leased.statement(part.about)]
        await self._receipts.post(statements)
        first, last = self._parts[0], self._parts[-1]
        lease = {
            "grant": str(first.site.grant), "releaseRequest": str(Digest.of(first.signed)), "renewal": 0,
            "from": str(now), "until": str(until), "approvers": list(first.answers),
        }  # fmt: skip
        if last is not first:
            lease |= {"adapterGrant": str(last.site.grant), "base": str(first.about.digest)}
        self._refused = ""
        days = min(part.granted.request.retention_days for part in self._parts)
        return Serving(engine, last.about.name, last.about.digest, self._build, lease, until, days)

    async def _released(self, site: Site, granted: Granted, key: str, now: Instant) -> _Part:
        """Ask the approvers of one grant for their shares; a `refused` statement says so when they refuse."""
        request = granted.request
        message = ReleaseRequest(
            grant=site.grant, hub=request.hub.name, engine_key=key, nonce=secrets.token_hex(32),
            evidence=None, requested_at=now,
        )  # fmt: skip
        signed = sign_message(message, request.weights, self._signer)
        try:
            return _Part(site, granted, signed, await self._shares(site, granted, signed))
        except GrantError as error:
            await self._state_refusal(granted, error)
            raise

    async def _relay(self, engine: Engine) -> Frame:
        """Give the engine its shares; its `opened` frame. From here on its end is stated in any case."""
        ends = [(part.site.grant, part.about) for part in self._parts]
        held = json.dumps([[str(grant), about.name, str(about.digest)] for grant, about in ends])
        await self._receipts.post([], **{_FACT: held.encode()})
        first, *beside = self._parts
        try:
            async with self._socket(engine) as listen:
                release = {
                    **first.message, "alias": ends[-1][1].name, "listen": str(listen),
                    "load": dataclasses.asdict(self._site.load), "adapter": [one.message for one in beside],
                }  # fmt: skip
                return await engine.open({**release, **self._site.message}, timeout=_OPENING)
        except BaseException as error:
            await engine.close()
            code = error.code if isinstance(error, MythosError) else "stopped"
            await self._state_wiped(ends, Ended(code, "the weights were released and not opened"))
            raise

    async def _shares(self, site: Site, granted: Granted, signed: bytes) -> dict[str, bytes]:
        """The approvers' answers by name: of all, or of enough organisations when some do not answer."""
        organisation = {share.approver.partition("+")[0]: share.organisation for share in granted.shares}
        asked = [self._ask(site, name, "/v1/release", signed) for name in organisation]
        given = await asyncio.gather(*asked, return_exceptions=True)
        answers = {name: one for name, one in zip(organisation, given, strict=True) if isinstance(one, bytes)}
        organisations = {organisation[name] for name in answers}
        if len(organisations) < granted.request.organisations_required:
            failed = [one for one in given if isinstance(one, BaseException)]
            raise next((one for one in failed if isinstance(one, GrantError)), failed[0])
        return answers

    async def _ask(self, site: Site, name: str, path: str, message: bytes) -> bytes:
        address = site.approvers.get(name)
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
            ended = Ended("hub_killed", "the hub ended without saying so; its engine ended with it")
            said = json.loads(held)
            if isinstance(said[0], str):  # a hub of the version before held one name and digest
                said = [[str(self._site.grant), *said]]
            ends = [(Digest.parse(g), Subject(name, Digest.parse(d))) for g, name, d in said]
            await self._state_wiped(ends, ended)

    async def _state_wiped(self, ends: Sequence[tuple[Digest, Subject]], ended: Ended) -> None:
        now, reason = Instant.now(), f"{ended.code}: {ended.detail}"
        statements = [predicates.Wiped(grant, reason, now).statement(about) for grant, about in ends]
        if ended.code not in {"stopped", "lease_ended", "grant_ended"}:
            incident = predicates.Incident(
                kind="engine-ended", severity="warning", hub=self._signer.verify_key.id, description=reason,
                acts=tuple(grant for grant, _ in ends), occurred_at=now, reported_at=now,
            )  # fmt: skip
            statements.append(incident.statement(ends[-1][1]))
        await self._receipts.post(statements, **{_FACT: b""})

    async def _state_refusal(self, granted: Granted, error: GrantError) -> None:
        if error.code == self._refused:
            return
        self._refused = error.code
        refused = predicates.Refused(granted.leaf, error.message, error.code, Instant.now())
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
