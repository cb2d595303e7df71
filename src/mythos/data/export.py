"""The one door out: every record is decided before a byte moves, and what leaves carries its papers.

croissant.json     Croissant 1.1 with the licences, sources (PROV-O) and digests
provenance.json    the fields of the Data Provenance Standards 1.0.0 (Data & Trust Alliance)
decisions.json     the decision on each record
dataset.json       the manifest it was made from, so that a takedown there finds its documents
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
from mythos.data.shards import Run, drafting, settle
from mythos.data.store import Store, permit
from mythos.errors import DataError
from mythos.evidence.predicates import DataExport
from mythos.evidence.statement import canonical, parse_canonical
from mythos.files import private_folder, write_atomic
from mythos.units import Digest, Instant

CONTEXT: Final = Path(__file__).with_name("croissant.yaml")
DATASET: Final = "dataset.json"
PAPERS: Final = 1 << 24


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

    Raises:
        DataError: the run is of another dataset or country, or changed on the way; nothing stands there then.
    """
    here = store.region(dataset.region)
    if to == dataset.region:
        raise DataError(f"the run is in {to} already", expected="another country")
    if (
        run.manifest["dataset"] != str(dataset.digest)
        or run.folder.parent.resolve() != (here / "runs").resolve()
    ):
        raise DataError(
            f"the run {run.digest} is not one of this dataset in {dataset.region}",
            expected=f"{here / 'runs'}, {run.manifest['dataset']}",
            found=f"{run.folder.parent}, {dataset.digest}",
        )
    place = Place(dataset.region, to, third_party)
    # A removed row leaves too, without its text: its name, its digest and where its personal data stood.
    used = {row["record"] for row in run.verdicts()}
    records = {name: one for name, one in dataset.records.items() if name in used}
    decisions = {name: decide(one, "export", place, pack, on) for name, one in sorted(records.items())}
    exported = Exported(decisions, None)
    entry = {"run": str(run.digest), "to": to, "decisions": str(exported.digest)}
    if not decisions or not all(one.allowed for one in decisions.values()):
        ledger.append(store.ledger(dataset.region), "export-refused", entry)
        return exported
    for name, decision in decisions.items():
        permit(decision, records[name])
    with store.held(dataset.region), store.held(to), drafting(store.region(to) / "runs") as draft:
        ledger.append(store.ledger(dataset.region), "export", entry)
        folder = draft.with_name(run.digest.hex)
        for name in (*run.manifest["files"], "run.json"):
            private_folder((draft / name).parent)
            shutil.copyfile(run.folder / name, draft / name, follow_symlinks=False)
        Run.load(draft, run.digest)
        write_atomic(draft / DATASET, dataset.to_bytes())
        write_atomic(draft / "decisions.json", canonical({n: one.document() for n, one in decisions.items()}))
        papers(Run(draft, run.manifest), records, issuer, on)
        shutil.rmtree(folder, ignore_errors=True)
        settle(draft, folder)
        ledger.append(store.ledger(to), "arrived", {**entry, "from": dataset.region})
    return Exported(decisions, folder)


def papers(run: Run, records: Mapping[str, Record], issuer: str, on: date) -> None:
    """Write what says in the standards' words what a run is, beside it."""
    write_atomic(run.folder / "croissant.json", canonical(croissant(run, records, issuer)))
    write_atomic(run.folder / "provenance.json", canonical(provenance(run, records, issuer, on)))


def bring(old: Run, new: Run, dataset: Dataset) -> None:
    """After a takedown, put the papers that a run arrived with beside the run that replaces it."""
    if not (old.folder / DATASET).exists():
        return
    for name in (DATASET, "decisions.json"):
        shutil.copyfile(old.folder / name, new.folder / name, follow_symlinks=False)
    said = parse_canonical((old.folder / "provenance.json").read_bytes(), PAPERS)
    issuer = said["source"]["dataset_issuer"]
    papers(new, dataset.records, issuer, date.fromisoformat(said["provenance"]["dataset_issue_date"]))


def dataset_of(store: Store, region: str, run: Run) -> Dataset:
    """The dataset of a run kept in a country, whether it was made there or arrived there.

    Raises:
        DataError: no such dataset, or its manifest changed.
    """
    digest, brought = Digest.parse(run.manifest["dataset"]), run.folder / DATASET
    return (
        Dataset.parse(brought.read_bytes(), digest)
        if brought.exists()
        else Dataset.load(store, region, digest)
    )


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
