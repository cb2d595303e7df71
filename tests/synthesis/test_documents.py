"""Documents become one text without what nobody sees; passages are exact bytes of it."""

import io
import time
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


def test_text_of_a_form_in_a_pdf_and_text_drawn_small_is_seen_as_on_the_page(tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(
        b"BT /F1 12 Tf 10 100 Td (Page) Tj ET q 0.01 0 0 0.01 0 0 cm BT /F1 12 Tf 1 1 Td (Shrunk) Tj ET Q /X Do"
    ))))  # fmt: skip
    resources = writer.pages[0]["/Resources"]
    form = DecodedStreamObject()
    form.set_data(b"BT /F1 12 Tf 10 50 Td (Form) Tj ET BT /F1 12 Tf 3 Tr 10 30 Td (Buried) Tj ET")
    form.update({NameObject("/Type"): NameObject("/XObject"), NameObject("/Subtype"): NameObject("/Form")})
    form[NameObject("/Resources")] = resources
    held = DictionaryObject({NameObject("/X"): writer._add_object(form)})
    resources.get_object()[NameObject("/XObject")] = held  # type: ignore[index]
    buffer = io.BytesIO()
    writer.write(buffer)
    text = read(tmp_path, "f.pdf", buffer.getvalue())
    assert "Page" in text
    assert "Form" in text
    assert "Buried" not in text
    assert "Shrunk" not in text


def test_a_word_document_is_read_as_it_is_seen(tmp_path: Path) -> None:
    made = docx.Document()
    paragraph = made.add_paragraph("The fee is ")
    link = paragraph._p.makeelement("{http://schemas.openxmlformats.org/wordprocessingml/2006/main}hyperlink")
    run = paragraph.add_run("not ")
    link.append(run._r)
    paragraph._p.append(link)
    paragraph.add_run("refundable.")
    gone = paragraph._p.makeelement("{http://schemas.openxmlformats.org/wordprocessingml/2006/main}del")
    gone.append(paragraph.add_run("DELETED")._r)
    paragraph._p.append(gone)
    cell = made.add_table(1, 1).cell(0, 0).paragraphs[0]
    cell.add_run("Cell")
    cell.add_run("SECRET").font.hidden = True
    buffer = io.BytesIO()
    made.save(buffer)
    text = read(tmp_path, "a.docx", buffer.getvalue())
    assert "The fee is not refundable." in text
    assert "Cell" in text
    assert "SECRET" not in text
    assert "DELETED" not in text


def test_what_a_style_sheet_hides_is_left_out(tmp_path: Path) -> None:
    page = (
        b"<style>.a{color:red} @media print{.p{display:none}} .x, #y { display : none }</style><body><p>Seen</p>"
        b"<p class=p>Screen</p><p class=x>One</p><p id=y>Two</p><p style='text-indent:-9999px'>Three</p>"
    )
    assert read(tmp_path, "a.html", page) == "Seen\nScreen"


@pytest.mark.parametrize(
    ("name", "piece"),
    [("a.md", b"<!--"), ("a.html", b"<p> </p>" + b" " * 50), ("b.html", b"<style>{</style>")],
)
def test_a_long_hostile_text_is_read_in_time(tmp_path: Path, name: str, piece: bytes) -> None:
    started = time.process_time()
    read(tmp_path, name, piece * (400_000 // len(piece)))
    assert time.process_time() - started < 5


def test_a_text_is_parsed_once_and_for_one_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.md").write_text("One.")
    parsed: list[str] = []
    before = documents._read

    def counted(path: Path, data: bytes, document: Document) -> str:
        parsed.append(path.name)
        return before(path, data, document)

    monkeypatch.setattr(documents, "_read", counted)
    for whose in ("a", "a", "b"):
        assert text_of(tmp_path, Document("a.md"), tmp_path, whose) == "One."
    assert len(parsed) == 2
    (tmp_path / "a.md").write_text("Two.")
    assert text_of(tmp_path, Document("a.md"), tmp_path, "a") == "Two."
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.glob("*.text"))
