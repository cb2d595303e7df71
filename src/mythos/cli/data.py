"""`mythos data`: what may be used for what; documents in, through the pipeline, out, and taken back."""

from __future__ import annotations

import importlib
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import click

from mythos.cli.data_catalog import catalog
from mythos.cli.data_make import recipe, synthesise
from mythos.cli.data_optout import opt_outs
from mythos.cli.data_out import export, takedown, where
from mythos.cli.data_shared import (
    FILE,
    PURPOSES,
    adoption_file,
    append_act,
    day_option,
    no_log_option,
    pack_of,
    pack_option,
    region_option,
    salt_of,
    shown,
    store_of,
)
from mythos.cli.shared import Home, as_option, emit, home_option, json_option, log_option, say


@click.group(short_help="What may be used for what; documents in, out, and taken back.")
def command() -> None:
    r"""Data with rights and residency, decided for each document and purpose.

    \b
    mythos data adopt --by "Aoi Sato, counsel"                    answer for the rules
    mythos data recipe --out manuals                              a real corpus from Debian's manuals
    mythos data opt-outs records.yaml --record NAME --url URL --robots robots.txt …
    mythos data admit manuals/documents.jsonl --records manuals/records.yaml --region JP
    mythos data run sha256:… --region JP --tokenizer tokenizer.json
    mythos data where sha256:… --region JP --tokens 0:1000:1010
    mythos data takedown ID --region JP --reason "asked by the author"
    mythos data export sha256:… --region JP --to US
    """


@command.command()
@click.option("--by", required=True, metavar="NAME", help="Who answers for the pack.")
@pack_option
@day_option
@as_option("owner")
@home_option
@json_option
def adopt(by: str, folder: Path | None, on: date, party: str, home: Home, as_json: bool) -> None:
    r"""Adopt exactly these rules, by name and day; without it whatever they permit needs a review.

    \b
    mythos data adopt --by "Aoi Sato, counsel"
    """
    from mythos.data import Adoption, read_pack, shipped
    from mythos.files import write_private

    pack = shipped() if folder is None else read_pack(folder)
    adoption = Adoption(str(pack.digest), by, on)
    pack.adopted(adoption)
    body = {"pack": adoption.pack, "by": adoption.by, "on": str(adoption.on)}
    text = "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in body.items())
    write_private(adoption_file(home, party), text.encode())
    gaps = "".join(f"\n  not verified: {gap}" for gap in pack.head.unverified)
    emit({"id": pack.head.id, **body}, as_json=as_json, line=f"{pack.head.id} adopted by {by} on {on}{gaps}")


@command.command()
@click.argument("records", type=FILE)
@click.option("--purpose", "purposes", multiple=True, type=click.Choice(PURPOSES), help="Default: all four.")
@region_option
@click.option("--to", metavar="CC", help="For export: the country it goes to.")
@click.option("--third-party/--same-party", default=None, help="For export: who receives it there.")
@pack_option
@day_option
@as_option("owner")
@home_option
@json_option
def decide(
    records: Path,
    purposes: tuple[Any, ...],
    region: str,
    to: str | None,
    third_party: bool | None,
    folder: Path | None,
    on: date,
    party: str,
    home: Home,
    as_json: bool,
) -> None:
    r"""Say what the rules come to for each record of a YAML file, and under which clause.

    \b
    mythos data decide records.yaml --region JP
    mythos data decide records.yaml --region JP --purpose export --to US --third-party --json
    """
    from mythos.data import Place
    from mythos.data import decide as over_record
    from mythos.data.admit import read_records

    pack = pack_of(folder, home, party)
    inside = Place(region, region, third_party=False)
    moved = Place(region, to, third_party) if to else inside
    found = [
        (name, over_record(one, purpose, moved if purpose == "export" else inside, pack, on))
        for name, one in read_records(records).items()
        for purpose in purposes or PURPOSES
    ]
    lines = "\n".join(f"{name}  {one.purpose}: {one.words}" for name, one in found)
    emit({"decisions": shown(found)}, as_json=as_json, line=lines)


