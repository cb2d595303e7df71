"""A whole small world: a real log with a real witness, the real model in the real engine, real HTTP."""

import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from mythos.custody.keys import HPKE_SUITE, HpkePrivateKey
from mythos.engines import Ended, Engine
from mythos.errors import EngineError
from mythos.evidence.client import LogClient
from mythos.evidence.estate import ROLES, Holder, first_root, policy_text
from mythos.evidence.log import Log
from mythos.evidence.note import SigningKey
from mythos.evidence.policy import Policy
from mythos.evidence.predicates import HpkeKey
from mythos.evidence.publish import Publisher
from mythos.evidence.statement import Envelope
from mythos.evidence.tiles import Projection
from mythos.evidence.witness import Witness
from mythos.hub.admission import Admission, Decider, allow
from mythos.hub.answer import Limits, Parts
from mythos.hub.keeper import Serving
from mythos.hub.server import Settings, listen, serve
from mythos.hub.store import Store, open_store
from mythos.services.log import News, log_app
from mythos.services.witness import witness_app
from mythos.units import Instant
from mythos.weights.fetch import SMOLLM2

PLAIN_ENGINE = Path(__file__).parents[1] / "engines" / "plain_engine.py"
LOAD = {"context": 2048, "slots": 2, "threads": 0, "batch": 128}


@dataclass
class World:
    """Keys, the running log and witness, and the policy of a reader."""

    log: str
    host: SigningKey
    policy: Policy
    keys: dict[str, SigningKey]
    hpke: dict[str, HpkePrivateKey]


class Background:
    """Several ASGI apps, each on its own Unix socket, in one thread."""

    def __init__(self, apps: dict[str, Any]) -> None:
        self._servers = [
            uvicorn.Server(uvicorn.Config(app, uds=path, log_level="error", ws="none", lifespan="auto"))
            for path, app in apps.items()
        ]
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        await asyncio.gather(*(server.serve() for server in self._servers))

    def __enter__(self) -> None:
        self._thread.start()
        while not all(server.started for server in self._servers):
            time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.should_exit = True
        self._thread.join()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    names = {name for keys, _ in ROLES.values() for name in keys}
    keys = {name: SigningKey.generate(name) for name in sorted(names)}
    hpke = {name: HpkePrivateKey.generate() for name in ("approver-a", "approver-b")}
    log_key = SigningKey.generate("log")
    cosigners = [SigningKey.generate(name, cosigner=True) for name in ("witness", "host-witness")]
    holders = {
        name: Holder(
            key.verify_key, name, HpkeKey(HPKE_SUITE, str(hpke[name].public)) if name in hpke else None
        )
        for name, key in keys.items()
    }
    verify_keys = [key.verify_key for key in cosigners]
    root = first_root(holders, log_key.verify_key, verify_keys, verifier=None, now=Instant.now())
    policy = Policy.parse(policy_text(root))
    witnesses = [Witness(folder / f"{key.name}.db", key, {"log": [log_key.verify_key]}) for key in cosigners]
    (folder / "log").mkdir(mode=0o700)
    log = Log.open(folder / "log", log_key, policy=policy)
    news, projection = News(), Projection(folder / "log")
    paths = [str(folder / f"w{number}.sock") for number in range(len(witnesses))]
    publisher = Publisher(log, projection, policy, [f"unix:{path}" for path in paths], news.tell)
    apps: dict[str, Any] = {path: witness_app(one) for path, one in zip(paths, witnesses, strict=True)}
    apps[str(folder / "l.sock")] = log_app(log, projection, publisher, news)
    address = f"unix:{folder / 'l.sock'}"
    with Background(apps):
        signers = [keys[name] for name in ROLES["root"][0]]
        with LogClient(address) as client:
            client.append([Envelope.sign(root.statement(), *signers).to_bytes()])
            client.wait(1)
        yield World(address, keys["host"], policy, keys, hpke)
    for one in witnesses:
        one.close()


