"""`mythos adapt`: an open-weight model learns a region's own text, with its compute and its lineage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mythos.cli.shared import Home, as_option, emit, home_option, json_option, log_option, say
from mythos.cli.train import Clerk, ProgressLine, RunByDefault, ignore, wait_without_spinning

if TYPE_CHECKING:
    from mythos.compute.lineage import Graph
    from mythos.compute.modified import Limit
    from mythos.train.adapt import Adapted

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.group(cls=RunByDefault)
def command() -> None:
    r"""Adapt an open-weight model to your own text.

    \b
    mythos adapt smollm2 --data texts/ --minutes 10 --out regional
    mythos adapt merge regional/adapter --base smollm2 --out merged
    """
    wait_without_spinning()


@command.command()
@click.argument("model")
@click.option("--data", required=True, help="A folder of text files, a text file, or .jsonl documents.")
@click.option("--lora/--full", default=True, show_default=True, help="Thin matrices, or every weight.")
@click.option(
    "--rank", default=16, show_default=True, type=click.IntRange(1, 1024), help="Of LoRA's matrices."
)
@click.option("--rate", default=1e-3, show_default=True, type=click.FloatRange(1e-7, 1.0))
@click.option("--minutes", default=10.0, show_default=True, type=click.FloatRange(0.01, 1e6))
@click.option(
    "--steps", default=10_000, show_default=True, help="At most; the schedule ends by minutes first."
)
@click.option("--rows", default=4, show_default=True, type=click.IntRange(1, 65536), help="In one step.")
@click.option(
    "--length", default=256, show_default=True, type=click.IntRange(8, 1 << 20), help="Tokens of a row."
)
@click.option("--threads", default=0, show_default=True, type=click.IntRange(0, 4096))
@click.option("--also", help="Text that is evaluated and not learnt: what is forgotten shows there.")
@click.option("--name", default="regional", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Default: runs/NAME.")
@click.option("--resume", is_flag=True, help="Go on with the adaptation that was begun in this folder.")
@click.option("--no-log", is_flag=True, help="Log nothing.")
@home_option
@as_option("owner")
@log_option
@json_option
def run(
    model: str,
    data: str,
    lora: bool,
    minutes: float,
    also: str | None,
    out: Path | None,
    resume: bool,
    no_log: bool,
    home: Home,
    party: str,
    log: str | None,
    as_json: bool,
    **how: Any,
) -> None:
    r"""Adapt MODEL: `smollm2`, a GGUF file or a Hugging Face folder.

    \b
    mythos adapt ./model.gguf --data manuals.jsonl --also english.jsonl --minutes 10 --json
    """
    from mythos.train import Listener, read_corpus
    from mythos.train.adapt import Adaptation, adapt, load_base
    from mythos.train.config import RunConfig
    from mythos.weights import resolve

    corpus, other = read_corpus(data), read_corpus(also) if also else None
    clerk = None if no_log else Clerk.of(home, party, log)
    base = load_base(resolve(model, home.cache))
    schedule = RunConfig(
        steps=how["steps"], rows=how["rows"], seconds=minutes * 60, threads=how["threads"], snapshot_every=50
    )
    settings = Adaptation(
        how["name"], schedule, rank=how["rank"] if lora else 0, rate=how["rate"], length=how["length"]
    )
    known = known_graph(home, log, str(base.weights), model, logged=clerk is not None)
    with ProgressLine(how["steps"]) as progress:
        listener = Listener(
            step=progress.show, snapshot=clerk.snapshot if clerk else ignore, say=progress.say
        )
        found = adapt(
            base,
            corpus,
            out or Path("runs") / settings.name,
            settings,
            also=other,
            known=known,
            resume=resume,
            key=clerk.key if clerk else None,
            listener=listener,
        )
    indices = clerk.finish(found.weights, found.statements) if clerk else []
    document = _document(found) | {"name": settings.name, "statements": indices}
    emit(document, as_json=as_json, line=_lines(document))


def known_graph(
    home: Home, log: str | None, weights: str, model: str | None = None, *, logged: bool = True
) -> Graph:
    """What the log says of the base, else what its developer published."""
    from mythos.cli.parties import log_client
    from mythos.compute import declare
    from mythos.compute.lineage import Figure, Graph
    from mythos.evidence import Envelope
    from mythos.units import Digest, Instant

    graph = Graph({}, {})
    if logged:
        with log_client(home, log) as client:
            graph = Graph.of(map(Envelope.parse, client.entries(0, 1 << 40)))
    digest = Digest.parse(weights)
    if digest in graph.figures or model != "smollm2":
        return graph
    figure = Figure(declare.declared(*declare.preset(model), Instant.now()), frozenset())
    return Graph(graph.edges, {**graph.figures, digest: figure}, graph.names)


def _document(found: Adapted) -> dict[str, Any]:
    from mythos.units import Flop

    history = found.history
    bits = {
        language: {"before": f"{found.before[language]:.4f}", "after": f"{found.after[language]:.4f}"}
        for language in sorted(found.after)
    }
    return {
        "path": str(found.path),
        "adapter": str(found.adapter) if found.adapter.exists() else None,
        "weights": str(found.weights),
        "base": str(found.base),
        "flop": str(Flop(history.effective.model)),
        "executed": str(history.executed.executed),
        "method": "counted" if history.exact else "replayed",
        "steps": history.step,
        "bits_per_byte": bits,
        "limits": limits_as_json(found.limits),
    }


def limits_as_json(limits: Mapping[str, Sequence[Limit]]) -> list[dict[str, Any]]:
    """What instruments say of a modification; `above` is None where it is not known."""
    return [
        {
            "id": name,
            "words": one.words,
            "cite": one.cite,
            "limit": one.limit,
            "above": one.held if one.comparator == "gt" or one.held is None else not one.held,
        }
        for name, held in limits.items()
        for one in held
    ]


def _lines(document: dict[str, Any]) -> str:
    lines = [
        f"{document['path']}  {document['weights']}",
        f"{document['flop']} FLOP over {document['steps']} steps",
    ]
    for language, bits in document["bits_per_byte"].items():
        change = float(bits["after"]) / float(bits["before"]) - 1
        lines.append(f"{language}: {bits['before']} to {bits['after']} bits per byte ({change:+.1%})")
    return "\n".join([*lines, *limit_lines(document["limits"])])


def limit_lines(limits: Sequence[Mapping[str, Any]]) -> list[str]:
    """The same for people."""
    said = {True: "yes", False: "no", None: "not known"}
    return [f"{one['id']}: {one['words']}: {said[one['above']]} ({one['cite']})" for one in limits]


@command.command()
@click.argument("adapter", type=_FOLDER)
@click.option("--base", "model", required=True, help="The very model it was trained on.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--name", help="Default: the one it was made under, which gives the very same weights.")
@click.option("--no-log", is_flag=True, help="Log nothing.")
@home_option
@as_option("owner")
@log_option
@json_option
def merge(
    adapter: Path, model: str, out: Path, name: str | None, no_log: bool, home: Home, party: str,
    log: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Merge an ADAPTER that came alone into its base; another base is refused by digest.

    Weights that the log knows no parent of get a derivation, which names the base and the adapter.
    """
    from mythos.evidence import Subject
    from mythos.evidence.predicates import Derivation
    from mythos.evidence.predicates.weights import Parent
    from mythos.train.adapt import load_base
    from mythos.train.adapter import merge_adapter, name_of
    from mythos.units import Instant
    from mythos.weights import identify, resolve

    clerk, called = None if no_log else Clerk.of(home, party, log), name or name_of(adapter)
    base = load_base(resolve(model, home.cache))
    path = merge_adapter(base, adapter, out, name=called)
    weights = identify(path).root
    say(f"merged into {base.weights}")
    indices: list[int] = []
    if clerk and weights not in known_graph(home, log, str(weights)).edges:
        parents = Parent(base.weights, "base"), Parent(identify(adapter).root, "adapter")
        derived = Derivation("merge", parents, "an adapter merged into its base", Instant.now())
        indices = clerk.finish(weights, [derived.statement(Subject(called, weights))])
    emit(
        {"path": str(path), "weights": str(weights), "base": str(base.weights), "statements": indices},
        as_json=as_json,
        line=f"{path}  {weights}",
    )
