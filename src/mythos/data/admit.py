"""Documents come in: each record is decided for each purpose, what is allowed is kept in its country.

A dataset is a manifest of digests: documents with their records, records with their decisions. Its digest is
its name. A document that no purpose allows is not kept; it is reported with the reason. One that was taken
down stays in the manifest, so that every later run says so, and is not kept again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, cast

from mythos import strict_yaml
from mythos.data import ledger
from mythos.data.pack import Pack
from mythos.data.rights import Decision, Place, Purpose, Record, decide
from mythos.data.store import Store
from mythos.errors import DataError, FormatError, MythosError
from mythos.evidence.predicates import DatasetAdmitted
from mythos.evidence.statement import canonical, parse_canonical
from mythos.files import private_folder, write_atomic
from mythos.units import Digest, Instant

LINE: Final = 16 << 20
MANIFEST: Final = 1 << 30


NAME: Final = 1024
SAID: Final = 400
"""Decisions that fit into one statement by name; of more it has the digest of all."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text, its name, and the name of the record it came under.

    `twin`: what this text and its translations share, so that no split parts them; None: it has none.
    """

    id: str
    record: str
    text: str
    twin: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """What was admitted: (id, record, digest of the text) in the order of ids, and the records by name.

    `twins`: of those that have one, by id.
    """

    name: str
    region: str
    documents: tuple[tuple[str, str, Digest], ...]
    records: Mapping[str, Record]
    decisions: tuple[Digest, ...]
    twins: Mapping[str, str] = field(default_factory=dict[str, str])

    def to_bytes(self) -> bytes:
        """The manifest."""
        return canonical(
            {
                "name": self.name,
                "region": self.region,
                "documents": [
                    [name, record, str(digest), *([self.twins[name]] if name in self.twins else [])]
                    for name, record, digest in self.documents
                ],
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
            DataError: not there, not these bytes, or of another country.
        """
        try:
            data = (store.region(region) / "datasets" / f"{digest.hex}.json").read_bytes()
        except FileNotFoundError as error:
            raise DataError(
                f"no dataset {digest} in {region}", advice="Admit it: mythos data admit"
            ) from error
        found = cls.parse(data, digest)
        if found.region != region:
            raise DataError(
                f"the dataset {digest} was not admitted in {region}",
                expected=region,
                found=found.region,
                code="region_refused",
            )
        return found

    @classmethod
    def parse(cls, data: bytes, digest: Digest) -> Dataset:
        """Read a manifest.

        Raises:
            DataError: not these bytes, or no manifest.
        """
        if Digest.of(data) != digest:
            raise DataError(f"the manifest of {digest} changed", advice="Restore it from a copy.")
        try:
            body = parse_canonical(data, MANIFEST)
            rows = [
                (name, record, Digest.parse(text), *twin) for name, record, text, *twin in body["documents"]
            ]
            return cls(
                body["name"],
                body["region"],
                tuple((name, record, text) for name, record, text, *_ in rows),
                {name: Record.parse(one, f"records.{name}") for name, one in body["records"].items()},
                tuple(Digest.parse(one) for one in body["decisions"]),
                {name: twin for name, _, _, *twins in rows for twin in twins},
            )
        except (MythosError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"the manifest of {digest} is wrong", found=type(error).__name__) from error

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
            decisions=tuple(
                map(str, self.decisions if len(self.decisions) <= SAID else [_all(self.decisions)])
            ),
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


