"""`mythos model`: bring a model in, name it, look at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mythos.cli.shared import Home, act_once, as_option, emit, home_option, json_option, log_option

if TYPE_CHECKING:
    from mythos.weights import Header

_PATH = click.Path(path_type=Path, exists=True)


@click.group()
def command() -> None:
    """A model's files: fetch them, name them by their digest, read their headers."""


@command.command()
@click.argument("model", metavar="smollm2|PATH|hf:ORGANISATION/NAME")
@home_option
@json_option
def fetch(model: str, home: Home, as_json: bool) -> None:
    r"""Bring MODEL into the owner's cache; a second call does not touch the network.

    \b
    mythos model fetch smollm2
    mythos model fetch ./my-model.gguf
    """
    from mythos.units import Bytes
    from mythos.weights import identify, resolve

    local = Path(model).exists()
    with progress(f"fetching {model}") as told:
        path = resolve(model, Path() if local else home.cache, progress=told).resolve()
    manifest = identify(path)
    digest = manifest.resources[0].digest if path.is_file() else manifest.root
    document = {
        "path": str(path),
        "bytes": int(manifest.size or 0),
        "digest": str(digest),
        "weights": str(manifest.root),
        "name": path.stem if path.is_file() else path.name,
    }
    emit(document, as_json=as_json, line=f"{path}  {Bytes(manifest.size or 0).human}  {digest}")


@command.command()
@click.argument("path", type=_PATH)
@click.option("--name", required=True, help="What people call it.")
@click.option("--version", default="1", show_default=True, help="The version of the model.")
@click.option("--licence", help="SPDX identifier, such as Apache-2.0. Default: what the file says.")
@home_option
@as_option("owner")
@log_option
@json_option
def identify(
    path: Path, name: str, version: str, licence: str | None, home: Home, party: str, log: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    r"""Hash PATH into its OMS manifest and log who the weights are; safe to call again.

    \b
    mythos model identify ./my-model.gguf --name my-model --licence Apache-2.0
    """
    from mythos.cli.parties import signing_key
    from mythos.evidence import Envelope, Subject
    from mythos.evidence.predicates import Count, ModelIdentity
    from mythos.units import Instant
    from mythos.weights import identify as hash_files

    with progress("hashing") as told:
        manifest = hash_files(path, progress=told)
    headers = _headers(path)
    said: dict[str, Any] = {k: v for header in headers for k, v in header.metadata.items()}
    stated = licence or said.get("general.license")
    act = ModelIdentity(
        name=name,
        version=version,
        manifest=manifest.to_predicate(),
        format=headers[0].format if headers else "other",
        licence=str(stated) if stated else None,
        source=None,
        parameters=Count(sum(h.parameters for h in headers)) if headers else None,
        architecture=str(said["general.architecture"]) if "general.architecture" in said else None,
        identified_at=Instant.now(),
    )
    key = signing_key(home, party)

    def make() -> bytes:
        return Envelope.sign(act.statement(Subject(name, manifest.root)), key).to_bytes()

    place = act_once(home, party, log, f"model-identity:{manifest.root}:{name}:{version}", make)
    document = {
        "weights": str(manifest.root),
        "name": name,
        "files": len(manifest.resources),
        "bytes": int(manifest.size or 0),
        "format": act.format,
        "parameters": str(act.parameters) if act.parameters is not None else None,
        "index": place.index,
    }
    emit(document, as_json=as_json, line=f"{manifest.root}  {name}, {len(manifest.resources)} files")


@command.command()
@click.argument("path", type=_PATH)
@json_option
def show(path: Path, as_json: bool) -> None:
    """What PATH says of itself: format, parameters, metadata. Nothing is signed."""
    from mythos.weights import identify as hash_files

    manifest = hash_files(path)
    headers = _headers(path)
    document: dict[str, Any] = {
        "weights": str(manifest.root),
        "files": [{"name": r.name, "digest": str(r.digest), "bytes": r.size} for r in manifest.resources],
        "formats": sorted({h.format for h in headers}),
        "parameters": str(sum(h.parameters for h in headers)),
        "tensors": sum(len(h.tensors) for h in headers),
        "metadata": {k: v for h in headers for k, v in h.metadata.items()},
    }
    lines = [f"{manifest.root}  {document['parameters']} parameters in {document['tensors']} tensors"]
    lines += [f"  {item['name']}  {item['bytes']} bytes  {item['digest']}" for item in document["files"]]
    lines += [f"  {k}: {str(v)[:80]}" for k, v in document["metadata"].items()]
    emit(document, as_json=as_json, line="\n".join(lines))


def _headers(path: Path) -> list[Header]:
    from mythos.weights import format_of, read_header

    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return [read_header(file) for file in files if format_of(file) != "other"]


class progress:  # noqa: N801 (reads as a verb)
    """A progress bar on standard error while something counts bytes; silent when it is no terminal."""

    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        console = Console(stderr=True)
        columns = (TextColumn(title), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

    def __enter__(self) -> Callable[[int, int], None]:
        self._bar.start()
        task = self._bar.add_task("", total=None)

        def told(done: int, total: int) -> None:
            self._bar.update(task, completed=done, total=total)

        return told

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
