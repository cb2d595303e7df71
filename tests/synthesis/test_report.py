"""A report names the source of every cell and quote, shows refusals, and lets nothing from data be markup."""

import re
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
from markdown_it import MarkdownIt

from mythos.errors import InputError
from mythos.synthesis.ask import Asker
from mythos.synthesis.draft import load_catalog
from mythos.synthesis.pages import html, markdown
from mythos.synthesis.report import MAX_QUESTIONS, Heading, Report, blocks, questions, report
from mythos.synthesis.view import view_for

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "![a](http://evil.test/a.png)",
    "[b](javascript:alert(3)) | c",
    "</table></section><h1>forged</h1>",
    "`code` [^1]: forged",
    "http://evil.test/ www.evil.test",
    "# forged",
    "&lt;b&gt; \u202e321",
]
ASKED = """# <i>Sales</i> *review*

## By product
- total amount by product
- 店舗別の平均数量
1. average amount

## 規程
How long is the storeroom key kept?
* 天気は？
What is the amount in January 2024 versus February 2024?
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("report") / "data"
    folder.mkdir()
    rows = [
        f'"{name.replace(chr(34), chr(34) * 2)}",{"東京" if n % 2 else "大阪"},2024-01-0{n + 1},{n * 1000 - 500},{n + 1}'
        for n, name in enumerate(HOSTILE)
    ]
    lines = ["product,店舗,day,amount,数量", *rows, "plain,東京,2024-02-03,7,2", "plain,東京,2024-02-04,8,3"]
    (folder / "sales.csv").write_text("\n".join(lines), encoding="utf-8")
    key = "The storeroom key is kept for 30 days <b>behind</b> the door."
    (folder / "memo.md").write_text(key, encoding="utf-8")
    view = view_for(load_catalog(folder, today=date(2024, 4, 1)), None)
    told: list[str] = []
    with Asker(view, cache=folder.parent / "cache") as asker:
        done = report(questions(ASKED), asker, view, told.append)
    assert len(told) == 6
    assert told[4].startswith("5/6 not_in_hub: 天気")
    return done


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_questions_headings_and_bullets() -> None:
    assert questions("\ufeff# A\n\n- one?\n* two?\n10. three?\n#4 four?\n## 節 ##\n2024年度の売上は?") == [
        Heading(1, "A"), "one?", "two?", "three?", "#4 four?", Heading(2, "節"), "2024年度の売上は?",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "# only a heading\n\n", "x\n" * (MAX_QUESTIONS + 1)])
def test_a_report_needs_questions_but_not_too_many(text: str) -> None:
    with pytest.raises(InputError, match="needs questions"):
        questions(text)


def test_every_cell_and_quote_has_a_note(made: Report) -> None:
    kinds: set[str] = set()
    for asked in made.asked:
        for part in asked.found["parts"]:
            if "text" in part:
                continue
            ref = part.get("cell") or part["quote"]
            source = asked.found["refs"][ref]
            held = [made.notes[number - 1].source for number in asked.notes[ref]]
            assert held
            for key in {"sql", "capture", "file", "span", "expression"} & set(source):
                kinds.add(key)
                assert [s[key] for s in held if key in s] == [source[key]]
    assert kinds == {"sql", "capture", "file", "span", "expression"}


def test_notes_are_numbered_as_they_come_and_each_is_used(made: Report) -> None:
    text = markdown(made)
    body, _, notes = text.partition("## Sources")
    used = list(dict.fromkeys(map(int, re.findall(r"(?<!\\)\[\^(\d+)\]", body))))
    assert used == list(range(1, len(made.notes) + 1))
    assert [int(n) for n in re.findall(r"(?m)^\[\^(\d+)\]: ", notes)] == used
    page = Page(html(made))
    links = [a["href"] for tag, a in page.tags if tag == "a"]
    assert set(links) == {f"#note-{n}" for n in used}
    assert [a["id"] for tag, a in page.tags if tag == "li"] == [f"note-{n}" for n in used]
    shown = sum("text" not in part for asked in made.asked for part in asked.found["parts"])
    assert sum(tag == "sup" for tag, _ in page.tags) == shown


def test_a_quotes_note_names_document_bytes_and_digest(made: Report, tmp_path: Path) -> None:
    (note,) = [note for note in made.notes if "file" in note.source]
    assert note.source["span"] == [0, 61]
    line = f"Document memo.md: bytes 0–61, of its text `{note.source['capture']}`"
    assert line in markdown(made)
    assert line.replace("`", "") in Page(html(made)).text


def test_a_computed_cell_names_what_it_is_computed_from(made: Report) -> None:
    (asked,) = [asked for asked in made.asked if asked.question == "average amount"]
    (cell,) = [part for part in asked.found["parts"] if "cell" in part]
    query, computed = asked.notes[cell["cell"]]
    total = sum(n * 1000 - 500 for n in range(len(HOSTILE))) + 15
    assert f"[^{computed}]: Computed: {total} / 11; ({query})" in markdown(made)


def test_the_capture_and_its_files_are_named(made: Report) -> None:
    assert [(name, file) for name, file, _ in made.sources] == [("sales", "sales.csv")]
    text = markdown(made)
    assert f"`{made.capture}`" in text
    assert f"`{made.sources[0][2]}`" in text


def test_a_refusal_says_so_with_its_reason_in_the_questions_language(made: Report) -> None:
    assert "**回答できません。** お尋ねの内容はこのハブにありません。" in markdown(made)
    page = Page(html(made))
    assert "回答できません。 お尋ねの内容はこのハブにありません。" in page.text
    assert "not_in_hub: 天気" in page.text
    assert "6 questions: 5 answered, 1 refused" in page.text
    assert [a["lang"] for tag, a in page.tags if tag == "section"] == ["en", "ja", "en", "en", "ja", "en"]


def test_nothing_from_data_is_markup_in_html(made: Report) -> None:
    text = html(made)
    page = Page(text)
    structure = {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "section",
        "div",
        "figure",
        "h1",
        "h2",
        "h3",
    }
    words = {"p", "br", "b", "code", "table", "tr", "th", "td", "blockquote", "sup", "a", "ol", "li", "pre"}
    drawn = {"svg", "rect", "g", "path", "text", "line"}
    assert {tag for tag, _ in page.tags} <= structure | words | drawn
    for tag, attributes in page.tags:
        assert not [
            name for name in attributes if name.startswith("on") or name in {"src", "style", "xlink:href"}
        ]
        assert (attributes.get("href") or "#note-").startswith("#note-"), tag
    assert sum(tag == "h1" for tag, _ in page.tags) == 1
    assert "<i>Sales</i> *review*" in page.text
    for hostile in HOSTILE:
        assert hostile.replace("\u202e", "\\u202e") in page.text
    assert "default-src 'none'" in text
    assert "\u202e" not in text


def test_nothing_from_data_is_markup_in_markdown(made: Report) -> None:
    text = markdown(made)
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    assert not {t.type for t in [*tokens, *inline]} & {"html_block", "html_inline", "image", "link_open"}
    plain = [t.content for t in inline if t.type == "text"]
    for hostile in HOSTILE:
        joined = "".join(plain)
        assert hostile.replace("\u202e", "\\u202e") in joined
    headings = [tokens[n + 1].content for n, t in enumerate(tokens) if t.type == "heading_open"]
    assert len(headings) == 1 + 2 + 6 + 2
    assert sum(t.type == "table_open" for t in tokens) == 4


@pytest.mark.parametrize(
    "text",
    [
        "- a",
        "+ a",
        "1. a",
        "12) a",
        "=== ",
        "    a",
        "***",
        "~~~",
        "| a |",
        "[x]: http://a.b",
        "> a",
        "<!-- a",
        "a@b.cd",
    ],
)
def test_a_line_of_data_cannot_begin_anything(text: str) -> None:
    from mythos.synthesis.pages import _Markdown

    parsed = MarkdownIt("commonmark").enable("table").parse(f"before\n\n{_Markdown().text(text)}\n\nafter")
    assert [t.type for t in parsed[3:6]] == ["paragraph_open", "inline", "paragraph_close"]
    assert "".join(c.content for c in parsed[4].children or ()) == text.strip()


def test_what_is_shown_is_the_answers_parts_in_their_order(made: Report) -> None:
    for asked in made.asked:
        whole = "".join(part.get("text") or part["shown"] for part in asked.found["parts"])
        lines = [line for _, group in blocks(asked.found) for line in group]
        assert "\n".join("".join(p.get("text") or p["shown"] for p in line) for line in lines) == whole


def test_without_a_converter_there_are_tables_only(made: Report) -> None:
    drawn = Page(html(made))
    plain = Page(html(made, draw=lambda _: None))
    assert "svg" not in [tag for tag, _ in plain.tags]
    assert sum(tag == "td" for tag, _ in plain.tags) == sum(tag == "td" for tag, _ in drawn.tags) > 20


def test_charts_are_drawn_inside_the_page(made: Report) -> None:
    pytest.importorskip("vl_convert", reason="extra missing: pip install 'mythos-hub[synthesis]'")
    page = Page(html(made))
    assert sum(tag == "svg" for tag, _ in page.tags) == sum(a.chart is not None for a in made.asked) == 3
    assert sum(tag == "figure" for tag, _ in page.tags) == 3


def test_a_japanese_report_speaks_japanese(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "memo.md").write_text("倉庫の鍵は30日間保管する。", encoding="utf-8")
    view = view_for(load_catalog(folder, today=date(2024, 4, 1)), None)
    with Asker(view, cache=tmp_path / "cache") as asker:
        made = report(questions("# 報告\n倉庫の鍵は何日間保管しますか？"), asker, view, lambda _: None)
    text = markdown(made)
    assert text.startswith("# 報告\n")
    assert "> 倉庫の鍵は30日間保管する。[^1]" in text
    assert "## 出典" in text
    assert "表は読み取っていません。" in text
    assert '<html lang="ja">' in html(made)


@pytest.mark.parametrize(
    ("question", "shown", "expression"),
    [
        (
            "What is the growth of amount from January 2024 to February 2024?",
            "-99.95%",
            "(b - a) / |a| * 100",
        ),
        ("What is the difference in amount between January 2024 and February 2024?", "-29,985", "b - a"),
        ("What is the share of 東京 in total amount?", "50%", "a / b * 100"),
    ],
)
def test_an_expression_says_how_to_come_from_its_operands_to_the_cell(
    tmp_path: Path, question: str, shown: str, expression: str
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    rows = "店舗,day,amount\n東京,2024-01-05,15007.5\n大阪,2024-01-06,14992.5\n大阪,2024-02-05,15\n"
    (folder / "sales.csv").write_text(rows, encoding="utf-8")
    view = view_for(load_catalog(folder, today=date(2024, 4, 1)), None)
    with Asker(view, cache=tmp_path / "cache") as asker:
        made = report([question], asker, view, lambda _: None)
    (computed,) = [note for note in made.notes if "expression" in note.source]
    assert computed.source["expression"] == expression
    assert made.asked[0].found["parts"][-1]["shown"] == shown
    a, b = (Decimal(re.sub(r"[^\d.-]", "", operand)) for operand, _ in computed.of)
    says = {"(b - a) / |a| * 100": (b - a) / abs(a) * 100, "b - a": b - a, "a / b * 100": a / b * 100}
    assert round(says[expression], 2) == Decimal(re.sub(r"[^\d.-]", "", shown))
