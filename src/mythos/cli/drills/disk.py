"""A disk of a few hundred kilobytes that only this process and its children see, so that it can be filled."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mythos.errors import MachineError

_NEW_MOUNTS: Final = 0x0002_0000
_NEW_USER: Final = 0x1000_0000
_RECURSIVE: Final = 0x4000
_PRIVATE: Final = 1 << 18
_DETACH: Final = 2
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


@contextmanager
def small_disk(folder: Path, size: int) -> Generator[None]:
    """An empty disk of `size` bytes over `folder`, which nobody but this process and its children sees.

    Needs root or unprivileged user namespaces; in the latter this process becomes root of its own namespace.
    Call it while the process has one thread.

    Raises:
        MachineError: the kernel allows neither.
    """
    user, group = os.getuid(), os.getgid()
    if _LIBC.unshare(_NEW_MOUNTS) != 0:
        _call("unshare", _NEW_MOUNTS | _NEW_USER)
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="ascii")
    _call("mount", None, b"/", None, _RECURSIVE | _PRIVATE, None)
    _call("mount", b"drill", os.fsencode(folder), b"tmpfs", 0, f"size={size},mode=0700".encode())
    try:
        yield
    finally:
        _call("umount2", os.fsencode(folder), _DETACH)


def fill(folder: Path) -> Path:
    """Write a file until the disk of `folder` is full; remove it to give the space back."""
    path, written = folder / "filler", 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            written += os.write(descriptor, bytes(4096))
    except OSError:
        return path
    finally:
        os.close(descriptor)


def _call(name: str, *arguments: object) -> None:
    if getattr(_LIBC, name)(*arguments) != 0:
        raise MachineError(
            f"this drill needs a small disk of its own, and {name} was refused",
            found=os.strerror(ctypes.get_errno()),
            advice="Run it as root, or where the kernel allows user namespaces.",
        )
