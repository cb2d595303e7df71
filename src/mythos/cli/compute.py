"""`mythos compute`: estimate, declare and add up what a model cost to train."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

from mythos.cli.shared import Home, act_once, as_option, emit, home_option, json_option, log_option
from mythos.errors import InputError

_PRESETS: Final[dict[str, dict[str, Any]]] = {
    "smollm2": {
        "parameters": "134515008",
        "tokens": "2000000000000",
        "source": "SmolLM2-135M model card",
        "url": "https://huggingface.co/HuggingFaceTB/SmolLM2-135M",
        "read_on": "2026-11-23",
    }
}


@click.group()
def command() -> None:
    """What a model cost to train: counted, estimated or declared, and added up over its ancestors."""


@command.command()
@click.option("--arch", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--tokens", required=True, help="Tokens trained on, exact text such as 2e12.")
@click.option(
    "--convention", required=True, type=click.Choice(["6nd", "exact-full", "exact-causal", "chinchilla-f"])
)
@json_option
def estimate(arch: Path, tokens: str, convention: str, as_json: bool) -> None:
    r"""Training compute from an architecture, term by term.

    \b
    mythos compute estimate --arch arch.json --tokens 2e12 --convention 6nd
    """
    from mythos.compute import Architecture
    from mythos.compute import estimate as of_architecture

    try:
        document = json.loads(arch.read_bytes(), parse_float=str)
    except ValueError as error:
        raise InputError(f"{arch} is not JSON", found=str(error)) from error
    found = of_architecture(Architecture.from_dict(document), tokens, convention)
    terms = {name: str(value) for name, value in found.terms.items()}
    lines = [f"{found.flop} FLOP ({convention})", *(f"  {name}: {value}" for name, value in terms.items())]
    emit(
        {"flop": str(found.flop), "convention": convention, "terms": terms},
        as_json=as_json,
        line="\n".join(lines),
    )


@command.command()
@click.option("--weights", required=True, metavar="DIGEST")
@click.option("--name", required=True, help="What people call the model.")
@click.option(
    "--preset", type=click.Choice(sorted(_PRESETS)), help="Published figures that travel with Mythos."
)
@click.option("--parameters", help="The published parameter count.")
@click.option("--tokens", help="The published number of training tokens.")
@click.option("--source", help="Where both are published: title.")
@click.option("--url", help="Where both are published: address.")
@click.option("--read-on", metavar="DATE", help="The day it was read.")
@home_option
@as_option("owner")
@log_option
@json_option
def declare(
    weights: str, name: str, preset: str | None, parameters: str | None, tokens: str | None, source: str | None,
    url: str | None, read_on: str | None, home: Home, party: str, log: str | None, as_json: bool,
) -> None:  # fmt: skip
    r"""Log what others declare about a training run: 6 x parameters x tokens. It is shown as declared.

    \b
    mythos compute declare --weights sha256:… --name SmolLM2-135M-Instruct --preset smollm2
    """
    from mythos.cli.parties import signing_key
    from mythos.evidence import Envelope, Subject
    from mythos.evidence.predicates import Count, TrainingCompute
    from mythos.evidence.predicates.training import Reading
    from mythos.units import Digest, Flop, Instant

    given = _PRESETS.get(preset or "", {}) | {
        key: value
        for key, value in {
            "parameters": parameters, "tokens": tokens, "source": source, "url": url, "read_on": read_on,
        }.items()
        if value is not None
    }  # fmt: skip
    if missing := {"parameters", "tokens", "source", "url", "read_on"} - given.keys():
        raise InputError(
            "a declaration needs its figures and their source",
            expected="--parameters, --tokens, --source, --url and --read-on, or --preset",
            found=f"no {', '.join(sorted(missing))}",
        )
    n, d = Flop.parse(given["parameters"]), Flop.parse(given["tokens"])
    flop = Flop(6 * n * d)
    act = TrainingCompute(
        method="declared", convention="6nd", model_flop=flop, executed_flop=None, complete=True,
        uncertainty_percent=None, parameters=Count(n), tokens=Count(d),
        sources=(Reading(given["source"], given["url"], given["read_on"]),),
        energy_watt_hours=None, energy_method=None, unregistered=(), record_digest=None,
        declared_at=Instant.now(), started_at=None, ended_at=None,
    )  # fmt: skip
    key, digest = signing_key(home, party), Digest.parse(weights)
    place = act_once(
        home, party, log, f"training-compute:{weights}:declared:{flop}",
        lambda: Envelope.sign(act.statement(Subject(name, digest)), key).to_bytes(),
    )  # fmt: skip
    document = {
        "flop": str(flop), "method": "declared", "convention": "6nd", "parameters": str(n), "tokens": str(d),
        "index": place.index, "digest": f"sha256:{place.leaf_hash.hex()}",
    }  # fmt: skip
    emit(document, as_json=as_json, line=f"{flop} FLOP, declared (6 x {n} x {d}): {given['source']}")
