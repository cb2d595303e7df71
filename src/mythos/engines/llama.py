"""llama.cpp in this process, through `xllamacpp`: start it from a descriptor, generate, nothing else.

The library always opens an HTTP server of its own. It is made to listen on a Unix socket in the hub's
private folder with a key nobody holds, and the listening socket is shut down as soon as the library has
started: its accepting thread then ends, and answers go on in process. The front removes the socket's name.

Prompt caching between requests is off: a prefix that another tenant has asked would answer sooner, which
tells one tenant what another asked, and a cached prefix changes the last bits of the logits.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import secrets
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, Self, cast

from mythos.errors import EngineError

__all__ = ["Delta", "Failure", "Finish", "Llama", "LoadOptions", "set_environment"]

# The library's spinning barriers starve a machine whose cores are shared: 0.2 instead of 8.3 tokens a second.
_OPENMP: Final = {"GOMP_SPINCOUNT": "0", "OMP_WAIT_POLICY": "passive"}

_DESCRIPTORS: Final = 1024
_PASSED: Final = frozenset(
    {"max_tokens", "temperature", "top_p", "seed", "stop", "presence_penalty", "frequency_penalty"}
)


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How the model is loaded.

    Attributes:
        context: tokens of one request, prompt and answer together.
        slots: requests generated at once; memory for `context * slots` tokens is taken at the start.
        threads: computing threads; 0 means one for each core this process may use.
        batch: tokens of a prompt computed between two looks at whether the request was cancelled.
    """

    context: int = 4096
    slots: int = 2
    threads: int = 0
    batch: int = 256


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer: text, and the log probabilities of its tokens when asked for."""

    text: str
    logprobs: list[Any] | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """Why generation ended, and how many tokens went in and came out."""

    reason: Literal["stop", "length", "cancelled"]
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Failure:
    """The library would not do this request; the engine goes on."""

    code: Literal["invalid_request", "context_length_exceeded", "engine_failure"]
    message: str


def set_environment() -> None:
    """Set what the OpenMP runtime reads once, when the library is loaded."""
    os.environ.update(_OPENMP)


class Llama:
    """A loaded model. `generate` may be called from several threads at once."""

    def __init__(self, server: Any) -> None:
        self._server = server

    @classmethod
    def start(
        cls, weights: int, *, alias: str, listen: str, options: LoadOptions, adapter: int | None = None
    ) -> Self:
        """Load the GGUF behind descriptor `weights`; it may be closed afterwards.

        Args:
            weights: a readable descriptor of the plain file, a sealed memfd.
            alias: the model's name in answers (the library would say the descriptor's path).
            listen: where the library's own server puts its Unix socket; nothing may be there yet.
            options: sizes.
            adapter: a readable descriptor of a LoRA adapter in GGUF that is applied to every request.

        Raises:
            EngineError: the library refused the file or its own start.
        """
        set_environment()
        library = cast("Any", importlib.import_module("xllamacpp"))
        params = library.CommonParams()
        params.model.path = f"/proc/self/fd/{weights}"
        params.model_alias = {alias}
        params.hostnames = [listen]
        params.api_keys = [secrets.token_hex(32)]
        params.endpoint_slots = False
        params.ui = False
        params.verbosity = 0
        params.offline = True
        params.load_mode = library.llama_load_mode.LLAMA_LOAD_MODE_MMAP
        params.reasoning_format = library.common_reasoning_format.COMMON_REASONING_FORMAT_NONE
        params.cpuparams.n_threads = options.threads or len(os.sched_getaffinity(0))
        params.n_ctx = options.context * options.slots
        params.n_parallel = options.slots
        params.n_batch = params.n_ubatch = options.batch
        params.cache_ram_mib = 0
        params.cache_prompt = False
        params.fit_params = False
        params.warmup = False
        if adapter is not None:
            params.lora_adapters = [library.CommonAdapterLoraInfo(f"/proc/self/fd/{adapter}", 1.0)]
        try:
            server = library.Server(params)
        except (RuntimeError, ValueError) as error:
            raise EngineError(
                "llama.cpp could not load the model",
                found=str(error)[:300],
                advice="Check that it is a whole GGUF file of an architecture this version knows.",
            ) from error
        _shut_listeners()
        return cls(server)

    def generate(
        self, kind: str, body: dict[str, Any], emit: Callable[[Delta | None], bool]
    ) -> Finish | Failure:
        """Generate one answer, blocking.

        Args:
            kind: `chat` (with `messages`) or `text` (with `prompt`).
            body: the request, already checked by the front.
            emit: called with each piece, and with None while the prompt is computed; true stops generation.

        Returns:
            How it finished, or why the library would not do it.
        """
        collected = _Collected(emit)
        call = self._server.handle_chat_completions if kind == "chat" else self._server.handle_completions
        try:
            call(_library_request(kind, body), collected)
        except (RuntimeError, ValueError, TypeError) as error:
            return Failure("invalid_request", str(error)[:500])
        if collected.broken is not None:
            raise collected.broken
        return collected.result()


class _Collected:
    """The library's callback: turns its chunks into deltas and remembers how it ended."""

    __slots__ = ("_emit", "_reason", "_usage", "broken", "failure")

    def __init__(self, emit: Callable[[Delta | None], bool]) -> None:
        self._emit = emit
        self._reason: str | None = None
        self._usage: dict[str, int] = {}
        self.failure: Failure | None = None
        self.broken: BaseException | None = None

    def __call__(self, chunk: dict[str, Any]) -> bool:
        # The library swallows what a callback raises, so it is kept for the caller.
        try:
            return self._take(chunk)
        except BaseException as error:  # noqa: BLE001
            self.broken = error
            return True

    def _take(self, chunk: dict[str, Any]) -> bool:
        if "error" in chunk:
            self.failure = _failure(chunk["error"])
            return True
        self._usage = chunk.get("usage") or self._usage
        for choice in chunk.get("choices") or ():
            self._reason = choice.get("finish_reason") or self._reason
            said: dict[str, Any] = choice.get("delta") or {"content": choice.get("text")}
            scores: dict[str, Any] = choice.get("logprobs") or {}
            text, scored = said.get("content") or "", scores.get("content")
            if (text or scored) and self._emit(Delta(text, scored)):
                self._reason = "cancelled"
                return True
        if "prompt_progress" in chunk and self._emit(None):
            self._reason = "cancelled"
            return True
        return False

    def result(self) -> Finish | Failure:
        if self.failure is not None:
            return self.failure
        prompt, completion = self._usage.get("prompt_tokens", 0), self._usage.get("completion_tokens", 0)
        match self._reason:
            case "stop" | "length" | "cancelled" as reason:
                return Finish(reason, prompt, completion)
            case None:
                return Failure("engine_failure", "the library ended without saying why")
            case other:
                return Failure("engine_failure", f"the library ended with {other[:80]}")


def _shut_listeners() -> None:
    """Shut every listening socket of this process: here that is the library's own server."""
    for number in range(_DESCRIPTORS):
        with contextlib.suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as found:
                if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    found.shutdown(socket.SHUT_RDWR)


def _failure(error: dict[str, Any]) -> Failure:
    message = str(error.get("message", ""))[:500]
    if error.get("type") == "exceed_context_size_error":
        return Failure("context_length_exceeded", message)
    if error.get("code") == 400:
        return Failure("invalid_request", message)
    return Failure("engine_failure", message)


def _library_request(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    request = {name: value for name, value in body.items() if name in _PASSED}
    request |= {
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
        "cache_prompt": False,
    }
    if kind == "chat":
        request["messages"] = body["messages"]
        if body.get("logprobs"):
            request |= {"logprobs": True, "top_logprobs": body.get("top_logprobs", 0)}
        if body.get("json_object"):
            request["response_format"] = {"type": "json_object"}
        if "json_schema" in body:
            schema = {"name": "answer", "schema": body["json_schema"]}
            request["response_format"] = {"type": "json_schema", "json_schema": schema}
    else:
        request["prompt"] = body["prompt"]
        if body.get("logprobs"):
            request["logprobs"] = body["logprobs"]
    return request
