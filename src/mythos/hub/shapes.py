"""What clients send: the OpenAI shapes, read strictly; `written` is what they get.

A field of the wrong type is a 400 that names it; a field nobody knows is ignored, as OpenAI does; a field
that is known and would change the answer, but that this hub cannot honour (tools, `n` above 1), is a 400 too:
an answer that silently ignored it would be a wrong answer.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

__all__ = ["Asked", "Json", "Problem", "Request", "read_json", "read_request"]

_SCHEMA_BYTES: Final = 64 << 10
_SCHEMA_DEPTH: Final = 24
_MESSAGES: Final = 1024
_ROLES: Final = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_UNSUPPORTED: Final = ("tools", "functions", "audio", "suffix", "echo", "logit_bias", "prediction", "grammar")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal of a call, as HTTP and OpenAI say it.

    Attributes:
        status: the HTTP status.
        message: one sentence for people.
        code: for programs.
        kind: OpenAI's `type`.
        param: the field at fault.
        more: further members of the error object (`cite`, `needs`).
        retry: seconds after which to try again.
    """

    status: int
    message: str
    code: str
    kind: str = "invalid_request_error"
    param: str | None = None
    more: tuple[tuple[str, Any], ...] = ()
    retry: int | None = None

    def to_dict(self) -> Json:
        """The OpenAI error object."""
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return {"error": error | dict(self.more)}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to data.

    Attributes:
        data: the name of the data; None where the client named none.
        language: of the answer; None: that of the question.
        sources: whether rows and passages are sent along.
    """

    question: str
    data: str | None
    language: Literal["en", "ja"] | None = None
    sources: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A checked request.

    Attributes:
        model: the model asked for; None when the client named none, which means the one that is open.
        body: what the engine gets.
        raw: the exact bytes the client sent.
        ask: the question to data that this is, if it is one.
    """

    api: Literal["chat", "text", "ask"]
    model: str | None
    stream: bool
    include_usage: bool
    body: Json
    raw: bytes
    ask: Asked | None = None


