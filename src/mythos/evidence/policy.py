"""Who is believed: the reader's policy, held beforehand, and the trust root that the log itself carries.

The policy is a C2SP tlog-policy (5ba5ee8, 2026-07-22) with two kinds of line more: `root VKEY` names a key
that may sign the first trust root, `threshold K` how many of them must. It never arrives with the evidence.

    log mythos.example/log+5d1f…+AX…
    witness regulator regulator+3e…+BM…
    witness host host-witness+91…+BK…
    group both all regulator host
    quorum both
    root owner+7c…+AY…
    threshold 1

The trust root is the log's first entry and every later `trust-root` statement: which keys exist, which roles
they hold, which acts a role may sign and how many of its keys together. A version is signed by the `root`
role's threshold of the version before and of itself. `admit` judges an entry; log and verifier both call it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, Self

from mythos.errors import FormatError, InputError, MalformedError, NotTrustedError
from mythos.evidence.merkle import leaf_hash
from mythos.evidence.note import COSIGNATURE, NOTE, VerifyKey, check_name, decimal
from mythos.evidence.statement import (
    Envelope,
    Json,
    Statement,
    fields,
    integer,
    items,
    mapping,
    predicate_type,
    text,
)
from mythos.units import Digest, Instant

TRUST_ROOT: Final = predicate_type("trust-root")
ROOT_ROLE: Final = "root"
MAX_POLICY: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Group:
    """`threshold` of `members` (witnesses or groups) count as this group."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """The logs, witnesses, quorum and root keys a reader trusts; `addresses` are URLs by key id."""

    logs: tuple[VerifyKey, ...]
    witnesses: dict[str, VerifyKey]
    groups: dict[str, Group]
    quorum: str
    roots: tuple[VerifyKey, ...]
    threshold: int
    addresses: dict[str, str]

    @classmethod
    def parse(cls, data: bytes | str) -> Self:
        """Read a policy file.

        Raises:
            FormatError: says the line; also for a name used before it is defined, and duplicate keys.
        """
        try:
            return cls(**_Reader().read(data))
        except MalformedError as error:
            raise FormatError(f"no trust policy can be read: {error}") from error

    def met(self, cosigners: Collection[VerifyKey]) -> bool:
        """Whether these witnesses are a quorum."""
        return self.quorum == "none" or self._counts(self.quorum, frozenset(cosigners))

    def _counts(self, name: str, cosigners: frozenset[VerifyKey]) -> bool:
        if name in self.witnesses:
            return self.witnesses[name] in cosigners
        group = self.groups[name]
        return sum(self._counts(member, cosigners) for member in group.members) >= group.threshold


class _Reader:
    """Reads a policy line by line; later lines may only use names of earlier ones."""

    def __init__(self) -> None:
        self.logs: list[VerifyKey] = []
        self.roots: list[VerifyKey] = []
        self.witnesses: dict[str, VerifyKey] = {}
        self.groups: dict[str, Group] = {}
        self.members: set[str] = set()
        self.addresses: dict[str, str] = {}
        self.quorum: str | None = None
        self.threshold: int | None = None

    def read(self, data: bytes | str) -> dict[str, Any]:
        octets = data.encode(errors="surrogateescape") if isinstance(data, str) else data
        if len(octets) > MAX_POLICY:
            raise MalformedError("the policy is too large", expected=f"at most {MAX_POLICY} bytes")
        if any((byte < 0x20 and byte not in b"\t\n") or byte == 0x7F for byte in octets):
            raise MalformedError("a control character", advice="Save it with line ends of LF alone.")
        for number, line in enumerate(octets.decode(errors="surrogateescape").split("\n"), 1):
            words = [word for word in re.split(r"[ \t]+", line) if word]
            if words and not words[0].startswith("#"):
                try:
                    self._line(words)
                except MalformedError as error:
                    raise MalformedError(f"policy line {number}: {error}") from error
        if self.quorum is None:
            raise MalformedError(
                "the policy has no quorum line", advice="Add `quorum NAME` or `quorum none`."
            )
        if bool(self.roots) != (self.threshold is not None) or (self.threshold or 0) > len(self.roots):
            raise MalformedError(
                "the policy's root keys and threshold do not fit",
                expected=f"`threshold K` with K from 1 to {len(self.roots)}",
                found=str(self.threshold),
            )
        return {
            "logs": tuple(self.logs),
            "witnesses": self.witnesses,
            "groups": self.groups,
            "quorum": self.quorum,
            "roots": tuple(self.roots),
            "threshold": self.threshold or 0,
            "addresses": self.addresses,
        }

    def _line(self, words: list[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) < 2:
                self.logs.append(self._key(vkey, NOTE, self.logs, url))
            case ["witness", name, vkey, *url] if len(url) < 2:
                self.witnesses[self._new(name)] = self._key(vkey, COSIGNATURE, self.witnesses.values(), url)
            case ["group", name, count, *members] if members:
                self._group(name, count, members)
            case ["quorum", name] if self.quorum is None:
                self.quorum = name if name == "none" else self._defined(name)
            case ["root", vkey]:
                self.roots.append(self._key(vkey, NOTE, self.roots, []))
            case ["threshold", count] if self.threshold is None:
                self.threshold = decimal(count, what="threshold")
                if not self.threshold:
                    raise MalformedError("a threshold of nobody", expected="at least 1")
            case _:
                raise MalformedError("not a policy line", found=" ".join(words)[:80])

    def _key(self, vkey: str, kind: int, others: Collection[VerifyKey], url: list[str]) -> VerifyKey:
        key = VerifyKey.parse(vkey)
        if key.kind != kind:
            raise MalformedError(
                "a key of another type", expected=f"type {kind:#04x}", found=f"type {key.kind:#04x}"
            )
        if any(other.public == key.public for other in others):
            raise MalformedError("the same public key twice", found=key.id)
        if url:
            self.addresses[key.id] = url[0]
        return key

    def _group(self, name: str, count: str, members: list[str]) -> None:
        new = self._new(name)
        for member in members:
            if member == "none" or self._defined(member) in self.members:
                raise MalformedError("a name can be a member once", found=member)
            self.members.add(member)
        all_of = len(members)
        threshold = {"any": 1, "all": all_of}.get(count) or decimal(count, what="threshold")
        if not 1 <= threshold <= all_of:
            raise MalformedError("no such threshold", expected=f"1 to {all_of}", found=count)
        self.groups[new] = Group(threshold, tuple(members))

    def _new(self, name: str) -> str:
        if name == "none" or name in self.witnesses or name in self.groups:
            raise MalformedError("the name is taken", found=name)
        return name

    def _defined(self, name: str) -> str:
        if name not in self.witnesses and name not in self.groups:
            raise MalformedError("no line before defines this name", found=name)
        return name


@dataclass(frozen=True, slots=True)
class Role:
    """`threshold` of `keys` together may sign `acts`."""

    threshold: int
    keys: frozenset[str]
    acts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Trust:
    """A trust root in force: the reader's view of a `trust-root` predicate."""

    version: int
    origin: str
    log: VerifyKey
    roles: dict[str, Role]
    keys: dict[str, VerifyKey]
    organisations: dict[str, str]
    witnesses: tuple[VerifyKey, ...]
    verifier: str | None

    @classmethod
    def parse(cls, predicate: Json) -> Self:
        """Read the predicate; it must be sound in itself.

        Raises:
            MalformedError: a field is wrong, a role names an unknown key, a threshold cannot be met, or one
                public key stands under two names (it would count twice).
        """
        names = ("issuedAt", "keys", "log", "roles", "verifier", "version", "witnesses")
        root = fields(predicate, *names, what="the trust root")
        try:
            Instant.parse(text(root["issuedAt"], what="issuedAt"))
            verifier = None if root["verifier"] is None else text(root["verifier"], what="verifier")
            Digest.parse(verifier) if verifier else None
        except InputError as error:
            raise MalformedError("the trust root is malformed", found=str(error)) from error
        log = fields(root["log"], "key", "origin", what="the trust root's log")
        keys, organisations = _keys(root["keys"])
        witnesses = tuple(_key(item, COSIGNATURE) for item in items(root["witnesses"], what="witnesses"))
        if len({key.public for key in witnesses}) != len(witnesses):
            raise MalformedError("one witness key twice")
        roles = {
            name: _role(name, value, keys) for name, value in mapping(root["roles"], what="roles").items()
        }
        if ROOT_ROLE not in roles:
            raise MalformedError("the trust root has no root role")
        return cls(
            version=integer(root["version"], what="version"),
            origin=text(log["origin"], what="origin"),
            log=_key(log["key"], NOTE),
            roles=roles,
            keys=keys,
            organisations=organisations,
            witnesses=witnesses,
            verifier=verifier,
        )

    def may(self, signers: Collection[str], act: str) -> bool:
        """Whether these keys together hold a role that may sign this act."""
        return any(
            act in role.acts and len(role.keys.intersection(signers)) >= role.threshold
            for role in self.roles.values()
        )

    def knows(self, act: str) -> bool:
        """Whether any role may sign this act."""
        return any(act in role.acts for role in self.roles.values())


