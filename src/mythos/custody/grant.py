"""Whether approvals make a grant, and whether a grant still holds: two pure functions over a record.

Distinctness is by organisation, not by key: two officers of one organisation are one voice. The narrowest
approval wins: the latest start, the earliest end, the shortest lease. A grant that is not in a log head
cosigned by two parties does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mythos.custody.approval import Refused, check_request, in_force, request_digest
from mythos.custody.record import Record
from mythos.evidence.note import VerifyKey
from mythos.evidence.policy import Entry
from mythos.evidence.predicates import Approval, Approved, Grant, GrantRequest, Share
from mythos.units import Digest, Instant


@dataclass(frozen=True, slots=True)
class Quorum:
    """Approvals that suffice, and the narrowest terms among them."""

    approvals: tuple[Approved, ...]
    not_before: Instant
    not_after: Instant
    lease_seconds: int


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant that holds now.

    Attributes:
        leaf: how later acts name it.
        lease_seconds: the longest lease that every approver allowed.
    """

    leaf: Digest
    request: GrantRequest
    shares: tuple[Share, ...]
    key_epoch: int
    not_before: Instant
    not_after: Instant
    lease_seconds: int

    @property
    def hub_key(self) -> VerifyKey:
        """The only key whose release requests count."""
        return VerifyKey.parse(self.request.hub.key)


def check_approvals(
    request: GrantRequest, approvals: Sequence[Entry], record: Record, now: Instant
) -> Quorum | Refused:
    """Whether these approvals, all of them in force, make a quorum for this request.

    Args:
        request: what is to be granted.
        approvals: entries of the log; each must be an approval of this very request.
        record: what the log says.
        now: the present.
    """
    refused = check_request(request, record) or in_force(
        request.not_before, request.not_after, now, "the request", str(request_digest(request))
    )
    if refused:
        return refused
    counted: list[Approved] = []
    read: list[Approval] = []
    for entry in approvals:
        leaf, approval = Digest(entry.leaf), Approval.of(entry.statement)
        wrong = _one(entry, approval, request, record, now)
        if wrong:
            return wrong
        signer = entry.signers[0]
        if any(signer == other.approver for other in counted):
            return Refused("duplicate_approver", f"{signer} approved twice", str(leaf))
        counted.append(Approved(leaf, signer, approval.organisation))
        read.append(approval)
    needed, organisations = request.organisations_required, {one.organisation for one in counted}
    if len(counted) < needed:
        return Refused(
            "approvals_too_few", f"{len(counted)} of {needed} organisations approved",
            str(request_digest(request)),
        )  # fmt: skip
    if len(organisations) < needed:
        return Refused(
            "same_organisation", f"approvals of {len(organisations)} organisations, not {needed}",
            ", ".join(sorted(organisations)),
        )  # fmt: skip
    return Quorum(
        approvals=tuple(counted),
        not_before=max(request.not_before, *(a.not_before for a in read)),
        not_after=min(request.not_after, *(a.not_after for a in read)),
        lease_seconds=min(request.lease_seconds, *(a.max_lease_seconds for a in read)),
    )


def _one(
    entry: Entry, approval: Approval, request: GrantRequest, record: Record, now: Instant
) -> Refused | None:
    leaf = str(Digest(entry.leaf))
    if approval.request != request_digest(request):
        return Refused("other_request", "an approval of another request", leaf)
    if len(entry.signers) != 1 or record.organisation(entry.signers[0]) != approval.organisation:
        return Refused("other_organisation", "the signer does not belong to the organisation it names", leaf)
    role = record.trust.roles.get(approval.role) if record.trust else None
    if role is None or entry.signers[0] not in role.keys or Approval.NAME not in role.acts:
        return Refused("other_role", f"the signer does not hold the role {approval.role!r}", leaf)
    if approval.override != request.override:
        return Refused("override_differs", "the approver did not sign the override of the request", leaf)
    if not approval.max_lease_seconds:
        return Refused("no_lease", "the approver allows no lease", leaf)
    return in_force(approval.not_before, approval.not_after, now, "the approval", leaf)


def approvals_of(request: GrantRequest, record: Record, now: Instant) -> list[Entry]:
    """The newest usable approval of each signer for this request, as the log has them."""
    newest: dict[str, Entry] = {}
    for entry, approval in record.all(Approval):
        if _one(entry, approval, request, record, now) is None:
            newest[entry.signers[0]] = entry
    return sorted(newest.values(), key=lambda entry: entry.index)


def check(leaf: Digest, record: Record, now: Instant) -> Granted | Refused:
    """Whether a grant holds now: logged under two cosigners, approved, in its window, not revoked.

    Args:
        leaf: the grant's leaf in the log.
        record: what the log says, read to a witnessed head.
        now: the present; the record's own time when that is later.
    """
    now = max(now, record.time)
    found = record.act(leaf, Grant)
    if found is None:
        return Refused("not_witnessed", "no such grant in a head that two parties cosigned", str(leaf))
    entry, grant = found
    revoked = record.revocation(leaf)
    if revoked:
        return Refused("revoked", f"revoked: {revoked[1].reason}", str(Digest(revoked[0].leaf)))
    approvals: list[Entry] = []
    for named in grant.approvals:
        act = record.act(named.leaf, Approval)
        if act is None or act[0].index > entry.index:
            return Refused(
                "approval_unknown", "an approval that the log did not hold before", str(named.leaf)
            )
        approvals.append(act[0])
    quorum = check_approvals(grant.request, approvals, record, now)
    if isinstance(quorum, Refused):
        return quorum
    if quorum.approvals != grant.approvals or entry.statement.subjects[0].digest != grant.request.weights:
        return Refused("grant_differs", "the grant does not say what its approvals say", str(leaf))
    return Granted(
        leaf=leaf,
        request=grant.request,
        shares=grant.shares,
        key_epoch=grant.key_epoch,
        not_before=quorum.not_before,
        not_after=quorum.not_after,
        lease_seconds=quorum.lease_seconds,
    )
