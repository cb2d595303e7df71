"""Sources and catalogues that somebody made to break or to mislead; and what an error must not tell."""

import io
import os
import time
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
pytest.importorskip("openpyxl", reason="extra missing: pip install openpyxl")
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from mythos.errors import DataError
from mythos.synthesis import digests
from mythos.synthesis.capture import capture
from mythos.synthesis.catalog import parse_catalog
from mythos.synthesis.draft import load_catalog
from mythos.synthesis.sources import bounded_bytes, guessed, read_csv, read_xlsx
from mythos.synthesis.terms import Column, Table
from mythos.synthesis.values import read_number
from mythos.synthesis.view import view_for

TODAY = date(2026, 4, 15)
TWO = Table("t", "t.xlsx", "xlsx", (Column("a"), Column("b", "integer")))


def workbook(cells: dict[str, int], merged: tuple[str, ...] = ()) -> bytes:
    made = openpyxl.Workbook()
    head: dict[str, int | str] = {"A1": "a", "B1": "b", "A2": "x", "B2": 1}
    for reference, value in {**head, **cells}.items():
        made.worksheets[0][reference] = value
    for area in merged:
        made.worksheets[0].merge_cells(area)
    held = io.BytesIO()
    made.save(held)
    return held.getvalue()


def test_a_cell_at_the_far_corner_is_refused_and_ends_nothing() -> None:
    with pytest.raises(DataError, match="too far"):
        read_xlsx(workbook({"XFD1048576": 1}), TWO)
    assert read_xlsx(workbook({"B40": 2}), TWO).columns[1][38] == "2"


def test_merged_areas_are_bounded() -> None:
    held = workbook({})
    many = b"".join(b'<mergeCell ref="A1:XFD1048576"/>' for _ in range(50))
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(held)) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            body = old.read(name)
            if name.endswith("sheet1.xml"):
                body = body.replace(b"</sheetData>", b"</sheetData><mergeCells>" + many + b"</mergeCells>")
            new.writestr(name, body)
    with pytest.raises(DataError, match="merges"):
        read_xlsx(made.getvalue(), TWO)


def test_a_workbook_of_another_kind_is_refused() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("content.xml", "<x table:number-columns-repeated='16384'/>")
    with pytest.raises(DataError, match="not an Excel workbook"):
        read_xlsx(made.getvalue(), TWO)


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.csv")
    with pytest.raises(DataError, match="no file"):
        bounded_bytes(tmp_path / "p.csv")


@pytest.mark.parametrize("text", ["売上一覧、東京", "商品名は部品です。", "関東\n関西\n"])
@pytest.mark.parametrize("encoding", ["euc_jp", "cp932", "utf-8", "utf-8-sig", "utf-16"])
def test_an_encoding_is_guessed_for_what_it_is(text: str, encoding: str) -> None:
    assert guessed(text.encode(encoding), "t.txt") == text


def test_broken_and_strange_encodings_are_errors() -> None:
    with pytest.raises(DataError, match="encoding"):
        guessed(b"\xff\xfea", "t.txt")
    for name in ("punycode", "unicode_escape", "zlib", "nothing"):
        with pytest.raises(DataError, match="no encoding is called"):
            read_csv(b"a,b\nx,1\n", Table("t", "t.csv", "csv", TWO.columns, encoding=name))


@pytest.mark.parametrize("text", ["10 20", "1 2", "1 2345", "12 34 567"])
def test_two_numbers_in_a_cell_are_not_one(text: str) -> None:
    with pytest.raises(DataError):
        read_number(text)
    assert read_number("1 234 567") == 1_234_567
    assert read_number("- 5") == -5


BASE = """
people:
- {{id: a, tenant: t1, limits: {{{limit}: [KANTO]}}}}
tables:
- name: orders
  file: {file}
  format: {format}
  primary_key: [{key}]
  tenant_column: tenant
  limit_columns: {{region: region}}
  columns:
  - {{name: id, type: code}}
  - {{name: tenant, type: code}}
  - {{name: region, type: code}}
  - {{name: amount, type: integer, unit: {unit}, scale: "{scale}"}}
"""


