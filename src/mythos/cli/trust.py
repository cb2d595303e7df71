"""`mythos trust`: draft, sign, publish and show the trust root."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from mythos.cli.shared import Home, as_option, emit, home_option, json_option, log_option, say
from mythos.errors import InputError

if TYPE_CHECKING:
    from mythos.evidence.estate import Holder
    from mythos.evidence.note import SigningKey
    from mythos.evidence.statement import Envelope

_HOLDERS: Final = {
    "owner": ("owner", "Owner"),
    "root": ("owner", "Owner"),
    "approver-a": ("approver-a", "Organisation A"),
    "approver-b": ("approver-b", "Organisation B"),
    "host": ("host", "Host"),
}
_WITNESSES: Final = (("witness", "witness"), ("host", "host-witness"))
_SIGNERS: Final = (("owner", "root"), ("approver-a", "approver-a"), ("approver-b", "approver-b"))


_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def command() -> None:
    """Who may sign what: the trust root in the log, and the policy that a reader holds."""


@command.command()
@home_option
@click.option(
    "--organisation",
    "organisations",
    multiple=True,
    metavar="NAME=TEXT",
    help="The organisation that answers for a key, such as approver-b=Ministry. Repeatable.",
)
@json_option
def init(home: Home, organisations: Sequence[str], as_json: bool) -> None:
    """Draft and sign version 1 from the keys of this home; write trust.policy.

    With every key in one home this signs with all root keys. Parties on machines of their own use `trust
    draft` and `trust sign`. The digest of the verifier stands in the trust root. Safe to call again.
    """
    from mythos.evidence import verifier
    from mythos.evidence.estate import first_root, policy_text
    from mythos.evidence.statement import Envelope
    from mythos.files import write_atomic
    from mythos.units import Digest, Instant

    path = _folder(home) / "1.dsse"
    archive = verifier.build()
    if not path.exists():
        named = dict(item.split("=", 1) for item in organisations if "=" in item)
        holders = {
            name: _holder(home, party, name, named.get(name, default))
            for name, (party, default) in _HOLDERS.items()
        }
        witnesses = [_signing(home, party, name).verify_key for party, name in _WITNESSES]
        log = _signing(home, "owner", "log").verify_key
        now = Instant.now()
        root = first_root(holders, log, witnesses, verifier=Digest.of(archive), now=now)
        signers = [_signing(home, party, name) for party, name in _SIGNERS]
        write_atomic(path, Envelope.sign(root.statement(), *signers).to_bytes())
        write_atomic(home.policy, policy_text(root).encode())
    document = _describe(path)
    emit(
        document,
        as_json=as_json,
        line=f"trust root {document['version']}, signed by {', '.join(document['signers'])}; {home.policy}",
    )


@command.command()
@click.argument("name")
@click.option("--organisation", metavar="TEXT", help="Who answers for a new key.")
@click.option(
    "--role", "roles", multiple=True, required=True, help="A role it holds from now on. Repeatable."
)
@click.option("--draft", "earlier", type=_FILE, help="Go on with this draft, not with the root in force.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@home_option
@log_option
@json_option
def add(
    name: str, organisation: str | None, roles: Sequence[str], earlier: Path | None, out: Path, home: Home,
    log: str | None, as_json: bool,
) -> None:  # fmt: skip
    r"""Draft the next version: the key NAME is known, or holds further roles. Nothing is signed yet.

    \b
    mythos trust add data-holder --organisation Clinic --role approver --role data-holder --out next.json
    mythos trust add host --role sandbox --draft next.json --out next.json
    mythos trust draft next.json --out next.statement
    """
    from mythos.evidence.estate import next_root
    from mythos.evidence.predicates import TrustRoot
    from mythos.files import write_atomic
    from mythos.units import Instant

    force = _in_force(home, log)
    root = TrustRoot.from_dict(json.loads(earlier.read_bytes()) if earlier else force)
    key = _holder(home, name, name, organisation) if organisation else _signing(home, name, name).verify_key
    made = next_root(root, key, roles, version=force["version"] + 1, now=Instant.now())
    write_atomic(out, json.dumps(made.to_dict(), indent=1).encode())
    held = [role for role, one in made.roles.items() if any(k.startswith(f"{name}+") for k in one.keys)]
    document = {"version": made.version, "path": str(out), "roles": held}
    emit(document, as_json=as_json, line=f"{out}: version {made.version}; {name} is {', '.join(held)}")


@command.command()
@click.argument("document", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@json_option
def draft(document: Path, out: Path, as_json: bool) -> None:
    r"""Make the statement that all root keys then sign, from an edited predicate (JSON).

    \b
    mythos trust show --json > next.json       # edit: version, roles, keys, witnesses
    mythos trust draft next.json --out next.statement
    mythos trust sign next.statement --as approver-a --out next.dsse
    mythos trust publish next.dsse
    """
    from mythos.evidence.policy import Trust
    from mythos.evidence.predicates import TrustRoot
    from mythos.files import write_atomic

    try:
        predicate = json.loads(document.read_bytes())
    except ValueError as error:
        raise InputError(f"{document} is not JSON", found=str(error)) from error
    root = TrustRoot.from_dict(predicate)
    Trust.parse(root.to_dict())
    payload = root.statement().to_bytes()
    write_atomic(out, payload)
    emit({"version": root.version, "path": str(out)}, as_json=as_json, line=f"drafted {out}")


@command.command()
@click.argument("statement", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@home_option
@as_option("owner")
@click.option("--name", help="Which of PARTY's keys. Default: root for the owner, else the party's own.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@json_option
def sign(statement: Path, home: Home, party: str, name: str | None, out: Path, as_json: bool) -> None:
    """Sign a drafted trust root; OUT gathers the signatures of several parties."""
    from mythos.evidence.predicates import TrustRoot
    from mythos.evidence.statement import Envelope, Statement
    from mythos.files import write_atomic

    payload = statement.read_bytes()
    root = TrustRoot.of(Statement.parse(payload))
    key = _signing(home, party, name or ("root" if party == "owner" else party))
    say(
        f"signing trust root {root.version}: "
        + "; ".join(f"{r}: {len(v.keys)} keys" for r, v in root.roles.items())
    )
    gathered = Envelope.parse(out.read_bytes()) if out.exists() else Envelope(payload, ())
    if gathered.payload != payload:
        raise InputError(f"{out} holds signatures over another trust root", advice="Choose another --out.")
    write_atomic(out, gathered.add_signature(key).to_bytes())
    document = _describe(out)
    emit(document, as_json=as_json, line=f"{out}: signed by {', '.join(document['signers'])}")


@command.command()
@click.argument("envelope", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@home_option
@log_option
@json_option
def publish(envelope: Path | None, home: Home, log: str | None, as_json: bool) -> None:
    """Append a signed trust root to the log (default: the one that `trust init` made)."""
    from mythos.evidence.client import LogClient

    path = envelope or _folder(home) / "1.dsse"
    if not path.exists():
        raise InputError(f"no trust root at {path}", advice="Make it: mythos trust init")
    with LogClient(log or home.address("log")) as client:
        [place] = client.append([path.read_bytes()])
    document = _describe(path) | {"index": place.index}
    emit(document, as_json=as_json, line=f"trust root {document['version']} stands at index {place.index}")


@command.command()
@home_option
@log_option
@json_option
def show(home: Home, log: str | None, as_json: bool) -> None:
    """The trust root in force: roles, keys, organisations, witnesses (the predicate itself with --json)."""
    predicate = _in_force(home, log)
    lines = [f"trust root {predicate['version']} of {predicate['log']['origin']}, {predicate['issuedAt']}"]
    for name, role in predicate["roles"].items():
        lines.append(
            f"  {name:12} {role['threshold']} of {', '.join(role['keys'])}: {', '.join(role['acts'])}"
        )
    emit(predicate, as_json=as_json, line="\n".join(lines))


def _in_force(home: Home, log: str | None) -> dict[str, Any]:
    from mythos.evidence.client import LogClient
    from mythos.evidence.policy import TRUST_ROOT
    from mythos.evidence.statement import Envelope

    with LogClient(log or home.address("log")) as client:
        size = client.status()["acknowledged"]
        found = [e.statement() for e in map(Envelope.parse, client.entries(0, size))]
    roots = [statement for statement in found if statement.predicate_type == TRUST_ROOT]
    if not roots:
        raise InputError("the log has no trust root yet", advice="Run: mythos trust publish")
    return roots[-1].predicate


def _folder(home: Home) -> Path:
    from mythos.files import private_folder

    return private_folder(home.party("owner") / "trust")


def _signing(home: Home, party: str, name: str) -> SigningKey:
    from mythos.evidence.note import SigningKey
    from mythos.files import read_private

    path = home.key(party, name)
    if not path.exists():
        raise InputError(f"no key {path}", advice=f"Make it: mythos keys new --as {party} --name {name}")
    return SigningKey.parse(read_private(path).decode())


def _holder(home: Home, party: str, name: str, organisation: str) -> Holder:
    from mythos.custody.keys import HPKE_SUITE
    from mythos.evidence.estate import Holder
    from mythos.evidence.predicates import HpkeKey

    public = home.key(party, name).with_suffix(".hpke.pub")
    hpke = HpkeKey(HPKE_SUITE, public.read_text(encoding="utf-8").strip()) if public.exists() else None
    return Holder(_signing(home, party, name).verify_key, organisation, hpke)


def _describe(path: Path) -> dict[str, Any]:
    from mythos.evidence.statement import Envelope
    from mythos.units import Digest

    data = path.read_bytes()
    envelope: Envelope = Envelope.parse(data)
    predicate = envelope.statement().predicate
    return {
        "version": predicate["version"],
        "signers": list(envelope.signers),
        "verifier": predicate["verifier"],
        "path": str(path),
        "digest": str(Digest.of(data)),
    }
