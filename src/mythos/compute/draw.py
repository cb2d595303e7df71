"""A lineage as a picture: Mermaid for a page that renders it, SVG for one that does not."""

from __future__ import annotations

from html import escape
from typing import Final

from mythos.compute.lineage import Graph, Part, Total
from mythos.units import Digest

_COLOURS: Final = {
    "counted": "#d7ecd9",
    "unsettled": "#fdeec4",
    "unpublished": "#fdeec4",
    "not_counted": "#ececec",
}
_WORDS: Final = {
    "counted": "counts",
    "unsettled": "the text does not say",
    "unpublished": "counts unless published",
    "not_counted": "does not count",
}
_WIDTH, _HEIGHT, _ACROSS, _DOWN = 220, 58, 250, 104


def rounded(flop: int | None) -> str:
    """Three figures, for people: `1.61e21`."""
    if flop is None:
        return "unknown"
    return str(flop) if flop < 10**6 else f"{flop:.2e}".replace("e+", "e")


def mermaid(graph: Graph, found: Total) -> str:
    """The graph in Mermaid's language; arrows point from a parent to what was made from it."""
    numbers = {part.weights: n for n, part in enumerate(_nodes(found))}
    lines = ["graph TD"]
    for part in _nodes(found):
        label = "<br/>".join(escape(text, quote=True) for text in _label(part))
        lines.append(f'  n{numbers[part.weights]}["{label}"]:::{part.rule}')
    for parent, child, role in _arrows(graph, numbers):
        lines.append(f"  n{numbers[parent]} -->|{escape(role, quote=True)}| n{numbers[child]}")
    lines += [f"  classDef {rule} fill:{colour}" for rule, colour in _COLOURS.items()]
    return "\n".join(lines) + "\n"


def svg(graph: Graph, found: Total) -> str:
    """The graph as a picture that needs no script: the weights at the foot, their ancestors above."""
    nodes = {part.weights: part for part in _nodes(found)}
    height = _levels(graph, found.weights)
    rows: dict[int, list[Digest]] = {}
    for digest in nodes:
        rows.setdefault(height[digest], []).append(digest)
    top = max(rows)
    widest = max(map(len, rows.values()))
    place = {
        digest: (round((column + (widest - len(row)) / 2) * _ACROSS) + 15, (top - level) * _DOWN + 15)
        for level, row in rows.items()
        for column, digest in enumerate(row)
    }
    size = (widest * _ACROSS + 30, (top + 1) * _DOWN)
    frame = f'viewBox="0 0 {size[0]} {size[1]}" font-family="sans-serif" font-size="12"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>',
        f"<title>Training compute behind {escape(str(found.weights))}: {rounded(found.flop)} FLOP</title>",
    ]
    for parent, child, role in _arrows(graph, nodes):
        (x1, y1), (x2, y2) = place[parent], place[child]
        ends = (x1 + _WIDTH // 2, y1 + _HEIGHT, x2 + _WIDTH // 2, y2)
        out.append('<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="#555"/>'.format(*ends))
        middle = f'x="{(ends[0] + ends[2]) // 2 + 6}" y="{(ends[1] + ends[3]) // 2}"'
        out.append(f'<text {middle} fill="#555">{escape(role)}</text>')
    for digest, part in nodes.items():
        x, y = place[digest]
        box = f'x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"'
        out.append(f'<rect {box} fill="{_COLOURS[part.rule]}" stroke="#555"/>')
        for line, text in enumerate(_label(part)):
            out.append(f'<text x="{x + 10}" y="{y + 18 + 16 * line}">{escape(text)}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def _nodes(found: Total) -> list[Part]:
    """One part for each digest; the passes that made synthetic data have no weights of their own."""
    return [part for part in found.parts if part.way != "synthetic_generation"]


def _label(part: Part) -> tuple[str, str, str]:
    name = part.name if len(part.name) <= 30 else part.name[:29] + "…"
    spread = (
        ""
        if part.least == part.most or part.rule != "counted"
        else f", {rounded(part.least)} to {rounded(part.most)}"
    )
    first = name or f"{part.weights.hex[:12]}…"
    return first, f"{rounded(part.flop)} FLOP, {part.method}", f"{_WORDS[part.rule]}{spread}"


def _arrows(graph: Graph, shown: dict[Digest, int] | dict[Digest, Part]) -> list[tuple[Digest, Digest, str]]:
    return [(e.parent, child, e.role) for child in shown for e in graph.parents(child) if e.parent in shown]


def _levels(graph: Graph, weights: Digest) -> dict[Digest, int]:
    """How many steps above the weights each ancestor stands, by its longest way."""
    level = {weights: 0}
    ahead = [weights]
    while ahead:
        here = ahead.pop(0)
        for edge in graph.parents(here):
            if level.get(edge.parent, -1) < level[here] + 1:
                level[edge.parent] = level[here] + 1
                ahead.append(edge.parent)
    return level
