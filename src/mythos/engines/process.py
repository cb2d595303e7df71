"""The engine process: the only place where plain weights exist, and it can give them to nobody.

    python -m mythos.engines.process FD

The front starts it with one end of a socket pair as descriptor `FD`. In this order: the first filter is
loaded, the HPKE key is made and said (`hello`), the shares and the sealed files come (`open`), the weights
are opened into a sealed memfd (`opened`), llama.cpp is started on it, the second filter is loaded on every
thread, and only then are requests taken (`ready`). The lease's end is a kernel timer whose signal nobody
handles; when the front's end of the pair closes, the process ends at once. Wiping is ending the process.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from mythos.engines.confine import confine_after_library, confine_before_library, confinement
from mythos.engines.frames import Decoder, Frame, encode
from mythos.engines.llama import Delta, Failure, Finish, Llama, LoadOptions, set_environment
from mythos.errors import EngineError, MythosError

__all__ = ["Channel", "Custodian", "Opened", "arm", "attend", "expect_open", "main", "run"]

PROTOCOL: Final = 1
_READ: Final = 1 << 18
_DESCRIPTORS: Final = 1024
_NICE: Final = 15
"""Behind the front, which must end a person's stream at once however busy the cores are with computing. It
counts within a session only (sched(7), autogroup), so the engine stays in the front's."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Plain weights: a sealed memfd, what is said about the opening, and the memfd of an adapter."""

    descriptor: int
    facts: Frame
    adapter: int | None = None


class Custodian(Protocol):
    """Who opens the weights for this process and decides how long it may hold them."""

    def hello(self) -> Frame:
        """What the release needs to know of this process: its public key."""
        ...

    def open(self, frame: Frame) -> Opened:
        """Open the weights. Raises `CustodyError` when the release does not allow it."""
        ...

    def renew(self, frame: Frame) -> Frame:
        """Take a verified renewal; what is said about it. Raises `CustodyError` otherwise."""
        ...

    def remaining(self) -> float:
        """Seconds until the lease ends, by a clock the host cannot set. Raises `LeaseError` when over."""
        ...


_C = TypeVar("_C", bound=Custodian)


