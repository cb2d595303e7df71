"""Documents become one text without what nobody sees; passages are exact bytes of it."""

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pypdf", reason="extra missing: pip install 'mythos-hub[synthesis]'")
pytest.importorskip("docx", reason="extra missing: pip install 'mythos-hub[synthesis]'")
pytest.importorskip("selectolax", reason="extra missing: pip install 'mythos-hub[synthesis]'")

import docx

from mythos.errors import DataError
from mythos.synthesis import documents
from mythos.synthesis.documents import passages, sentences, text_of
from mythos.synthesis.terms import Document


def read(tmp_path: Path, name: str, data: bytes) -> str:
    (tmp_path / name).write_bytes(data)
    return text_of(tmp_path, Document(name))


def pdf(content: bytes) -> bytes:
    """A one-page PDF with this content stream."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    page = writer.add_blank_page(200, 200)
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    page[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
    )
    stream = DecodedStreamObject()
    stream.set_data(content)
    page[NameObject("/Contents")] = writer._add_object(stream)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_hidden_text_of_a_pdf_is_left_out(tmp_path: Path) -> None:
    text = read(tmp_path, "a.pdf", pdf(
        b"BT /F1 12 Tf 10 100 Td (Seen) Tj ET\n"
        b"BT /F1 12 Tf 3 Tr 10 80 Td (Invisible) Tj ET\nBT 0 Tr ET\n"
        b"q 1 1 1 rg BT /F1 12 Tf 10 60 Td (White) Tj ET Q\n"
        b"BT /F1 0.5 Tf 10 40 Td (Tiny) Tj ET\n"
        b"BT /F1 12 Tf 0.05 0 0 0.05 10 30 Tm (Scaled) Tj ET\n"
        b"BT /F1 12 Tf 10 20 Td (Too) Tj ET"
    ))  # fmt: skip
    assert "Seen" in text
    assert "Too" in text
    assert not any(word in text for word in ("Invisible", "White", "Tiny", "Scaled"))


def test_hidden_elements_of_html_are_left_out(tmp_path: Path) -> None:
    text = read(
        tmp_path,
        "a.html",
        """<html><head><title>t</title><style>x{}</style></head><body><h1>見出し</h1><p>本文 <b>太字</b></p>
    <p hidden>no1</p><p style="display: none">no2</p><p style="color:#FFF">no3</p><p style="font-size:0">no4</p><div aria-hidden="true">no5</div>
    <script>no6</script><!-- no7 --><template>no8</template><table><tr><th>A</th><td>B</td></tr></table></body></html>""".encode(),
    )
    assert "本文 太字" in text
    assert "A | B" in text
    assert "no" not in text


def test_a_word_document_with_a_table_and_hidden_runs(tmp_path: Path) -> None:
    made = docx.Document()
    paragraph = made.add_paragraph("Open ")
    run = paragraph.add_run("secret")
    run.font.hidden = True
    table = made.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "k", "v"
    buffer = io.BytesIO()
    made.save(buffer)
    text = read(tmp_path, "a.docx", buffer.getvalue())
    assert text == "Open \nk | v"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", b"%PDF-1.7 nothing"),
        ("a.docx", b"PK\x03\x04 nothing"),
        ("a.exe", b"MZ"),
        ("a.md", b"\xff\xfe\x00\xd8\x81"),
        ("a.pdf", b""),
    ],
)
def test_broken_documents_are_said(tmp_path: Path, name: str, data: bytes) -> None:
    with pytest.raises(DataError, match="a\\."):
        read(tmp_path, name, data)


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_UNPACKED", 1_000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * 100_000)
    with pytest.raises(DataError, match="unpacks to too much"):
        read(tmp_path, "a.docx", buffer.getvalue())


def test_shift_jis_and_control_characters(tmp_path: Path) -> None:
    assert read(tmp_path, "a.txt", "規程\x00\x1b本文".encode("cp932")) == "規程本文"


def test_a_document_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.md"):
        text_of(tmp_path, Document("gone.md"))


@given(st.text(alphabet="ab 。.!?\n日本語é😀", max_size=3_000))
def test_passages_are_the_bytes_they_say(text: str) -> None:
    data = text.encode()
    last = 0
    for passage in passages(Document("x.md"), text):
        assert data[passage.start : passage.end].decode() == passage.text
        assert passage.start >= last
        assert passage.text.strip() == passage.text
        last = passage.end
    assert "".join(p.text for p in passages(Document("x.md"), text)).replace("\n", "").replace(
        " ", ""
    ) == text.replace("\n", "").replace(" ", "")


@given(st.text(alphabet="ab 。.!?\n", max_size=300))
def test_sentences_are_the_text(text: str) -> None:
    assert "".join(sentences(text)) == text
