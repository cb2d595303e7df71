"""The shipped instruments, and a user's own folder beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from mythos import strict_yaml
from mythos.errors import FormatError, RegimeError
from mythos.regimes.facts import FactType
from mythos.regimes.instrument import Instrument, parse
from mythos.regimes.shape import located, read
from mythos.units import Digest

HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Places:
    """A list of countries that rules name, and where it was read."""

    cite: str
    source: str
    checked_on: str
    confidence: str
    codes: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Pack:
    """Instruments with the facts and lists they speak of; `digest` names exactly these files."""

    instruments: tuple[Instrument, ...]
    vocabulary: Mapping[str, FactType]
    places: Mapping[str, Places]
    digest: Digest

    def __getitem__(self, name: str) -> Instrument:
        for instrument in self.instruments:
            if instrument.id == name:
                return instrument
        known = ", ".join(instrument.id for instrument in self.instruments)
        raise RegimeError(f"no instrument {name!r}", expected=known, found=name)

    def read(self, document: Any, where: str) -> Instrument:
        """Read one more instrument against this pack's facts and lists."""
        return parse(document, where, self.vocabulary, {name: p.codes for name, p in self.places.items()})

    def with_files(self, files: Iterable[Path], *, user: bool) -> Pack:
        """This pack and the instruments of some files.

        Raises:
            RegimeError: a file is wrong, or an id stands twice: nothing is overridden silently.
        """
        found, vocabulary = {one.id: one for one in self.instruments}, dict(self.vocabulary)
        names = {name.casefold() for name in found}
        content = hashlib.sha256(self.digest.value)
        for path in sorted(files):
            one = replace(self.read(load(path), path.name), user=user)
            if one.id.casefold() in names:
                raise RegimeError(
                    f"{path.name}: the id {one.id} stands twice",
                    advice="Choose another id; both rules are then shown.",
                )
            for name, described in one.facts.items():
                if vocabulary.setdefault(name, described) != described:
                    raise RegimeError(f"{path.name}: the fact {name} is described twice, differently")
            names.add(one.id.casefold())
            found[one.id] = one
            content.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        ordered = tuple(sorted(found.values(), key=lambda one: one.id))
        return replace(self, instruments=ordered, vocabulary=vocabulary, digest=Digest(content.digest()))

    def with_folder(self, folder: Path) -> Pack:
        """This pack and a user's folder of instruments."""
        files = sorted(path for path in folder.glob("*.yaml") if path.is_file())
        if not files:
            raise RegimeError(f"{folder} holds no instrument", expected="files named *.yaml")
        return self.with_files(files, user=True)


def load(path: Path) -> Any:
    """One YAML document, scalars as text.

    Raises:
        RegimeError: not YAML, or what this project's YAML refuses; says the line.
    """
    try:
        return strict_yaml.loads(path.read_bytes(), where=path.name)
    except FormatError as error:
        raise located("", error) from error


@cache
def shipped() -> Pack:
    """The instruments that come with Mythos."""
    base = [HERE / "facts.yaml", HERE / "places.yaml"]
    vocabulary = read(dict[str, FactType], load(base[0]), base[0].name)
    places = read(dict[str, Places], load(base[1]), base[1].name)
    digest = Digest.of(
        b"".join(hashlib.sha256(path.read_bytes()).digest() for path in (*base, HERE / "countries.txt"))
    )
    files = (HERE / "instruments").glob("*.yaml")
    return Pack((), vocabulary, places, digest).with_files(files, user=False)
