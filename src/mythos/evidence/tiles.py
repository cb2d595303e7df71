"""The log as static files (C2SP tlog-tiles 0.1.0): tiles, entry bundles, and then the checkpoint.

A projection of the database: it can be rebuilt at any time, and is never ahead of it. The checkpoint is
replaced only after every file it needs is durable, names included, so a power cut leaves a checkpoint whose
tiles are whole. Files beyond it may be torn; they are written again by the next publication.
"""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from mythos.evidence.merkle import TILE, Tree, pack, tile_path

FEW: Final = 8
"""Up to so many files are synced one by one; more are cheaper with one sync of the file system."""


class Reader(Protocol):
    """Where the entries of a bundle come from."""

    def __call__(self, start: int, end: int, /) -> list[bytes]:
        """The exact bytes of entries `start` to `end` (exclusive)."""
        ...


class Disk:
    """The four operations that publishing needs. A test replaces it by a disk that forgets."""

    def make_folder(self, path: Path) -> None:
        """Make one folder; not yet durable."""
        path.mkdir(mode=0o755)

    def write(self, path: Path, data: bytes, *, sync: bool) -> None:
        """Write a new file, or replace its content; durable with `sync`."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if sync:
                os.fsync(file.fileno())

    def rename(self, old: Path, new: Path) -> None:
        """Give a file its final name; not yet durable."""
        old.replace(new)

    def sync_folder(self, path: Path) -> None:
        """Make the names in a folder durable."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sync_all(self, path: Path) -> None:
        """Make everything on the file system of `path` durable."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
                raise OSError(ctypes.get_errno(), "syncfs failed", str(path))
        finally:
            os.close(descriptor)


class Projection:
    """The static files of one log in `folder`."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self.folder = folder
        self._disk = disk or Disk()

    def read(self, name: str) -> bytes | None:
        """A file of the projection, or `None`."""
        try:
            return (self.folder / name).read_bytes()
        except OSError:
            return None

    def publish(self, tree: Tree, entries: Reader, old: int, new: int, checkpoint: str) -> None:
        """Write what the log of `new` entries needs beyond that of `old`; then replace the checkpoint.

        One thread at a time may write a projection.

        Raises:
            OSError: the disk is full or fails; the old checkpoint still stands.
        """
        wanted = list(changed(old, new))
        one_by_one = len(wanted) <= FEW
        folders: list[Path] = []
        for level, index, width in wanted:
            start = index * TILE
            if level is None:
                data = pack(entries(start, start + width))
            else:
                data = tree.subtree(8 * level, start, start + width)
            path = self.folder / tile_path(level, index, width)
            folders += self._parents(path.parent)
            self._put(path, data, sync=one_by_one)
            folders.append(path.parent)
        if one_by_one:
            for folder in dict.fromkeys(folders):
                self._disk.sync_folder(folder)
        else:
            self._disk.sync_all(self.folder)
        self.replace("checkpoint", checkpoint)
        self._remove_partials(wanted)

    def replace(self, name: str, text: str) -> None:
        """Replace one file, whole or not at all; durable on return."""
        self._put(self.folder / name, text.encode(), sync=True)
        self._disk.sync_folder(self.folder)

    def _put(self, path: Path, data: bytes, *, sync: bool) -> None:
        temporary = path.with_name(f".{path.name}.tmp")
        self._disk.write(temporary, data, sync=sync)
        self._disk.rename(temporary, path)

    def _parents(self, folder: Path) -> list[Path]:
        """Make missing folders; returns those in which a name is new."""
        missing: list[Path] = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for path in reversed(missing):
            self._disk.make_folder(path)
        return [path.parent for path in missing]

    def _remove_partials(self, wanted: list[tuple[int | None, int, int]]) -> None:
        """Once a tile is full and published, its partial forms may go."""
        for level, index, width in wanted:
            if width == TILE:
                shutil.rmtree(self.folder / f"{tile_path(level, index)}.p", ignore_errors=True)


def changed(old: int, new: int) -> Iterator[tuple[int | None, int, int]]:
    """(level, index, width) of every file that the log of `new` entries needs beyond that of `old`."""
    level = 0
    while new >> 8 * level:
        before, after = old >> 8 * level, new >> 8 * level
        if before == after:
            return
        for index in range(before // TILE, (after + TILE - 1) // TILE):
            width = min(TILE, after - index * TILE)
            yield level, index, width
            if level == 0:
                yield None, index, width
        level += 1
