"""`mythos log`: serve the log, append to it, look into it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mythos.cli.log_drill import command as drill
from mythos.cli.shared import Home, as_option, emit, home_option, json_option, log_option, say
from mythos.errors import EvidenceError, FormatError, InputError, NoTrustError


@click.group()
def command() -> None:
    """The append-only log: one writer, witnessed heads, static tiles."""


command.add_command(drill, "drill")


@command.command()
@home_option
@as_option("owner")
@click.option("--name", default="log", show_default=True, help="Which of PARTY's keys signs checkpoints.")
@click.option("--address", help="unix:PATH or http://HOST:PORT. Default: the home's own socket.")
@click.option(
    "--witness", "witnesses", multiple=True, metavar="ADDRESS", help="A witness to ask. Repeatable."
)
@click.option("--policy", type=click.Path(path_type=Path, dir_okay=False), help="Default: HOME/trust.policy.")
@click.option(
    "--quota",
    type=click.IntRange(min=1),
    default=600_000,
    show_default=True,
    help="Entries a minute for each signing key.",
)
def serve(
    home: Home,
    party: str,
    name: str,
    address: str | None,
    witnesses: Sequence[str],
    policy: Path | None,
    quota: int,
) -> None:
    r"""Serve the log until SIGTERM; its files lie in HOME/log.

    \b
    mythos log serve --witness unix:/run/mythos/witness.sock --witness https://witness.example/
    """
    from mythos.evidence.log import Log, Quota
    from mythos.evidence.note import SigningKey
    from mythos.evidence.policy import Policy
    from mythos.evidence.publish import Publisher
    from mythos.evidence.tiles import Projection
    from mythos.files import read_private
    from mythos.services import serve as run
    from mythos.services.log import News, log_app

    path = policy or home.policy
    if not path.exists():
        raise NoTrustError(f"no policy at {path}", advice="Make one: mythos trust init")
    trusted = Policy.parse(path.read_bytes())
    key = SigningKey.parse(read_private(home.key(party, name)).decode())
    log = Log.open(home.log, key, policy=trusted, quota=Quota(quota))
    projection, news = Projection(home.log), News()
    publisher = Publisher(log, projection, trusted, witnesses, news.tell)
    where = address or home.address("log")
    say(f"log {key.name}: {log.size} entries, {where}")
    run(log_app(log, projection, publisher, news), where)


@command.command()
@home_option
@log_option
@json_option
def status(home: Home, log: str | None, as_json: bool) -> None:
    """How many entries are acknowledged, published and witnessed, and what each witness said."""
    from mythos.evidence.client import LogClient

    with LogClient(log or home.address("log"), timeout=5) as client:
        found = client.status()
    states = ", ".join(f"{found[state]} {state}" for state in ("acknowledged", "published", "witnessed"))
    lines = [f"log {found['origin']}: {states}"]
    lines += [f"  {name}: {w['size']} {w['problem']}".rstrip() for name, w in found["witnesses"].items()]
    lines += [f"  problem: {found['problem']}"] if found["problem"] else []
    emit(found, as_json=as_json, line="\n".join(lines))


@command.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@home_option
@log_option
@click.option("--key", default="", help="Idempotency key. Default: the bytes are their own key.")
@json_option
def append(files: Sequence[Path], home: Home, log: str | None, key: str, as_json: bool) -> None:
    """Append signed envelopes in one transaction and wait until they are witnessed."""
    from mythos.evidence.client import LogClient
    from mythos.evidence.statement import Envelope

    entries = [path.read_bytes() for path in files]
    for path, data in zip(files, entries, strict=True):
        try:
            Envelope.parse(data)
        except EvidenceError as error:
            raise FormatError(f"{path} holds no signed envelope: {error}") from error
    with LogClient(log or home.address("log")) as client:
        places = client.append(entries, key)
        client.wait(places[-1].index + 1)
    found = [{"index": p.index, "leaf": f"sha256:{p.leaf_hash.hex()}"} for p in places]
    lines = "\n".join(f"{p['index']}  {p['leaf']}" for p in found)
    emit({"appended": found}, as_json=as_json, line=lines)


@command.command()
@click.option(
    "--from", "start", type=click.IntRange(min=0), default=0, show_default=True, help="The first index."
)
@home_option
@log_option
@json_option
def show(start: int, home: Home, log: str | None, as_json: bool) -> None:
    """The entries: index, act, signers and subject of each."""
    from mythos.evidence.client import LogClient
    from mythos.evidence.statement import Envelope

    with LogClient(log or home.address("log")) as client:
        size = client.status()["acknowledged"]
        envelopes = [Envelope.parse(data) for data in client.entries(start, size)]
    found: list[dict[str, Any]] = []
    for index, envelope in enumerate(envelopes, start):
        statement = envelope.statement()
        subject = statement.subjects[0]
        found.append(
            {
                "index": index,
                "act": statement.act or statement.predicate_type,
                "signers": list(envelope.signers),
                "subject": subject.name,
                "digest": str(subject.digest),
            }
        )
    lines = [f"{f['index']:6} {f['act']:24} {f['subject']:20} {', '.join(f['signers'])}" for f in found]
    emit({"entries": found}, as_json=as_json, line="\n".join(lines))


@command.command()
@click.argument("index", type=click.IntRange(min=0))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Default: INDEX.tlog-proof.")
@home_option
@log_option
@json_option
def proof(index: int, out: Path | None, home: Home, log: str | None, as_json: bool) -> None:
    """Write the offline proof of one entry (C2SP tlog-proof), once it is witnessed."""
    from mythos.evidence.client import LogClient
    from mythos.evidence.proof import Proof
    from mythos.files import write_atomic

    with LogClient(log or home.address("log")) as client:
        if index >= (size := client.status()["acknowledged"]):
            raise InputError("no such entry", expected=f"an index below {size}", found=str(index))
        note = client.wait(index + 1)
        text = client.proof(index)
    path = out or Path(f"{index}.tlog-proof")
    write_atomic(path, text.encode())
    names = [s.id for s in Proof.parse(text).checkpoint.signatures]
    emit(
        {"index": index, "path": str(path), "size": int(note.split("\n")[1]), "signatures": names},
        as_json=as_json,
        line=f"{path}: signed by {', '.join(names)}",
    )
