"""One name in many spellings: Latin forms of a name in any script, and keys that romanisations share.

A name is read in its own script first (kana and Hangul by rule, kanji and hanzi by dictionary, Cyrillic and
Arabic by table), for a general transliterator reads kanji as Mandarin and finds no Japanese person. Two keys
come after: `fold` merges what systems of romanisation write differently (Gim, Kim; Hsu, Xu; Saitou, Saito),
and `skeleton` keeps its consonants only, because Arabic writes no short vowels.

Sources: Revised Romanization of Korean (2000), Hepburn as in ISO 3602 loose, BGN/PCGN Russian 1947, Hans Wehr
consonants, the Wade-Giles table of the Library of Congress.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

MAX_NAME: Final = 200
"""Characters of a name that are read; `unread` tells of a longer one."""

_KANA: Final = dict(
    zip(
        "アイウエオカキクケコガギグゲゴサシスセソザジズゼゾタチツテトダヂヅデドナニヌネノハヒフヘホバビブベボパピプペポ"
        "マミムメモヤユヨラリルレロワヰヱヲンヴァィゥェォ",
        (
            "a i u e o ka ki ku ke ko ga gi gu ge go sa shi su se so za ji zu ze zo ta chi tsu te to "
            "da ji zu de do na ni nu ne no ha hi fu he ho ba bi bu be bo pa pi pu pe po ma mi mu me mo "
            "ya yu yo ra ri ru re ro wa i e o n vu a i u e o"
        ).split(),
        strict=True,
    )
)
_SMALL: Final = {"ャ": "a", "ュ": "u", "ョ": "o"}
_INITIALS: Final = "g kk n d tt r m b pp s ss - j jj ch k t p h".split()
_MEDIALS: Final = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i".split()
_FINALS: Final = ["", *"k k k n n n t l k m l l l p l m p p t t ng t t k t p t".split()]
_SURNAMES: Final = {
    "김": "kim", "이": "lee", "박": "park", "최": "choi", "정": "jung", "강": "kang", "조": "cho",
    "윤": "yoon", "임": "lim", "신": "shin", "유": "yoo", "노": "roh", "우": "woo", "문": "moon",
    "구": "koo", "안": "ahn",
}  # fmt: skip
"""Surnames that are mostly written otherwise than by the rule."""
_CYRILLIC: Final = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґў",
        "a b v g d e e zh z i i k l m n o p r s t u f kh ts ch sh shch  y  e yu ya i i e g u".split(" "),
        strict=True,
    )
)  # fmt: skip
_ARABIC: Final = (
    dict(
        zip(
            "ابتثجحخدذرزسشصضطظعغفقكلمنهويىةءأإآؤئپچژگ",
            "a b t th j h kh d dh r z s sh s d t z a gh f q k l m n h w y a a  a i a w y p ch zh g".split(
                " "
            ),
            strict=True,
        )
    )
    | dict.fromkeys("\u064b\u064c\u064d\u0651\u0652", "")
    | {"\u064e": "a", "\u064f": "u", "\u0650": "i"}
)
_GREEK: Final = dict(zip(
    "αβγδεζηθικλμνξοπρσςτυφχψω", "a v g d e z i th i k l m n x o p r s s t y f kh ps o".split(), strict=True
))  # fmt: skip
_LOOKALIKES: Final = str.maketrans(
    "аеорсухіјѕһԁԛԝӏАВЕКМНОРСТХУІЈЅԌԚԜοινρυαΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijshdqwlABEKMHOPCTXYIJSGQWoivpuaABEZHIKMNOPTYX",
)
_INVISIBLE: Final = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters, says Unicode, that fill a place and show nothing; format characters show nothing either."""
_WADE_GILES: Final = (
    ("zh", "ch"), ("q", "ch"), ("j", "ch"), ("x", "hs"), ("z", "ts"), ("c", "ts"), ("r", "j"), ("b", "p"),
    ("d", "t"), ("g", "k"),
)  # fmt: skip
_WADE_FINALS: Final = (
    ("ian", "ien"), ("ie", "ieh"), ("ue", "ueh"), ("ong", "ung"), ("si", "ssu"), ("zi", "tzu"), ("ci", "tzu"),
    ("shi", "shih"), ("zhi", "chih"), ("chi", "chih"), ("ri", "jih"), ("you", "yu"), ("yi", "i"),
    ("er", "erh"),
)  # fmt: skip
_FOLDS: Final = (
    ("[^a-z ]", ""), ("shch|sch|sh|hs|ss", "s"), ("q(?=[iu])", "c"), ("kh|gh|ck|q", "k"),
    ("tch|tsch|zh|ch|ts|tz|dz|dj|j|z", "c"), ("x", "s"), ("ph|f|v|w", "w"), ("dh|th|d", "t"), ("b", "p"),
    ("ng", "n"), ("g", "k"), ("l", "r"), ("y(?=[aeou])", ""), ("y|ee|ii|ie|ei|ea", "i"),
    ("oo|ou|uu|eu|wo|w(?=o)", "u"), ("eo|oh|ow|oe|o", "u"), ("aa|ah|ae|ai(?= |$)|e", "a"), (r"(.)\1+", r"\1"),
    ("(?<=[aiu])h(?= |$)|(?<=[a-z])h(?=[^aiu ]|$)", ""),
)  # fmt: skip
_COMPILED: Final = tuple((re.compile(pattern), to) for pattern, to in _FOLDS)


