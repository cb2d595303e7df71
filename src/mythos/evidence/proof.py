"""One entry's offline proof as a text file, `.tlog-proof` (C2SP tlog-proof, 5ba5ee8 of 2026-07-22)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from mythos.errors import MalformedError
from mythos.evidence.merkle import verify_inclusion
from mythos.evidence.note import Checkpoint, Note, decimal, decode64, encode64

HEADER: Final = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Proof:
    """An index, its inclusion proof, and the checkpoint it leads to. `Proof.parse(str(p)) == p`.

    `extra` is opaque and authenticated by nothing.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: Note
    extra: bytes | None = None

    @classmethod
    def parse(cls, data: str | bytes) -> Self:
        """Read a proof file.

        Raises:
            MalformedError: not in the specification's form.
        """
        try:
            whole = data.decode() if isinstance(data, bytes) else data
        except UnicodeError as error:
            raise MalformedError("the proof is not UTF-8") from error
        head, blank, note = whole.partition("\n\n")
        header, *lines = head.split("\n")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = decode64(lines.pop(0).removeprefix("extra "), what="extra data")
        if header != HEADER or not blank or not lines or not lines[0].startswith("index "):
            raise MalformedError("not a tlog-proof", expected=f"{HEADER} and an index line")
        index = decimal(lines[0].removeprefix("index "), what="index")
        hashes = tuple(decode64(line, what="a proof line") for line in lines[1:])
        return cls(index, hashes, Note.parse(note), extra)

    def verify(self, leaf_hash: bytes) -> Checkpoint:
        """Check the inclusion of a leaf; returns the checkpoint, whose signatures the caller judges.

        Raises:
            NotIncludedError: the proof does not hold.
        """
        head = Checkpoint.parse(self.checkpoint.text)
        verify_inclusion(leaf_hash, self.index, head.size, list(self.hashes), head.root)
        return head

    def __str__(self) -> str:
        extra = [] if self.extra is None else [f"extra {encode64(self.extra)}"]
        lines = [HEADER, *extra, f"index {self.index}", *(encode64(h) for h in self.hashes)]
        return "\n".join(lines) + "\n\n" + str(self.checkpoint)
