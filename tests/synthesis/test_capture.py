"""Only the caller's rows and columns are in the file; every cell is typed and exact."""

import os
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
pytest.importorskip("openpyxl", reason="extra missing: pip install openpyxl")
import duckdb
import openpyxl
from tests.synthesis.conftest import CATALOG, ORDERS

from mythos.errors import DataError
from mythos.synthesis.capture import capture
from mythos.synthesis.catalog import parse_catalog, read_catalog
from mythos.synthesis.digests import Digests
from mythos.synthesis.sources import Raw
from mythos.synthesis.terms import Catalog, Column, Format, Table, View
from mythos.synthesis.view import view_for
from mythos.units import Digest

TODAY = date(2026, 4, 15)


def rows(company: Path, person: str, cache: Path, table: str = "orders") -> list[dict[str, Any]]:
    view = view_for(read_catalog(company, today=TODAY), person)
    taken = capture(view, cache)
    with duckdb.connect(str(taken.file), read_only=True) as database:
        found = database.execute(f'SELECT * FROM "{table}" ORDER BY _rid')  # noqa: S608
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_only_the_callers_rows_and_columns(company: Path, tmp_path: Path) -> None:
    clerk = rows(company, "clerk", tmp_path / "c")
    assert [row["order_id"] for row in clerk] == ["A1", "A5"]
    assert "amount" not in clerk[0]
    boss = rows(company, "boss", tmp_path / "c")
    assert {row["order_id"]: row["amount"] for row in boss} == {
        "A1": 1_300_000,
        "A2": None,
        "A4": None,
        "A5": -20_000,
    }
    assert [row["order_id"] for row in rows(company, "other", tmp_path / "c")] == ["A3"]


def test_no_byte_of_another_tenant_is_in_the_file(company: Path, tmp_path: Path) -> None:
    text = ORDERS.replace("A3,t2", "CANARY-OF-T2,t2")
    (company / "orders.csv").write_bytes(text.encode("cp932"))
    view = view_for(read_catalog(company, today=TODAY), "boss")
    taken = capture(view, tmp_path / "c")
    assert b"CANARY-OF-T2" not in taken.file.read_bytes()
    assert taken.file.stat().st_mode & 0o777 == 0o600
    assert not list((tmp_path / "c").glob("tmp*"))


def test_the_row_is_the_row_of_the_file(company: Path, tmp_path: Path) -> None:
    assert [row["_rid"] for row in rows(company, "boss", tmp_path / "c")] == [4, 5, 8, 9]


def test_the_same_rules_and_bytes_are_one_capture(company: Path, tmp_path: Path) -> None:
    catalog = read_catalog(company, today=TODAY)
    cache = tmp_path / "c"
    first = capture(view_for(catalog, "boss"), cache)
    assert capture(view_for(catalog, "boss"), cache) == first
    assert capture(view_for(catalog, "clerk"), cache).digest != first.digest
    (company / "orders.csv").write_bytes(ORDERS.replace("1300", "1400").encode("cp932"))
    changed = capture(view_for(catalog, "boss"), cache)
    assert changed.digest != first.digest


def test_a_cell_that_cannot_be_read_says_where(company: Path, tmp_path: Path) -> None:
    (company / "orders.csv").write_bytes(ORDERS.replace("1300", "12x").encode("cp932"))
    with pytest.raises(DataError, match=r"row 4, column amount.*'12x'"):
        rows(company, "boss", tmp_path / "c")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data.replace(b"A5,t1", b"A5,t1,t1,t1"), "row 9 has another length"),
        (lambda data: data.replace(b"order_id,", b"order,"), "header of orders is not at row 2"),
        (lambda data: data + b"A6,\x81\x39,KANTO,1,2024-01-01,\n", "not shift_jis throughout.*line 10"),
        (lambda _: b"PK\x03\x04\0\0" * 100, "no text|header"),
        (lambda _: b"", "header"),
        (lambda data: data.replace(b"A5", b'"A5' + b"x" * 200_000), "no table of text.*line 9"),
        (lambda data: data.replace(b"A3,t2,", b'A3,t2,"'), "no table of text.*in line 9.*quotation marks"),
        (lambda data: data.replace(b"A3,t2,", b'A3,t2,"').replace(b"A5,", b'"A5",'), "text.*in line 9"),
    ],
)
def test_broken_files_are_named(
    company: Path, tmp_path: Path, change: Callable[[bytes], bytes], says: str
) -> None:
    (company / "orders.csv").write_bytes(change(ORDERS.encode("cp932")))
    with pytest.raises(DataError, match=says):
        rows(company, "boss", tmp_path / "c")


RAGGED = [
    ("A3,t2,KANTO", "A3, ｔ2,KANTO,CANARY", True),  # too long
    ("A3,t2,KANTO,5,2024年5月3日,2024-04-01 10:00", "A3,t2", True),  # too short
    ("A3,t2,KANTO,5,2024年5月3日,2024-04-01 10:00", "A3", False),  # nobody's
    ("A3,t2,KANTO", "A3,x,t2,KANTO", False),  # moved: the cell names nobody whom the catalogue knows
    ("A3,t2,KANTO", "A3,,KANTO,KANTO", False),
    ("A3,t2,KANTO,5,", 'A3,t2,"KANTO\nA6,t1",', False),  # it may have swallowed a row of another
]


