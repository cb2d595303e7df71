import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.engines.frames import encode
from mythos.hub.shapes import Problem, Request, read_request
from mythos.hub.written import Shape

KNOWN = [
    "model", "messages", "prompt", "stream", "stream_options", "stop", "seed", "max_tokens", "n", "best_of",
    "max_completion_tokens", "temperature", "top_p", "response_format", "logprobs", "top_logprobs", "tools",
]  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "role", "content", "text", "json_schema", "schema", "a"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)
GOOD = {"messages": [{"role": "user", "content": "Hi"}], "prompt": "Hi"}


@given(st.dictionaries(st.sampled_from(KNOWN), anything), st.sampled_from(["chat", "text"]))
def test_whatever_a_client_sends_is_a_request_or_a_named_problem(fields: dict[str, Any], api: Any) -> None:
    found = read_request(api, json.dumps(GOOD | fields).encode())
    if isinstance(found, Problem):
        assert found.status == 400
        assert found.param is not None
    else:
        encode({"kind": "generate", "body": found.body})
        assert set(found.body) <= {
            "temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "max_tokens", "stop", "messages",
            "prompt", "json_object", "json_schema", "logprobs", "top_logprobs",
        }  # fmt: skip


@given(st.binary(max_size=60))
def test_bytes_that_are_no_request_are_a_problem(raw: bytes) -> None:
    assert isinstance(read_request("chat", raw), Problem)


def read(**fields: Any) -> Request:
    found = read_request("chat", json.dumps(GOOD | fields).encode())
    assert isinstance(found, Request), found
    return found


def test_messages_are_made_plain() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    messages = [{"role": "developer", "content": "x"}, {"role": "user", "content": parts, "name": "n"}]
    assert read(messages=messages).body["messages"] == [
        {"role": "system", "content": "x"},
        {"role": "user", "content": "ab"},
    ]


def test_the_later_name_of_max_tokens_wins_and_a_seed_fits_the_library() -> None:
    body = read(max_tokens=5, max_completion_tokens=7, seed=-1).body
    assert body["max_tokens"] == 7
    assert "max_completion_tokens" not in body
    assert body["seed"] == 0xFFFF_FFFE


@pytest.mark.parametrize("depth", [30, 500])
def test_a_schema_too_deep_for_a_grammar_is_refused(depth: int) -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    asked = {"type": "json_schema", "json_schema": {"schema": schema}}
    found = read_request("chat", json.dumps(GOOD | {"response_format": asked}).encode())
    assert isinstance(found, Problem)
    assert found.param == "response_format"


def test_a_schema_too_large_is_refused_and_a_common_one_is_not() -> None:
    large = {"enum": ["x" * 1000] * 100}
    asked: Any = {"type": "json_schema", "json_schema": {"schema": large}}
    assert isinstance(read_request("chat", json.dumps(GOOD | {"response_format": asked}).encode()), Problem)
    small = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}}
    asked = {"type": "json_schema", "json_schema": {"schema": small}}
    assert read(response_format=asked).body["json_schema"] == small


def test_the_first_piece_names_the_role_and_scores_lose_token_ids() -> None:
    shape = Shape("chat", "r-1", "m", 7)
    scored = [{"id": 5, "token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}]
    first, second = shape.piece("a", scored, first=True), shape.piece("b", None, first=False)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "a"}
    assert second["choices"][0]["delta"] == {"content": "b"}
    [entry] = first["choices"][0]["logprobs"]["content"]
    assert "id" not in entry
    whole = shape.whole("ab", None, "stop", 3, 2)
    assert whole["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert whole["object"] == "chat.completion"
