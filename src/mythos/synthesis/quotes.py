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
from mythos.synthesis.values import fold
from mythos.units import Digest

ENOUGH: Final = 0.72
"""Of the question's words, by how rare they are, the share that a passage must hold."""
ENOUGH_OF_TITLE: Final = 0.4
"""The same where the question names the document."""
_LOOKED_AT: Final = 12
_INSTRUCTION: Final = re.compile(
    r"please (?:show|quote|cite) the (?:source|passage)\.?"
    r"|該当(?:箇所|部分)を(?:引用|示)してください。?|出典を示してください。?",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(
    r"according to the (?P<en>[^:,?]{3,80})[:,]|[「『](?P<ja>[^」』]{2,60})[」』]によ(?:ると|れば)、?",
    re.IGNORECASE,
)
_COUNTED: Final = re.compile(
    r"何|いくら|いつ|\bhow (?:many|much|long|often|far|high)\b|\bwhen\b|\bwhat time\b", re.IGNORECASE
)
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
    bare, title = _of_title(question, view)
    asked = _telling(bare)
    weights = _weights(asked, index)
    total = sum(weights.values())
    best: tuple[float, Hit] | None = None
    for hit in index.search(bare, limit=_LOOKED_AT):
        if title is not None and hit.passage.title != title:
            continue
        held = set(words(f"{hit.passage.title} {hit.passage.text}", stems=True))
        missing = [word for word in weights if word not in held]
        covered = 1 - sum(weights[word] for word in missing) / (total or 1.0)
        if title is None and any(index.frequency[word] == 0 for word in missing):
            continue
        least = ENOUGH_OF_TITLE if title is not None else ENOUGH
        if covered >= least and (best is None or covered > best[0] + 1e-9):
            best = covered, hit
    if best is None or (len(asked) < 2 and title is None):
        return None
    passage = best[1].passage
    document = next(d for d in view.documents if d.file == passage.file)
    if not may_quote(document):
        return None
    start, end = _sentence(passage.text, weights, question, passage.title)
    shown = passage.text[start:end]
    at = passage.start + len(passage.text[:start].encode())
    span = [at, at + len(shown.encode())]
    _check(view, document, passage.document, span, shown)
    language = language_of(question)
    told = f"文書 {passage.file} からの引用" if language == "ja" else f"a quote from {passage.file}"
    made = Answer(language, read_as=told)
    made.quote(
        shown, {"file": passage.file, "capture": str(passage.document), "span": span, "title": passage.title}
    )
    return made.document()


def holds(text: str, question: str) -> bool:
    """Whether a text has every word that a question is about; `いくら` (how much) is none."""
    return set(_telling(question)) - {"幾ら"} <= set(words(text, stems=True))


def _telling(question: str) -> list[str]:
    """What a question is about, without the words that make it a question."""
    telling = re.sub(r"[A-Za-z]+", lambda m: "" if m[0].lower() in _ASKING else m[0], question)
    return list(dict.fromkeys(words(telling, stems=True)))


def _of_title(question: str, view: View) -> tuple[str, str | None]:
    """The question without instructions, and the title of the document that it is put to."""
    bare = _INSTRUCTION.sub("", question)
    found = _NAMED.search(bare)
    if found is None:
        return bare, None
    named = fold(found["en"] or found["ja"]).lower()
    title = next((d.title for d in view.documents if fold(d.title).lower() == named), None)
    return (bare, None) if title is None else (bare.replace(found[0], " "), title)


def _weights(asked: Sequence[str], index: Index) -> dict[str, float]:
    """How rare each word is among the passages; one that is in none weighs most."""
    count = max(index.size, 1)
    return {word: math.log(1 + count / (0.5 + index.frequency[word])) for word in asked}


def _sentence(text: str, weights: dict[str, float], question: str, title: str) -> tuple[int, int]:
    """The sentence that covers most of the question; words of the title say little."""
    spans: list[tuple[int, int]] = []
    at = 0
    for sentence in sentences(text):
        spans.append((at, at + len(sentence)))
        at += len(sentence)
    spans = [(a, b) for a, b in spans if is_sentence(text[a:b])] or spans or [(0, len(text))]
    of_title = set(words(title, stems=True))
    extra = max(weights.values(), default=0.0) / 2 if _COUNTED.search(question) else 0.0

    def score(span: tuple[int, int]) -> float:
        held = text[span[0] : span[1]]
        covered = sum(
            weights.get(word, 0.0) * (0.3 if word in of_title else 1.0)
            for word in set(words(held, stems=True))
        )
        return covered + (extra if any(character.isdigit() for character in held) else 0.0)

    start, end = max(spans, key=lambda span: (score(span), -span[0]))
    lead = len(text[start:end]) - len(text[start:end].lstrip())
    return start + lead, start + len(text[start:end].rstrip())


def is_sentence(text: str) -> bool:
    """Whether a text is a whole sentence, and no heading."""
    bare = text.strip()
    return not bare.startswith("#") and bare.endswith(("。", ".", "!", "?", "！", "？"))


def _check(view: View, document: Document, digest: Digest, span: list[int], shown: str) -> None:
    """The second path of a quote: read the document again, and compare its bytes.

    Raises:
        DataError: the document changed since it was indexed, or the quote is not in it.
    """
    data = text_of(view.catalog.root, document).encode()
    if Digest.of(data) != digest or data[span[0] : span[1]] != shown.encode():
        raise DataError(f"{document.file} changed while it was read", advice="Ask again.", code="recheck")