def text(**change: str) -> str:
    held = {"limit": "region", "file": "o.csv", "format": "csv", "key": "id", "unit": "JPY", "scale": "1"}
    return BASE.format(**{**held, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"limit": "regions"}, {"unit": "'000 JPY'"}, {"unit": "'.5'"}, {"unit": "'-'"}, {"unit": "'１'"},
        {"scale": "0"}, {"scale": "-1"},
    ],
)  # fmt: skip
def test_a_catalogue_that_would_open_or_rescale_is_refused(tmp_path: Path, change: dict[str, str]) -> None:
    parse_catalog(text(), tmp_path, today=TODAY)
    with pytest.raises(DataError):
        parse_catalog(text(**change), tmp_path, today=TODAY)


@pytest.mark.parametrize(("old", "new"), [("name: amount", "name: ID"), ("name: amount", "name: _rid")])
def test_names_that_a_database_takes_for_others_are_refused(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(DataError, match="twice"):
        parse_catalog(text().replace(old, new), tmp_path, today=TODAY)


@pytest.mark.parametrize(
    "name", ["raw", "mine", "typed", "map0", "arriving", "select", 'a"b', "x; DROP TABLE y"]
)
def test_names_that_are_sql_are_names(tmp_path: Path, name: str) -> None:
    (tmp_path / "o.csv").write_text(
        f'id,tenant,region,"{name.replace(chr(34), chr(34) * 2)}"\n1,t1,KANTO,5\n'
    )
    quoted = "'" + name + "'"
    held = text().replace("name: orders", f"name: {quoted}").replace("name: amount", f"name: {quoted}")
    view = view_for(parse_catalog(held, tmp_path, today=TODAY), "a")
    assert capture(view, tmp_path / "cache").file.is_file()


def test_an_error_of_the_database_tells_no_cell(tmp_path: Path) -> None:
    amounts = pa.array([Decimal(7 * 10**30)], pa.decimal128(38, 0))
    table = pa.table({"id": ["1"], "tenant": ["t1"], "region": ["KANTO"], "amount": amounts})
    pq.write_table(table, tmp_path / "o.parquet")
    held = text(file="o.parquet", format="parquet", scale="1000")
    view = view_for(parse_catalog(held, tmp_path, today=TODAY), "a")
    with pytest.raises(DataError, match="cannot be read as orders") as caught:
        capture(view, tmp_path / "cache")
    assert "7000" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_key_that_stands_twice_is_refused_and_not_told_to_who_sees_a_part(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text(
        "id,tenant,region,amount\n1,t1,KANTO,5\nHIDDEN,t1,KANSAI,7\nHIDDEN,t1,KANSAI,8\n"
    )
    view = view_for(parse_catalog(text(), tmp_path, today=TODAY), "a")
    with pytest.raises(DataError, match="two rows have one key") as caught:
        capture(view, tmp_path / "cache")
    assert "HIDDEN" not in str(caught.value)


def test_a_guessed_key_holds_to_the_end_of_the_file(tmp_path: Path) -> None:
    rows = "".join(f"K{i},1\n" for i in range(2_500))
    (tmp_path / "t.csv").write_text(f"code,amount\n{rows}K7,2\n")
    catalog = load_catalog(tmp_path, today=TODAY)
    assert catalog.tables[0].primary_key == ()
    capture(view_for(catalog, None), tmp_path / "cache")


def test_captures_that_nobody_uses_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "MAX_KEPT", 2)
    folder, cache = tmp_path / "data", tmp_path / "cache"
    folder.mkdir()
    made: list[Path] = []
    for amount in range(4):
        (folder / "t.csv").write_text(f"code,amount\nK,{amount}\n")
        made.append(capture(view_for(load_catalog(folder, today=TODAY), None), cache).file)
        when = amount + time.time() - 100
        os.utime(made[-1], (when, when))
    capture(view_for(load_catalog(folder, today=TODAY), None), cache)
    assert [file.exists() for file in made] == [False, False, True, True]
