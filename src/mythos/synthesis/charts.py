"""A chart of an answer, as a Vega-Lite specification: its marks are the answer's cells and nothing else.

Bars for groups and rankings, a line for a trend; bars and line start at zero. There are no ticks with numbers
of their own: what is written beside a mark is the cell as the answer shows it. Numbers travel as exact text
and are parsed once, by whoever draws; a month without rows is a gap in the line.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v5.json"
MAX_BARS: Final = 60
MAX_POINTS: Final = 200
_COLOUR: Final = "#4269d0"
_WIDTH, _HEIGHT = 560, 220
_CELLS, _NAMES = 5, 7
"""So many find room beside each other, over and under a line."""


def chart(answer: Mapping[str, Any]) -> dict[str, Any] | None:
    """The specification (Vega-Lite v5) of an answer's chart.

    Args:
        answer: the JSON document of an answer or a refusal.

    Returns:
        A specification that needs no network; none where there are not two labelled numbers to compare, or
        too many for one picture.
    """
    shown = {part["cell"]: part["shown"] for part in answer["parts"] if "cell" in part}
    table = answer.get("table") or ()
    rows = [
        {"label": shown[row["label"]], "shown": shown[row["value"]], "value": row["number"], "at": row["at"]}
        for row in table
        if row["number"] is not None
    ]
    if len(rows) < 2 or len(rows) < len(table):
        return None
    trend = all(row["at"] is not None for row in rows)
    if len(rows) > (MAX_POINTS if trend else MAX_BARS):
        return None
    made = _line(rows) if trend else _bars(rows)
    words = next((part["text"] for part in answer["parts"] if "text" in part), "")
    return {
        "$schema": SCHEMA,
        "description": words.strip().rstrip(":"),
        "width": _WIDTH,
        **made,
        # What Vega would write for screen readers are rounded numbers; the answer's table is for them.
        "config": {"aria": False, "view": {"stroke": None}, "text": {"fontSize": 11}, "font": "sans-serif"},
    }


def _data(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"values": rows, "format": {"type": "json", "parse": {"value": "number"}}}


def _text(field: str, **more: Any) -> dict[str, Any]:
    return {"mark": {"type": "text", **more}, "encoding": {"text": {"field": field, "type": "nominal"}}}


_ZERO: Final[dict[str, Any]] = {"type": "rule", "color": "#999", "strokeWidth": 1}


def _bars(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A bar for each row in the answer's order; the same name twice is two bars."""
    values = [{"row": n, **{k: row[k] for k in ("label", "shown", "value")}} for n, row in enumerate(rows)]
    across = {"field": "value", "type": "quantitative", "axis": None, "scale": {"zero": True}}
    name = _text("label", align="right", dx=-8, limit=220)
    cell = _text("shown", align="left", dx=5)
    name["encoding"]["x"] = {"value": 0}
    # Beside a bar to the left there would be the name: every cell stands to the right of zero.
    cell["encoding"]["x"] = {**across, "field": "end"}
    return {
        "height": {"step": 24},
        "data": _data(values),
        "transform": [{"calculate": "max(0, datum.value)", "as": "end"}],
        "encoding": {"y": {"field": "row", "type": "ordinal", "axis": None}},
        "layer": [
            {"mark": {"type": "bar", "color": _COLOUR, "height": {"band": 0.7}}, "encoding": {"x": across}},
            name,
            cell,
            {"mark": _ZERO, "encoding": {"x": {"datum": 0, "type": "quantitative", "axis": None}, "y": None}},
        ],
    }


def _line(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A line along time, broken where a month (quarter, year) has no rows."""
    numbers = [Decimal(row["value"]) for row in rows]
    last = len(rows) - 1
    places = [row["at"] for row in rows]
    telling = [numbers.index(max(numbers)), numbers.index(min(numbers)), last, 0, *range(last)]
    told, named = _spread(telling, places, _CELLS), _spread([0, last, *range(last)], places, _NAMES)
    values: list[dict[str, Any]] = []
    run = 0
    for n, row in enumerate(rows):
        run += n > 0 and places[n] != places[n - 1] + 1
        values.append({**row, "run": run, "told": n in told, "named": n in named})
    up = {"field": "value", "type": "quantitative", "axis": None, "scale": {"zero": True}}
    along = {
        "field": "at",
        "type": "quantitative",
        "axis": None,
        "scale": {"zero": False, "nice": False, "padding": 36},
    }
    mark = {"type": "line", "color": _COLOUR, "point": {"color": _COLOUR, "size": 28}}
    cell, name = _text("shown", dy=-11), _text("label", baseline="top")
    cell |= {"transform": [{"filter": "datum.told"}]}
    cell["encoding"]["y"] = up
    halo = {**cell, "mark": {**cell["mark"], "stroke": "white", "strokeWidth": 4}}
    name |= {"transform": [{"filter": "datum.named"}]}
    name["encoding"]["y"] = {"value": _HEIGHT + 8}
    return {
        "height": _HEIGHT,
        "data": _data(values),
        "encoding": {"x": along},
        "layer": [
            {"mark": mark, "encoding": {"y": up, "detail": {"field": "run", "type": "nominal"}}},
            {"mark": _ZERO, "encoding": {"y": {"datum": 0, "type": "quantitative", "axis": None}, "x": None}},
            halo,
            cell,
            name,
        ],
    }


def _spread(wanted: Sequence[int], places: Sequence[int], room: int) -> set[int]:
    """Those of the wanted rows, the first first, that do not stand too close to one taken before."""
    apart = (places[-1] - places[0]) / room
    taken: list[int] = []
    for n in wanted:
        if all(abs(places[n] - places[other]) > apart for other in taken):
            taken.append(n)
    return set(taken)


def svg(specification: Mapping[str, Any]) -> str | None:
    """Draw a specification, without any network; none where `vl-convert-python` is not installed."""
    try:
        converter: Any = importlib.import_module("vl_convert")
    except ModuleNotFoundError:
        return None
    drawn: str = converter.vegalite_to_svg(dict(specification), vl_version="5.21", allowed_base_urls=[])
    return drawn
