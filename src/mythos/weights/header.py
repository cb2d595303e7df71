"""What a weights file says of itself, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from mythos.units import Bytes


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a file.

    Attributes:
        name: as the file spells it.
        dtype: the format's own name of the type, such as `BF16` or `Q4_1`.
        shape: in the file's own order (GGUF: fastest dimension first).
        offset: of its first byte from the start of the file.
        size: in bytes.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    size: Bytes

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """A checked header: every tensor lies inside the file and no two overlap.

    Attributes:
        format: `gguf` or `safetensors`.
        metadata: scalars and texts; a GGUF array is given as `type[count]`, its items are dropped.
        tensors: in the file's order.
        data: offset of the first byte after the header.
    """

    format: str
    metadata: Mapping[str, str | int | float | bool]
    tensors: tuple[Tensor, ...]
    data: int

    @property
    def parameters(self) -> int:
        """Numbers in all tensors of this file; tied weights are counted as often as they are stored."""
        return sum(tensor.elements for tensor in self.tensors)
