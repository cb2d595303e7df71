"""The real engine with the real model: what it answers, what it cannot do, and how it ends."""

import asyncio
import contextlib
import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mythos.engines.client import Engine
from mythos.engines.frames import Frame
from mythos.errors import EngineError

QUESTION = {"messages": [{"role": "user", "content": "What is the capital of Japan?"}], "temperature": 0}
LONG = {"messages": [{"role": "user", "content": "one two three four " * 450}], "max_tokens": 4}


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def engine(runner: asyncio.Runner, engine_starter: Callable[..., Any]) -> Iterator[Engine]:
    context = engine_starter()
    yield runner.run(context.__aenter__())
    runner.run(context.__aexit__(None, None, None))


async def ask(engine: Engine, body: Frame, api: str = "chat", most: int = 10_000) -> list[Frame]:
    frames: list[Frame] = []
    async with contextlib.aclosing(engine.generate(api, body)) as answer:
        async for frame in answer:
            frames.append(frame)
            if len(frames) == most:
                break
    return frames


def text(frames: list[Frame]) -> str:
    return "".join(frame.get("text", "") for frame in frames)


def test_it_answers(runner: asyncio.Runner, engine: Engine) -> None:
    frames = runner.run(ask(engine, QUESTION | {"max_tokens": 16}))
    assert "Tokyo" in text(frames)
    assert frames[-1]["finish"] == "stop"
    assert frames[-1]["promptTokens"] > 20
    assert frames[-1]["completionTokens"] == 8
    assert len(frames) > 4


def test_it_completes_text_and_counts_to_the_limit(runner: asyncio.Runner, engine: Engine) -> None:
    body = {"prompt": "The capital of Japan is", "max_tokens": 3, "temperature": 0}
    frames = runner.run(ask(engine, body, "text"))
    assert text(frames).startswith(" Tokyo")
    assert (frames[-1]["finish"], frames[-1]["completionTokens"]) == ("length", 3)


def test_seed_stop_and_scores(runner: asyncio.Runner, engine: Engine) -> None:
    hot = QUESTION | {"max_tokens": 12, "temperature": 1.5, "seed": 7}
    assert text(runner.run(ask(engine, hot))) == text(runner.run(ask(engine, hot)))
    stopped = runner.run(ask(engine, QUESTION | {"max_tokens": 16, "stop": ["Tokyo"]}))
    assert "Tokyo" not in text(stopped)
    assert stopped[-1]["finish"] == "stop"
    scored = runner.run(ask(engine, QUESTION | {"max_tokens": 2, "logprobs": True, "top_logprobs": 3}))
    [entry] = scored[1]["logprobs"]
    assert entry["token"] == "The"
    assert entry["logprob"] < 0
    assert len(entry["top_logprobs"]) == 3


def test_a_schema_is_kept(runner: asyncio.Runner, engine: Engine) -> None:
    schema = {"type": "object", "properties": {"city": {"enum": ["Tokyo"]}}, "required": ["city"]}
    frames = runner.run(ask(engine, QUESTION | {"max_tokens": 30, "json_schema": schema}))
    assert text(frames).replace(" ", "").replace("\n", "") == '{"city":"Tokyo"}'


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"messages": "hello"}, "invalid_request"),
        ({"messages": [{"role": 1, "content": None}]}, "invalid_request"),
        (QUESTION | {"max_tokens": "many"}, "invalid_request"),
        (QUESTION | {"json_schema": {"type": "nonsense"}}, "invalid_request"),
        (QUESTION | {"json_schema": {"$ref": "#/nowhere"}}, "invalid_request"),
        ({"messages": [{"role": "user", "content": "one two " * 4000}]}, "context_length_exceeded"),
    ],
)
def test_a_request_the_library_refuses_costs_only_itself(
    runner: asyncio.Runner, engine: Engine, body: Frame, code: str
) -> None:
    [failed] = runner.run(ask(engine, body))
    assert (failed["kind"], failed["code"]) == ("failed", code)
    assert failed["message"]
    assert "Tokyo" in text(runner.run(ask(engine, QUESTION | {"max_tokens": 8})))


def test_a_request_that_is_left_frees_its_slot(runner: asyncio.Runner, engine: Engine) -> None:
    async def scenario() -> float:
        for turn in range(32):
            # Some are left in the answer, some while their prompt is computed.
            body = QUESTION | {"max_tokens": 400, "temperature": 1} if turn % 2 else LONG
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ask(engine, body, most=2), 0.15)
        started = time.monotonic()
        assert "Tokyo" in text(await ask(engine, QUESTION | {"max_tokens": 8}))
        return time.monotonic() - started

    assert runner.run(scenario()) < 10


def test_it_can_reach_nothing_and_holds_nothing(runner: asyncio.Runner, engine: Engine) -> None:
    audit = runner.run(engine.audit())
    assert audit["confinement"] == {"dumpable": 0, "noNewPrivileges": 1, "seccomp": 2, "coreLimit": 0}
    assert set(audit["environment"]) <= {
        "GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "LC_ALL", "PATH", "LD_LIBRARY_PATH",
    }  # fmt: skip
    leads_to = sorted(audit["descriptors"].values())
    assert leads_to[:3] == ["/dev/null"] * 3
    [pair] = leads_to[3:]
    assert pair.startswith("socket:")
    assert 0 < audit["seconds"] <= 600


