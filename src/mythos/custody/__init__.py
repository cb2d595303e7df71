"""Weights that can only be read where, when and by whom several organisations agreed.

    seal        files become ciphertext under keys of their own; a manifest binds them to name, place, release
    request     what exactly is asked: which seal, which hub, which route, how long, how often
    approval    each organisation signs the digest of that request, after reading the very bytes
    grant       approvals, gathered; the key is split so that no organisation can do without another
    release     each approver hands its share to one engine, wrapped to a key that engine made at its start
    lease       runs out by itself; goes on only while every approver that released renews

Every decision is a function of values: what the log says under two cosigners (`Record`), a request, the time.
A refusal is a value (`Refused`) with a code, a sentence and a citation. Only `seal`, `sealed` and `approver`
touch a disk, and say so.

    sealed = seal.seal(model, out, identity=identify(model), release=1, keep=store_keys, now=Instant.now())
    manifest, problems = check(out)                                  # needs no key
    deks, lease = engine.combine(answers, request=request, manifest=manifest.to_bytes())
    fd = open_into_memfd(file.within(out), file, deks[file.dek_id])  # nothing unauthenticated comes out

What it holds against: a thief of any disk, a host that is missing one organisation's yes, an insider of one
organisation, a copied or rolled-back seal, a replayed request, a clock set back. What it does not: the host's
administrator reading the engine's memory (a software host is not confidential computing), and weights that
already left: a revocation ends the future, not the past.
"""

from mythos.custody.approval import Refused, read_request, request_digest
from mythos.custody.approver import Approver, Follower
from mythos.custody.grant import Granted
from mythos.custody.lease import Ended, Lease, Live
from mythos.custody.record import Record
from mythos.custody.release import EngineRelease, ReleaseRequest, RenewalRequest, sign_message
from mythos.custody.seal import Sealed, open_into, open_into_memfd
from mythos.custody.sealed import SealedFile, SealManifest, check, read_manifest

__all__ = [
    "Approver",
    "Ended",
    "EngineRelease",
    "Follower",
    "Granted",
    "Lease",
    "Live",
    "Record",
    "Refused",
    "ReleaseRequest",
    "RenewalRequest",
    "SealManifest",
    "Sealed",
    "SealedFile",
    "check",
    "open_into",
    "open_into_memfd",
    "read_manifest",
    "read_request",
    "request_digest",
    "sign_message",
]
