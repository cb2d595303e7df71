"""The verifier: what a regulator runs, offline, with a policy held beforehand and nobody to trust.

    python -I mythos-verify.pyz dossier.json --policy trust.policy
    report = verify(Path("dossier.json").read_bytes(), policy, now=seconds)

JSON is read in its one spelling (`statement.canonical`): any byte that differs after re-encoding is refused.
A **dossier** is the whole log of an estate, because absence can be proven in no other way.

    {"formatVersion":1, "kind":"dossier", "weights":"sha256:…",  the weights it is about
     "checkpoint":TEXT,                    the log's head over exactly these entries, with cosignatures
     "entries":[base64],                   every envelope of the log in order
     "documents":{"sha256:…":base64},      documents by a digest that some statement names
     "openings":[{"commitment","label","salt","data"}]}      commitments that some statement names, opened

A **receipt** is one answer of a hub. It shows its trust roots by inclusion; that no further one took a key
away can only be seen in the whole log.

    {"formatVersion":1, "kind":"receipt", "id":…,
     "leaf":{"id":…, "commitments":{LABEL:"sha256:…"}},       salted commitments of one answer
     "path":{"index","count","hashes"},    from the leaf to the root in the receipt-batch statement
     "batch":L, "trust":[L],               that statement, and every trust root; L: {"entry","index","proof"}
     "checkpoint":TEXT,                    to which those proofs lead
     "openings":{LABEL:{"salt":base64, "data":base64|null}}}  commitment = SHA-256(salt || LABEL || 0 || data)

A **log directory** is C2SP tlog-tiles: `checkpoint` (or the last one cosigned, `witnessed`) and `tile/…`.

For all three: each entry is judged by `policy.admit` under the trust root in force at its index; every
signature line of the checkpoint is by the log or a witness that the newest trust root names, and holds; the
log is one of the policy's, and the policy's own witnesses are a quorum.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from mythos import errors
from mythos.errors import MalformedError, MythosError, NotIncludedError, NotTrustedError
from mythos.evidence.merkle import TILE, Tree, leaf_hash, tile_path, unpack, verify_inclusion
from mythos.evidence.note import COSIGNATURE, MAX_NOTE, Checkpoint, Note, VerifyKey
from mythos.evidence.policy import MAX_POLICY, Entry, Policy, Trust, admit
from mythos.evidence.statement import (
    MAX_ENTRY,
    Json,
    binary,
    canonical,
    commit,
    fields,
    integer,
    items,
    mapping,
    parse_canonical,
    text,
)
from mythos.units import Digest

MAX_FILE: Final = 1 << 30
MAX_PROBLEMS: Final = 20
AHEAD: Final = 300
"""Seconds by which a cosignature may be ahead of the reader's clock."""

