"""Curves are drawn where they are: in a file, and in one line of a console."""

import math
import struct
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.train.plot import BARS, HEIGHT, WIDTH, curves_svg, draw, sparkline, ticks

SVG = "{http://www.w3.org/2000/svg}"


def test_points_stand_where_they_should() -> None:
    picture = curves_svg("a < b", "x", "y", {"one & two": [(1.0, 5.0), (3.0, 1.0), (2.0, 3.0)]})
    root = ET.fromstring(picture)  # noqa: S314 (our own text)
    line = root.find(f"{SVG}polyline")
    assert line is not None
    places = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    first, last, middle = places
    assert middle == pytest.approx(tuple((a + b) / 2 for a, b in zip(first, last, strict=True)), abs=0.1)
    assert first[0] < last[0]
    assert first[1] < last[1], "a high value stands high"
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert {"a < b", "one & two"} <= set(words)


def test_an_axis_in_logarithms() -> None:
    picture = curves_svg("", "x", "y", {"a": [(1e12, 1.0), (1e13, 0.5), (1e14, 0.0)]}, logarithmic=True)
    line = ET.fromstring(picture).find(f"{SVG}polyline")  # noqa: S314 (our own text)
    assert line is not None
    xs = [float(point.partition(",")[0]) for point in line.attrib["points"].split()]
    assert xs[1] == pytest.approx((xs[0] + xs[2]) / 2, abs=0.1)


def test_curves_of_one_kind_share_a_colour() -> None:
    curves = {f"{kind} {seed}": [(0.0, 0.0), (1.0, 1.0)] for kind in "abc" for seed in (1, 2, 3)}
    lines = ET.fromstring(curves_svg("", "x", "y", curves, alike=3)).findall(f"{SVG}polyline")  # noqa: S314
    colours = [line.attrib["stroke"] for line in lines]
    assert colours[:3] == [colours[0]] * 3
    assert len(set(colours)) == 3


@given(st.floats(-1e6, 1e6), st.floats(0.001, 1e6))
def test_ticks_are_few_and_inside(low: float, span: float) -> None:
    found = ticks(low, low + span)
    assert 2 <= len(found) <= 7
    assert all(low - 1e-6 * span <= tick <= low + span * (1 + 1e-6) for tick in found)


def test_a_png_stands_beside_the_svg(tmp_path: Path) -> None:
    pytest.importorskip("vl_convert", reason="extra missing: pip install 'mythos-hub[training]'")
    draw(tmp_path / "c.svg", curves_svg("t", "x", "y", {"a": [(0.0, 0.0), (1.0, 1.0)]}))
    data = (tmp_path / "c.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert struct.unpack(">II", data[16:24]) == (2 * WIDTH, 2 * HEIGHT)


def test_a_curve_in_one_line() -> None:
    assert sparkline([8, 7, 6, 5, 4, 3, 2, 1], 8) == BARS[::-1]
    assert sparkline([3, 3, 1, 1], 2) == BARS[-1] + BARS[0], "means of its parts"
    assert sparkline([2.0], 24) == BARS[0]
    assert sparkline([math.nan, math.inf], 24) == ""


@given(st.lists(st.floats(allow_nan=True), max_size=90), st.integers(1, 40))
def test_a_line_is_never_wider(values: list[float], width: int) -> None:
    line = sparkline([value for value in values if not abs(value) > 1e300], width)
    assert len(line) <= width
    assert set(line) <= set(BARS)
