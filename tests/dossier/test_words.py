import string
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.dossier.page import _MARKS
from mythos.dossier.passport import WANTED, Level
from mythos.dossier.reach import State
from mythos.dossier.words import WORDS, clean, phrase

OUTCOMES = "applies applies_not_enforced compliance_pending transition voluntary below_threshold excluded out_of_scope not_in_force needs_review needs_fact"
ENTRIES = [(section, key) for section, keys in WORDS.items() for key in keys if section != "audience-codes"]


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize(("section", "key"), ENTRIES)
def test_both_languages_say_it_with_the_same_values(section: str, key: str) -> None:
    said = WORDS[section][key]
    assert said["en"].strip()
    assert said["ja"].strip()
    # A language may leave a value out, but never needs one that the other does not have.
    assert places(said["ja"]) <= places(said["en"]) | {"hub"}
    assert said["en"].isascii() or set(said["en"]) <= set(string.printable) | set("“”→·日本語")


def test_there_are_words_for_every_code() -> None:
    assert set(WORDS["outcomes"]) == set(OUTCOMES.split())
    assert set(WORDS["levels"]) == set(Level)
    assert set(WORDS["state-names"]) == set(State) <= set(WORDS["states"])
    assert {f"no-{kind}" for kind in WANTED} <= set(WORDS["missing"])
    assert set(WORDS["distrust"]) == {
        "unknown_version",
        "unknown_act",
        "malformed",
        "not_trusted",
        "quota",
        "bad_signature",
    }
    assert set(_MARKS) == {"good", "open", "bad", "plain"}


def test_every_sentence_is_used() -> None:
    room = files("mythos.dossier")
    code = "".join(f.read_text("utf-8") for f in room.iterdir() if f.name.endswith(".py"))
    computed = {
        "outcomes",
        "levels",
        "states",
        "state-names",
        "missing",
        "distrust",
        "unproven",
        "audiences",
        "headings",
    }
    unused = [f"{s}.{k}" for s, k in ENTRIES if s not in computed and f'"{k}"' not in code]
    assert not unused


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain Ünïcode 日本語 عربي", "plain Ünïcode 日本語 عربي"),
        ("safe\u202etxt.exe", "safe⟨U+202E⟩txt.exe"),
        ("a\u2066b\u2069", "a⟨U+2066⟩b⟨U+2069⟩"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        ("line\nbreak\x00\x1b[31m", "line⟨U+000A⟩break⟨U+0000⟩⟨U+001B⟩[31m"),
        ("\ufeff\u2028", "⟨U+FEFF⟩⟨U+2028⟩"),
    ],
)
def test_what_text_would_hide_is_shown(text: str, shown: str) -> None:
    assert clean(text) == shown
    assert phrase("page", "log", origin=text, size="1", acts="1").text("en").startswith(shown)


@given(st.text())
def test_clean_text_is_printable_and_stays_so(text: str) -> None:
    assert clean(text).isprintable() or " " in text or "\u3000" in text or any(c.isspace() for c in text)
    assert clean(clean(text)) == clean(text)


def test_phrases_nest_in_their_own_language() -> None:
    inner = (
        phrase("verdicts", "reach-hub", hub="A", until="noon"),
        phrase("verdicts", "reach-hub", hub="B", until="one"),
    )
    outer = phrase("verdicts", "reach-open", hubs=inner)
    assert outer.text("en") == "Readable at A until noon, B until one."
    assert outer.text("ja") == "A(noonまで)、B(oneまで)で読める。"
