"""What an approver agrees to: one request, one seal, one hub, one route, for one stretch of time.

A request is canonical JSON and is approved by its digest, so nobody can agree to a summary. `describe` and
`check_request` read the very bytes that are signed. A refusal is a value with a reason and a citation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mythos.custody.record import Record
from mythos.evidence.note import VerifyKey
from mythos.evidence.predicates import Determination, GrantRequest, Seal
from mythos.evidence.statement import canonical, parse_canonical
from mythos.units import Bytes, Digest, Instant

PURPOSES: Final = ("serve", "adapt")
EXPORT: Final = "export:"
"""`export:HUB` opens sealed weights in the hub that holds them, to seal them for that other hub."""

ORGANISATIONS: Final = 2
_CITED: Final = frozenset({"applies", "needs_fact", "needs_review", "compliance_pending", "transition"})


@dataclass(frozen=True, slots=True)
class Refused:
    """No, and why.

    Attributes:
        code: for machines.
        reason: one sentence.
        cite: the act (by leaf), the provision or the field that says so.
    """

    code: str
    reason: str
    cite: str


def read_request(data: bytes) -> GrantRequest:
    """Read a request in its one spelling.

    Raises:
        MalformedError: other fields, other types, or any byte that differs from the canonical form.
    """
    return GrantRequest.from_dict(parse_canonical(data))


def request_bytes(request: GrantRequest) -> bytes:
    """The canonical JSON of a request: what is approved."""
    return canonical(request.to_dict())


def request_digest(request: GrantRequest) -> Digest:
    """How approvals name the request."""
    return Digest.of(request_bytes(request))


def check_request(request: GrantRequest, record: Record) -> Refused | None:
    """Whether a request stands on what the log says; None when nothing speaks against it.

    Checked: its own limits, the seal it names, the hub's key and organisation, the determination for its
    very route, and that a finding against it carries a named override.
    """
    return _limits(request) or _seal(request, record) or _hub(request, record) or _law(request, record)


def _limits(request: GrantRequest) -> Refused | None:
    if request.version != 1 or not (request.purpose in PURPOSES or request.purpose.startswith(EXPORT)):
        known = f"{', '.join(PURPOSES)} or {EXPORT}HUB"
        return Refused("purpose", f"this version grants only {known}", f"request.purpose {request.purpose!r}")
    if request.organisations_required < ORGANISATIONS:
        return Refused(
            "organisations_required", "a grant needs at least two organisations",
            f"request.organisationsRequired {request.organisations_required}",
        )  # fmt: skip
    if request.not_after <= request.not_before:
        return Refused("window", "the request ends before it begins", f"request.notAfter {request.not_after}")
    if not request.lease_seconds or not request.max_opens or len(request.nonce) < 32:
        return Refused("limits", "a lease, an open and a nonce of 16 bytes at least", "request")
    return None


def _seal(request: GrantRequest, record: Record) -> Refused | None:
    found = record.act(request.seal, Seal)
    if found is None:
        return Refused("seal_unknown", "the log holds no such seal", str(request.seal))
    entry, seal = found
    if entry.statement.subjects[0].digest != request.weights or seal.manifest != request.manifest:
        return Refused("seal_differs", "the seal is of other weights or another manifest", str(request.seal))
    return None


def _hub(request: GrantRequest, record: Record) -> Refused | None:
    hub = request.hub
    signer = VerifyKey.parse(hub.key).id
    known = record.key(signer)
    if known is None or str(known) != hub.key:
        return Refused("other_hub", f"the trust root does not know the hub {hub.name!r}", signer)
    if record.organisation(signer) != hub.organisation:
        return Refused(
            "other_hub", f"the hub {hub.name!r} belongs to another organisation", record.organisation(signer)
        )
    to = request.purpose.removeprefix(EXPORT)
    if to != request.purpose and (to == hub.name or to not in {k.name for k in record.verify_keys}):
        return Refused("other_hub", f"the trust root knows no other hub {to!r}", "request.purpose")
    return None


def _law(request: GrantRequest, record: Record) -> Refused | None:
    found = record.act(request.determination, Determination)
    if found is None:
        return Refused(
            "determination_unknown", "the log holds no such determination", str(request.determination)
        )
    entry, law = found
    if entry.statement.subjects[0].digest != request.weights or law.legs != request.legs:
        return Refused(
            "determination_differs", "the determination is for other weights or another route",
            str(request.determination),
        )  # fmt: skip
    against = _against(law)
    if against is None or is_named_override(request.override):
        return None
    code, reason = against
    cites = [f"{f.id}: {f.cite}" for f in law.instruments if f.outcome in _CITED]
    return Refused(code, reason, "; ".join(cites)[:1000] or str(request.determination))


def _against(law: Determination) -> tuple[str, str] | None:
    if law.barred:
        return "barred", "an instrument in force bars this route"
    if law.needs:
        return "needs_fact", f"facts are missing: {', '.join(law.needs)}"
    if law.review:
        return "needs_review", f"the text does not settle it: {', '.join(law.review)}"
    return None


def is_named_override(override: str | None) -> bool:
    """Whether an override says who answers for it and why, as `NAME: REASON`."""
    name, _, reason = (override or "").partition(":")
    return bool(name.strip() and reason.strip())


def describe(data: bytes, record: Record) -> list[tuple[str, str]]:
    """The request for people, read from the very bytes that would be signed."""
    request = read_request(data)
    found = record.act(request.determination, Determination)
    against = _against(found[1]) if found else None
    return [
        ("digest", str(Digest.of(data))),
        ("model", f"{request.model}, {request.weights}"),
        ("seal", f"manifest {request.manifest}"),
        ("purpose", request.purpose),
        ("hub", f"{request.hub.name} of {request.hub.organisation}, {VerifyKey.parse(request.hub.key).id}"),
        ("route", ", ".join(f"{leg.from_} to {leg.to} ({leg.act})" for leg in request.legs)),
        ("law", (against[1] if against else f"nothing bars it ({len(found[1].instruments)} instruments)")
            if found else "the determination is not in the log"),
        ("override", request.override or "none"),
        ("time", f"{request.not_before} to {request.not_after}"),
        ("lease", f"{request.lease_seconds} s, at most {request.max_opens} opens"),
        ("egress", f"{Bytes(request.egress_bytes_per_day).human} a day, kept {request.retention_days} days"),
        ("quorum", f"{request.organisations_required} organisations"),
    ]  # fmt: skip


def in_force(not_before: Instant, not_after: Instant, now: Instant, what: str, cite: str) -> Refused | None:
    """Refuse outside a window that includes its start and excludes its end."""
    if now < not_before:
        return Refused("not_yet_valid", f"{what} begins at {not_before}", cite)
    if now >= not_after:
        return Refused("expired", f"{what} ended at {not_after}", cite)
    return None
