"""The first trust root of an estate: which party's key may sign which act, and the policy that matches it.

The table of signers in the reference stands here once, as `ROLES`. Whoever wants another division of work
edits the drafted predicate before it is signed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mythos.errors import InputError
from mythos.evidence.note import VerifyKey
from mythos.evidence.predicates import HpkeKey, LogIdentity, Role, TrustedKey, TrustRoot
from mythos.units import Digest, Instant

_OWNER: Final = ("owner",)
_APPROVERS: Final = ("approver-a", "approver-b")

ROLES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "root": (("root", *_APPROVERS), ("trust-root",)),
    "owner": (_OWNER, ("model-identity", "derivation", "evaluation", "seal", "grant", "revocation")),
    "data-holder": (_OWNER, ("dataset-admitted", "data-export", "takedown")),
    "trainer": (_OWNER, ("training-run", "training-compute")),
    "compliance": (_OWNER, ("determination",)),
    "authority": (_OWNER, ("directive",)),
    "officer": (_OWNER, ("screening-disposition",)),
    "approver": (_APPROVERS, ("approval", "release", "refused")),
    "host": (("host",), ("opened", "lease", "wiped", "refused", "incident")),
    "hub": (("host",), ("receipt-batch", "usage", "directive-acknowledgement", "decision-root")),
    "auditor": (_APPROVERS, ("audit", "incident", "unopened")),
}
"""Role: the keys that hold it by default, and its acts. Any one of them signs, but for `root`."""

FURTHER_ROLES: Final[dict[str, tuple[str, ...]]] = {
    "sandbox": (
        "model-identity",
        "derivation",
        "training-run",
        "training-compute",
        "evaluation",
        "seal",
    ),
}
"""Roles that no key holds by default, and their acts: a hub that adapts sealed weights says what it made."""

ROOT_THRESHOLD: Final = 2
"""No organisation alone changes who is trusted."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A key of the estate, the organisation that answers for it, and its HPKE key if it receives shares."""

    key: VerifyKey
    organisation: str
    hpke: HpkeKey | None = None


def first_root(
    holders: Mapping[str, Holder],
    log: VerifyKey,
    witnesses: Sequence[VerifyKey],
    *,
    verifier: Digest | None,
    now: Instant,
) -> TrustRoot:
    """Version 1 of the trust root: `holders` by the names used in `ROLES`.

    Raises:
        InputError: a name that a role needs is missing.
    """
    needed = {name for keys, _ in ROLES.values() for name in keys}
    if missing := needed - holders.keys():
        raise InputError(
            "keys are missing",
            expected=", ".join(sorted(needed)),
            found=f"no {', '.join(sorted(missing))}",
            advice="Make them with `mythos keys new --as PARTY --name NAME`.",
        )
    roles = {
        role: Role(
            ROOT_THRESHOLD if role == "root" else 1, tuple(holders[name].key.id for name in keys), acts
        )
        for role, (keys, acts) in ROLES.items()
    }
    keys = {h.key.id: TrustedKey(str(h.key), h.organisation, h.hpke) for h in holders.values()}
    identity = LogIdentity(log.name, str(log))
    return TrustRoot(1, now, identity, roles, keys, tuple(str(key) for key in witnesses), verifier)


def next_root(
    root: TrustRoot, holder: Holder | VerifyKey, roles: Sequence[str], *, version: int, now: Instant
) -> TrustRoot:
    """A later version in which one key more is known, or a known one holds further roles.

    Args:
        root: the version in force, or a draft that goes on.
        holder: a new key with its organisation, or a known key.
        roles: those it holds from now on too.
        version: of what comes out.
        now: written into it.

    Raises:
        InputError: a role that is neither there nor among `FURTHER_ROLES`; a known key described anew.
    """
    key = holder.key if isinstance(holder, Holder) else holder
    keys = dict(root.keys)
    if isinstance(holder, Holder):
        keys[key.id] = TrustedKey(str(key), holder.organisation, holder.hpke)
    if key.id not in keys or root.keys.get(key.id, keys[key.id]) != keys[key.id]:
        raise InputError("not the key that the trust root knows", found=key.id)
    held = dict(root.roles)
    for name in roles:
        if name not in held and name not in FURTHER_ROLES:
            raise InputError("no such role", expected=", ".join([*held, *FURTHER_ROLES]), found=name)
        old = held.get(name) or Role(1, (), FURTHER_ROLES[name])
        held[name] = replace(old, keys=tuple(dict.fromkeys((*old.keys, key.id))))
    return replace(root, version=version, issued_at=now, roles=held, keys=keys)


def policy_text(root: TrustRoot) -> str:
    """What a reader would hold beforehand to believe this trust root: all its witnesses are the quorum."""
    witnesses = [VerifyKey.parse(text) for text in root.witnesses]
    lines = [
        "# What this reader trusts (C2SP tlog-policy; `root` and `threshold` name who may sign the first",
        "# trust root). Compare the keys with those that the parties gave you in person.",
        f"log {root.log.key}",
        *(f"witness {key.name} {key}" for key in witnesses),
    ]
    if len(witnesses) > 1:
        lines.append(f"group witnesses all {' '.join(key.name for key in witnesses)}")
    quorum = "witnesses" if len(witnesses) > 1 else witnesses[0].name if witnesses else "none"
    lines.append(f"quorum {quorum}")
    lines += [f"root {root.keys[keyid].vkey}" for keyid in root.roles["root"].keys]
    lines.append(f"threshold {root.roles['root'].threshold}")
    return "\n".join(lines) + "\n"
