"""`mythos ask` as a person types it."""

import json
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
from click.testing import CliRunner
from tests.synthesis.conftest import CATALOG, ORDERS

from mythos.cli import cli
from mythos.errors import MythosError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "company"
    path.mkdir()
    (path / "catalog.yaml").write_text(CATALOG, encoding="utf-8")
    (path / "orders.csv").write_bytes(ORDERS.encode("cp932"))
    return path


def run(folder: Path, *arguments: str) -> str:
    found = CliRunner().invoke(
        cli,
        ["ask", *arguments, "--data", str(folder), "--home", str(folder.parent / "home")],
        standalone_mode=False,
    )
    if found.exception is not None:
        raise found.exception
    return found.output


def test_an_answer_with_its_sources(folder: Path) -> None:
    text = run(folder, "What is the total amount of orders in Kanto?", "--as", "boss", "--show-sources")
    assert "1,280,000 JPY" in text
    assert "read as: sum of amount of orders where orders.region = KANTO" in text
    assert "r1: SELECT SUM(" in text


def test_the_json_document(folder: Path) -> None:
    found = json.loads(run(folder, "関東の受注金額の合計は？", "--as", "boss", "--json"))
    assert set(found) >= {"kind", "parts", "refs", "reason"}
    assert found["kind"] == "answer"
    (cell,) = [part for part in found["parts"] if "cell" in part]
    assert cell["shown"] == "1,280,000円"
    assert set(found["refs"][cell["cell"]]) >= {"sql", "capture", "rows"}


@pytest.mark.parametrize(
    ("person", "question", "reason"),
    [
        ("clerk", "total amount of orders", "not_permitted"),
        ("boss", "the weather", "not_in_hub"),
        ("boss", "orders in 2019", "no_data"),
        ("other", "Orders in Osaka", "not_in_hub"),
    ],
)
def test_a_refusal_is_done_and_says_why(folder: Path, person: str, question: str, reason: str) -> None:
    assert json.loads(run(folder, question, "--as", person, "--json"))["reason"] == reason


@pytest.mark.parametrize("arguments", [["x"], ["x", "--as", "stranger"]])
def test_who_asks_must_be_known(folder: Path, arguments: list[str]) -> None:
    with pytest.raises(MythosError) as caught:
        run(folder, *arguments)
    assert caught.value.exit_status == 2


def test_a_folder_that_is_not_there(folder: Path) -> None:
    with pytest.raises(MythosError) as caught:
        run(folder / "none", "x")
    assert caught.value.exit_status == 2


def test_a_document_is_read_where_its_record_and_adopted_rules_allow(folder: Path) -> None:
    pytest.importorskip("tantivy", reason="extra missing: pip install 'mythos-hub[synthesis]'")
    (folder / "open.md").write_text("The canteen opens at noon on weekdays.", encoding="utf-8")
    question = ("When does the canteen open on weekdays?", "--as", "boss", "--json")
    assert json.loads(run(folder, *question))["kind"] == "answer"
    record = "open.md: {source: intranet, licence: Apache-2.0, origin: JP, residency: ['*'], subject: none, opt_out: {robots: none, tdmrep: none, c2pa: none}}\n"
    (folder / "records.yaml").write_text(record, encoding="utf-8")
    with pytest.raises(MythosError, match="region"):
        run(folder, *question)
    assert json.loads(run(folder, *question, "--region", "JP"))["kind"] == "refusal"
    adopt = ["data", "adopt", "--by", "Aoi Sato", "--home", str(folder.parent / "home")]
    assert CliRunner().invoke(cli, adopt, standalone_mode=False).exception is None
    assert json.loads(run(folder, *question, "--region", "JP"))["kind"] == "answer"
    (folder / "records.yaml").write_text(record.replace("open.md", "other.md"), encoding="utf-8")
    assert json.loads(run(folder, *question, "--region", "JP"))["kind"] == "refusal"
