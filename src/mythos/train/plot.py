"""Curves as SVG, with nothing but text: axes, ticks, lines, names; as PNG too; in a console."""
# vl_convert annotates itself only in part
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from mythos.files import write_atomic

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 760, 440, 70, 50, 40, 150
COLOURS: Final = ("#4269d0", "#d1495b", "#3a7d44", "#8e5ea2", "#b8860b", "#17697e", "#777777")

BARS: Final = "▁▂▃▄▅▆▇█"

Points = Sequence[tuple[float, float]]


def ticks(low: float, high: float, *, logarithmic: bool = False) -> list[float]:
    """About five round numbers between two."""
    if logarithmic:
        found = [
            m * 10.0**e
            for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            for m in (1, 2, 5)
        ]
        return [tick for tick in found if low <= tick <= high]
    span = max(high - low, 1e-12)
    unit = 10.0 ** math.floor(math.log10(span / 4))
    unit *= next(m for m in (1, 2, 5, 10) if span / (m * unit) <= 6)
    first = math.ceil(low / unit)
    return [round(i * unit, 12) for i in range(first, math.floor(high / unit) + 1)]


def curves_svg(
    title: str,
    across: str,
    up: str,
    curves: Mapping[str, Points],
    *,
    logarithmic: bool = False,
    alike: int = 1,
) -> str:
    """Draw lines with their names.

    Args:
        title: the heading.
        across: what the axis across is, with its unit.
        up: what the axis upwards is, with its unit.
        curves: points by name.
        logarithmic: whether the axis across is.
        alike: so many curves that follow each other have one colour.
    """
    xs = [x for points in curves.values() for x, _ in points]
    ys = [y for points in curves.values() for _, y in points]
    low_x, high_x, low_y, high_y = min(xs), max(xs), min(ys), max(ys)
    margin = (high_y - low_y) * 0.05 or 0.5
    low_y, high_y = low_y - margin, high_y + margin

    def place_x(x: float) -> float:
        a, b, c = (math.log(low_x), math.log(high_x), math.log(x)) if logarithmic else (low_x, high_x, x)
        return LEFT + (c - a) / ((b - a) or 1) * (WIDTH - LEFT - RIGHT)

    def place_y(y: float) -> float:
        return HEIGHT - BOTTOM - (y - low_y) / (high_y - low_y) * (HEIGHT - BOTTOM - TOP)

    middle = (LEFT + WIDTH - RIGHT) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="12">',
        "<style>text { font-family: sans-serif }</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>',
        f'<text x="{middle:.0f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(across)}</text>',
        f'<text transform="translate(16 {HEIGHT / 2:.0f}) rotate(-90)" text-anchor="middle">',
        f"{escape(up)}</text>",
    ]
    for tick in ticks(low_x, high_x, logarithmic=logarithmic):
        x = place_x(tick)
        parts.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tick:g}</text>')
    for tick in ticks(low_y, high_y):
        y = place_y(tick)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#eee"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for number, (name, points) in enumerate(curves.items()):
        colour = COLOURS[number // alike % len(COLOURS)]
        path = " ".join(f"{place_x(x):.1f},{place_y(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        parts += [
            f'<circle cx="{place_x(x):.1f}" cy="{place_y(y):.1f}" r="2.5" fill="{colour}"/>'
            for x, y in points
            if len(points) < 30
        ]
        y = TOP + 16 * number + 8
        parts.append(f'<text x="{WIDTH - RIGHT + 10}" y="{y}" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def draw(path: Path, svg: str) -> None:
    """Write a picture as SVG, and as PNG beside it where `vl-convert-python` is installed."""
    write_atomic(path, svg.encode())
    try:
        converter: Any = importlib.import_module("vl_convert")
    except ModuleNotFoundError:
        return
    write_atomic(path.with_suffix(".png"), converter.svg_to_png(svg, scale=2))


def sparkline(values: Sequence[float], width: int) -> str:
    """A curve in one line of a console: `width` bars, each the mean of its share of the values."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return ""
    count = min(width, len(finite))
    edges = [round(i * len(finite) / count) for i in range(count + 1)]
    means = [math.fsum(finite[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, span = min(means), (max(means) - min(means)) or 1.0
    return "".join(BARS[round((mean - low) / span * (len(BARS) - 1))] for mean in means)