class Channel:
    """The front's end, written by many threads and read by one."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._decoder = Decoder()
        self._lock = threading.Lock()
        self._waiting: list[Frame] = []

    def send(self, frame: Frame) -> None:
        """Say something to the front."""
        data = encode(frame)
        with self._lock:
            self._sock.sendall(data)

    def receive(self) -> Frame | None:
        """What the front says next; None when it is gone."""
        while not self._waiting:
            data = self._sock.recv(_READ)
            if not data:
                return None
            self._waiting = self._decoder.feed(data)
        return self._waiting.pop(0)


def run(
    descriptor: int,
    make_custodian: Callable[[], _C],
    work: Callable[[Channel, _C, Frame], None] | None = None,
) -> None:
    """Be the engine until the front goes away, the lease ends or something breaks. Never returns.

    Args:
        descriptor: this process's end of the socket pair.
        make_custodian: makes what opens the weights; called after the first filter is loaded.
        work: what is done with the weights, from the first frame on. Default: answer requests.
    """
    set_environment()
    os.nice(_NICE)
    channel = Channel(socket.socket(fileno=descriptor))
    _silence()
    status = 0
    try:
        confine_before_library()
        custodian = make_custodian()
        channel.send({"kind": "hello", "protocol": PROTOCOL, "pid": os.getpid(), **custodian.hello()})
        frame = channel.receive()
        if frame is not None:
            (work or _answer)(channel, custodian, frame)
    except MythosError as error:
        status = error.exit_status
        _tell(channel, {"kind": "ended", "code": error.code, "message": str(error)})
    except BaseException as error:  # noqa: BLE001 (its text could carry what must not leave; its name cannot)
        status = 70
        _tell(channel, {"kind": "ended", "code": "broken", "message": type(error).__name__})
    finally:
        os._exit(status)


def _answer(channel: Channel, custodian: Custodian, frame: Frame) -> None:
    _serve(channel, custodian, _load(channel, custodian, frame), frame)


def expect_open(frame: Frame) -> None:
    """Refuse anything else as the first frame."""
    if frame["kind"] != "open":
        raise EngineError(
            "the engine is asked before it is opened", expected="open", found=frame["kind"][:40]
        )


def _load(channel: Channel, custodian: Custodian, frame: Frame) -> Llama:
    expect_open(frame)
    opened = custodian.open(frame)
    arm(custodian.remaining())
    channel.send({"kind": "opened", **opened.facts})
    llama = Llama.start(
        opened.descriptor, alias=frame["alias"], listen=frame["listen"], options=LoadOptions(**frame["load"]),
        adapter=opened.adapter,
    )  # fmt: skip
    for descriptor in (opened.descriptor, opened.adapter):
        if descriptor is not None:
            os.close(descriptor)
    confine_after_library()
    channel.send({"kind": "ready"})
    return llama


def _serve(channel: Channel, custodian: Custodian, llama: Llama, opening: Frame) -> None:
    slots = threading.BoundedSemaphore(LoadOptions(**opening["load"]).slots)
    running: dict[str, threading.Event] = {}
    while (frame := channel.receive()) is not None:
        match frame["kind"]:
            case "generate":
                arm(custodian.remaining())  # the timer does not count suspend, the lease does
                stop = running[frame["id"]] = threading.Event()
                arguments = (channel, llama, frame, stop, running, slots)
                threading.Thread(target=_generate, args=arguments, daemon=True).start()
            case "cancel":
                if (known := running.get(frame["id"])) is not None:
                    known.set()
            case _:
                attend(channel, custodian, frame)


def attend(channel: Channel, custodian: Custodian, frame: Frame) -> None:
    """What every engine answers: a renewal, an audit; anything else ends it."""
    match frame["kind"]:
        case "renew":
            channel.send({"id": frame["id"], **_renew(custodian, frame)})
        case "audit":
            channel.send({"kind": "audited", "id": frame["id"], **_audit()})
        case other:
            raise EngineError("a frame that the engine does not know", found=other[:40])


def _renew(custodian: Custodian, frame: Frame) -> Frame:
    """Move the end of the lease; a renewal that does not verify leaves it where it was."""
    try:
        told = custodian.renew(frame)
        arm(custodian.remaining())
    except MythosError as error:
        return {"kind": "failed", "code": error.code, "message": str(error)}
    return {"kind": "renewed", **told}


def _generate(
    channel: Channel,
    llama: Llama,
    frame: Frame,
    stop: threading.Event,
    running: dict[str, threading.Event],
    slots: threading.BoundedSemaphore,
) -> None:
    request = frame["id"]

    started = False

    def emit(delta: Delta | None) -> bool:
        nonlocal started
        if not started and not stop.is_set():
            started = True
            channel.send({"kind": "started", "id": request})
        if delta is not None and not stop.is_set():
            piece: Frame = {"kind": "delta", "id": request, "text": delta.text}
            channel.send(piece if delta.logprobs is None else {**piece, "logprobs": delta.logprobs})
        return stop.is_set()

    try:
        with slots:
            left = stop.is_set()  # while it waited for a slot
            outcome = Finish("cancelled", 0, 0) if left else llama.generate(frame["api"], frame["body"], emit)
    except BaseException as error:  # noqa: BLE001 (one request's failure is not the engine's)
        outcome = Failure("engine_failure", type(error).__name__)
    running.pop(request, None)
    if isinstance(outcome, Failure):
        channel.send({"kind": "failed", "id": request, "code": outcome.code, "message": outcome.message})
        return
    channel.send(
        {
            "kind": "done",
            "id": request,
            "finish": outcome.reason,
            "promptTokens": outcome.prompt_tokens,
            "completionTokens": outcome.completion_tokens,
        }
    )


def arm(seconds: float) -> None:
    """End this process in `seconds` by a kernel timer, whatever native code is doing then."""
    if seconds <= 0:
        raise EngineError("the lease has ended", code="lease_ended")
    signal.setitimer(signal.ITIMER_REAL, seconds)


def remaining() -> float:
    """Seconds until the timer ends this process."""
    return signal.getitimer(signal.ITIMER_REAL)[0]


def _audit() -> dict[str, Any]:
    descriptors: dict[str, str] = {}
    for number in range(_DESCRIPTORS):
        try:
            descriptors[str(number)] = str(Path(f"/proc/self/fd/{number}").readlink())
        except OSError:
            continue
    return {
        "descriptors": descriptors,
        "environment": sorted(os.environ),
        "arguments": sys.argv,
        "confinement": confinement(),
        "seconds": remaining(),
    }


def _silence() -> None:
    """Standard streams could lead to a file or a terminal: libraries print prompts and grammars there."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)


def _tell(channel: Channel, frame: Frame) -> None:
    try:
        channel.send(frame)
    except (OSError, MythosError):
        return


def main() -> None:
    """Start on the descriptor named by the only argument, opening sealed weights under a grant."""
    from mythos.engines.custodian import ServingCustodian

    if len(sys.argv) != 2 or not sys.argv[1].isdigit():
        raise EngineError("this program is started by the hub", advice="Run: mythos serve")
    run(int(sys.argv[1]), ServingCustodian)


if __name__ == "__main__":
    main()
