"""A real corpus: technical manuals in Japanese and English from Debian packages, with each package's licence.

The permissive subset is the default; manuals under GPL and GFDL come on request. A Japanese page and its
English twin share a `twin`, so that a split keeps both on one side. Packages come from the machine's own
Debian mirror (`apt-get download`); nothing is installed.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

from mythos.data.rights import OptOut, Record
from mythos.errors import DataError, NetworkError
from mythos.files import write_atomic
from mythos.units import Digest

BLOCKS: Final = {
    "p",
    "li",
    "dt",
    "dd",
    "tr",
    "pre",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "div",
    "table",
    "br",
    "section",
}
SKIPPED: Final = {"script", "style", "nav", "head", "header", "footer", "aside", "button", "svg", "noscript"}
CHROME: Final = re.compile(
    r"toplang|bottomlang|page-header|sphinxsidebar|navheader|navfooter|related|quickview|footer|topmenu|path"
)
WRAPPED: Final = re.compile(r"(?<=[\u3000-\u9fff]) (?=[\u3000-\u9fff])")
"""Japanese has no spaces: these were line ends."""

VOID: Final = {"img", "br", "hr", "meta", "link", "input", "col", "area", "base", "wbr", "source"}
SHORTEST: Final = 300
PAGE: Final = 8 << 20
PERMISSIVE: Final = {
    "Apache-2.0": "License: Apache-2.0",
    "MPL-2.0": "License: MPL-2.0",
    "blessing": "License: public-domain",
    "PSF-2.0": "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2",
    "PostgreSQL": "License: PostgreSQL",
}
"""Licences of the permissive subset, and words that a package's copyright file must have for them."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a language's pages stand in a package, and the licence its copyright file was read to give."""

    package: str
    folder: str
    pattern: str
    language: str
    family: str
    licence: str | None

    @property
    def copyleft(self) -> bool:
        """Whether it is outside the permissive subset; a licence that differs by page (None) is."""
        return self.licence not in PERMISSIVE


_HTTPD: Final = "usr/share/doc/apache2-doc/manual"
_OFFICE: Final = "usr/share/libreoffice/help"
_DOC: Final = "usr/share/doc"
SOURCES: Final = (
    Source("apache2-doc", f"{_HTTPD}/ja", "*.html", "ja", "httpd", "Apache-2.0"),
    Source("apache2-doc", f"{_HTTPD}/en", "*.html", "en", "httpd", "Apache-2.0"),
    Source("libreoffice-help-ja", f"{_OFFICE}/ja/text", "*.html", "ja", "libreoffice", "MPL-2.0"),
    Source("libreoffice-help-en-us", f"{_OFFICE}/en-US/text", "*.html", "en", "libreoffice", "MPL-2.0"),
    Source("sqlite3-doc", f"{_DOC}/sqlite3", "*.html", "en", "sqlite", "blessing"),
    Source("python3.11-doc", f"{_DOC}/python3.11/html", "*.html", "en", "python", "PSF-2.0"),
    Source("postgresql-doc-15", f"{_DOC}/postgresql-doc-15/html", "*.html", "en", "postgresql", "PostgreSQL"),
    Source("manpages-ja", "usr/share/man/ja", "*.gz", "ja", "man", None),
    Source("manpages-ja-dev", "usr/share/man/ja", "*.gz", "ja", "man", None),
    Source("manpages", "usr/share/man", "*.gz", "en", "man", None),
    Source("manpages-dev", "usr/share/man", "*.gz", "en", "man", None),
    Source(
        "debian-reference-ja", "usr/share/debian-reference", "*.ja.html", "ja", "debian", "GPL-2.0-or-later"
    ),
    Source(
        "debian-reference-en", "usr/share/debian-reference", "*.en.html", "en", "debian", "GPL-2.0-or-later"
    ),
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a manual; `record` names its package."""

    id: str
    language: str
    record: str
    text: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """Pages, and the record of each package they came from."""

    pages: tuple[Page, ...]
    records: dict[str, Record]


