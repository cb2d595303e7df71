"""Sealed weights, two approvers, one hub: opened, renewed, lost, wiped, each in the log."""

import asyncio
import json
import os
import secrets
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from mythos.custody import Approver, Follower, read_manifest, request_digest
from mythos.custody import owner as owning
from mythos.custody.approval import request_bytes
from mythos.custody.grant import approvals_of, check_approvals
from mythos.custody.seal import seal
from mythos.engines import LoadOptions
from mythos.errors import EngineError, GrantError, InputError
from mythos.evidence.client import LogClient
from mythos.evidence.predicates import (
    Approval,
    Determination,
    GrantRequest,
    HubIdentity,
    Leg,
    Predicate,
    Revocation,
)  # fmt: skip
from mythos.evidence.statement import Envelope, Subject
from mythos.hub.release import Release, Site
from mythos.hub.server import Settings, listen, serve
from mythos.hub.store import open_store
from mythos.services.release import release_app
from mythos.units import Digest, Instant
from mythos.weights import identify

ROUTE = (Leg("US", "JP", "access"),)
LEASE = 600


@dataclass
class Estate:
    """A sealed model that two organisations can grant, and everything to do it with."""

    world: Any
    folder: Path
    sealed: Path
    weights: Digest
    approvers: dict[str, str]
    log: LogClient
    view: Follower
    seal: Digest
    law: Digest

    def append(self, act: Predicate, signer: str) -> Digest:
        statement = act.statement(Subject("smollm2", self.weights))
        [place] = self.log.append([Envelope.sign(statement, self.world.keys[signer]).to_bytes()])
        self.log.wait(place.index + 1)
        return Digest(place.leaf_hash)

    def grant(self, *, lease: int = LEASE, opens: int = 100) -> Digest:
        """Approved by both, granted, and the shares deposited."""
        now, host = Instant.now(), self.world.host.verify_key
        request = GrantRequest(
            version=1, model="smollm2", weights=self.weights, manifest=read_manifest(self.sealed).digest,
            seal=self.seal, hub=HubIdentity("host", str(host), "host"), purpose="serve", legs=ROUTE,
            determination=self.law, not_before=now, not_after=now.plus(3600), lease_seconds=lease,
            max_opens=opens, egress_bytes_per_day=1 << 30, retention_days=7, organisations_required=2,
            override=None, nonce=secrets.token_hex(16),
        )  # fmt: skip
        for name in self.approvers:
            self.append(
                Approval(
                    request=Digest.of(request_bytes(request)), role="approver", organisation=name,
                    not_before=now, not_after=now.plus(3600), max_lease_seconds=lease, override=None,
                    approved_at=now,
                ),
                name,
            )  # fmt: skip
        record = self.view.update()
        quorum: Any = check_approvals(
            request, approvals_of(request, record, now), record, max(Instant.now(), record.time)
        )
        issue = owning.prepare(self.folder, request, quorum, record.keys or {}, epoch=1)
        leaf = self.append(owning.grant_act(request, quorum, issue, Instant.now()), "owner")
        deposits = owning.deposits(issue, leaf, self.world.keys["owner"])
        for approver, message in deposits.items():
            address = self.approvers[approver.partition("+")[0]]
            with httpx.Client(transport=httpx.HTTPTransport(uds=address.removeprefix("unix:"))) as client:
                assert client.post("http://a/v1/share", content=message).status_code == 200
        assert request_digest(request) == Digest.of(request_bytes(request))
        return leaf

    def acts(self, grant: Digest) -> list[str]:
        """The acts of the host and the approvers under a grant, in order."""
        found: list[str] = []
        for entry in self.log.entries(0, self.log.status()["acknowledged"]):
            statement = Envelope.parse(entry).statement()
            if str(grant) in {statement.predicate.get("grant"), *statement.predicate.get("acts", ())}:
                found.append(str(statement.act))
        return found

    def reasons(self, grant: Digest) -> list[str]:
        """What the `wiped` and `refused` statements under a grant say."""
        statements = [
            Envelope.parse(e).statement() for e in self.log.entries(0, self.log.status()["acknowledged"])
        ]
        return [
            s.predicate["reason"]
            for s in statements
            if s.act in {"wiped", "refused"} and s.predicate["grant"] == str(grant)
        ]


