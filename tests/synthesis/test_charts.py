"""A chart holds an answer's cells and no other number; a gap in time is a gap; what cannot be compared is not drawn."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")

from mythos.synthesis.ask import answer
from mythos.synthesis.charts import MAX_BARS, chart, svg
from mythos.synthesis.draft import load_catalog
from mythos.synthesis.view import view_for

SALES = """店,売上日,金額（円）
<b>東京</b>,2024-04-10,9007199254740993
大阪,2024-05-10,120
大阪,2024-07-10,-350
名古屋,2024-08-10,70
"""


@pytest.fixture
def ask(tmp_path: Path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "sales.csv").write_text(SALES, encoding="utf-8")
    view = view_for(load_catalog(folder, today=date(2025, 1, 1)), None)
    return lambda question: answer(question, view, cache=tmp_path / "cache")


def values(specification: Any) -> list[dict[str, Any]]:
    return specification["data"]["values"]


def cells(found: dict[str, Any]) -> set[str]:
    return {part["shown"] for part in found["parts"] if "cell" in part}


def test_groups_are_bars_whose_numbers_are_exact_text(ask) -> None:
    found = ask("店別の金額の合計")
    made = chart(found)
    assert {(v["label"], v["value"], v["shown"]) for v in values(made)} == {
        ("<b>東京</b>", "9007199254740993", "9,007,199,254,740,993円"),
        ("大阪", "-230", "-230円"),
        ("名古屋", "70", "70円"),
    }
    assert made is not None
    assert made["data"]["format"]["parse"] == {"value": "number"}
    assert [v["row"] for v in values(made)] == [0, 1, 2]
    assert made["layer"][0]["mark"]["type"] == "bar"


def test_a_ranking_keeps_its_order(ask) -> None:
    found = ask("金額の合計が多い店の上位2件")
    assert [v["label"] for v in values(chart(found))] == ["<b>東京</b>", "名古屋"]


def test_a_trend_is_a_line_with_a_gap_where_a_month_has_no_rows(ask) -> None:
    made = chart(ask("月別の金額の合計"))
    assert made is not None
    assert made["layer"][0]["mark"]["type"] == "line"
    assert [(v["label"], v["run"]) for v in values(made)] == [
        ("2024年4月", 0), ("2024年5月", 0), ("2024年7月", 1), ("2024年8月", 1),
    ]  # fmt: skip
    first = values(made)[0]["at"]
    assert [v["at"] - first for v in values(made)] == [0, 1, 3, 4]
    told = {v["shown"] for v in values(made) if v["told"]}
    assert {"9,007,199,254,740,993円", "-350円"} <= told


def test_two_periods_are_compared(ask) -> None:
    found = ask("2024年4月と2024年5月の金額の合計の差は？")
    assert [(v["label"], v["value"]) for v in values(chart(found))] == [
        ("2024年4月", "9007199254740993"),
        ("2024年5月", "120"),
    ]


@pytest.mark.parametrize(
    "question", ["金額の合計は？", "2024年4月の店別の金額の合計", "天気は？", "店別の最後の売上日"]
)
def test_where_there_are_not_two_numbers_nothing_is_drawn(ask, question: str) -> None:
    assert chart(ask(question)) is None


def document(numbers: Sequence[str | None], at: Sequence[int | None]) -> dict[str, Any]:
    parts: list[dict[str, str]] = []
    table: list[dict[str, Any]] = []
    for n, (number, place) in enumerate(zip(numbers, at, strict=True)):
        parts += [{"cell": f"l{n}", "shown": f"name {n}"}, {"cell": f"v{n}", "shown": f"{number}!"}]
        table.append({"label": f"l{n}", "value": f"v{n}", "number": number, "at": place})
    return {"parts": parts, "table": table}


def test_too_many_bars_and_cells_that_are_no_numbers_are_left_to_the_table() -> None:
    many = [str(n) for n in range(MAX_BARS + 1)]
    assert chart(document(many, [None] * len(many))) is None
    assert chart(document(many, list(range(len(many))))) is not None
    assert chart(document(many[1:], [None] * MAX_BARS)) is not None
    assert chart(document(["1", None, "2"], [None] * 3)) is None


@pytest.mark.parametrize("question", ["店別の金額の合計", "月別の金額の合計", "total 金額 by 店"])
def test_what_is_drawn_is_the_cells_and_nothing_else(ask, question: str) -> None:
    pytest.importorskip("vl_convert", reason="extra missing: pip install 'mythos-hub[synthesis]'")
    found = ask(question)
    drawn = svg(chart(found) or {})
    assert drawn is not None
    written = {
        re.sub(r"&lt;", "<", re.sub(r"&gt;", ">", t)) for t in re.findall(r"<text[^>]*>([^<]*)<", drawn)
    }
    assert written
    assert written <= cells(found)
    assert "aria-label" not in drawn.replace('aria-label=""', "")
    assert re.search(r"(?:href|src|url\()\s*=?\s*\"?https?:", drawn) is None


def test_bars_are_as_long_as_their_numbers() -> None:
    pytest.importorskip("vl_convert", reason="extra missing: pip install 'mythos-hub[synthesis]'")
    numbers = ["100", "50", "12.5"]
    drawn = svg(chart(document([*numbers], [None] * 3)) or {}) or ""
    # The bars are the marks of the first layer: a path that goes `h` so far to the right.
    lengths = [Decimal(found) for found in re.findall(r'd="M0,[\d.]+h([\d.]+)v[\d.]+h-', drawn)][-3:]
    assert [round(length / lengths[0], 3) for length in lengths] == [1, Decimal("0.5"), Decimal("0.125")]
