"""Which format a file is in, told by its first bytes and not by its name."""

from __future__ import annotations

from pathlib import Path

from mythos.errors import FormatError
from mythos.weights.gguf import read_gguf
from mythos.weights.header import Header
from mythos.weights.safetensors import read_safetensors


def format_of(path: Path) -> str:
    """`gguf`, `safetensors`, or `other` (a tokenizer, a configuration)."""
    with open(path, "rb") as file:
        start = file.read(9)
    if start[:4] == b"GGUF":
        return "gguf"
    length = int.from_bytes(start[:8], "little")
    if len(start) == 9 and start[8:] == b"{" and 2 <= length <= path.stat().st_size - 8:
        return "safetensors"
    return "other"


def read_header(path: Path) -> Header:
    """Read and check the header of a GGUF or safetensors file.

    Raises:
        FormatError: another format, or a header whose claims do not add up.
        WeightsError: the file is cut short.
    """
    match format_of(path):
        case "gguf":
            return read_gguf(path)
        case "safetensors":
            return read_safetensors(path)
        case _:
            raise FormatError(
                f"{path.name} holds no tensors that can be read",
                expected="a GGUF or safetensors file",
                found=f"{path.stat().st_size} bytes of another kind",
            )
