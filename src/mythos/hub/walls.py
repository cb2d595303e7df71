"""What the process of a question may reach: Landlock for files and signals, seccomp for sockets.

    around([cache], [data])      # at its start, before anything large is loaded and threads are made
    around([mine], [data])       # once its question is known; a second wall stands inside the first
    no_sockets()

A parser of documents that a document takes over then has the data it was to read, and no key of the hub, no
database of its, no rows that were kept for others, and no network. A kernel without Landlock (before 5.13)
raises the second half of the wall only; `around` says so.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mythos.engines.confine import confine_after_library
from mythos.errors import MachineError

__all__ = ["around", "no_sockets", "of_databases"]

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION: Final = 1
_PATH_BENEATH: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_CAPABILITIES: Final = 0x20080522
_CAP_DAC_READ_SEARCH: Final = 1 << 2
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_RIGHTS: Final = ((1, 13), (2, 14), (3, 15), (5, 16))
"""Since which version of Landlock how many rights of files are known; each is one bit."""
_OF_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15
_SCOPES: Final = 0b11
"""Abstract Unix sockets and signals of processes outside, since version 6."""
_SYSTEM: Final = (
    *("/usr", "/lib", "/lib64", "/bin", "/proc", "/sys", "/dev/urandom", "/dev/random"),
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives", "/etc/passwd", "/etc/group"),
    *("/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/ssl", "/etc/pki"),
)


def around(writable: Iterable[Path], readable: Iterable[Path]) -> int:
    """From here on this thread, those it makes and their children reach these files and the system's alone.

    Args:
        writable: folders that may be changed.
        readable: may be read, beside the interpreter, this package and the system's libraries.

    Returns:
        The version of Landlock; 0 where the kernel has none, and nothing is kept from anybody.

    Raises:
        MachineError: the kernel has it and refused.
    """
    version = _call(_CREATE, None, 0, _VERSION)
    if version < 1:
        return 0
    rights = (1 << max(count for since, count in _RIGHTS if version >= since)) - 1
    sizes = struct.pack("=QQQ", rights, 0, _SCOPES)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _call(_CREATE, sizes, len(sizes), 0)
    if ruleset < 0:
        raise _refused()
    package = Path(__file__).parents[1]
    own = (sys.prefix, sys.base_prefix, sys.exec_prefix, package, *_SYSTEM)
    try:
        _allow(ruleset, [package.parent], _READ_DIR)  # where it is looked for
        _allow(ruleset, own, _EXECUTE | _READ_FILE | _READ_DIR)
        _allow(ruleset, readable, _READ_FILE | _READ_DIR)
        _allow(ruleset, (*writable, "/dev/null"), rights & ~_EXECUTE)
        _no_privileges()
        if _call(_RESTRICT, ruleset, 0) < 0:
            raise _refused()
    finally:
        os.close(ruleset)
    return version


def of_databases() -> list[Path]:
    """The files in which libpq finds services, passwords and certificates."""
    named = [os.environ.get(name) for name in ("PGSERVICEFILE", "PGPASSFILE", "PGSYSCONFDIR")]
    at_home = [Path.home() / name for name in (".pg_service.conf", ".pgpass", ".postgresql")]
    return [*at_home, Path("/etc/postgresql-common"), *(Path(name) for name in named if name)]


def no_sockets() -> None:
    """No thread of this process makes or uses a socket any more, nor does a child.

    Raises:
        MachineError: the kernel refused.
    """
    _no_privileges()
    confine_after_library(reading=True)


def _no_privileges() -> None:
    """Of a hub that is run as root nothing is kept but reading what others own, inside the walls."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITIES, 0))
    held = ctypes.create_string_buffer(24)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.capget(header, held):
        raise _refused()
    kept = struct.unpack("=6I", held.raw)[1] & _CAP_DAC_READ_SEARCH
    if libc.capset(header, struct.pack("=6I", kept, kept, 0, 0, 0, 0)):
        raise _refused()


def _allow(ruleset: int, paths: Iterable[str | Path], rights: int) -> None:
    for path in paths:
        try:
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            folder = stat.S_ISDIR(os.fstat(opened).st_mode)
            rule = struct.pack("=Qi", rights if folder else rights & _OF_FILES, opened)
            if _call(_ADD, ruleset, _PATH_BENEATH, rule, 0) < 0:
                raise _refused()
        finally:
            os.close(opened)


def _call(number: int, *arguments: int | bytes | None) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    passed = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    return int(libc.syscall(ctypes.c_long(number), *passed))


def _refused() -> MachineError:
    return MachineError("the kernel refused a wall", found=os.strerror(ctypes.get_errno()))
