"""What clients get: the OpenAI shapes, written exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from mythos.hub.shapes import Json

__all__ = ["Shape"]


@dataclass(frozen=True, slots=True)
class Shape:
    """Writes one answer, whole or in pieces. `name` is the receipt's id, `created` seconds since 1970."""

    api: Literal["chat", "text", "ask"]
    name: str
    model: str
    created: int

    def piece(self, text: str, logprobs: list[Any] | None, *, first: bool) -> Json:
        """A streamed piece."""
        if self.api == "text":
            return self._of([_choice(text=text, logprobs=_legacy(logprobs))], stream=True)
        delta = {"role": "assistant", "content": text} if first else {"content": text}
        return self._of([_choice(delta=delta, logprobs=_scores(logprobs))], stream=True)

    def last(self, finish: str) -> Json:
        """The piece that says why the answer ended."""
        said: Json = {"delta": {}} if self.api == "chat" else {"text": ""}
        return self._of([_choice(**said, logprobs=None, finish_reason=finish)], stream=True)

    def usage(self, prompt: int, completion: int) -> Json:
        """The piece after the last, when the client asked for usage."""
        return self._of([], stream=True) | {"usage": _usage(prompt, completion)}

    def whole(self, text: str, logprobs: list[Any] | None, finish: str, prompt: int, completion: int) -> Json:
        """The answer in one document."""
        if self.api == "chat":
            message = {"role": "assistant", "content": text, "refusal": None}
            choice = _choice(message=message, logprobs=_scores(logprobs), finish_reason=finish)
        else:
            choice = _choice(text=text, logprobs=_legacy(logprobs), finish_reason=finish)
        return self._of([choice], stream=False) | {"usage": _usage(prompt, completion)}

    def _of(self, choices: list[Json], *, stream: bool) -> Json:
        kind = "text_completion"
        if self.api == "chat":
            kind = "chat.completion.chunk" if stream else "chat.completion"
        document = {"id": self.name, "object": kind, "created": self.created, "model": self.model}
        return document | {"choices": choices}


def _choice(*, logprobs: Any, finish_reason: str | None = None, **said: Any) -> Json:
    return {"index": 0, **said, "logprobs": logprobs, "finish_reason": finish_reason}


def _usage(prompt: int, completion: int) -> Json:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _scores(entries: list[Any] | None) -> Json | None:
    """Chat log probabilities as OpenAI writes them (the library adds token ids)."""
    if entries is None:
        return None

    def clean(entry: Json) -> Json:
        return {name: entry[name] for name in ("token", "logprob", "bytes") if name in entry}

    top = ([clean(other) for other in entry.get("top_logprobs", ())] for entry in entries)
    return {
        "content": [
            clean(entry) | {"top_logprobs": others} for entry, others in zip(entries, top, strict=True)
        ]
    }


def _legacy(entries: list[Any] | None) -> Json | None:
    """Log probabilities in the shape of text completions."""
    if entries is None:
        return None
    return {
        "tokens": [entry["token"] for entry in entries],
        "token_logprobs": [entry["logprob"] for entry in entries],
        "top_logprobs": [
            {other["token"]: other["logprob"] for other in entry.get("top_logprobs", ())} for entry in entries
        ],
    }