@pytest.fixture(scope="module")
def estate(
    world: Any, background: Any, smollm2: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Estate]:
    folder = tmp_path_factory.mktemp("estate")
    for name in ("owner", "approver-a", "approver-b"):
        (folder / name).mkdir(mode=0o700)
    log = LogClient(world.log)
    view = Follower(log, world.policy)
    identity = identify(smollm2)
    sealed = folder / "sealed"
    made = seal(
        smollm2, sealed, identity=identity, release=1, keep=lambda s: owning.keep(folder / "owner", s),
        now=Instant.now(),
    )  # fmt: skip
    approvers, apps, clients = {}, {}, [log]
    for name in ("approver-a", "approver-b"):
        client = LogClient(world.log)
        clients.append(client)
        approver = Approver(
            folder / name, world.keys[name], world.hpke[name], client, Follower(client, world.policy)
        )
        path = str(folder / f"{name[-1]}.sock")
        approvers[name], apps[path] = f"unix:{path}", release_app(approver)
    law = Determination(
        on="2026-11-23", legs=ROUTE, facts=Digest.of(b"f"), document=Digest.of(b"d"), instruments=(),
        barred=False, needs=(), review=(), pack_digest=Digest.of(b"p"), decided_at=Instant.now(),
    )  # fmt: skip
    nothing = Digest(bytes(32))
    found = Estate(world, folder / "owner", sealed, identity.root, approvers, log, view, nothing, nothing)
    with background(apps):
        found.seal = found.append(made.manifest.predicate(), "owner")
        found.law = found.append(law, "owner")
        yield found
    for client in clients:
        client.close()


@dataclass
class Running:
    """A hub over sealed weights."""

    parts: Any
    client: httpx.AsyncClient
    release: Release
    stop: asyncio.Event

    async def ask(self) -> httpx.Response:
        messages = [{"role": "user", "content": "What is the capital of Japan?"}]
        body = {"messages": messages, "temperature": 0, "max_tokens": 8}
        return await self.client.post("/v1/chat/completions", json=body)


