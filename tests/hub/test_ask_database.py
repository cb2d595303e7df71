"""A question to a real PostgreSQL through a real hub, from inside the walls of its process."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
pytest.importorskip("psycopg", reason="extra missing: pip install 'mythos-hub[postgres]'")
from tests.synthesis.test_postgresql import Server, server

from mythos.hub.desk import Data
from mythos.units import Instant

__all__ = ["server"]

CATALOG = """
today: 2026-04-15
tenants: [{id: t1, name: {en: Yamada}}, {id: t2, name: {en: Suzuki}}]
people: [{id: aoi, tenant: t1, roles: [], limits: {}}, {id: ken, tenant: t2, roles: [], limits: {}}]
tables:
- name: stock
  file: postgresql:reader/public.stock
  format: postgresql
  description: {en: Stock}
  primary_key: [id]
  tenant_column: tenant
  columns:
  - {name: id, type: integer}
  - {name: tenant, type: code}
  - {name: amount, type: integer, unit: JPY, description: {en: stock amount}}
"""


def test_a_database_is_asked_anew_and_tells_each_their_own_rows(
    start_hub: Callable[..., Any], tmp_path: Path, server: Server
) -> None:
    (tmp_path / "catalog.yaml").write_text(CATALOG, encoding="utf-8")

    async def scenario() -> None:
        with server.connect() as database:
            database.execute("CREATE TABLE stock (id int PRIMARY KEY, tenant text, amount int)")
            database.execute("INSERT INTO stock VALUES (1, 't1', 40), (2, 't1', 2), (3, 't2', 777)")
            database.execute("GRANT SELECT ON stock TO reader")
            async with start_hub(data=(Data("company", tmp_path),)) as hub:

                async def told(person: str) -> str:
                    headers = {"Authorization": f"Bearer {hub.store.add_key(person, 'use', Instant.now())}"}
                    body = {"question": "What is the total stock amount?"}
                    got = await hub.client.post("/v1/ask", json=body, headers=headers)
                    assert got.status_code == 200, got.text
                    return got.json()["parts"][-1]["shown"]

                assert await told("aoi") == "42 JPY"
                assert await told("ken") == "777 JPY"
                database.execute("UPDATE stock SET amount = 3 WHERE id = 2")
                assert await told("aoi") == "43 JPY"

    asyncio.run(asyncio.wait_for(scenario(), 120))
