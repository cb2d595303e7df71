"""One question to a hub over its HTTP API: the answer's exact bytes, its receipt, and the times."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from mythos.errors import HubError, NetworkError

_PATIENCE: Final = 120.0
_RECEIPT_PATIENCE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hub said: the text, its token count, the receipt's id, seconds to the first token."""

    text: str
    tokens: int
    receipt: str
    first_token_s: float


def ask(port: int, key: str, prompt: str, *, max_tokens: int) -> Answer:
    """Ask over `/v1/chat/completions`, streamed.

    Raises:
        HubError: the hub refused or ended the stream with an error event.
        NetworkError: nobody answered.
    """
    body = {
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": max_tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    started = time.monotonic()
    try:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        if response.status != 200:
            raise HubError("the hub did not answer", found=response.read(2000).decode(errors="replace"))
        parts: list[str] = []
        tokens: int = 0
        first = 0.0
        for event in _events(response):
            if "error" in event:
                raise HubError("the hub ended the answer", found=str(event["error"].get("message")))
            usage: dict[str, int] = event.get("usage") or {}
            tokens = usage.get("completion_tokens", tokens)
            for choice in event.get("choices", []):
                if text := choice.get("delta", {}).get("content"):
                    first = first or time.monotonic() - started
                    parts.append(text)
        return Answer("".join(parts), tokens, response.headers["x-mythos-receipt"], first)
    except (OSError, http.client.HTTPException) as error:
        raise NetworkError("the hub did not answer", found=str(error)) from error
    finally:
        connection.close()


def _events(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    for line in response:
        data = line.strip().removeprefix(b"data:").strip()
        if line.startswith(b"data:") and data != b"[DONE]":
            yield json.loads(data)


def receipt(port: int, key: str, identifier: str) -> bytes:
    """Fetch a receipt, waiting until its batch stands in the witnessed log.

    Raises:
        NetworkError: it was not there in time.
    """
    deadline = time.monotonic() + _RECEIPT_PATIENCE
    status = 0
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        try:
            connection.request(
                "GET", f"/v1/receipts/{identifier}", headers={"Authorization": f"Bearer {key}"}
            )
            response = connection.getresponse()
            status, body = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise NetworkError("the hub did not answer", found=str(error)) from error
        finally:
            connection.close()
        if status == 200:
            return body
        time.sleep(0.05)
    raise NetworkError("the receipt is not logged yet", expected="status 200", found=f"status {status}")