@dataclass(frozen=True, slots=True)
class Lines:
    """The documents of a file, one a line; read anew each time they are asked for."""

    path: Path
    only: str | None

    def __iter__(self) -> Iterator[Document]:
        with open(self.path, "rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LINE + 1), b""), 1):
                if len(line) > LINE:
                    raise _wrong(self.path, number, f"at most {LINE} bytes", f"more than {LINE}")
                try:
                    row = json.loads(line)
                    found = Document(row["id"], row.get("record", self.only), row["text"], row.get("twin"))
                except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                    raise _wrong(
                        self.path, number, '{"id", "text", "record"}', type(error).__name__
                    ) from error
                if fault := _fault(found):
                    raise _wrong(self.path, number, *fault)
                yield found


def read_documents(path: Path, only: str | None) -> Lines:
    """Read `{"id", "text", "record", "twin"}` a line; `record` and `twin` may be left out.

    Args:
        path: the file.
        only: the record of lines that name none.

    Raises:
        DataError: while reading: a line too long, not JSON in UTF-8, or without its fields; says which.
    """
    return Lines(path, only)


def _fault(document: Document) -> tuple[str, str] | None:
    """What is wrong with a document, as (expected, found); its text is never told."""
    named: tuple[object, ...] = (document.id, document.record, *([document.twin] if document.twin else []))
    if not all(isinstance(one, str) and one for one in (*named, document.text)):
        return "id, text and record as text, none empty", "another type, or nothing"
    if not all(isinstance(one, str) and len(one) <= NAME and one.isprintable() for one in named):
        return (
            f"names of at most {NAME} characters, all of them printable",
            "a longer one, or a control character",
        )
    try:
        document.text.encode()
    except UnicodeEncodeError:
        return "text that UTF-8 can hold", "half a surrogate pair"
    return None


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
    restore: str = "",
) -> Admitted:
    """Decide every record for every purpose in a country, and keep what at least one purpose allows.

    Args:
        name: the dataset's.
        documents: read twice; everything is checked before a text is kept.
        records: by the names that documents give.
        purposes: to decide for.
        store: where texts are kept.
        region: the country.
        pack: the rules, as adopted.
        on: the day.
        restore: why texts that were taken down may come back; empty: they may not.

    Raises:
        DataError: an id twice with other text, or a record that nobody described.
    """
    place = Place(region, region, third_party=False)
    asked = tuple(purposes)
    again = documents if iter(documents) is not documents else tuple(documents)
    with store.held(region):
        decided = [
            (key, decide(one, purpose, place, pack, on)) for key, one in records.items() for purpose in asked
        ]
        for key, decision in decided:
            body = {"record_name": key, "decision": decision.document()}
            ledger.append(store.ledger(region), "decision", body)
        kept, out = _sorted(again, records, {key for key, decision in decided if decision.allowed})
        refused = sum(out.values())
        if not kept:
            ledger.append(store.ledger(region), "admission-refused", {"refused": refused, "by_record": out})
            return Admitted(None, tuple(decided), refused)
        dataset = Dataset(
            name,
            region,
            tuple((key, one.record, one.digest) for key, one in sorted(kept.items())),
            {key: records[key] for key in {one.record for one in kept.values()}},
            tuple(decision.digest for _, decision in decided if decision.allowed),
            {key: one.twin for key, one in kept.items() if one.twin},
        )
        # The manifest comes first: there is no text in the store that a takedown could not name.
        folder = private_folder(store.region(region) / "datasets")
        write_atomic(folder / f"{dataset.digest.hex}.json", dataset.to_bytes(), mode=0o600)
        gone = ledger.taken(store.ledger(region))
        if restore and (back := sorted(gone & {str(one.digest) for one in kept.values()})):
            for said in ledger.parts(back):
                ledger.append(store.ledger(region), "restored", {"documents": said, "reason": restore})
            gone -= set(back)
        for document in again:
            if document.id in kept and kept[document.id].record == document.record:
                _keep(document, kept[document.id].digest, store, region, gone)
        entry = {
            "dataset": str(dataset.digest),
            "documents": len(kept),
            "refused": refused,
            "by_record": out,
        }
        ledger.append(store.ledger(region), "admitted", entry)
    return Admitted(dataset, tuple(decided), refused)


@dataclass(frozen=True, slots=True)
class _Entry:
    record: str
    digest: Digest
    twin: str | None


def _sorted(
    documents: Iterable[Document], records: Mapping[str, Record], allowed: Collection[str]
) -> tuple[dict[str, _Entry], dict[str, int]]:
    """What is kept, by id, and how many of each record are not."""
    kept: dict[str, _Entry] = {}
    refused: dict[str, int] = {}
    for document in documents:
        if fault := _fault(document):
            raise DataError("not a document", expected=fault[0], found=fault[1])
        if document.record not in records:
            raise DataError(
                f"the document {document.id!r} names no known record",
                expected=", ".join(sorted(records))[:200],
                found=document.record[:80],
            )
        if document.record not in allowed:
            refused[document.record] = refused.get(document.record, 0) + 1
            continue
        entry = _Entry(document.record, Digest.of(document.text.encode()), document.twin)
        if kept.setdefault(document.id, entry) != entry:
            raise DataError(f"the id {document.id!r} stands twice", expected="one text for each id")
    return kept, refused


def _keep(document: Document, digest: Digest, store: Store, region: str, gone: Collection[str]) -> None:
    data = document.text.encode()
    if Digest.of(data) != digest:
        raise DataError("the documents changed while they were read", advice="Admit them again.")
    if str(digest) not in gone:
        store.put(region, data)


def _all(decisions: Iterable[Digest]) -> Digest:
    return Digest.of(canonical([str(one) for one in decisions]))
