"""The page for asking, in a real browser, against a real hub: by keyboard, in two languages, with hostile data."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
pytest.importorskip("tantivy", reason="extra missing: pip install 'mythos-hub[synthesis]'")
from tests.console.browser import CHROMIUM, Browser

from mythos.console import pages
from mythos.console.routes import HEADERS
from mythos.evidence.verify import verify
from mythos.hub.admission import Asking, Decision
from mythos.hub.desk import Data
from mythos.units import Instant

HOSTILE = "<img src=x onerror=alert(1)></button><script>alert(2)</script>"
CATALOG = """
today: 2026-04-15
tenants: [{id: t1, name: {en: Yamada}}]
people: [{id: aoi, tenant: t1, roles: [], limits: {}}]
tables:
- name: orders
  file: orders.csv
  format: csv
  description: {ja: 受注, en: Orders}
  primary_key: [order_id]
  columns:
  - {name: order_id, type: code}
  - {name: region, type: text, description: {ja: 地域, en: region}}
  - {name: amount, type: integer, unit: JPY, description: {ja: 受注金額, en: order amount}}
  - {name: ordered, type: date, description: {ja: 受注日, en: order date}}
documents:
- {file: rules.md, tenant: t1, lang: en, title: Rules of work}
"""
ORDERS = f"""order_id,region,amount,ordered
A1,Kanto,1200,2024-04-01
A2,{HOSTILE},34,2024-05-01
A3,Kanto,66,2025-05-01
"""
RULES = f"# Rules\n\n{HOSTILE}\n\nRemote work is allowed on eight days per month. Ask your manager first.\n"
browser = pytest.mark.skipif(CHROMIUM is None, reason="browser missing: no chromium to look at the page with")
Start = Callable[..., Any]
See = Callable[..., None]


def decide(asking: Asking) -> Decision:
    if asking.principals[-1] == "named":
        return Decision("refuse", "refused", directive="us-bis-1", cite="15 CFR 744")
    return Decision("allow", "no_directive")


@pytest.fixture(scope="module")
def see(start_hub: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., None]]:
    """Lets a function see a hub with data and pages: its address, and keys by name."""
    folder = tmp_path_factory.mktemp("company")
    (folder / "catalog.yaml").write_text(CATALOG, encoding="utf-8")
    (folder / "orders.csv").write_text(ORDERS, encoding="utf-8")
    (folder / "rules.md").write_text(RULES, encoding="utf-8")
    with asyncio.Runner() as runner:
        context = start_hub(data=(Data("company", folder),), pages=pages(), decider=decide)
        hub = runner.run(context.__aenter__())
        keys = {name: hub.store.add_key(name, "use", Instant.now()) for name in ("aoi", "stranger", "named")}
        yield lambda seen: runner.run(asyncio.to_thread(seen, hub.url, keys))
        runner.run(context.__aexit__(None, None, None))


def put(page: Browser, question: str) -> str:
    """Ask by keyboard; what the answer's part of the page then says."""
    page.evaluate(
        "document.getElementById('question').select() ?? document.getElementById('question').focus()"
    )
    page.type(question)
    page.press("Enter", 13, modifiers=2)
    page.until("!document.getElementById('ask').disabled && !document.getElementById('answer').hidden")
    return page.evaluate("document.getElementById('parts').innerText")


def give(page: Browser, key: str) -> None:
    page.evaluate("document.getElementById('key').select() ?? document.getElementById('key').focus()")
    page.type(key)
    page.press("Tab", 9)
    page.until("!document.getElementById('data').disabled")


def focused(page: Browser) -> str:
    return page.evaluate("document.activeElement.id || document.activeElement.textContent")


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def source(page: Browser) -> str:
    page.until("!document.getElementById('source').hidden")
    return page.evaluate("document.getElementById('source').innerText")


