"""The real engine process with one thing replaced: it opens a plain file instead of a sealed one.

A test names how long the "lease" runs and sends renewals that are believed without a signature.
"""

import fcntl
import os
import sys
import time

from mythos.engines.frames import Frame
from mythos.engines.process import Opened, run
from mythos.errors import LeaseError

F_SEAL_ALL = 0xF


class PlainCustodian:
    def __init__(self) -> None:
        self.until = 0.0

    def hello(self) -> Frame:
        return {}

    def open(self, frame: Frame) -> Opened:
        descriptor = os.memfd_create("weights", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        with open(frame["plain"], "rb", buffering=0) as file:
            while data := file.read(4 << 20):
                os.write(descriptor, data)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, F_SEAL_ALL)
        self.until = time.monotonic() + frame["seconds"]
        return Opened(descriptor, {"bytes": os.fstat(descriptor).st_size})

    def renew(self, frame: Frame) -> Frame:
        if frame["seconds"] <= 0:
            raise LeaseError("a renewal that does not verify")
        self.until = time.monotonic() + frame["seconds"]
        return {"until": "later"}

    def remaining(self) -> float:
        return self.until - time.monotonic()


if __name__ == "__main__":
    run(int(sys.argv[1]), PlainCustodian)
