"""A folder nobody described is read as it is; a data package as far as it goes; a draft is a catalogue."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")

from mythos.errors import DataError
from mythos.synthesis.ask import answer
from mythos.synthesis.catalog import parse_catalog
from mythos.synthesis.draft import dump, load_catalog
from mythos.synthesis.view import view_for

TODAY = date(2026, 4, 15)
SALES = '売上一覧表\n店舗コード,日付,金額（千円）,数量\nS1,2024/4/1,"1,200",３\nS2,R6.5.2,300,1\n'
STORES = "店舗コード,店舗名\nS1,渋谷店\nS2,梅田店\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir()
    (path / "sales.csv").write_bytes(SALES.encode("cp932"))
    (path / "stores.csv").write_text(STORES, encoding="utf-8-sig")
    (path / "memo.md").write_text("The storeroom key hangs behind the door.", encoding="utf-8")
    return path


def shown(folder: Path, text: str, cache: Path) -> list[str]:
    found = answer(text, view_for(load_catalog(folder, today=TODAY), None), cache=cache)
    return [part.get("shown") or part["text"] for part in found["parts"]]


def test_types_units_and_keys_are_guessed_from_the_cells(folder: Path) -> None:
    sales, stores = load_catalog(folder, today=TODAY).tables
    assert [(c.name, c.type) for c in sales.columns] == [
        ("店舗コード", "code"),
        ("日付", "date"),
        ("金額（千円）", "integer"),
        ("数量", "integer"),
    ]
    assert (sales.columns[2].unit, sales.columns[2].scale, sales.header_row) == ("JPY", 1000, 2)
    assert sales.foreign_keys[0].table == "stores"
    assert stores.primary_key == ("店舗コード",)


def test_it_answers_without_a_catalogue(folder: Path, tmp_path: Path) -> None:
    assert shown(folder, "金額の合計は？", tmp_path / "c")[1] == "1,500,000円"
    assert shown(folder, "渋谷店の数量の合計は？", tmp_path / "c")[1] == "3"
    assert shown(folder, "Where does the storeroom key hang?", tmp_path / "c") == [
        "The storeroom key hangs behind the door."
    ]


def test_a_draft_is_a_catalogue_that_says_the_same(folder: Path) -> None:
    drafted = load_catalog(folder, today=TODAY)
    again = parse_catalog(dump(drafted), folder, today=TODAY)
    assert again.tables == drafted.tables
    assert [d.file for d in again.documents] == ["memo.md"]
    assert view_for(again, "everybody").tables == drafted.tables
    assert again.today == TODAY
    assert parse_catalog(dump(drafted), folder, today=date(2027, 1, 1)).today == date(2027, 1, 1)


def test_a_draft_of_strange_names_and_of_a_package_says_the_same(tmp_path: Path) -> None:
    names = ["it's: [a] #1", 'say "x", {y}', "tab\\t", "\u00e9\x85\u2028\x7f|", "😀", "null", "- x"]
    header = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    (tmp_path / "odd.csv").write_text(header + "\n1,2,3,4,5,6,7\n", encoding="utf-8")
    drafted = load_catalog(tmp_path, today=TODAY)
    assert len(drafted.tables[0].columns) == len(names)
    assert parse_catalog(dump(drafted), tmp_path, today=TODAY).tables == drafted.tables
    fields = [{"name": "k", "type": "integer"}, {"name": "v", "title": "値"}]
    schema = {"fields": fields, "primaryKey": ["k"], "missingValues": ["n/a", ""]}
    package = {"resources": [{"name": "t", "path": "t.csv", "encoding": "euc_jp", "schema": schema}]}
    (tmp_path / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    (tmp_path / "t.csv").write_text("k,v\n1,n/a\n", encoding="utf-8")
    packaged = load_catalog(tmp_path, today=TODAY)
    assert packaged.tables[0].columns[1].missing == ("n/a",)
    assert parse_catalog(dump(packaged), tmp_path, today=TODAY).tables == packaged.tables


def test_an_empty_folder_drafts_an_empty_catalogue(tmp_path: Path) -> None:
    assert parse_catalog(dump(load_catalog(tmp_path, today=TODAY)), tmp_path, today=TODAY).tables == ()


def test_a_data_package(folder: Path, tmp_path: Path) -> None:
    package: dict[str, Any] = {"resources": [
        {"name": "stores", "path": "stores.csv", "schema": {"primaryKey": "店舗コード", "fields": [{"name": "店舗コード", "type": "string"}, {"name": "店舗名", "type": "string", "title": "店名"}]}},
        {"name": "picture", "path": "a.png"},
    ]}  # fmt: skip
    (folder / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    catalog = load_catalog(folder, today=TODAY)
    assert [t.name for t in catalog.tables] == ["stores"]
    assert shown(folder, "How many stores?", tmp_path / "c")[1] == "2"


@pytest.mark.parametrize(
    "package",
    [
        "[]",
        "{",
        '{"resources": [{"name": "x", "path": "../../etc/passwd", "schema": {"fields": []}}]}',
        '{"resources": 3}',
    ],
)
def test_a_package_that_is_none_or_reaches_outside(folder: Path, package: str) -> None:
    (folder / "datapackage.json").write_text(package, encoding="utf-8")
    with pytest.raises(DataError, match=r"datapackage\.json"):
        load_catalog(folder, today=TODAY)


def test_what_cannot_be_drafted_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a folder"):
        load_catalog(tmp_path / "none", today=TODAY)
    (tmp_path / "a.csv").write_text("x,x\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="one name"):
        load_catalog(tmp_path, today=TODAY)
