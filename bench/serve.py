"""Serving: what sealing costs a load, what resides in memory, what the front adds to a token.

    python bench/serve.py [--model PATH] [--rounds N]

Load: CPU seconds of a fresh process from nothing to a model that can answer, plain file against sealed file
(opened into a sealed memfd, then the same start); alternating, best and median of N. Front: a scripted
engine behind the real HTTP front, so that everything measured is the front's. Downloads are not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

LOADER = """
import os, sys, time
from pathlib import Path
from mythos.engines.llama import Llama, LoadOptions
from mythos.custody.seal import open_into_memfd
from mythos.custody.sealed import read_manifest
kind, path, folder, key = sys.argv[1:]
began = time.process_time(), time.monotonic()
if kind == "sealed":
    file = read_manifest(Path(folder)).files[0]
    descriptor = open_into_memfd(file.within(Path(folder)), file, bytes.fromhex(key))
else:
    descriptor = os.open(path, os.O_RDONLY)
opened = time.process_time()
listen = f"/tmp/mythos-bench-{os.getpid()}.sock"
model = Llama.start(descriptor, alias="m", listen=listen, options=LoadOptions())
os.unlink(listen)
loaded = time.process_time() - began[0], opened - began[0], time.monotonic() - began[1]
os.close(descriptor)
question = {"messages": [{"role": "user", "content": "What is a witness?"}], "max_tokens": 32}
model.generate("chat", question, lambda delta: False)
resident = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS"))
print(*loaded, resident)
sys.stdout.flush()
os._exit(0)
"""


def load_times(model: Path, folder: Path, key: bytes, rounds: int) -> dict[str, list[tuple[float, ...]]]:
    """(CPU seconds, of them opening, wall seconds, resident kB after an answer), for plain and sealed."""
    found: dict[str, list[tuple[float, ...]]] = {"plain": [], "sealed": []}
    for number in range(2 * rounds):
        kind = ("plain", "sealed")[number % 2]
        argv = [sys.executable, "-c", LOADER, kind, str(model), str(folder), key.hex()]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        found[kind].append(tuple(map(float, done.stdout.split())))
    return found


def sealed_copy(model: Path, folder: Path) -> bytes:
    """Seal the model into `folder`; its data key."""
    from mythos.custody.seal import seal
    from mythos.units import Instant
    from mythos.weights import identify

    kept: list[bytes] = []
    seal(
        model,
        folder,
        identity=identify(model),
        release=1,
        keep=lambda sealed: kept.extend(bytes(dek) for dek in sealed.deks.values()),
        now=Instant.now(),
    )
    return kept[0]


def resident(pid: int) -> float:
    """Resident megabytes (10^6) of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024 / 1e6


class Scripted:
    """An engine that answers 16 pieces at once."""

    async def generate(self, _api: str, _body: Any) -> AsyncGenerator[dict[str, Any]]:
        yield {"kind": "started"}
        for _ in range(16):
            yield {"kind": "delta", "text": "token "}
        yield {"kind": "done", "finish": "stop", "promptTokens": 8, "completionTokens": 16}


class ScriptedOpener:
    """Opens the scripted engine, at once and for an hour."""

    def __init__(self) -> None:
        from mythos.hub import Serving
        from mythos.units import Digest, Instant

        self.ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        engine = cast("Any", Scripted())
        engine.ended, engine.close = self.ended, self.close
        until = Instant.now().plus(3600)
        self.serving = Serving(engine, "m", Digest.of(b"w"), "scripted", {"grant": "g"}, until)

    async def close(self) -> Any:
        return SimpleNamespace(code="stopped", detail="")

    async def open(self) -> Any:
        return self.serving

    async def wiped(self, *_: object) -> None:
        return


