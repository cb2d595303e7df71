"""Gated queries run in a process that can do nothing else, even when the gate is passed by."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
from tests.synthesis.conftest import CATALOG

from mythos.errors import DataError
from mythos.synthesis import cell
from mythos.synthesis.capture import capture
from mythos.synthesis.catalog import parse_catalog
from mythos.synthesis.cell import Cells
from mythos.synthesis.terms import Table
from mythos.synthesis.view import view_for


@pytest.fixture
def cells(company: Path, tmp_path: Path) -> Iterator[Cells]:
    view = view_for(parse_catalog(CATALOG, company, today=date(2026, 4, 15)), "boss")
    with Cells(capture(view, tmp_path / "c"), seconds=3, memory_mb=200) as cells:
        yield cells


def test_values_are_exact_and_typed(cells: Cells) -> None:
    result = cells.run(
        "SELECT region, sum(amount), min(ordered), sum(amount) * 0.07 FROM orders GROUP BY 1 ORDER BY 1"
    )
    assert result.rows[1][:3] == ("KANTO", 1_280_000, date(2024, 4, 1))
    assert result.rows[0][1] is None
    assert not any(isinstance(value, float) for row in result.rows for value in row)
    assert result.rows[1][3] == Decimal(89_600)
    assert result.complete


def test_source_rows_are_named_and_not_shown(cells: Cells) -> None:
    result = cells.run('SELECT order_id, _rid AS "_rid:orders" FROM orders ORDER BY _rid', limit=2)
    assert result.columns == ("order_id",)
    assert result.row_ids == ((("orders", 4),), (("orders", 5),))
    assert not result.complete


def test_what_the_gate_refuses_never_reaches_the_process(cells: Cells) -> None:
    with pytest.raises(DataError) as caught:
        cells.run("SELECT * FROM read_csv('/etc/passwd')")
    assert caught.value.code == "gate"


@pytest.fixture
def no_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    def passed(sql: str, _tables: tuple[Table, ...]) -> str:
        return sql

    monkeypatch.setattr(cell, "check", passed)


@pytest.mark.usefixtures("no_gate")
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "COPY orders TO '/tmp/mythos-canary.csv'",
        "ATTACH '/tmp/mythos-canary.db'",
        "SET memory_limit='10GB'",
        "SET enable_external_access=true",
        "SELECT * FROM glob('/*')",
        "INSTALL httpfs",
        "LOAD httpfs",
        "CREATE TABLE x AS SELECT 1",
        "DROP TABLE orders",
        "SELECT getenv('HOME')",
        "EXPORT DATABASE '/tmp/mythos-canary'",
    ],
)
def test_the_second_wall_holds_without_the_first(cells: Cells, sql: str) -> None:
    with pytest.raises(DataError):
        cells.run(sql)
    assert cells.run("SELECT count(*) FROM orders").rows == ((4,),)
    assert not list(Path("/tmp").glob("mythos-canary*"))


@pytest.mark.usefixtures("no_gate")
def test_a_slow_query_costs_its_process_and_the_next_gets_a_new_one(cells: Cells) -> None:
    with pytest.raises(DataError, match="too long") as caught:
        cells.run("SELECT count(*) FROM range(100000000) a, range(1000000) b")
    assert caught.value.code == "too_much"
    assert cells.run("SELECT count(*) FROM orders").rows == ((4,),)


@pytest.mark.usefixtures("no_gate")
def test_a_hungry_query_is_stopped(cells: Cells) -> None:
    with pytest.raises(DataError):
        cells.run("SELECT max(x) FROM (SELECT list(range) x FROM range(200000000))")
    assert cells.run("SELECT count(*) FROM orders").rows == ((4,),)


@pytest.mark.usefixtures("no_gate")
def test_a_sum_that_overflows_is_said(cells: Cells) -> None:
    with pytest.raises(DataError) as caught:
        cells.run("SELECT sum(CAST(repeat('9', 38) AS DECIMAL(38,0))) FROM range(3)")
    assert caught.value.code == "overflow"


def test_the_process_is_filtered(cells: Cells) -> None:
    cells.run("SELECT 1")
    process = cells._running()
    status = Path(f"/proc/{process.pid}/status").read_text()
    assert "Seccomp:\t2" in status
    assert "NoNewPrivs:\t1" in status


def test_a_capture_that_is_no_database_is_said(cells: Cells) -> None:
    cells.capture.file.write_bytes(b"x" * 4096)
    with pytest.raises(DataError, match="capture cannot be opened"):
        cells.run("SELECT 1")