def run(
    estate: Estate, grant: Digest, folder: Path, act: Callable[[Running], Any], *, renew: bool = True
) -> None:
    """Start a hub under a grant, do something with it, stop it."""

    async def scenario() -> None:
        (folder / "keys").mkdir(exist_ok=True)
        made: list[Release] = []

        def make(receipts: Any) -> Release:
            load = LoadOptions(context=1024, slots=1, batch=128)
            site = Site(grant, estate.sealed, estate.approvers, folder, load)
            made.append(Release(site, estate.world.host, estate.view, receipts))
            return made[0]

        settings = Settings(folder, estate.world.log, estate.world.host, slots=1, renew=renew)
        sock, stop = listen("127.0.0.1", 0), asyncio.Event()
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        parts = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(serve(settings, sock, make, parts.set_result, stop))
        await asyncio.wait({running, parts}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        with open_store(folder, exclusive=False) as store:
            key = store.add_key("acme", "use", Instant.now())
        headers = {"Authorization": f"Bearer {key}"}
        try:
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
                await act(Running(parts.result(), client, made[0], stop))
        finally:
            stop.set()
            await running

    asyncio.run(scenario())


def look(pid: int) -> tuple[set[str], set[str]]:
    """Where a process's descriptors lead, and the names in its environment, from outside."""
    process = Path("/proc") / str(pid)
    variables = (process / "environ").read_bytes().split(b"\0")
    names = {variable.partition(b"=")[0].decode() for variable in variables if variable}
    return {str(link.readlink()) for link in (process / "fd").iterdir()}, names


def test_a_sealed_model_answers_and_its_life_stands_in_the_log(estate: Estate, tmp_path: Path) -> None:
    grant = estate.grant()

    async def act(hub: Running) -> None:
        answer = await hub.ask()
        assert "Tokyo" in answer.text
        audit = await hub.parts.keeper.state.engine.audit()
        assert [
            link for link in audit["descriptors"].values() if not link.startswith(("/dev/null", "socket:"))
        ] == []
        assert LEASE - 60 < audit["seconds"] <= LEASE
        for text in (owner.name for owner in estate.folder.parent.rglob("*.key")):
            assert text not in json.dumps(audit)
        if os.geteuid() == 0:  # a privileged look from outside says the same
            outside = look(hub.parts.keeper.state.engine.pid)
            assert outside == (set(audit["descriptors"].values()), set(audit["environment"]))
        assert [name for name in os.listdir(tmp_path) if name.endswith(".sock")] == []  # noqa: PTH208

    run(estate, grant, tmp_path, act)
    assert estate.acts(grant) == ["release", "release", "opened", "lease", "wiped"]
    assert estate.reasons(grant) == ["stopped: the hub was stopped"]


def test_a_killed_engine_is_opened_again_under_the_same_grant(estate: Estate, tmp_path: Path) -> None:
    grant = estate.grant()

    async def act(hub: Running) -> None:
        first = hub.parts.keeper.state
        os.kill(first.engine.pid, signal.SIGKILL)
        await first.engine.ended
        for _ in range(500):
            await asyncio.sleep(0.02)
            if getattr(hub.parts.keeper.state, "engine", first.engine) is not first.engine:
                break
        second = hub.parts.keeper.state
        assert second.engine.hello["publicKey"] != first.engine.hello["publicKey"]
        assert "Tokyo" in (await hub.ask()).text

    run(estate, grant, tmp_path, act)
    acts = estate.acts(grant)
    assert acts.count("opened") == 2
    assert acts.count("release") == 4
    assert acts.count("incident") == 1
    assert estate.reasons(grant)[0].startswith("killed: SIGKILL")


def test_renewals_are_verified_by_the_engine_and_stated(estate: Estate, tmp_path: Path) -> None:
    grant = estate.grant(lease=4)

    async def act(hub: Running) -> None:
        first = hub.parts.keeper.state
        await asyncio.sleep(3)
        state = hub.parts.keeper.state
        assert state.engine is first.engine
        assert state.lease["renewal"] >= 1
        assert state.until > first.until
        assert (await state.engine.audit())["seconds"] > 1
        before = state.lease["renewal"]
        with pytest.raises(EngineError, match="not a renewal"):
            await state.engine.renew({"renewals": ["AAAA"]})
        assert hub.parts.keeper.state.lease["renewal"] >= before
        assert "Tokyo" in (await hub.ask()).text

    run(estate, grant, tmp_path, act)
    assert estate.acts(grant).count("lease") >= 2
    assert estate.acts(grant).count("opened") == 1


def test_a_revoked_grant_runs_out_with_its_lease(estate: Estate, tmp_path: Path) -> None:
    grant = estate.grant(lease=3)

    async def act(hub: Running) -> None:
        engine = hub.parts.keeper.state.engine
        await asyncio.to_thread(
            estate.append, Revocation(grant, "the owner changed its mind", Instant.now()), "owner"
        )
        ended = await asyncio.wait_for(engine.ended, 5)
        assert ended.code == "lease_ended"
        await asyncio.sleep(0.5)
        refused = await hub.ask()
        assert refused.status_code == 503
        assert "revoked" in refused.text or "The lease ended" in refused.text

    run(estate, grant, tmp_path, act)
    assert "lease_ended" in estate.reasons(grant)[0]
    with pytest.raises(GrantError, match="revoked"):
        run(estate, grant, tmp_path, act)


def test_a_grant_that_is_spent_is_refused_and_the_refusal_is_stated(estate: Estate, tmp_path: Path) -> None:
    grant = estate.grant(opens=1)

    async def act(hub: Running) -> None:
        assert "Tokyo" in (await hub.ask()).text

    run(estate, grant, tmp_path, act)
    with pytest.raises(GrantError, match="opened 1 times"):
        run(estate, grant, tmp_path, act)
    assert any("opened 1 times" in reason for reason in estate.reasons(grant))


def test_a_hub_that_was_killed_states_the_wipe_at_its_next_start(estate: Estate, tmp_path: Path) -> None:
    grant = estate.grant()
    with open_store(tmp_path, exclusive=False) as store:
        store.post([], {"engine": json.dumps(["smollm2", str(estate.weights)]).encode()})

    async def act(_hub: Running) -> None:
        await asyncio.sleep(0.5)

    run(estate, grant, tmp_path, act)
    assert estate.reasons(grant)[0].startswith("hub_killed")


def test_an_absent_approver_is_named(estate: Estate, tmp_path: Path) -> None:
    from dataclasses import replace

    grant = estate.grant()
    away = replace(estate, approvers={**estate.approvers, "approver-b": f"unix:{tmp_path}/nobody.sock"})
    with pytest.raises(Exception, match=r"nobody\.sock"):
        run(away, grant, tmp_path, lambda _: None)
    unknown = replace(estate, approvers={"approver-a": estate.approvers["approver-a"]})
    with pytest.raises(InputError, match="approver-b"):
        run(unknown, grant, tmp_path, lambda _: None)


def test_a_flipped_sealed_file_opens_nothing(estate: Estate, tmp_path: Path) -> None:
    from dataclasses import replace

    grant = estate.grant()
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in estate.sealed.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    [file] = copy.glob("*.sealed")
    with file.open("r+b") as open_file:
        open_file.seek(50_000_000)
        byte = open_file.read(1)
        open_file.seek(50_000_000)
        open_file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(EngineError) as caught:
        run(replace(estate, sealed=copy), grant, tmp_path, lambda _: None)
    assert "seal" in caught.value.code
    assert estate.reasons(grant) == [f"{caught.value.code}: the weights were released and not opened"]
    assert estate.acts(grant) == ["release", "release", "wiped", "incident"]


def test_no_plain_byte_of_the_weights_is_anywhere(estate: Estate, tmp_path: Path, smollm2: Path) -> None:
    grant = estate.grant()
    with smollm2.open("rb") as file:
        file.seek(60_000_000)
        canary = file.read(48)

    async def act(hub: Running) -> None:
        await hub.ask()
        roots = [tmp_path, estate.sealed, estate.folder.parent, Path("/dev/shm")]
        for path in {p for root in roots for p in root.rglob("*") if p.is_file() and not p.is_symlink()}:
            assert canary not in path.read_bytes(), path

    run(estate, grant, tmp_path, act)
