"""Answer from documents by quoting them: the sentence that covers what was asked, or nothing.

No word of a quote is written by anyone but the document's author; it is a substring of the text whose digest
its reference names. A passage that leaves a rare word of the question uncovered answers another question, so
it is not quoted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Final

from mythos.errors import DataError
from mythos.synthesis.answers import Answer
from mythos.synthesis.documents import sentences, text_of
from mythos.synthesis.reading import language_of
from mythos.synthesis.search import Decide, Index, words
from mythos.synthesis.terms import Document, Hit, View
from mythos.units import Digest

ENOUGH: Final = 0.72
"""Of the question's words, by how rare they are, the share that a passage must hold."""
_LOOKED_AT: Final = 8
_SHORT: Final = 12
_ASKING: Final = frozenset(
    [
        "what",
        "who",
        "whom",
        "when",
        "where",
        "which",
        "how",
        "many",
        "much",
        "long",
        "often",
        "do",
        "does",
        "did",
        "can",
        "could",
        "should",
        "must",
        "may",
        "need",
        "have",
        "has",
        "we",
        "i",
        "you",
        "our",
        "my",
        "your",
        "there",
        "if",
        "any",
        "about",
        "tell",
        "me",
        "please",
        "say",
        "according",
        "policy",
        "rule",
        "document",
    ]
)


def quoted(question: str, view: View, index: Index, may_quote: Decide) -> dict[str, Any] | None:
    """The best sentence of the person's documents, as an answer; none when nothing covers the question.

    Args:
        question: as it was asked.
        view: whose documents.
        index: over what of them may be retrieved.
        may_quote: the decision for `quote` of a document.
    """
    telling = re.sub(r"[A-Za-z]+", lambda m: "" if m[0].lower() in _ASKING else m[0], question)
    asked = list(dict.fromkeys(words(telling, stems=True)))
    weights = _weights(asked, index)
    total = sum(weights.values())
    best: tuple[float, Hit] | None = None
    for hit in index.search(question, limit=_LOOKED_AT):
        held = set(words(f"{hit.passage.title} {hit.passage.text}", stems=True))
        covered = sum(weight for word, weight in weights.items() if word in held) / (total or 1.0)
        if covered >= ENOUGH and (best is None or covered > best[0] + 1e-9):
            best = covered, hit
    if best is None or len(asked) < 2:
        return None
    passage = best[1].passage
    document = next(d for d in view.documents if d.file == passage.file)
    if not may_quote(document):
        return None
    start, end = _sentence(passage.text, weights)
    shown = passage.text[start:end]
    at = passage.start + len(passage.text[:start].encode())
    span = [at, at + len(shown.encode())]
    _check(view, document, passage.document, span, shown)
    made = Answer(language_of(question), read_as=f"a quote from {passage.file}")
    made.quote(
        shown, {"file": passage.file, "capture": str(passage.document), "span": span, "title": passage.title}
    )
    return made.document()


def _weights(asked: Sequence[str], index: Index) -> dict[str, float]:
    """How rare each word is among the passages; one that is in none weighs most."""
    count = max(index.size, 1)
    return {word: math.log(1 + count / (0.5 + index.frequency[word])) for word in asked}


def _sentence(text: str, weights: dict[str, float]) -> tuple[int, int]:
    """The sentence that covers most of the question; a heading takes the sentence after it along."""
    spans: list[tuple[int, int]] = []
    at = 0
    for sentence in sentences(text):
        spans.append((at, at + len(sentence)))
        at += len(sentence)
    scores = [sum(weights.get(word, 0.0) for word in set(words(text[a:b], stems=True))) for a, b in spans]
    chosen = max(range(len(spans)), key=lambda i: (scores[i], -i)) if spans else 0
    start, end = spans[chosen] if spans else (0, len(text))
    bare = text[start:end].strip()
    if (len(bare) < _SHORT or bare.startswith("#") or bare.endswith((":", "："))) and chosen + 1 < len(spans):
        end = spans[chosen + 1][1]
    lead = len(text[start:end]) - len(text[start:end].lstrip())
    return start + lead, start + len(text[start:end].rstrip())


def _check(view: View, document: Document, digest: Digest, span: list[int], shown: str) -> None:
    """The second path of a quote: read the document again, and compare its bytes.

    Raises:
        DataError: the document changed since it was indexed, or the quote is not in it.
    """
    data = text_of(view.catalog.root, document).encode()
    if Digest.of(data) != digest or data[span[0] : span[1]] != shown.encode():
        raise DataError(f"{document.file} changed while it was read", advice="Ask again.", code="recheck")