def _key(value: Any, kind: int) -> VerifyKey:
    key = VerifyKey.parse(text(value, what="a key"))
    if key.kind != kind:
        raise MalformedError("a key of another type", expected=f"type {kind:#04x}", found=key.id)
    return key


def _keys(value: Any) -> tuple[dict[str, VerifyKey], dict[str, str]]:
    keys: dict[str, VerifyKey] = {}
    organisations: dict[str, str] = {}
    for keyid, item in mapping(value, what="keys").items():
        entry = fields(item, "hpke", "organisation", "vkey", what=f"the key {keyid}")
        key = _key(entry["vkey"], NOTE)
        if key.id != keyid:
            raise MalformedError("a key under another's id", expected=key.id, found=keyid)
        keys[keyid] = key
        organisations[keyid] = text(entry["organisation"], what="organisation")
    if len({key.public for key in keys.values()}) != len(keys):
        raise MalformedError("one public key under two names")
    return keys, organisations


def _role(name: str, value: Any, keys: Collection[str]) -> Role:
    role = fields(value, "acts", "keys", "threshold", what=f"the role {name}")
    members = [text(item, what="a role's key") for item in items(role["keys"], what="a role's keys")]
    acts = [text(item, what="an act") for item in items(role["acts"], what="acts")]
    unknown = [keyid for keyid in members if keyid not in keys]
    threshold = integer(role["threshold"], what="threshold")
    if unknown or len(set(members)) != len(members) or not 1 <= threshold <= len(members):
        raise MalformedError(
            f"the role {check_name(name)} cannot be held",
            expected="known keys, each once, and a threshold they can reach",
            found=f"threshold {threshold} of {len(members)}; unknown: {unknown}",
        )
    return Role(threshold, frozenset(members), frozenset(acts))


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log, judged: `signers` are proven; `trusted` says that their roles may sign the act.

    An unknown act by a known key has `trusted` false: kept and shown, and nothing may rest on it.
    """

    index: int
    data: bytes
    envelope: Envelope
    statement: Statement
    signers: tuple[str, ...]
    trusted: bool

    @property
    def leaf(self) -> bytes:
        """The leaf hash: how later acts refer to this one."""
        return leaf_hash(self.data)

    @property
    def act(self) -> str | None:
        """The act's name, or `None` for a predicate type or version that this release does not know."""
        return self.statement.act


