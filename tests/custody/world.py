"""An estate in memory: keys of five parties, a log that two witnesses cosign, and acts in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Self

from mythos.custody.approval import request_digest
from mythos.custody.keys import HPKE_SUITE, HpkePrivateKey
from mythos.custody.record import Record
from mythos.errors import LogError
from mythos.evidence.client import Appended
from mythos.evidence.estate import Holder, first_root, policy_text
from mythos.evidence.merkle import leaf_hash
from mythos.evidence.merkle import root as merkle_root
from mythos.evidence.note import COSIGNATURE, Checkpoint, SigningKey, cosign
from mythos.evidence.policy import Policy
from mythos.evidence.predicates import (
    Approval,
    Determination,
    Finding,
    Grant,
    GrantRequest,
    HpkeKey,
    HubIdentity,
    Leg,
    Predicate,
    Revocation,
    Seal,
    SealedFile,
    TrustRoot,
)
from mythos.evidence.statement import Envelope, Subject
from mythos.units import Digest, Instant

NOW = Instant.parse("2026-06-12T12:00:00Z")
WEIGHTS = Digest.of(b"weights")
MANIFEST = Digest.of(b"manifest")
SUBJECT = Subject("model", WEIGHTS)
ZERO = Digest(bytes(32))
LEGS = (Leg("US", "JP", "transfer"),)


def key(name: str, *, cosigner: bool = False) -> SigningKey:
    seed = sha256(f"custody test {name}".encode()).digest()
    return SigningKey(name, seed, COSIGNATURE) if cosigner else SigningKey(name, seed)


LOG = key("log.test")
WITNESSES = (key("regulator-witness", cosigner=True), key("host-witness", cosigner=True))
NAMES = ("owner", "root", "approver-a", "approver-b", "approver-c", "host")
KEYS = {name: key(name) for name in NAMES}
ORGANISATIONS = {"approver-a": "A", "approver-b": "B", "approver-c": "A", "host": "Host"}
HPKE = {
    name: HpkePrivateKey(sha256(name.encode()).digest() * 3) for name in NAMES if name.startswith("approver")
}


def trust_root() -> TrustRoot:
    holders = {
        name: Holder(
            one.verify_key,
            ORGANISATIONS.get(name, "Owner"),
            HpkeKey(HPKE_SUITE, str(HPKE[name].public)) if name in HPKE else None,
        )
        for name, one in KEYS.items()
    }
    witnesses = [w.verify_key for w in WITNESSES]
    root = first_root(holders, LOG.verify_key, witnesses, verifier=None, now=NOW.plus(-86_400))
    role = root.roles["approver"]
    roles = {**root.roles, "approver": replace(role, keys=(*role.keys, KEYS["approver-c"].id))}
    return replace(root, roles=roles)


ROOT = trust_root()
POLICY = Policy.parse(policy_text(ROOT))


@dataclass
class World:
    """A log in memory with the interface of `LogClient`, and shortcuts for the acts of custody."""

    data: list[bytes] = field(default_factory=list[bytes])
    keyed: dict[str, int] = field(default_factory=dict[str, int])
    seconds: int = NOW.micros // 1_000_000 - 60
    cosigners: Sequence[SigningKey] = WITNESSES
    witnessed: int | None = None
    on_append: list[bytes] = field(default_factory=list[bytes])

    def __post_init__(self) -> None:
        signers = [KEYS[name] for name in ("root", "approver-a", "approver-b")]
        self.append([Envelope.sign(ROOT.statement(), *signers).to_bytes()])

    def append(self, entries: Sequence[bytes], key: str = "") -> list[Appended]:
        if key and key in self.keyed:
            at = self.keyed[key]
            assert self.data[at : at + len(entries)] == list(entries), "another act under the same key"
        else:
            self.data += self.on_append
            self.on_append = []
            at = len(self.data)
            self.data += entries
            if key:
                self.keyed[key] = at
        return [Appended(at + i, leaf_hash(e), len(self.data)) for i, e in enumerate(entries)]

    def another(self) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def checkpoint(self, state: str = "witnessed") -> str:
        assert state == "witnessed"
        size = len(self.data) if self.witnessed is None else self.witnessed
        head = Checkpoint(LOG.name, size, merkle_root(map(leaf_hash, self.data[:size])))
        note = head.sign(LOG)
        return str(note.with_signatures([cosign(w, note.text, self.seconds) for w in self.cosigners]))

    def wait(self, size: int, state: str = "witnessed") -> str:
        if self.witnessed is not None and self.witnessed < size:
            raise LogError("not witnessed in time", code="timeout")
        return self.checkpoint(state)

    def entries(self, start: int, end: int) -> list[bytes]:
        return self.data[start:end]

    def act(self, act: Predicate, signer: str = "owner", subject: Subject = SUBJECT) -> Digest:
        [place] = self.append([signed(act, signer, subject)])
        return Digest(place.leaf_hash)

    def record(self) -> Record:
        return Record.empty(POLICY).advance(self.checkpoint(), self.data)

    def seal(self, manifest: Digest = MANIFEST) -> Digest:
        file = SealedFile("m.gguf", 1, 57, ZERO, ZERO)
        return self.act(Seal(manifest, "AES256_GCM_HKDF_4MB", 1, (file,), NOW))

    def determination(
        self, *, barred: bool = False, needs: tuple[str, ...] = (), review: tuple[str, ...] = ()
    ) -> Digest:
        finding = Finding("US-EAR-4E091", "applies", "15 CFR 774 Supp.1 ECCN 4E091")
        law = Determination("2026-06-12", LEGS, ZERO, ZERO, (finding,), barred, needs, review, ZERO, NOW)
        return self.act(law)

    def request(self, *, manifest: Digest = MANIFEST, **changes: object) -> GrantRequest:
        host = KEYS["host"].verify_key
        made = GrantRequest(
            version=1, model="model", weights=WEIGHTS, manifest=manifest,
            seal=changes.pop("seal", None) or self.seal(manifest),  # type: ignore[arg-type]
            hub=HubIdentity("host", str(host), "Host"), purpose="serve", legs=LEGS,
            determination=changes.pop("determination", None) or self.determination(),  # type: ignore[arg-type]
            not_before=NOW.plus(-3600), not_after=NOW.plus(86_400), lease_seconds=3600, max_opens=3,
            egress_bytes_per_day=1 << 30, retention_days=7, organisations_required=2, override=None,
            nonce="ab" * 16,
        )  # fmt: skip
        return replace(made, **changes)  # type: ignore[arg-type]

    def approve(self, request: GrantRequest, name: str, **changes: object) -> Digest:
        act = Approval(
            request=request_digest(request), role="approver", organisation=ORGANISATIONS[name],
            not_before=request.not_before, not_after=request.not_after, max_lease_seconds=86_400,
            override=request.override, approved_at=NOW,
        )  # fmt: skip
        return self.act(replace(act, **changes), name)  # type: ignore[arg-type]

    def grant(self, request: GrantRequest, *leaves: Digest, **changes: object) -> Digest:
        """A grant as an owner would log it who names these approvals, whatever they are worth."""
        from mythos.evidence.predicates import Approved

        record = self.record()
        named: list[Approved] = []
        for leaf in leaves:
            found = record.act(leaf, Approval)
            assert found is not None
            named.append(Approved(leaf, found[0].signers[0], found[1].organisation))
        act = Grant(request, tuple(named), (), 1, NOW)
        return self.act(replace(act, **changes))  # type: ignore[arg-type]

    def granted(self, **changes: object) -> Digest:
        request = self.request(**changes)  # type: ignore[arg-type]
        both = [self.approve(request, name) for name in ("approver-a", "approver-b")]
        return self.grant(request, *both)

    def revoke(self, grant: Digest) -> Digest:
        return self.act(Revocation(grant, "contract ended", NOW))


def signed(act: Predicate, signer: str, subject: Subject = SUBJECT) -> bytes:
    return Envelope.sign(act.statement(subject), KEYS[signer]).to_bytes()
