"""Bytes by their digest, one folder a country. A byte leaves its country only under an export decision.

store = Store(root)
digest = store.put("JP", data)
store.move(digest, decision)        # checked before the file is opened
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mythos.data.rights import Decision, Record
from mythos.errors import DataError
from mythos.files import private_folder, write_atomic
from mythos.units import Digest

LARGEST: Final = 1 << 30
_COUNTRY: Final = re.compile(r"[A-Z]{2}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Store:
    """The folder that holds `COUNTRY/blobs/ab/…`."""

    root: Path

    def region(self, country: str) -> Path:
        """The private folder of a country.

        Raises:
            DataError: not a country code.
        """
        if not _COUNTRY.match(country):
            raise DataError(
                "not a country", expected="ISO 3166-1 alpha-2, such as JP", found=repr(country)[:40]
            )
        return private_folder(private_folder(self.root) / country)

    def ledger(self, country: str) -> Path:
        """The ledger of a country."""
        return self.region(country) / "ledger.jsonl"

    def path(self, country: str, digest: Digest) -> Path:
        """Where these bytes stand, or would."""
        return self.region(country) / "blobs" / digest.hex[:2] / digest.hex

    def put(self, country: str, data: bytes) -> Digest:
        """Keep bytes in a country; the same bytes are kept once.

        Raises:
            DataError: larger than a store takes.
        """
        if len(data) > LARGEST:
            raise DataError(
                "too large for the store", expected=f"at most {LARGEST} bytes", found=str(len(data))
            )
        digest = Digest.of(data)
        path = self.path(country, digest)
        if not path.exists():
            private_folder(path.parent)
            write_atomic(path, data, mode=0o600, durable=False)
        return digest

    def get(self, country: str, digest: Digest) -> bytes:
        """Bytes of this country, checked.

        Raises:
            DataError: not here (perhaps taken down), or no longer these bytes.
        """
        try:
            data = self.path(country, digest).read_bytes()
        except FileNotFoundError as error:
            raise DataError(
                f"no {digest} in {country}",
                advice="It was taken down, or it is kept in another country: mythos data export",
            ) from error
        if Digest.of(data) != digest:
            raise DataError(f"the bytes of {digest} in {country} changed", advice="Restore them from a copy.")
        return data

    def delete(self, country: str, digest: Digest) -> bool:
        """Remove bytes; whether they were there."""
        path = self.path(country, digest)
        found = path.exists()
        path.unlink(missing_ok=True)
        return found

    def move(self, digest: Digest, record: Record, decision: Decision) -> None:
        """Copy bytes to another country, under a decision about exactly this record.

        Raises:
            DataError: the decision does not allow it; nothing was opened.
        """
        permit(decision, record)
        self.put(decision.place.to, self.get(decision.place.from_, digest))


def permit(decision: Decision, record: Record) -> None:
    """Refuse unless `decision` allows to export this record.

    Raises:
        DataError: another purpose, another record, or not allowed.
    """
    if decision.purpose != "export" or decision.record != record.digest or not decision.allowed:
        raise DataError(
            f"{record.source} may not leave {decision.place.from_} for {decision.place.to}",
            expected="a decision to export this record that allows it",
            found=decision.words,
            code="export_refused",
        )
