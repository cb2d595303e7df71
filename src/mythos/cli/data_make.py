"""`mythos data recipe`, `synthesise`: a real corpus, and task data that a program checks."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import click

from mythos.cli.data_shared import FILE, day_option
from mythos.cli.shared import emit, json_option, say


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--copyleft", is_flag=True, help="Add manuals under GPL and GFDL, and those with a licence a page."
)
@click.option(
    "--english", type=float, metavar="TIMES", help="At most so many bytes of English for each of Japanese."
)
@click.option("--family", "families", multiple=True, help="Only this family, such as httpd.")
@day_option
@json_option
def recipe(
    out: Path, copyleft: bool, english: float | None, families: tuple[str, ...], on: date, as_json: bool
) -> None:
    r"""Make a real corpus: Debian's Japanese and English manuals, with the licence of each package.

    \b
    mythos data recipe --out manuals                     permissive licences only
    mythos data recipe --out httpd --family httpd        one family
    """
    from mythos.data.recipe import balanced, choose, gather, sizes, write

    with tempfile.TemporaryDirectory() as folder:
        found = gather(choose(copyleft=copyleft, families=families), Path(folder), on, say)
    corpus = found if english is None else balanced(found, english)
    digest = write(corpus, out)
    summed = sizes(corpus)
    lines = "\n".join(f"{key:30} {size / 1e6:8.2f} MB" for key, size in summed.items())
    body = {"documents": str(out / "documents.jsonl"), "digest": str(digest), "pages": len(corpus.pages)}
    emit(body | {"bytes": {k: str(v) for k, v in summed.items()}}, as_json=as_json, line=f"{lines}\n{digest}")


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice(["table", "units", "dates"]), help="Default: all."
)
@click.option("--count", type=click.IntRange(1, 10_000_000), default=1_000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--like", type=FILE, help="A CSV whose column names (never its rows) tables take.")
@click.option(
    "--share", default="0", metavar="SHARE", help="Of the training operations that train on this set."
)
@json_option
def synthesise(
    out: Path, kinds: tuple[Any, ...], count: int, seed: int, like: Path | None, share: str, as_json: bool
) -> None:
    r"""Make task data whose answers a program checks; each row names its generator and seed.

    \b
    mythos data synthesise --out tasks --count 10000 --seed 7
    mythos data synthesise --out tasks --kind table --like orders.csv --json
    """
    from mythos.data.synthesise import read_columns, write
    from mythos.data.synthesise import synthesise as make

    columns, source = read_columns(like) if like else ((), ())
    rows = make(kinds or ("table", "units", "dates"), count, seed, columns)
    body = write(out, rows, source, share)
    emit(body, as_json=as_json, line=f"{body['documents']}: {body['rows']} rows, {body['digest']}")
