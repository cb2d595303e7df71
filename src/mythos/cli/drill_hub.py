"""The hubs of a directive drill: real hub processes, real HTTP, and an engine that streams canned tokens.

    python -m mythos.cli.drill_hub hubs CONFIG    loads the code once, then forks one process for each hub
    python -m mythos.cli.drill_hub engine FD      with a real model: the engine process, opening a plain file

Everything but the engine's release is what `mythos serve` runs: server, admission, receipts, enforcement.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final, cast

from mythos.engines.frames import Frame

_SEALED: Final = 0xF
_LEASE: Final = 3600.0


def main() -> None:
    """Be the hubs, or an engine."""
    if sys.argv[1] == "engine":
        from mythos.engines.process import run

        run(int(sys.argv[2]), _PlainCustodian)
    _hubs(json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))


class _PlainCustodian:
    """Opens a plain file where a hub's custodian opens a sealed one."""

    def __init__(self) -> None:
        self._until = 0.0

    def hello(self) -> Frame:
        return {}

    def open(self, frame: Frame) -> Any:
        from mythos.engines.process import Opened

        descriptor = os.memfd_create("weights", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        with open(frame["plain"], "rb", buffering=0) as file:
            while data := file.read(4 << 20):
                os.write(descriptor, data)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALED)
        self._until = time.monotonic() + _LEASE
        return Opened(descriptor, {"bytes": os.fstat(descriptor).st_size})

    def renew(self, frame: Frame) -> Frame:  # noqa: ARG002 (the engine's protocol)
        return {"until": ""}

    def remaining(self) -> float:
        return self._until - time.monotonic()


class _Canned:
    """An engine that says the time, at a fixed rate, for as long as it is asked."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self.ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def generate(self, _api: str, _body: Frame) -> AsyncGenerator[Frame]:
        yield {"kind": "started"}
        due = time.monotonic()
        while True:
            yield {"kind": "delta", "text": f"{time.time():.6f} "}
            due += 1 / self._rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def close(self) -> Any:
        from mythos.engines import Ended

        if not self.ended.done():
            self.ended.set_result(Ended("stopped", "the drill is over"))
        return self.ended.result()


class _Opener:
    """Stands for the release of a grant: the drill is about directives."""

    def __init__(self, config: dict[str, Any], folder: Path) -> None:
        self._config, self._folder = config, folder

    async def open(self) -> Any:
        from mythos.engines import Engine
        from mythos.hub import Serving
        from mythos.units import Digest, Instant

        told, kind = self._config, "canned tokens"
        if told["real"]:
            kind = "real model, plain file"
            engine: Any = await Engine.launch(
                command=(sys.executable, "-m", "mythos.cli.drill_hub", "engine")
            )
            load = {"context": 512, "slots": told["slots"], "threads": 1, "batch": 128}
            listen = self._folder / "e.sock"
            frame = {"alias": told["model"], "listen": str(listen), "load": load, "plain": told["real"]}
            await engine.open(frame, timeout=120)
            listen.unlink(missing_ok=True)
        else:
            engine = cast("Engine", _Canned(told["rate"]))
        lease = {"grant": "sha256:" + "0" * 64, "renewal": 0}
        until = Instant.now().plus(_LEASE)
        return Serving(engine, told["model"], Digest.parse(told["weights"]), kind, lease, until)

    async def renew(self, serving: Any, /) -> Any:
        return serving

    async def wiped(self, serving: Any, ended: Any, /) -> None:
        """The drill states no release, so there is no wipe to state."""


def _hubs(config: dict[str, Any]) -> None:
    importlib.import_module("mythos.hub.server")  # once, before the fork

    children: list[int] = []
    for name in config["hubs"]:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                asyncio.run(_serve(config, name))
                status = 0
            finally:
                os._exit(status)
        children.append(child)

    def end(*_: object) -> None:
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    for child in children:
        os.waitpid(child, 0)


async def _serve(config: dict[str, Any], name: str) -> None:
    from mythos.cli.processes import die_with_parent
    from mythos.evidence.note import SigningKey
    from mythos.evidence.policy import Policy
    from mythos.files import private_folder, read_private, write_private
    from mythos.hub import Admission, Receipts, Settings, listen, open_store, serve
    from mythos.hub.enforcement import Enforcement
    from mythos.hub.enforcement_people import Orders, People
    from mythos.units import Instant

    die_with_parent()
    folder = private_folder(Path(config["folder"]) / name)
    private_folder(folder / "keys")
    told = {word: read_private(Path(config[word])) for word in ("policy", "persons", "entities")}
    people = People.read(told["persons"], told["entities"])
    orders = Orders(config["directives"], Policy.parse(told["policy"]), people)
    signer = SigningKey.parse(read_private(Path(config["keys"]) / f"{name}.key").decode())
    obeying: list[Enforcement] = []

    def enforce(admission: Admission, receipts: Receipts) -> Enforcement:
        obeying.append(Enforcement(orders, folder, signer, admission, receipts))
        return obeying[0]

    settings = Settings(
        folder=folder, log=config["log"], signer=signer, slots=config["slots"], enforce=enforce
    )
    sock, stop, opened = listen("127.0.0.1", 0), asyncio.Event(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    async def ready() -> None:
        await opened.wait()
        await obeying[0].leased.wait()
        with open_store(folder, exclusive=False) as store:
            keys = {one: store.add_key(one, "use", Instant.now()) for one in config["hubs"][name]}
        told = {"port": sock.getsockname()[1], "keys": keys}
        write_private(folder / "ready.json", json.dumps(told).encode())

    announcing = asyncio.create_task(ready())
    await serve(settings, sock, lambda _: _Opener(config, folder), lambda _: opened.set(), stop)
    announcing.cancel()


if __name__ == "__main__":
    main()
