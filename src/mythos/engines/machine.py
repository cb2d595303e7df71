"""What this machine lacks, found out before anything is downloaded (`mythos doctor`).

Each check reads one fact of the machine and says what follows. `lacking` means Mythos cannot run;
`weaker` means that it runs and holds against less, and says against what.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from mythos.units import Bytes

Verdict = Literal["ok", "weaker", "lacking"]

_NEEDED_DISK: Final = Bytes(600_000_000)
_NEEDED_MEMORY: Final = Bytes(1_500_000_000)
_PR_GET_SECCOMP: Final = 21


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about the machine: `verdict`, what was `found`, and what to do about it."""

    name: str
    verdict: Verdict
    found: str
    advice: str = ""


def examine(home: Path, port: int) -> list[Finding]:
    """Every check, in the order of a model's life. Reads only; never raises for what a machine lacks."""
    checks: list[Callable[[], Finding]] = [
        _system,
        lambda: _disk(home),
        _memory,
        _cpu,
        _clock,
        _memfd,
        _seccomp,
        _core_dumps,
        _swap,
        lambda: _port(port),
    ]
    return [check() for check in checks]


def _system() -> Finding:
    found = f"{platform.system()} {platform.release()} {platform.machine()}"
    if platform.system() != "Linux":
        return Finding("system", "lacking", found, "Run on Linux (5.10 or newer): memfd, seccomp and seals.")
    if platform.machine() not in {"x86_64", "aarch64"}:
        return Finding("system", "lacking", found, "Use an x86-64 or 64-bit Arm machine.")
    return Finding("system", "ok", found)


def _disk(home: Path) -> Finding:
    folder = home.absolute()
    while not folder.exists():
        folder = folder.parent
    free = Bytes(shutil.disk_usage(folder).free)
    found = f"{free.human} free at {folder}"
    if free < _NEEDED_DISK:
        advice = f"Free at least {_NEEDED_DISK.human}, or choose another place with --home."
        return Finding("disk", "lacking", found, advice)
    return Finding("disk", "ok", found)


def _meminfo() -> dict[str, int]:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    return {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}


def _memory() -> Finding:
    free = Bytes(_meminfo().get("MemAvailable", 0))
    if free < _NEEDED_MEMORY:
        return Finding("memory", "lacking", f"{free.human} free", f"Free {_NEEDED_MEMORY.human} of memory.")
    return Finding("memory", "ok", f"{free.human} free")


def _cpu() -> Finding:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    flags = set(next((x for x in text.splitlines() if x.startswith(("flags", "Features"))), "").split())
    found = (
        f"{os.cpu_count()} cores, {', '.join(sorted(flags & {'aes', 'avx2', 'avx512f', 'sha_ni', 'asimd'}))}"
    )
    if "aes" not in flags:
        return Finding("processor", "weaker", found, "Without AES instructions sealing and opening are slow.")
    if platform.machine() == "x86_64" and "avx2" not in flags:
        return Finding("processor", "lacking", found, "llama.cpp's wheel needs AVX2.")
    return Finding("processor", "ok", found)


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2); only `modes` is set and the return value read."""

    _fields_ = [("modes", ctypes.c_uint), ("rest", ctypes.c_byte * 512)]


def _clock() -> Finding:
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(_Timex()))
    except (OSError, AttributeError):
        state = -1
    if state in {-1, 5}:
        advice = "Synchronise the clock (chrony, systemd-timesyncd): leases and law are dated."
        return Finding("clock", "weaker", "not synchronised", advice)
    return Finding("clock", "ok", "synchronised")


def _memfd() -> Finding:
    try:
        os.close(os.memfd_create("mythos-doctor", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))
    except OSError as error:
        return Finding("memfd", "lacking", str(error), "Plain weights live only in a sealed memfd.")
    return Finding("memfd", "ok", "memfd_create with seals")


def _seccomp() -> Finding:
    try:
        available = ctypes.CDLL(None, use_errno=True).prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0
    except (OSError, AttributeError):
        available = False
    if not available:
        return Finding(
            "seccomp", "lacking", "none", "The engine is confined by seccomp; enable CONFIG_SECCOMP."
        )
    return Finding("seccomp", "ok", "filters available")


def _core_dumps() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_CORE)
    found = "off" if soft == 0 else "on for this shell"
    return Finding("core dumps", "ok", f"{found}; the engine sets its own limit to 0")


def _swap() -> Finding:
    total = Bytes(_meminfo().get("SwapTotal", 0))
    if total:
        advice = "Plain weights in memory may be written to swap; run swapoff or encrypt it."
        return Finding("swap", "weaker", total.human, advice)
    return Finding("swap", "ok", "none")


def _port(port: int) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            found = f"{port}: {error.strerror}"
            return Finding("port", "lacking", found, "Stop what uses it, or choose another with --port.")
    return Finding("port", "ok", f"{port} is free")