@pytest.fixture(scope="session")
def background() -> type[Background]:
    """Runs apps on Unix sockets in a thread, as a context."""
    return Background


@dataclass
class PlainOpener:
    """Opens the plain model instead of a sealed one, and remembers what it was told."""

    model: Path
    folder: Path
    seconds: float = 600.0
    load: dict[str, int] = field(default_factory=lambda: dict(LOAD))
    told: list[str] = field(default_factory=list)
    opened: int = 0
    refuse: Exception | None = None

    async def open(self) -> Serving:
        if self.refuse is not None:
            raise self.refuse
        self.opened += 1
        listen = self.folder / f"e{self.opened}.sock"
        engine = await Engine.launch(command=(sys.executable, "-I", str(PLAIN_ENGINE)))
        message = {"alias": "smollm2", "listen": str(listen), "load": self.load, "seconds": self.seconds}
        await engine.open({**message, "plain": str(self.model)}, timeout=60)
        listen.unlink()
        until = Instant.now().plus(self.seconds)
        lease = {"grant": "sha256:" + "0" * 64, "renewal": 0, "until": str(until)}
        return Serving(engine, "smollm2", SMOLLM2.file, "plain engine", lease, until)

    async def renew(self, _serving: Serving) -> Serving:
        raise EngineError("no renewals here")

    async def wiped(self, _serving: Serving, ended: Ended) -> None:
        self.told.append(ended.code)


@dataclass
class Hub:
    """A running hub: what a test asks, and what it may look into."""

    url: str
    key: str
    metrics_key: str
    opener: PlainOpener
    parts: Parts
    store: Store
    client: httpx.AsyncClient
    folder: Path
    stop: asyncio.Event

    @property
    def admission(self) -> Admission:
        return self.parts.admission

    async def chat(self, content: str, **more: Any) -> httpx.Response:
        body = {
            "model": "smollm2",
            "messages": [{"role": "user", "content": content}],
            "temperature": 0,
            **more,
        }
        return await self.client.post("/v1/chat/completions", json=body)

    async def serving(self) -> Serving:
        for _ in range(500):
            if isinstance(self.parts.keeper.state, Serving):
                return self.parts.keeper.state
            await asyncio.sleep(0.02)
        raise TimeoutError(f"not serving: {self.parts.keeper.state}")


@pytest.fixture(scope="session")
def start_hub(world: World, smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Starts a hub on a loopback port with a plain engine behind it, as a context."""

    @contextlib.asynccontextmanager
    async def start(
        *,
        decider: Decider = allow,
        limits: Limits | None = None,
        seconds: float = 600.0,
        renew: bool = False,
        folder: Path | None = None,
        log: str = world.log,
        load: dict[str, int] | None = None,
        **more: Any,
    ) -> AsyncGenerator[Hub]:
        folder = folder or tmp_path_factory.mktemp("hub")
        (folder / "keys").mkdir(exist_ok=True)
        opener = PlainOpener(smollm2, folder, seconds, LOAD | (load or {}))
        settings = Settings(
            folder,
            log,
            world.host,
            slots=opener.load["slots"],
            renew=renew,
            limits=limits or Limits(),
            decider=decider,
            **more,
        )
        sock = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        stop, parts = asyncio.Event(), asyncio.get_running_loop().create_future()
        running = asyncio.create_task(serve(settings, sock, lambda _: opener, parts.set_result, stop))
        await asyncio.wait({running, parts}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        now = Instant.now()
        with open_store(folder, exclusive=False) as store:
            key, metrics_key = store.add_key("acme", "use", now), store.add_key("acme", "metrics", now)
            headers = {"Authorization": f"Bearer {key}"}
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
                try:
                    yield Hub(url, key, metrics_key, opener, parts.result(), store, client, folder, stop)
                finally:
                    stop.set()
                    await running

    return start
