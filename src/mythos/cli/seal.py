"""`mythos seal`: encrypt a model's files under keys that only the owner has."""

from __future__ import annotations

import time
from pathlib import Path

import click

from mythos.cli.shared import Home, act_once, as_option, emit, home_option, json_option, log_option


@click.command()
@click.argument("model", type=click.Path(path_type=Path, exists=True))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder that will appear.")
@click.option("--name", help="What people call the model. Default: its file or folder name.")
@click.option("--weights", metavar="DIGEST", help="Refuse to seal anything else than these weights.")
@click.option("--release", default=1, show_default=True, help="The owner's number of this release.")
@click.option("--hub", default="*", show_default=True, help="The one hub that may open it, or *.")
@home_option
@as_option("owner")
@log_option
@json_option
def command(
    model: Path, out: Path, name: str | None, weights: str | None, release: int, hub: str, home: Home,
    party: str, log: str | None, as_json: bool,
) -> None:  # fmt: skip
    r"""Seal MODEL (a file or folder) into --out and log it; safe to call again after a kill.

    What the owner keeps: the keys of the seal, 0600, as secret as the plain weights. What leaves: ciphertext
    and seal.json, which open for nobody before a grant.

    \b
    mythos seal ./my-model.gguf --out sealed/my-model
    mythos custody check sealed/my-model
    """
    from mythos.cli.model import progress
    from mythos.cli.parties import signing_key
    from mythos.custody import owner
    from mythos.custody.seal import finished, seal
    from mythos.errors import InputError
    from mythos.evidence import Envelope, Subject
    from mythos.units import Bytes, Instant
    from mythos.weights import identify

    key, folder = signing_key(home, party), home.party(party)
    began = time.monotonic()
    with progress("hashing") as told:
        identity = identify(model, progress=told)
    if weights is not None and weights != str(identity.root):
        raise InputError(f"{model} holds other weights", expected=weights, found=str(identity.root))
    manifest = finished(out, identity.root, release)
    if manifest is None:
        with progress("sealing") as told:
            manifest = seal(
                model, out, identity=identity, release=release, hub=hub, now=Instant.now(), progress=told,
                keep=lambda sealed: owner.keep(folder, sealed),
            ).manifest  # fmt: skip
    if not owner.has_keys(folder, manifest.digest):
        raise InputError(
            f"{out} was sealed by somebody else: its keys are not here",
            advice="Seal into a new folder with --out.",
        )
    subject = Subject(name or identity.name, identity.root)
    statement = manifest.predicate().statement(subject)
    place = act_once(
        home, party, log, f"seal:{manifest.digest}", lambda: Envelope.sign(statement, key).to_bytes()
    )
    document = {
        "manifest": str(out / "seal.json"),
        "manifestDigest": str(manifest.digest),
        "weights": str(identity.root),
        "bytes": int(manifest.sealed_bytes),
        "files": len(manifest.files),
        "seconds": round(time.monotonic() - began, 3),
        "index": place.index,
        "seal": f"sha256:{place.leaf_hash.hex()}",
    }
    line = f"sealed {len(manifest.files)} files, {Bytes(document['bytes']).human}, into {out}"
    emit(document, as_json=as_json, line=f"{line}; manifest {manifest.digest}")
