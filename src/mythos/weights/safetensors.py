"""The safetensors header: eight bytes of length, then JSON, then the tensors without gaps.

Source: the format section of the safetensors README and its reference reader, which limits the header to
100 MB, refuses overlaps and holes, and wants the whole file covered.
"""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any, Final, cast

from mythos.errors import FormatError, WeightsError
from mythos.units import Bytes
from mythos.weights.header import Header, Tensor

HEADER_LIMIT: Final = 100_000_000
BITS: Final = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F4": 4, "F6_E2M3": 6,
    "F6_E3M2": 6, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64,
    "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


def read_safetensors(path: Path) -> Header:
    """Read and check a safetensors header; tensor bytes are not read.

    Raises:
        FormatError: a length bomb, JSON with duplicate keys, an unknown type, a shape that does not fill its
            range, a hole or an overlap.
        WeightsError: the file ends before its last tensor.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, HEADER_LIMIT):
            raise FormatError(
                f"{path.name}: the header length is impossible",
                expected=f"at most {max(0, min(size - 8, HEADER_LIMIT))} bytes",
                found=f"{length}",
            )
        raw = file.read(length)
    body = _json(raw, path.name)
    metadata = body.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(
        isinstance(v, str) for v in cast("dict[str, object]", metadata).values()
    ):
        raise FormatError(f"{path.name}: __metadata__ must map text to text")
    start = 8 + length
    tensors = sorted((_tensor(name, entry, start) for name, entry in body.items()), key=lambda t: t.offset)
    end = start
    for tensor in tensors:
        if tensor.offset != end:
            raise FormatError(
                f"{path.name}: {tensor.name!r} overlaps another tensor or leaves a hole",
                expected=f"its first byte at {end}",
                found=f"{tensor.offset}",
            )
        end += tensor.size
    if end > size:
        raise WeightsError(f"{path.name} is cut short", expected=f"{end} bytes", found=f"{size}")
    if end < size:
        raise FormatError(f"{path.name} has bytes that no tensor owns", expected=f"{end}", found=f"{size}")
    return Header("safetensors", cast("dict[str, str]", metadata), tuple(tensors), start)


def _json(raw: bytes, where: str) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = dict(pairs)
        if len(keys) != len(pairs):
            raise FormatError(f"{where}: a key stands twice in the header")
        return keys

    try:
        body: Any = json.loads(raw, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{where}: the header is not JSON", found=str(error)[:200]) from error
    if not isinstance(body, dict) or raw[:1] != b"{":
        raise FormatError(f"{where}: the header is not a JSON object")
    return cast("dict[str, Any]", body)


def _tensor(name: str, entry: Any, start: int) -> Tensor:
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        numbers: list[object] = [*shape, begin, end]
        if set(entry) != {"dtype", "shape", "data_offsets"} or not isinstance(dtype, str):
            raise ValueError("unexpected keys")  # noqa: TRY301 (one message for every shape of wrong)
    except (TypeError, KeyError, ValueError) as error:
        raise FormatError(
            f"tensor {name[:100]!r} is not described", expected="dtype, shape and data_offsets"
        ) from error
    if any(type(n) is not int or n < 0 or n >= 1 << 63 for n in numbers) or begin > end:
        raise FormatError(f"tensor {name[:100]!r} has an impossible shape or range", found=str(numbers)[:100])
    if dtype not in BITS:
        raise FormatError(f"tensor {name[:100]!r} has an unknown type", found=repr(dtype[:40]))
    if prod(shape) * BITS[dtype] != (end - begin) * 8:
        raise FormatError(
            f"tensor {name[:100]!r} does not fill its range",
            expected=f"{prod(shape) * BITS[dtype]} bits",
            found=f"{(end - begin) * 8}",
        )
    return Tensor(name, dtype, tuple(shape), start + begin, Bytes(end - begin))
