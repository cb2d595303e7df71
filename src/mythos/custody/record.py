"""What the log says about custody, once its head was cosigned by at least two parties.

A `Record` is a fold: `advance` takes a witnessed checkpoint and the entries since the last one, judges every
entry as the log itself did, and refuses a head that does not extend the one before. Decisions about grants
and releases read a record and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self, TypeVar

from mythos.errors import InconsistentError, NotTrustedError, QuorumError
from mythos.evidence.merkle import Frontier
from mythos.evidence.note import Checkpoint, Note, VerifyKey
from mythos.evidence.policy import Entry, Policy, Trust, admit
from mythos.evidence.predicates import Predicate, Release, Revocation, TrustedKey, TrustRoot
from mythos.evidence.statement import Json, canonical
from mythos.units import Digest, Instant

PARTIES: Final = 2
"""Cosigners without whom no grant is believed."""

_KEPT: Final = frozenset(
    {"seal", "determination", "approval", "grant", "revocation", "release", "dataset-admitted"}
)
_P = TypeVar("_P", bound=Predicate)


@dataclass(frozen=True, slots=True)
class Record:
    """Custody's acts in the log up to a witnessed head.

    Attributes:
        acts: seals, determinations, approvals, grants, revocations, releases, admitted data, by leaf.
        root: the trust root in force, as its statement says it.
        head: the cosigned checkpoint this record was read to.
        cosigners: names of the witnesses that cosigned it.
        time: the latest cosignature; the present is not earlier.
    """

    policy: Policy
    frontier: Frontier
    trust: Trust | None = None
    acts: Mapping[Digest, Entry] | None = None
    root: TrustRoot | None = None
    head: Checkpoint | None = None
    cosigners: tuple[str, ...] = ()
    time: Instant = Instant(0)  # noqa: RUF009 (frozen)

    @classmethod
    def empty(cls, policy: Policy) -> Self:
        """Before anything was read."""
        return cls(policy, Frontier())

    @property
    def size(self) -> int:
        """Entries read."""
        return self.frontier.size

    def advance(self, checkpoint: str, entries: Sequence[bytes]) -> Record:
        """Read on to a newer head.

        Args:
            checkpoint: a signed note with its cosignatures.
            entries: everything between this record's size and the checkpoint's.

        Raises:
            InconsistentError: fewer or other entries than the head covers, or a smaller head.
            QuorumError: the policy's quorum, or two of the trust root's witnesses, did not cosign.
            EvidenceError: an entry or a signature does not verify.
        """
        note = Note.parse(checkpoint)
        head = Checkpoint.parse(note.text)
        if head.size != self.size + len(entries):
            raise InconsistentError(
                "the log's head does not follow what was read before",
                expected=f"{self.size + len(entries)} entries", found=f"{head.size}",
            )  # fmt: skip
        frontier, trust, root, acts = self.frontier.copy(), self.trust, self.root, dict(self.acts or {})
        for data in entries:
            entry, trust = admit(self.policy, trust, frontier.size, data)
            frontier.append(entry.leaf)
            if entry.act == TrustRoot.NAME:
                root = TrustRoot.of(entry.statement)
            elif entry.trusted and entry.act in _KEPT:
                acts[Digest(entry.leaf)] = entry
        if frontier.root() != head.root:
            raise InconsistentError(
                "the log's entries are not those its head covers", expected=head.root.hex()
            )
        cosigners, time = _cosigners(note, head, self.policy, trust)
        return replace(
            self, frontier=frontier, trust=trust, root=root, acts=acts, head=head, cosigners=cosigners,
            time=max(self.time, time),
        )  # fmt: skip

    @property
    def keys(self) -> Mapping[str, TrustedKey]:
        """The trust root's keys by their id."""
        return self.root.keys if self.root else {}

    @property
    def verify_keys(self) -> list[VerifyKey]:
        """The same keys, to verify with."""
        return list(self.trust.keys.values()) if self.trust else []

    @property
    def root_digest(self) -> Digest:
        """Names the trust root in force: what an approver tells an engine that it may believe."""
        return root_digest(self.root.to_dict() if self.root else {})

    def act(self, leaf: Digest, kind: type[_P]) -> tuple[Entry, _P] | None:
        """The act of this kind with this leaf, with its predicate; None when the record holds none."""
        entry = (self.acts or {}).get(leaf)
        if entry is None or entry.act != kind.NAME:
            return None
        return entry, kind.of(entry.statement)

    def all(self, kind: type[_P]) -> list[tuple[Entry, _P]]:
        """Every act of a kind, oldest first."""
        found = [entry for entry in (self.acts or {}).values() if entry.act == kind.NAME]
        return [(e, kind.of(e.statement)) for e in sorted(found, key=lambda e: e.index)]

    def revocation(self, grant: Digest) -> tuple[Entry, Revocation] | None:
        """The first revocation of a grant."""
        return next(((e, r) for e, r in self.all(Revocation) if r.grant == grant), None)

    def opens(self, grant: Digest, approver: str | None = None) -> set[Digest]:
        """The release requests that this approver (default: any) answered under a grant."""
        return {
            release.release_request
            for entry, release in self.all(Release)
            if release.grant == grant and approver in {None, *entry.signers}
        }

    def organisation(self, signer: str) -> str:
        """The organisation that answers for a key id; empty for an unknown key."""
        return self.trust.organisations.get(signer, "") if self.trust else ""

    def key(self, signer: str) -> VerifyKey | None:
        """The verifier key of a key id."""
        return self.trust.keys.get(signer) if self.trust else None


def root_digest(predicate: Json) -> Digest:
    """Names a trust root by its predicate."""
    return Digest.of(canonical(predicate))


def _cosigners(
    note: Note, head: Checkpoint, policy: Policy, trust: Trust | None
) -> tuple[tuple[str, ...], Instant]:
    if trust is None or not note.verified(policy.logs) or not note.verified([trust.log]):
        raise NotTrustedError("the head is not signed by the log that is trusted", found=head.origin)
    if head.origin != trust.origin:
        raise NotTrustedError("the head is of another log", expected=trust.origin, found=head.origin)
    known = {key.id: key for key in trust.witnesses}
    signed = [s for s in note.verified(trust.witnesses) if s.id in known]
    keys = {known[s.id] for s in signed}
    if len(keys) < PARTIES or not policy.met(keys):
        raise QuorumError(
            "too few parties cosigned the log's head",
            expected=f"the policy's quorum, and at least {PARTIES} witnesses of the trust root",
            found=", ".join(sorted(key.name for key in keys)) or "none",
        )
    return tuple(sorted(key.name for key in keys)), max(Instant(s.time * 1_000_000) for s in signed)
