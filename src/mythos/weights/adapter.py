"""What an adapter says of its origin: the base it fits, the data and the settings it came of, by digest.

The document is one of the adapter's files, so the adapter's own digest covers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from mythos.errors import DigestError, EvidenceError, FormatError, InputError
from mythos.evidence.statement import canonical, fields, parse_canonical, text
from mythos.units import Digest

LINEAGE: Final = "lineage.json"
ADAPTER: Final = "adapter.gguf"
"""The same matrices as llama.cpp reads them."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """lineage.json of an adapter."""

    name: str
    base: Digest
    data: Digest
    configuration: Digest

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        digests = {part: str(getattr(self, part)) for part in ("base", "data", "configuration")}
        return canonical({"name": self.name, **digests})

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read it; `FormatError` for anything else."""
        try:
            document = fields(parse_canonical(data), "base", "configuration", "data", "name", what=LINEAGE)
            found = {name: text(value, what=name) for name, value in document.items()}
            digests = (Digest.parse(found[part]) for part in ("base", "data", "configuration"))
            return cls(found["name"], *digests)
        except (EvidenceError, InputError) as error:
            raise FormatError("not the lineage of an adapter", found=str(error)[:200]) from error

    def check_base(self, base: Digest) -> None:
        """Refuse to fit it to another base; `DigestError`."""
        if self.base != base:
            raise DigestError("the adapter is for another base", expected=str(self.base), found=str(base))
