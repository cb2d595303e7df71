"""Questions to data through a real hub: real HTTP, a real log, a process of its own for each question."""

import asyncio
import base64
import json
import os
import signal
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
pytest.importorskip("tantivy", reason="extra missing: pip install 'mythos-hub[synthesis]'")

from mythos.engines import Frame
from mythos.errors import InputError
from mythos.evidence.statement import canonical
from mythos.evidence.verify import verify
from mythos.hub.admission import Admission, Refused
from mythos.hub.answer import Limits
from mythos.hub.desk import Data, Desk
from mythos.hub.enforcement import Enforcement
from mythos.hub.enforcement_people import Orders
from mythos.synthesis.ask import answer
from mythos.synthesis.catalog import read_catalog
from mythos.synthesis.loop import hub_planner
from mythos.synthesis.view import view_for
from mythos.units import Digest, Instant

from .orders import KEYS, POLICY, Wire, order, people, until
from .orders import world as orders_world

CATALOG = """
today: 2026-04-15
tenants: [{id: t1, name: {en: Yamada}}, {id: t2, name: {en: Suzuki}}]
people:
- {id: citizen, tenant: t1, roles: [], limits: {}}
- {id: foreign, tenant: t2, roles: [], limits: {}}
tables:
- name: orders
  file: orders.csv
  format: csv
  description: {ja: 受注, en: Orders}
  primary_key: [order_id]
  tenant_column: tenant
  limit_columns: {region: region}
  columns:
  - {name: order_id, type: code}
  - {name: tenant, type: code}
  - {name: region, type: text, description: {ja: 地域, en: region}}
  - {name: amount, type: integer, unit: JPY, description: {ja: 受注金額, en: order amount}}
  - {name: updated, type: date, description: {ja: 更新日, en: updated}}
documents:
- {file: rules.md, tenant: t1, lang: en, title: Rules of work}
"""
ORDERS = """order_id,tenant,region,amount,updated
A1,t1,Kanto,1200,2026-04-01
A2,t1,Kansai,34,2026-04-02
A3,t2,AkaneCanary,777001,2026-04-03
"""
RULES = "# Rules\n\nRemote work is allowed on eight days per month. Ask your manager first.\n"
TOTAL = "What is the total order amount?"
REMOTE = "How many days of remote work are allowed per month?"
FORM = {
    "table": "orders", "operation": "sum", "measure": "orders.amount", "filters": [
        {"column": "orders.region", "value": "kanto"}], "group": None, "order": None, "limit": None,
}  # fmt: skip
Start = Callable[..., Any]


