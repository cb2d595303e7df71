"""Rows as people store them: mixed encodings, full-width digits, eras, scaled numbers; minimal xlsx and docx."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from .schema import Col, Tab

WIDE = str.maketrans("0123456789,.", "０１２３４５６７８９，．")
BLANKS = ("", "-", "―", "")


def write_table(tab: Tab, rows: Sequence[dict[str, Any]], path: Path, rng: random.Random) -> None:
    """Write one table in its format."""
    if tab.format == "parquet":
        _write_parquet(tab, rows, path)
        return
    cells = [[_spell(row[col.name], col, rng) for col in tab.cols] for row in rows]
    head = [[tab.ja, *[""] * (len(tab.cols) - 1)]] * (tab.header_row - 1)
    lines: list[list[Any]] = [*head, [col.name for col in tab.cols], *cells]
    if tab.format == "xlsx":
        kinds = [col.type in {"integer", "decimal"} for col in tab.cols]
        write_xlsx(path, lines, kinds, tab.header_row)
        return
    text = io.StringIO()
    csv.writer(text, delimiter=tab.delimiter, lineterminator="\r\n").writerows(lines)
    encoding = {"shift_jis": "cp932", "euc-jp": "euc_jp", None: "utf-8"}.get(tab.encoding, tab.encoding)
    path.write_bytes(text.getvalue().encode(encoding or "utf-8"))


def stored(value: Decimal | int, col: Col) -> Decimal:
    """The number that stands in the file: the value divided by the column's scale, exactly."""
    return Decimal(value) / Decimal(col.scale)


def _spell(value: Any, col: Col, rng: random.Random) -> str:
    if value is None:
        return rng.choice((*BLANKS, *col.missing))
    if isinstance(value, datetime):
        return value.strftime(rng.choice(("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%dT%H:%M:00")))
    if isinstance(value, date):
        return spell_date(value, rng)
    if col.type in {"integer", "decimal"}:
        return _spell_number(stored(value, col), rng)
    text = str(value)
    odd = rng.random()
    if col.type == "code" and odd < 0.04:
        return f" {text} " if odd < 0.02 else text.translate(WIDE)
    return text


def _spell_number(number: Decimal, rng: random.Random) -> str:
    plain = format(number.normalize(), "f")
    match rng.randrange(6):
        case 0:
            return f"{Decimal(plain):,}"
        case 1:
            return f"{Decimal(plain):,}".translate(WIDE)
        case 2:
            return f" {plain}"
        case _:
            return plain


def spell_date(day: date, rng: random.Random) -> str:
    """One of the ways in which a Japanese office writes a day."""
    era, short, first = ("令和", "R", 2019) if day >= date(2019, 5, 1) else ("平成", "H", 1989)
    number = day.year - first + 1
    return rng.choice(
        (
            day.isoformat(),
            f"{day.year}/{day.month}/{day.day}",
            f"{day.year}年{day.month}月{day.day}日",
            f"{era}{'元' if number == 1 else number}年{day.month}月{day.day}日",
            f"{short}{number}.{day.month}.{day.day}",
        )
    )


