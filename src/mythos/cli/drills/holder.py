"""An engine process without a model to serve: it opens sealed weights, holds its lease, and ends with it.

    python -m mythos.cli.drills.holder SHIFT FD

The confinement, the custodian and the kernel timer are the engine's own; the library is left out, so that
random bytes do for weights. `SHIFT` seconds are added to the wall clock that this process would read.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

from mythos.engines.confine import confine_before_library
from mythos.engines.custodian import SealedCustodian
from mythos.engines.frames import Decoder, Frame, encode
from mythos.errors import MythosError
from mythos.units import Instant

_READ: Final = 1 << 18


def main() -> None:
    """Hold weights until the front goes away or the lease ends. Never returns."""
    shift, descriptor = float(sys.argv[1]), int(sys.argv[2])
    _shift_clock(shift)
    link = socket.socket(fileno=descriptor)
    confine_before_library()
    custodian = SealedCustodian()
    link.sendall(encode({"kind": "hello", "pid": os.getpid(), **custodian.hello()}))
    held = -1
    try:
        for frame in _frames(link):
            if frame["kind"] == "open":
                opened = custodian.open(frame)
                held = opened.descriptor
                signal.setitimer(signal.ITIMER_REAL, custodian.remaining())
                link.sendall(encode({"kind": "opened", **opened.facts}) + encode({"kind": "ready"}))
            else:
                link.sendall(encode({"id": frame["id"], **_answer(custodian, frame, held)}))
    except MythosError as error:
        link.sendall(encode({"kind": "ended", "code": error.code, "message": str(error)}))
    os._exit(0)


def _frames(link: socket.socket) -> Generator[Frame]:
    decoder = Decoder()
    while data := link.recv(_READ):
        yield from decoder.feed(data)


def _answer(custodian: SealedCustodian, frame: Frame, held: int) -> Frame:
    """A renewal, verified as the engine verifies it; or what the process holds and which time it reads."""
    if frame["kind"] == "renew":
        try:
            told = custodian.renew(frame)
            signal.setitimer(signal.ITIMER_REAL, custodian.remaining())
        except MythosError as error:
            return {"kind": "failed", "code": error.code, "message": str(error)}
        return {"kind": "renewed", **told}
    seconds, link = signal.getitimer(signal.ITIMER_REAL)[0], Path(f"/proc/self/fd/{held}").readlink()
    return {"kind": "audited", "seconds": seconds, "wallClock": str(Instant.now()), "holds": str(link)}


def _shift_clock(seconds: float) -> None:
    """Make this process's wall clock wrong, as far as Python code can ask it."""
    true, now = time.time, Instant.now
    wrong: Any = {time: ("time", lambda: true() + seconds), Instant: ("now", lambda: now().plus(seconds))}
    for owner, (name, clock) in wrong.items():
        setattr(owner, name, clock)


if __name__ == "__main__":
    main()
