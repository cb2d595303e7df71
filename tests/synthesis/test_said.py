"""How people say things: prefaces, compounds, names turned round; and what must not be taken for an answer."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
from tests.synthesis.conftest import CATALOG

from mythos.synthesis.capture import capture
from mythos.synthesis.catalog import parse_catalog
from mythos.synthesis.cell import Cells
from mythos.synthesis.lexicon import Lexicon, own_phrases
from mythos.synthesis.reading import Reading, read
from mythos.synthesis.view import view_for

TODAY = date(2026, 4, 15)


@pytest.fixture
def lexicon(company: Path, tmp_path: Path) -> Iterator[Lexicon]:
    text = CATALOG.replace("{ja: 関東, en: Kanto}", "{ja: ポンプ, en: Kanto}").replace(
        "name: region, type: code,", "name: region, type: code, description: {ja: カテゴリ, en: region},"
    )
    view = view_for(parse_catalog(text, company, today=TODAY), "boss")
    with Cells(capture(view, tmp_path / "c")) as cells:
        yield Lexicon(view, cells)


def said(question: str, lexicon: Lexicon) -> Reading:
    return read(question, lexicon, TODAY)


def test_a_name_is_known_turned_round() -> None:
    assert "weight shipped" in own_phrases("shipped_weight")
    assert {"与信の限度額", "与信限度額"} <= own_phrases("与信限度額")


@pytest.mark.parametrize(
    "question", ["For the audit file: total amount of orders", "会議で使うので、受注の金額の合計を見せて"]
)
def test_a_preface_says_nothing(question: str, lexicon: Lexicon) -> None:
    assert said(question, lexicon).unknown == ()


@pytest.mark.parametrize(
    "question",
    [
        "Not the paid ones: total amount of orders",
        "Cancelled orders: total amount",
        "For Osaka: total amount of orders",
        "For the audit file of Osaka: total amount of orders",
        "大阪の会議で使うので、受注の金額",
        "未払いなので、受注の金額",
    ],
)
def test_a_preface_that_says_something_stays(question: str, lexicon: Lexicon) -> None:
    assert said(question, lexicon).unknown


def test_two_known_words_make_a_longer_one(lexicon: Lexicon) -> None:
    reading = said("ポンプカテゴリの受注の件数", lexicon)
    assert reading.unknown == ()
    kinds = [{target.kind for target in named.targets} for named in reading.named]
    assert kinds[:2] == [{"value"}, {"column"}]
    assert said("ポンプノズルの受注の件数", lexicon).unknown


def test_by_a_value_is_no_split(lexicon: Lexicon) -> None:
    assert said("orders by the Kanto region", lexicon).asks("each") is None
    assert said("orders by region", lexicon).asks("each")
