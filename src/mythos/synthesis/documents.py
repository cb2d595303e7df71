"""Documents as one text each, and the passages of that text with their exact bytes.

What a reader of the page would not see is left out: scripts, comments, hidden elements and runs, text drawn
invisibly, in white, or too small to read. What is left is plain text, and never an instruction.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mythos.errors import DataError
from mythos.synthesis.sources import bounded_bytes, guessed
from mythos.synthesis.terms import Document, Language, Passage
from mythos.units import Digest

MAX_BYTES: Final = 64 << 20
MAX_TEXT: Final = 16 << 20
MAX_PAGES: Final = 2_000
MAX_UNPACKED: Final = 256 << 20
LONGEST: Final = 700
"""Characters of a passage; a longer paragraph is cut at the end of a sentence."""
_HIDDEN_STYLE: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0+)?(?![.\d])"
    r"|font-size\s*:\s*0|(?<!-)color\s*:\s*(?:#fff(?:fff)?\b|white\b|transparent\b)",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"(?<=[。！？])|(?<=[.!?])(?<!\b[a-zA-Z]\.[a-zA-Z]\.)(?=\s)|\n")


def text_of(root: Path, document: Document) -> str:
    """The text of a document of a catalogue.

    Raises:
        DataError: gone, too large, broken, or of a kind that is not read.
    """
    path = root / document.file
    data = bounded_bytes(path)
    if len(data) > MAX_BYTES:
        raise DataError(
            f"{document.file} is too large", expected=f"at most {MAX_BYTES} bytes", found=str(len(data))
        )
    match path.suffix.lower():
        case ".pdf":
            text = _pdf(data, document.file)
        case ".docx":
            text = _docx(data, document.file)
        case ".html" | ".htm":
            text = _html(guessed(data, document.file))
        case ".md" | ".txt":
            text = re.sub(r"<!--.*?-->", "", guessed(data, document.file), flags=re.DOTALL)
        case other:
            raise DataError(
                f"{document.file} is of a kind that is not read",
                expected=".md .txt .html .docx .pdf",
                found=other,
            )
    kept = "".join(c for c in text.replace("\r\n", "\n") if c in "\n\t" or c.isprintable())
    return kept[:MAX_TEXT]


def _html(text: str) -> str:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(text)
    for node in tree.css(
        "script, style, noscript, template, head, [hidden], [aria-hidden=true], input, select"
    ):
        node.decompose()
    for node in tree.css("[style]"):
        if _HIDDEN_STYLE.search(node.attributes.get("style") or ""):
            node.decompose()
    if tree.body is None:
        return ""
    for row in tree.css("tr"):
        cells = [cell.text(separator=" ", strip=True) for cell in row.css("td, th")]
        row.replace_with("\n" + " | ".join(cells) + "\n")
    for node in tree.css("p, div, li, h1, h2, h3, h4, h5, h6, br, section, article, blockquote, pre"):
        node.insert_before("\n")
        node.insert_after("\n")
    return re.sub(r"[ \t]*\n\s*", "\n", tree.body.text(separator="")).strip()


def _docx(data: bytes, file: str) -> str:
    import docx
    from docx.text.paragraph import Paragraph

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
        if unpacked > MAX_UNPACKED:
            raise DataError(
                f"{file} unpacks to too much", expected=f"at most {MAX_UNPACKED} bytes", found=str(unpacked)
            )
        opened = docx.Document(io.BytesIO(data))
        lines: list[str] = []
        for block in opened.iter_inner_content():
            if isinstance(block, Paragraph):
                lines.append("".join(run.text for run in block.runs if not _run_hidden(run)))
            else:
                lines += [" | ".join(cell.text.strip() for cell in row.cells) for row in block.rows]
        return "\n".join(lines)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise DataError(f"{file} is not a Word document", found=str(error)[:100]) from error


def _run_hidden(run: Any) -> bool:
    font = run.font
    white = font.color is not None and font.color.rgb is not None and str(font.color.rgb) == "FFFFFF"
    return bool(font.hidden) or white or (font.size is not None and font.size.pt < 2)


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
    stream = ContentStream(contents, reader)
    seen = _Drawn()
    stream.operations = [(operands, op) for operands, op in stream.operations if seen.keeps(operands, op)]
    page[NameObject("/Contents")] = stream
    return str(page.extract_text())


class _Drawn:
    """What of a page's operators draws text that can be seen (ISO 32000-1, 8.4 and 9.3)."""

    def __init__(self) -> None:
        self._mode, self._white, self._size, self._scale = 0, False, 12.0, 1.0
        self._stack: list[tuple[int, bool, float]] = []

    def keeps(self, operands: Any, operator: bytes) -> bool:
        numbers = [float(x) for x in operands if isinstance(x, int | float)]
        match operator:
            case b"q":
                self._stack.append((self._mode, self._white, self._size))
            case b"Q" if self._stack:
                self._mode, self._white, self._size = self._stack.pop()
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
                return self._mode not in {3, 7} and not self._white and self._size * self._scale >= 2
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