@command.command()
@click.argument("documents", type=FILE)
@click.option("--records", required=True, type=FILE, help="A YAML mapping from names to records.")
@click.option("--name", help="The dataset's name. Default: the file's.")
@click.option("--purpose", "purposes", multiple=True, type=click.Choice(PURPOSES), help="Default: train.")
@region_option
@click.option(
    "--restore", metavar="REASON", help="Take texts in again that were taken down; goes into the ledger."
)
@pack_option
@day_option
@no_log_option
@as_option("owner")
@home_option
@log_option
@json_option
def admit(
    documents: Path,
    records: Path,
    name: str | None,
    purposes: tuple[Any, ...],
    region: str,
    restore: str | None,
    folder: Path | None,
    on: date,
    no_log: bool,
    party: str,
    home: Home,
    log: str | None,
    as_json: bool,
) -> None:
    r"""Take documents in: decided, then kept in their country by digest. Appends dataset-admitted.

    Each line of DOCUMENTS is {"id", "text", "record", "twin"}; `record` may be left out when there is one,
    and `twin` names what a text and its translations share. A text that was taken down is not kept again.

    \b
    mythos data admit manuals/documents.jsonl --records manuals/records.yaml --region JP
    """
    from mythos.data import admit as room
    from mythos.units import Instant

    known = room.read_records(records)
    only = next(iter(known)) if len(known) == 1 else None
    pack = pack_of(folder, home, party)
    asked = purposes or ("train",)
    lines = room.read_documents(documents, only)
    store = store_of(home, party)
    done = room.admit(
        name or documents.stem, lines, known, asked, store, region, pack, on, restore=restore or ""
    )
    index = None
    if done.dataset:
        digest = str(done.dataset.digest)
        act = done.dataset.act(None, Instant.now())
        index = append_act(
            act, done.dataset.name, digest, f"dataset:{digest}", home, party, log, no_log=no_log
        )
    body = {
        "dataset": str(done.dataset.digest) if done.dataset else None,
        "documents": len(done.dataset.documents) if done.dataset else 0,
        "refused": done.refused,
        "decisions": shown(done.decisions),
        "index": index,
    }
    told = "\n".join(f"{key}  {one.purpose}: {one.words}" for key, one in done.decisions)
    emit(
        body,
        as_json=as_json,
        line=f"{told}\n{body['dataset']}: {body['documents']} documents, {done.refused} refused",
    )
    if done.dataset is None:
        sys.exit(1)


@command.command()
@click.argument("dataset")
@region_option
@click.option("--purpose", type=click.Choice(PURPOSES), default="train", show_default=True)
@click.option("--language", "languages", multiple=True, metavar="CODE", help="Keep these only. Default: all.")
@click.option("--tokenizer", type=FILE, help="A tokenizer.json; without it no shards are made.")
@click.option("--names", "named", is_flag=True, help="Mask personal names in Japanese too (the extra `ja`).")
@click.option("--workers", type=click.IntRange(1, 256), default=2, show_default=True)
@click.option("--ray", "address", metavar="ADDRESS", help="Run on the region's nodes of this Ray cluster.")
@pack_option
@day_option
@as_option("owner")
@home_option
@json_option
def run(
    dataset: str,
    region: str,
    purpose: Any,
    languages: tuple[str, ...],
    tokenizer: Path | None,
    named: bool,
    workers: int,
    address: str | None,
    folder: Path | None,
    on: date,
    party: str,
    home: Home,
    as_json: bool,
) -> None:
    r"""Run the pipeline over a dataset, in its country; two runs give the same digest.

    \b
    mythos data run sha256:… --region JP --language ja --language en --tokenizer tokenizer.json
    """
    from mythos.data import shards
    from mythos.data.admit import Dataset
    from mythos.data.run import Pipeline, in_pool, process, table
    from mythos.units import Digest

    store, pack = store_of(home, party), pack_of(folder, home, party)
    found = Dataset.load(store, region, Digest.parse(dataset))
    pipeline = Pipeline(languages, tokenizer=str(tokenizer) if tokenizer else None, named=named)
    say(f"{len(found.documents)} documents …")
    runner = _on_ray(address, region) if address else in_pool(workers)
    facts = {
        "name": found.name,
        "dataset": dataset,
        "region": region,
        "purpose": purpose,
        "on": str(on),
        "pack": str(pack.digest),
        "pipeline": pipeline.document(),
    }
    with store.held(region):
        rows = process(table(store, found, purpose, pack, on), pipeline, runner, salt_of(home, party))
        done = shards.write(rows, store.region(region) / "runs", facts)
    removed: dict[str, int] = {}
    for step in rows.column("removed").to_pylist():
        if step:
            removed[step] = removed.get(step, 0) + 1
    body = {
        "run": str(done.digest),
        "path": str(done.folder),
        "documents": done.manifest["documents"],
        "removed": removed,
        "tokens": str(done.manifest["tokens"]),
    }
    kept = done.manifest["documents"]["out"]
    line = f"{done.folder / 'documents.jsonl'}: {kept} documents; removed: {removed}"
    emit(body, as_json=as_json, line=f"{body['run']}\n{line}")


def _on_ray(address: str, region: str) -> Any:
    from mythos.data.ray import in_ray

    ray: Any = importlib.import_module("ray")
    ray.init(address=address, log_to_driver=False)
    return in_ray(region)


for _one in (where, takedown, export, recipe, synthesise, catalog, opt_outs):
    command.add_command(_one)
