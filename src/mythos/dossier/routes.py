"""The map of where weights are readable, drawn as SVG: countries from left to right, then the hubs."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Final

from mythos.dossier.markup import Html, both, join, tag
from mythos.dossier.reach import Reach, State
from mythos.dossier.values import show
from mythos.dossier.words import phrase
from mythos.units import Instant

SHOWN: Final = 24
"""Hubs that are drawn; the table below the map names all of them."""

_COLUMN, _ROW, _HUB, _LEFT, _TOP = 180, 86, 360, 40, 20
_HEAD: Final = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><path d="M0 0 8 4 0 8z" fill="#5b6572"/></marker></defs>'
)

Place = tuple[int, int]


def draw(reach: Sequence[Reach], at: Instant | None) -> Html:
    """The picture of these grants at a witnessed time; there is at least one."""
    drawn = sorted(reach[-SHOWN:], key=lambda r: (r.legs, r.index))
    chains = [_chain(r) for r in drawn]
    column: dict[str, int] = {}
    for chain in chains:
        for position, country in enumerate(dict.fromkeys(chain)):
            column[country] = max(column.get(country, 0), position)
    height = _ROW * max(len(drawn), *Counter(column.values()).values())
    right = _LEFT + (max(column.values()) + 1) * _COLUMN
    hubs = [(right, _TOP + height * (2 * i + 1) // (2 * len(drawn))) for i in range(len(drawn))]
    places = _places(column, chains, [y for _, y in hubs], height)
    parts = [
        *(_arrow(places[a], places[b], act) for a, b, act in dict.fromkeys(s for r in drawn for s in r.legs)),
        *(_line(places[c[-1]], h, r.state(at)) for c, h, r in zip(chains, hubs, drawn, strict=True)),
        *(_country(country, place) for country, place in places.items()),
        *(_hub(r, place, r.state(at)) for r, place in zip(drawn, hubs, strict=True)),
    ]
    size = f"0 0 {right + _HUB} {height + 2 * _TOP}"
    label = {"role": "img", "aria-label": phrase("page", "map").text("en")}
    return tag("svg", Html(_HEAD), *parts, viewBox=size, xmlns="http://www.w3.org/2000/svg", **label)


def _chain(reach: Reach) -> list[str]:
    return [reach.legs[0][0], *(leg[1] for leg in reach.legs)] if reach.legs else ["?"]


def _places(
    column: dict[str, int], chains: Sequence[Sequence[str]], hubs: Sequence[int], height: int
) -> dict[str, Place]:
    """Each country beside the hubs that it leads to, evenly spread within its column."""
    led = {c: [h for chain, h in zip(chains, hubs, strict=True) if c in chain] for c in column}
    mean = {country: sum(ys) // len(ys) for country, ys in led.items()}
    found: dict[str, Place] = {}
    for at in set(column.values()):
        here = sorted((c for c in column if column[c] == at), key=lambda c: (mean[c], c))
        for row, country in enumerate(here):
            spread = _TOP + height * (2 * row + 1) // (2 * len(here))
            found[country] = (_LEFT + at * _COLUMN, mean[country] if len(here) == 1 else spread)
    return found


def _arrow(start: Place, end: Place, act: str) -> Html:
    (x1, y1), (x2, y2) = (start[0] + 58, start[1]), (end[0] - 4, end[1])
    middle = (x1 + x2) // 2
    path = f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"
    line = tag("path", d=path, fill="none", stroke="#5b6572", **{"marker-end": "url(#tip)"})
    return join((line, _label(middle, (y1 + y2) // 2 - 6, 12, _cut(act, 18), cls="halo mid")))


def _line(start: Place, end: Place, state: State) -> Html:
    path = f"M{start[0] + 54} {start[1]} {end[0]} {end[1]}"
    return tag("path", d=path, stroke=_colour(state), cls="solid" if state is State.READABLE else "dash")


def _country(country: str, place: Place) -> Html:
    box = _box(place[0], place[1] - 19, 54, 38, "#1a1f26")
    return join((box, _label(place[0] + 27, place[1] + 6, 17, _cut(country, 4), cls="mid strong")))


def _hub(reach: Reach, place: Place, state: State) -> Html:
    x, y = place
    until = f" · {show(str(reach.until))}" if reach.until and state is not State.WIPED else ""
    return join(
        (
            _box(x, y - 31, 330, 62, _colour(state)),
            _label(x + 12, y - 12, 15, _cut(reach.hub, 34), cls="strong"),
            _label(x + 12, y + 5, 12, _cut(reach.organisation, 44)),
            _label(x + 12, y + 22, 12, both(phrase("state-names", state), "tspan"), until),
        )
    )


def _box(x: int, y: int, width: int, height: int, colour: str) -> Html:
    corner = {"x": str(x), "y": str(y), "width": str(width), "height": str(height), "rx": "4"}
    return tag("rect", fill="#fff", stroke=colour, **corner)


def _label(x: int, y: int, size: int, *inside: Html | str, cls: str = "") -> Html:
    return tag("text", *inside, cls=cls, x=str(x), y=str(y), **{"font-size": str(size)})


def _colour(state: State) -> str:
    return "#1d4773" if state in {State.READABLE, State.GRANTED} else "#5b6572"


def _cut(name: str, columns: int) -> str:
    """At most `columns` of Latin width; an ideograph takes two."""
    width = 0
    for at, character in enumerate(name):
        width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if width > columns:
            return name[:at] + "…"
    return name
