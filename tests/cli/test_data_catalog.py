"""`mythos data catalog` as a person types it: a draft is a start, and replaces nothing that was written."""

import json
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
from click.testing import CliRunner

from mythos.cli import cli
from mythos.errors import MythosError


def run(*arguments: object) -> str:
    found = CliRunner().invoke(cli, [*map(str, arguments)], standalone_mode=False)
    if found.exception is not None:
        raise found.exception
    return found.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir()
    (path / "sales.csv").write_text('店,金額（千円）\nA1,"1,200"\nB2,300\n', encoding="utf-8")
    (path / "memo.md").write_text("The key hangs behind the door.", encoding="utf-8")
    return path


def test_the_draft_answers_as_the_folder_did(folder: Path) -> None:
    home = ["--data", folder, "--home", folder.parent / "home", "--json"]
    before = json.loads(run("ask", "金額の合計は？", *home))
    out = folder / "catalog.yaml"
    assert run("data", "catalog", folder, "--out", out) == f"{out}: 1 tables, 2 columns, 1 documents\n"
    after = json.loads(run("ask", "金額の合計は？", *home, "--as", "everybody"))
    assert [part.get("shown") for part in before["parts"]] == [None, "1,500,000円"]
    assert after["parts"] == before["parts"]


def test_without_out_it_is_printed(folder: Path) -> None:
    text = run("data", "catalog", folder)
    body = json.loads(run("data", "catalog", folder, "--json"))
    assert body == {"out": None, "tables": 1, "columns": 2, "documents": 1, "catalog": text}
    assert 'unit: "JPY", scale: 1000' in text
    assert sorted(path.name for path in folder.iterdir()) == ["memo.md", "sales.csv"]


def test_what_a_person_wrote_is_not_replaced_without_force(folder: Path) -> None:
    out = folder / "catalog.yaml"
    out.write_text("mine", encoding="utf-8")
    with pytest.raises(MythosError, match="would replace") as caught:
        run("data", "catalog", folder, "--out", out)
    assert caught.value.exit_status == 2
    assert out.read_text(encoding="utf-8") == "mine"
    assert "sales.csv" in run("data", "catalog", folder)
    run("data", "catalog", folder, "--out", out, "--force")
    assert out.read_text(encoding="utf-8") == run("data", "catalog", folder)
