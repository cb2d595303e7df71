"""Search the documents one person may read: BM25 over words, Japanese by dictionary or character pairs.

Each person's view has an index of its own, named by the digest of the texts and of the way they are cut into
words, so no word of a document closed to the caller weighs on a result. Whether a document may be retrieved
is decided before it is read.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache as once
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from mythos.errors import DataError
from mythos.files import private_folder
from mythos.synthesis.digests import prune, used
from mythos.synthesis.documents import passages, text_of
from mythos.synthesis.terms import Document, Hit, Passage, View
from mythos.synthesis.values import fold
from mythos.units import Digest

FORMAT: Final = "search/1"
MAX_TEXTS: Final = 2_000
"""Texts of documents that a private folder keeps."""
Decide = Callable[[Document], bool]
Embed = Callable[[Sequence[str]], list[list[float]]]
"""Vectors of texts, from an endpoint in the region of the documents; texts go nowhere else."""
_FUSE: Final = 60
_WORD: Final = re.compile(r"[a-z0-9]+", re.ASCII)
_JAPANESE: Final = re.compile(r"[ぁ-ヿ一-鿿々ー]+")
_STOP: Final = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "and",
        "or",
        "is",
        "are",
        "was",
        "were",
        "be",
        "by",
        "with",
        "as",
        "it",
        "this",
        "that",
    ]
)
_SILENT: Final = frozenset(("助詞", "助動詞", "補助記号", "空白", "代名詞", "接続詞", "連体詞"))
_NO_NOUN: Final = _SILENT | {"動詞", "接頭辞", "接尾辞", "副詞", "感動詞"}
_ASKING: Final = frozenset(
    (
        "何",
        "誰",
        "何時",
        "何処",
        "言う",
        "為る",
        "居る",
        "有る",
        "成る",
        "呼ぶ",
        "就く",
        "付く",
        "必要",
        "教える",
        "下さる",
    )
)
"""Words of nearly every question, in Sudachi's normal form."""


@once
def _sudachi() -> Any:
    try:
        from sudachipy import Dictionary
    except ImportError:
        return None
    return Dictionary().tokenizer()


def words(text: str, *, dictionary: bool | None = None, stems: bool = False) -> list[str]:
    """What a text is searched by: English words, Japanese words or pairs of characters.

    Args:
        text: any text.
        dictionary: cut Japanese with Sudachi's shortest units in normal form; None: where it is installed.
        stems: what a text is about: English words without endings, of Japanese ones no verbs. Not for
            searching: recall falls with them.
    """
    folded = fold(text).lower()
    found = [_stem(word) if stems else word for word in _WORD.findall(folded) if word not in _STOP]
    tokenizer = _sudachi() if dictionary in {None, True} else None
    if tokenizer is not None and _JAPANESE.search(folded):
        return found + list(_cut(folded, tokenizer, _NO_NOUN if stems else _SILENT))
    for run in _JAPANESE.findall(folded):
        found += _pairs(run)
    return found


def _cut(text: str, tokenizer: Any, silent: frozenset[str]) -> Iterator[str]:
    from sudachipy import SplitMode

    for start in range(0, len(text), 10_000):
        for morpheme in tokenizer.tokenize(text[start : start + 10_000], SplitMode.A):
            if morpheme.part_of_speech()[0] in silent:
                continue
            form = morpheme.normalized_form().lower().replace(" ", "")
            if not form.isascii() and form not in _ASKING:
                yield form


def _pairs(run: str) -> Iterator[str]:
    yield from (run[i : i + 2] for i in range(max(1, len(run) - 1)))


def _stem(word: str) -> str:
    for ending in ("ing", "edly", "ed", "ies", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: -len(ending)] + ("y" if ending == "ies" else "")
            break
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


