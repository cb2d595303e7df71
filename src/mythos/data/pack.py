"""A data pack: the instruments that govern what may be done with a document, and who adopted it on which day.

A pack is a folder: `pack.yaml` names it and the instruments of `mythos.regimes` that it takes as they are
(`law:`); every other file is one instrument in the same shape. Nobody's counsel here has signed it: until an
operator adopts exactly these bytes, whatever a pack permits still needs a review.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from mythos.errors import DataError, RegimeError
from mythos.regimes import shipped as regimes
from mythos.regimes.facts import FactType
from mythos.regimes.instrument import Instrument, Words
from mythos.regimes.pack import Pack as Law
from mythos.regimes.pack import load
from mythos.regimes.shape import read
from mythos.units import Digest

HERE: Final = Path(__file__).parent / "packs"


@dataclass(frozen=True, slots=True)
class Head:
    """What `pack.yaml` says."""

    id: str
    title: Words
    jurisdiction: str
    verified_to: date
    law: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Adoption:
    """Who adopted exactly this pack, and since which day it counts."""

    pack: str
    by: str
    on: date


@dataclass(frozen=True, slots=True)
class Pack:
    """Rules with their digest; `adoption` is None until somebody answers for them."""

    head: Head
    law: Law
    digest: Digest
    adoption: Adoption | None = None

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """The rules, by id."""
        return self.law.instruments

    def adopted(self, adoption: Adoption) -> Pack:
        """The pack as adopted.

        Raises:
            DataError: the adoption is of other bytes.
        """
        if adoption.pack != str(self.digest):
            raise DataError(
                f"the adoption is not of the pack {self.head.id} as it is now",
                expected=str(self.digest),
                found=adoption.pack,
                advice="Read what changed, then adopt again: mythos data adopt",
            )
        return replace(self, adoption=adoption)


def read_pack(folder: Path) -> Pack:
    """Read a pack's folder.

    Raises:
        DataError: no such pack, or one of its files is wrong; nothing is skipped.
    """
    head_file, facts_file = folder / "pack.yaml", HERE / "facts.yaml"
    if not head_file.is_file():
        raise DataError(f"no data pack at {folder}", expected="a folder with pack.yaml and its instruments")
    try:
        head: Head = read(Head, load(head_file), head_file.name)
        facts: dict[str, FactType] = read(dict[str, FactType], load(facts_file), facts_file.name)
        known = regimes()
        taken = tuple(known[name] for name in head.law)
        content = (known.digest.value, *(_hash(path) for path in (head_file, facts_file)))
        base = Law(taken, {**known.vocabulary, **facts}, known.places, Digest.of(b"".join(content)))
        files = [path for path in sorted(folder.glob("*.yaml")) if path.name != head_file.name]
        law = base.with_files(files, user=False)
    except RegimeError as error:
        raise DataError(
            f"the data pack at {folder} is wrong: {error.message}",
            expected=error.expected,
            found=error.found,
            advice=error.advice,
        ) from error
    return Pack(head, law, law.digest)


def read_adoption(path: Path) -> Adoption:
    """Read `{pack, by, on}`.

    Raises:
        DataError: missing or wrong.
    """
    try:
        document: Any = load(path)
        return read(Adoption, document, path.name)
    except RegimeError as error:
        raise DataError(error.message, expected=error.expected, found=error.found) from error


@cache
def shipped(name: str = "jp") -> Pack:
    """A pack that comes with Mythos, adopted by nobody."""
    return read_pack(HERE / name)


def _hash(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()
