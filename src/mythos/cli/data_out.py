"""`mythos data where`, `takedown`, `export`: where tokens come from, what is taken back, what may leave."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import click

from mythos.cli.data_shared import (
    FILE,
    append_act,
    no_log_option,
    pack_of,
    pack_option,
    region_option,
    run_of,
    shown,
    statements_of,
    store_of,
)
from mythos.cli.shared import Home, as_option, emit, home_option, json_option, log_option


@click.command()
@click.argument("run")
@region_option
@click.option("--tokens", required=True, metavar="SHARD:FIRST:END", help="END is exclusive.")
@click.option("--tokenizer", type=FILE, help="The run's tokenizer.json, for byte spans.")
@as_option("owner")
@home_option
@json_option
def where(
    run: str, region: str, tokens: str, tokenizer: Path | None, party: str, home: Home, as_json: bool
) -> None:
    r"""Name the documents, bytes and sources behind tokens of a shard.

    \b
    mythos data where sha256:… --region JP --tokens 0:1000:1010 --tokenizer tokenizer.json
    """
    from mythos.data.export import dataset_of
    from mythos.data.lineage import where as over_run
    from mythos.errors import InputError

    parts = tokens.split(":")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 16 for part in parts):
        raise InputError("not a range of tokens", expected="SHARD:FIRST:END", found=tokens[:60])
    store, found = run_of(home, party, region, run)
    records = dataset_of(store, region, found).records
    shard, start, end = map(int, parts)
    spans = over_run(found, shard, start, end, str(tokenizer) if tokenizer else None)
    body = [
        {
            "id": one.id,
            "tokens": [one.start, one.end],
            "bytes": None if one.byte_start is None else [one.byte_start, one.byte_end],
            "text": str(one.text_digest),
            "record": one.record,
            "source": records[one.record].source,
            "licence": records[one.record].licence,
        }
        for one in spans
    ]
    lines = "\n".join(
        f"{b['tokens']}  {b['id']}  bytes {b['bytes']}  {b['source']} ({b['licence']})" for b in body
    )
    emit({"documents": body}, as_json=as_json, line=lines)


@click.command()
@click.argument("names", nargs=-1, required=True)
@region_option
@click.option("--reason", required=True, help="Why; goes into the statement. No personal data.")
@no_log_option
@as_option("owner")
@home_option
@log_option
@json_option
def takedown(
    names: tuple[str, ...],
    region: str,
    reason: str,
    no_log: bool,
    party: str,
    home: Home,
    log: str | None,
    as_json: bool,
) -> None:
    r"""Delete documents (id, record or digest) from a country; name the models that read them.

    \b
    mythos data takedown httpd/install --region JP --reason "asked by the author"
    """
    from mythos.data.lineage import takedown as over_store
    from mythos.units import Instant

    done = over_store(store_of(home, party), region, names, [] if no_log else statements_of(home, log))
    digest, now = str(done.documents[0]), Instant.now()
    said = hashlib.sha256("".join(str(d) for d in (*done.documents, *done.shards, *done.models)).encode())
    indices = [
        append_act(
            one,
            "takedown",
            digest,
            f"takedown:{region}:{said.hexdigest()}:{n}",
            home,
            party,
            log,
            no_log=no_log,
        )
        for n, one in enumerate(done.acts(reason, now))
    ]
    body = {
        "documents": [str(d) for d in done.documents],
        "ids": list(done.ids),
        "shards": [str(d) for d in done.shards],
        "replaced": [{"was": str(a), "now": str(b)} for a, b in done.replaced],
        "training_runs": [str(d) for d in done.training_runs],
        "models": [str(d) for d in done.models],
        "near": [{"gone": a, "stays": b} for a, b in done.near],
        "twins": [{"gone": a, "stays": b} for a, b in done.twins],
        "copies": [{"run": a, "region": b} for a, b in done.copies],
        "index": indices[0],
        "indices": indices,
    }
    counts = f"{len(done.documents)} documents, {len(done.shards)} shards, {len(done.models)} models"
    emit(
        body,
        as_json=as_json,
        line=f"{counts}; copies: {body['copies']}; near: {body['near']}; twins: {body['twins']}",
    )


@click.command()
@click.argument("run")
@region_option
@click.option("--to", required=True, metavar="CC", help="The country it goes to.")
@click.option("--third-party/--same-party", default=None, help="Who receives it there. Not said: unknown.")
@click.option("--issuer", default="unknown", help="Who hands it over, for its papers.")
@pack_option
@no_log_option
@as_option("owner")
@home_option
@log_option
@json_option
def export(
    run: str,
    region: str,
    to: str,
    third_party: bool | None,
    issuer: str,
    folder: Path | None,
    no_log: bool,
    party: str,
    home: Home,
    log: str | None,
    as_json: bool,
) -> None:
    r"""Let a run leave for another country if every record in it may; appends data-export.

    It is decided by the rules of today. Exit status 1: it may not, and nothing moved.

    \b
    mythos data export sha256:… --region JP --to US --third-party --issuer "Example KK"
    """
    from mythos.data.admit import Dataset
    from mythos.data.export import export as over_run
    from mythos.units import Digest, Instant

    store, found = run_of(home, party, region, run)
    dataset = Dataset.load(store, region, Digest.parse(found.manifest["dataset"]))
    pack, on = pack_of(folder, home, party), Instant.now().datetime.date()
    done = over_run(store, found, dataset, to, pack, on, third_party=third_party, issuer=issuer)
    index = None
    if done.folder:
        act = done.act(to, found.manifest["purpose"], Instant.now())
        key = f"export:{run}:{to}:{done.digest}"
        index = append_act(act, found.manifest["name"], run, key, home, party, log, no_log=no_log)
    body = {
        "moved": done.folder is not None,
        "path": str(done.folder) if done.folder else None,
        "decision": str(done.digest),
        "decisions": shown(tuple(done.decisions.items())),
        "index": index,
    }
    lines = "\n".join(f"{name}: {one.words}" for name, one in done.decisions.items())
    emit(body, as_json=as_json, line=f"{lines}\n{done.folder or 'nothing moved'}")
    if done.folder is None:
        sys.exit(1)
