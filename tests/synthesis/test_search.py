"""Search: the caller's documents only, decided before they are read; recall on questions others wrote."""

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

pytest.importorskip("tantivy", reason="extra missing: pip install 'mythos-hub[synthesis]'")
from tests.synthesis.conftest import CATALOG

from mythos.synthesis.catalog import parse_catalog
from mythos.synthesis.search import Index, build_index, words
from mythos.synthesis.terms import Passage, View
from mythos.synthesis.view import view_for
from mythos.units import Digest

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "data"


@pytest.fixture
def view(company: Path) -> View:
    for name, text in {
        "open.md": "The canteen opens at noon.",
        "kansai.md": "関西の倉庫は堺にある。",
        "secret.md": "給与は毎月支払う。",
        "theirs.md": "Their canteen is closed.",
    }.items():
        (company / name).write_text(text, encoding="utf-8")
    return view_for(parse_catalog(CATALOG, company, today=date(2026, 4, 15)), "clerk")


def yes(_document: object) -> bool:
    return True


def test_only_what_the_person_may_read(view: View, tmp_path: Path) -> None:
    index = build_index(view, tmp_path / "i", yes)
    assert [hit.passage.file for hit in index.search("canteen 給与 倉庫")] == ["open.md"]
    assert index.frequency["closed"] == 0


def test_retrieval_is_decided_before_a_document_is_read(view: View, tmp_path: Path) -> None:
    (view.catalog.root / "open.md").unlink()
    assert build_index(view, tmp_path / "i", lambda _document: False).size == 0


def test_the_index_is_found_again_and_changes_with_the_text(view: View, tmp_path: Path) -> None:
    first = build_index(view, tmp_path / "i", yes).search("canteen")
    assert build_index(view, tmp_path / "i", yes).search("canteen") == first
    assert len(list((tmp_path / "i").glob("*.index"))) == 1
    (view.catalog.root / "open.md").write_text("The canteen opens at one.", encoding="utf-8")
    assert "one" in build_index(view, tmp_path / "i", yes).search("canteen")[0].passage.text


def test_a_torn_index_is_built_anew(view: View, tmp_path: Path) -> None:
    build_index(view, tmp_path / "i", yes)
    (folder,) = (tmp_path / "i").glob("*.index")
    (folder / "meta.json").write_text("{", encoding="utf-8")
    assert build_index(view, tmp_path / "i", yes).search("canteen")


def test_one_broken_document_does_not_hide_the_others(view: View, tmp_path: Path) -> None:
    more = replace(view, documents=(replace(view.documents[0], file="no.pdf"), *view.documents))
    (view.catalog.root / "no.pdf").write_bytes(b"broken")
    assert build_index(more, tmp_path / "i", yes).search("canteen")


def test_words_without_a_dictionary_are_pairs() -> None:
    assert words("売上高は10円 Sales!", dictionary=False) == ["10", "sales", "売上", "上高", "高は", "円"]


def test_operators_in_a_question_are_words() -> None:
    held = [Passage("a", "", None, Digest.of(b""), 0, 1, "plain text")]
    index = Index.of(held, dictionary=False)
    for text in ('"', "AND OR NOT", "words:plain", "text*", "(plain", "\\", "", "[a TO z]", "plain~2"):
        index.search(text)
    assert index.search('words:"plain" -text')[0].passage.file == "a"


def test_vectors_are_fused_when_there_are_any() -> None:
    held = [
        Passage(str(i), "", None, Digest.of(b""), 0, 1, text)
        for i, text in enumerate(["alpha beta", "gamma delta", "alpha gamma"])
    ]

    def embed(texts: object) -> list[list[float]]:
        return [[float("delta" in text), 1.0] for text in texts]  # type: ignore[attr-defined]

    index = Index.of(held, dictionary=False, embed=embed)
    assert {hit.passage.file for hit in index.search("alpha")} == {"0", "1", "2"}


@pytest.mark.skipif(
    not VECTORS.exists(), reason="shared data: TAT-QA and JSQuAD lie in ../shared/vectors/data"
)
@pytest.mark.parametrize(
    ("name", "dictionary", "least"),
    [("tatqa", False, 0.78), ("jsquad", False, 0.955), ("jsquad", True, 0.965)],
)
def test_recall_at_five(name: str, dictionary: bool, least: float) -> None:
    if dictionary:
        pytest.importorskip("sudachipy", reason="extra missing: pip install 'mythos-hub[ja]'")
    sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
    import retrieval

    path = {
        "tatqa": "tatqa/dataset_raw/tatqa_dataset_dev.json",
        "jsquad": "jglue/datasets/jsquad-v1.3/valid-v1.3.json",
    }[name]
    held, asked = getattr(retrieval, name)(VECTORS / path)
    index = Index.of(held, dictionary=dictionary)
    hits = sum(
        gold in [hit.passage.file for hit in index.search(question, limit=5)] for question, gold in asked
    )
    assert hits / len(asked) >= least