@browser
def test_a_person_asks_and_opens_every_source_by_keyboard(see: See, tmp_path: Path, world: Any) -> None:
    def seen(url: str, keys: dict[str, str]) -> None:
        with Browser(tmp_path) as page:
            page.visit(f"{url}/console/ask")
            assert page.evaluate("document.documentElement.lang") == "en"
            assert {
                ("textbox", "API key"), ("combobox", "Data"), ("textbox", "Question, in English or Japanese"),
                ("button", "Ask"), ("button", "English"), ("button", "日本語"), ("heading", "Ask your data"),
                ("status", ""), ("main", ""),
            } <= page.roles()  # fmt: skip
            give(page, keys["aoi"])
            assert put(page, "order amount by region").startswith("order amount (total):")
            assert page.evaluate("document.getElementById('status').textContent").startswith("Answered.")
            page.press("Tab", 9)  # from the question to the button that asks
            page.press("Tab", 9)
            assert HOSTILE in focused(page)  # of the answer, the first part; its words are words
            for _ in range(3):
                page.press("Tab", 9)
            assert focused(page) == "1,266 JPY"
            page.press("Enter", 13, "\r")
            opened = source(page)
            assert focused(page) == "source-title"
            assert opened.startswith("Source of 1,266 JPY")
            assert {("region", "Rows"), ("table", "orders · All rows below this number (2)")} <= page.roles()
            assert ("columnheader", "amount") in page.roles()
            assert re.search(r"A1\s+Kanto\s+1,200 JPY", opened)
            assert "A2" not in opened
            assert 'SELECT "orders"."region"' in opened
            expanded = "document.querySelectorAll('[aria-expanded=true]').length"
            assert page.evaluate(expanded) == 1
            page.press("Escape", 27)
            assert page.evaluate("document.getElementById('source').hidden")
            assert focused(page) == "1,266 JPY"
            assert page.evaluate(expanded) == 0

            put(page, "How many days of remote work are allowed per month?")
            page.evaluate("document.querySelector('.quote').click()")
            assert HOSTILE in source(page)
            marked = page.evaluate("document.querySelector('mark').textContent")
            assert marked == "Remote work is allowed on eight days per month."

            put(page, "What was the growth of order amount from FY2024 to FY2025?")
            page.evaluate("[...document.querySelectorAll('#parts .part')].at(-1).click()")
            assert "a = " in source(page)
            page.evaluate("document.querySelector('#behind .part').click()")
            assert focused(page) == "source-title"

            name = page.evaluate("[...document.querySelectorAll('.read code')].at(-1).textContent")
            page.evaluate("document.querySelectorAll('.saving button').forEach((button) => button.click())")
            files = [tmp_path / f"{name}.json", tmp_path / f"{name}.answer.json"]
            until(lambda: all(file.exists() for file in files))
            receipt, told = (file.read_bytes() for file in files)
            assert verify(receipt, world.policy, now=int(time.time()), answer=told).verified

            made = "document.querySelectorAll('img, iframe, script:not([src=\"/console/ask.js\"])').length"
            assert page.evaluate(made) == 0
            assert page.complaints == []
            assert [each for each in page.asked if not each.startswith((url, "data:", "about:"))] == []
            assert page.evaluate("document.cookie + localStorage.length + sessionStorage.length") == "00"
            assert not any(keys["aoi"] in each for each in page.asked)

    see(seen)


@browser
def test_a_refusal_is_told_with_its_reason_in_both_languages(see: See, tmp_path: Path) -> None:
    def seen(url: str, keys: dict[str, str]) -> None:
        with Browser(tmp_path, language="ja-JP", width=420) as page:
            page.visit(f"{url}/console/ask")
            assert page.evaluate("document.title") == "データに質問する"
            give(page, keys["aoi"])
            assert put(page, "受注金額の合計は？").startswith("受注金額 (合計): 1,300円")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            told = put(page, "火星の受注金額は？")
            assert "お尋ねの内容はこのハブにありません。" in told
            assert "not_in_hub" in told
            assert "火星" in told
            page.evaluate("document.querySelector('[data-language=en]').click()")
            told = page.evaluate("document.body.innerText")
            assert "The hub does not hold what this asks about." in told
            assert not re.search("[ぁ-ヿ]", told.replace("日本語", "").replace("火星の受注金額は？", ""))
            give(page, keys["stranger"])
            assert "You may not read what this asks about." in put(page, "order amount by region")
            give(page, keys["named"])
            told = put(page, "order amount by region")
            assert "15 CFR 744" in told
            assert "refused_by_directive" in told
            assert page.evaluate("document.getElementById('status').textContent").startswith(
                "That went wrong"
            )
            page.evaluate("document.getElementById('key').value = 'mk-wrong'")
            page.evaluate("document.getElementById('key').dispatchEvent(new Event('change'))")
            page.until("document.getElementById('parts').innerText.includes('invalid_api_key')")
            assert page.evaluate("document.getElementById('data').disabled")

    see(seen)


def test_a_page_is_served_under_a_strict_policy_and_names_nothing_of_others(see: See) -> None:
    def seen(url: str, _keys: dict[str, str]) -> None:
        for path in ("/console/ask", "/console/ask.css", "/console/ask.js"):
            got = httpx.get(url + path)
            assert got.status_code == 200
            assert {name: got.headers[name] for name in HEADERS} == HEADERS
            assert "unsafe" not in got.headers["content-security-policy"]
            assert not re.search(
                r"https?://|innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", got.text
            )
            assert not re.search(r"<script>|\son\w+=|style=", got.text)
            assert httpx.get(url + path, headers={"host": "evil.example"}).status_code == 421
            assert httpx.post(url + path).status_code == 405
        words = Path(__file__).parents[2] / "src/mythos/console/ask/ask.js"
        said = re.findall(
            r"^  (en|ja): \{(.*?)^  \},", words.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        )
        english, japanese = ({*re.findall(r'(?:^ +|", )(\w+): "', text, re.MULTILINE)} for _, text in said)
        assert english == japanese
        assert {*re.findall(r'data-say="(\w+)"', httpx.get(f"{url}/console/ask").text)} <= english

    see(seen)
