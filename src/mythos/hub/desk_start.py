"""The start of a question's process: `python -m mythos.hub.desk_start CACHE FOLDER…`.

It raises the first wall while there is one thread and nothing large is loaded, and then becomes
`mythos.hub.desk_worker`.
"""

from __future__ import annotations

import ctypes
import resource
import signal
import sys
from pathlib import Path
from typing import Final

from mythos.hub.walls import around, of_databases

_MEMORY: Final = 4 << 30
_CPU: Final = 600
_PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Wall, then work."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, _MEMORY),
        (resource.RLIMIT_CPU, _CPU),
    ):
        resource.setrlimit(limit, (most, most))
    cache, *folders = map(Path, sys.argv[1:])
    walled = around([cache], [*folders, *of_databases()])
    from mythos.hub.desk_worker import work

    work(walled=bool(walled))


if __name__ == "__main__":
    main()
