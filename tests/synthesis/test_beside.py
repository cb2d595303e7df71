"""A document that says another number is shown beside the tables' own; which is right is left to the reader."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
pytest.importorskip("tantivy", reason="extra missing: pip install 'mythos-hub[synthesis]'")

from mythos.synthesis.ask import answer
from mythos.synthesis.catalog import read_catalog
from mythos.synthesis.numerals import numerals
from mythos.synthesis.view import view_for
from mythos.units import Digest

ASKED = "What is the total amount of orders in Kanto?"
OTHER = "The total amount of orders in Kanto is 9,000,000 yen."


def ask(folder: Path, question: str, file: str, text: str, decide: Any = None) -> dict[str, Any]:
    (folder / file).write_text(f"# Notes\n\nSome words of no matter. {text}\n", encoding="utf-8")
    view = view_for(read_catalog(folder, today=date(2026, 4, 15)), "boss")
    return answer(question, view, cache=folder.parent / "cache", decide=decide)


def quotes(found: dict[str, Any]) -> list[str]:
    return [part["shown"] for part in found["parts"] if "quote" in part]


def test_both_are_shown_and_each_names_its_source(company: Path) -> None:
    found = ask(company, ASKED, "open.md", OTHER)
    assert [part.get("shown") or part["text"] for part in found["parts"][1:]] == [
        "1,280,000 JPY", "\nA document says: ", OTHER,
    ]  # fmt: skip
    cell, quote = found["parts"][1]["cell"], found["parts"][3]["quote"]
    assert "sql" in found["refs"][cell]
    source = found["refs"][quote]
    data = (company / "open.md").read_bytes()
    assert (source["file"], source["capture"]) == ("open.md", str(Digest.of(data)))
    assert data[slice(*source["span"])].decode() == OTHER
    assert numerals(found["parts"][2]["text"]) is None


def test_in_japanese(company: Path) -> None:
    text = "関東の受注金額の合計は900万円である。"
    found = ask(company, "関東の受注金額の合計は？", "open.md", text)
    assert found["parts"][2] == {"text": "\n文書の記載: "}
    assert quotes(found) == [text]
    assert numerals(found["parts"][2]["text"]) is None


def test_of_a_time_the_sentence_is_about_that_time(company: Path) -> None:
    asked = "What is the total amount of orders in Kanto in FY2024?"
    said = "In FY2024 the total amount of orders in Kanto was 9,000,000 yen."
    assert quotes(ask(company, asked, "open.md", said)) == [said]
    assert quotes(ask(company, asked, "open.md", said.replace("FY2024", "FY2023"))) == []


@pytest.mark.parametrize(
    "text",
    [
        "The total amount of orders in Kanto is 1,280,000 yen.",
        "The total amount of orders in Kanto is large.",
        "The total amount of orders in Kansai is 9,000,000 yen. Kanto has offices.",
        "The total amount of returns in Kanto is 9,000,000 yen.",
        "Orders in Kanto are delivered within 3 days.",
    ],
    ids=["the same number", "no number", "another place", "another thing", "another matter"],
)
def test_what_does_not_contradict_is_not_shown(company: Path, text: str) -> None:
    found = ask(company, ASKED, "open.md", text)
    assert [part["shown"] for part in found["parts"] if "cell" in part] == ["1,280,000 JPY"]
    assert quotes(found) == []


def test_neither_are_documents_of_others_and_those_not_to_be_quoted(company: Path) -> None:
    assert quotes(ask(company, ASKED, "theirs.md", OTHER)) == []
    assert quotes(ask(company, ASKED, "open.md", OTHER, lambda _document, purpose: purpose != "quote")) == []
    assert quotes(ask(company, ASKED, "open.md", OTHER, lambda _document, _purpose: True)) == [OTHER]