def admit(policy: Policy, trust: Trust | None, index: int, data: bytes) -> tuple[Entry, Trust]:
    """Judge the next entry under the trust root in force; returns it and the trust root after it.

    Args:
        policy: names the root keys that may sign the first trust root.
        trust: in force before this entry; `None` only before the first.
        index: where the entry stands or would stand.
        data: the exact bytes of the envelope.

    Raises:
        MalformedError, QuotaError: not an envelope in its one spelling.
        BadSignatureError: a known key's signature is over other bytes.
        NotTrustedError: the first entry is no trust root, or nobody known signed, or an unknown key did too,
            or a known act is not signed by the role that may.
    """
    envelope = Envelope.parse(data)
    statement = envelope.statement()
    if statement.predicate_type == TRUST_ROOT:
        after = _rotate(policy, trust, envelope, statement)
        keys = after.keys if trust is None else trust.keys | after.keys
        return Entry(index, data, envelope, statement, envelope.verify(keys.values()), trusted=True), after
    if trust is None:
        raise NotTrustedError(
            "the log begins without a trust root", expected=TRUST_ROOT, found=statement.predicate_type[:120]
        )
    signers = envelope.verify([trust.keys[name] for name in envelope.signers if name in trust.keys])
    if signers != envelope.signers:
        unknown = sorted(set(envelope.signers) - set(signers))
        raise NotTrustedError("the trust root names no such key", found=", ".join(unknown)[:200])
    act = statement.act
    if act is None or not trust.knows(act):
        return Entry(index, data, envelope, statement, signers, trusted=False), trust
    if not trust.may(signers, act):
        raise NotTrustedError(
            f"the signers may not say {act}",
            expected=" or ".join(name for name, role in sorted(trust.roles.items()) if act in role.acts),
            found=", ".join(signers),
            advice="Sign with a key of that role, or add the key to it in a new trust root.",
        )
    return Entry(index, data, envelope, statement, signers, trusted=True), trust


def _rotate(policy: Policy, before: Trust | None, envelope: Envelope, statement: Statement) -> Trust:
    after = Trust.parse(statement.predicate)
    expected = 1 if before is None else before.version + 1
    if after.version != expected:
        raise NotTrustedError(
            "a trust root out of order", expected=f"version {expected}", found=str(after.version)
        )
    if before is None:
        if not policy.roots:
            raise NotTrustedError("the policy names no root key", advice="Add `root VKEY` and `threshold K`.")
        _require(envelope, {key.id: key for key in policy.roots}, policy.threshold, "the policy's root keys")
    else:
        role = before.roles[ROOT_ROLE]
        _require(envelope, _of(before, role), role.threshold, f"trust root version {before.version}")
        if (after.origin, after.log.public) != (before.origin, before.log.public):
            raise NotTrustedError("a trust root for another log", expected=before.origin, found=after.origin)
    role = after.roles[ROOT_ROLE]
    _require(envelope, _of(after, role), role.threshold, "its own root role")
    known = {*after.keys, *(key.id for key in policy.roots), *(before.keys if before else ())}
    if unknown := set(envelope.signers) - known:
        raise NotTrustedError("an unknown key signed the trust root", found=", ".join(unknown)[:200])
    return after


def _of(trust: Trust, role: Role) -> dict[str, VerifyKey]:
    return {keyid: trust.keys[keyid] for keyid in role.keys}


def _require(envelope: Envelope, keys: dict[str, VerifyKey], threshold: int, who: str) -> None:
    signed = envelope.verify(keys.values())
    if len(signed) < threshold:
        raise NotTrustedError(
            f"too few of {who} signed the trust root",
            expected=f"{threshold} of {', '.join(sorted(keys))}",
            found=", ".join(signed) or "none",
        )
