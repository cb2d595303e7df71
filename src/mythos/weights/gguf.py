"""The GGUF header: metadata, then tensor descriptions, then aligned tensor data.

Source: the GGUF specification of the ggml project (versions 2 and 3, little-endian); block sizes from its
table of tensor types. Every count and length is checked against what is left of the file and against a
limit before anything of that size is read.
"""

from __future__ import annotations

import struct
from math import prod
from pathlib import Path
from typing import BinaryIO, Final

from mythos.errors import FormatError, WeightsError
from mythos.units import Bytes
from mythos.weights.header import Header, Tensor

HEADER_LIMIT: Final = 256 << 20
COUNT_LIMIT: Final = 1 << 20
KEY_LIMIT: Final = 65_535
NAME_LIMIT: Final = 64
DIMENSIONS: Final = 4

_SCALARS: Final = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip
_NAMES: Final = {
    0: "u8", 1: "i8", 2: "u16", 3: "i16", 4: "u32", 5: "i32", 6: "f32", 7: "bool", 8: "text", 10: "u64",
    11: "i64", 12: "f64",
}  # fmt: skip
_TEXT, _ARRAY = 8, 9

BLOCKS: Final = {  # type: (name, numbers in a block, bytes of a block)
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36), 10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8),
    28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
}  # fmt: skip


def read_gguf(path: Path) -> Header:
    """Read and check a GGUF header; tensor bytes are not read.

    Raises:
        FormatError: not GGUF 2 or 3, a count or length that cannot be, an unknown type, a name that stands
            twice, tensors that overlap or are not aligned.
        WeightsError: the file ends before its header or its last tensor.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        reader = _Reader(file, min(size, HEADER_LIMIT), path.name)
        if reader.take(4) != b"GGUF" or (version := reader.number("<I")) not in {2, 3}:
            raise FormatError(f"{path.name} is not GGUF", expected="GGUF version 2 or 3, little-endian")
        tensor_count, key_count = reader.count("tensors"), reader.count("metadata keys")
        metadata: dict[str, str | int | float | bool] = {"GGUF.version": int(version)}
        for _ in range(key_count):
            key = reader.text(KEY_LIMIT)
            if key in metadata:
                raise FormatError(f"{path.name}: the key {key[:100]!r} stands twice")
            metadata[key] = reader.value()
        described = [reader.tensor() for _ in range(tensor_count)]
        header_end = reader.position
    alignment = metadata.get("general.alignment", 32)
    if type(alignment) is not int or not 8 <= alignment <= 1 << 20 or alignment & (alignment - 1):
        raise FormatError(f"{path.name}: an impossible alignment", found=str(alignment))
    data = -(-header_end // alignment) * alignment
    return Header("gguf", metadata, _placed(described, data, alignment, size, path.name), data)


def _placed(described: list[Tensor], data: int, alignment: int, size: int, where: str) -> tuple[Tensor, ...]:
    """Check that aligned tensors lie in the file and apart from each other; offsets become absolute."""
    names: set[str] = set()
    end = 0
    for tensor in sorted(described, key=lambda t: t.offset):
        if tensor.name in names:
            raise FormatError(f"{where}: the tensor {tensor.name!r} stands twice")
        names.add(tensor.name)
        if tensor.offset % alignment or tensor.offset < end:
            raise FormatError(
                f"{where}: {tensor.name!r} overlaps another tensor or is not aligned",
                expected=f"a multiple of {alignment} from {end}",
                found=f"{tensor.offset}",
            )
        end = tensor.offset + tensor.size
    if data + end > size:
        raise WeightsError(f"{where} is cut short", expected=f"{data + end} bytes", found=f"{size}")
    return tuple(Tensor(t.name, t.dtype, t.shape, data + t.offset, t.size) for t in described)


class _Reader:
    """Takes numbers and texts from a file and never more than `limit` bytes of it."""

    def __init__(self, file: BinaryIO, limit: int, where: str) -> None:
        self._file = file
        self._limit = limit
        self._where = where
        self.position = 0

    def take(self, count: int) -> bytes:
        if count > self._limit - self.position:
            raise WeightsError(
                f"{self._where} ends inside its header, or the header is too long",
                expected=f"{count} bytes more",
                found=f"{self._limit - self.position}",
            )
        self.position += count
        return self._file.read(count)

    def number(self, code: str) -> int | float | bool:
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def whole(self, code: str) -> int:
        return int(self.number(code))

    def count(self, what: str) -> int:
        count = self.whole("<Q")
        if count > COUNT_LIMIT:
            raise FormatError(
                f"{self._where}: too many {what}", expected=f"at most {COUNT_LIMIT}", found=f"{count}"
            )
        return count

    def text(self, limit: int) -> str:
        length = self.whole("<Q")
        if length > limit:
            raise FormatError(
                f"{self._where}: a text is too long", expected=f"at most {limit}", found=f"{length}"
            )
        try:
            return self.take(length).decode()
        except UnicodeDecodeError as error:
            raise FormatError(f"{self._where}: a text is not UTF-8", found=f"byte {error.start}") from error

    def value(self) -> str | int | float | bool:
        kind = self.whole("<I")
        if kind == _TEXT:
            return self.text(HEADER_LIMIT)
        if kind == _ARRAY:
            return self._array()
        if kind not in _SCALARS:
            raise FormatError(f"{self._where}: an unknown metadata type", found=f"{kind}")
        return self.number(_SCALARS[kind])

    def _array(self) -> str:
        kind, length = self.whole("<I"), self.whole("<Q")
        if kind in _SCALARS:
            self.take(length * struct.calcsize(_SCALARS[kind]))
        elif kind == _TEXT:
            if length * 8 > self._limit - self.position:
                raise WeightsError(
                    f"{self._where}: an array is longer than the file", found=f"{length} texts"
                )
            for _ in range(length):
                self.take(self.whole("<Q"))
        else:
            raise FormatError(f"{self._where}: an array of an unknown type", found=f"{kind}")
        return f"{_NAMES[kind]}[{length}]"

    def tensor(self) -> Tensor:
        name = self.text(NAME_LIMIT)
        dimensions = self.whole("<I")
        if not 1 <= dimensions <= DIMENSIONS:
            raise FormatError(f"{self._where}: {name!r} has {dimensions} dimensions", expected="1 to 4")
        shape = tuple(self.whole("<Q") for _ in range(dimensions))
        kind, offset = self.whole("<I"), self.whole("<Q")
        if kind not in BLOCKS:
            raise FormatError(f"{self._where}: {name!r} has an unknown type", found=f"{kind}")
        dtype, block, block_bytes = BLOCKS[kind]
        if any(extent == 0 for extent in shape) or prod(shape) >= 1 << 63 or shape[0] % block:
            raise FormatError(
                f"{self._where}: {name!r} has an impossible shape",
                expected=f"a first extent that is a multiple of {block}",
                found=str(shape),
            )
        return Tensor(name, dtype, shape, offset, Bytes(prod(shape) // block * block_bytes))
