"""Questions to data through a real hub: real HTTP, a real engine, real processes for the questions."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
pytest.importorskip("tantivy", reason="extra missing: pip install 'mythos-hub[synthesis]'")

from mythos.hub.desk import Data
from mythos.units import Instant

CATALOG = """
today: 2026-04-15
tenants: [{id: t1, name: {en: Yamada}}, {id: t2, name: {en: Suzuki}}]
people:
- {id: aoi, tenant: t1, roles: [], limits: {}}
- {id: ken, tenant: t2, roles: [], limits: {}}
tables:
- name: orders
  file: orders.csv
  format: csv
  description: {ja: 受注, en: Orders}
  primary_key: [order_id]
  tenant_column: tenant
  columns:
  - {name: order_id, type: code}
  - {name: tenant, type: code}
  - {name: region, type: text, description: {ja: 地域, en: region}}
  - {name: amount, type: integer, unit: JPY, description: {ja: 受注金額, en: order amount}}
documents:
- {file: rules.md, tenant: t1, lang: en, title: Rules of work}
"""
ORDERS = "order_id,tenant,region,amount\nA1,t1,Kanto,1200\nA2,t1,Kansai,34\nA3,t2,AkaneCanary,777001\n"
RULES = "# Rules\n\nRemote work is allowed on eight days per month. Ask your manager first.\n"
Start = Callable[..., Any]


@pytest.fixture
def company(tmp_path: Path) -> Path:
    folder = tmp_path / "company"
    folder.mkdir()
    (folder / "catalog.yaml").write_text(CATALOG, encoding="utf-8")
    (folder / "orders.csv").write_text(ORDERS, encoding="utf-8")
    (folder / "rules.md").write_text(RULES, encoding="utf-8")
    return folder


def run(scenario: Any) -> None:
    asyncio.run(asyncio.wait_for(scenario, 120))


async def ask(hub: Any, person: str, question: str, **more: Any) -> httpx.Response:
    key = hub.store.add_key(person, "use", Instant.now())
    headers = {"Authorization": f"Bearer {key}"}
    return await hub.client.post("/v1/ask", json={"question": question, **more}, headers=headers)


def shown(found: dict[str, Any]) -> str:
    return "".join(part.get("text") or part["shown"] for part in found["parts"])


def test_an_answer_is_that_of_the_command_and_leaves_a_receipt(start_hub: Start, company: Path) -> None:
    async def scenario() -> None:
        async with start_hub(data=(Data("company", company),)) as hub:
            got = await ask(hub, "aoi", "What is the total order amount?", sources=True)
            assert got.status_code == 200, got.text
            found = got.json()
            print(json.dumps(found, indent=1, ensure_ascii=False))
            assert shown(found) == "order amount (total): 1,234 JPY"
            assert got.headers["x-mythos-receipt"].startswith("r-")

    run(scenario())
