"""dossier.json: the whole log with its checkpoint, in the one form that the verifier reads.

The log is taken whole because only a whole log can show that something is *not* in it. Documents (a full
determination with its trace) travel beside the entries by their digest. The format is the verifier's
(`mythos.evidence.verify`), and the passport is read from what the verifier judged, so that a page never
says more than a reader's own check of the same file would.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from mythos.dossier.acts import read
from mythos.dossier.passport import Passport, Witnessed, fold
from mythos.errors import EvidenceError, InputError, LogError, MalformedError
from mythos.evidence.client import LogClient
from mythos.evidence.note import Checkpoint, Note, decode64, encode64
from mythos.evidence.policy import Policy
from mythos.evidence.statement import Envelope, canonical, fields, items, mapping, parse_canonical, text
from mythos.evidence.verify import MAX_FILE, Problem, verify
from mythos.units import Digest, Instant


@dataclass(frozen=True, slots=True)
class Capture:
    """A log as it was taken: every entry in order, the text of a checkpoint over them, and documents.

    `weights` is what a dossier.json says it is about, `None` for a log. `openings` of commitments travel on
    as they came; the verifier judges them, and nothing on the page rests on them.
    """

    entries: Sequence[bytes]
    checkpoint: str
    documents: Sequence[bytes] = ()
    weights: Digest | None = None
    openings: Sequence[Any] = ()

    @classmethod
    def of_log(cls, log: LogClient, documents: Sequence[bytes], wait: float) -> Self:
        """The whole log; without cosignatures when the witnesses do not answer within `wait` seconds."""
        try:
            checkpoint = log.wait(log.status()["acknowledged"], "witnessed", wait)
        except LogError:
            checkpoint = log.checkpoint("published")
        size = Checkpoint.parse(Note.parse(checkpoint).text).size
        return cls(log.entries(0, size), checkpoint, documents)

    @classmethod
    def of_file(cls, data: bytes) -> Self:
        """What a dossier.json carries. Nothing is believed yet: `build` judges it.

        Raises:
            MalformedError: not a dossier in its one spelling.
        """
        names = ("checkpoint", "documents", "entries", "formatVersion", "kind", "openings", "weights")
        document = fields(parse_canonical(data, MAX_FILE), *names, what="the dossier")
        if (document["kind"], document["formatVersion"]) != ("dossier", 1):
            found = f"{document['kind']!r} {document['formatVersion']!r}"[:60]
            raise MalformedError("not a dossier of a known format", expected="'dossier' 1", found=found)
        entries = items(document["entries"], what="entries")
        held = mapping(document["documents"], what="documents")
        return cls(
            [decode64(text(entry, what="entry"), what="entry") for entry in entries],
            text(document["checkpoint"], what="checkpoint"),
            [decode64(text(value, what="a document"), what="a document") for value in held.values()],
            Digest.parse(text(document["weights"], what="weights")),
            items(document["openings"], what="openings"),
        )


@dataclass(frozen=True, slots=True)
class Dossier:
    """The passport and the file it was read from; `problems` are why the builder's policy refuses it."""

    passport: Passport
    origin: str
    evidence: bytes
    documents: Mapping[str, bytes]
    problems: tuple[Problem, ...]


def build(policy: Policy, capture: Capture, weights: Digest, now: Instant) -> Dossier:
    """The dossier of one model.

    Args:
        policy: the policy of whoever builds it; a reader uses their own.
        capture: the whole log. Documents whose digest no determination of this model names stay out.
        weights: the model's root digest.
        now: the builder's clock, only to refuse cosignatures from the future.

    Raises:
        InputError: no trusted act of the log is about these weights.
        MalformedError: the checkpoint is none.
    """
    note = Note.parse(capture.checkpoint)
    evidence = _file(capture, weights, {})
    report = verify(evidence, policy, now=now.micros // 1_000_000)
    sound = report.witnesses and all(problem.where != "checkpoint" for problem in report.problems)
    passport = fold(read(capture.entries, report), weights, witnessed(policy, note) if sound else None)
    if not any(act.about({weights}) for act in passport.trusted):
        raise InputError(
            "no trusted act in this log is about these weights",
            found=str(weights),
            advice="Name them by --model, or see `mythos model identify` for a folder's digest.",
        )
    held = {str(Digest.of(document)): document for document in capture.documents}
    named = {digest: held[digest] for digest in _named(passport) if digest in held}
    if named:
        evidence = _file(capture, weights, named)
    return Dossier(passport, Checkpoint.parse(note.text).origin, evidence, named, tuple(report.told))


def find(entries: Sequence[bytes], name: str) -> Digest:
    """The weights that go by `NAME` or `NAME VERSION`. Only a lookup: `build` judges what stands there.

    Raises:
        InputError: no model, or several, go by this name.
    """
    found: set[Digest] = set()
    for data in entries:
        with contextlib.suppress(EvidenceError):
            statement = Envelope.parse(data).statement()
            body = statement.predicate
            names = (body.get("name"), f"{body.get('name')} {body.get('version')}")
            if statement.act == "model-identity" and name in names:
                found |= {subject.digest for subject in statement.subjects}
    if len(found) != 1:
        raise InputError(
            f"{len(found)} models in this log go by the name {name!r}",
            found=", ".join(map(str, sorted(found))),
            advice="Name the weights by their digest: --weights sha256:…",
        )
    return found.pop()


def witnessed(policy: Policy, note: Note) -> Witnessed | None:
    """Which of the policy's witnesses cosigned a head that was verified, and the oldest of their times."""
    names = {key.id: key.name for key in policy.witnesses.values()}
    seen = {names[line.id]: line.time for line in note.signatures if line.id in names}
    return Witnessed(Instant(min(seen.values()) * 1_000_000), tuple(seen)) if seen else None


def _file(capture: Capture, weights: Digest, documents: Mapping[str, bytes]) -> bytes:
    return canonical(
        {
            "checkpoint": capture.checkpoint,
            "documents": {digest: encode64(data) for digest, data in documents.items()},
            "entries": [encode64(entry) for entry in capture.entries],
            "formatVersion": 1,
            "kind": "dossier",
            "openings": list(capture.openings),
            "weights": str(weights),
        }
    )


def _named(passport: Passport) -> list[str]:
    return [str(act.predicate["document"]) for act in passport.trusted if act.kind == "determination"]
