"""What `mythos ask` and `mythos report` share: whether a document may be retrieved and quoted, and where."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from mythos.cli.shared import Home

if TYPE_CHECKING:
    from mythos.synthesis.ask import Decide
    from mythos.synthesis.terms import Document

RECORDS: Final = "records.yaml"
place_option = click.option(
    "--region",
    metavar="CC",
    help=f"The country where the data is read; needed where {RECORDS} lies beside it.",
)


def decision(folder: Path, region: str | None, home: Home, on: date) -> Decide | None:
    """The data room's decision for each document; none where no `records.yaml` lies beside the catalogue.

    A document without a record is neither retrieved nor quoted, and so is every one until somebody adopts the
    rules (`mythos data adopt`).

    Raises:
        InputError: there are records, and nobody said where the data is read.
    """
    path = folder / RECORDS
    if not path.is_file():
        return None
    from mythos.cli.data_shared import pack_of
    from mythos.data import Place, decide
    from mythos.data.admit import read_records
    from mythos.errors import InputError

    if region is None:
        raise InputError(f"{RECORDS} has rights by place", expected="--region CC", found="no --region")
    records, pack = read_records(path), pack_of(None, home, "owner")
    here = Place(region, region, third_party=False)

    def decided(document: Document, purpose: Literal["retrieve", "quote"]) -> bool:
        record = records.get(document.file)
        return record is not None and decide(record, purpose, here, pack, on).outcome == "allow"

    return decided
