import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.engines.frames import LIMIT, Decoder, encode
from mythos.errors import EngineError

text = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
frames = st.dictionaries(text, values, max_size=4).map(lambda body: {**body, "kind": "delta"})


@given(st.lists(frames, max_size=6), st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_frames_survive_any_cut(sent: list[dict[str, Any]], cuts: list[int]) -> None:
    stream = b"".join(encode(frame) for frame in sent)
    decoder, got, at, turn = Decoder(), [], 0, 0
    while at < len(stream):
        step = cuts[turn % len(cuts)]
        got += decoder.feed(stream[at : at + step])
        at, turn = at + step, turn + 1
    assert got == sent


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"1", b'{"a":1}', b'{"kind":1}', b'"kind"', b"\xff\xfe", b"[" * 100_000]
)
def test_bodies_that_are_not_frames_are_refused(body: bytes) -> None:
    with pytest.raises(EngineError):
        Decoder().feed(len(body).to_bytes(4, "big") + body)


def test_a_length_over_the_limit_is_refused_before_its_body_arrives() -> None:
    with pytest.raises(EngineError, match="too large"):
        Decoder().feed((LIMIT + 1).to_bytes(4, "big"))


def test_the_largest_frame_passes_and_the_next_byte_does_not() -> None:
    bare = len(json.dumps({"kind": "delta", "text": ""}, separators=(",", ":")))
    frame = {"kind": "delta", "text": "x" * (LIMIT - bare)}
    assert Decoder().feed(encode(frame)) == [frame]
    frame["text"] += "x"
    with pytest.raises(EngineError) as caught:
        encode(frame)
    assert caught.value.code == "too_large"


@pytest.mark.parametrize("value", ["\ud800", float("nan"), float("inf")])
def test_what_json_cannot_carry_is_refused(value: object) -> None:
    with pytest.raises(EngineError):
        encode({"kind": "delta", "value": value})
