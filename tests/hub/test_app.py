"""The hub over real HTTP, with the real model behind it."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from mythos.evidence.verify import verify
from mythos.hub.answer import Limits

CAPITAL = "What is the capital of Japan?"
LONG = "one two three four " * 450


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def hub(runner: asyncio.Runner, start_hub: Callable[..., Any]) -> Iterator[Any]:
    context = start_hub()
    yield runner.run(context.__aenter__())
    runner.run(context.__aexit__(None, None, None))


def events(text: str) -> list[Any]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


async def receipt(hub: Any, name: str, seconds: float = 5) -> bytes:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        got = await hub.client.get(f"/v1/receipts/{name}")
        if got.status_code != 202:
            assert got.status_code == 200, got.text
            return got.content
        await asyncio.sleep(0.05)
    raise TimeoutError(name)


def test_a_chat_is_answered_with_a_receipt_that_anyone_can_check(
    runner: asyncio.Runner, hub: Any, world: Any
) -> None:
    async def scenario() -> None:
        response = await hub.chat(CAPITAL, max_tokens=16)
        assert response.status_code == 200, response.text
        document = response.json()
        answer = document["choices"][0]["message"]["content"]
        assert "Tokyo" in answer
        assert document["choices"][0]["finish_reason"] == "stop"
        assert document["usage"]["completion_tokens"] == 8
        assert document["model"] == "smollm2"
        began = time.monotonic()
        file = await receipt(hub, response.headers["x-mythos-receipt"])
        assert time.monotonic() - began < 2
        now = int(time.time())
        assert verify(file, world.policy, now=now, answer=answer.encode()).verified
        assert not verify(file, world.policy, now=now, answer=answer.encode() + b" ").verified
        opened = json.loads(file)["openings"]
        assert opened["answer"]["data"] is None
        assert opened["request"]["data"] is None

    runner.run(scenario())


def test_a_stream_carries_the_same_bytes_and_its_receipt_beforehand(
    runner: asyncio.Runner, hub: Any, world: Any
) -> None:
    async def scenario() -> None:
        whole = (await hub.chat(CAPITAL, max_tokens=16)).json()["choices"][0]["message"]["content"]
        body = {"stream": True, "stream_options": {"include_usage": True}, "max_tokens": 16}
        response = await hub.chat(CAPITAL, **body)
        assert response.headers["content-type"].startswith("text/event-stream")
        got = events(response.text)
        assert response.text.endswith("data: [DONE]\n\n")
        assert got[0]["choices"][0]["delta"]["role"] == "assistant"
        pieces = [choice["delta"].get("content", "") for event in got for choice in event["choices"]]
        assert "".join(pieces) == whole
        assert got[-2]["choices"][0]["finish_reason"] == "stop"
        assert got[-1]["usage"]["completion_tokens"] == 8
        file = await receipt(hub, response.headers["x-mythos-receipt"])
        assert verify(file, world.policy, now=int(time.time()), answer=whole.encode()).verified

    runner.run(scenario())


def test_text_completions_and_their_scores(runner: asyncio.Runner, hub: Any) -> None:
    async def scenario() -> None:
        body = {
            "model": "smollm2",
            "prompt": "The capital of Japan is",
            "max_tokens": 3,
            "temperature": 0,
            "logprobs": 2,
        }
        document = (await hub.client.post("/v1/completions", json=body)).json()
        [choice] = document["choices"]
        assert choice["text"].startswith(" Tokyo")
        assert choice["finish_reason"] == "length"
        assert choice["logprobs"]["tokens"][0] == " Tokyo"
        assert len(choice["logprobs"]["top_logprobs"][0]) == 2
        assert document["object"] == "text_completion"
        scored = await hub.chat(CAPITAL, max_tokens=2, logprobs=True, top_logprobs=2)
        [first, _] = scored.json()["choices"][0]["logprobs"]["content"]
        assert first["token"] == "The"
        assert set(first) == {"token", "logprob", "bytes", "top_logprobs"}

    runner.run(scenario())


def test_schemas_stops_and_seeds(runner: asyncio.Runner, hub: Any) -> None:
    async def scenario() -> None:
        schema = {"type": "object", "properties": {"city": {"enum": ["Tokyo"]}}, "required": ["city"]}
        response_format = {"type": "json_schema", "json_schema": {"name": "c", "schema": schema}}
        kept = await hub.chat(CAPITAL, max_tokens=30, response_format=response_format)
        assert json.loads(kept.json()["choices"][0]["message"]["content"]) == {"city": "Tokyo"}
        stopped = await hub.chat(CAPITAL, max_completion_tokens=16, stop="Tokyo")
        assert "Tokyo" not in stopped.json()["choices"][0]["message"]["content"]
        hot = {"max_tokens": 8, "temperature": 1.5, "seed": 11}
        first, second = await hub.chat("Hi", **hot), await hub.chat("Hi", **hot)
        assert first.json()["choices"] == second.json()["choices"]

    runner.run(scenario())


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        (b"{", 400, "invalid_json", None),
        (b"[]", 400, "invalid_json", None),
        (b"[" * 100_000, 400, "invalid_json", None),
        ({"messages": [], "model": "smollm2"}, 400, "invalid_value", "messages"),
        ({"messages": "hi", "model": "smollm2"}, 400, "invalid_type", "messages"),
        ({"model": 7}, 400, "invalid_type", "model"),
        ({"max_tokens": "9"}, 400, "invalid_type", "max_tokens"),
        ({"max_tokens": True}, 400, "invalid_type", "max_tokens"),
        ({"max_tokens": 0}, 400, "invalid_value", "max_tokens"),
        ({"temperature": "hot"}, 400, "invalid_type", "temperature"),
        ({"temperature": 3}, 400, "invalid_value", "temperature"),
        ({"stream": "yes"}, 400, "invalid_type", "stream"),
        ({"stop": ["a"] * 9}, 400, "invalid_value", "stop"),
        ({"n": 2}, 400, "unsupported_parameter", "n"),
        ({"tools": [{"type": "function"}]}, 400, "unsupported_parameter", "tools"),
        ({"response_format": {"type": "xml"}}, 400, "invalid_value", "response_format"),
        ({"model": "gpt-4"}, 404, "model_not_found", "model"),
        (
            {"messages": [{"role": "user", "content": "one two " * 4000}]},
            400,
            "context_length_exceeded",
            None,
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "nonsense"}}}},
            400,
            "invalid_request",
            None,
        ),
    ],
)
def test_a_wrong_request_is_an_openai_shaped_error(
    runner: asyncio.Runner, hub: Any, body: Any, status: int, code: str, param: str | None
) -> None:
    good = {"model": "smollm2", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    raw = body if isinstance(body, bytes) else json.dumps(good | body).encode()
    response = runner.run(hub.client.post("/v1/chat/completions", content=raw))
    assert response.status_code == status
    error = response.json()["error"]
    assert (error["code"], error["param"]) == (code, param)
    assert error["message"]
    assert error["type"]


def test_half_a_surrogate_is_refused_and_unknown_fields_are_not(runner: asyncio.Runner, hub: Any) -> None:
    async def scenario() -> None:
        raw = b'{"model":"smollm2","messages":[{"role":"user","content":"a\\ud800"}]}'
        response = await hub.client.post("/v1/chat/completions", content=raw)
        assert response.json()["error"]["param"] == "messages[0].content"
        assert (
            await hub.chat("Hi", max_tokens=1, store=True, metadata={"a": "b"}, user="x")
        ).status_code == 200

    runner.run(scenario())


def test_only_a_key_opens_a_door_and_only_its_own(runner: asyncio.Runner, hub: Any) -> None:
    async def scenario() -> None:
        from mythos.units import Instant

        for bad in ("", "Bearer", "Bearer mk-000000000000-x", f"Basic {hub.key}", f"Bearer {hub.key}x"):
            response = await hub.client.get("/v1/models", headers={"Authorization": bad})
            assert response.status_code == 401, bad
            assert response.headers["www-authenticate"] == "Bearer"
        got = await hub.client.get("/metrics")
        assert got.status_code == 403
        metrics = {"Authorization": f"Bearer {hub.metrics_key}"}
        assert (await hub.client.get("/v1/models", headers=metrics)).status_code == 403
        mine = (await hub.chat("Hi", max_tokens=1)).headers["x-mythos-receipt"]
        text = (await hub.client.get("/metrics", headers=metrics)).text
        assert 'mythos_requests_total{api="chat",outcome="answered"}' in text
        assert "mythos_serving 1" in text
        other = hub.store.add_key("other", "use", Instant.now())
        theirs = await hub.client.get(f"/v1/receipts/{mine}", headers={"Authorization": f"Bearer {other}"})
        assert theirs.status_code == 404
        name = other.split("-")[1]
        assert hub.store.revoke_key(name, Instant.now())
        gone = await hub.client.get("/v1/models", headers={"Authorization": f"Bearer {other}"})
        assert gone.status_code == 401

    runner.run(scenario())


def test_the_small_routes(runner: asyncio.Runner, hub: Any) -> None:
    async def scenario() -> None:
        [model] = (await hub.client.get("/v1/models")).json()["data"]
        assert model["id"] == "smollm2"
        assert model["mythos"]["weights"].startswith("sha256:")
        assert (await hub.client.get("/healthz")).status_code == 200
        assert (await hub.client.get("/readyz")).json()["model"] == "smollm2"
        assert (await hub.client.get("/v1/receipts/r-none")).status_code == 404
        embeddings = await hub.client.post("/v1/embeddings", json={"input": "x", "model": "smollm2"})
        assert (embeddings.status_code, embeddings.json()["error"]["code"]) == (
            501,
            "embeddings_not_available",
        )
        for path in ("/", "/v1/nothing", "/docs"):
            assert (await hub.client.get(path)).json()["error"]["code"] == "not_found"
        assert (await hub.client.get("/v1/chat/completions")).status_code == 405

    runner.run(scenario())


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::2]", "169.254.169.254"])
def test_another_host_header_is_refused(runner: asyncio.Runner, hub: Any, host: str) -> None:
    response = runner.run(hub.client.get("/healthz", headers={"Host": host}))
    assert response.status_code == 421


def test_a_body_over_the_limit_is_refused_while_it_arrives(runner: asyncio.Runner, hub: Any) -> None:
    response = runner.run(hub.client.post("/v1/chat/completions", content=b"x" * (1 << 20) + b"x"))
    assert response.status_code == 413


def test_a_body_that_does_not_arrive_is_given_up(
    runner: asyncio.Runner, start_hub: Callable[..., Any]
) -> None:
    async def scenario() -> None:
        async with start_hub(limits=Limits(body_seconds=0.2)) as hub:
            host, port = hub.url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            head = f"POST /v1/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {hub.key}\r\nContent-Length: 9\r\n\r\n"
            writer.write(head.encode() + b"{")
            assert b" 408 " in await reader.readline()
            writer.close()

    runner.run(scenario())


async def read_events(hub: Any, body: Any, act: Callable[[str, int], Any]) -> tuple[str, str]:
    """Stream an answer; call `act(receipt, events so far)` after every event; the receipt and all text."""
    text = ""
    async with hub.client.stream("POST", "/v1/chat/completions", json=body) as response:
        assert response.status_code == 200
        name = response.headers["x-mythos-receipt"]
        act(name, 0)
        async for piece in response.aiter_text():
            text += piece
            act(name, text.count("data: "))
    return name, text


@pytest.mark.parametrize(("content", "after"), [(LONG, 0), ("Count from one to a hundred.", 4)])
def test_a_stream_is_ended_from_outside_at_once(
    runner: asyncio.Runner, hub: Any, world: Any, content: str, after: int
) -> None:
    from mythos.hub.admission import Decision

    refusal = Decision("refuse", "refused", "us-bis-2026-06-12", "15 CFR 744.23").problem()
    moment = 0.0

    def act(name: str, seen: int) -> None:
        nonlocal moment
        if seen >= after and moment == 0.0:
            moment = time.monotonic()
            assert hub.admission.cut(name, refusal)
            assert not hub.admission.cut(name, refusal)

    async def scenario() -> None:
        messages = [{"role": "user", "content": content}]
        body = {"model": "smollm2", "messages": messages, "stream": True, "max_tokens": 400, "temperature": 0}
        name, text = await read_events(hub, body, act)
        assert time.monotonic() - moment < 0.5
        got = events(text)
        assert got[-1]["error"]["code"] == "refused_by_directive"
        assert got[-1]["error"]["cite"] == "15 CFR 744.23"
        assert "[DONE]" not in text
        said = "".join(e["choices"][0]["delta"].get("content", "") for e in got[:-1])
        assert bool(said) == bool(after)
        file = await receipt(hub, name)
        assert verify(file, world.policy, now=int(time.time()), answer=said.encode()).verified
        assert hub.admission.live == {}
        again = await hub.chat(CAPITAL, max_tokens=8)
        assert "Tokyo" in again.text

    runner.run(scenario())


def test_a_decision_refuses_before_and_after_routing_and_when_it_changes(
    runner: asyncio.Runner, start_hub: Callable[..., Any]
) -> None:
    from mythos.hub.admission import Asking, Decision, allow
    from mythos.units import Instant

    unknown = Decision("refuse", "needs_fact", "d-1", "cite", ("citizenships",))
    seen: list[Asking] = []

    def after_routing(asking: Asking) -> Decision:
        seen.append(asking)
        return allow(asking) if asking.weights is None else unknown

    async def scenario() -> None:
        async with start_hub(decider=after_routing) as hub:
            response = await hub.chat("Hi", max_tokens=1)
            assert response.status_code == 451
            assert response.json()["error"]["code"] == "needs_fact"
            assert response.json()["error"]["needs"] == ["citizenships"]
            assert [asking.weights is None for asking in seen] == [True, False]
            now = Instant.now()
            assert hub.admission.redecide(allow, now, now) == []
            body = {"model": "smollm2", "messages": [{"role": "user", "content": LONG}], "stream": True}
            cut: list[str] = []

            def act(_name: str, _seen: int) -> None:
                if not cut:
                    cut.extend(hub.admission.redecide(lambda _: unknown, now, now))

            name, text = await read_events(hub, body, act)
            assert cut == [name]
            assert events(text)[-1]["error"]["code"] == "needs_fact"
            assert (await hub.chat("Hi")).status_code == 451

    runner.run(scenario())


def test_a_client_that_leaves_frees_its_slot(runner: asyncio.Runner, hub: Any) -> None:
    async def scenario() -> None:
        for turn in range(32):
            content = LONG if turn % 2 else "Count from one to a hundred."
            with contextlib.suppress(httpx.TimeoutException):
                await hub.client.post(
                    "/v1/chat/completions",
                    json={"model": "smollm2", "messages": [{"role": "user", "content": content}]},
                    timeout=0.1,
                )
        for _ in range(200):
            if not hub.admission.live:
                break
            await asyncio.sleep(0.02)
        assert hub.admission.live == {}
        assert "Tokyo" in (await hub.chat(CAPITAL, max_tokens=8)).text

    runner.run(scenario())


def test_too_many_wait_and_the_rest_are_told_to_come_back(
    runner: asyncio.Runner, start_hub: Callable[..., Any]
) -> None:
    async def scenario() -> None:
        async with start_hub(limits=Limits(queue=1, queue_seconds=0.3), load={"slots": 1}) as hub:
            asked = [asyncio.create_task(hub.chat(LONG[:3000], max_tokens=1)) for _ in range(4)]
            answers = await asyncio.gather(*asked)
            statuses = sorted(answer.status_code for answer in answers)
            assert statuses == [200, 429, 429, 503]
            busy = next(answer for answer in answers if answer.status_code == 429)
            assert int(busy.headers["retry-after"]) > 0

    runner.run(scenario())


def test_an_answer_that_takes_too_long_is_ended(
    runner: asyncio.Runner, start_hub: Callable[..., Any]
) -> None:
    async def scenario() -> None:
        async with start_hub(limits=Limits(answer_seconds=2.0)) as hub:
            assert (await hub.chat(LONG)).status_code == 504
            streamed = await hub.chat(LONG, stream=True)
            told = events(streamed.text) or [streamed.json()]  # before its first word it is no stream yet
            assert told[-1]["error"]["code"] == "time_limit"

    runner.run(scenario())


def test_a_killed_engine_costs_the_answers_in_flight_and_another_is_opened(
    runner: asyncio.Runner, start_hub: Callable[..., Any]
) -> None:
    async def scenario() -> None:
        async with start_hub() as hub:
            first = (await hub.serving()).engine.pid
            asked = asyncio.create_task(hub.chat(LONG, max_tokens=1))
            await asyncio.sleep(0.3)
            os.kill(first, signal.SIGKILL)
            failed = await asked
            assert (failed.status_code, failed.json()["error"]["code"]) == (503, "engine_ended")
            assert "x-mythos-receipt" in failed.headers
            second = await hub.serving()
            assert second.engine.pid != first
            assert hub.opener.told == ["killed"]
            assert "Tokyo" in (await hub.chat(CAPITAL, max_tokens=8)).text
            assert json.loads(await receipt(hub, failed.headers["x-mythos-receipt"]))["kind"] == "receipt"
        assert hub.opener.told == ["killed", "stopped"]

    runner.run(scenario())


def test_after_the_lease_the_engine_is_gone_and_the_hub_says_why(
    runner: asyncio.Runner, start_hub: Callable[..., Any]
) -> None:
    async def scenario() -> None:
        async with start_hub(seconds=5.0) as hub:
            engine = (await hub.serving()).engine
            assert (await engine.ended).code == "lease_ended"
            await asyncio.sleep(0.1)
            response = await hub.chat("Hi")
            assert response.status_code == 503
            assert "The lease ended at 20" in response.json()["error"]["message"]
            assert "ask the approvers" in response.json()["error"]["message"]
            assert (await hub.client.get("/readyz")).status_code == 503
            assert (await hub.client.get("/healthz")).status_code == 200
            assert hub.opener.told == ["lease_ended"]
            with pytest.raises(ProcessLookupError):
                os.kill(engine.pid, 0)

    runner.run(scenario())


def test_nothing_listens_but_the_hub(hub: Any) -> None:
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", 8080)) != 0
    sockets = [path.name for path in hub.folder.iterdir() if path.is_socket()]
    assert sockets == []


def test_no_word_of_a_prompt_or_an_answer_is_on_the_disk(runner: asyncio.Runner, hub: Any) -> None:
    secret = "xylophone-canary-7391"
    runner.run(hub.chat(f"Repeat: {secret}", max_tokens=24))
    for path in hub.folder.iterdir():
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path
