"""`mythos report` as a person types it."""

import json
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
from click.testing import CliRunner, Result
from tests.synthesis.conftest import CATALOG, ORDERS

from mythos.cli import cli
from mythos.errors import MythosError

ASKED = (
    "# Orders\n- What is the total amount of orders in Kanto?\n- 月別の受注金額の合計は？\n- the weather\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "company"
    path.mkdir()
    (path / "catalog.yaml").write_text(CATALOG, encoding="utf-8")
    (path / "orders.csv").write_bytes(ORDERS.encode("cp932"))
    (tmp_path / "questions.md").write_text(ASKED, encoding="utf-8")
    return path


def run(folder: Path, out: Path, *arguments: str, file: str = "questions.md") -> Result:
    home = str(folder.parent / "home")
    call = ["report", str(folder.parent / file), "--data", str(folder), "--out", str(out), "--home", home]
    found = CliRunner().invoke(cli, [*call, *arguments], standalone_mode=False)
    if found.exception is not None:
        raise found.exception
    return found


def test_one_document_and_progress_beside_it(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    found = run(folder, out, "--as", "boss", "--json")
    body = json.loads(found.stdout)
    assert (body["out"], body["format"], body["asked"], body["refused"]) == (str(out), "html", 3, 1)
    assert [a["answer"]["reason"] for a in body["answers"]] == [None, None, "not_in_hub"]
    assert [v["value"] for v in body["answers"][1]["chart"]["data"]["values"]] == ["1300000", "-20000"]
    assert found.stderr.splitlines()[0] == "1/3 answered: What is the total amount of orders in Kanto?"
    assert "1,280,000 JPY<sup>" in out.read_text(encoding="utf-8")
    assert out.stat().st_mode & 0o777 == 0o600


def test_markdown_is_the_default_and_written_anew(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.txt"
    out.write_text("old", encoding="utf-8")
    line = run(folder, out, "--as", "boss").stdout
    assert line == f"{out}: 3 questions, 1 refused, 2 sources\n"
    text = out.read_text(encoding="utf-8")
    assert text.startswith("# Orders\n\nAsked as: boss / on: 2026-04-15")
    assert "1,280,000 JPY[^1]" in text
    run(folder, out, "--as", "boss", "--format", "html")
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_report_holds_what_the_person_may_see(folder: Path, tmp_path: Path) -> None:
    body = json.loads(run(folder, tmp_path / "r.md", "--as", "clerk", "--json").stdout)
    assert [a["answer"]["reason"] for a in body["answers"]] == [
        "not_permitted",
        "not_permitted",
        "not_in_hub",
    ]
    assert "1,280,000" not in (tmp_path / "r.md").read_text(encoding="utf-8")


def test_the_questions_are_not_replaced(folder: Path) -> None:
    with pytest.raises(MythosError, match="replace its questions") as caught:
        run(folder, folder.parent / "questions.md", "--as", "boss")
    assert caught.value.exit_status == 2
    assert (folder.parent / "questions.md").read_text(encoding="utf-8") == ASKED


def test_a_report_is_no_document_of_an_undescribed_folder(folder: Path) -> None:
    (folder / "catalog.yaml").unlink()
    with pytest.raises(MythosError, match="one of the folder's documents"):
        run(folder, folder / "report.md")
    assert not (folder / "report.md").exists()


@pytest.mark.parametrize("content", [b"", b"# only\n", "売上は？".encode("cp932")])
def test_questions_that_are_none(folder: Path, content: bytes) -> None:
    (folder.parent / "bad.md").write_bytes(content)
    with pytest.raises(MythosError, match="questions") as caught:
        run(folder, folder.parent / "r.md", "--as", "boss", file="bad.md")
    assert caught.value.exit_status == 2


def test_who_asks_must_be_known(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MythosError, match="who asks"):
        run(folder, tmp_path / "r.md")
