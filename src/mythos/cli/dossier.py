"""`mythos dossier`: what the log knows about one model, for people and for verifiers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from mythos.cli.shared import Home, emit, home_option, json_option, log_option, say

if TYPE_CHECKING:
    from mythos.dossier.build import Dossier
    from mythos.dossier.passport import Passport

_F = TypeVar("_F", bound=Callable[..., Any])

WAIT: Final = 10.0
"""Seconds given to the witnesses to cosign the newest acts."""


@click.group()
def command() -> None:
    """The passport of a model and the dossier that proves it."""


def _chosen(function: _F) -> _F:
    """The options that say which model, and where the log is read from."""
    for option in (
        log_option,
        home_option,
        click.option(
            "--policy",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="Default: trust.policy of the home.",
        ),
        click.option(
            "--from",
            "file",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="Read a dossier.json instead of the log.",
        ),
        click.option("--model", metavar="NAME", help="The model's name, or its name and version."),
        click.option("--weights", metavar="DIGEST", help="The model's root digest, sha256:…"),
    ):
        function = option(function)
    return function


@command.command()
@_chosen
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The folder to write into."
)
@click.option(
    "--audience",
    type=click.Choice(["ai-office", "authority", "downstream", "all"]),
    default="all",
    show_default=True,
    help="Whose fields the page shows.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["dossier", "oms", "cyclonedx", "croissant"]),
    default="dossier",
    show_default=True,
)
@json_option
def export(out: Path, audience: str, kind: str, as_json: bool, **chosen: Any) -> None:
    r"""Write dossier.json and dossier.html, or the same facts in another standard's format.

    \b
    mythos dossier export --model SmolLM2-135M-Instruct --out dossier
    mythos dossier export --weights sha256:… --out for-authority --audience authority
    mythos dossier export --weights sha256:… --out bom --format cyclonedx
    mythos dossier export --from dossier.json --policy trust.policy --out mine
    """
    out.mkdir(parents=True, exist_ok=True)
    dossier = _build(audience, **chosen)
    if kind == "dossier":
        written = _write_dossier(dossier, out, audience)
    else:
        written = _write_view(dossier.passport, out, kind, chosen["home"])
    for problem in dossier.problems:
        say(f"warning: {problem.where}: {problem.message} [{problem.code}]")
    paths = written.get("files") or [written["dossier"], written["html"]]
    emit(written, as_json=as_json, line="\n".join(paths))


@command.command()
@_chosen
@json_option
def show(as_json: bool, **chosen: Any) -> None:
    r"""Print the passport: verdicts first, then the acts, then what is missing.

    \b
    mythos dossier show --model SmolLM2-135M-Instruct
    mythos dossier show --from dossier.json --policy trust.policy --json
    """
    from mythos.dossier.terminal import document, picture

    dossier = _build("all", **chosen)
    if as_json:
        emit(document(dossier), as_json=True)
        return
    from rich.console import Console

    Console(soft_wrap=False, highlight=False).print(picture(dossier))


def _build(
    audience: str,
    *,
    home: Home,
    log: str | None,
    policy: Path | None,
    file: Path | None,
    model: str | None,
    weights: str | None,
) -> Dossier:
    from mythos.dossier.build import Capture, build, find
    from mythos.errors import NoTrustError
    from mythos.evidence.client import LogClient
    from mythos.evidence.policy import Policy
    from mythos.units import Digest, Instant

    held = policy or home.policy
    if not held.exists():
        raise NoTrustError(
            f"no policy at {held}",
            expected="a trust policy that you held beforehand",
            advice="Give it with --policy FILE, or make an estate's with `mythos trust init`.",
        )
    trusted = Policy.parse(held.read_bytes())
    if file:
        capture = Capture.of_file(file.read_bytes())
    else:
        with LogClient(log or home.address("log")) as client:
            capture = Capture.of_log(client, _documents(home), WAIT)
    if weights and model:
        raise click.UsageError("name one model: --weights DIGEST or --model NAME")
    digest = Digest.parse(weights) if weights else find(capture.entries, model) if model else capture.weights
    if digest is None:
        raise click.UsageError("which model? --weights DIGEST or --model NAME")
    if audience == "downstream":
        capture = replace(capture, documents=(), openings=())
    return build(trusted, capture, digest, Instant.now())


def _documents(home: Home) -> list[bytes]:
    folder = home.path / "owner" / "documents"
    return (
        [path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()] if folder.is_dir() else []
    )


def _write_dossier(dossier: Dossier, out: Path, audience: str) -> dict[str, Any]:
    from mythos.dossier.page import render
    from mythos.files import write_atomic
    from mythos.units import Digest

    digest = Digest.of(dossier.evidence)
    page = render(dossier, audience=audience)
    write_atomic(out / "dossier.json", dossier.evidence)
    write_atomic(out / "dossier.html", page.encode())
    passport = dossier.passport
    return {
        "dossier": str(out / "dossier.json"),
        "html": str(out / "dossier.html"),
        "digest": str(digest),
        "weights": str(passport.weights),
        "size": passport.size,
        "acts": len(passport.trusted),
        "witnessed": str(passport.witnessed.at) if passport.witnessed else None,
    }


def _write_view(passport: Passport, out: Path, kind: str, home: Home) -> dict[str, Any]:
    from mythos.dossier import standards
    from mythos.files import write_atomic

    views: dict[str, Any] = {}
    if kind == "cyclonedx":
        views["bom.cdx.json"] = standards.cyclonedx(passport)
    elif kind == "croissant":
        for act in passport.of("dataset-admitted"):
            views[f"croissant-{act.subjects[0].digest.hex[:16]}.json"] = standards.croissant(act)
    else:
        key = standards.oms_key(home.party("owner") / "keys" / "oms.pem")
        views["model.sig"] = standards.oms(passport, key)
        write_atomic(out / "model.sig.pub.pem", standards.public_pem(key))
    for name, view in views.items():
        write_atomic(out / name, json.dumps(view, indent=1, ensure_ascii=False).encode())
    return {"files": [str(out / name) for name in views], "weights": str(passport.weights)}
