"""What a machine could do at most and what it used: the physical bound of a count, and energy."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

CEILING: Final = 10**17
"""Operations per second that no single device does: the bound of an accelerator whose peak was not given."""

WATTS_PER_CORE: Final = 10
"""What an estimate takes a busy logical core to use when nothing can be read."""

_RAPL: Final = Path("/sys/class/powercap")


def host_peak(cpuinfo: str, cores: int) -> int:
    """An upper bound of a host's rate: every core at 6 GHz with its widest product unit.

    Matrix tiles (AMX) make 2,048 eight-bit operations a cycle, two 512-bit units 256, anything else less.
    """
    return cores * 6 * 10**9 * (2048 if "amx_int8" in cpuinfo or "sme" in cpuinfo else 256)


def default_peak(device: str) -> int:
    """The bound for one device of this type (`cpu` is the whole host)."""
    if device != "cpu":
        return CEILING
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        cpuinfo = "amx_int8"
    return host_peak(cpuinfo, os.cpu_count() or 1)


class Energy:
    """Microjoules between two calls of `take`: read where the machine lets us, else estimated and said so."""

    def __init__(
        self, *, watts: int | None = None, rapl: Path = _RAPL, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._watts = watts if watts is not None else WATTS_PER_CORE * (os.cpu_count() or 1)
        self._domains = [d for d in sorted(rapl.glob("intel-rapl:*")) if d.name.count(":") == 1]
        self._nvml = _nvml()
        self._clock = clock
        self._last = self._read()

    def take(self) -> tuple[int, str]:
        """Microjoules since the last call, and how they are known."""
        before, now = self._last, self._read()
        self._last = now
        used, methods = 0, list[str]()
        for name, value in now.items():
            if name == "clock" or name not in before:
                continue
            step = value - before[name]
            used += step if step >= 0 else step + self._range(name)  # the counter starts again from zero
            methods.append("nvml" if name.startswith("gpu") else "rapl")
        if not methods:
            return (now["clock"] - before["clock"]) * self._watts // 1000, f"estimated: {self._watts} W"
        return used, "+".join(sorted(set(methods)))

    def _read(self) -> dict[str, int]:
        values = {"clock": self._clock()}
        for domain in self._domains:
            with suppress(OSError, ValueError):
                values[str(domain)] = int((domain / "energy_uj").read_text())
        if self._nvml is not None:
            values |= _nvml_energy(self._nvml)
        return values

    @staticmethod
    def _range(domain: str) -> int:
        with suppress(OSError, ValueError):
            return int((Path(domain) / "max_energy_range_uj").read_text())
        return 0


def _nvml() -> Any:
    """NVIDIA's management library, started; `None` where there is none."""
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL("libnvidia-ml.so.1")
        if library.nvmlInit_v2() == 0:
            return library
    return None


def _nvml_energy(library: Any) -> dict[str, int]:
    """Microjoules of every visible GPU since its driver was loaded (nvmlDeviceGetTotalEnergyConsumption)."""
    count, found = ctypes.c_uint(), dict[str, int]()
    if library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
        return found
    for index in range(count.value):
        handle, millijoules = ctypes.c_void_p(), ctypes.c_ulonglong()
        ok = library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)) == 0
        if ok and library.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules)) == 0:
            found[f"gpu{index}"] = millijoules.value * 1000
    return found