class _Html(HTMLParser):
    """Collects the text of a page, a line for each block, without the site's own navigation."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS:
            self.parts.append("\n")
        if tag not in VOID:
            named = " ".join(value or "" for key, value in attrs if key in {"class", "id", "role"})
            self._open.append((tag, tag in SKIPPED or bool(CHROME.search(named))))

    def handle_endtag(self, tag: str) -> None:
        if any(name == tag for name, _ in self._open):
            while self._open.pop()[0] != tag:
                pass
        if tag in BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not any(skipped for _, skipped in self._open):
            kept = any(tag == "pre" for tag, _ in self._open)
            self.parts.append(data if kept else data.replace("\n", " "))


def from_html(text: str) -> str:
    """The text of an HTML page."""
    page = _Html()
    page.feed(text)
    return "".join(page.parts)


def from_roff(text: str) -> str:
    """The text of a manual page, without its requests and fonts."""
    lines = [
        re.sub(r"^\.\s*[A-Z]{1,2}\s+", "", line)
        for line in text.splitlines()
        if not line.startswith(('.\\"', "'"))
    ]
    kept = [line for line in lines if not re.match(r"\.\s*[a-z]", line)]
    return re.sub(r'\\f.|\\&|\\\||"', "", "\n".join(kept)).replace("\\-", "-").replace("\\e", "\\")


def clean(text: str, seen: set[str]) -> str:
    """NFKC, one space between words (none in Japanese), every longer line once in the whole corpus."""
    kept: list[str] = []
    for raw in unicodedata.normalize("NFKC", text).replace("\u00b6", "").splitlines():
        line = WRAPPED.sub("", re.sub(r"\s+", " ", raw)).strip()
        if len(line) >= 16:
            if line in seen:
                continue
            seen.add(line)
        if line:
            kept.append(line)
    return "\n".join(kept)


def is_in(language: str, text: str) -> bool:
    """Japanese: 8 % of the characters are kana. English: no kana, and 1 word in 60 is "the"."""
    kana = sum("\u3041" <= c <= "\u30ff" for c in text) / len(text)
    if language == "ja":
        return kana > 0.08
    words = re.findall(r"[^\W\d_]+", text.lower())
    return kana < 0.01 and words.count("the") * 60 > len(words)


def pages(root: Path, source: Source, seen: set[str]) -> Iterator[Page]:
    """The pages of one unpacked source, in the order of their paths."""
    folder = root / source.package / source.folder
    for path in sorted(folder.rglob(source.pattern)):
        inside = path.relative_to(folder)
        if (source.family == "man" and not inside.parts[0].startswith("man")) or path.is_symlink():
            continue
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            raw = file.read(PAGE).decode("utf-8", errors="replace")
        text = clean(from_roff(raw) if path.suffix == ".gz" else from_html(raw), seen)
        if len(text) >= SHORTEST and is_in(source.language, text):
            name = re.sub(r"(\.(ja|en))?\.(html|gz)$", "", inside.as_posix())
            yield Page(f"{source.family}/{name}", source.language, source.package, text)


def record(root: Path, source: Source, deb: str, on: date) -> Record:
    """The record of an unpacked package: its copyright file by digest, as it stood on the day of the copy.

    Raises:
        DataError: the package has no copyright file, or one that does not name this licence.
    """
    path = root / source.package / _DOC / source.package / "copyright"
    if not path.exists():
        raise DataError(f"{source.package} says nothing about its licence", expected=f"{_DOC}/…/copyright")
    data = path.read_bytes()
    words = PERMISSIVE.get(source.licence or "", "")
    if words.encode() not in data:
        raise DataError(
            f"the copyright file of {source.package} is not what was read",
            expected=words,
            found=str(Digest.of(data)),
            advice="Read it; its licence may have changed.",
        )
    terms = str(Digest.of(data))
    return Record(
        source=f"debian:{deb}",
        licence=source.licence,
        terms=terms,
        copied_on=on,
        opt_out=OptOut("none", "none", "none"),
        subject="none",
        residency=("*",),
        evidence=(str(Digest.of((root / deb).read_bytes())),),
    )


def choose(*, copyleft: bool, families: Sequence[str] = ()) -> tuple[Source, ...]:
    """The permissive sources, or all, of these families (none: all)."""
    return tuple(
        s for s in SOURCES if (copyleft or not s.copyleft) and (not families or s.family in families)
    )


def fetch(root: Path, package: str) -> str:
    """Download and unpack one package into `root/PACKAGE`; the name of its file.

    Raises:
        NetworkError: no mirror, or no such package.
    """
    for command in (["apt-get", "download", "-q", package], ["dpkg", "-x", "", str(root / package)]):
        if command[0] == "dpkg":
            command[2] = next(path.name for path in sorted(root.glob(f"{package}_*.deb")))
        try:
            subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=600)
        except (OSError, subprocess.SubprocessError) as error:
            raise NetworkError(
                f"cannot get the package {package}",
                found=str(getattr(error, "stderr", b"") or error)[:200],
                advice="Run on Debian with a mirror: apt-get update.",
            ) from error
    return next(path.name for path in sorted(root.glob(f"{package}_*.deb")))


def gather(chosen: Sequence[Source], root: Path, on: date, tell: Callable[[str], None]) -> Corpus:
    """Download the packages into `root` and read their pages; `tell` hears of each package."""
    root.chmod(0o755)
    files: dict[str, str] = {}
    for package in dict.fromkeys(source.package for source in chosen):
        tell(package)
        files[package] = fetch(root, package)
    records = {s.package: record(root, s, files[s.package], on) for s in chosen}
    seen: set[str] = set()
    found = [page for source in chosen for page in pages(root, source, seen)]
    return Corpus(tuple(found), records)


def balanced(corpus: Corpus, most: float) -> Corpus:
    """All Japanese, and `most` times as many bytes of English: translations first, then by hash of the id."""
    japanese = [page for page in corpus.pages if page.language == "ja"]
    twins = {page.id for page in japanese}
    room = most * sum(len(page.text.encode()) for page in japanese)
    english = [page for page in corpus.pages if page.language == "en"]
    kept: list[Page] = []
    for page in sorted(english, key=lambda p: (p.id not in twins, zlib.crc32(p.id.encode()))):
        room -= len(page.text.encode())
        if room < 0:
            break
        kept.append(page)
    return replace(corpus, pages=(*japanese, *kept))


def sizes(corpus: Corpus) -> dict[str, int]:
    """Bytes of UTF-8 by package and language."""
    sums: dict[str, int] = {}
    for page in corpus.pages:
        key = f"{page.record}/{page.language}"
        sums[key] = sums.get(key, 0) + len(page.text.encode())
    return sums


def write(corpus: Corpus, out: Path) -> Digest:
    """Write `documents.jsonl` and `records.yaml`, as `mythos data admit` reads them; the documents' digest.

    An id names one text, so here the language is a part of it; a page and its translation share their twin.
    """
    out.mkdir(parents=True, exist_ok=True)
    tongues: dict[str, set[str]] = {}
    for page in corpus.pages:
        tongues.setdefault(page.id, set()).add(page.language)
    lines = "".join(
        json.dumps(
            {
                "id": f"{page.id}.{page.language}",
                "language": page.language,
                "record": page.record,
                "text": page.text,
            }
            | ({"twin": page.id} if len(tongues[page.id]) > 1 else {}),
            ensure_ascii=False,
        )
        + "\n"
        for page in corpus.pages
    ).encode()
    write_atomic(out / "documents.jsonl", lines)
    records = {name: one.document() for name, one in corpus.records.items()}
    # JSON is YAML: the strict reader takes it as it is.
    write_atomic(out / "records.yaml", json.dumps(records, ensure_ascii=False, indent=1).encode() + b"\n")
    return Digest.of(lines)
