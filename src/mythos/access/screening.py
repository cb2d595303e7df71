"""Whom a name may mean on a list: cases for a person to decide, with the evidence beside them.

Stage one is an index over three-letter pieces of every form of every listed name: it names some forty
candidates out of tens of thousands. Stage two compares forms as words and as one string, as spelled, folded
and as consonants, and takes the best. A score is no probability; the threshold is the operator's, and what it
finds and misses is measured by `bench/screening.py`.

A hit decides nothing. An officer looks at the case and signs a disposition, in which the case is a salted
commitment: the log never learns who was looked at.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

import numpy as np

from mythos.access.names import fold, forms, skeleton
from mythos.access.watchlist import Entry, Watchlist
from mythos.errors import AccessError, MachineError
from mythos.evidence.statement import canonical, commit
from mythos.units import Digest, Instant

THRESHOLD: Final = 84
CANDIDATES: Final = 40
_OF_ONE: Final = 4
"""Forms of one entry among the candidates, so that one with many names hides no other."""
_LOOKED_AT: Final = 20
DISPOSITIONS: Final = ("true-match", "false-match", "needs-more")
_FOLDED: Final = 4
"""What a comparison of folded forms counts less than one of spelled forms."""
_CONSONANTS: Final = 9
_SHORT: Final = 4
"""Consonants that two names must share before their skeletons are compared."""
_ENOUGH: Final = 7
"""Consonants below which each one that is missing costs `_FEW` more: short skeletons fit many names."""
_FEW: Final = 2


@dataclass(frozen=True, slots=True)
class Hit:
    """One entry that a name may mean.

    Attributes:
        score: 0 to 100.
        listed: the entry's own spelling that was nearest.
        compared: the two forms that were compared, the query's first.
        by: `spelled`, `folded` or `consonants`.
    """

    entry: Entry
    score: int
    listed: str
    compared: tuple[str, str]
    by: str


@dataclass(frozen=True, slots=True)
class _Form:
    entry: int
    listed: str
    spelled: str
    folded: str
    consonants: str


class Screen:
    """An index over one list; immutable, so that a list that changes is another screen.

    `unread` are the entries of whose names no letter can be read, so that nothing finds them.
    """

    def __init__(self, watchlist: Watchlist) -> None:
        self.watchlist = watchlist
        self._scorers = _scorers()
        self._forms = [
            form for i, e in enumerate(watchlist.entries) for n in e.names for form in _forms_of(i, n)
        ]
        found = {form.entry for form in self._forms}
        self.unread = tuple(e for i, e in enumerate(watchlist.entries) if i not in found)
        pieces: defaultdict[str, list[int]] = defaultdict(list)
        for number, form in enumerate(self._forms):
            for piece in _pieces(form):
                pieces[piece].append(number)
        self._pieces = {piece: np.array(numbers, dtype=np.int32) for piece, numbers in pieces.items()}
        total = len(self._forms)
        self._weights = {
            piece: float(np.log(1 + total / len(found))) for piece, found in self._pieces.items()
        }
        sizes = [sum(self._weights[piece] for piece in _pieces(form)) for form in self._forms]
        self._sizes = np.sqrt(np.array(sizes or [1.0]))

    def search(self, name: str, *, threshold: int = THRESHOLD) -> tuple[Hit, ...]:
        """The entries that a name may mean, the likeliest first; each once."""
        best: dict[tuple[str, str], Hit] = {}
        for query in _forms_of(-1, name):
            for number in self._candidates(query):
                form = self._forms[number]
                score, compared, by = self._score(query, form)
                entry = self.watchlist.entries[form.entry]
                if score >= threshold and (entry.key not in best or best[entry.key].score < score):
                    best[entry.key] = Hit(entry, score, form.listed, compared, by)
        return tuple(sorted(best.values(), key=lambda hit: (-hit.score, hit.entry.key)))

    def _candidates(self, query: _Form) -> Iterator[int]:
        shared = np.zeros(len(self._forms))
        for piece in _pieces(query):
            found = self._pieces.get(piece)
            if found is not None:
                shared[found] += self._weights[piece]
        shared /= self._sizes
        count = min(CANDIDATES * _LOOKED_AT, len(self._forms))
        if not count:
            return
        top = np.argpartition(shared, -count)[-count:]
        taken: defaultdict[int, int] = defaultdict(int)
        left = CANDIDATES
        for number in cast("list[int]", top[np.argsort(-shared[top])].tolist()):
            entry = self._forms[number].entry
            if not left or not shared[number]:
                return
            if taken[entry] < _OF_ONE:
                taken[entry] += 1
                left -= 1
                yield number

    def _score(self, query: _Form, form: _Form) -> tuple[int, tuple[str, str], str]:
        words, joined = self._scorers
        if len(query.spelled) == 1 or len(form.spelled) == 1:
            same = query.spelled == form.spelled  # a single letter is near to everything
            return (100 if same else 0), (query.spelled, form.spelled), "spelled"
        spelled = words(query.spelled, form.spelled)
        folded = (
            max(words(query.folded, form.folded), joined(_one(query.folded), _one(form.folded))) - _FOLDED
        )
        found = max((spelled, "spelled"), (folded, "folded"))
        a, b = _one(query.consonants), _one(form.consonants)
        if min(len(a), len(b)) >= _SHORT:
            doubt = _CONSONANTS + _FEW * max(0, _ENOUGH - min(len(a), len(b)))
            found = max(found, (words(query.consonants, form.consonants) - doubt, "consonants"))
        pair = {
            "spelled": (query.spelled, form.spelled),
            "folded": (query.folded, form.folded),
            "consonants": (query.consonants, form.consonants),
        }[found[1]]
        return round(found[0]), pair, found[1]


def _forms_of(entry: int, name: str) -> list[_Form]:
    return [_Form(entry, name, form, fold(form), skeleton(fold(form))) for form in forms(name)]


def _pieces(form: _Form) -> set[str]:
    """Three-letter pieces of the folded words and, marked, of the consonants."""
    found: set[str] = set()
    for word in form.folded.split():
        padded = f" {word} "
        found.update(padded[i : i + 3] for i in range(len(padded) - 2))
    for word in form.consonants.split():
        found.update(f"#{word[i : i + 2]}" for i in range(max(1, len(word) - 1)))
    return found


def _one(form: str) -> str:
    return form.replace(" ", "")


@cache
def _scorers() -> tuple[Any, Any]:
    try:
        from rapidfuzz.fuzz import ratio, token_sort_ratio
    except ImportError as error:
        raise MachineError(
            "names cannot be screened on this machine", expected="the extra screening", found="no rapidfuzz",
            advice="pip install 'mythos-hub[screening]'",
        ) from error  # fmt: skip
    return token_sort_ratio, ratio


@dataclass(frozen=True, slots=True)
class Case:
    """What an officer decides about: a name, the list it was held against, and what was found.

    `salt` and the document stay with the operator; `commitment` is all that the log learns.
    """

    name: str
    list_digest: Digest
    hits: tuple[Hit, ...]
    opened_at: Instant
    salt: bytes

    @classmethod
    def open(cls, name: str, screen: Screen, hits: tuple[Hit, ...], now: Instant) -> Case:
        """A case with a fresh salt."""
        return cls(name, screen.watchlist.digest, hits, now, secrets.token_bytes(32))

    def document(self) -> dict[str, Any]:
        """The case as JSON, for the officer and for the operator's own file."""
        return {
            "name": self.name,
            "list": str(self.list_digest),
            "openedAt": str(self.opened_at),
            "hits": [
                {
                    "source": hit.entry.source,
                    "id": hit.entry.id,
                    "version": str(hit.entry.version),
                    "score": hit.score,
                    "listed": hit.listed,
                    "compared": list(hit.compared),
                    "by": hit.by,
                    "names": list(hit.entry.names),
                    "countries": list(hit.entry.countries),
                    "born": list(hit.entry.born),
                }
                for hit in self.hits
            ],
        }

    @property
    def commitment(self) -> Digest:
        """What a disposition names in the log."""
        return Digest(commit(self.salt, "screening-case", canonical(self.document())))


def check_disposition(text: str) -> str:
    """One of the words an officer may sign.

    Raises:
        AccessError: another word.
    """
    if text not in DISPOSITIONS:
        raise AccessError("not a disposition", expected=" | ".join(DISPOSITIONS), found=text[:40])
    return text
