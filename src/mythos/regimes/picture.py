"""The picture of a sweep: rows are instruments, the left panel is time, the right one compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from html import escape
from typing import Final

from mythos.regimes.sweep import Row, Span

COLOURS: Final = {
    "applies": "#1d4ed8",
    "needs_review": "#d97706",
    "needs_fact": "#facc15",
    "applies_not_enforced": "#93b4f5",
    "compliance_pending": "#c7d7fb",
    "transition": "#5eaaa8",
    "voluntary": "#a3c9a8",
    "below_threshold": "#e8ebef",
    "excluded": "#e8ebef",
    "out_of_scope": "#f4f5f7",
}
BARRED: Final = "#b91c1c"
PERMITTED: Final = "#15803d"
FONT: Final = "font-family=\"Helvetica, Arial, 'Hiragino Sans', 'Noto Sans JP', sans-serif\""
LABEL, TIME, COMPUTE, GAP, ROW, TOP = 390, 520, 300, 36, 26, 92


def draw(rows: Sequence[Row], on: date, title: str, compute: float | None = None) -> str:
    """An SVG of the rows that bind, or might, somewhere. `compute`: the model's own, as a power of ten."""
    shown = [row for row in rows if row.alive] or list(rows)
    first, last = shown[0].time[0].low, shown[0].time[-1].high
    low, high = shown[0].compute[0].low, shown[0].compute[-1].high
    left, right = LABEL, LABEL + TIME + GAP
    bottom = TOP + ROW * len(shown)

    def when(value: float) -> float:
        return left + (value - first) / (last - first) * TIME

    def much(value: float) -> float:
        return right + (value - low) / (high - low) * COMPUTE

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right + COMPUTE + 24} {bottom + 78}" {FONT}>',
        f'<rect width="100%" height="100%" fill="#fff"/>{_say(24, 30, title, 16, weight=600)}',
        _say(left, 56, "over time, at this model's compute / 時間", 11, "#52606d"),
        _say(right, 56, f"over compute, on {on} / 計算量", 11, "#52606d"),
    ]
    for year in range(date.fromordinal(int(first)).year, date.fromordinal(int(last)).year + 1):
        day = date(year, 1, 1).toordinal()
        parts.append(_tick(when(day), bottom, str(year)) if first <= day <= last else "")
    parts += [_tick(much(power), bottom, f"1e{power}") for power in range(int(low), int(high) + 1)]
    for n, row in enumerate(shown):
        y = TOP + n * ROW
        parts.append(_say(24, y + 11, row.instrument.id, 11, "#1f2933", 600))
        parts.append(_say(24, y + 21, row.instrument.title.ja or row.instrument.title.en, 8.5, "#7b8794"))
        parts += [_bar(span, y, when, row) for span in row.time] + [
            _bar(span, y, much, row) for span in row.compute
        ]
    marks = [when(on.toordinal())] if first <= on.toordinal() <= last else []
    marks += [much(compute)] if compute and low <= compute <= high else []
    parts += [
        f'<path d="M{x:.1f} {TOP - 8}V{bottom + 4}" stroke="#111" stroke-dasharray="3 3"/>' for x in marks
    ]
    x = 24.0
    for name, colour in (("bars the act", BARRED), ("permits it", PERMITTED), *COLOURS.items()):
        label = name.replace("_", " ")
        parts.append(f'<rect x="{x:.0f}" y="{bottom + 42}" width="11" height="11" rx="2" fill="{colour}"/>')
        parts.append(_say(x + 16, bottom + 52, label, 10, "#52606d"))
        x += 34 + 5.4 * len(label)
    return "\n".join([*parts, "</svg>\n"])


def _bar(span: Span, y: int, place: Callable[[float], float], row: Row) -> str:
    if span.outcome == "not_in_force":
        return ""
    colour = COLOURS[span.outcome]
    if span.outcome in row.instrument.bars_when:
        colour = BARRED
    elif span.outcome == "applies" and row.instrument.effect == "permission":
        colour = PERMITTED
    x = place(span.low)
    said = escape(f"{row.instrument.id}: {span.outcome} from {span.says}")
    width = max(place(span.high) - x, 1.5)
    box = f'x="{x:.1f}" y="{y + 4}" width="{width:.1f}" height="{ROW - 9}" rx="2" fill="{colour}"'
    return f"<rect {box}><title>{said}</title></rect>"


def _tick(x: float, bottom: int, label: str) -> str:
    line = f'<path d="M{x:.1f} {TOP - 4}V{bottom + 4}" stroke="#e1e5ea"/>'
    return line + _say(x - 11, TOP - 10, label, 9.5, "#7b8794")


def _say(x: float, y: float, words: str, size: float, colour: str = "#1f2933", weight: int = 400) -> str:
    look = f'font-size="{size}" fill="{colour}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y}" {look}>{escape(words)}</text>'