_DIGESTS: Final = re.compile(rb"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason not to believe: a stable code, a sentence, and where."""

    code: str
    message: str
    where: str


@dataclass(slots=True)
class Report:
    """What was found: the judged `entries` and the `trust` root at the end."""

    kind: str
    size: int = 0
    root: bytes = b""
    witnesses: list[str] = field(default_factory=list[str])
    acts: int = 0
    problems: list[Problem] = field(default_factory=list[Problem])
    entries: list[Entry] = field(default_factory=list[Entry])
    trust: Trust | None = None

    @property
    def verified(self) -> bool:
        """Whether everything held."""
        return not self.problems

    @property
    def told(self) -> list[Problem]:
        """The problems to tell: those of the whole before those of single entries, and not too many."""
        return sorted(self.problems, key=lambda p: p.where.startswith("entry "))[:MAX_PROBLEMS]

    def to_dict(self) -> Json:
        """The document that `mythos verify --json` prints."""
        return {
            "verified": self.verified,
            "kind": self.kind,
            "size": self.size,
            "root": self.root.hex(),
            "witnesses": self.witnesses,
            "acts": self.acts,
            "problems": [asdict(problem) for problem in self.told],
        }

    def attempt(self, where: str, check: Callable[[], None]) -> bool:
        """Run a check; what it refuses becomes a problem."""
        try:
            check()
        except (MythosError, OSError) as error:
            code = error.code if isinstance(error, MythosError) else "unreadable"
            self.problems.append(Problem(code, str(error), where))
            return False
        return True


def verify(data: bytes, policy: Policy | None, *, now: int, answer: bytes | None = None) -> Report:
    """Check the exact bytes of a dossier or a receipt at POSIX time `now`.

    Without a policy nothing is believed (`no_trust`). `answer` is what a receipt is said to be for.
    """
    report = Report("dossier")
    document: Json = {}

    def read() -> None:
        nonlocal document
        document = mapping(parse_canonical(data, MAX_FILE), what="the file")
        kind = text(document.get("kind"), what="kind")
        if kind not in {"dossier", "receipt"} or integer(document.get("formatVersion"), what="version") != 1:
            raise MalformedError("neither a dossier nor a receipt of format 1", found=repr(kind)[:40])
        report.kind = kind

    if report.attempt("file", read):
        check = _dossier if report.kind == "dossier" else _receipt
        report.attempt(report.kind, lambda: check(report, document, policy, now, answer))
    return report


def _required(policy: Policy | None, answer: bytes | Path | None = None) -> Policy:
    if answer is not None:
        raise errors.InputError("an answer belongs to a receipt")
    if policy is None or not policy.roots:
        raise errors.NoTrustError(
            "no policy to verify with" if policy is None else "the policy names no root key",
            expected="a trust policy that you held beforehand",
            advice="Give it with --policy FILE. One that arrived with the evidence proves nothing.",
        )
    return policy


def _judge(report: Report, policy: Policy, entries: Sequence[tuple[int, bytes]]) -> None:
    """Judge entries in order; a bad one is a problem, and the next are judged all the same."""
    trust: Trust | None = None

    def one(index: int, data: bytes) -> None:
        nonlocal trust
        entry, trust = admit(policy, trust, index, data)
        report.entries.append(entry)
        report.acts += entry.trusted

    for index, data in entries:
        report.attempt(f"entry {index}", lambda i=index, d=data: one(i, d))
    report.trust = trust


def _head(report: Report, told: str | bytes) -> tuple[Note, Checkpoint]:
    note = Note.parse(told)
    head = Checkpoint.parse(note.text)
    report.size, report.root = head.size, head.root
    return note, head


def _signatures(report: Report, note: Note, head: Checkpoint, policy: Policy, now: int) -> None:
    """Every line must be by a key of the trust root and hold; the policy's own must be a quorum."""
    trust = report.trust
    if trust is None or {trust.origin, trust.log.name} != {head.origin}:
        raise NotTrustedError("no trust root of this log is in force", found=head.origin)
    if trust.log not in policy.logs:
        raise NotTrustedError("the policy does not name this log", found=trust.log.id)
    known = {key.id: key for key in (trust.log, *trust.witnesses)}
    signed: list[VerifyKey] = []
    for signature in note.signatures:
        key = known.get(signature.id)
        if key is None or key in signed:
            raise NotTrustedError("a signer that the trust root does not name, or twice", found=signature.id)
        if not signature.holds(key, note.text):
            raise errors.BadSignatureError("a signature of the head does not verify", found=signature.id)
        if key.kind == COSIGNATURE and (at := signature.time) > now + AHEAD:
            latest, seen = f"at most {now + AHEAD}", str(at)
            raise errors.ClockError("a cosignature from the future", expected=latest, found=seen)
        signed.append(key)
    report.witnesses = sorted(key.name for key in signed if key.kind == COSIGNATURE)
    if trust.log not in signed:
        raise errors.BadSignatureError("the log did not sign the checkpoint", expected=trust.log.id)
    counted = [key for key in signed if key in policy.witnesses.values()]
    if not policy.met(counted):
        found = ", ".join(key.name for key in counted) or "none"
        raise errors.QuorumError("too few cosigned", expected=f"quorum `{policy.quorum}`", found=found)


def _whole(entries: list[bytes], head: Checkpoint) -> Tree:
    tree = Tree(map(leaf_hash, entries))
    if tree.size != head.size:
        raise errors.InconsistentError("entries are missing", expected=f"{head.size}", found=f"{tree.size}")
    _same(head.root, tree.root(), "the root over the entries")
    return tree


def _dossier(report: Report, document: Json, policy: Policy | None, now: int, answer: bytes | None) -> None:
    names = ("checkpoint", "documents", "entries", "formatVersion", "kind", "openings", "weights")
    fields(document, *names, what="the dossier")
    note, head = _head(report, text(document["checkpoint"], what="checkpoint"))
    policy = _required(policy, answer)
    entries = [binary(entry, what="entry") for entry in items(document["entries"], what="entries")]
    report.attempt("checkpoint", lambda: _whole(entries, head) and None)
    _judge(report, policy, list(enumerate(entries)))
    report.attempt("checkpoint", lambda: _signatures(report, note, head, policy, now))
    trusted = [entry for entry in report.entries if entry.trusted]
    named = {digest for entry in trusted for digest in _DIGESTS.findall(entry.envelope.payload)}

    def is_named(digest: Any, what: str) -> bytes:
        told = text(digest, what=what).encode()
        if not told.startswith(b"sha256:") or told[7:] not in named:
            raise NotIncludedError(f"no statement names this {what}", found=repr(digest)[:90])
        return bytes.fromhex(told[7:].decode())

    def is_about() -> None:
        digest = is_named(document["weights"], "weights")
        if not any(s.digest.value == digest for entry in trusted for s in entry.statement.subjects):
            raise NotIncludedError("no statement is about these weights", found=document["weights"])

    def is_document(digest: str, content: Any) -> None:
        found = hashlib.sha256(binary(content, what="a document")).digest()
        _same(is_named(digest, "document"), found, "the document")

    def is_opened(value: Any) -> None:
        opening = fields(value, "commitment", "data", "label", "salt", what="an opening")
        label, data = text(opening["label"], what="label"), binary(opening["data"], what="data")
        found = commit(binary(opening["salt"], what="salt"), label, data)
        _same(is_named(opening["commitment"], "commitment"), found, label)

    report.attempt("weights", is_about)
    for digest, content in mapping(document["documents"], what="documents").items():
        report.attempt(f"document {digest[:80]}", lambda d=digest, c=content: is_document(d, c))
    for i, opening in enumerate(items(document["openings"], what="openings")):
        report.attempt(f"opening {i}", lambda o=opening: is_opened(o))


def _receipt(report: Report, document: Json, policy: Policy | None, now: int, answer: bytes | None) -> None:
    names = ("batch", "checkpoint", "formatVersion", "id", "kind", "leaf", "openings", "path", "trust")
    fields(document, *names, what="the receipt")
    note, head = _head(report, text(document["checkpoint"], what="checkpoint"))
    policy = _required(policy)
    logged = [_logged(item, head) for item in (*items(document["trust"], what="trust"), document["batch"])]
    if len({index for index, _ in logged}) != len(logged):
        raise MalformedError("an entry travels twice")
    _judge(report, policy, sorted(logged))
    report.attempt("checkpoint", lambda: _signatures(report, note, head, policy, now))
    if len(report.entries) != len(logged):
        return
    batch = next(entry for entry in report.entries if entry.index == logged[-1][0])
    others = [e for e in report.entries if e is not batch and e.act != "trust-root"]
    if others or batch.act != "receipt-batch" or not batch.trusted:
        raise NotTrustedError("no receipt batch by a key that may sign one", found=str(batch.act))
    leaf = fields(document["leaf"], "commitments", "id", what="the leaf")
    if leaf["id"] != text(document["id"], what="id"):
        raise MalformedError("the receipt is another's", expected=repr(leaf["id"])[:80])
    commitments = mapping(leaf["commitments"], what="commitments")
    openings = mapping(document["openings"], what="openings")

    def is_opened(label: str, brought: bytes | None = None) -> None:
        opening = fields(openings.get(label), "data", "salt", what=f"the opening of {label}")
        salt, shown = binary(opening["salt"], what="salt"), opening["data"]
        known = [] if brought is None else [brought]
        known += [] if shown is None else [binary(shown, what="data")]
        committed = Digest.parse(text(commitments.get(label), what=f"the commitment of {label}")).value
        for data in known:
            _same(committed, commit(salt, label, data), f"the commitment to this {label}")
        subjects = [str(subject.digest).encode() for subject in batch.statement.subjects]
        if label == "weights" and any(data not in subjects for data in known):
            raise NotIncludedError("the batch is about other weights", found=repr(known[0])[:90])

    report.attempt("leaf", lambda: _in_batch(leaf, document["path"], batch))
    for name in openings:
        report.attempt(f"opening {name[:40]}", lambda label=name: is_opened(label))
    if answer is not None:
        report.attempt("answer", lambda: is_opened("answer", answer))


def _logged(value: Any, head: Checkpoint) -> tuple[int, bytes]:
    logged = fields(value, "entry", "index", "proof", what="a logged entry")
    data, index = binary(logged["entry"], what="entry"), integer(logged["index"], what="index")
    verify_inclusion(leaf_hash(data), index, head.size, _hashes(logged["proof"]), head.root)
    return index, data


def _in_batch(leaf: Json, told: Any, batch: Entry) -> None:
    path = fields(told, "count", "hashes", "index", what="the path")
    root = Digest.parse(text(batch.statement.predicate.get("root"), what="the batch's root")).value
    count, index = integer(path["count"], what="count"), integer(path["index"], what="index")
    if batch.statement.predicate.get("count") != count:
        raise NotIncludedError("a batch of another size", found=str(count))
    verify_inclusion(leaf_hash(canonical(leaf)), index, count, _hashes(path["hashes"]), root)


def _hashes(value: Any) -> list[bytes]:
    return [binary(item, what="a hash") for item in items(value, what="a proof")]


def _same(expected: bytes, found: bytes, what: str) -> None:
    if expected != found:
        raise NotIncludedError(f"{what} is another", expected=expected.hex(), found=found.hex())


def _directory(report: Report, folder: Path, policy: Policy | None, now: int, answer: Path | None) -> None:
    policy = _required(policy, answer)
    note, head = _head(report, _read(folder / "checkpoint", MAX_NOTE))
    counted = [key for key in policy.witnesses.values() if any(s.id == key.id for s in note.signatures)]
    if not policy.met(counted) and (folder / "witnessed").exists():
        note, head = _head(report, _read(folder / "witnessed", MAX_NOTE))
    entries: list[bytes] = []
    for start in range(0, head.size, TILE):
        entries += _part(folder, None, start // TILE, head.size)
    tree = _whole(entries, head)
    report.attempt("tiles", lambda: _tiles(folder, tree))
    _judge(report, policy, list(enumerate(entries)))
    report.attempt("checkpoint", lambda: _signatures(report, note, head, policy, now))


def _part(folder: Path, level: int | None, index: int, count: int) -> list[bytes]:
    """What a tile (or bundle) of a level with `count` hashes holds; a full one may replace a partial."""
    width = min(TILE, count - index * TILE)
    for name, held in ((tile_path(level, index, width), width), (tile_path(level, index), TILE)):
        if (folder / name).is_file():
            data = _read(folder / name, TILE * (MAX_ENTRY + 2))
            parts = unpack(data) if level is None else [data[i : i + 32] for i in range(0, len(data), 32)]
            if len(parts) != held:
                raise errors.InconsistentError(f"{name} is not whole", found=f"{len(parts)} of {held}")
            return parts[:width]
    raise errors.InconsistentError("the log has a gap", expected=tile_path(level, index, width))


def _tiles(folder: Path, tree: Tree) -> None:
    for level in range(8):  # a size has at most 63 bits
        count = tree.size >> 8 * level
        for index in range((count + TILE - 1) // TILE):
            found, start = _part(folder, level, index, count), index * TILE
            if b"".join(found) != tree.subtree(8 * level, start, start + len(found)):
                raise errors.InconsistentError("a tile and the entries differ", found=tile_path(level, index))


def _read(path: Path, limit: int) -> bytes:
    """A file that may be hostile, or endless: at most `limit` bytes."""
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise errors.InputError(f"{path} is too large", expected=f"at most {limit} bytes")
    return data


def check_path(path: Path, policy: Path | None, answer: Path | None, *, now: int) -> Report:
    """Check a file or a log directory with the policy in a file, if there is one."""
    trusted = None if policy is None else Policy.parse(_read(policy, MAX_POLICY))
    if path.is_dir():
        report = Report("log")
        report.attempt("log", lambda: _directory(report, path, trusted, now, answer))
        return report
    told = None if answer is None else _read(answer, MAX_FILE)
    return verify(_read(path, MAX_FILE), trusted, now=now, answer=told)


def main(arguments: Sequence[str] | None = None) -> None:
    """The archive's command line: the report as JSON; exit status 0 verified, 1 not, 2 the call is wrong."""
    parser = argparse.ArgumentParser("mythos-verify", description="Check Mythos evidence offline.")
    parser.add_argument("path", type=Path, help="a dossier.json, a receipt, or a log directory")
    parser.add_argument("--policy", type=Path, help="the trust policy that you held beforehand")
    parser.add_argument("--answer", type=Path, help="the answer that a receipt is said to be for")
    chosen = parser.parse_args(arguments)
    try:
        report = check_path(chosen.path, chosen.policy, chosen.answer, now=int(time.time()))
    except (MythosError, OSError) as error:
        sys.stderr.write(f"mythos-verify: {error}\n")
        sys.exit(2)
    sys.stdout.write(json.dumps(report.to_dict(), indent=1) + "\n")
    sys.exit(0 if report.verified else 1)


if __name__ == "__main__":
    main()
