"""An estate without disk or network: keys, a trust root, and a log that is a list of signed entries."""

import base64
from dataclasses import replace

from mythos.access.follow import DirectiveSet, Link
from mythos.access.ledger import Ledger
from mythos.evidence.estate import Holder, first_root, policy_text
from mythos.evidence.note import SigningKey
from mythos.evidence.policy import Policy, Trust
from mythos.evidence.predicates import (
    Derivation,
    Directive,
    DirectiveAcknowledgement,
    Grant,
    GrantRequest,
    HubIdentity,
    Lease,
    ModelIdentity,
    Parent,
    Revocation,
    Role,
    Wiped,
)
from mythos.evidence.statement import Envelope, Subject
from mythos.units import Digest, Instant

NAMES = ("owner", "root", "approver-a", "approver-b", "host")
KEYS = {
    name: SigningKey(name, bytes([number]) * 32) for number, name in enumerate((*NAMES, "log", "stranger"), 1)
}
WITNESS = SigningKey.generate("witness", cosigner=True)
NOW = Instant.parse("2026-06-12T00:00:00Z")
Z = Digest(bytes(32))


def trust_root(version=1, roles=None, keys=None):
    holders = {name: Holder(KEYS[name].verify_key, name) for name in NAMES}
    root = first_root(holders, KEYS["log"].verify_key, [WITNESS.verify_key], verifier=None, now=NOW)
    if roles:
        root = replace(root, roles=root.roles | roles)
    if keys:
        root = replace(root, keys=root.keys | keys)
    return replace(root, version=version)


ROOT = trust_root()
TRUST = Trust.parse(ROOT.to_dict())
POLICY = Policy.parse(policy_text(ROOT))


def own_role(authority, *holders, threshold=1):
    """A trust root in which an authority has a role of its own."""
    role = Role(threshold, tuple(KEYS[name].id for name in holders), ("directive",))
    return trust_root(roles={authority: role})


def sign(predicate, *subjects, by=("owner",)):
    return Envelope.sign(predicate.statement(*subjects), *(KEYS[name] for name in by)).to_bytes()


def leaf(directive, *, by=("owner",), issued=NOW, inline=True, **told):
    """The log entry of a directive (made.directive)."""
    document = base64.b64encode(directive.document).decode() if inline else None
    act = Directive(
        told.get("id", directive.id), told.get("authority", directive.authority), document, issued
    )
    return sign(act, Subject(directive.id, told.get("digest", directive.digest)), by=by)


def link(held, directive, index, **more):
    """The link that extends `held` by a directive."""
    document = directive.document if more.get("inline") is False else None
    return Link(len(held.links), index, held.head, leaf(directive, **more), document)


def chain(*directives, first=1):
    """A set that holds these directives, at log indexes from `first`."""
    held = DirectiveSet()
    for index, directive in enumerate(directives, first):
        step = held.apply(link(held, directive, index), TRUST)
        assert step.outcome == "applied", step.reason
        held = step.after
    return held


def log(*entries, root=ROOT):
    """A ledger over a trust root and these entries."""
    first = Envelope.sign(root.statement(), *(KEYS[name] for name in ("root", "approver-a", "approver-b")))
    return Ledger.read(POLICY, [first.to_bytes(), *entries])


def grant(hub="tokyo", key="host", until="2026-12-31T00:00:00Z"):
    identity = HubIdentity(hub, str(KEYS[key].verify_key), "Host")
    request = GrantRequest(
        version=1, model="m", weights=Z, manifest=Z, seal=Z, hub=identity, purpose="serve", legs=(), determination=Z,
        not_before=NOW, not_after=Instant.parse(until), lease_seconds=60, max_opens=1, egress_bytes_per_day=1,
        retention_days=7, organisations_required=2, override=None, nonce="n",
    )  # fmt: skip
    return sign(Grant(request, (), (), 1, NOW))


def leaf_digest(entry):
    from mythos.evidence.merkle import leaf_hash

    return Digest(leaf_hash(entry))


def lease(entry, until, renewal=0):
    return sign(Lease(leaf_digest(entry), renewal, NOW, Instant.parse(until)), by=("host",))


def revocation(entry):
    return sign(Revocation(leaf_digest(entry), "test", NOW))


def wiped(entry):
    return sign(Wiped(leaf_digest(entry), "test", NOW), by=("host",))


def acknowledgement(held, index, hub="tokyo", *, head=None, by="host", cut=2, refused=1, when=NOW):
    heads = {known.index: known.head for known in held.links}
    act = DirectiveAcknowledgement(hub, index, head or heads[index], cut, refused, when, when)
    return sign(act, by=(by,))


def identity(name, digest):
    act = ModelIdentity(name, "1", {}, "gguf", None, None, None, None, NOW)
    return sign(act, Subject(name, digest))


def derivation(child, *parents):
    act = Derivation("quantise", tuple(Parent(parent, "base") for parent in parents), "", NOW)
    return sign(act, Subject("child", child))
