"""A report as Markdown, or as one HTML page that loads nothing; whatever comes from data is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Final, Protocol

from mythos.synthesis.charts import svg
from mythos.synthesis.report import WORDS, Asked, Heading, Note, Part, Report, blocks, visible
from mythos.synthesis.terms import Language

_MARKS: Final = re.compile(r"([\\`*_{}\[\]<>#|!~&$@])")
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE: Final = """
body { font: 16px/1.6 system-ui, "Noto Sans", "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic", sans-serif;
  max-width: 46rem; margin: 2.5rem auto; padding: 0 1.2rem; color: #1b1f24; background: #fff; }
h1 { font-size: 1.7rem; line-height: 1.3; } h2, h3, h4, h5, h6 { line-height: 1.35; margin: 2.2rem 0 .5rem; }
h2 { font-size: 1.3rem; border-bottom: 1px solid #d8dde3; padding-bottom: .25rem; }
h3, h4, h5, h6 { font-size: 1.05rem; }
p { margin: .5rem 0; } .small { color: #59636e; font-size: .85rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th { text-align: left; font-size: .85rem; color: #59636e; font-weight: 600; }
th, td { border-bottom: 1px solid #e4e8ec; padding: .25rem 1.4rem .25rem 0; vertical-align: top; }
td:nth-child(2), th:nth-child(2) { text-align: right; padding-left: 1rem; }
.files td, .files th { text-align: left !important; white-space: nowrap; }
blockquote { margin: .6rem 0; padding: .1rem 0 .1rem 1rem; border-left: 3px solid #4269d0; }
blockquote { white-space: pre-line; } sup a { text-decoration: none; color: #2f55b5; }
.refused { border-left: 3px solid #b35900; padding-left: 1rem; }
sup { font-size: .7rem; line-height: 0; margin-left: .15rem; }
figure { margin: .8rem 0; } figure svg { max-width: 100%; height: auto; overflow: visible; }
pre { background: #f4f6f8; padding: .6rem .8rem; white-space: pre-wrap; }
pre, code { font-size: .8rem; overflow-wrap: anywhere; } td code { font-size: .68rem; }
:target { background: #fff6d6; }
@media print { body { margin: 0; max-width: none; } h3, figure, table { break-inside: avoid; } }
"""


class _Pen(Protocol):
    """How one format writes text, code, and the numbers of notes."""

    def text(self, text: str) -> str: ...
    def code(self, text: str) -> str: ...
    def marks(self, numbers: Sequence[int]) -> str: ...


class _Markdown:
    def text(self, text: str) -> str:
        """Text as text: no marks, no links, no start of a list."""
        plain = _MARKS.sub(r"\\\1", re.sub(r"[ \t\r\n]+", " ", visible(text)))
        plain = re.sub(r"(?i)(?<=:)//|(?<=\bwww)\.", lambda found: "".join(f"\\{c}" for c in found[0]), plain)
        return re.sub(
            r"^ *(?:([-+=])|(\d+)([.)])(?= |$))", lambda m: f"\\{m[1]}" if m[1] else f"{m[2]}\\{m[3]}", plain
        )

    def code(self, text: str) -> str:
        return f"`{visible(text).replace('`', '')}`"

    def marks(self, numbers: Sequence[int]) -> str:
        return "".join(f"[^{number}]" for number in numbers)


class _Html:
    def text(self, text: str) -> str:
        return escape(visible(text))

    def code(self, text: str) -> str:
        return f"<code>{self.text(text)}</code>"

    def marks(self, numbers: Sequence[int]) -> str:
        links = " ".join(f'<a href="#note-{number}">{number}</a>' for number in numbers)
        return f"<sup>{links}</sup>"


def _head(report: Report, pen: _Pen) -> tuple[str, str]:
    """Who asked and when; what came of it."""
    words = WORDS[report.language]
    refused = sum(entry.found["kind"] == "refusal" for entry in report.asked)
    count = len(report.asked)
    who = f"{words['as']}: {pen.text(report.person)} / {words['on']}: {report.today}"
    return who, words["sums"].format(asked=count, answered=count - refused, refused=refused)


def _line(line: Sequence[Part], asked: Asked, pen: _Pen) -> str:
    return "".join(
        pen.text(part["text"]) if "text" in part else _shown(part, asked, pen) for part in line
    ).strip()


def _shown(part: Part, asked: Asked, pen: _Pen) -> str:
    ref = part.get("cell") or part["quote"]
    return pen.text(part["shown"]) + pen.marks(asked.notes[ref])


def _note(note: Note, pen: _Pen, words: Mapping[str, str]) -> str:
    """What a note says, without its query."""
    source: Mapping[str, Any] = note.source
    if "expression" in source:
        operands = "; ".join(
            (f"{name} = {pen.text(shown)} " if shown else "") + f"({', '.join(map(str, numbers))})"
            for name, (shown, numbers) in zip("ab", note.of, strict=False)
        )
        return f"{words['computed']}: {pen.text(source['expression'])}; {operands}"
    if "file" in source:
        start, end = source["span"]
        where = f"{words['bytes']} {start}–{end}, {words['text']} {pen.code(source['capture'])}"
        return f"{words['document']} {pen.text(source['file'])}: {where}"
    rows = ", ".join(f"{pen.text(name)} {ordinal}" for name, ordinal in note.rows)
    metric = f" ({words['metric']} {pen.text(source['metric'])})" if "metric" in source else ""
    more = f"; {words['rows']}: {rows}" if rows else ""
    return f"{words['query']} {pen.code(source['capture'])}{metric}{more}"


def _levels(report: Report) -> list[tuple[int, Heading | Asked]]:
    """Each entry with the level of its heading: a question stands one below the heading before it."""
    made: list[tuple[int, Heading | Asked]] = []
    level = 1
    for entry in report.entries:
        if isinstance(entry, Heading):
            level = min(max(entry.level, 2), 5)
        made.append((level if isinstance(entry, Heading) else level + 1, entry))
    return made


def markdown(report: Report) -> str:
    """The report as Markdown with footnotes (GitHub's and Pandoc's)."""
    pen, words = _Markdown(), WORDS[report.language]
    lines = [f"# {pen.text(report.title)}", "", *(f"{line}  " for line in _head(report, pen)), ""]
    for level, entry in _levels(report):
        if isinstance(entry, Heading):
            lines += [f"{'#' * level} {pen.text(entry.text)}", ""]
        else:
            lines += [f"{'#' * level} {pen.text(entry.question)}", "", *_markdown_answer(entry, pen), ""]
    lines += [f"## {words['capture']}", ""]
    if report.sources:
        lines += [words["holds"].format(digest=pen.code(report.capture)), ""]
        lines += [f"| {words['table']} | {words['file']} | {words['digest']} |", "|---|---|---|"]
        lines += [f"| {pen.text(n)} | {pen.text(f)} | {pen.code(d)} |" for n, f, d in report.sources]
    else:
        lines.append(words["none"])
    lines += ["", f"## {words['notes']}", ""]
    for number, note in enumerate(report.notes, 1):
        lines += [f"[^{number}]: {_note(note, pen, words)}", ""]
        if "sql" in note.source:
            sql = visible(note.source["sql"])
            fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", sql)), default=0))
            lines += [f"    {line}" for line in (f"{fence}sql", *sql.splitlines(), fence)] + [""]
    return "\n".join(lines)


def _markdown_answer(asked: Asked, pen: _Pen) -> list[str]:
    found, words = asked.found, WORDS[_language(asked)]
    if found["kind"] == "refusal":
        why = f": {pen.text(found['why'])}" if found["why"] else ""
        said = "".join(pen.text(part["text"]) for part in found["parts"])
        return [f"> **{words['refused']}** {said}  ", f"> {pen.text(found['reason'])}{why}"]
    lines: list[str] = []
    for is_table, group in blocks(found):
        if is_table:
            lines += [f"| {words['label']} | {words['value']} |", "|---|---:|"]
            lines += [f"| {_shown(a, asked, pen)} | {_shown(b, asked, pen)} |" for a, _, b in group]
        else:
            quote = "> " if all("quote" in part for line in group for part in line) else ""
            lines.append("  \n".join(f"{quote}{_line(line, asked, pen)}" for line in group))
        lines.append("")
    return [*lines, f"*{words['read']}{pen.text(found['read_as'])}*"]


def _language(asked: Asked) -> Language:
    return "ja" if asked.found["language"] == "ja" else "en"


def html(report: Report, draw: Callable[[Mapping[str, Any]], str | None] = svg) -> str:
    """The report as one HTML page: no script, nothing loaded, charts as inline SVG.

    Args:
        report: what to show.
        draw: draws a chart's specification; none of it is shown where this gives none.
    """
    pen, words = _Html(), WORDS[report.language]
    title = pen.text(report.title)
    who, sums = _head(report, pen)
    lines = [
        "<!doctype html>",
        f'<html lang="{report.language}"><head><meta charset="utf-8"><title>{title}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<style>{_STYLE}</style></head><body>",
        f'<h1>{title}</h1><p class="small">{who}<br>{sums}</p>',
    ]
    for level, entry in _levels(report):
        if isinstance(entry, Heading):
            lines.append(f"<h{level}>{pen.text(entry.text)}</h{level}>")
        else:
            asked = f"<h{level}>{pen.text(entry.question)}</h{level}>"
            lines += [
                f'<section lang="{_language(entry)}">{asked}',
                *_html_answer(entry, pen, draw),
                "</section>",
            ]
    lines.append(f"<h2>{words['capture']}</h2>")
    if report.sources:
        lines += [f'<p class="small">{words["holds"].format(digest=pen.code(report.capture))}</p>']
        lines += [
            f'<table class="files"><tr><th>{words["table"]}<th>{words["file"]}<th>{words["digest"]}</tr>'
        ]
        lines += [
            f"<tr><td>{pen.text(n)}</td><td>{pen.text(f)}</td><td>{pen.code(d)}</td></tr>"
            for n, f, d in report.sources
        ]
        lines.append("</table>")
    else:
        lines.append(f"<p>{words['none']}</p>")
    lines.append(f"<h2>{words['notes']}</h2><ol>")
    for number, note in enumerate(report.notes, 1):
        sql = f"<pre>{pen.text(note.source['sql'])}</pre>" if "sql" in note.source else ""
        lines.append(f'<li id="note-{number}" class="small">{_note(note, pen, words)}{sql}</li>')
    return "\n".join([*lines, "</ol></body></html>", ""])


def _html_answer(asked: Asked, pen: _Pen, draw: Callable[[Mapping[str, Any]], str | None]) -> list[str]:
    found, words = asked.found, WORDS[_language(asked)]
    if found["kind"] == "refusal":
        why = f": {pen.text(found['why'])}" if found["why"] else ""
        said = "".join(pen.text(part["text"]) for part in found["parts"])
        return [
            f'<div class="refused"><p><b>{words["refused"]}</b> {said}</p>',
            f'<p class="small"><code>{pen.text(found["reason"])}</code>{why}</p></div>',
        ]
    lines: list[str] = []
    drawn = None if asked.chart is None else draw(asked.chart)
    for is_table, group in blocks(found):
        if is_table:
            if drawn is not None and asked.chart is not None:
                name = pen.text(asked.chart["description"])
                lines.append(f'<figure role="img" aria-label="{name}">{visible(drawn)}</figure>')
                drawn = None
            lines.append(f"<table><tr><th>{words['label']}</th><th>{words['value']}</th></tr>")
            lines += [
                f"<tr><td>{_shown(a, asked, pen)}</td><td>{_shown(b, asked, pen)}</td></tr>"
                for a, _, b in group
            ]
            lines.append("</table>")
        else:
            tag = "blockquote" if all("quote" in part for line in group for part in line) else "p"
            lines.append(f"<{tag}>{'<br>'.join(_line(line, asked, pen) for line in group)}</{tag}>")
    return [*lines, f'<p class="small">{words["read"]}{pen.text(found["read_as"])}</p>']