@pytest.mark.parametrize(("row", "ragged", "theirs"), RAGGED)
def test_a_ragged_row_stops_its_own_tenant(
    company: Path, tmp_path: Path, row: str, ragged: str, theirs: bool
) -> None:
    (company / "orders.csv").write_bytes(ORDERS.replace(row, ragged).encode("cp932"))
    with pytest.raises(DataError, match="row 7 has another length than the header; expected 6 cells"):
        rows(company, "other", tmp_path / "c")
    if theirs:
        assert [row["order_id"] for row in rows(company, "boss", tmp_path / "c")] == ["A1", "A2", "A4", "A5"]
        assert [row["_rid"] for row in rows(company, "boss", tmp_path / "c")] == [4, 5, 8, 9]
    else:
        with pytest.raises(DataError, match="row 7 has another length"):
            rows(company, "boss", tmp_path / "c")


def test_a_moved_row_of_a_workbook_stops_its_own_tenant(company: Path, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in ORDERS.replace('"１,２００"', "1200").replace("A3,t2,", "A3,t2,x,").splitlines():
        sheet.append(line.split(","))
    book.save(company / "orders.xlsx")
    catalog = CATALOG.replace("orders.csv", "orders.xlsx").replace("format: csv", "format: xlsx")
    (company / "catalog.yaml").write_text(catalog)
    assert [row["order_id"] for row in rows(company, "boss", tmp_path / "c")] == ["A1", "A2", "A4", "A5"]
    with pytest.raises(DataError, match="row 7, column amount: a cell cannot be read"):
        rows(company, "other", tmp_path / "c")


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_a_file_that_changes_before_it_is_read_is_refused(
    tmp_path: Path, kind: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, cache = tmp_path / f"t.{kind}", tmp_path / "c"

    def write(value: int) -> None:
        relation = duckdb.connect().sql(f"SELECT {value} AS a")
        if kind == "xlsx":
            book = openpyxl.Workbook()
            book.create_sheet("t", 0).append(["a"])
            book["t"].append([value])
            book.save(file)
        else:
            (relation.write_csv if kind == "csv" else relation.write_parquet)(str(file))

    class Late(Digests):
        def of(self, root: Path, table: Table, fetched: Raw | None) -> Digest:
            digest = super().of(root, table, fetched)
            write(2)
            return digest

    write(1)
    view = _one(Table("t", file.name, kind, (Column("a", "integer"),)), tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("mythos.synthesis.capture.Digests", Late)
        with pytest.raises(DataError, match=rf"t\.{kind} changed while it was read. Ask again."):
            capture(view, cache)
    assert not list(cache.glob("*.duckdb"))
    with duckdb.connect(str(capture(view, cache).file), read_only=True) as database:
        assert database.execute("SELECT a FROM t").fetchall() == [(2,)]


def test_a_file_of_the_same_size_and_time_is_another_file(company: Path, tmp_path: Path) -> None:
    file = company / "orders.csv"
    os.utime(file, (1, 1))
    time.sleep(2.1)  # long enough to be remembered
    assert rows(company, "boss", tmp_path / "c")[0]["amount"] == 1_300_000
    assert str(file) in (tmp_path / "c" / "digests.json").read_text()
    file.write_bytes(ORDERS.replace("1300", "1400").encode("cp932"))
    os.utime(file, (1, 1))
    assert rows(company, "boss", tmp_path / "c")[0]["amount"] == 1_400_000


def test_a_source_that_vanished_is_named(company: Path, tmp_path: Path) -> None:
    (company / "orders.csv").unlink()
    with pytest.raises(DataError, match=r"orders\.csv cannot be read"):
        rows(company, "boss", tmp_path / "c")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "euc_jp", "utf-16"])
def test_encodings_are_found_when_none_is_named(company: Path, tmp_path: Path, encoding: str) -> None:
    (company / "catalog.yaml").write_text(CATALOG.replace("  encoding: shift_jis\n", ""))
    (company / "orders.csv").write_bytes(ORDERS.encode(encoding))
    assert len(rows(company, "boss", tmp_path / "c")) == 4


def test_identical_rows_count_once_and_different_ones_are_an_error(company: Path, tmp_path: Path) -> None:
    catalog = CATALOG.replace("{rule: latest, by: updated, ja: 最新, en: latest}", "{rule: identical}")
    (company / "catalog.yaml").write_text(catalog)
    with pytest.raises(DataError, match=r"rows with one key differ.*order_id = A1"):
        rows(company, "boss", tmp_path / "c")
    same = "A1,t1,KANTO,1300,2024-04-01,2024-04-02 10:00\n"
    (company / "orders.csv").write_bytes((ORDERS.split("A1,")[0] + same + same).encode("cp932"))
    assert len(rows(company, "boss", tmp_path / "c")) == 1


def _one(table: Table, folder: Path) -> View:
    return view_for(Catalog(folder, TODAY, (table,), (), everybody_sees_all=True), None)


def test_excel_with_a_title_and_merged_cells(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("Notes").append(["Notes"])
    sheet = book.create_sheet("Data")
    for row in (
        ["Report"],
        ["区分", "額", "日付", "コード"],
        ["北", 1234.5, date(2024, 4, 1), 12],
        [None, "２", "R6.4.2", "007"],
    ):
        sheet.append(row)
    sheet.merge_cells("A3:A4")
    book.save(tmp_path / "b.xlsx")
    columns = (Column("区分"), Column("額", "decimal"), Column("日付", "date"), Column("コード", "code"))
    taken = capture(_one(Table("b", "b.xlsx", "xlsx", columns, header_row=2), tmp_path), tmp_path / "c")
    with duckdb.connect(str(taken.file), read_only=True) as database:
        assert database.execute("SELECT * FROM b ORDER BY _rid").fetchall() == [
            (3, "北", Decimal("1234.5"), date(2024, 4, 1), "12"),
            (4, "北", Decimal("2.0"), date(2024, 4, 2), "007"),
        ]


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(64 << 20))
    with pytest.raises(DataError, match="unpacks to too much"):
        capture(_one(Table("b", "b.xlsx", "xlsx", (Column("x"),)), tmp_path), tmp_path / "c")


def test_parquet_keeps_its_own_types_exactly(tmp_path: Path) -> None:
    file = tmp_path / "p.parquet"
    duckdb.connect().sql(
        "SELECT * FROM (VALUES ('Ａ1 ', 0.1::DOUBLE, 12345678901234567::BIGINT, DATE '2024-04-01', '１,２００'), "
        "('b', 0.25::DOUBLE, NULL, NULL, '-')) t(code, share, big, day, dirty)"
    ).write_parquet(str(file))
    columns = (
        Column("code", "code"),
        Column("share", "decimal", scale=Decimal(100)),
        Column("big", "integer"),
        Column("day", "date"),
        Column("dirty", "integer"),
    )
    taken = capture(_one(Table("p", "p.parquet", "parquet", columns), tmp_path), tmp_path / "c")
    with duckdb.connect(str(taken.file), read_only=True) as database:
        assert database.execute("SELECT * FROM p ORDER BY _rid").fetchall() == [
            (1, "A1", Decimal("10.00"), 12345678901234567, date(2024, 4, 1), 1200),
            (2, "b", Decimal("25.00"), None, None, None),
        ]


def test_not_a_number_in_parquet_is_an_error(tmp_path: Path) -> None:
    duckdb.connect().sql("SELECT 'nan'::DOUBLE AS x").write_parquet(str(tmp_path / "p.parquet"))
    table = Table("p", "p.parquet", "parquet", (Column("x", "decimal"),))
    with pytest.raises(DataError, match="NaN"):
        capture(_one(table, tmp_path), tmp_path / "c")


def test_a_column_name_that_is_sql_is_a_name(tmp_path: Path) -> None:
    name = 'x"; DROP TABLE t; --'
    (tmp_path / "t.csv").write_text('"x""; DROP TABLE t; --"\n1\n')
    taken = capture(_one(Table('t"', "t.csv", "csv", (Column(name, "integer"),)), tmp_path), tmp_path / "c")
    with duckdb.connect(str(taken.file), read_only=True) as database:
        assert database.execute('SELECT * FROM "t"""').fetchall() == [(2, 1)]


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n")
    table = Table("t", "t.csv", "csv", (Column("a", "integer"), Column("b", "date")))
    taken = capture(_one(table, tmp_path), tmp_path / "c")
    with duckdb.connect(str(taken.file), read_only=True) as database:
        assert database.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_people_with_an_empty_limit_see_no_row(company: Path, tmp_path: Path) -> None:
    catalog = parse_catalog(CATALOG.replace("{region: [KANTO]}", "{region: []}"), company, today=TODAY)
    taken = capture(view_for(catalog, "clerk"), tmp_path / "c")
    with duckdb.connect(str(taken.file), read_only=True) as database:
        assert database.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    assert replace(taken, file=Path()).digest == taken.digest


def test_what_is_wrong_in_rows_and_columns_of_others_stops_nobody(company: Path, tmp_path: Path) -> None:
    text = ORDERS.replace("A3,t2,KANTO,5,", "A1,t2,KANTO,CANARY,").replace(
        ",2024-04-01 10:00\nA4", ",2025-01-01 10:00\nA4"
    )
    (company / "orders.csv").write_bytes(text.encode("cp932"))
    assert [row["order_id"] for row in rows(company, "boss", tmp_path / "c")] == ["A1", "A2", "A4", "A5"]
    (company / "orders.csv").write_bytes(ORDERS.replace("1300", "CANARY").encode("cp932"))
    assert len(rows(company, "clerk", tmp_path / "c")) == 2