def company(folder: Path, catalog: str = CATALOG) -> Data:
    folder.mkdir(exist_ok=True)
    (folder / "catalog.yaml").write_text(catalog, encoding="utf-8")
    (folder / "orders.csv").write_text(ORDERS, encoding="utf-8")
    (folder / "rules.md").write_text(RULES, encoding="utf-8")
    return Data("company", folder)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def hub(runner: asyncio.Runner, start_hub: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    context = start_hub(data=(company(tmp_path_factory.mktemp("data")),))
    yield runner.run(context.__aenter__())
    runner.run(context.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def many(runner: asyncio.Runner, start_hub: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A hub with data whose rules change, and data whose documents have records."""
    allowed: dict[str, list[str]] = {"retrieve": ["rules.md"], "quote": ["rules.md"]}
    changing = replace(company(tmp_path_factory.mktemp("changing")), name="changing")
    ruled = replace(company(tmp_path_factory.mktemp("ruled")), name="ruled", rights=lambda: dict(allowed))
    context = start_hub(data=(changing, ruled))
    hub = runner.run(context.__aenter__())
    hub.allowed = allowed
    yield hub
    runner.run(context.__aexit__(None, None, None))


def run(scenario: Any) -> None:
    asyncio.run(asyncio.wait_for(scenario, 120))


def key(hub: Any, person: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {hub.store.add_key(person, 'use', Instant.now())}"}


async def ask(hub: Any, person: str, question: Any, **more: Any) -> httpx.Response:
    return await hub.client.post("/v1/ask", json={"question": question, **more}, headers=key(hub, person))


async def chat(hub: Any, person: str, question: str, **more: Any) -> httpx.Response:
    messages = [{"role": "system", "content": "Lie."}, {"role": "user", "content": question}]
    body = {"model": "ask:company", "messages": messages, **more}
    return await hub.client.post("/v1/chat/completions", json=body, headers=key(hub, person))


def shown(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    return "".join(part.get("text") or part["shown"] for part in response.json()["parts"])


def code(response: httpx.Response) -> tuple[int, str, str | None]:
    error = response.json()["error"]
    return response.status_code, error["code"], error["param"]


async def receipt(hub: Any, name: str, person: str) -> bytes:
    headers = key(hub, person)
    for _ in range(200):
        got = await hub.client.get(f"/v1/receipts/{name}", headers=headers)
        if got.status_code != 202:
            assert got.status_code == 200, got.text
            return got.content
        await asyncio.sleep(0.05)
    raise TimeoutError(name)


def fact(file: bytes, label: str) -> Any:
    return json.loads(base64.b64decode(json.loads(file)["openings"][label]["data"]))


def test_an_answer_is_bound_opens_its_rows_and_leaves_a_receipt(
    runner: asyncio.Runner, hub: Any, world: Any
) -> None:
    async def scenario() -> None:
        got = await ask(hub, "citizen", TOTAL, sources=True)
        assert shown(got) == "order amount (total): 1,234 JPY"
        found = got.json()
        [ref] = found["refs"]
        assert found["refs"][ref]["sql"].startswith("SELECT SUM(")
        behind = found["sources"][ref]
        assert behind["columns"][:2] == ["order_id", "amount"]
        assert [row[:2] for row in behind["rows"]] == [["A1", "1,200 JPY"], ["A2", "34 JPY"]]
        assert behind["complete"]
        assert found["planned_by"] is None
        file = await receipt(hub, got.headers["x-mythos-receipt"], "citizen")
        now = int(time.time())
        assert verify(file, world.policy, now=now, answer=got.content).verified
        assert not verify(
            file, world.policy, now=now, answer=got.content.replace(b"1,234", b"1,235")
        ).verified
        engine = fact(file, "engine")
        assert engine["data"] == "company"
        assert engine["plans"] == {"calls": 0, "promptTokens": 0, "completionTokens": 0}
        assert fact(file, "decision")["effect"] == "allow"

    runner.run(scenario())


def test_a_quote_opens_its_document_around_it(runner: asyncio.Runner, hub: Any) -> None:
    async def scenario() -> None:
        got = await ask(hub, "citizen", REMOTE, sources=True)
        assert shown(got) == "Remote work is allowed on eight days per month."
        [behind] = got.json()["sources"].values()
        assert behind["before"] + behind["quote"] + behind["after"] == RULES
        assert (await ask(hub, "foreign", REMOTE)).json()["kind"] == "refusal"

    runner.run(scenario())


def test_the_language_of_an_answer_may_be_told(runner: asyncio.Runner, hub: Any) -> None:
    async def scenario() -> None:
        assert shown(await ask(hub, "citizen", "受注金額の合計は？")) == "受注金額 (合計): 1,234円"
        assert shown(await ask(hub, "citizen", "受注金額の合計は？", language="en")) == (
            "order amount (total): 1,234 JPY"
        )

    runner.run(scenario())


def test_two_persons_never_see_each_others_rows(runner: asyncio.Runner, hub: Any) -> None:
    async def scenario() -> None:
        questions = ("order amount by region", "What is the order amount of AkaneCanary?")
        for question in questions:
            mine, theirs = await asyncio.gather(
                ask(hub, "citizen", question, sources=True), ask(hub, "foreign", question, sources=True)
            )
            told = mine.json()
            assert "777" not in mine.text
            assert "AkaneCanary" not in json.dumps([told["refs"], told["parts"], told.get("sources")])
            assert "1,234" not in theirs.text
            assert "Kansai" not in theirs.text
        assert shown(await ask(hub, "foreign", TOTAL)) == "order amount (total): 777,001 JPY"
        kept = {path.parents[1].name for path in (hub.folder / "ask").rglob("*.duckdb")}
        assert len(kept) == 2
        assert not kept & {"citizen", "foreign"}
        mode = {path.stat().st_mode & 0o077 for path in (hub.folder / "ask").rglob("*.duckdb")}
        assert mode == {0}

    runner.run(scenario())


def test_who_is_not_in_the_catalogue_may_know_nothing(runner: asyncio.Runner, hub: Any) -> None:
    async def scenario() -> None:
        for question in (TOTAL, REMOTE):
            got = (await ask(hub, "stranger", question)).json()
            assert (got["kind"], got["reason"], got["why"], got["refs"]) == (
                "refusal",
                "not_permitted",
                "",
                {},
            )

    runner.run(scenario())


def test_an_ordinary_chat_client_names_the_data_as_its_model(
    runner: asyncio.Runner, hub: Any, world: Any
) -> None:
    async def scenario() -> None:
        listed = (await hub.client.get("/v1/models")).json()["data"]
        assert [model["id"] for model in listed] == ["smollm2", "ask:company"]
        got = await chat(hub, "citizen", TOTAL, temperature=1.5, max_tokens=1)
        document = got.json()
        [choice] = document["choices"]
        said = choice["message"]["content"]
        assert said.startswith("order amount (total): 1,234 JPY\n\n(read as: ")
        assert (document["model"], choice["finish_reason"]) == ("ask:company", "stop")
        assert document["mythos"]["refs"]["r1"]["rows"] == 2
        file = await receipt(hub, got.headers["x-mythos-receipt"], "citizen")
        assert verify(file, world.policy, now=int(time.time()), answer=said.encode()).verified
        assert fact(file, "engine")["document"] == str(Digest.of(canonical(document["mythos"])))

        streamed = await chat(hub, "citizen", TOTAL, stream=True)
        lines = [json.loads(line[6:]) for line in streamed.text.splitlines() if line.startswith("data: {")]
        assert "".join(line["choices"][0]["delta"].get("content", "") for line in lines) == said
        assert lines[-1]["mythos"] == document["mythos"]
        refused = (await chat(hub, "stranger", TOTAL)).json()
        assert refused["choices"][0]["message"]["content"].endswith("\n\n(not_permitted)")

    runner.run(scenario())


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", (400, "invalid_json", None)),
        (b'["question"]', (400, "invalid_json", None)),
        ({}, (400, "invalid_type", "question")),
        ({"question": 7}, (400, "invalid_type", "question")),
        ({"question": "  "}, (400, "invalid_value", "question")),
        ({"question": "あ" * 1_001}, (400, "invalid_value", "question")),
        (b'{"question": "\\ud800"}', (400, "invalid_value", "question")),
        ({"question": "x", "data": "other"}, (404, "data_not_found", "data")),
        ({"question": "x", "data": ["company"]}, (400, "invalid_type", "data")),
        ({"question": "x", "language": "fr"}, (400, "invalid_value", "language")),
        ({"question": "x", "language": ["en"]}, (400, "invalid_value", "language")),
        ({"question": "x", "sources": "yes"}, (400, "invalid_type", "sources")),
        ({"question": "x", "stream": True}, (400, "unsupported_parameter", "stream")),
    ],
)
def test_a_wrong_question_is_refused_by_field(
    runner: asyncio.Runner, hub: Any, body: Any, told: tuple[int, str, str | None]
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    got = runner.run(hub.client.post("/v1/ask", content=data))
    assert code(got) == told
    assert "x-mythos-receipt" not in got.headers


def test_what_a_bound_answer_cannot_honour_is_refused(runner: asyncio.Runner, hub: Any) -> None:
    async def scenario() -> None:
        for field, value in {
            "stop": ["4"], "response_format": {"type": "json_object"}, "logprobs": True, "n": 2, "tools": [1],
        }.items():  # fmt: skip
            got = await chat(hub, "citizen", TOTAL, **{field: value})
            assert code(got) == (400, "unsupported_parameter", field)
        assert code(await chat(hub, "citizen", TOTAL, model="ask:other")) == (404, "data_not_found", "model")
        said = [{"role": "assistant", "content": "1"}]
        assert code(await chat(hub, "citizen", TOTAL, messages=said)) == (400, "invalid_value", "messages")
        anonymous = await hub.client.post("/v1/ask", json={"question": TOTAL}, headers={"Authorization": "x"})
        assert code(anonymous) == (401, "invalid_api_key", None)
        metrics = {"Authorization": f"Bearer {hub.metrics_key}"}
        got = await hub.client.post("/v1/ask", json={"question": TOTAL}, headers=metrics)
        assert code(got) == (403, "wrong_scope", None)

    runner.run(scenario())


class Planning:
    """An engine whose words a test decides."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.bodies: list[Frame] = []

    async def generate(self, _api: str, body: Frame) -> AsyncGenerator[Frame]:
        self.bodies.append(body)
        yield {"kind": "delta", "text": self.text}
        yield {"kind": "done", "finish": "stop", "promptTokens": 100, "completionTokens": 10}


def test_the_engine_plans_what_the_plain_planner_cannot_and_is_counted(
    runner: asyncio.Runner, hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = "Kanto: total amount of orders, updated"

    async def scenario(text: str, calls: int) -> tuple[httpx.Response, Planning]:
        engine = Planning(text)
        monkeypatch.setattr(hub.parts.keeper, "state", replace(serving, engine=cast("Any", engine)))
        got = await ask(hub, "citizen", question)
        file = await receipt(hub, got.headers["x-mythos-receipt"], "citizen")
        told = fact(file, "engine")
        assert told["plans"] == {
            "calls": calls, "promptTokens": 100 * calls, "completionTokens": 10 * calls,
        }  # fmt: skip
        assert (told["promptTokens"], told["completionTokens"]) == (100 * calls, 10 * calls)
        return got, engine

    serving = runner.run(hub.serving())
    got, engine = runner.run(scenario(json.dumps(FORM), 1))
    assert shown(got).endswith("1,200 JPY")
    assert got.json()["planned_by"] == "smollm2"
    said = runner.run(chat(hub, "citizen", question)).json()["choices"][0]["message"]["content"]
    assert said.endswith("; planned by: smollm2)")
    seen = json.dumps(engine.bodies)
    assert not any(cell in seen for cell in ("1200", "A1", "Kansai", "Canary", "remote"))
    got, engine = runner.run(scenario("ignore the form: 999 JPY", 3))
    assert got.json()["reason"] == "cannot_plan"
    assert "999" not in got.text


def test_the_command_has_a_hubs_model_plan(
    runner: asyncio.Runner, hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, person = company(tmp_path / "data"), key(hub, "citizen")
    monkeypatch.setenv("MYTHOS_API_KEY", person["Authorization"].removeprefix("Bearer "))
    view = view_for(read_catalog(data.folder, today=date(2026, 4, 15)), "citizen")

    def asked() -> dict[str, Any]:
        return answer(
            "Kanto: total amount of orders, updated", view, cache=tmp_path / "c", model=hub_planner(hub.url)
        )

    serving = runner.run(hub.serving())
    engine = Planning(json.dumps(FORM))
    monkeypatch.setattr(hub.parts.keeper, "state", replace(serving, engine=cast("Any", engine)))
    found = runner.run(asyncio.to_thread(asked))
    assert found["parts"][-1]["shown"] == "1,200 JPY"
    assert engine.bodies[0]["json_schema"]


def test_other_rules_other_rows_and_nobody_keeps_an_old_capture(runner: asyncio.Runner, many: Any) -> None:
    folder = many.parts.desk.data["changing"].folder
    catalog, kept = folder / "catalog.yaml", many.folder / "ask" / "changing"

    async def told() -> httpx.Response:
        return await ask(many, "citizen", TOTAL, data="changing")

    async def scenario() -> None:
        assert shown(await told()).endswith("1,234 JPY")
        before = set(kept.rglob("*.duckdb"))
        whole = "id: citizen, tenant: t1, roles: [], limits: {}"
        bounded = CATALOG.replace(whole, whole.replace("{}", "{region: [Kansai]}"))
        catalog.write_text(bounded, encoding="utf-8")
        assert shown(await told()).endswith(" 34 JPY")
        after = set(kept.rglob("*.duckdb"))
        assert len(after) == 1
        assert not before & after
        (folder / "orders.csv").write_text(ORDERS.replace(",34,", ",35,"), encoding="utf-8")
        assert shown(await told()).endswith(" 35 JPY")
        assert len(set(kept.rglob("*.duckdb"))) == 1
        catalog.write_text(CATALOG.replace("id: citizen", "id: other"), encoding="utf-8")
        assert (await told()).json()["reason"] == "not_permitted"
        assert not [path for path in kept.rglob("*") if path.is_file()]
        catalog.write_text("people: [", encoding="utf-8")
        assert code(await told())[:2] == (503, "data_unreadable")
        unnamed = await ask(many, "citizen", TOTAL)
        assert code(unnamed) == (400, "data_not_found", "data")

    runner.run(scenario())


def test_a_document_is_used_where_its_record_allows_at_that_moment(runner: asyncio.Runner, many: Any) -> None:
    async def scenario() -> None:
        assert shown(await ask(many, "citizen", REMOTE, data="ruled")).startswith("Remote work")
        many.allowed["quote"] = []
        assert (await ask(many, "citizen", REMOTE, data="ruled")).json()["kind"] == "refusal"
        many.allowed.clear()
        assert (await ask(many, "citizen", REMOTE, data="ruled")).json()["kind"] == "refusal"

    runner.run(scenario())


def test_a_directive_refuses_and_cuts_exactly_whom_it_names(start_hub: Start, tmp_path: Path) -> None:
    given, gate = orders_world(), threading.Event()
    given.cut = False
    held: list[str] = []

    def rights() -> None:
        held.append("")
        gate.wait(30)

    def enforce(admission: Admission, _receipts: Any) -> Enforcement:
        orders = Orders("unix:/nowhere", POLICY, people())
        made = Enforcement(orders, tmp_path, KEYS["host"], admission, given, clock=given.clock)
        made._feed = made._renewals = made._said = cast("Any", Wire(given))
        return made

    async def scenario() -> None:
        data = replace(company(tmp_path / "data"), rights=rights)
        async with start_hub(data=(data,), enforce=enforce) as hub:
            await given.board.read()  # an owner who read the log two seconds ago gives no lease
            await until(hub.admission._decider.__self__.leased.is_set, 20)
            asked = {who: asyncio.create_task(ask(hub, who, TOTAL)) for who in ("citizen", "foreign")}
            await until(lambda: len(held) == 2 or any(task.done() for task in asked.values()), 20)
            early = [task.result().text for task in asked.values() if task.done()]
            assert (early, len(held)) == ([], 2)
            await given.say(order(models=["*"]))
            cut = await asyncio.wait_for(asked["foreign"], 20)
            assert code(cut)[:2] == (451, "refused_by_directive")
            assert cut.json()["error"]["cite"] == "cite of order"
            assert "777" not in cut.text
            gate.set()
            assert shown(await asked["citizen"]).endswith("1,234 JPY")
            held.clear()
            refused = await ask(hub, "foreign", TOTAL)
            assert code(refused)[:2] == (451, "refused_by_directive")
            assert "x-mythos-receipt" not in refused.headers
            in_chat = await chat(hub, "foreign", TOTAL)
            assert code(in_chat)[:2] == (451, "refused_by_directive")
            assert held == []
            file = await receipt(hub, cut.headers["x-mythos-receipt"], "foreign")
            assert fact(file, "engine")["finish"] == "refused_by_directive"

    os.chmod(tmp_path, 0o700)  # noqa: PTH101 (pathlib would do no better here)
    run(scenario())


def test_a_question_that_hangs_is_ended_with_its_process(
    start_hub: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data, used = company(tmp_path / "data"), list[Any]()

    async def scenario() -> None:
        async with start_hub(data=(data,), limits=Limits(ask_seconds=0.3)) as hub:
            desk = hub.parts.desk
            start = desk.worker

            async def worker() -> Any:
                used.append(await start())
                os.kill(used[-1].pid, signal.SIGSTOP)
                return used[-1]

            desk.worker = worker
            questions = [asyncio.create_task(ask(hub, "citizen", TOTAL)) for _ in range(6)]
            got = await asyncio.gather(*questions)
            codes = [code(each)[:2] for each in got]
            assert codes.count((504, "time_limit")) == 5
            assert codes.count((429, "rate_limit_exceeded")) == 1
            desk.seconds = 30
            leaving = asyncio.create_task(ask(hub, "foreign", TOTAL))
            await until(lambda: len(used) == 6, 20)
            os.kill(used[-1].pid, signal.SIGKILL)
            assert code(await leaving)[:2] == (503, "question_ended")
            assert all(process.returncode is not None for process in used)

    run(scenario())
    assert "order amount" not in caplog.text
    assert "citizen" not in caplog.text


def test_what_is_asked_stands_in_no_file(runner: asyncio.Runner, hub: Any) -> None:
    async def scenario() -> None:
        question = "What is the total order amount of Unheardofville?"
        await ask(hub, "citizen", question)
        await chat(hub, "citizen", question)
        held = [path for path in hub.folder.rglob("*") if path.is_file()]
        assert held
        assert not [path for path in held if b"nheardofville" in path.read_bytes()]

    runner.run(scenario())


def test_a_hub_does_not_start_on_data_that_says_not_who_sees_what(start_hub: Start, tmp_path: Path) -> None:
    nobody = CATALOG.partition("people:")[0] + "tables:" + CATALOG.partition("tables:")[2]

    async def scenario(data: Data) -> None:
        async with start_hub(data=(data,)):
            pass

    for number, catalog in enumerate((nobody, "tables: 7")):
        with pytest.raises(InputError, match="cannot be served"):
            run(scenario(company(tmp_path / str(number), catalog)))
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="cannot be served"):
        run(scenario(Data("empty", empty)))


def test_turns_are_one_a_person_so_many_at_once_and_not_waited_for_long(tmp_path: Path) -> None:
    async def scenario() -> None:
        desk = Desk((), tmp_path, turns=2, queue=1, patience=0.05)
        async with desk.turn("a"), desk.turn("b"):
            with pytest.raises(Refused) as late:
                async with desk.turn("c"):
                    pass
            assert (late.value.problem.status, late.value.problem.code) == (503, "overloaded")
            waiting = asyncio.create_task(desk.turn("c").__aenter__())
            await asyncio.sleep(0)
            with pytest.raises(Refused) as full:
                async with desk.turn("d"):
                    pass
            assert full.value.problem.code == "rate_limit_exceeded"
            with pytest.raises(Refused):
                await waiting
        async with desk.turn("a"):
            with pytest.raises(Refused):
                async with desk.turn("a"):
                    pass
        assert desk._persons == {}

    run(scenario())


def test_what_was_kept_for_who_asks_no_more_is_erased(tmp_path: Path) -> None:
    desk = Desk((), tmp_path)
    for name, days in (("old", 8), ("new", 6)):
        folder = tmp_path / "company" / name
        (folder / "x").mkdir(parents=True)
        then = time.time() - days * 86_400
        os.utime(folder, (then, then))
    desk.sweep(7)
    assert [path.name for path in (tmp_path / "company").iterdir()] == ["new"]
