"""`mythos compute`: estimate, declare, read a ledger, follow a lineage."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mythos.cli.shared import Home, act_once, as_option, emit, home_option, json_option, log_option, say
from mythos.errors import InputError, MalformedError

if TYPE_CHECKING:
    from mythos.evidence.note import VerifyKey
    from mythos.evidence.predicates import TrainingCompute
    from mythos.evidence.statement import Envelope

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_NEW = click.Path(path_type=Path, dir_okay=False)


@click.group()
def command() -> None:
    """What a model cost to train: estimated, declared, counted, and all that stands behind it."""


@command.command()
@click.option("--arch", required=True, type=_FILE, help="JSON with the columns of the published table.")
@click.option("--tokens", required=True, metavar="N", help="Tokens trained on, such as 3e11.")
@click.option("--convention", default="exact-full", show_default=True, metavar="NAME",
              help="6nd, exact-full, exact-causal or chinchilla-f.")  # fmt: skip
@click.option("--softmax", is_flag=True, help="Add appendix F's line for the softmax (chinchilla-f).")
@json_option
def estimate(arch: Path, tokens: str, convention: str, softmax: bool, as_json: bool) -> None:
    r"""Training compute from an architecture, term by term.

    \b
    mythos compute estimate --arch llama.json --tokens 1.5e13 --convention exact-causal
    """
    from mythos.compute import Architecture
    from mythos.compute import estimate as reckon

    document = _json(arch)
    found = reckon(Architecture.of(document), tokens, convention, softmax=softmax)
    unread = Architecture.unknown(document)
    terms = {name: str(flop) for name, flop in found.terms.items()}
    lines = [f"{found.flop} FLOP, {convention}", *(f"  {flop:>30}  {name}" for name, flop in terms.items())]
    for caveat in (*found.caveats, *([f"not read: {', '.join(unread)}"] if unread else [])):
        say(f"note: {caveat}")
    answer = {
        "flop": str(found.flop), "convention": convention, "terms": terms, "caveats": list(found.caveats),
        "unread": list(unread),
    }  # fmt: skip
    emit(answer, as_json=as_json, line="\n".join(lines))


@command.command()
@click.option("--devices", required=True, type=click.IntRange(min=1), help="How many.")
@click.option("--seconds", required=True, metavar="N", help="How long each was in use.")
@click.option("--peak", required=True, metavar="N", help="Operations per second of one at its best.")
@click.option("--utilisation", required=True, metavar="SHARE", help="The share of the peak, from 0 to 1.")
@json_option
def hardware(devices: int, seconds: str, peak: str, utilisation: str, as_json: bool) -> None:
    r"""Training compute from devices x seconds x peak x utilisation.

    \b
    mythos compute hardware --devices 512 --seconds 2592000 --peak 989e12 --utilisation 0.4
    """
    from mythos.compute import estimate_hardware

    found = estimate_hardware(devices, seconds, peak, utilisation)
    terms = {name: str(flop) for name, flop in found.terms.items()}
    answer = {"flop": str(found.flop), "convention": "hardware", "terms": terms}
    emit(
        answer,
        as_json=as_json,
        line=f"{found.flop} FLOP, hardware (a guessed utilisation is off by up to 2x)",
    )


@command.command()
@click.option("--weights", required=True, metavar="DIGEST", help="The weights' root digest, sha256:…")
@click.option("--name", required=True, help="What people call them.")
@click.option("--preset", metavar="MODEL", help="A model whose figures were published, such as smollm2.")
@click.option("--ledger", "ledgers", multiple=True, type=_FILE,
              help="A run's ledger: its counted figure. Once for each rank.")  # fmt: skip
@click.option("--unknown", is_flag=True, help="Say that nothing is known; nothing is logged.")
@click.option("--params", metavar="N", help="Published number of parameters.")
@click.option("--arch", type=_FILE, help="JSON with the published shape, where the convention needs it.")
@click.option("--tokens", metavar="N", help="Published number of training tokens.")
@click.option("--convention", default="6nd", show_default=True, help="How the figure follows from these.")
@click.option(
    "--source", "sources", multiple=True, metavar="TITLE|URL|DATE", help="Where it stands. Repeatable."
)
@home_option
@as_option("owner")
@log_option
@json_option
def declare(
    weights: str, name: str, preset: str | None, ledgers: Sequence[Path], unknown: bool, params: str | None,
    arch: Path | None, tokens: str | None, convention: str, sources: Sequence[str], home: Home, party: str,
    log: str | None, as_json: bool,
) -> None:  # fmt: skip
    r"""Sign and log what these weights cost to train, with its method and sources; safe to call again.

    \b
    mythos compute declare --weights sha256:… --name SmolLM2 --preset smollm2
    mythos compute declare --weights sha256:… --name mine --ledger run.ledger
    """
    from mythos.compute import declare as room
    from mythos.compute import read, total
    from mythos.compute.estimate import Architecture
    from mythos.units import Digest, Instant

    subject = Digest.parse(weights)
    ways = (preset is not None, bool(ledgers), unknown, tokens is not None)
    if sum(ways) != 1:
        raise InputError("one way to know a figure", expected="--preset, --ledger, --tokens or --unknown")
    answer: dict[str, Any] = {
        "weights": weights,
        "name": name,
        "flop": None,
        "method": "unknown",
        "index": None,
    }
    if unknown:
        emit(answer, as_json=as_json, line=f"{name}: unknown, and nothing logged; a total stays incomplete")
        return
    if preset is not None:
        said = room.declared(*room.preset(preset), Instant.now())
    elif ledgers:
        total(ledgers)  # refuses one that stands twice
        said = room.counted(*(read(path) for path in ledgers))
    else:
        shape: dict[str, Any] = _json(arch) if arch is not None else {}
        shape |= {"params": params} if params is not None else {}
        cited = [room.source(text) for text in sources]
        said = room.declared(Architecture.of(shape), tokens or "", convention, cited, Instant.now())
    index = _log(said, name, subject, home, party, log)
    answer |= {
        "flop": str(said.model_flop), "method": said.method, "convention": said.convention,
        "complete": said.complete, "parameters": None if said.parameters is None else str(said.parameters),
        "tokens": None if said.tokens is None else str(said.tokens),
        "sources": [one.to_dict() for one in said.sources], "index": index,
    }  # fmt: skip
    emit(answer, as_json=as_json, line=f"{name}: {said.model_flop} FLOP, {said.method} ({said.convention})")


def _log(said: TrainingCompute, name: str, weights: Any, home: Home, party: str, log: str | None) -> int:
    from mythos.cli.parties import signing_key
    from mythos.evidence import Envelope, Subject

    key = signing_key(home, party)

    def make() -> bytes:
        return Envelope.sign(said.statement(Subject(name, weights)), key).to_bytes()

    record = said.record_digest or f"{said.convention}:{said.model_flop}"
    return act_once(home, party, log, f"training-compute:{weights}:{said.method}:{record}", make).index


@command.command()
@click.argument("paths", nargs=-1, required=True, type=_FILE)
@click.option("--key", "vkeys", multiple=True, metavar="VKEY", help="Whose signature to check. Repeatable.")
@json_option
def ledger(paths: Sequence[Path], vkeys: Sequence[str], as_json: bool) -> None:
    """Check ledgers, one for each rank or run, and add them up; exit status 1 when a --key signed nothing."""
    from mythos.compute import read, total
    from mythos.compute.record import missing_ranks

    keys = [_key(text) for text in vkeys]
    effective, executed = total(paths, keys)
    histories = [read(path, keys) for path in paths]
    for path, history in zip(paths, histories, strict=True):
        if history.dropped:
            say(f"note: {path.name}: a last line of {history.dropped} bytes was cut short and is left out")
    missing = missing_ranks(histories)
    if missing:
        say(f"note: no ledger of {', '.join(missing)[:200]}: the total is too low")
    unsigned = [path.name for path, h in zip(paths, histories, strict=True) if keys and not h.signed]
    if unsigned:
        say(f"mythos: no line of {', '.join(unsigned)} is signed by a key that --key names")
    answer: dict[str, Any] = {
        "model_flop": str(effective.model), "effective": effective.to_dict(), "executed": executed.to_dict(),
        "exact": all(h.exact for h in histories),
        "complete": not missing and not any(h.unregistered for h in histories), "missing": list(missing),
        "unregistered": sorted({name for h in histories for name in h.unregistered}),
        "runs": [
            {
                "run": h.header["run"], "rank": h.header["rank"], "steps": h.step, "attempts": h.attempt,
                "dropped": h.dropped, "lines": h.head.lines, "signed": h.signed, "head": str(h.head.digest),
            }
            for h in histories
        ],
    }  # fmt: skip
    line = f"{effective.model} FLOP (model), {executed.executed} executed in {len(paths)} ledgers"
    emit(answer, as_json=as_json, line=line)
    if unsigned:
        sys.exit(1)


def _key(text: str) -> VerifyKey:
    from mythos.evidence import VerifyKey

    try:
        return VerifyKey.parse(text)
    except MalformedError as error:
        raise InputError("--key is wrong", expected="NAME+HASH+BASE64", found=repr(text[:60])) from error


@command.command()
@click.argument("weights")
@click.option("--regime", metavar="ID", help="Count as this instrument does, such as EU-GPAI-SR.")
@click.option("--original", metavar="DIGEST", help="Hold what was added to these weights against its limits.")
@click.option("--facts", type=_FILE, help="YAML: gen_ops, synth_share, synth_published, gen_published, …")
@click.option(
    "--from", "file", type=_FILE, help="Read a dossier.json instead of the log (verify it yourself)."
)
@click.option("--mermaid", type=_NEW, help="Draw it for a page that renders Mermaid.")
@click.option("--svg", type=_NEW, help="Draw it as a picture.")
@home_option
@log_option
@json_option
def lineage(
    weights: str, regime: str | None, original: str | None, facts: Path | None, file: Path | None,
    mermaid: Path | None, svg: Path | None, home: Home, log: str | None, as_json: bool,
) -> None:  # fmt: skip
    r"""All training compute behind WEIGHTS, every ancestor once.

    \b
    mythos compute lineage sha256:… --regime EU-GPAI-SR --svg lineage.svg
    """
    from mythos import strict_yaml
    from mythos.compute import draw
    from mythos.compute.lineage import EVERYTHING, Graph, to_document, total
    from mythos.compute.modified import limits, modification
    from mythos.regimes import shipped
    from mythos.regimes.facts import Facts
    from mythos.units import Digest

    if original is not None and regime is None:
        raise InputError(
            "--original without a limit", advice="Say whose: --regime EU-MODIFIER or US-EAR-4E091."
        )
    subject, pack = Digest.parse(weights), shipped()
    instrument = None if regime is None else pack[regime]
    counts = EVERYTHING if instrument is None else instrument.counts
    if counts is None:
        raise InputError(f"{regime} counts no training compute", advice="Leave --regime out for everything.")
    stated: dict[str, Any] = {}
    if facts is not None:
        stated = strict_yaml.loads(facts.read_bytes(), where=facts.name)
    known = Facts.parse(stated, pack.vocabulary)
    graph = Graph.of(_envelopes(file, home, log))
    found = total(graph, subject, counts, known)
    document = to_document(found) | {"regime": regime, "unread": list(known.strangers)}
    lines = _lines(document)
    if original is not None and instrument is not None:
        change = modification(graph, subject, Digest.parse(original))
        held = limits(instrument, change, **known.values)
        document["modification"] = {
            "original": original, "added": str(change.added.flop), "before": str(change.before.flop),
            "complete": change.added.complete and change.before.complete, "facts": change.facts,
            "limits": [
                {"words": one.words, "cite": one.cite, "comparator": one.comparator, "limit": one.limit,
                 "held": one.held, "needs": list(one.needs)}
                for one in held
            ],
        }  # fmt: skip
        lines += [f"added {change.added.flop} to {change.before.flop}"]
        lines += [
            f"  {one.words}: {one.held if one.held is not None else 'not known'} ({one.cite})" for one in held
        ]
    for path, drawn in ((mermaid, draw.mermaid), (svg, draw.svg)):
        if path is not None:
            path.write_text(drawn(graph, found), encoding="utf-8")
    emit(document, as_json=as_json, line="\n".join(lines))


def _lines(document: dict[str, Any]) -> list[str]:
    bound = "" if document["complete"] else " at least; incomplete"
    lines = [f"{document['total']} FLOP{bound}"]
    for part in document["parts"]:
        figure = part["flop"] or "unknown"
        who = part["name"] or part["weights"][:19]
        lines.append(
            f"  {figure:>30}  {who}  {part['as'].replace('_', ' ')}, {part['rule']}, {part['method']}"
        )
    lines += [f"  needed: {need}" for need in document["needs"]]
    return lines + [f"  open: {question}" for question in document["review"]]


def _json(path: Path) -> Any:
    """JSON with exact numbers; a key that stands twice is refused."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise InputError(
                f"{path.name}: a key stands twice", found=", ".join(name for name, _ in pairs)[:200]
            )
        return found

    try:
        return json.loads(path.read_bytes(), parse_float=Decimal, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is not JSON", found=str(error)[:120]) from error


def _envelopes(file: Path | None, home: Home, log: str | None) -> list[Envelope]:
    """The acts of a dossier or of the log, in order."""
    from mythos.evidence import Envelope, LogClient
    from mythos.evidence.note import decode64

    if file is not None:
        try:
            entries = [decode64(entry) for entry in json.loads(file.read_bytes())["entries"]]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{file.name} is not a dossier", expected="entries in base64") from error
    else:
        with LogClient(log or home.address("log")) as client:
            entries = client.entries(0, client.status()["acknowledged"])
    return [Envelope.parse(entry) for entry in entries]