class Index:
    """An index over passages; `search` gives the best of them, in an order that does not vary."""

    def __init__(
        self, index: Any, held: Sequence[Passage], *, dictionary: bool | None, embed: Embed | None = None
    ) -> None:
        self._index = index
        self._passages = held
        self._dictionary = dictionary
        self._embed = embed
        self._vectors = embed([p.text for p in held]) if embed and held else None

    @classmethod
    def of(
        cls,
        held: Sequence[Passage],
        folder: Path | None = None,
        *,
        dictionary: bool | None = None,
        embed: Embed | None = None,
    ) -> Index:
        """Index passages, in memory or in an empty folder."""
        import tantivy

        schema = tantivy.SchemaBuilder()
        schema.add_text_field("words", stored=False, tokenizer_name="whitespace")
        schema.add_integer_field("number", stored=True)
        index = tantivy.Index(schema.build(), path=None if folder is None else str(folder))
        writer = index.writer(heap_size=30_000_000, num_threads=1)
        for number, passage in enumerate(held):
            document = tantivy.Document()
            document.add_text(
                "words", " ".join(words(f"{passage.title} {passage.text}", dictionary=dictionary))
            )
            document.add_integer("number", number)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        return cls(index, held, dictionary=dictionary, embed=embed)

    @property
    def size(self) -> int:
        """How many passages there are."""
        return len(self._passages)

    @cached_property
    def frequency(self) -> Counter[str]:
        """In how many passages each word stands, without its ending."""
        counted: Counter[str] = Counter()
        for passage in self._passages:
            counted.update(set(words(f"{passage.title} {passage.text}", stems=True)))
        return counted

    def search(self, question: str, *, limit: int = 10) -> tuple[Hit, ...]:
        """The passages that answer best."""
        asked = list(dict.fromkeys(words(question, dictionary=self._dictionary)))[:200]
        if not asked or not self._passages:
            return ()
        query = self._index.parse_query(" ".join(f'"{word}"' for word in asked), ["words"])
        searcher = self._index.searcher()
        wide = limit if self._vectors is None else max(limit, 50)
        found = [
            (score, int(searcher.doc(at)["number"][0]))
            for score, at in searcher.search(query, wide + 20).hits
        ]
        found.sort(key=lambda hit: (-hit[0], hit[1]))
        if self._vectors is not None and self._embed is not None:
            found = _fused(
                [number for _, number in found], _nearest(self._embed([question])[0], self._vectors)
            )
        return tuple(Hit(self._passages[number], score) for score, number in found[:limit])


def _nearest(asked: Sequence[float], vectors: Sequence[Sequence[float]]) -> list[int]:
    def near(vector: Sequence[float]) -> float:
        size = sum(x * x for x in vector) ** 0.5 or 1.0
        return sum(a * b for a, b in zip(asked, vector, strict=True)) / size

    return sorted(range(len(vectors)), key=lambda i: (-near(vectors[i]), i))[:50]


def _fused(*rankings: list[int]) -> list[tuple[float, int]]:
    """Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, number in enumerate(ranking, 1):
            scores[number] = scores.get(number, 0.0) + 1 / (_FUSE + rank)
    return sorted(((score, number) for number, score in scores.items()), key=lambda hit: (-hit[0], hit[1]))


def build_index(view: View, cache: Path, may_retrieve: Decide, *, embed: Embed | None = None) -> Index:
    """The index of what a view's person may read and what may be retrieved.

    A document that cannot be read is left out: it must not keep the others from being searched.

    Args:
        view: whose documents.
        cache: a private folder, made when missing.
        may_retrieve: the decision for `retrieve` of each document.
        embed: optional vectors, fused with the words.
    """
    import tantivy

    texts: list[tuple[Document, str]] = []
    kept = private_folder(private_folder(cache) / "texts")
    for document in view.documents:
        if may_retrieve(document):
            with suppress(DataError):
                text = text_of(view.catalog.root, document, kept, view.person.id)
                texts.append((document, text))
    prune(kept, ".text", MAX_TEXTS)
    held = [passage for document, text in texts for passage in passages(document, text)]
    named = [FORMAT, _sudachi() is not None, [[p.file, p.title, str(p.document), p.start] for p in held]]
    path = private_folder(cache) / f"{Digest.of(json.dumps(named).encode()).hex}.index"
    if path.exists():
        used(path)
        with suppress(ValueError):
            return Index(tantivy.Index.open(str(path)), held, dictionary=None, embed=embed)
        shutil.rmtree(path, ignore_errors=True)
    working = Path(tempfile.mkdtemp(dir=cache))
    index = Index.of(held, working, embed=embed)
    with suppress(OSError):
        working.rename(path)
        return index
    shutil.rmtree(working, ignore_errors=True)
    return index
