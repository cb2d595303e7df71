"""A log that parties who do not trust each other can all rely on, and proofs that outlive it.

Every act is a *statement* (who says what about which weights) in an envelope signed by a key. The envelope's
exact bytes are a leaf of one append-only hash tree. The log signs the tree's head (a *checkpoint*); witnesses
run by other organisations cosign it only when it extends what they saw before. So an act can be denied by
nobody, altered by nobody, and hidden from nobody who asks a witness.

    owner = SigningKey.generate("owner")
    act = Seal(...).statement(Subject("model", digest))
    with LogClient("unix:/run/mythos/log.sock") as log:
        [place] = log.append([Envelope.sign(act, owner).to_bytes()])   # acknowledged: durable
        log.wait(place.index + 1)                                      # witnessed: cosigned by the quorum

Three states, three words. *Acknowledged*: the entry is in the log's database, after an fsync. *Published*:
its tile, its bundle and a checkpoint that covers it are files. *Witnessed*: the reader's quorum cosigned.

What to read next: `merkle` and `note` are the formats of C2SP; `statement` and `predicates` the acts;
`policy` who is believed; `log` the writer; `witness` the other side; `verify` what a regulator runs.
Names are loaded on first use, because the verifier ships with six of these files and `cryptography` alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mythos.evidence.client import Appended, LogClient
    from mythos.evidence.merkle import verify_consistency, verify_inclusion
    from mythos.evidence.note import Checkpoint, Note, SigningKey, VerifyKey
    from mythos.evidence.statement import Envelope, Statement, Subject, canonical, parse_canonical

_HOME: Final = {
    "Appended": "client",
    "Checkpoint": "note",
    "Envelope": "statement",
    "LogClient": "client",
    "Note": "note",
    "SigningKey": "note",
    "Statement": "statement",
    "Subject": "statement",
    "VerifyKey": "note",
    "canonical": "statement",
    "parse_canonical": "statement",
    "verify_consistency": "merkle",
    "verify_inclusion": "merkle",
}

__all__ = [
    "Appended",
    "Checkpoint",
    "Envelope",
    "LogClient",
    "Note",
    "SigningKey",
    "Statement",
    "Subject",
    "VerifyKey",
    "canonical",
    "parse_canonical",
    "verify_consistency",
    "verify_inclusion",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
