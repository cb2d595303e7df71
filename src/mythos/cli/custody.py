"""`mythos custody`: what can be checked about sealed weights by someone who cannot open them."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from mythos.cli.shared import emit, json_option


@click.group()
def command() -> None:
    """Sealed weights, without their keys."""


@command.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@json_option
def check(folder: Path, as_json: bool) -> None:
    r"""Everything that can be checked without a key; exit status 1 when something is wrong.

    The manifest and its digest, the names, the sizes, every ciphertext segment against its hash tree, and
    that nothing else lies in the folder.

    \b
    mythos custody check sealed/my-model
    """
    from mythos.custody import check as examine

    manifest, problems = examine(folder)
    document = {
        "verified": not problems,
        "manifest": str(manifest.digest),
        "weights": str(manifest.weights.root),
        "release": manifest.release,
        "hub": manifest.hub,
        "files": len(manifest.files),
        "bytes": int(manifest.sealed_bytes),
        "problems": [asdict(problem) for problem in problems],
    }
    lines = [f"{p.where}: {p.message} [{p.code}]" for p in problems]
    if not problems:
        size = manifest.sealed_bytes.human
        lines = [f"{len(manifest.files)} sealed files, {size}, are those of manifest {manifest.digest}"]
    emit(document, as_json=as_json, line="\n".join(lines))
    if problems:
        sys.exit(1)
