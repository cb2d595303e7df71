import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos import strict_yaml
from mythos.errors import FormatError


def test_scalars_are_their_text() -> None:
    text = 'a: NO\nb: 1.0e26\nc: null\nd: [true, "true", ~, "null"]\ne: 2026-06-12\nf: 0x1f\ng:\n'
    assert strict_yaml.loads(text) == {
        "a": "NO", "b": "1.0e26", "c": None, "d": [True, "true", None, "null"], "e": "2026-06-12", "f": "0x1f", "g": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\na: 2\n", "stands twice"),
        ("a: &x 1\nb: *x\n", "not allowed"),
        ("a: !!int 3\n", "not allowed"),
        ("a: !!python/object:os.system {}\n", "not allowed"),
        ("- a\n---\n- b\n", "single document"),
        ("{[1]: 2}\n", "plain text"),
        ("a: [1\n", "not YAML"),
        ("\x00", "not YAML"),
        (b"a: \xff", "not UTF-8"),
        ("[" * 45 + "]" * 45, "nested too deeply"),
        ("[" * 20_000, "nested too deeply|not YAML"),
        ("a: " + "x" * 5_000_000, "too large"),
    ],
)
def test_what_is_refused(text: str | bytes, says: str) -> None:
    with pytest.raises(FormatError, match=says):
        strict_yaml.loads(text, where="law.yaml")


def test_the_bomb_of_billion_laughs_is_refused_at_its_first_anchor() -> None:
    with pytest.raises(FormatError):
        strict_yaml.loads("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n")


def test_anchors_are_taken_where_a_reader_allows_them() -> None:
    assert strict_yaml.loads("a: &x [1, 2]\nb: *x\n", anchors=True) == {"a": ["1", "2"], "b": ["1", "2"]}
    with pytest.raises(FormatError, match="not allowed"):
        strict_yaml.loads("a: !!int 3\n", anchors=True)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]\n",
        "".join(f"k{i}: &k{i} [{', '.join([f'*k{i - 1}' if i else 'x'] * 10)}]\n" for i in range(9)),
    ],
)
def test_what_anchors_stand_for_is_bounded(text: str) -> None:
    with pytest.raises(FormatError, match="too large"):
        strict_yaml.loads(text, anchors=True)


@given(st.text(max_size=200))
def test_any_text_is_a_value_or_a_format_error(text: str) -> None:
    with contextlib.suppress(FormatError):
        strict_yaml.loads(text)
