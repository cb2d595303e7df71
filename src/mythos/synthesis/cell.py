"""Run gated queries over a capture, in a process that can do nothing else.

    with Cells(taken) as cells:
        result = cells.run("SELECT sum(amount) FROM orders")

The process opens the capture read-only, locks the database's settings, loads a system-call filter after
which no file can be opened and no socket made, and takes one query at a time. A query that is too slow or too
hungry costs that process; the next question gets a new one. Values cross as text with their type. Counts,
sums and extremes are exact; DuckDB divides and averages in binary, so the gate lets no query divide.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, Final, Self, cast

from mythos.errors import DataError
from mythos.synthesis.capture import tables_of
from mythos.synthesis.gate import check
from mythos.synthesis.terms import ROW_ID, Capture, Result, Value

SECONDS: Final = 20.0
MEMORY_MB: Final = 1_024
MAX_ROWS: Final = 10_000
MAX_ANSWER: Final = 8 << 20
_START_SECONDS: Final = 30.0


class Cells:
    """A confined database process for one capture; a context manager."""

    def __init__(self, taken: Capture, *, seconds: float = SECONDS, memory_mb: int = MEMORY_MB) -> None:
        self.capture = taken
        self._seconds = seconds
        self._memory = memory_mb
        self._tables = tuple(tables_of(taken))
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._end()

    def run(self, sql: str, *, limit: int = 1_000) -> Result:
        """Check and run one query.

        Args:
            sql: the query; columns called `_rid` or `_rid:TABLE` are the source rows and are not shown.
            limit: rows to return at most.

        Raises:
            DataError: the gate refused it, it took too long or too much, or a sum is too large; `code` says.
        """
        text = check(sql, self._tables)
        limit = min(limit, MAX_ROWS)
        answer = self._ask({"sql": text, "limit": limit})
        if "error" in answer:
            raise DataError(
                "the query could not be answered", found=answer["error"][:200], code=answer["code"]
            )
        rows = [tuple(map(_value, row)) for row in answer["rows"]]
        return _result(text, self.capture, answer["columns"], rows, complete=answer["complete"])

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        process = self._running()
        stdin, stdout = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        try:
            stdin.write(json.dumps(message).encode() + b"\n")
            stdin.flush()
            return json.loads(self._line(stdout, self._seconds))
        except OSError as error:
            self._end()
            raise DataError("the query ended its process", advice="Ask for less.", code="too_much") from error

    def _line(self, stdout: IO[bytes], seconds: float) -> bytes:
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([stdout], [], [], seconds)
            data = os.read(stdout.fileno(), 1 << 20) if ready else b""
            if not data:
                self._end()
                raise DataError(
                    "the query took too much" if ready else "the query took too long",
                    expected=f"at most {seconds:.0f} s and {self._memory} MB", code="too_much",
                )  # fmt: skip
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end()
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-m",
                "mythos.synthesis.database",
                str(self.capture.file),
                str(self._memory),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        hello = json.loads(self._line(cast("IO[bytes]", self._process.stdout), _START_SECONDS))
        if "error" in hello:
            self._end()
            raise DataError("the capture cannot be opened", found=hello["error"][:200])
        return self._process

    def _end(self) -> None:
        process, self._process, self._buffer = self._process, None, b""
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _value(cell: list[str] | None) -> Value:
    if cell is None:
        return None
    kind, text = cell
    match kind:
        case "int":
            return int(text)
        case "decimal":
            return Decimal(text)
        case "date":
            return date.fromisoformat(text)
        case "timestamp":
            return datetime.fromisoformat(text)
        case _:
            return text


def _result(
    sql: str, taken: Capture, columns: list[str], rows: list[tuple[Value, ...]], *, complete: bool
) -> Result:
    hidden = {i: name.partition(":")[2] for i, name in enumerate(columns) if name.partition(":")[0] == ROW_ID}
    shown = [i for i in range(len(columns)) if i not in hidden]
    row_ids = tuple(tuple(_row_ids(row, hidden)) for row in rows) if hidden else ()
    return Result(
        sql=sql,
        capture=taken.digest,
        columns=tuple(columns[i] for i in shown),
        rows=tuple(tuple(row[i] for i in shown) for row in rows),
        complete=complete,
        row_ids=row_ids,
    )


def _row_ids(row: tuple[Value, ...], hidden: dict[int, str]) -> Iterator[tuple[str, int]]:
    for index, table in hidden.items():
        value = row[index]
        if isinstance(value, int):
            yield table, value
