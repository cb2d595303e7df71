"""Documents as one text each, and the passages of that text with their exact bytes.

What a reader of the page would not see is left out: scripts, comments, hidden elements and runs, text drawn
invisibly, in white, or too small to read. What is left is plain text, and never an instruction.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mythos.errors import DataError
from mythos.files import write_private
from mythos.synthesis.sources import bounded_bytes, guessed
from mythos.synthesis.terms import Document, Language, Passage
from mythos.units import Digest

MAX_BYTES: Final = 64 << 20
MAX_TEXT: Final = 16 << 20
MAX_PAGES: Final = 2_000
MAX_DEPTH: Final = 5
"""Forms within forms of a PDF."""
MAX_UNPACKED: Final = 256 << 20
MAX_STYLE: Final = 1 << 20
FORMAT: Final = "text/2"
"""Of what is kept of a document; another number when it would be read otherwise."""
LONGEST: Final = 700
"""Characters of a passage; a longer paragraph is cut at the end of a sentence."""
_HIDDEN_STYLE: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0+)?(?![.\d])"
    r"|(?:left|right|top|text-indent)\s*:\s*-\d{3,}"
    r"|font-size\s*:\s*0|(?<!-)color\s*:\s*(?:#fff(?:fff)?\b|white\b|transparent\b)",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"(?<=[。！？])|(?<=[.!?])(?<!\b[a-zA-Z]\.[a-zA-Z]\.)(?=\s)|\n")


def text_of(root: Path, document: Document, kept: Path | None = None, whose: str = "") -> str:
    """The text of a document of a catalogue.

    Args:
        root: the catalogue's folder.
        document: one that the caller may read; this is not decided here.
        kept: the caller's private folder, where the text of these very bytes may lie from another time.
        whose: the caller: nobody is given a text that was kept for another.

    Raises:
        DataError: gone, too large, broken, or of a kind that is not read.
    """
    path = root / document.file
    data = bounded_bytes(path)
    if len(data) > MAX_BYTES:
        raise DataError(
            f"{document.file} is too large", expected=f"at most {MAX_BYTES} bytes", found=str(len(data))
        )
    named = [FORMAT, whose, path.suffix.lower(), Digest.of(data).hex]
    place = None if kept is None else kept / f"{Digest.of(json.dumps(named).encode()).hex}.text"
    if place is not None:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            text = place.read_bytes().decode()
            os.utime(place)
            return text
    text = _read(path, data, document)
    if place is not None:
        write_private(place, text.encode())
    return text


def _read(path: Path, data: bytes, document: Document) -> str:
    match path.suffix.lower():
        case ".pdf":
            text = _pdf(data, document.file)
        case ".docx":
            text = _docx(data, document.file)
        case ".html" | ".htm":
            text = _html(guessed(data, document.file))
        case ".md" | ".txt":
            text = _without_comments(guessed(data, document.file))
        case other:
            raise DataError(
                f"{document.file} is of a kind that is not read",
                expected=".md .txt .html .docx .pdf",
                found=other,
            )
    kept = "".join(c for c in text.replace("\r\n", "\n") if c in "\n\t" or c.isprintable())
    return kept[:MAX_TEXT]


def _without_comments(text: str) -> str:
    kept: list[str] = []
    at = 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start)) >= 0:
        kept.append(text[at:start])
        at = end + 3
    return "".join(kept) + text[at:]


def _html(text: str) -> str:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(text)
    hidden = list(_hidden_selectors("\n".join(node.text() for node in tree.css("style"))[:MAX_STYLE]))
    for node in tree.css(
        "script, style, noscript, template, head, [hidden], [aria-hidden=true], input, select"
    ):
        node.decompose()
    for node in tree.css("[style]"):
        if _HIDDEN_STYLE.search(node.attributes.get("style") or ""):
            node.decompose()
    for selector in hidden:
        with contextlib.suppress(Exception):  # a selector that the parser does not know hides nothing here
            for node in tree.css(selector):
                node.decompose()
    if tree.body is None:
        return ""
    for row in tree.css("tr"):
        cells = [cell.text(separator=" ", strip=True) for cell in row.css("td, th")]
        row.replace_with("\n" + " | ".join(cells) + "\n")
    for node in tree.css("p, div, li, h1, h2, h3, h4, h5, h6, br, section, article, blockquote, pre"):
        node.insert_before("\n")
        node.insert_after("\n")
    return "\n".join(filter(None, map(str.strip, tree.body.text(separator="").split("\n"))))


def _hidden_selectors(styles: str) -> Iterator[str]:
    """What the rules of a page's own style sheets hide, but on paper."""
    for block in styles.split("}"):
        head, _, declared = block.rpartition("{")
        selector = head.rpartition("{")[2].strip()
        if selector and "print" not in head and _HIDDEN_STYLE.search(declared):
            yield selector