def latin(text: str) -> str:
    """Lower-case letters and single spaces: accents gone, what is not a letter a space."""
    plain = unicodedata.normalize("NFKD", text.translate(_PECULIAR)).casefold()
    kept = "".join(c for c in plain if not unicodedata.category(c).startswith("M"))
    return " ".join(re.sub(r"[^a-z]+", " ", re.sub("['’ʼ`ʻ-]", "", kept)).split())


_PECULIAR: Final = str.maketrans(
    {"ł": "l", "Ł": "l", "ø": "o", "Ø": "o", "đ": "d", "Đ": "d", "æ": "ae", "ı": "i", "ß": "ss"}
)


def forms(name: str) -> tuple[str, ...]:
    """Every Latin form of a name, the likeliest first; empty when no letter of it can be read."""
    found = dict.fromkeys(form for form in map(latin, _read(_plain(name))) if form)
    spaced = (re.sub(r"\b([a-z]) (?=[a-z]\b)", r"\1", form) for form in tuple(found))  # J o h n
    return tuple(found | dict.fromkeys(spaced))


def unread(name: str) -> bool:
    """Whether a letter of it is in no form: that nothing was found near it then says nothing."""
    scripts = _scripts(_plain(name))
    return len(name) > MAX_NAME or "other" in scripts or not forms(name)


