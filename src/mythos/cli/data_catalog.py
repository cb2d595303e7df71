"""`mythos data catalog`: a draft of what a folder's tables and columns mean, for a person to correct."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from mythos.cli.shared import emit, json_option


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Default: standard output.")
@click.option("--force", is_flag=True, help="Replace the file of --out, and what a person wrote in it.")
@json_option
def catalog(folder: Path, out: Path | None, force: bool, as_json: bool) -> None:
    r"""Draft a catalog.yaml from the files of DIR: types, units and keys are guessed from the cells.

    A `catalog.yaml` that is there already is not read; a Frictionless `datapackage.json` is. People, tenants,
    roles and rules of rows are for a person to add.

    \b
    mythos data catalog company
    mythos data catalog company --out company/catalog.yaml
    """
    from mythos.errors import InputError
    from mythos.files import write_atomic
    from mythos.synthesis.draft import draft, dump

    if out is not None and out.exists() and not force:
        raise InputError(
            "the draft would replace a file",
            found=str(out),
            advice="Give another --out, or --force to lose what stands there.",
        )
    drafted = draft(folder, today=date.today())  # noqa: DTZ011 (no day is written)
    text = dump(drafted)
    if out is not None:
        write_atomic(out, text.encode())
    columns = sum(len(table.columns) for table in drafted.tables)
    counts = {"tables": len(drafted.tables), "columns": columns, "documents": len(drafted.documents)}
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    body = {"out": None if out is None else str(out), **counts, "catalog": text}
    emit(body, as_json=as_json, line=text.rstrip("\n") if out is None else f"{out}: {told}")