def _docx(data: bytes, file: str) -> str:
    import docx
    from docx.text.paragraph import Paragraph

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            unpacked = sum(info.file_size for info in infos)
            xml = sum(info.file_size for info in infos if info.filename.endswith((".xml", ".rels")))
        if unpacked > MAX_UNPACKED or xml > MAX_BYTES:
            raise DataError(
                f"{file} unpacks to too much", expected=f"at most {MAX_UNPACKED} bytes", found=str(unpacked)
            )
        opened = docx.Document(io.BytesIO(data))
        lines: list[str] = []
        for block in opened.iter_inner_content():
            if isinstance(block, Paragraph):
                lines.append(_seen(block))
            else:
                lines += [
                    " | ".join("\n".join(map(_seen, cell.paragraphs)).strip() for cell in row.cells)
                    for row in block.rows
                ]
        return "\n".join(lines)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise DataError(f"{file} is not a Word document", found=str(error)[:100]) from error


def _seen(paragraph: Any) -> str:
    """What a reader sees of a paragraph: links and insertions too, and no deletion."""
    from docx.text.run import Run

    held: list[str] = []
    for element in paragraph._p.iter("{*}r"):  # noqa: SLF001 (its runs leave links out)
        around = {str(above.tag).rpartition("}")[2] for above in element.iterancestors()}
        run = Run(element, paragraph)
        if not around & {"del", "moveFrom", "Fallback"} and not _run_hidden(run, paragraph):
            held.append(run.text)
    return "".join(held)


def _run_hidden(run: Any, paragraph: Any) -> bool:
    fonts = [run.font, *(style.font for style in (run.style, paragraph.style) if style is not None)]
    size = next((font.size for font in fonts if font.size is not None), None)
    colour = run.font.color
    white = colour is not None and colour.rgb is not None and str(colour.rgb) == "FFFFFF"
    paper = colour is not None and str(colour.theme_color).startswith("BACKGROUND_1")
    shown = run.font.hidden is False
    hidden = not shown and any(font.hidden for font in fonts)
    return hidden or white or paper or (size is not None and size.pt < 2)


def _pdf(data: bytes, file: str) -> str:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted or len(reader.pages) > MAX_PAGES:
            raise DataError(f"{file} is encrypted or has over {MAX_PAGES} pages")
        return "\n\n".join(_page(reader, page) for page in reader.pages)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise DataError(f"{file} is not a readable PDF", found=str(error)[:100]) from error


def _page(reader: Any, page: Any) -> str:
    """A page's text without what is drawn invisibly (mode 3 or 7), in white, or under two points."""
    from pypdf.generic import ContentStream, NameObject

    contents = page.get_contents()
    if contents is None:
        return ""
    page[NameObject("/Contents")] = _seen_of(ContentStream(contents, reader))
    _filter_forms(reader, page.get("/Resources"), 0)
    return str(page.extract_text())


def _seen_of(stream: Any) -> Any:
    seen = _Drawn()
    stream.operations = [(operands, op) for operands, op in stream.operations if seen.keeps(operands, op)]
    return stream


