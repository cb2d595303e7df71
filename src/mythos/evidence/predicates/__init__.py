"""Every act of Mythos as a frozen dataclass: the fields, their types, and nothing else.

    seal = Seal(manifest=..., suite=..., release=1, files=(), sealed_at=Instant.now())
    envelope = Envelope.sign(seal.statement(Subject("weights", digest)), key)
    Seal.of(envelope.statement()) == seal

`PREDICATES` maps an act's name to its class. A JSON Schema of each, from the same annotations, lies in
`mythos/evidence/schemas`; `table` writes the reference page.
"""

from __future__ import annotations

from typing import Final

from mythos.evidence.predicates.access import (
    DecisionRoot,
    Directive,
    DirectiveAcknowledgement,
    ScreeningDisposition,
)
from mythos.evidence.predicates.codec import Count, Predicate, Record, shape
from mythos.evidence.predicates.custody import (
    Approval,
    Approved,
    Grant,
    GrantRequest,
    HubIdentity,
    Lease,
    Opened,
    Refused,
    Release,
    Revocation,
    Seal,
    SealedFile,
    Share,
    Wiped,
)
from mythos.evidence.predicates.data import DataExport, DatasetAdmitted, Takedown
from mythos.evidence.predicates.hub import ReceiptBatch, Usage
from mythos.evidence.predicates.regimes import Determination, Finding, Leg
from mythos.evidence.predicates.training import Reading, TrainingCompute, TrainingRun
from mythos.evidence.predicates.trust import HpkeKey, LogIdentity, Role, TrustedKey, TrustRoot
from mythos.evidence.predicates.watch import Audit, Incident, Unopened
from mythos.evidence.predicates.weights import (
    Derivation,
    Evaluation,
    ModelIdentity,
    Parent,
    Result,
    Source,
)

PREDICATES: Final[dict[str, type[Predicate]]] = {
    kind.NAME: kind
    for kind in (
        TrustRoot,
        ModelIdentity,
        Derivation,
        Evaluation,
        DatasetAdmitted,
        DataExport,
        Takedown,
        TrainingRun,
        TrainingCompute,
        Determination,
        Seal,
        Approval,
        Grant,
        Revocation,
        Release,
        Opened,
        Lease,
        Wiped,
        Refused,
        Directive,
        DirectiveAcknowledgement,
        DecisionRoot,
        ScreeningDisposition,
        ReceiptBatch,
        Usage,
        Audit,
        Incident,
        Unopened,
    )
}


def table() -> str:
    """The table of statements as Markdown: act, the roles that may sign it, what it says, its fields."""
    from mythos.evidence.estate import ROLES

    rows = ["# Statements", "", "| act | signed by | says | fields |", "|---|---|---|---|"]
    for name, kind in PREDICATES.items():
        roles = ", ".join(role for role, (_, acts) in ROLES.items() if name in acts)
        said = " ".join((kind.__doc__ or "").split("\n\n", maxsplit=1)[0].split())
        names = ", ".join(f"`{field}`" for _, field, _ in shape(kind))
        rows.append(f"| `{name}` | {roles} | {said} | {names} |")
    return "\n".join(rows) + "\n"


__all__ = [
    "PREDICATES",
    "Approval",
    "Approved",
    "Audit",
    "Count",
    "DataExport",
    "DatasetAdmitted",
    "DecisionRoot",
    "Derivation",
    "Determination",
    "Directive",
    "DirectiveAcknowledgement",
    "Evaluation",
    "Finding",
    "Grant",
    "GrantRequest",
    "HpkeKey",
    "HubIdentity",
    "Incident",
    "Lease",
    "Leg",
    "LogIdentity",
    "ModelIdentity",
    "Opened",
    "Parent",
    "Predicate",
    "Reading",
    "ReceiptBatch",
    "Record",
    "Refused",
    "Release",
    "Result",
    "Revocation",
    "Role",
    "ScreeningDisposition",
    "Seal",
    "SealedFile",
    "Share",
    "Source",
    "Takedown",
    "TrainingCompute",
    "TrainingRun",
    "TrustRoot",
    "TrustedKey",
    "Unopened",
    "Usage",
    "Wiped",
    "table",
]
