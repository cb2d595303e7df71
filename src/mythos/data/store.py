"""Bytes by their digest, one folder a country. A byte leaves its country only through `mythos.data.export`.

store = Store(root)
digest = store.put("JP", data)
data = store.get("JP", digest)      # checked

Each country's folder says whose it is, so that one that was renamed, or is a link to another's, is refused.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mythos.data.rights import Decision, Record
from mythos.errors import DataError
from mythos.files import private_folder, sync_folder, write_atomic
from mythos.units import Digest

LARGEST: Final = 1 << 30
MARK: Final = "region"
_COUNTRY: Final = re.compile(r"[A-Z]{2}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Store:
    """The folder that holds `COUNTRY/blobs/ab/…`."""

    root: Path

    def region(self, country: str) -> Path:
        """The private folder of a country.

        Raises:
            DataError: not a country code, or a folder that says it is another country's or nobody's.
        """
        if not _COUNTRY.match(country):
            raise DataError(
                "not a country", expected="ISO 3166-1 alpha-2, such as JP", found=repr(country)[:40]
            )
        folder = private_folder(private_folder(self.root) / country)
        said = _mark(folder) or self._claim(folder, country)
        if said != country:
            raise DataError(
                f"the folder {folder} is not that of {country}",
                expected=f"{country} in its file {MARK!r}",
                found=said or "other files, and no such file",
                advice="Data moves by mythos data export alone: put the folder back where it was. If it "
                f"has always been that of {country}, write {country} into {folder / MARK}.",
                code="region_refused",
            )
        return folder

    def _claim(self, folder: Path, country: str) -> str:
        """Make an empty folder a country's; two that do so at once take turns."""
        descriptor = os.open(self.root, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not any(folder.iterdir()):
                write_atomic(folder / MARK, country.encode(), mode=0o600)
        finally:
            os.close(descriptor)
        return _mark(folder)

    @contextlib.contextmanager
    def held(self, country: str, *, alone: bool = False) -> Generator[None]:
        """Hold a country's folder while working in it; a takedown holds it alone.

        Raises:
            DataError: somebody works there who must be alone, or who must not be disturbed.
        """
        with open(self.region(country) / "lock", "ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_NB | (fcntl.LOCK_EX if alone else fcntl.LOCK_SH))
            except BlockingIOError as error:
                raise DataError(
                    f"the data of {country} is in use",
                    expected="nobody else there" if alone else "no takedown under way",
                    found="another process that holds it",
                    advice="Call again when it is done.",
                ) from error
            yield

    def ledger(self, country: str) -> Path:
        """The ledger of a country."""
        return self.region(country) / "ledger.jsonl"

    def path(self, country: str, digest: Digest) -> Path:
        """Where these bytes stand, or would."""
        return self.region(country) / "blobs" / digest.hex[:2] / digest.hex

    def put(self, country: str, data: bytes) -> Digest:
        """Keep bytes in a country; the same bytes are kept once, and what a crash tore is written again.

        Raises:
            DataError: larger than a store takes, or the place for them is a link.
        """
        if len(data) > LARGEST:
            raise DataError(
                "too large for the store", expected=f"at most {LARGEST} bytes", found=str(len(data))
            )
        digest = Digest.of(data)
        path = self.path(country, digest)
        private_folder(path.parent)
        _no_link(self.region(country), path)
        if not path.exists() or path.stat().st_size != len(data) or path.read_bytes() != data:
            write_atomic(path, data, mode=0o600, durable=False)
        return digest

    def get(self, country: str, digest: Digest) -> bytes:
        """Bytes of this country, checked.

        Raises:
            DataError: not here (perhaps taken down), no longer these bytes, or a link to somewhere else.
        """
        path = self.path(country, digest)
        try:
            _no_link(self.region(country), path)
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise DataError(
                f"no {digest} in {country}",
                advice="It was taken down, is kept in another country, or was not admitted to the end.",
            ) from error
        if Digest.of(data) != digest:
            raise DataError(f"the bytes of {digest} in {country} changed", advice="Restore them from a copy.")
        return data

    def deletable(self, country: str, digests: Iterable[Digest]) -> None:
        """Refuse if bytes have a second name: they would stay under it.

        Raises:
            DataError: the file is a link, or has hard links.
        """
        for path in (self.path(country, digest) for digest in digests):
            _no_link(self.region(country), path)
            one_name(path)

    def delete(self, country: str, digest: Digest) -> bool:
        """Remove bytes for good, durable before the return; whether they were there."""
        path = self.path(country, digest)
        found = path.exists()
        path.unlink(missing_ok=True)
        if found:
            sync_folder(path.parent)
        return found


def one_name(path: Path) -> None:
    """Refuse a file that has hard links: deleted, its bytes would stay under the others.

    Raises:
        DataError: it has.
    """
    if path.exists() and (count := path.stat().st_nlink) > 1:
        raise DataError(
            f"{path} has a second name, under which its bytes would stay",
            expected="one name",
            found=f"{count} hard links",
            advice=f"Delete the others first: find / -xdev -samefile {path}",
        )


def _mark(folder: Path) -> str:
    try:
        return (folder / MARK).read_bytes()[:8].decode("ascii", "replace")
    except FileNotFoundError:
        return ""


def _no_link(region: Path, path: Path) -> None:
    here = region
    for part in path.relative_to(region).parts:
        here /= part
        if here.is_symlink():
            raise DataError(
                f"{here} is a link: what it names rests elsewhere",
                expected="a file of the country's own folder",
                code="region_refused",
            )


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