def test_the_kernel_says_the_same_from_outside(engine: Engine) -> None:
    status = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{engine.pid}/status").read_text().splitlines()
        if ":" in line
    )
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"
    assert int(status["Seccomp_filters"]) == 2
    tasks = [task / "status" for task in Path(f"/proc/{engine.pid}/task").iterdir()]
    assert all("Seccomp_filters:\t2" in task.read_text() for task in tasks)
    assert len(tasks) > 3


def test_the_librarys_own_server_is_dead(runner: asyncio.Runner, engine: Engine) -> None:
    inodes = {
        value.removeprefix("socket:[").removesuffix("]")
        for value in runner.run(engine.audit())["descriptors"].values()
        if value.startswith("socket:")
    }
    unix = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    flags = {words[6]: int(words[3], 16) for words in unix}
    listening = 0x10000  # __SO_ACCEPTCON
    assert [inode for inode in inodes if flags[inode] & listening] == []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        held = {line.split()[9] for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]}
        assert not held & inodes


def test_the_lease_ends_inside_a_native_call(
    runner: asyncio.Runner, engine_starter: Callable[..., Any]
) -> None:
    async def scenario() -> tuple[float, str, str]:
        async with engine_starter(seconds=2.5) as engine:
            began = time.monotonic()
            with pytest.raises(EngineError) as caught:
                await asyncio.gather(*(ask(engine, LONG) for _ in range(9)))
            return time.monotonic() - began, (await engine.ended).code, caught.value.code

    took, code, raised = runner.run(scenario())
    assert took < 2.6
    assert (code, raised) == ("lease_ended", "lease_ended")


def test_the_lease_ends_with_the_front_stopped(
    runner: asyncio.Runner, engine_starter: Callable[..., Any]
) -> None:
    async def scenario() -> str:
        async with engine_starter(seconds=2.5) as engine:
            time.sleep((await engine.audit())["seconds"] + 0.2)  # noqa: ASYNC251 (nothing of the front runs meanwhile)
            state = Path(f"/proc/{engine.pid}/stat").read_text().rpartition(")")[2].split()[0]  # noqa: ASYNC240
            assert state == "Z"
            return (await engine.ended).code

    assert runner.run(scenario()) == "lease_ended"


def test_a_renewal_moves_the_end_and_a_bad_one_does_not(
    runner: asyncio.Runner, engine_starter: Callable[..., Any]
) -> None:
    async def scenario() -> None:
        async with engine_starter(seconds=3) as engine:
            with pytest.raises(EngineError, match="does not verify") as caught:
                await engine.renew({"seconds": -1})
            assert caught.value.code == "lease"
            assert (await engine.audit())["seconds"] < 3
            assert (await engine.renew({"seconds": 60}))["until"] == "later"
            assert (await engine.audit())["seconds"] > 50

    runner.run(scenario())


def test_sigkill_costs_the_requests_in_flight_and_says_so(
    runner: asyncio.Runner, engine_starter: Callable[..., Any]
) -> None:
    async def scenario() -> None:
        async with engine_starter() as engine:
            answers = [asyncio.create_task(ask(engine, LONG)) for _ in range(3)]
            await asyncio.sleep(0.1)
            os.kill(engine.pid, signal.SIGKILL)
            outcomes = await asyncio.gather(*answers, return_exceptions=True)
            assert [getattr(outcome, "code", outcome) for outcome in outcomes] == ["killed"] * 3
            assert (await engine.ended).code == "killed"
            with pytest.raises(EngineError, match="has ended"):
                await ask(engine, QUESTION)

    runner.run(scenario())


def test_it_ends_when_its_front_goes_away(runner: asyncio.Runner, engine_starter: Callable[..., Any]) -> None:
    async def scenario() -> str:
        async with engine_starter() as engine:
            working = asyncio.create_task(ask(engine, LONG))
            await asyncio.sleep(0.1)
            engine._writer.close()
            with contextlib.suppress(EngineError):
                await working
            return (await asyncio.wait_for(engine.ended, 5)).code

    assert runner.run(scenario()) == "closed"


def test_weights_that_are_no_model_are_an_error_with_advice(
    runner: asyncio.Runner, tmp_path: Path, plain_command: tuple[str, ...]
) -> None:
    async def scenario() -> None:
        broken = tmp_path / "broken.gguf"
        broken.write_bytes(b"GGUF" + bytes(1000))
        engine = await Engine.launch(command=plain_command)
        load = {"context": 512, "slots": 1, "threads": 1, "batch": 64}
        message = {
            "plain": str(broken),
            "alias": "m",
            "listen": str(tmp_path / "e.sock"),
            "load": load,
            "seconds": 60.0,
        }
        with pytest.raises(EngineError, match=r"whole GGUF file|crashed"):
            await engine.open(message, timeout=30)
        await engine.close()

    runner.run(scenario())


def test_no_plain_bytes_are_in_any_file_it_could_reach(
    runner: asyncio.Runner, engine: Engine, smollm2: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    runner.run(ask(engine, QUESTION | {"max_tokens": 4}))
    with smollm2.open("rb") as file:
        file.seek(50_000_000)
        canary = file.read(64)
    roots = [tmp_path_factory.getbasetemp(), Path("/dev/shm")]
    files = itertools.chain.from_iterable(root.rglob("*") for root in roots)
    found = [
        str(path)
        for path in files
        if path.is_file() and not path.is_symlink() and "cache" not in path.parts
        if canary in path.read_bytes()
    ]
    assert found == [], "only an owner's cache holds plain weights"


def test_the_packages_own_engine_says_hello_before_it_is_given_anything(runner: asyncio.Runner) -> None:
    async def scenario() -> None:
        with pytest.raises(EngineError):
            await Engine.launch(command=("/bin/false",))

    runner.run(scenario())