async def front_times(folder: Path, count: int) -> dict[str, Any]:
    """Milliseconds until the first byte of a stream (one at a time), and answers a second (16 at a time)."""
    from mythos.evidence.note import SigningKey
    from mythos.hub import Settings, listen, open_store, serve
    from mythos.units import Instant

    (folder / "keys").mkdir()
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    settings = Settings(folder, "unix:/nowhere", SigningKey.generate("host"), slots=64, renew=False)
    stop, up = asyncio.Event(), asyncio.Event()
    opener: Any = ScriptedOpener()
    running = asyncio.create_task(serve(settings, sock, lambda _: opener, lambda _: up.set(), stop))
    await up.wait()
    with open_store(folder, exclusive=False) as store:
        key = store.add_key("bench", "use", Instant.now())
    firsts = [await _stream(port, key) for _ in range(count)]
    began = time.monotonic()

    async def client() -> None:
        for _ in range(count // 16):
            await _stream(port, key)

    await asyncio.gather(*(client() for _ in range(16)))
    rate = count // 16 * 16 / (time.monotonic() - began)
    stop.set()
    await running
    firsts.sort()
    return {"p50": firsts[len(firsts) // 2], "p99": firsts[int(len(firsts) * 0.99)], "rate": rate}


async def _stream(port: int, key: str) -> float:
    """One streamed answer on a connection of its own; milliseconds until its first token."""
    body = json.dumps({"messages": [{"role": "user", "content": "Hi"}], "stream": True}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
    head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(head.encode() + body)
    await reader.readuntil(b'"content":"token ')
    first = (time.monotonic() - began) * 1000
    rest = await reader.read()
    assert b"[DONE]" in rest
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return first


def up_times(home: Path) -> list[dict[str, Any]]:
    """What `mythos up --once` says, on a fresh home and again on the same; with the wall seconds of each."""
    found: list[dict[str, Any]] = []
    for _ in range(2):
        began = time.monotonic()
        argv = [sys.executable, "-m", "mythos", "up", "--home", str(home), "--port", "8651"]
        done = subprocess.run(
            [*argv, "--once", "What is the capital of Japan?", "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        found.append(json.loads(done.stdout) | {"wall_s": round(time.monotonic() - began, 2)})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a GGUF file; default: smollm2, fetched into --cache")
    parser.add_argument("--cache", type=Path, default=Path(".pytest_cache/models"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=320)
    parser.add_argument("--up", action="store_true", help="also run `mythos up --once` twice")
    chosen = parser.parse_args()
    from mythos.weights.fetch import resolve

    model = chosen.model or resolve("smollm2", chosen.cache)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        key = sealed_copy(model, folder / "sealed")
        found = load_times(model, folder / "sealed", key, chosen.rounds)
        size = model.stat().st_size
        print(f"{'load':28} {'best CPU s':>10} {'median CPU s':>12} {'median wall s':>13}")
        for kind, times in found.items():
            cpu, wall = [t[0] for t in times], [t[2] for t in times]
            print(
                f"{kind:28} {min(cpu):10.3f} {statistics.median(cpu):12.3f} {statistics.median(wall):13.3f}"
            )
        plain, sealed = (statistics.median(t[0] for t in found[kind]) for kind in ("plain", "sealed"))
        opening = min(t[1] for t in found["sealed"])
        print(f"sealed / plain, median CPU seconds: {sealed / plain:.2f} (at most 1.3)")
        memory = max(t[3] for t in found["sealed"]) * 1024 / 1e6
        print(f"resident after 32 tokens, sealed, the engine's modules: {memory:.0f} MB (at most 420)")
        print(f"opening into the memfd: {size / opening / 1e9:.2f} GB/s of CPU time (at least 0.8)")
        (folder / "hub").mkdir(mode=0o700)
        front = asyncio.run(front_times(folder / "hub", chosen.requests))
        print(f"front, 16-token stream: first token p50 {front['p50']:.2f} ms, p99 {front['p99']:.2f} ms")
        here = resident(os.getpid())
        print(
            f"front, 16 clients: {front['rate']:.0f} answers/s; resident with this bench in it {here:.0f} MB"
        )
        if chosen.up:
            for name, document in zip(("fresh", "warm"), up_times(folder / "home"), strict=True):
                times_ = {k: document[k] for k in ("ready_s", "first_token_s", "tokens", "wall_s")}
                print(f"mythos up --once, {name}: {times_}")


if __name__ == "__main__":
    main()
