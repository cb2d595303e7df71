"""The confined database process: `python -m mythos.synthesis.database CAPTURE MEGABYTES`.

One JSON line in, one out. It is started by `mythos.synthesis.cell`, which has checked every query; this is
the second wall, for a query that the gate should have refused and did not.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb

from mythos.engines.confine import confine_after_library, confine_before_library

MAX_ANSWER: Final = 8 << 20
_SPARE_MB: Final = 2_048
"""Address space beyond the database's own limit: libraries, stacks, the interpreter."""


def main() -> None:
    """Open, confine, answer until the pipe closes."""
    path, megabytes = sys.argv[1], int(sys.argv[2])
    try:
        database = _opened(path, megabytes)
    except (duckdb.Error, OSError) as error:
        _say({"error": str(error)})
        return
    _say({"ready": True})
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            told = _answer(database, asked["sql"], asked["limit"])
        except duckdb.OutOfRangeException as error:
            told = {"error": str(error).splitlines()[0], "code": "overflow"}
        except (duckdb.OutOfMemoryException, MemoryError):
            told = {"error": "out of memory", "code": "too_much"}
        except duckdb.Error as error:
            told = {"error": str(error).splitlines()[0], "code": "query"}
        except TypeError as error:
            told = {"error": str(error), "code": "query"}
        _say(told)


def _opened(path: str, megabytes: int) -> duckdb.DuckDBPyConnection:
    size = Path(path).stat().st_size
    limit = (megabytes + _SPARE_MB << 20) + size
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{megabytes}MB", "threads": len(os.sched_getaffinity(0)), "temp_directory": "",
        "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
    }  # fmt: skip
    database = duckdb.connect(path, read_only=True, config=config)
    database.execute("SET TimeZone='UTC'; SET enable_external_access=false; SET lock_configuration=true")
    database.execute(
        "SELECT count(*) FROM duckdb_tables()"
    ).fetchall()  # whatever is loaded late is loaded now
    confine_before_library()
    confine_after_library()
    return database


def _answer(database: duckdb.DuckDBPyConnection, sql: str, limit: int) -> dict[str, Any]:
    cursor = database.execute(sql)
    columns = [str(column[0]) for column in cursor.description or ()]
    rows = [[_cell(value) for value in row] for row in cursor.fetchmany(limit + 1)]
    told = {"columns": columns, "rows": rows[:limit], "complete": len(rows) <= limit}
    if sum(len(cell[1]) for row in rows for cell in row if cell is not None) > MAX_ANSWER:
        return {"error": f"the answer is over {MAX_ANSWER} bytes", "code": "too_much"}
    return told


def _cell(value: Any) -> list[str] | None:
    match value:
        case None:
            return None
        case bool():
            return ["text", str(value).lower()]
        case int():
            return ["int", str(value)]
        case Decimal() if value.is_finite():
            return ["int" if value == value.to_integral_value() else "decimal", format(_whole(value), "f")]
        case float():
            return _cell(Decimal(repr(value)))
        case datetime():
            return ["timestamp", value.isoformat()]
        case date():
            return ["date", value.isoformat()]
        case str():
            return ["text", value]
        case _:
            raise TypeError(f"a value of type {type(value).__name__} is not a cell")


def _whole(value: Decimal) -> Decimal:
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value


def _say(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=True) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
