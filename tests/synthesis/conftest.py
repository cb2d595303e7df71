"""A small company in a folder: dirty cells, two tenants, limits, roles, two rows with one key."""

from pathlib import Path

import pytest

CATALOG = """
today: 2026-04-15
covers: {from: 2024-04-01, to: 2026-03-31}
tenants:
- {id: t1, name: {ja: 山田工業, en: Yamada}}
- {id: t2, name: {ja: 鈴木商事, en: Suzuki}}
people:
- {id: clerk, tenant: t1, roles: [sales], limits: {region: [KANTO]}}
- {id: boss, tenant: t1, roles: [sales, finance], limits: {}}
- {id: other, tenant: t2, roles: [finance], limits: {}}
- {id: nobody, tenant: null, roles: [], limits: {}}
tables:
- name: orders
  file: orders.csv
  format: csv
  encoding: shift_jis
  header_row: 2
  description: {ja: 受注, en: Orders}
  primary_key: [order_id]
  duplicates: {rule: latest, by: updated, ja: 最新, en: latest}
  tenant_column: tenant
  limit_columns: {region: region}
  columns:
  - {name: order_id, type: code}
  - {name: tenant, type: code}
  - {name: region, type: code, values: {KANTO: {ja: 関東, en: Kanto}, KANSAI: {ja: 関西, en: Kansai}}}
  - {name: amount, type: integer, unit: JPY, scale: 1000, roles: [finance], missing: [n/a], description: {ja: 金額, en: amount}}
  - {name: ordered, type: date, description: {ja: 受注日, en: order date}}
  - {name: updated, type: timestamp}
documents:
- {file: open.md, tenant: null, lang: en, title: Open}
- {file: kansai.md, tenant: t1, lang: ja, title: 関西, limits: {region: KANSAI}}
- {file: secret.md, tenant: t1, lang: ja, title: 給与, roles: [finance]}
- {file: theirs.md, tenant: t2, lang: en, title: Theirs}
"""

ORDERS = """受注一覧
order_id,tenant,region,amount,ordered,updated
A1,t1,KANTO,"１,２００",令和6年4月1日,2024-04-01 10:00
A1 ,t1,KANTO,1300,2024/4/1,2024-04-02 10:00
Ａ2,t1,KANSAI,-,R6.4.3,2024-04-01 10:00

A3,t2,KANTO,5,2024年5月3日,2024-04-01 10:00
A4,t1,KANSAI,n/a,20240504,2024-04-01 10:00
A5,t1,KANTO,△20,2024-05-05,2024-04-01 10:00
"""


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """The folder."""
    folder = tmp_path / "company"
    folder.mkdir()
    (folder / "catalog.yaml").write_text(CATALOG, encoding="utf-8")
    (folder / "orders.csv").write_bytes(ORDERS.encode("cp932"))
    return folder
