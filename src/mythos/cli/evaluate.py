"""`mythos evaluate`: bits per byte of a model on your text, with an interval; and against another model."""

from __future__ import annotations

from typing import Any

import click

from mythos.cli.shared import Home, as_option, emit, home_option, json_option, log_option
from mythos.cli.train import Clerk, wait_without_spinning


@click.command()
@click.argument("model")
@click.option("--data", required=True, help="A folder of text files, a text file, or .jsonl documents.")
@click.option("--against", metavar="MODEL", help="Another model on the same pages, such as the base.")
@click.option(
    "--bytes", "size", default=32_768, show_default=True, type=click.IntRange(1), help="Of each language."
)
@click.option(
    "--length", default=256, show_default=True, type=click.IntRange(8, 1 << 20), help="Read at once."
)
@click.option("--threads", default=0, show_default=True, type=click.IntRange(0, 4096))
@click.option("--append", is_flag=True, help="Append an evaluation about MODEL to the log.")
@home_option
@as_option("owner")
@log_option
@json_option
def command(
    model: str,
    data: str,
    against: str | None,
    size: int,
    length: int,
    threads: int,
    append: bool,
    home: Home,
    party: str,
    log: str | None,
    as_json: bool,
) -> None:
    r"""Score MODEL on a text it has not learnt: bits per byte of each language.

    \b
    mythos evaluate regional.gguf --data held-out.jsonl --against smollm2
    """
    wait_without_spinning()
    from mythos.train import read_corpus
    from mythos.train.adapt import load_base
    from mythos.train.score import evaluation, score
    from mythos.units import Instant
    from mythos.weights import resolve

    if threads:
        import torch

        torch.set_num_threads(threads)
    documents = read_corpus(data).documents
    clerk = Clerk.of(home, party, log) if append else None
    base = load_base(resolve(model, home.cache))
    found = score(base, documents, size=size, length=length)
    document: dict[str, Any] = {"weights": str(base.weights), "bits_per_byte": {}}
    other = None
    if against is not None:
        second = load_base(resolve(against, home.cache))
        other = score(second, documents, size=size, length=length)
        document["against"] = str(second.weights)
    for language, one in found.items():
        row: dict[str, Any] = {
            "value": f"{one.value:.4f}",
            "interval": [f"{end:.4f}" for end in one.interval],
            "pages": len(one.bits),
            "bytes": str(int(one.bytes.sum())),
        }
        if other is not None:
            ratio, low, high = one.ratio(other[language])
            row |= {"against": f"{other[language].value:.4f}", "ratio": f"{ratio:.4f}"}
            row["ratio_interval"] = [f"{low:.4f}", f"{high:.4f}"]
        document["bits_per_byte"][language] = row
    if clerk is not None:
        said = evaluation(base.path.stem, base, found, Instant.now())
        document["statements"] = clerk.finish(base.weights, [said])
    emit(document, as_json=as_json, line=_lines(document))


def _lines(document: dict[str, Any]) -> str:
    lines = [document["weights"]]
    for language, row in document["bits_per_byte"].items():
        low, high = row["interval"]
        line = f"{language}: {row['value']} bits per byte ({low} to {high}), {row['pages']} pages"
        if "ratio" in row:
            low, high = row["ratio_interval"]
            line += f"; {row['ratio']} of the other's {row['against']} ({low} to {high})"
        lines.append(line)
    return "\n".join(lines)
