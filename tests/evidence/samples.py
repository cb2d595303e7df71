"""An estate with fixed keys and times, and one sample of every act: the same bytes on every run."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from mythos.evidence import predicates as acts
from mythos.evidence.estate import ROLES, Holder, first_root, policy_text
from mythos.evidence.merkle import Tree, leaf_hash
from mythos.evidence.note import COSIGNATURE, Checkpoint, Note, SigningKey, cosign, encode64
from mythos.evidence.policy import Policy
from mythos.evidence.receipt import LABELS, Logged, Opening, assemble, batch, commit, leaf_bytes
from mythos.evidence.statement import Envelope, Subject, canonical
from mythos.units import Digest, Flop, Instant

ORIGIN = "log.example"
WHEN = Instant.parse("2026-06-12T17:21:00Z")
LATER = Instant.parse("2026-06-13T17:21:00.25Z")
NOW = WHEN.micros // 1_000_000 + 86_400 * 3
WEIGHTS = Digest.of(b"weights")
MODEL = Subject("model", WEIGHTS)
DOCUMENT = b'{"outcome":"the whole determination"}'


def key(name: str, *, cosigner: bool = False) -> SigningKey:
    seed = sha256(f"sample key {name}".encode()).digest()
    return SigningKey(name, seed, COSIGNATURE) if cosigner else SigningKey(name, seed)


def digest(text: str) -> Digest:
    return Digest.of(text.encode())


def salt(label: str) -> bytes:
    return sha256(f"salt {label}".encode()).digest()


LOG = key(ORIGIN)
KEYS = {name: key(name) for name in ("owner", "root", "approver-a", "approver-b", "host")}
WITNESSES = [key("regulator-witness", cosigner=True), key("host-witness", cosigner=True)]
ORGANISATIONS = {
    "owner": "Models Inc.",
    "root": "Models Inc.",
    "approver-a": "Models Inc.",
    "approver-b": "Ministry",
    "host": "Hub KK",
}
TRUST = first_root(
    {name: Holder(k.verify_key, ORGANISATIONS[name]) for name, k in KEYS.items()},
    LOG.verify_key,
    [w.verify_key for w in WITNESSES],
    verifier=None,
    now=WHEN,
)
POLICY_TEXT = policy_text(TRUST)
POLICY = Policy.parse(POLICY_TEXT)
LEG = acts.Leg("US", "JP", "transfer")
REQUEST = acts.GrantRequest(
    1, "model", WEIGHTS, digest("manifest"), digest("seal leaf"),
    acts.HubIdentity("hub", str(KEYS["host"].verify_key), "Hub KK"), "serve", (LEG,), digest("determination leaf"),
    WHEN, LATER, 600, 3, 10**9, 7, 2, None, "nonce",
)  # fmt: skip

SAMPLES: dict[str, acts.Predicate] = {
    sample.NAME: sample
    for sample in (
        TRUST,
        acts.ModelIdentity("model", "1.0", {"resources": [], "serialization": {"method": "files"}}, "gguf", "Apache-2.0", acts.Source("Card", "https://models.example/card", digest("card")), acts.Count(361_821_120), "llama", WHEN),
        acts.Derivation("quantise", (acts.Parent(digest("parent"), "base"),), "eight bits", WHEN),
        acts.Evaluation("suite", (acts.Result("accuracy", "0.4375", "1", 400),), WHEN),
        acts.DatasetAdmitted(digest("croissant"), "CC-BY-4.0", "example", "JP", ("act:1",), 12, WHEN),
        acts.DataExport("JP", "training", "act:2", WHEN),
        acts.Takedown((digest("document"),), (digest("shard"),), (WEIGHTS,), "right of erasure", WHEN),
        acts.TrainingRun(digest("configuration"), digest("code"), (digest("dataset"),), None, WHEN, LATER, (digest("snapshot"),)),
        acts.TrainingCompute("counted", "exact-causal", Flop(3_100_000_000_000_000_001), Flop(31 * 10**17), True, "2.5", acts.Count(10**6), acts.Count(10**17), (acts.Reading("Report", "https://models.example/report", "2026-06-01"),), "12.5", "estimated", (), digest("ledger"), None, WHEN, LATER),
        acts.Determination("2026-06-12", (LEG,), digest("facts"), Digest.of(DOCUMENT), (acts.Finding("us-ear-744", "applies", "15 CFR 744"),), False, ("entity",), ("us-ear-744",), digest("pack"), WHEN),
        acts.Seal(digest("manifest"), "AES256_GCM_HKDF_4MB", 1, (acts.SealedFile("model.gguf", 1000, 1040, digest("ciphertext"), digest("commitment")),), WHEN),
        acts.Approval(digest("request"), "approver", "Ministry", WHEN, LATER, 600, None, WHEN),
        acts.Grant(REQUEST, (acts.Approved(digest("approval leaf"), KEYS["approver-a"].id, "Models Inc."),), (acts.Share(KEYS["approver-a"].id, "Models Inc.", digest("share")),), 1, WHEN),
        acts.Revocation(digest("grant leaf"), "moved", WHEN),
        acts.Release(digest("grant leaf"), digest("release request"), "hub", 1, LATER, WHEN),
        acts.Opened(digest("grant leaf"), digest("manifest"), "engine 1", 1000, WHEN),
        acts.Lease(digest("grant leaf"), 0, WHEN, LATER),
        acts.Wiped(digest("grant leaf"), "lease ended", LATER),
        acts.Refused(None, "no grant", "no_grant", WHEN),
        acts.Directive("us-bis-2026-06-12", "us-bis", encode64(b"id: us-bis-2026-06-12\n"), WHEN),
        acts.DirectiveAcknowledgement("hub", 20, digest("head"), 2, 3, WHEN, LATER),
        acts.DecisionRoot("hub", WHEN, LATER, digest("decisions"), 5),
        acts.ScreeningDisposition(digest("case"), "no match", "officer-1", digest("list"), WHEN),
        acts.ReceiptBatch("hub", 0, digest("receipts"), 1, WHEN, LATER),
        acts.Usage("hub", WHEN, LATER, 4096, 128, None),
        acts.Audit("hub", "replay", (0,), 10, 10, "passed", digest("record"), WHEN),
        acts.Incident("crash", "low", "hub", "the engine died", (digest("opened leaf"),), WHEN, LATER),
        acts.Unopened("hub", 0, "receipt-1", "no answer", WHEN, LATER),
    )
}  # fmt: skip


def signers(act: str) -> list[SigningKey]:
    if act == "trust-root":
        return [KEYS["root"], KEYS["approver-a"], KEYS["approver-b"]]
    return next([KEYS[names[0]]] for names, acts_of in ROLES.values() if act in acts_of)


def signed(sample: acts.Predicate, *keys: SigningKey, about: Subject | None = MODEL) -> bytes:
    statement = sample.statement(*([about] if about and sample.NAME != "trust-root" else []))
    return Envelope.sign(statement, *(keys or signers(sample.NAME))).to_bytes()


def head(
    entries: Sequence[bytes], *, seconds: int = NOW, witnesses: Sequence[SigningKey] = WITNESSES
) -> Note:
    note = Checkpoint(ORIGIN, len(entries), Tree(map(leaf_hash, entries)).root()).sign(LOG)
    return note.with_signatures([cosign(w, note.text, seconds) for w in witnesses])


def dossier(entries: Sequence[bytes], **changes: object) -> bytes:
    document: dict[str, object] = {
        "checkpoint": str(head(entries)),
        "documents": {},
        "entries": [encode64(entry) for entry in entries],
        "formatVersion": 1,
        "kind": "dossier",
        "openings": [],
        "weights": str(WEIGHTS),
    }
    return canonical(document | changes)


def whole_life() -> list[bytes]:
    """One entry of every act, the trust root first."""
    return [signed(SAMPLES[name]) for name in SAMPLES]


def small_dossier() -> bytes:
    """Three acts, a document and an opening: every kind of byte a dossier can hold."""
    opened = commit(salt("officer"), "officer", b"Jane Doe")
    disposition = acts.ScreeningDisposition(Digest(opened), "no match", "officer-1", digest("list"), WHEN)
    entries = [signed(TRUST), signed(SAMPLES["determination"]), signed(disposition)]
    opening = {
        "commitment": str(Digest(opened)),
        "data": encode64(b"Jane Doe"),
        "label": "officer",
        "salt": encode64(salt("officer")),
    }
    return dossier(entries, documents={str(Digest.of(DOCUMENT)): encode64(DOCUMENT)}, openings=[opening])


@dataclass(frozen=True)
class Answered:
    """A receipt and what it is about."""

    file: bytes
    answer: bytes
    entries: list[bytes]


def answered(place: int = 2, count: int = 5) -> Answered:
    """The receipt of one answer among `count`, in a log that goes on after its batch."""
    answer = "42 は答えである。".encode()
    data = dict.fromkeys(LABELS, b"{}") | {"answer": answer, "weights": str(WEIGHTS).encode()}
    leaves = [
        leaf_bytes(f"receipt-{i}", {label: commit(salt(label), label, data[label]) for label in LABELS})
        for i in range(count)
    ]
    batched = batch(leaves)
    entry = signed(acts.ReceiptBatch("hub", 0, batched.root, count, WHEN, LATER))
    entries = [signed(TRUST), entry, signed(SAMPLES["usage"])]
    tree = Tree(map(leaf_hash, entries))
    openings = {label: Opening(salt(label), None if label == "answer" else data[label]) for label in LABELS}
    logged = [Logged(entries[i], i, tree.inclusion(i, 3)) for i in range(2)]
    file = assemble(
        leaves[place],
        batched.paths[place],
        place=place,
        count=count,
        batch_entry=logged[1],
        trust=logged[:1],
        checkpoint=str(head(entries)),
        openings=openings,
    )
    return Answered(file, answer, entries)
