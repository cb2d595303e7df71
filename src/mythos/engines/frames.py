"""The frames between the front and the engine: a length, then one JSON object, both bounded.

    4 bytes  length of the rest, big-endian, at most `LIMIT`
    n bytes  a JSON object in UTF-8 with a string under `kind`

Front to engine: `open`, `generate`, `cancel`, `renew`, `audit`. Engine to front: `hello`, `opened`, `ready`,
`started` (the request is good, its prompt is being computed), `delta`, `done`, `failed`, `renewed`,
`audited`, `ended`. A frame that answers a request carries its `id`. Nothing here does I/O: both sides feed
what they read and send what they get.
"""

from __future__ import annotations

import json
from typing import Any, Final, cast

from mythos.errors import EngineError

__all__ = ["LIMIT", "Decoder", "Frame", "encode"]

LIMIT: Final = 4 << 20

Frame = dict[str, Any]


def encode(frame: Frame) -> bytes:
    """One frame as bytes.

    Raises:
        EngineError: larger than `LIMIT`, or text that UTF-8 cannot carry.
    """
    try:
        body = json.dumps(frame, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except ValueError as error:
        raise EngineError("a frame that JSON cannot carry", found=str(error)[:200]) from error
    if len(body) > LIMIT:
        raise EngineError(
            "a frame is too large", expected=f"at most {LIMIT} bytes", found=f"{len(body)}", code="too_large"
        )
    return len(body).to_bytes(4, "big") + body


class Decoder:
    """Cuts a byte stream into frames. Holds at most one frame and one read."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Take what was read; return the frames that are now whole, in order.

        Raises:
            EngineError: a length over `LIMIT`, or a body that is not a JSON object with a `kind`. The stream
                is then of no further use.
        """
        self._buffer += data
        frames: list[Frame] = []
        while len(self._buffer) >= 4:
            length = int.from_bytes(self._buffer[:4], "big")
            if length > LIMIT:
                raise EngineError(
                    "a frame is too large", expected=f"at most {LIMIT} bytes", found=f"{length}"
                )
            if len(self._buffer) < 4 + length:
                break
            frames.append(_parse(bytes(self._buffer[4 : 4 + length])))
            del self._buffer[: 4 + length]
        return frames


def _parse(body: bytes) -> Frame:
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise EngineError("a frame is not JSON", found=str(error)[:200]) from error
    frame = cast("Frame", value) if isinstance(value, dict) else {}
    if not isinstance(frame.get("kind"), str):
        raise EngineError("a frame is not a JSON object with a kind", expected="an object")
    return frame