def _plain(name: str) -> str:
    shown = (c for c in name[:MAX_NAME] if c not in _INVISIBLE and unicodedata.category(c) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", "".join(shown)).split())


def _scripts(text: str) -> set[str]:
    """The scripts of its letters; a mark such as the apostrophe of O\u02bcBrien is none."""
    return {_script(c) for c in text if c.isalpha() and unicodedata.category(c) != "Lm"}


def fold(form: str) -> str:
    """The key that spellings of one name share; of a form that `forms` gave, word by word."""
    return " ".join(_fold_word(word) for word in form.split())


@cache
def _fold_word(word: str) -> str:
    for pattern, to in _COMPILED:
        word = pattern.sub(to, word)
    return word


def skeleton(folded: str) -> str:
    """The consonants of a folded form, the words run together in order of the alphabet."""
    return " ".join(sorted(re.sub("[aeiouw h]", "", word) for word in folded.split()))


def _read(text: str) -> Iterator[str]:
    scripts = _scripts(text)
    alike = "latin" in scripts and not scripts.isdisjoint({"cyrillic", "greek"})
    if alike:
        yield text.translate(_LOOKALIKES)  # letters that only look alike
    if "hangul" in scripts:
        yield from _korean(text)
    if "han" in scripts or "kana" in scripts:
        yield from _japanese(text)
    if "han" in scripts and "kana" not in scripts:
        yield from _chinese(text)
    for script, table in (("cyrillic", _CYRILLIC), ("arabic", _ARABIC), ("greek", _GREEK)):
        if script in scripts:
            letters = unicodedata.normalize("NFD", text) if script == "greek" else text
            spelled = "".join(table.get(c, c) for c in letters.casefold())
            yield spelled.replace("oy", "ou") if script == "greek" else spelled
    if "latin" in scripts and not alike:
        yield text


def _script(character: str) -> str:
    name = unicodedata.name(character, "")
    for start, script in _SCRIPTS:
        if name.startswith(start):
            return script
    return "other"


_SCRIPTS: Final = (
    ("LATIN", "latin"), ("CYRILLIC", "cyrillic"), ("GREEK", "greek"), ("ARABIC", "arabic"),
    ("HANGUL", "hangul"), ("HIRAGANA", "kana"), ("KATAKANA", "kana"), ("CJK", "han"),
)  # fmt: skip


def romaji(kana: str) -> str:
    """Kana in loose Hepburn; long vowels stay written out."""
    text = "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c for c in kana)
    out: list[str] = []
    double = False
    for c in text:
        sound = _KANA.get(c, "")
        if c == "ッ":
            double = True
            continue
        if c in _SMALL and out:
            stem = out.pop()[:-1]
            sound = (stem if stem in {"sh", "ch", "j"} else stem + "y") + _SMALL[c]
        elif c in "ァィゥェォ" and out and len(out[-1]) > 1:
            sound = out.pop()[:-1] + sound
        elif c == "ー":
            sound = ""
        elif not sound:
            sound = c
        out.append((sound[:1] if double else "") + sound)
        double = False
    return "".join(out)


def _korean(text: str) -> Iterator[str]:
    words = text.split() if " " in text else [text[:1], text[1:]] if 1 < len(text) <= 4 else [text]
    ruled = [_syllables(word) for word in words]
    usual = [_SURNAMES.get(word, spelled) for word, spelled in zip(words, ruled, strict=True)]
    yield " ".join(usual)
    yield " ".join(ruled)


def _syllables(word: str) -> str:
    out: list[str] = []
    for c in word:
        code = ord(c) - 0xAC00
        if not 0 <= code < 11_172:
            out.append(c)
            continue
        initial, medial, final = code // 588, code % 588 // 28, code % 28
        out.append((_INITIALS[initial] + _MEDIALS[medial] + _FINALS[final]).replace("-", ""))
    return "".join(out)


def _japanese(text: str) -> Iterator[str]:
    reader = _sudachi()
    if reader is None:
        if all(_script(c) == "kana" for c in text if c.isalpha()):
            yield romaji(text)
        return
    spelled = " ".join(romaji(word) for word in reader(text))
    if not any(_script(c) == "han" for c in spelled):
        yield spelled


@cache
def _sudachi() -> Callable[[str], list[str]] | None:
    """Readings of kanji by SudachiPy's dictionary (extra `ja`); `None` where it is not installed."""
    try:
        from sudachipy import Dictionary, SplitMode
    except ImportError:
        return None
    tokenizer: Any = Dictionary().tokenizer(SplitMode.A)  # pyright: ignore[reportUnknownMemberType,reportAttributeAccessIssue]

    def read(text: str) -> list[str]:
        found = [(str(word.surface()), str(word.reading_form())) for word in tokenizer.tokenize(text)]
        return [
            reading if reading and reading != "キゴウ" else surface
            for surface, reading in found
            if surface.strip()
        ]

    return read


def _chinese(text: str) -> Iterator[str]:
    try:
        from pypinyin import lazy_pinyin
    except ImportError:
        return
    words = text.split() if " " in text else [text[:1], text[1:]] if len(text) <= 3 else [text[:2], text[2:]]
    spelled = [[str(s) for s in lazy_pinyin(word)] for word in words if word]
    yield " ".join("".join(word) for word in spelled)
    yield " ".join("".join(map(wade_giles, word)) for word in spelled)


def wade_giles(pinyin: str) -> str:
    """A syllable of pinyin as Wade-Giles writes it, without its apostrophe."""
    for end, other in _WADE_FINALS:
        if pinyin == end:
            return other
    for end, other in _WADE_FINALS[:4]:
        if pinyin.endswith(end):
            pinyin = pinyin.removesuffix(end) + other
            break
    for start, other in _WADE_GILES:
        if pinyin.startswith(start):
            return other + pinyin.removeprefix(start)
    return pinyin