class _WrongError(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def read_json(raw: bytes) -> Json | Problem:
    """A request body as a JSON object, or what is wrong with it."""
    try:
        value: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return Problem(400, "The body is not JSON in UTF-8.", "invalid_json")
    if not isinstance(value, dict):
        return Problem(400, "The body is not a JSON object.", "invalid_json")
    return cast("Json", value)


def read_request(api: Literal["chat", "text"], raw: bytes) -> Request | Problem:
    """Check the body of a chat or text completion."""
    document = read_json(raw)
    if isinstance(document, Problem):
        return document
    try:
        return _request(api, document, raw)
    except _WrongError as error:
        return error.problem


def _request(api: Literal["chat", "text"], document: Json, raw: bytes) -> Request:
    for name in _UNSUPPORTED:
        if document.get(name):
            raise _wrong(name, f"This hub does not support '{name}'.", "unsupported_parameter")
    for name in ("n", "best_of"):
        asked = document.get(name, 1)
        if isinstance(asked, bool) or asked not in (None, 1):
            raise _wrong(name, f"This hub answers once: '{name}' must be 1.", "unsupported_parameter")
    body: Json = {}
    _number(document, body, "temperature", 0, 2)
    _number(document, body, "top_p", 0, 1)
    _number(document, body, "presence_penalty", -2, 2)
    _number(document, body, "frequency_penalty", -2, 2)
    _integer(document, body, "seed", -(2**63), 2**63 - 1)
    if "seed" in body:
        body["seed"] &= 0xFFFF_FFFE  # the library takes 32 bits, of which all ones mean: any seed
    for name in ("max_tokens", "max_completion_tokens"):
        if document.get(name) is not None:
            _integer(document, body, name, 1, 1 << 20)
            body["max_tokens"] = body.pop(name)
    _stop(document, body)
    if api == "chat":
        body["messages"] = _messages(document.get("messages"))
        _format(document.get("response_format"), body)
        if _boolean(document, "logprobs"):
            body["logprobs"] = True
            _integer(document, body, "top_logprobs", 0, 20)
    else:
        body["prompt"] = _prompt(document.get("prompt"))
        _integer(document, body, "logprobs", 0, 5)
    return Request(
        api=api,
        model=None if document.get("model") is None else _text(document["model"], "model"),
        stream=_boolean(document, "stream"),
        include_usage=_include_usage(document),
        body=body,
        raw=raw,
    )


def _wrong(param: str, message: str, code: str = "invalid_type") -> _WrongError:
    return _WrongError(Problem(400, message, code, param=param))


def _number(document: Json, body: Json, name: str, least: float, most: float) -> None:
    value = document.get(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(name, f"'{name}' must be a number.")
    if not least <= value <= most:
        raise _wrong(name, f"'{name}' must be from {least} to {most}.", "invalid_value")
    body[name] = value


def _integer(document: Json, body: Json, name: str, least: int, most: int) -> None:
    value = document.get(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(name, f"'{name}' must be a whole number.")
    if not least <= value <= most:
        raise _wrong(name, f"'{name}' must be from {least} to {most}.", "invalid_value")
    body[name] = value


def _boolean(document: Json, name: str) -> bool:
    value = document.get(name)
    if value is not None and not isinstance(value, bool):
        raise _wrong(name, f"'{name}' must be true or false.")
    return bool(value)


def _text(value: Any, param: str) -> str:
    if not isinstance(value, str):
        raise _wrong(param, f"'{param}' must be text.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _wrong(param, f"'{param}' holds half of a surrogate pair.", "invalid_value") from None
    return value


def _stop(document: Json, body: Json) -> None:
    value = document.get("stop")
    if value is None:
        return
    listed = cast("list[Any]", value) if isinstance(value, list) else [value]
    stops = [_text(item, "stop") for item in listed]
    if len(stops) > 8 or any(not 0 < len(stop) <= 256 for stop in stops):
        raise _wrong("stop", "'stop' must be up to 8 texts of 1 to 256 characters.", "invalid_value")
    body["stop"] = stops


def _prompt(value: Any) -> str:
    if isinstance(value, list):
        listed = cast("list[Any]", value)
        if len(listed) != 1 or not isinstance(listed[0], str):
            raise _wrong("prompt", "'prompt' must be one text.", "unsupported_parameter")
        value = listed[0]
    return _text(value, "prompt")


def _messages(value: Any) -> list[Json]:
    if not isinstance(value, list):
        raise _wrong("messages", "'messages' must be a list.")
    listed = cast("list[Any]", value)
    if not 0 < len(listed) <= _MESSAGES:
        raise _wrong("messages", f"'messages' must hold 1 to {_MESSAGES} messages.", "invalid_value")
    return [_message(item, f"messages[{i}]") for i, item in enumerate(listed)]


def _message(value: Any, where: str) -> Json:
    if not isinstance(value, dict):
        raise _wrong(where, f"'{where}' must be an object.")
    message = cast("Json", value)
    role = message.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise _wrong(f"{where}.role", f"'{where}.role' must be one of {', '.join(_ROLES)}.", "invalid_value")
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(_part(part, f"{where}.content") for part in cast("list[Any]", content))
    return {"role": _ROLES[role], "content": _text(content, f"{where}.content")}


def _part(value: Any, where: str) -> str:
    part = cast("Json", value) if isinstance(value, dict) else {}
    if part.get("type") != "text":
        raise _wrong(where, f"'{where}' must be text parts: this model reads text only.", "invalid_value")
    return _text(part.get("text"), where)


def _format(value: Any, body: Json) -> None:
    if value is None:
        return
    asked = cast("Json", value) if isinstance(value, dict) else {}
    match asked.get("type"):
        case "text":
            return
        case "json_object":
            body["json_object"] = True
        case "json_schema":
            holder = asked.get("json_schema")
            schema = cast("Json", holder).get("schema") if isinstance(holder, dict) else None
            if not isinstance(schema, dict):
                raise _wrong("response_format", "'response_format.json_schema.schema' must be an object.")
            body["json_schema"] = _bounded(cast("Json", schema))
        case _:
            kinds = "text, json_object or json_schema"
            raise _wrong("response_format", f"'response_format.type' must be {kinds}.", "invalid_value")


def _bounded(schema: Json) -> Json:
    """A schema becomes a grammar: its size is bounded because the engine's work grows much faster."""
    level: list[Any] = [schema]
    for _ in range(_SCHEMA_DEPTH):
        level = [child for value in level for child in _children(value)]
    if level or len(json.dumps(schema)) > _SCHEMA_BYTES:
        limits = f"{_SCHEMA_BYTES} bytes and {_SCHEMA_DEPTH} levels"
        raise _wrong("response_format", f"The schema is over {limits}.", "invalid_value")
    return schema


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(cast("Json", value).values())
    return cast("list[Any]", value) if isinstance(value, list) else []


def _include_usage(document: Json) -> bool:
    options = document.get("stream_options")
    if options is None:
        return False
    if not isinstance(options, dict):
        raise _wrong("stream_options", "'stream_options' must be an object.")
    return _boolean(cast("Json", options), "include_usage")
