"""`mythos verify`: check a dossier, a receipt or a log directory offline."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from mythos.cli.shared import Home, emit, home_option, json_option, say


@click.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True), required=False)
@click.option(
    "--policy",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The trust policy that you held beforehand. Default: trust.policy of the home.",
)
@home_option
@click.option(
    "--answer",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The answer that a receipt is said to be for.",
)
@click.option(
    "--archive",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write mythos-verify.pyz, the verifier as one reproducible file, and print its digest.",
)
@json_option
def command(
    path: Path | None,
    policy: Path | None,
    home: Home,
    answer: Path | None,
    archive: Path | None,
    as_json: bool,
) -> None:
    r"""Check PATH: a dossier.json, a receipt, or a log directory. Exit status 1 when it does not hold.

    \b
    mythos verify dossier.json --policy trust.policy
    mythos verify receipt.json --answer answer.txt
    mythos verify --archive mythos-verify.pyz
    """
    if (path is None) is (archive is None):
        raise click.UsageError("give a PATH to verify, or --archive FILE, one of the two")
    if archive is not None:
        _write_archive(archive, as_json=as_json)
    if path is None:
        return
    from mythos.evidence.verify import check_path

    held = policy or (home.policy if home.policy.exists() else None)
    if policy is None and held is not None:
        say(f"what to trust: {held}")  # so that one which arrived beside the evidence is noticed
    report = check_path(path, held, answer, now=int(time.time()))
    lines = [f"{p.where}: {p.message} [{p.code}]" for p in report.told]
    if report.verified:
        said = f"cosigned by {', '.join(report.witnesses) or 'nobody'}"
        lines = [f"verified: {report.kind}, {report.acts} acts in a log of {report.size}, {said}"]
    emit(report.to_dict(), as_json=as_json, line="\n".join(lines))
    if not report.verified:
        sys.exit(1)


def _write_archive(path: Path, *, as_json: bool) -> None:
    from mythos.evidence import verifier
    from mythos.files import write_atomic
    from mythos.units import Digest

    data = verifier.build()
    write_atomic(path, data, mode=0o755)
    digest = str(Digest.of(data))
    emit({"archive": str(path), "digest": digest}, as_json=as_json, line=f"{path}  {digest}")
