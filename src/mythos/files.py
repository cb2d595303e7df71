"""Files that survive a crash and stay private: atomic durable writes, 0700 folders, 0600 keys."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from mythos.errors import FormatError, HomeError


def private_folder(path: Path) -> Path:
    """Make `path` (and its parents) with mode 0700; refuse one that others may enter.

    Raises:
        HomeError: not writable, not a folder, or open to others.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        mode = path.stat().st_mode
    except OSError as error:
        raise HomeError(
            f"cannot make the folder {path}", found=str(error), advice="Choose another with --home."
        ) from error
    if mode & 0o077:
        raise HomeError(
            f"others may enter {path}",
            expected="mode 0700",
            found=f"{stat.S_IMODE(mode):04o}",
            advice=f"Run: chmod 700 {path}",
        )
    if not os.access(path, os.W_OK | os.X_OK):
        raise HomeError(f"cannot write into {path}", advice="Choose another folder with --home.")
    return path


def sync_folder(path: Path) -> None:
    """Make renames and new names in `path` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644, durable: bool = True) -> None:
    """Replace `path` by `data`, whole or not at all; after the return it survives a power cut.

    Raises:
        OSError: the disk is full or the folder is not writable; `path` is then unchanged.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        sync_folder(path.parent)


def write_private(path: Path, data: bytes) -> None:
    """Write a secret: mode 0600, atomic, durable."""
    write_atomic(path, data, mode=0o600)


def read_private(path: Path, *, limit: int = 1 << 20) -> bytes:
    """Read a secret; refuse one that others may read.

    Raises:
        HomeError: missing, or readable by others.
        FormatError: longer than `limit` bytes.
    """
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(limit + 1)
    except OSError as error:
        raise HomeError(f"cannot read the key {path}", found=error.strerror or str(error)) from error
    if mode & 0o077:
        raise HomeError(
            f"others may read the key {path}",
            expected="mode 0600",
            found=f"{stat.S_IMODE(mode):04o}",
            advice=f"Run: chmod 600 {path} (and replace the key if others had access).",
        )
    if len(data) > limit:
        raise FormatError(f"{path} is too large for a key", expected=f"at most {limit} bytes")
    return data
