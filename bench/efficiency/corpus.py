"""Technical text in Japanese and English from Debian's documentation packages, as one JSONL file.

    python bench/efficiency/corpus.py --out corpus.jsonl             # permissive licences only
    python bench/efficiency/corpus.py --out corpus.jsonl --copyleft  # adds manuals under GPL and GFDL

Each line is {"id", "language", "licence", "text"}. A Japanese page and its English twin carry one id, so that
a split by id keeps both on one side. Text is NFKC; lines of 16 characters or more are kept once in the whole
corpus; pages under 300 characters are dropped, and so are pages that are not in the language of their folder.
Packages come from the machine's own Debian mirror (`apt-get download`, nothing is installed).
"""

import argparse
import gzip
import json
import re
import subprocess
import tempfile
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

BLOCKS = {"p", "li", "dt", "dd", "tr", "pre", "h1", "h2", "h3", "h4", "h5", "div", "table", "br", "section"}
SKIPPED = {"script", "style", "nav", "head", "header", "footer", "aside", "button", "svg", "noscript"}
CHROME = re.compile(
    r"toplang|bottomlang|page-header|sphinxsidebar|navheader|navfooter|related|quickview|footer|topmenu|path"
)
WRAPPED = re.compile(
    r"(?<=[\u3000-\u9fff]) (?=[\u3000-\u9fff])"
)  # Japanese has no spaces: these were line ends
VOID = {"img", "br", "hr", "meta", "link", "input", "col", "area", "base", "wbr", "source"}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a language's pages stand in a package, and under which licence."""

    package: str
    folder: str
    pattern: str
    language: str
    family: str
    licence: str
    copyleft: bool = False


_HTTPD = "usr/share/doc/apache2-doc/manual"
_OFFICE = "usr/share/libreoffice/help"
SOURCES = (
    Source("apache2-doc", f"{_HTTPD}/ja", "*.html", "ja", "httpd", "Apache-2.0"),
    Source("apache2-doc", f"{_HTTPD}/en", "*.html", "en", "httpd", "Apache-2.0"),
    Source("libreoffice-help-ja", f"{_OFFICE}/ja/text", "*.html", "ja", "libreoffice", "MPL-2.0"),
    Source("libreoffice-help-en-us", f"{_OFFICE}/en-US/text", "*.html", "en", "libreoffice", "MPL-2.0"),
    Source("sqlite3-doc", "usr/share/doc/sqlite3", "*.html", "en", "sqlite", "public domain"),
    Source("python3.11-doc", "usr/share/doc/python3.11/html", "*.html", "en", "python", "PSF-2.0"),
    Source(
        "postgresql-doc-15",
        "usr/share/doc/postgresql-doc-15/html",
        "*.html",
        "en",
        "postgresql",
        "PostgreSQL",
    ),
    Source(
        "manpages-ja", "usr/share/man/ja", "*.gz", "ja", "man", "per page, see the package", copyleft=True
    ),
    Source(
        "manpages-ja-dev", "usr/share/man/ja", "*.gz", "ja", "man", "per page, see the package", copyleft=True
    ),
    Source("manpages", "usr/share/man", "*.gz", "en", "man", "per page, see the package", copyleft=True),
    Source("manpages-dev", "usr/share/man", "*.gz", "en", "man", "per page, see the package", copyleft=True),
    Source(
        "debian-reference-ja",
        "usr/share/debian-reference",
        "*.ja.html",
        "ja",
        "debian",
        "GPL-2+",
        copyleft=True,
    ),
    Source(
        "debian-reference-en",
        "usr/share/debian-reference",
        "*.en.html",
        "en",
        "debian",
        "GPL-2+",
        copyleft=True,
    ),
)


class _Page(HTMLParser):
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
    page = _Page()
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


def clean(text: str, seen: set[int]) -> str:
    """NFKC, one space between words (none in Japanese), every longer line once in the whole corpus."""
    kept: list[str] = []
    for raw in unicodedata.normalize("NFKC", text).replace("\u00b6", "").splitlines():
        line = WRAPPED.sub("", re.sub(r"\s+", " ", raw)).strip()
        if len(line) >= 16:
            key = hash(line)
            if key in seen:
                continue
            seen.add(key)
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


def documents(root: Path, source: Source, seen: set[int]) -> Iterator[dict[str, str]]:
    """The pages of one source, in the order of their paths."""
    folder = root / source.package / source.folder
    for path in sorted(folder.rglob(source.pattern)):
        inside = path.relative_to(folder)
        if source.family == "man" and not inside.parts[0].startswith("man"):
            continue
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        raw = data.decode("utf-8", errors="replace")
        text = clean(from_roff(raw) if path.suffix == ".gz" else from_html(raw), seen)
        if len(text) < 300 or not is_in(source.language, text):
            continue
        name = re.sub(r"(\.(ja|en))?\.(html|gz)$", "", inside.as_posix())
        yield {
            "id": f"{source.family}/{name}",
            "language": source.language,
            "licence": source.licence,
            "text": text,
        }


def main() -> None:
    """Download, extract, clean, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--copyleft", action="store_true")
    parser.add_argument(
        "--english", type=float, help="At most so many bytes of English for each of Japanese, twins first."
    )
    parser.add_argument("--family", action="append", help="only this family, such as httpd; may be repeated")
    options = parser.parse_args()
    chosen = [
        s
        for s in SOURCES
        if (options.copyleft or not s.copyleft) and (not options.family or s.family in options.family)
    ]
    found = gather(chosen)
    if options.english is not None:
        found = balanced(found, options.english)
    sums: dict[str, int] = {}
    with open(options.out, "w", encoding="utf-8") as out:
        for document in found:
            out.write(json.dumps(document, ensure_ascii=False) + "\n")
            key = f"{document['id'].partition('/')[0]}/{document['language']}"
            sums[key] = sums.get(key, 0) + len(document["text"].encode())
    for key, size in sums.items():
        print(f"{key:20} {size / 1e6:8.2f} MB")


def gather(chosen: list[Source]) -> list[dict[str, str]]:
    """Download the packages of the chosen sources and read their pages."""
    seen: set[int] = set()
    found: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        for package in dict.fromkeys(source.package for source in chosen):
            subprocess.run(["apt-get", "download", "-q", package], cwd=root, check=True, capture_output=True)
            subprocess.run(["dpkg", "-x", next(root.glob(f"{package}_*.deb")), root / package], check=True)
        for source in chosen:
            found += documents(root, source, seen)
    return found


def balanced(found: list[dict[str, str]], most: float) -> list[dict[str, str]]:
    """All Japanese and as much English: translated pages first, then others by the hash of their id."""
    japanese = [document for document in found if document["language"] == "ja"]
    twins = {document["id"] for document in japanese}
    room = most * sum(len(document["text"].encode()) for document in japanese)
    english = [document for document in found if document["language"] == "en"]
    kept: list[dict[str, str]] = []
    for document in sorted(english, key=lambda d: (d["id"] not in twins, zlib.crc32(d["id"].encode()))):
        room -= len(document["text"].encode())
        if room < 0:
            break
        kept.append(document)
    return [*japanese, *kept]


if __name__ == "__main__":
    main()
