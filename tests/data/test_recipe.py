"""The recipe over an unpacked package as Debian lays one out: text, licence, twins, the permissive subset."""

import gzip
from datetime import date

import pytest

from mythos.data import recipe
from mythos.data.admit import read_documents, read_records
from mythos.errors import DataError

from .conftest import EN, JA

ON = date(2026, 11, 26)
HTTPD_EN, HTTPD_JA = (
    next(s for s in recipe.SOURCES if s.family == "httpd" and s.language == language)
    for language in ("en", "ja")
)
PAGE = '<html><head><title>x</title></head><body><div id="page-header">menu</div><h1>{title}</h1><p>{text}</p><pre>a\n  b</pre></body></html>'


@pytest.fixture
def package(tmp_path):
    root = tmp_path / "root"
    for source, text in ((HTTPD_EN, EN), (HTTPD_JA, JA)):
        folder = root / source.package / source.folder
        folder.mkdir(parents=True)
        for n in range(3):
            body = "".join(text.format(n=n * 50 + i, m=i) for i in range(4))
            (folder / f"p{n}.html").write_text(PAGE.format(title=f"Page {n}", text=body))
        (folder / "short.html").write_text(PAGE.format(title="Short", text="the page"))
    terms = root / "apache2-doc" / "usr/share/doc/apache2-doc"
    (terms / "copyright").write_text("Files: *\nLicense: Apache-2.0\n")
    (root / "apache2-doc_1_all.deb").write_bytes(b"deb")
    return root


def gathered(root):
    seen: set[str] = set()
    pages = [page for s in (HTTPD_JA, HTTPD_EN) for page in recipe.pages(root, s, seen)]
    return recipe.Corpus(
        tuple(pages), {"apache2-doc": recipe.record(root, HTTPD_EN, "apache2-doc_1_all.deb", ON)}
    )


def test_pages_come_out_as_text_with_twins_under_one_id(package):
    corpus = gathered(package)
    assert [(page.id, page.language) for page in corpus.pages] == [
        (f"httpd/p{n}", language) for language in ("ja", "en") for n in range(3)
    ]
    first = corpus.pages[3].text
    assert first.startswith("Page 0\nThe server answers")
    assert "menu" not in first
    assert first.endswith("a\nb")
    assert sum(recipe.sizes(corpus).values()) == sum(len(page.text.encode()) for page in corpus.pages)


def test_what_is_written_is_what_admit_reads(package, tmp_path):
    corpus = gathered(package)
    digest = recipe.write(corpus, tmp_path / "out")
    assert recipe.write(corpus, tmp_path / "again") == digest
    records = read_records(tmp_path / "out" / "records.yaml")
    assert records == corpus.records
    found = list(read_documents(tmp_path / "out" / "documents.jsonl", None))
    assert [(one.id, one.twin) for one in found] == [
        (f"httpd/p{n}.{language}", f"httpd/p{n}") for language in ("ja", "en") for n in range(3)
    ]


def test_a_copyright_file_that_does_not_name_the_licence_is_refused(package):
    path = package / "apache2-doc/usr/share/doc/apache2-doc/copyright"
    path.write_text("License: Custom\n")
    with pytest.raises(DataError, match="not what was read"):
        recipe.record(package, HTTPD_EN, "apache2-doc_1_all.deb", ON)
    path.unlink()
    with pytest.raises(DataError, match="says nothing"):
        recipe.record(package, HTTPD_EN, "apache2-doc_1_all.deb", ON)


def test_the_permissive_subset_is_the_default():
    assert {s.licence for s in recipe.choose(copyleft=False)} == set(recipe.PERMISSIVE)
    assert {s.package for s in recipe.choose(copyleft=True)} - {
        s.package for s in recipe.choose(copyleft=False)
    } >= {"manpages-ja", "debian-reference-ja"}


def test_english_is_limited_to_japanese_and_twins_come_first(package):
    corpus = gathered(package)
    most = recipe.balanced(corpus, 1.0)
    assert [page.language for page in most.pages].count("ja") == 3
    sizes = {
        language: sum(len(p.text.encode()) for p in most.pages if p.language == language)
        for language in ("ja", "en")
    }
    assert 0 < sizes["en"] <= sizes["ja"]


def test_a_manual_page_loses_its_requests(tmp_path):
    text = recipe.from_roff('.TH LS 1\n.SH NAME\nls \\- list \\fBfiles\\fR\n.\\" comment\n.br\nThe end.\n')
    assert text == "LS 1\nNAME\nls - list files\nThe end."
    source = next(s for s in recipe.SOURCES if s.package == "manpages")
    folder = tmp_path / source.package / source.folder / "man1"
    folder.mkdir(parents=True)
    page = "\n".join(EN.format(n=n, m=n) for n in range(3))
    (folder / "ls.1.gz").write_bytes(gzip.compress(page.encode()))
    assert [page.id for page in recipe.pages(tmp_path, source, set())] == ["man/man1/ls.1"]
