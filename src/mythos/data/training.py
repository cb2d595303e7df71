"""May this run be learnt from, here? The decisions before training, and the text for whoever trains.

The one who starts the training decides over digests and records, as they are today, and over what was taken
down since; only the process that trains reads the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from mythos.data import ledger
from mythos.data.admit import Dataset
from mythos.data.pack import Pack
from mythos.data.rights import Decision, Place, decide
from mythos.data.store import Store
from mythos.errors import DataError, MalformedError
from mythos.evidence.statement import canonical, parse_canonical
from mythos.units import Digest

TEXT = "documents.jsonl"


def manifest_of(folder: Path, run: Digest) -> Mapping[str, Any]:
    """A run's manifest, checked against its name; no text is read.

    Raises:
        DataError: not there, or not this run's.
    """
    try:
        data = (folder / "run.json").read_bytes()
        if Digest.of(data) != run:
            raise DataError(f"{folder} is another run", expected=str(run), found=str(Digest.of(data)))
        found: Mapping[str, Any] = parse_canonical(data, 1 << 24)
    except (OSError, MalformedError) as error:
        raise DataError(
            f"no run {run} at {folder}", found=type(error).__name__, advice="Make it: mythos data run"
        ) from error
    return found


def text_of(folder: Path, run: Digest, dataset: Digest) -> bytes:
    """The text of a run that was made to be learnt from, of this dataset, checked against the run's name.

    Raises:
        DataError: another dataset's, made for something else, or not the bytes that the run names.
    """
    manifest = manifest_of(folder, run)
    if manifest["dataset"] != str(dataset):
        raise DataError("the run is of another dataset", expected=str(dataset), found=manifest["dataset"])
    if manifest["purpose"] != "train":
        raise DataError("the run was made for something else", expected="train", found=manifest["purpose"])
    data = (folder / TEXT).read_bytes()
    if str(Digest.of(data)) != manifest["files"][TEXT]:
        raise DataError(f"the text of {run} changed", advice="Run the pipeline again: mythos data run")
    return data


@dataclass(frozen=True, slots=True)
class Training:
    """The decision on each record, and in one sentence what stands against the training; None: nothing."""

    dataset: Dataset
    decisions: Mapping[str, Decision]
    refused: str | None


def decide_training(store: Store, region: str, run: Digest, to: str, pack: Pack, on: date) -> Training:
    """Decide every record of a run for training in its region, and write the answer into the ledger.

    Args:
        store: the data holder's.
        region: where the data is kept.
        run: what is to be learnt from.
        to: the country where the training happens: data stays in its region, whatever a record allows.
        pack: the holder's rules, as adopted.
        on: the day.

    Raises:
        DataError: no such run, or a file of it is not the one that its manifest names.
    """
    # Here and not above: the confined process that trains imports this file, and needs no Arrow.
    from mythos.data.export import dataset_of
    from mythos.data.shards import Run

    found = Run.load(store.region(region) / "runs" / run.hex, run)
    manifest, dataset = found.manifest, dataset_of(store, region, found)
    place = Place(region, region, third_party=False)
    decisions = {name: decide(one, "train", place, pack, on) for name, one in sorted(dataset.records.items())}
    refused = next((f"{name}: {one.words}" for name, one in decisions.items() if not one.allowed), None)
    taken, texts = ledger.taken(store.ledger(region)), {name: text for name, _, text in dataset.documents}
    left = [row for row in found.verdicts() if row["removed"] is None]
    if not left or any(row["id"] not in texts or row["record"] not in decisions for row in left):
        refused = "the run holds nothing, or documents that its dataset does not"
    elif any(str(texts[row["id"]]) in taken for row in left):
        refused = "the run holds a document that was taken down"
    if manifest["purpose"] != "train":
        refused = f"the run was made for {manifest['purpose']}, not for train"
    if to != region:
        refused = f"the data stays in {region}, and the training would be in {to}"
    said = Digest.of(canonical({name: one.document() for name, one in decisions.items()}))
    entry = {"run": str(run), "decisions": str(said), "to": to}
    ledger.append(store.ledger(region), "train-refused" if refused else "train", entry)
    return Training(dataset, decisions, refused)
