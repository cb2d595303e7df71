"""Lists of names that somebody must not serve, as their publishers write them.

Two formats: the US Consolidated Screening List (JSON or CSV of the International Trade Administration) and
FollowTheMoney entities, one JSON object a line. No list travels with Mythos: OpenSanctions' data, for one, is
CC BY-NC. An entry is known by its source and id together, since ids repeat across sources, and by the digest
of what it says: a changed record is another version, and nothing found for the old one counts for it.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from mythos.access.people import json_lines, read_object
from mythos.errors import AccessError
from mythos.units import Digest

MAX_BYTES: Final = 512 << 20
MAX_NAMES: Final = 200
"""Names of one entry that are read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a list.

    Attributes:
        source: which list of the publisher.
        id: the record's id there; unique with `source` only.
        names: the primary name first.
        countries, born: what the record says, for the human who decides.
        version: the digest of the whole record.
    """

    source: str
    id: str
    names: tuple[str, ...]
    countries: tuple[str, ...]
    born: tuple[str, ...]
    version: Digest

    @property
    def key(self) -> tuple[str, str]:
        """What an entry is known by."""
        return self.source, self.id


@dataclass(frozen=True, slots=True)
class Watchlist:
    """Entries and the digest of the bytes they were read from."""

    entries: tuple[Entry, ...]
    digest: Digest


def read_list(data: bytes, *, where: str = "the list") -> Watchlist:
    """Read a list in any of the formats; which one shows in its first bytes.

    Raises:
        AccessError: none of them, too large, or two different records under one key.
    """
    if len(data) > MAX_BYTES:
        raise AccessError(f"{where} is too large", expected=f"at most {MAX_BYTES} bytes")
    told = data.removeprefix(codecs.BOM_UTF8)
    line, _, _ = told[: 1 << 20].lstrip().partition(b"\n")
    if line.startswith(b"{") and b'"schema"' in line:
        records = _follow_the_money(told, where)
    elif line.startswith(b"{"):
        records = _screening_json(told, where)
    else:
        records = _screening_csv(told, where)
    entries: dict[tuple[str, str], Entry] = {}
    for entry in records:
        held = entries.setdefault(entry.key, entry)
        if held.version != entry.version:
            raise AccessError(f"{where}: two records are called {entry.id!r} in {entry.source!r}")
    if not entries:
        raise AccessError(f"{where} holds no record", expected="a screening list or FollowTheMoney entities")
    return Watchlist(tuple(entries.values()), Digest.of(data))


def _entry(
    source: str, name: str, names: Iterable[object], countries: Iterable[object], born: Iterable[object],
    record: Mapping[str, Any],
) -> Entry:  # fmt: skip
    told = dict.fromkeys(text for text in map(_text, names) if text)
    canonical = json.dumps(record, sort_keys=True, ensure_ascii=False).encode(errors="surrogatepass")
    return Entry(
        source,
        name,
        tuple(told)[:MAX_NAMES],
        tuple(text for text in map(_text, countries) if text),
        tuple(text for text in map(_text, born) if text),
        Digest.of(canonical),
    )


def _text(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _screening_json(data: bytes, where: str) -> Iterator[Entry]:
    results = read_object(data, where=where).get("results")
    if not isinstance(results, list):
        raise AccessError(f"{where} is no screening list", expected="an object with results")
    for number, record in enumerate(cast("list[Any]", results), 1):
        if not isinstance(record, dict):
            raise AccessError(f"{where}: result {number} is not an object")
        yield _screening_record(cast("dict[str, Any]", record), f"{where}: result {number}")


def _screening_csv(data: bytes, where: str) -> Iterator[Entry]:
    try:
        rows = csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True)
        for number, row in enumerate(rows, 2):
            fields: dict[str, Any] = {
                key.strip().lower().removeprefix("_"): value for key, value in row.items() if key
            }
            for name in ("alt_names", "citizenships", "nationalities", "dates_of_birth"):
                fields[name] = [part for part in (fields.get(name) or "").split(";") if part.strip()]
            yield _screening_record(fields, f"{where}: row {number}")
    except (csv.Error, UnicodeDecodeError) as error:
        raise AccessError(f"{where} is no CSV in UTF-8", found=str(error)[:120]) from error


def _screening_record(record: Mapping[str, Any], at: str) -> Entry:
    name, source = _text(record.get("name")), _text(record.get("source"))
    identity = _text(record.get("id")) or _text(str(record.get("entity_number") or ""))
    if not (name and source and identity):
        raise AccessError(f"{at} is no record of a screening list", expected="name, source and id")

    def listed(field: str) -> list[Any]:
        value = record.get(field)
        return cast("list[Any]", value) if isinstance(value, list) else []

    countries = [*listed("citizenships"), *listed("nationalities"), record.get("country")]
    return _entry(
        source, identity, [name, *listed("alt_names")], countries, listed("dates_of_birth"), record
    )  # fmt: skip


_NAME_PROPERTIES: Final = ("name", "alias", "weakAlias", "previousName", "abbreviation")


def _follow_the_money(data: bytes, where: str) -> Iterator[Entry]:
    for record, at in json_lines(data, where=where):
        properties: Any = record.get("properties")
        if not (isinstance(record.get("id"), str) and record["id"]) or not isinstance(properties, dict):
            raise AccessError(f"{at} is no FollowTheMoney entity", expected="id, schema and properties")
        told = cast("dict[str, Any]", properties)

        def listed(*fields: str, told: dict[str, Any] = told) -> list[Any]:
            values = (told.get(field) for field in fields)
            return [one for value in values if isinstance(value, list) for one in cast("list[Any]", value)]

        names = [record.get("caption"), *listed(*_NAME_PROPERTIES)]
        if any(_text(name) for name in names):
            countries = listed("country", "nationality", "citizenship")
            yield _entry("ftm", record["id"], names, countries, listed("birthDate"), record)
