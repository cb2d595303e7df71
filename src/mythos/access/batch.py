"""Decide a whole file of persons: JSON lines in, JSON lines out, in order, or nothing at all.

Wrong input on any line means that nothing is decided, so the answers wait in an unnamed temporary file until
the last person was read. A large file is cut at line ends into stretches that forked workers answer in
turn; each sends back bytes, and a full pipe makes it wait, so memory stays bounded.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Final

from mythos.access.decide import Decision, Plan
from mythos.access.people import json_object, person, text_lines
from mythos.errors import AccessError, MachineError
from mythos.units import Instant

STRETCH: Final = 1 << 20
"""Bytes a worker takes at a time."""
LINE_LIMIT: Final = 1 << 20
"""Bytes of the longest line."""
ALONE: Final = 4 << 20
"""Files up to this many bytes are answered without workers."""

_FAILED: Final = b"\xff" * 8
_quoted: Final = json.JSONEncoder(ensure_ascii=False).encode


def decide_file(persons: Path, plan: Plan, hi: Instant, out: IO[bytes], *, workers: int | None = None) -> int:
    """Answer every person of a JSONL file.

    Args:
        persons: the file; a pipe is read in one process.
        plan: what is in force for the model, act and instant asked about.
        hi: the instant; facts not verified beyond it are unknown.
        out: where the answers go once all of them are there.
        workers: processes; as many as the machine has cores when not given.

    Returns:
        How many persons were answered.

    Raises:
        AccessError: a line that is wrong; nothing was written.
    """
    with persons.open("rb") as file, tempfile.TemporaryFile() as spool:
        status = os.fstat(file.fileno())
        workers = workers or os.cpu_count() or 1
        if stat.S_ISREG(status.st_mode) and status.st_size > ALONE and workers > 1:
            answers = _together(persons, status.st_size, plan, hi, workers)
        else:
            answers = _alone(file, plan, hi, str(persons))
        total = 0
        for count, data in answers:
            total += count
            spool.write(data)
        spool.seek(0)
        shutil.copyfileobj(spool, out, STRETCH)
    out.flush()
    return total


def answer_lines(data: bytes, plan: Plan, hi: Instant, *, where: str, first: int = 1) -> tuple[int, bytes]:
    """Answer whole lines, the first of number `first`; returns how many persons, and their JSON lines."""
    decide_facts, micros, unverified = plan.decide_facts, hi.micros, plan.unverified
    tails: dict[int, str] = {}
    decisions: list[Decision] = []  # kept, so that no id() is used twice
    out: list[str] = []
    for number, line in enumerate(text_lines(data, where=where), first):
        if not line or line.isspace():
            continue
        at = f"{where} line {number}"
        identity, facts, until = person(json_object(line, where=at), where=at)
        decision = decide_facts(facts) if until is not None and until.micros > micros else unverified
        tail = tails.get(id(decision))
        if tail is None:
            decisions.append(decision)
            tail = tails[id(decision)] = _tail(decision)
        out.append(f'{{"id": {_quoted(identity)}{tail}')
    return len(out), "".join(out).encode()


def _tail(decision: Decision) -> str:
    """What follows the id: written once for an answer, not once for a person."""
    document = decision.to_dict("")
    del document["id"]
    return ", " + json.dumps(document, ensure_ascii=False)[1:] + "\n"


def _alone(file: IO[bytes], plan: Plan, hi: Instant, where: str) -> Iterator[tuple[int, bytes]]:
    first = 1
    while data := file.read(STRETCH):
        if not data.endswith(b"\n"):
            data += _rest_of_line(file)
        yield answer_lines(data, plan, hi, where=where, first=first)
        first += data.count(b"\n")


def _together(persons: Path, size: int, plan: Plan, hi: Instant, workers: int) -> Iterator[tuple[int, bytes]]:
    stretches = [(start, min(start + STRETCH, size)) for start in range(0, size, STRETCH)]
    context = multiprocessing.get_context("fork")
    pipes = [context.Pipe(duplex=False) for _ in range(workers)]
    processes = [
        context.Process(
            target=_work, args=(persons, stretches[turn::workers], plan, hi, pipes[turn][1]), daemon=True
        )
        for turn in range(workers)
    ]
    try:
        for process, (_, sender) in zip(processes, pipes, strict=True):
            process.start()
            sender.close()
        for turn, (start, stop) in enumerate(stretches):
            try:
                answer = pipes[turn % workers][0].recv_bytes()
            except EOFError as error:
                raise MachineError(
                    "a worker ended early", found="no answer", advice="Is the machine out of memory?"
                ) from error
            if answer == _FAILED:
                yield _again(persons, start, stop, plan, hi)
            else:
                yield int.from_bytes(answer[:8]), answer[8:]
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _work(
    persons: Path, stretches: list[tuple[int, int]], plan: Plan, hi: Instant, sender: Connection
) -> None:
    gc.disable()  # nothing here makes circles
    with persons.open("rb") as file:
        for start, stop in stretches:
            try:
                count, data = answer_lines(_stretch(file, start, stop), plan, hi, where="")
            except AccessError:
                sender.send_bytes(_FAILED)
                return
            sender.send_bytes(count.to_bytes(8) + data)


def _again(persons: Path, start: int, stop: int, plan: Plan, hi: Instant) -> tuple[int, bytes]:
    """Read a stretch that failed once more, this time with its line numbers, to raise its error."""
    with persons.open("rb") as file:
        before = 0
        while file.tell() < start:
            before += file.read(min(STRETCH, start - file.tell())).count(b"\n")
        data = _stretch(file, start, stop)
        skipped = file.tell() - len(data) > start  # the line that began before is counted by its neighbour
        return answer_lines(data, plan, hi, where=str(persons), first=1 + before + skipped)


def _stretch(file: IO[bytes], start: int, stop: int) -> bytes:
    """The lines that begin in [start, stop)."""
    file.seek(max(0, start - 1))
    if start:
        _rest_of_line(file)
    data = file.read(max(0, stop - file.tell()))
    return data + _rest_of_line(file) if data and not data.endswith(b"\n") else data


def _rest_of_line(file: IO[bytes]) -> bytes:
    line = file.readline(LINE_LIMIT + 1)
    if len(line) > LINE_LIMIT:
        raise AccessError("a line is too long", expected=f"at most {LINE_LIMIT} bytes")
    return line
