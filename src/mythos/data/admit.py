"""Documents come in: each record is decided for each purpose, what is allowed is kept in its country.

A dataset is a manifest of digests: documents with their records, records with their decisions. Its digest is
its name. A document that no purpose allows is not kept; it is reported with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, cast

from mythos import strict_yaml
from mythos.data import ledger
from mythos.data.pack import Pack
from mythos.data.rights import Decision, Place, Purpose, Record, decide
from mythos.data.store import Store
from mythos.errors import DataError, FormatError, MalformedError
from mythos.evidence.predicates import DatasetAdmitted
from mythos.evidence.statement import canonical, parse_canonical
from mythos.files import private_folder, write_atomic
from mythos.units import Digest, Instant

LINE: Final = 16 << 20
MANIFEST: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Document:
    """A text, its name, and the name of the record it came under."""

    id: str
    record: str
    text: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """What was admitted: (id, record, digest of the text) in the order of ids, and the records by name."""

    name: str
    region: str
    documents: tuple[tuple[str, str, Digest], ...]
    records: Mapping[str, Record]
    decisions: tuple[Digest, ...]

    def to_bytes(self) -> bytes:
        """The manifest."""
        return canonical(
            {
                "name": self.name,
                "region": self.region,
                "documents": [[name, record, str(digest)] for name, record, digest in self.documents],
                "records": {name: record.document() for name, record in sorted(self.records.items())},
                "decisions": [str(one) for one in self.decisions],
            }
        )

    @property
    def digest(self) -> Digest:
        """The dataset's name for machines."""
        return Digest.of(self.to_bytes())

    @classmethod
    def load(cls, store: Store, region: str, digest: Digest) -> Dataset:
        """Read a manifest kept in a country.

        Raises:
            DataError: not there, or not these bytes.
        """
        try:
            data = (store.region(region) / "datasets" / f"{digest.hex}.json").read_bytes()
            if Digest.of(data) != digest:
                raise DataError(f"the manifest of {digest} changed", advice="Restore it from a copy.")
            body = parse_canonical(data, MANIFEST)
        except FileNotFoundError as error:
            raise DataError(
                f"no dataset {digest} in {region}", advice="Admit it: mythos data admit"
            ) from error
        except MalformedError as error:
            raise DataError(f"the manifest of {digest} is wrong", found=error.message) from error
        return cls(
            body["name"],
            body["region"],
            tuple((name, record, Digest.parse(text)) for name, record, text in body["documents"]),
            {name: Record.parse(one, f"records.{name}") for name, one in body["records"].items()},
            tuple(Digest.parse(one) for one in body["decisions"]),
        )

    def act(self, croissant: Digest | None, now: Instant) -> DatasetAdmitted:
        """The predicate of the act."""
        used = [self.records[name] for name in sorted(self.records)]

        def joined(values: Iterable[str | None]) -> str:
            return ", ".join(sorted({value or "unknown" for value in values}))

        return DatasetAdmitted(
            croissant=croissant,
            licence=joined(record.licence for record in used),
            origin=joined(record.origin for record in used),
            residency=joined(country for record in used for country in record.residency or (None,)),
            decisions=tuple(str(one) for one in self.decisions),
            documents=len(self.documents),
            admitted_at=now,
        )


@dataclass(frozen=True, slots=True)
class Admitted:
    """A dataset, or None when nothing was allowed; every decision; documents that were not kept."""

    dataset: Dataset | None
    decisions: tuple[tuple[str, Decision], ...]
    refused: int


def read_records(path: Path) -> dict[str, Record]:
    """Read a YAML mapping from names to records.

    Raises:
        DataError: not a mapping of records; says where.
    """
    try:
        body = strict_yaml.loads(path.read_bytes(), where=path.name)
    except FormatError as error:
        raise DataError(error.message, expected=error.expected, found=error.found) from error
    if not isinstance(body, dict) or not body:
        raise DataError(f"{path.name} holds no record", expected="NAME: {source: …, licence: …}")
    return {
        name: Record.parse(one, f"{path.name}: {name}") for name, one in cast("dict[str, Any]", body).items()
    }


def read_documents(path: Path, only: str | None) -> Iterator[Document]:
    """Read `{"id", "text", "record"}` a line; `only`: the record of lines that name none.

    Raises:
        DataError: a line that is too long, not UTF-8, not JSON, or without its fields; says which.
    """
    with open(path, "rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LINE + 1), b""), 1):
            if len(line) > LINE:
                raise _wrong(path, number, f"at most {LINE} bytes", f"more than {LINE}")
            try:
                row = json.loads(line)
                fields = (row["id"], row.get("record", only), row["text"])
                fields[2].encode()
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise _wrong(path, number, '{"id", "text", "record"}', type(error).__name__) from error
            if not all(isinstance(field, str) and field for field in fields):
                raise _wrong(path, number, "id, text and record as text, none empty", "another type")
            yield Document(*fields)


def _wrong(path: Path, number: int, expected: str, found: str) -> DataError:
    return DataError(f"line {number} of {path.name} is not a document", expected=expected, found=found)


def admit(
    name: str,
    documents: Iterable[Document],
    records: Mapping[str, Record],
    purposes: Iterable[Purpose],
    store: Store,
    region: str,
    pack: Pack,
    on: date,
) -> Admitted:
    """Decide every record for every purpose in a country, and keep what at least one purpose allows.

    Raises:
        DataError: an id twice with other text, or a record that nobody described.
    """
    place = Place(region, region, third_party=False)
    asked = tuple(purposes)
    decided = [
        (key, decide(one, purpose, place, pack, on)) for key, one in records.items() for purpose in asked
    ]
    allowed = {key for key, decision in decided if decision.allowed}
    kept: dict[str, tuple[str, Digest]] = {}
    refused = 0
    for document in documents:
        if document.record not in records:
            raise DataError(
                f"the document {document.id!r} names no known record",
                expected=", ".join(sorted(records))[:200],
                found=document.record[:80],
            )
        if document.record not in allowed:
            refused += 1
            continue
        entry = (document.record, store.put(region, document.text.encode()))
        if kept.setdefault(document.id, entry) != entry:
            raise DataError(f"the id {document.id!r} stands twice", expected="one text for each id")
    for key, decision in decided:
        ledger.append(store.ledger(region), "decision", {"record_name": key, "decision": decision.document()})
    if not kept:
        return Admitted(None, tuple(decided), refused)
    dataset = Dataset(
        name,
        region,
        tuple((key, record, digest) for key, (record, digest) in sorted(kept.items())),
        {key: records[key] for key in {record for record, _ in kept.values()}},
        tuple(decision.digest for _, decision in decided if decision.allowed),
    )
    folder = private_folder(store.region(region) / "datasets")
    write_atomic(folder / f"{dataset.digest.hex}.json", dataset.to_bytes(), mode=0o600)
    entry = {"dataset": str(dataset.digest), "documents": len(kept), "refused": refused}
    ledger.append(store.ledger(region), "admitted", entry)
    return Admitted(dataset, tuple(decided), refused)
