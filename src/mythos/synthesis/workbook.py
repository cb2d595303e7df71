"""Excel workbooks that may be hostile: measured before a reader that trusts them lays out their cells.

A workbook is a ZIP of XML. One kilobyte of it can hold a cell at the far corner of a sheet, for which a
reader makes room for all cells before it, and the process ends. So every part is unpacked once as a stream,
counted, and searched for the farthest cell it names.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import IO, Any, Final

from mythos.errors import DataError

MAX_UNPACKED: Final = 1 << 30
MAX_RATIO: Final = 200
MAX_CELLS: Final = 20_000_000
"""Of one sheet from its first cell to its farthest; more belongs into Parquet."""
_CHUNK: Final = 1 << 20
_OVERLAP: Final = 64
_CELL: Final = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3})([0-9]{1,7})["']""")
_WIDE_XML: Final = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<", b"\x00\x00")


def open_workbook(data: bytes, file: str) -> Any:
    """A workbook that unpacks to no more than may be read.

    Raises:
        DataError: no workbook of XML, one that unpacks to too much, or one whose sheet reaches too far.
    """
    from python_calamine import CalamineWorkbook

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
            if unpacked > min(MAX_UNPACKED, MAX_RATIO * max(len(data), 1 << 16)):
                raise _too_much(file, unpacked)
            names = set(archive.namelist())
            if "xl/workbook.xml" not in names or {"xl/workbook.bin", "content.xml"} & names:
                raise DataError(f"{file} is not an Excel workbook", expected=".xlsx")
            for info in archive.infolist():
                with archive.open(info) as part:
                    _measure(part, file)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise DataError(f"{file} is not an Excel workbook", found=str(error)[:100]) from error
    return CalamineWorkbook.from_filelike(io.BytesIO(data))  # pyright: ignore[reportUnknownMemberType]


def _measure(part: IO[bytes], file: str) -> None:
    held, read, row, column = b"", 0, 0, 0
    while chunk := part.read(_CHUNK):
        if not read and chunk.startswith(_WIDE_XML):
            raise DataError(f"{file} is not an Excel workbook", found="XML that is not UTF-8")
        read += len(chunk)
        if read > MAX_UNPACKED:
            raise _too_much(file, read)
        for letters, digits in _CELL.findall(held + chunk):
            column = max(column, _ordinal(letters))
            row = max(row, int(digits))
        held = chunk[-_OVERLAP:]
    if row * column > MAX_CELLS:
        raise DataError(
            f"{file} has a cell too far from its first", expected=f"at most {MAX_CELLS} cells in a sheet",
            found=f"row {row}, column {column}", advice="Delete it, or convert the table to CSV or Parquet.",
        )  # fmt: skip


def _ordinal(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _too_much(file: str, found: int) -> DataError:
    return DataError(
        f"{file} unpacks to too much", expected=f"at most {MAX_UNPACKED} bytes", found=str(found)
    )
