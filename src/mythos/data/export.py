"""The one door out: every record is decided before a byte moves, and what leaves carries its papers.

croissant.json     Croissant 1.1 with the licences, sources (PROV-O) and digests
provenance.json    the fields of the Data Provenance Standards 1.0.0 (Data & Trust Alliance)
decisions.json     the decision on each record
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from mythos import strict_yaml
from mythos.data import ledger
from mythos.data.admit import Dataset
from mythos.data.pack import Pack
from mythos.data.rights import Decision, Place, Record, decide
from mythos.data.shards import Run
from mythos.data.store import Store, permit
from mythos.evidence.predicates import DataExport
from mythos.evidence.statement import canonical
from mythos.files import private_folder, write_atomic
from mythos.units import Digest, Instant

CONTEXT: Final = Path(__file__).with_name("croissant.yaml")


@dataclass(frozen=True, slots=True)
class Exported:
    """Every decision by record, and the new folder; None when one record may not leave: nothing moved."""

    decisions: Mapping[str, Decision]
    folder: Path | None

    @property
    def digest(self) -> Digest:
        """The name of all the decisions together."""
        return Digest.of(canonical({name: one.document() for name, one in self.decisions.items()}))

    def act(self, destination: str, purpose: str, now: Instant) -> DataExport:
        """The predicate of the act."""
        return DataExport(destination, purpose, str(self.digest), now)


def export(
    store: Store,
    run: Run,
    dataset: Dataset,
    to: str,
    pack: Pack,
    on: date,
    *,
    third_party: bool | None,
    issuer: str,
) -> Exported:
    """Copy a run to another country's folder if every record in it may leave; else move nothing.

    Args:
        store: the data store; the copy stands in its folder of the country `to`.
        run: what leaves.
        dataset: what it was made from.
        to: the country.
        pack: the rules, as adopted.
        on: the day.
        third_party: who receives it there is somebody else; None: not known.
        issuer: who hands it over, for its papers.
    """
    place = Place(dataset.region, to, third_party)
    used = {row["record"] for row in run.verdicts() if row["removed"] is None}
    records = {name: one for name, one in dataset.records.items() if name in used}
    decisions = {name: decide(one, "export", place, pack, on) for name, one in sorted(records.items())}
    exported = Exported(decisions, None)
    entry = {"run": str(run.digest), "to": to, "decisions": str(exported.digest)}
    if not decisions or not all(one.allowed for one in decisions.values()):
        ledger.append(store.ledger(dataset.region), "export-refused", entry)
        return exported
    for name, decision in decisions.items():
        permit(decision, records[name])
    ledger.append(store.ledger(dataset.region), "export", entry)
    folder = private_folder(store.region(to) / "runs") / run.digest.hex
    papers = {
        "croissant.json": croissant(run, records, issuer),
        "provenance.json": provenance(run, records, issuer, on),
        "decisions.json": {name: one.document() for name, one in decisions.items()},
    }
    draft = private_folder(folder.with_name(f".draft-{run.digest.hex[:16]}"))
    shutil.copytree(run.folder, draft, dirs_exist_ok=True)
    for name, body in papers.items():
        write_atomic(draft / name, canonical(body))
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    ledger.append(store.ledger(to), "arrived", {**entry, "from": dataset.region})
    return Exported(decisions, folder)


def _licence(name: str | None) -> str:
    return f"https://spdx.org/licenses/{name}.html" if name else "unknown"


def croissant(run: Run, records: Mapping[str, Record], issuer: str) -> dict[str, Any]:
    """The run as Croissant 1.1 JSON-LD; each licence and source is named."""
    files: Mapping[str, str] = run.manifest["files"]
    text = ("id", "language", "record", "text")
    sources = [
        {
            "@type": "prov:Entity",
            "@id": one.source,
            "prov:value": name,
            **({"license": _licence(one.licence)} if one.licence else {}),
        }
        for name, one in records.items()
    ]
    return {
        "@context": strict_yaml.loads(CONTEXT.read_bytes()),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": run.manifest["name"],
        "description": f"{run.manifest['documents']['out']} documents from {len(records)} sources.",
        "version": "1.0.0",
        "datePublished": run.manifest["on"],
        "url": f"urn:sha256:{run.digest.hex}",
        "creator": {"@type": "sc:Organization", "name": issuer},
        "license": sorted({_licence(one.licence) for one in records.values()}),
        "citeAs": f"{issuer}: {run.manifest['name']}, {run.digest}",
        "prov:wasDerivedFrom": sources,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": name,
                "name": name,
                "contentUrl": name,
                "encodingFormat": "application/jsonlines"
                if name.endswith("l")
                else "application/octet-stream",
                "sha256": digest.removeprefix("sha256:"),
            }
            for name, digest in sorted(files.items())
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "documents",
                "name": "documents",
                "field": [
                    {
                        "@type": "cr:Field",
                        "@id": f"documents/{column}",
                        "name": column,
                        "dataType": "sc:Text",
                        "source": {
                            "fileObject": {"@id": "documents.jsonl"},
                            "extract": {"jsonPath": f"$.{column}"},
                        },
                    }
                    for column in text
                ],
            }
        ],
    }


def provenance(run: Run, records: Mapping[str, Record], issuer: str, on: date) -> dict[str, Any]:
    """The Data Provenance Standards' fields, in their three groups; what is not known says so."""
    copied = sorted(str(one.copied_on) for one in records.values() if one.copied_on)
    consents = sorted(digest for one in records.values() for digest in one.evidence)
    places = sorted({country for one in records.values() for country in one.residency or ("unknown",)})
    return {
        "standards_version": "1.0.0",
        "source": {
            "dataset_title": run.manifest["name"],
            "unique_metadata_identifier": str(run.digest),
            "metadata_location": "croissant.json",
            "dataset_issuer": issuer,
            "description": f"{run.manifest['documents']['out']} documents, {run.manifest['tokens']} tokens",
        },
        "provenance": {
            "source_metadata": run.manifest["dataset"],
            "source_if_different_from_issuer": sorted({one.source for one in records.values()}),
            "data_origin_geography": sorted({one.origin or "unknown" for one in records.values()}),
            "dataset_issue_date": str(on),
            "previously_issued_version": run.manifest["before"],
            "range_of_dates_for_data_generation": [copied[0], copied[-1]] if copied else "unknown",
            "method": "copied from the source, then the pipeline in run.json",
            "data_format": ["application/jsonlines", "application/vnd.apache.parquet"],
        },
        "use": {
            "confidentiality_classification": (
                "personal data"
                if any(one.subject == "personal" for one in records.values())
                else "not classified"
            ),
            "consent_documentation_location": consents or "none",
            "privacy_enhancing_technologies": "personal data masked by pattern and check digit",
            "data_processing_geography_included": places,
            "data_processing_geography_excluded": "all others",
            "data_storage_geography_included": places,
            "data_storage_geography_excluded": "all others",
            "licence_to_use": sorted({one.licence or "unknown" for one in records.values()}),
            "intended_data_use": run.manifest["purpose"],
            "proprietary_data_presence": "unknown",
        },
    }
