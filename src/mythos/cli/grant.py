"""`mythos grant`: ask for a release, approve it, issue it, look at it, revoke it."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mythos.cli.shared import Home, act_once, as_option, emit, home_option, json_option, log_option, say
from mythos.errors import GrantError, InputError

if TYPE_CHECKING:
    from mythos.custody import Record, Refused
    from mythos.evidence.predicates import HubIdentity
    from mythos.units import Digest

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_USABLE = 3600.0  # seconds that a request must still run to be kept by a second call


@click.group()
def command() -> None:
    """One exact release: request, approvals of several organisations, grant, revocation."""


@command.command()
@click.option("--weights", required=True, metavar="DIGEST", help="The weights' digest.")
@click.option("--name", required=True, help="What people call the model.")
@click.option("--sealed", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--hub", required=True, metavar="NAME", help="The hub's key name in the trust root.")
@click.option(
    "--purpose", default="serve", show_default=True, metavar="serve|adapt|export:HUB",
    help="What the hub may do with them; export: seal them once more, for that hub.",
)  # fmt: skip
@click.option("--determination", type=int, required=True, metavar="INDEX", help="Its index in the log.")
@click.option(
    "--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="How long the grant runs."
)
@click.option("--lease", default=86_400, show_default=True, help="Seconds of one lease.")
@click.option("--opens", default=1000, show_default=True, help="How often the weights may be opened.")
@click.option("--egress", default=1 << 30, show_default=True, help="Bytes that may leave the hub in a day.")
@click.option("--retention", default=7, show_default=True, help="Days that transcripts are kept.")
@click.option("--organisations", default=2, show_default=True, help="How many must approve.")
@click.option(
    "--override", metavar="'NAME: REASON'", help="Who answers for going against a finding, and why."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--new", is_flag=True, help="Make a new request even when OUT holds a usable one.")
@home_option
@log_option
@json_option
def request(
    weights: str, name: str, sealed: Path, hub: str, purpose: str, determination: int, days: int,
    lease: int, opens: int, egress: int, retention: int, organisations: int, override: str | None, out: Path,
    new: bool, home: Home, log: str | None, as_json: bool,
) -> None:  # fmt: skip
    r"""Write a request for exactly one release; nothing is signed yet. Safe to call again.

    \b
    mythos grant request --weights sha256:… --name my-model --sealed sealed/my-model --hub host \
        --determination 4 --days 30 --out request.json
    """
    from dataclasses import replace

    from mythos.cli.parties import follower, log_client
    from mythos.custody import read_manifest, read_request, request_digest
    from mythos.custody.approval import check_request, request_bytes
    from mythos.custody.sealed import ANY_HUB
    from mythos.evidence.predicates import Determination, GrantRequest, Seal
    from mythos.files import write_atomic
    from mythos.units import Digest, Instant

    record = follower(home, log_client(home, log)).update()
    seal = read_manifest(sealed)
    manifest = seal.digest
    if seal.hub not in {ANY_HUB, hub}:
        raise GrantError(
            "sealed for another hub", expected=f"--hub {seal.hub}", found=hub, code="other_hub",
            advice=f"Have it sealed for that one: --hub {seal.hub} --purpose export:{hub}",
        )  # fmt: skip
    leaf = next((Digest(e.leaf) for e, s in record.all(Seal) if s.manifest == manifest), None)
    law = next(((Digest(e.leaf), d) for e, d in record.all(Determination) if e.index == determination), None)
    if leaf is None or law is None:
        raise InputError(
            f"the log does not hold the {'seal' if leaf is None else 'determination'}",
            expected=f"the seal with manifest {manifest}" if leaf is None else f"index {determination}",
            advice="Run `mythos seal` again; it logs what it made."
            if leaf is None
            else "See: mythos log show",
        )
    now = Instant.now()
    made = GrantRequest(
        version=1, model=name, weights=Digest.parse(weights), manifest=manifest, seal=leaf,
        hub=_hub(record, hub), purpose=purpose, legs=law[1].legs, determination=law[0], not_before=now,
        not_after=now.plus(days * 86_400), lease_seconds=lease, max_opens=opens, egress_bytes_per_day=egress,
        retention_days=retention, organisations_required=organisations, override=override,
        nonce=secrets.token_hex(16),
    )  # fmt: skip
    if out.exists() and not new:
        held = read_request(out.read_bytes())
        timed = {"not_before": held.not_before, "not_after": held.not_after, "nonce": held.nonce}
        made = held if replace(made, **timed) == held and held.not_after.since(now) > _USABLE else made
    refused = check_request(made, record)
    if refused is not None:
        raise _refusal(refused)
    write_atomic(out, request_bytes(made))
    document = {"request": str(out), "digest": str(request_digest(made)), "notAfter": str(made.not_after)}
    emit(document, as_json=as_json, line=f"{out}: request {document['digest']} until {made.not_after}")


@command.command()
@click.argument("file", type=_FILE)
@click.option(
    "--max-lease", type=click.IntRange(min=1), metavar="SECONDS", help="A shorter lease than was asked for."
)
@click.option("--until", metavar="TIME", help="An earlier end than was asked for.")
@click.option("--yes", is_flag=True, help="Sign without asking; needed when there is no terminal.")
@home_option
@as_option("approver-a")
@log_option
@json_option
def approve(
    file: Path, max_lease: int | None, until: str | None, yes: bool, home: Home, party: str,
    log: str | None, as_json: bool,
) -> None:  # fmt: skip
    r"""Show FILE from the very bytes that are signed, then sign their digest and log it.

    \b
    mythos grant approve request.json --as approver-a
    """
    from mythos.cli.parties import follower, log_client, signing_key
    from mythos.custody import read_request
    from mythos.custody.approval import check_request, describe
    from mythos.evidence import Envelope, Subject
    from mythos.evidence.predicates import Approval
    from mythos.units import Digest, Instant

    data = file.read_bytes()
    asked, key = read_request(data), signing_key(home, party)
    client = log_client(home, log)
    record = follower(home, client).update()
    shown = describe(data, record)
    for label, value in shown:
        say(f"  {label:10} {value}")
    refused = check_request(asked, record)
    if refused is not None:
        raise _refusal(refused)
    roles = record.trust.roles.items() if record.trust else ()
    role = next((name for name, held in roles if key.id in held.keys and Approval.NAME in held.acts), "")
    if not role:
        raise InputError(f"{key.id} is no approver", expected="a key that the trust root names as one")
    if not yes:
        if not sys.stdin.isatty():
            raise InputError("nobody is there to say yes", advice="Read the lines above, then add --yes.")
        click.confirm(f"Sign this as {key.id}?", abort=True, err=True)
    act = Approval(
        request=Digest.of(data), role=role, organisation=record.organisation(key.id),
        not_before=asked.not_before, not_after=Instant.parse(until) if until else asked.not_after,
        max_lease_seconds=max_lease or asked.lease_seconds, override=asked.override,
        approved_at=Instant.now(),
    )  # fmt: skip
    statement = act.statement(Subject(asked.model, asked.weights))
    place = act_once(
        home, party, log, f"approval:{act.request}", lambda: Envelope.sign(statement, key).to_bytes()
    )
    client.wait(place.index + 1)
    document = {
        "request": str(act.request),
        "approval": f"sha256:{place.leaf_hash.hex()}",
        "organisation": act.organisation,
        "index": place.index,
        "shown": dict(shown),
    }
    emit(document, as_json=as_json, line=f"{act.organisation} approved {act.request}")


@command.command()
@click.argument("file", type=_FILE)
@click.option(
    "--release", "releases", multiple=True, metavar="KEYNAME=ADDRESS",
    help="An approver's release service. Default: the home's own sockets. Repeatable.",
)  # fmt: skip
@click.option(
    "--shares", type=click.Path(path_type=Path, file_okay=False),
    help="Write the wrapped shares here, to be carried, instead of posting them.",
)  # fmt: skip
@click.option(
    "--keys", type=_FILE, help="keys.json of what a sandbox made: who holds its key, and the shares."
)
@home_option
@as_option("owner")
@log_option
@json_option
def issue(
    file: Path, releases: Sequence[str], shares: Path | None, keys: Path | None, home: Home, party: str,
    log: str | None, as_json: bool,
) -> None:  # fmt: skip
    r"""Gather FILE's approvals, split a fresh key, log the grant, deposit the shares. Safe to call again.

    \b
    mythos grant issue request.json
    mythos grant issue request.json --shares ./carry   # then: mythos release deposit carry/approver-b.share
    """
    from mythos.cli.parties import follower, log_client, signing_key
    from mythos.custody import Refused, owner, read_request, request_digest
    from mythos.custody.grant import approvals_of, check, check_approvals
    from mythos.custody.inside import Kept
    from mythos.evidence import Envelope, Subject
    from mythos.evidence.predicates import Grant
    from mythos.files import private_folder, write_atomic
    from mythos.units import Digest, Instant

    asked, key, folder = read_request(file.read_bytes()), signing_key(home, party), home.party(party)
    client = log_client(home, log)
    view = follower(home, client)
    record, now = view.update(), Instant.now()
    quorum = check_approvals(asked, approvals_of(asked, record, now), record, max(now, record.time))
    if isinstance(quorum, Refused):
        raise _refusal(quorum)
    if keys is not None:
        issued = Kept.parse(keys.read_bytes()).issue(asked.manifest, quorum)
        if isinstance(issued, Refused):
            raise _refusal(issued)
    else:
        epoch = 1 + sum(grant.request.manifest == asked.manifest for _, grant in record.all(Grant))
        issued = owner.prepare(folder, asked, quorum, record.keys, epoch=epoch)

    def make() -> bytes:
        act = owner.grant_act(asked, quorum, issued, Instant.now())
        return Envelope.sign(act.statement(Subject(asked.model, asked.weights)), key).to_bytes()

    place = act_once(home, party, log, f"grant:{request_digest(asked)}", make)
    leaf = Digest(place.leaf_hash)
    granted = check(leaf, view.update(at_least=place.index + 1), now)
    if isinstance(granted, Refused):
        raise _refusal(granted)
    addresses = {name: address for name, _, address in (item.partition("=") for item in releases)}
    for approver, message in owner.deposits(issued, leaf, key).items():
        name = approver.partition("+")[0]
        if shares is not None:
            write_atomic(private_folder(shares) / f"{name}.share", message, mode=0o600)
        else:
            _deposit(addresses.get(name) or home.address(f"release-{name}"), message)
    document = {
        "grant": str(leaf),
        "index": place.index,
        "notAfter": str(granted.not_after),
        "leaseSeconds": granted.lease_seconds,
        "organisations": sorted({share.organisation for share in granted.shares}),
    }
    emit(document, as_json=as_json, line=f"grant {leaf} until {granted.not_after}")


@command.command()
@click.argument("target", metavar="FILE|GRANT")
@home_option
@log_option
@json_option
def show(target: str, home: Home, log: str | None, as_json: bool) -> None:
    """A request file as approvers see it, or whether a grant holds now, and if not, why."""
    from mythos.cli.parties import follower, log_client
    from mythos.custody import Refused
    from mythos.custody.approval import describe
    from mythos.custody.grant import check
    from mythos.units import Digest, Instant

    record = follower(home, log_client(home, log)).update()
    state: dict[str, Any] = {}
    if Path(target).is_file():
        data = Path(target).read_bytes()
    else:
        found = check(Digest.parse(target), record, Instant.now())
        data = _granted_request(Digest.parse(target), record)
        if isinstance(found, Refused):
            state = {"state": found.code, "reason": found.reason, "cite": found.cite}
        else:
            state = {
                "state": "granted",
                "opens": len(record.opens(found.leaf)),
                "until": str(found.not_after),
            }
    shown = describe(data, record) if data else []
    lines = [f"  {label:10} {value}" for label, value in [*shown, *state.items()]]
    emit({**dict(shown), **state}, as_json=as_json, line="\n".join(lines))


@command.command()
@click.argument("grant")
@click.option("--reason", required=True)
@home_option
@as_option("owner")
@log_option
@json_option
def revoke(grant: str, reason: str, home: Home, party: str, log: str | None, as_json: bool) -> None:
    """End GRANT: no further release or renewal. Engines that run end with their lease, not before."""
    from mythos.cli.parties import follower, log_client, signing_key
    from mythos.evidence import Envelope, Subject
    from mythos.evidence.predicates import Grant, Revocation
    from mythos.units import Digest, Instant

    leaf, key = Digest.parse(grant), signing_key(home, party)
    client = log_client(home, log)
    found = follower(home, client).update().act(leaf, Grant)
    if found is None:
        raise InputError("the log holds no such grant", found=grant, advice="See: mythos log show")
    asked = found[1].request
    act = Revocation(leaf, reason, Instant.now())
    statement = act.statement(Subject(asked.model, asked.weights))
    place = act_once(home, party, log, f"revocation:{leaf}", lambda: Envelope.sign(statement, key).to_bytes())
    client.wait(place.index + 1)
    readable = Instant.now().plus(asked.lease_seconds)
    document = {"grant": grant, "index": place.index, "readableUntil": str(min(readable, asked.not_after))}
    emit(
        document,
        as_json=as_json,
        line=f"revoked; readable at the hub until {document['readableUntil']} at most",
    )


def _granted_request(leaf: Digest, record: Record) -> bytes:
    from mythos.custody.approval import request_bytes
    from mythos.evidence.predicates import Grant

    found = record.act(leaf, Grant)
    return request_bytes(found[1].request) if found else b""


def _hub(record: Record, name: str) -> HubIdentity:
    from mythos.evidence.predicates import HubIdentity

    keys = [key for keyid, key in record.keys.items() if keyid.partition("+")[0] == name]
    if len(keys) != 1:
        raise InputError(f"the trust root names no hub {name!r}", expected="one key of that name")
    return HubIdentity(name, keys[0].vkey, keys[0].organisation)


def _deposit(address: str, message: bytes) -> None:
    import json

    from mythos.evidence.client import Peer

    with Peer(address) as peer:
        reply = peer.request("POST", "/v1/share", message)
    if reply.status != 200:
        told = json.loads(reply.body)
        raise GrantError(told["message"], found=told["found"], code=told["code"])


def _refusal(refused: Refused) -> GrantError:
    return GrantError(refused.reason, found=refused.cite, code=refused.code)