def _filter_forms(reader: Any, resources: Any, depth: int) -> None:
    """The same for what a page draws as forms of their own; what is nested deeper is not read."""
    from pypdf.generic import ContentStream, NameObject

    named: Any = None if resources is None else resources.get_object().get("/XObject")
    if named is None:
        return
    forms: Any = named.get_object()
    for name in list(forms):
        form: Any = forms[name].get_object()
        if form.get("/Subtype") != "/Form":
            continue
        if depth >= MAX_DEPTH:
            del forms[name]
            continue
        stream = _seen_of(ContentStream(form, reader))
        for key in form:
            if key not in {"/Length", "/Filter", "/DecodeParms"}:
                stream[NameObject(key)] = form[key]
        _filter_forms(reader, stream.get("/Resources"), depth + 1)
        forms[NameObject(name)] = stream


class _Drawn:
    """What of a page's operators draws text that can be seen (ISO 32000-1, 8.4 and 9.3)."""

    def __init__(self) -> None:
        self._mode, self._white, self._size, self._scale = 0, False, 12.0, 1.0
        self._drawn = 1.0
        self._stack: list[tuple[int, bool, float, float]] = []

    def keeps(self, operands: Any, operator: bytes) -> bool:
        numbers = [float(x) for x in operands if isinstance(x, int | float)]
        match operator:
            case b"q":
                self._stack.append((self._mode, self._white, self._size, self._drawn))
            case b"Q" if self._stack:
                self._mode, self._white, self._size, self._drawn = self._stack.pop()
            case b"cm" if len(numbers) == 6:
                self._drawn *= max(abs(numbers[3]), abs(numbers[1]))
            case b"Tr" if numbers:
                self._mode = int(numbers[0])
            case b"Tf" if numbers:
                self._size = abs(numbers[-1])
            case b"Tm" if len(numbers) == 6:
                self._scale = max(abs(numbers[3]), abs(numbers[1]))
            case b"BT":
                self._scale = 1.0
            case b"g" | b"rg" | b"sc" | b"scn" if numbers:
                self._white = min(numbers) >= 0.97
            case b"k" if numbers:
                self._white = max(numbers) <= 0.03
            case b"Tj" | b"TJ" | b"'" | b'"':
                return (
                    self._mode not in {3, 7}
                    and not self._white
                    and (self._size * self._scale * self._drawn >= 2)
                )
            case _:
                pass
        return True


def passages(document: Document, text: str) -> Iterator[Passage]:
    """The passages of a text, none of which crosses a paragraph; offsets are of its UTF-8 bytes."""
    digest = Digest.of(text.encode())
    at = 0
    for paragraph in _paragraphs(text):
        for piece in _pieces(paragraph):
            size = len(piece.encode())
            if piece.strip():
                lead = len(piece.encode()) - len(piece.lstrip().encode())
                shown = piece.strip()
                start = at + lead
                yield Passage(
                    document.file, document.title, document.lang or _language(shown), digest,
                    start, start + len(shown.encode()), shown,
                )  # fmt: skip
            at += size


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs and the space between them; a heading stays with what it heads."""
    held = ""
    for piece in re.split(r"(\n\s*\n)", text):
        if piece.lstrip().startswith("#") and "\n" not in piece.strip():
            if held.strip() and not held.lstrip().startswith("#"):
                yield held
                held = ""
            held += piece
        elif held and not piece.strip():
            held += piece
        else:
            yield held + piece
            held = ""
    if held:
        yield held


def _pieces(paragraph: str) -> Iterator[str]:
    held = ""
    for sentence in sentences(paragraph):
        if held and len(held) + len(sentence) > LONGEST:
            yield held
            held = ""
        held += sentence
        while len(held) > 2 * LONGEST:
            yield held[:LONGEST]
            held = held[LONGEST:]
    if held:
        yield held


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text; joined they are the text."""
    last = 0
    for found in _SENTENCE.finditer(text):
        end = found.end()
        if end > last:
            yield text[last:end]
            last = end
    if last < len(text):
        yield text[last:]


def _language(text: str) -> Language:
    return "ja" if re.search(r"[ぁ-ヿ一-鿿]", text) else "en"
