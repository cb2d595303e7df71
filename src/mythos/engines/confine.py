"""What the engine process can no longer do: seccomp filters, no dumps, no tracing, no new privileges.

Two filters, because the library needs a little at its start that it must not have afterwards:

    before the library is imported (`confine_before_library`)
        a file may be opened for reading only, none be named, moved, removed or changed
        sockets only of the Unix family; no file descriptor may be passed to anybody
        no other program, no process beside this one, no tracing, no signals to others,
        no System V or POSIX shared memory, no calls newer than this filter (io_uring among them)
    after the library has started (`confine_after_library`, on all threads)
        no file may be opened at all, no socket be made, bound, connected or accepted

A later filter can only forbid more (seccomp(2)), so neither can be undone from inside. The filters are
classic BPF, written here by hand so that no system library is needed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
from collections.abc import Iterable
from typing import Final

from mythos.engines.syscalls import AUDIT_ARCHITECTURE, UNIFIED, numbers
from mythos.errors import MachineError

_PR_GET_DUMPABLE: Final = 3
_PR_SET_DUMPABLE: Final = 4
_PR_GET_SECCOMP: Final = 21
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_GET_NO_NEW_PRIVS: Final = 39
_PR_SET_PTRACER: Final = 0x59616D61
_SECCOMP_SET_MODE_FILTER: Final = 1
_SECCOMP_FILTER_FLAG_TSYNC: Final = 1
_CLONE_THREAD: Final = 0x10000
_AF_UNIX: Final = 1

_KILL_PROCESS: Final = 0x8000_0000
_ERRNO: Final = 0x0005_0000
_ALLOW: Final = 0x7FFF_0000

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_NAMING_FILES: Final = """
    creat truncate rename renameat renameat2 mkdir mkdirat rmdir link linkat unlink unlinkat symlink
    symlinkat mknod mknodat chmod fchmod fchmodat chown fchown lchown fchownat setxattr lsetxattr
    fsetxattr removexattr lremovexattr fremovexattr utime utimes futimesat utimensat mount umount2
    pivot_root chroot swapon open_by_handle_at
""".split()  # noqa: SIM905
_REACHING_OTHERS: Final = """
    execve execveat fork vfork ptrace process_vm_readv process_vm_writev kill tkill rt_sigqueueinfo
    rt_tgsigqueueinfo unshare setns kcmp perf_event_open bpf userfaultfd add_key request_key keyctl
    init_module finit_module kexec_load kexec_file_load setrlimit shmget msgget semget mq_open
    sendmsg sendmmsg
""".split()  # noqa: SIM905
_NEWER_BUT_NEEDED: Final = """
    close_range faccessat2 epoll_pwait2 futex_waitv futex_wake futex_wait futex_requeue mseal
""".split()  # noqa: SIM905
_READING: Final = "open openat memfd_create".split()  # noqa: SIM905
_SOCKETS: Final = "socket socketpair connect bind listen accept accept4".split()  # noqa: SIM905

_Program = list[tuple[int, int, int, int]]


def confine_before_library() -> None:
    """Give up what the library never needs. Call before it is imported, while there is one thread.

    Raises:
        MachineError: the kernel refused a step; nothing secret may then be handled.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    _prctl(_PR_SET_DUMPABLE, 0)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _load(_assemble(_before()))


def confine_after_library(*, reading: bool = False) -> None:
    """Give up what only the library's start needed, on every thread it made.

    Args:
        reading: go on opening files to read them, as a library that loads its own parts late must.

    Raises:
        MachineError: a thread could not be covered.
    """
    table = numbers()
    _load(_assemble(_refuse(table, _SOCKETS if reading else _READING + _SOCKETS, errno.EPERM)))


def confinement() -> dict[str, int]:
    """What the kernel says of this process; seccomp mode 2 means filtered."""
    libc = ctypes.CDLL(None, use_errno=True)
    return {
        "dumpable": libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0),
        "noNewPrivileges": libc.prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
        "seccomp": libc.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0),
        "coreLimit": resource.getrlimit(resource.RLIMIT_CORE)[1],
    }


