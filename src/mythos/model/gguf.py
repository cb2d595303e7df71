"""Write GGUF version 3, little-endian: metadata, tensor descriptions, aligned tensor data.

Source: the GGUF specification of the ggml project. The reader, with its distrust, is
`mythos.weights.read_gguf`.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from mythos.errors import InputError
from mythos.files import sync_folder

Precision = Literal["f32", "f16", "q8_0", "q4_0"]
Value = bool | int | float | str | Sequence[str] | Sequence[int]

FILE_TYPE: Final[dict[Precision, int]] = {"f32": 0, "f16": 1, "q8_0": 7, "q4_0": 2}
_ALIGNMENT: Final = 32
_F32, _F16, _Q4_0, _Q8_0 = 0, 1, 2, 8


@dataclass(frozen=True, slots=True)
class _Packed:
    name: str
    shape: tuple[int, ...]
    kind: int
    data: bytes


def write_gguf(
    path: Path,
    metadata: Mapping[str, Value],
    tensors: Mapping[str, NDArray[np.float32]],
    precision: Precision,
) -> None:
    """Write a file whole or not at all: matrices in `precision`, vectors always in 32 bits.

    Args:
        path: the file; an existing one is replaced.
        metadata: texts, numbers (whole ones become 32-bit, others float) and lists of texts or whole numbers.
        tensors: numbers by name, rows first; GGUF itself counts the row length first.
        precision: of the matrices. `q8_0`, `q4_0`: 8 and 4 bits, one 16-bit scale for each 32 numbers.
    """
    packed = [_pack(name, tensor, precision) for name, tensor in tensors.items()]
    head = [struct.pack("<4sIQQ", b"GGUF", 3, len(packed), len(metadata))]
    head += [_text(key) + _value(value) for key, value in metadata.items()]
    offset = 0
    for tensor in packed:
        extents = tuple(reversed(tensor.shape))
        head.append(
            _text(tensor.name)
            + struct.pack(f"<I{len(extents)}QIQ", len(extents), *extents, tensor.kind, offset)
        )
        offset += len(tensor.data) + _padding(len(tensor.data))
    header = b"".join(head)
    temporary = path.with_name(f".{path.name}.tmp")
    with open(temporary, "wb") as file:
        file.write(header + bytes(_padding(len(header))))
        for tensor in packed:
            file.write(tensor.data + bytes(_padding(len(tensor.data))))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def _padding(size: int) -> int:
    return -size % _ALIGNMENT


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: Value) -> bytes:
    match value:
        case bool():
            return struct.pack("<I?", 7, value)
        case int():
            return struct.pack("<II", 4, value)
        case float():
            return struct.pack("<If", 6, value)
        case str():
            return struct.pack("<I", 8) + _text(value)
        case _:
            return _array(value)


def _array(values: Sequence[Any]) -> bytes:
    if isinstance(values[0], str):
        return struct.pack("<IIQ", 9, 8, len(values)) + b"".join(_text(text) for text in values)
    return struct.pack(f"<IIQ{len(values)}i", 9, 5, len(values), *values)


def _pack(name: str, tensor: NDArray[np.float32], precision: Precision) -> _Packed:
    if tensor.ndim == 1 or precision == "f32":
        return _Packed(name, tensor.shape, _F32, tensor.astype("<f4").tobytes())
    if precision == "f16":
        if np.abs(tensor).max() > np.finfo(np.float16).max:
            raise InputError(
                f"{name} does not fit 16 bits", expected="at most 65504", advice="Export it as f32."
            )
        return _Packed(name, tensor.shape, _F16, tensor.astype("<f2").tobytes())
    if tensor.shape[-1] % 32:
        raise InputError(
            f"{name} cannot be {precision}", expected="rows of a multiple of 32", found=str(tensor.shape)
        )
    blocks = tensor.reshape(-1, 32)
    if precision == "q8_0":
        return _Packed(name, tensor.shape, _Q8_0, _q8_0(blocks))
    return _Packed(name, tensor.shape, _Q4_0, _q4_0(blocks))


def _q8_0(blocks: NDArray[np.float32]) -> bytes:
    """A 16-bit scale, the largest magnitude over 127, then 32 signed bytes (`block_q8_0`)."""
    scale = np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127)
    steps = np.divide(blocks, scale, out=np.zeros_like(blocks), where=scale > 0)
    packed = np.empty(len(blocks), dtype=[("scale", "<f2"), ("steps", "i1", 32)])
    packed["scale"], packed["steps"] = scale[:, 0], np.rint(steps)
    return packed.tobytes()


def _q4_0(blocks: NDArray[np.float32]) -> bytes:
    """A 16-bit scale, the number of largest magnitude over -8, then 32 steps from 0 to 15 (`block_q4_0`)."""
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1, keepdims=True), axis=1)
    scale = largest / np.float32(-8)
    steps = np.divide(blocks, scale, out=np.zeros_like(blocks), where=scale != 0)
    nibbles = np.clip(np.trunc(steps + np.float32(8.5)), 0, 15).astype(np.uint8)
    packed = np.empty(len(blocks), dtype=[("scale", "<f2"), ("steps", "u1", 16)])
    packed["scale"], packed["steps"] = scale[:, 0], nibbles[:, :16] | nibbles[:, 16:] << 4
    return packed.tobytes()
