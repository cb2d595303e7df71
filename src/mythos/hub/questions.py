"""Questions to data, as `/v1/ask` takes them and as a chat with the model `ask:NAME` puts them.

A chat client needs nothing but that model name: its last message is the question, and no model writes the
answer, so what would shape a model's words (`stop`, `response_format`, `logprobs`) is refused, and what would
only vary them (`temperature`, `seed`, `max_tokens`) changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from mythos.hub.shapes import Asked, Json, Problem, Request, read_json

__all__ = ["ASK", "question_of", "read_question", "written_out"]

ASK: Final = "ask:"
"""Before the name of data, where a chat client names a model."""
MOST: Final = 1_000
"""Characters of a question; `mythos.synthesis.reading` reads no more."""
_REFUSED: Final = {
    "json_schema": "response_format", "json_object": "response_format",
    "logprobs": "logprobs", "stop": "stop",
}  # fmt: skip


def read_question(raw: bytes) -> Request | Problem:
    """Check the body of `/v1/ask`."""
    document = read_json(raw)
    if isinstance(document, Problem):
        return document
    question = _question(document.get("question"), "question")
    if isinstance(question, Problem):
        return question
    data, language, sources = document.get("data"), document.get("language"), document.get("sources")
    if data is not None and not isinstance(data, str):
        return _wrong("data", "'data' must be the name of data.")
    if language not in (None, "en", "ja"):
        return _wrong("language", "'language' must be en or ja.", "invalid_value")
    if sources is not None and not isinstance(sources, bool):
        return _wrong("sources", "'sources' must be true or false.")
    if document.get("stream"):
        return _wrong("stream", "An answer from data comes whole.", "unsupported_parameter")
    asked = Asked(question, data, language, bool(sources))
    return Request("ask", None, stream=False, include_usage=False, body={}, raw=raw, ask=asked)


def question_of(request: Request) -> Request | Problem:
    """A chat with `ask:NAME` as the question that its last message is."""
    for held, field in _REFUSED.items():
        if held in request.body:
            return _wrong(field, f"An answer from data cannot honour '{field}'.", "unsupported_parameter")
    last: Json = request.body["messages"][-1]
    if last["role"] != "user":
        return _wrong("messages", "The last of 'messages' must be the user's question.", "invalid_value")
    question = _question(last["content"], "messages")
    if isinstance(question, Problem):
        return question
    return replace(request, ask=Asked(question, (request.model or "").removeprefix(ASK)))


def written_out(document: Json) -> str:
    """An answer as text: every number as the renderer wrote it, then how the question was read."""
    text = "".join(part.get("text") or part.get("shown", "") for part in document["parts"])
    if document["kind"] == "refusal":
        why = document["why"]
        return f"{text}\n\n({document['reason']}: {why})" if why else f"{text}\n\n({document['reason']})"
    japanese, model = document["language"] == "ja", document["planned_by"]
    said = [f"{'解釈' if japanese else 'read as'}: {document['read_as']}"] if document["read_as"] else []
    said += [f"{'計画したモデル' if japanese else 'planned by'}: {model}"] if model else []
    return f"{text}\n\n({'; '.join(said)})" if said else text


def _question(value: Any, param: str) -> str | Problem:
    if not isinstance(value, str):
        return _wrong(param, f"'{param}' must be a question in words.")
    try:
        value.encode()
    except UnicodeEncodeError:
        return _wrong(param, f"'{param}' holds half of a surrogate pair.", "invalid_value")
    text = value.strip()
    if not 0 < len(text) <= MOST:
        return _wrong(param, f"A question must have 1 to {MOST} characters.", "invalid_value")
    return text


def _wrong(param: str, message: str, code: str = "invalid_type") -> Problem:
    return Problem(400, message, code, param=param)