def _write_parquet(tab: Tab, rows: Sequence[dict[str, Any]], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow: Any = pa
    parquet: Any = pq
    columns: dict[str, Any] = {}
    for col in tab.cols:
        values = [row[col.name] for row in rows]
        if col.type in {"integer", "decimal"}:
            numbers = [None if v is None else stored(v, col) for v in values]
            whole = all(n is None or n == n.to_integral_value() for n in numbers)
            kind = arrow.int64() if whole else arrow.decimal128(18, 4)
            columns[col.name] = arrow.array([int(n) if whole and n is not None else n for n in numbers], kind)
        else:
            columns[col.name] = arrow.array(values, arrow.date32() if col.type == "date" else arrow.string())
    parquet.write_table(arrow.table(columns), str(path))


def _zip(path: Path, files: dict[str, str]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 4, 1, 0, 0, 0)), text)


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_DOC = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def _package(path: Path, main: str, kind: str, parts: dict[str, tuple[str, str]]) -> None:
    """A package with `main` and the parts that it refers to: {path below its folder: (relation, text)}."""
    folder, _, name = main.rpartition("/")
    application = f"application/vnd.openxmlformats-officedocument.{kind}"
    own = main.removeprefix(f"{folder}/").removesuffix(".xml")
    overrides = f'<Override PartName="/{main}" ContentType="{application}.{_MAINS[own]}+xml"/>'
    links = ""
    for number, (part, (relation, _)) in enumerate(parts.items(), 1):
        if relation:
            overrides += f'<Override PartName="/{folder}/{part}" ContentType="{application}.{relation}+xml"/>'
            links += f'<Relationship Id="rId{number}" Type="{_DOC}/{relation}" Target="{part}"/>'
    files = {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_TYPES}">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>',
        "_rels/.rels": f'{_XML}<Relationships xmlns="{_RELS}"><Relationship Id="rId1" '
        f'Type="{_DOC}/officeDocument" Target="{main}"/></Relationships>',
        f"{folder}/_rels/{name}.rels": f'{_XML}<Relationships xmlns="{_RELS}">{links}</Relationships>',
    }
    _zip(path, files | {f"{folder}/{part}": text for part, (_, text) in parts.items()})


_MAINS = {"workbook": "sheet.main", "document": "document.main"}


def write_xlsx(path: Path, lines: Sequence[Sequence[Any]], numbers: Sequence[bool], header_row: int) -> None:
    """A workbook of one sheet; plain numbers are stored as numbers, everything else as text.

    Title rows above the header are merged over its width.
    """
    rows: list[str] = []
    width = len(lines[0])
    for at, line in enumerate(lines, 1):
        cells = ""
        for n, value in enumerate(line):
            text, place = str(value), f"{chr(65 + n)}{at}"
            if at > header_row and numbers[n] and text.isascii() and text.replace(".", "", 1).isdigit():
                cells += f'<c r="{place}"><v>{text}</v></c>'
            elif text:
                cells += (
                    f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'
                )
        rows.append(f'<row r="{at}">{cells}</row>')
    last = chr(64 + width)
    merged = "".join(f'<mergeCell ref="A{n}:{last}{n}"/>' for n in range(1, header_row))
    merged = f'<mergeCells count="{header_row - 1}">{merged}</mergeCells>' if merged else ""
    sheet = f'{_XML}<worksheet xmlns="{_SHEET}"><sheetData>{"".join(rows)}</sheetData>{merged}</worksheet>'
    book = (
        f'{_XML}<workbook xmlns="{_SHEET}" xmlns:r="{_DOC}"><sheets>'
        '<sheet name="Data" sheetId="1" r:id="rId2"/></sheets></workbook>'
    )
    parts = {"workbook.xml": ("", book), "sheet1.xml": ("worksheet", sheet)}
    _package(path, "xl/workbook.xml", "spreadsheetml", parts)


def write_docx(path: Path, blocks: Sequence[tuple[int, str]]) -> None:
    """A document of (level of heading or 0, text)."""
    body = "".join(
        f"<w:p>{f'<w:pPr><w:pStyle w:val={chr(34)}Heading{level}{chr(34)}/></w:pPr>' if level else ''}"
        f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'
        for level, text in blocks
    )
    styles = '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>'
    styles += "".join(
        f'<w:style w:type="paragraph" w:styleId="Heading{n}"><w:name w:val="heading {n}"/></w:style>'
        for n in (1, 2)
    )
    parts = {
        "document.xml": ("", f'{_XML}<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>'),
        "styles.xml": ("styles", f'{_XML}<w:styles xmlns:w="{_WORD}">{styles}</w:styles>'),
    }
    _package(path, "word/document.xml", "wordprocessingml", parts)