def _before() -> _Program:
    table = numbers()
    program: _Program = []
    for name, flags in (("open", 1), ("openat", 2)):
        if name in table:
            program += _when_argument(table[name], flags, _ANY_BIT, _WRITING, errno.EACCES)
    program += _when_argument(table["socket"], 0, _EQUAL, _AF_UNIX, errno.EPERM, refuse_match=False)
    # A child would inherit the weights but not the lease's timer: only threads may be made.
    program += _when_argument(table["clone"], 0, _ANY_BIT, _CLONE_THREAD, errno.EPERM, refuse_match=False)
    program += _when_argument(table["tgkill"], 0, _EQUAL, os.getpid(), errno.EPERM, refuse_match=False)
    program += _when_argument(table["prctl"], 0, _EQUAL, _PR_SET_DUMPABLE, errno.EPERM)
    program += _when_argument(table["prctl"], 0, _EQUAL, _PR_SET_PTRACER, errno.EPERM)
    program += _when_pointer(table["prlimit64"], 2, errno.EPERM)
    program += _refuse(table, _NAMING_FILES + _REACHING_OTHERS, errno.EPERM)
    for name in _NEWER_BUT_NEEDED:
        program += [(_EQUAL, 0, 1, table[name]), (_RETURN, 0, 0, _ALLOW)]
    # ENOSYS lets the C library fall back: clone3 to clone, openat2 to openat, where arguments can be seen.
    return [*program, (_AT_LEAST, 0, 1, UNIFIED), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]


def _refuse(table: dict[str, int], names: Iterable[str], code: int) -> _Program:
    program: _Program = []
    for name in names:
        if name in table:
            program += [(_EQUAL, 0, 1, table[name]), (_RETURN, 0, 0, _ERRNO | code)]
    return program


def _when_argument(
    number: int, argument: int, test: int, value: int, code: int, *, refuse_match: bool = True
) -> _Program:
    """Refuse call `number` when the low word of `argument` passes `test` (or when it does not)."""
    when_true, when_false = (0, 1) if refuse_match else (1, 0)
    return [
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, 16 + 8 * argument),
        (test, when_true, when_false, value),
        (_RETURN, 0, 0, _ERRNO | code),
        (_LOAD, 0, 0, 0),
    ]


def _when_pointer(number: int, argument: int, code: int) -> _Program:
    """Refuse call `number` when `argument` is not NULL."""
    return [
        (_EQUAL, 0, 6, number),
        (_LOAD, 0, 0, 16 + 8 * argument),
        (_EQUAL, 0, 2, 0),
        (_LOAD, 0, 0, 20 + 8 * argument),
        (_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, _ERRNO | code),
        (_LOAD, 0, 0, 0),
    ]


def _assemble(body: _Program) -> bytes:
    """The body between the architecture check and the final ALLOW, as an array of struct sock_filter."""
    program: _Program = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, AUDIT_ARCHITECTURE[platform.machine()]),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, 0),
        *body,
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in program)


class _SockFprog(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def _load(code: bytes) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    program = _SockFprog(len(code) // 8, code)
    result = libc.syscall(
        ctypes.c_long(numbers()["seccomp"]),
        ctypes.c_ulong(_SECCOMP_SET_MODE_FILTER),
        ctypes.c_ulong(_SECCOMP_FILTER_FLAG_TSYNC),
        ctypes.byref(program),
    )
    if result != 0:
        raise MachineError(
            "the kernel did not take the engine's filter",
            found=f"{result}, {os.strerror(ctypes.get_errno())}",
            advice="Enable CONFIG_SECCOMP_FILTER; in a container allow seccomp(2).",
        )


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise MachineError("prctl failed", found=f"option {option}: {os.strerror(ctypes.get_errno())}")
