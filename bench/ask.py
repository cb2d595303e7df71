"""Ten million Parquet rows of three tenants: the first answer of one of them, and the answers after it.

    python bench/ask.py [ROWS]

Only the caller's rows enter the capture, which is made once for data and rules. Every answer is computed
twice, the second time in parts. Each question is a process of its own, Python and its imports included.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

ROWS = 10_000_000
CATALOG = """
today: 2026-04-15
people:
- {id: aoi, tenant: t1, roles: [], limits: {}}
tables:
- name: orders
  file: orders.parquet
  format: parquet
  description: {ja: 受注, en: Orders}
  tenant_column: tenant
  columns:
  - {name: order_id, type: integer}
  - {name: tenant, type: code}
  - {name: customer, type: code, description: {ja: 顧客, en: customer}}
  - {name: region, type: code, description: {ja: 地域, en: region}, values: {KANTO: {ja: 関東, en: Kanto}}}
  - {name: order_date, type: date, description: {ja: 受注日, en: order date}}
  - {name: amount, type: integer, unit: JPY, description: {ja: 受注金額, en: order amount}}
"""
QUESTIONS = (
    "What was the total order amount in FY2024?",
    "Top 5 customers by order amount",
    "2025年度の関東の受注金額の合計は？",
    "Monthly order amount in FY2024",
)


def main(rows: int = ROWS) -> None:
    """Write the folder and ask."""
    with tempfile.TemporaryDirectory() as working:
        folder = Path(working) / "data"
        folder.mkdir()
        duckdb.execute(
            f"""COPY (
                SELECT i AS order_id, 't' || (i % 3) AS tenant,
                    'C' || lpad((hash(i) % 2000)::VARCHAR, 4, '0') AS customer,
                    ['KANTO', 'KANSAI', 'KYUSHU', 'TOHOKU'][(hash(i * 7) % 4 + 1)::INT] AS region,
                    DATE '2024-04-01' + (hash(i * 13) % 730)::INT AS order_date,
                    (hash(i * 17) % 4000000)::BIGINT AS amount
                FROM range({rows}) t(i)
            ) TO '{folder}/orders.parquet' (FORMAT parquet)"""  # noqa: S608
        )
        (folder / "catalog.yaml").write_text(CATALOG, encoding="utf-8")
        size = (folder / "orders.parquet").stat().st_size
        print(f"{rows:,} rows, {size >> 20} MiB of Parquet")
        for question in QUESTIONS:
            started = time.monotonic()
            command = [
                sys.executable,
                "-m",
                "mythos",
                "ask",
                question,
                "--data",
                str(folder),
                "--as",
                "aoi",
                "--home",
                f"{working}/home",
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds = time.monotonic() - started
            most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
            print(
                f"{seconds:6.2f} s  {most:5} MiB at most so far  {question}  →  {done.stdout.splitlines()[0]}"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
