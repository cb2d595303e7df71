"""Receipts: a promise before the first token, a commitment when the answer ends, logged a second later.

    begin    a journal line, durable, with the salts and everything known before the first token
    finish   the leaf: a salted commitment to each thing, the exact bytes of the answer among them
    publish  a batch: the Merkle root over the leaves, signed by the hub, logged, cosigned by witnesses
    fetch    the file that a reader checks offline

A hub that is killed between `begin` and `finish` finds the line at its next start and commits to `lost`: the
receipt then says, signed and logged, that this request was taken and that its answer is not known.

Salts, request and answer stay at the hub, encrypted under the host's own key; encryption to the tenant and
to the grant's auditor comes with audits. After the retention they are erased and the leaf remains.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mythos.errors import LogError, NetworkError, QuotaError
from mythos.evidence.client import LogClient
from mythos.evidence.note import Checkpoint, Note, SigningKey, decode64, encode64
from mythos.evidence.predicates import ReceiptBatch
from mythos.evidence.receipt import LABELS, SALT, Logged, Opening, assemble, batch, commit, leaf_bytes
from mythos.evidence.statement import Envelope, Statement, Subject, canonical
from mythos.hub.store import BatchRow, ReceiptRow, Store
from mythos.units import Digest, Instant

__all__ = ["Commitment", "Erased", "Pending", "Receipts", "Vault", "clocks"]

_GATHER: Final = 0.25
_MOST: Final = 2048
_RETRY: Final = 5.0
_CHUNK: Final = 1024
_BROUGHT: Final = ("request", "answer")  # openings whose data the reader has already


class Vault:
    """Transcripts at rest: AES-256-GCM, bound to the receipt's id."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def lock(self, name: str, value: Any) -> bytes:
        """Encrypt a JSON value."""
        nonce = secrets.token_bytes(12)
        data = json.dumps(value, ensure_ascii=False).encode()
        return nonce + self._cipher.encrypt(nonce, data, name.encode())

    def unlock(self, name: str, locked: bytes) -> Any:
        """Decrypt what `lock` made for the same id."""
        return json.loads(self._cipher.decrypt(locked[:12], locked[12:], name.encode()))


@dataclass(frozen=True, slots=True)
class Commitment:
    """What a receipt promises before the first token.

    Attributes:
        model: the name of the weights in the statement's subject.
        weights: their digest.
        request: the exact bytes the client sent.
        facts: documents for the labels hub, lease and decision, and for engine and clocks what is known.
    """

    model: str
    weights: Digest
    request: bytes
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pending:
    """The receipt is not witnessed yet."""


@dataclass(frozen=True, slots=True)
class Erased:
    """The openings are erased; the leaf still stands in the log."""


def clocks(name: str) -> dict[str, int | str]:
    """The two clocks at one moment, as a receipt commits to them."""
    return {name: str(Instant.now()), f"{name}MonotonicMicros": time.monotonic_ns() // 1000}


class Receipts:
    """The receipts of one hub. All methods belong to one event loop; `run` is its publishing task."""

    def __init__(self, store: Store, vault: Vault, signer: SigningKey, log: str) -> None:
        self._store = store
        self._vault = vault
        self._signer = signer
        self._log = LogClient(log)
        self._open: dict[str, tuple[Commitment, dict[str, bytes]]] = {}
        self._news = asyncio.Event()
        self._scanned = 0
        self._trust: list[tuple[int, bytes]] = []

    async def begin(self, name: str, tenant: str, promise: Commitment) -> None:
        """Write the journal line; after the return a receipt will come, whatever happens."""
        salts = {label: secrets.token_bytes(SALT) for label in LABELS}
        self._open[name] = (promise, salts)
        locked = self._vault.lock(name, _transcript(promise, salts, None))
        weights = str(promise.weights)
        await self._store.run(self._store.begin, name, tenant, promise.model, weights, locked, Instant.now())

    async def finish(
        self, name: str, answer: bytes, generation: Mapping[str, Any], clocks: Mapping[str, Any]
    ) -> None:
        """Commit to the answer: its exact bytes, and how it was generated and ended."""
        promise, salts = self._open.pop(name)
        facts = dict(promise.facts)
        facts["engine"] = {**facts["engine"], **generation}
        facts["clocks"] = {**facts["clocks"], **clocks}
        complete = Commitment(promise.model, promise.weights, promise.request, facts)
        locked = self._vault.lock(name, _transcript(complete, salts, answer))
        await self._store.run(self._store.finish, name, locked, _leaf(name, complete, salts, answer))
        self._news.set()

    async def post(self, statements: list[Statement], **facts: bytes) -> None:
        """Sign statements of this hub and have them logged in order, whatever becomes of this process."""
        entries = [Envelope.sign(statement, self._signer).to_bytes() for statement in statements]
        await self._store.run(self._store.post, entries, facts)
        self._news.set()

    async def fact(self, name: str) -> bytes | None:
        """A fact that was kept with a statement."""
        return await self._store.run(self._store.fact, name)

    async def recover(self) -> int:
        """Commit to `lost` for every line that a killed hub left open; how many."""
        rows = await self._store.run(self._store.unfinished)
        for row in rows:
            promise, salts, _ = _read_transcript(self._vault.unlock(row.id, row.transcript or b""))
            self._open[row.id] = (promise, salts)
            await self.finish(row.id, b"", {"finish": "lost"}, {"ended": None, "endedMonotonicMicros": None})
        self._news.set()
        return len(rows)

    async def run(self) -> None:
        """Publish batches until cancelled; a log that does not answer is asked again."""
        while True:
            await self._news.wait()
            await asyncio.sleep(_GATHER)
            self._news.clear()
            try:
                while await self.publish():
                    pass
            except (NetworkError, LogError, QuotaError):
                await asyncio.sleep(_RETRY)
                self._news.set()

    def close(self) -> None:
        """Close the connection to the log."""
        self._log.close()

    async def publish(self) -> bool:
        """Log posted statements, batch what is finished, prove what is logged; whether more is waiting.

        Raises:
            NetworkError, LogError: the log did not take or witness it now; nothing is lost or doubled.
        """
        posted = await self._store.run(self._store.posted)
        if posted:
            await asyncio.to_thread(self._log.append, [entry for _, entry in posted])
            await self._store.run(self._store.unpost, posted[-1][0])
        rows = await self._store.run(self._store.finished, _MOST)
        same: list[ReceiptRow] = []
        if rows:
            same = [row for row in rows if (row.model, row.weights) == (rows[0].model, rows[0].weights)]
            number = await self._store.run(self._store.next_batch)
            entry = self._statement(number, same)
            await self._store.run(self._store.add_batch, number, entry, [row.id for row in same])
        for pending in await self._store.run(self._store.unproven):
            proof = await asyncio.to_thread(self._prove, pending)
            await self._store.run(self._store.prove, pending.number, proof)
        return len(rows) == _MOST or len(same) < len(rows)

    async def fetch(self, name: str, tenant: str) -> bytes | Pending | Erased | None:
        """The receipt of one answer as a self-contained file; None when the tenant has no such receipt."""
        row = await self._store.run(self._store.receipt, name)
        if row is None or row.tenant != tenant:
            return None
        if row.leaf is None or row.batch is None or row.place is None:
            return Pending()
        held = await self._store.run(self._store.batch, row.batch)
        if held.proof is None:
            return Pending()
        if row.transcript is None:
            return Erased()
        leaves = await self._store.run(self._store.leaves, row.batch)
        promise, salts, _ = _read_transcript(self._vault.unlock(name, row.transcript))
        return _file(row.place, held, leaves, _openings(promise, salts))

    def _statement(self, number: int, rows: list[ReceiptRow]) -> bytes:
        now = Instant.now()
        logged = ReceiptBatch(
            hub=self._signer.verify_key.id,
            batch=number,
            root=batch([row.leaf or b"" for row in rows]).root,
            count=len(rows),
            from_=Instant(min(row.opened for row in rows)),
            until=now,
        )
        subject = Subject(rows[0].model, Digest.parse(rows[0].weights))
        return Envelope.sign(logged.statement(subject), self._signer).to_bytes()

    def _prove(self, pending: BatchRow) -> bytes:
        """Append a batch's statement (again, when that is not known) and gather what proves it."""
        place = self._log.append([pending.entry])[0]
        text = self._log.wait(place.index + 1, "witnessed", 20)
        size = Checkpoint.parse(Note.parse(text).text).size
        roots = [
            {"index": i, "entry": encode64(e), "proof": self._inclusion(i, size)}
            for i, e in self._roots(size)
        ]
        proof = {"index": place.index, "proof": self._inclusion(place.index, size), "trust": roots}
        return json.dumps({**proof, "checkpoint": text}).encode()

    def _inclusion(self, index: int, size: int) -> list[str]:
        return [encode64(hash_) for hash_ in self._log.inclusion(index, size)]

    def _roots(self, size: int) -> list[tuple[int, bytes]]:
        """Every trust root among the first `size` entries; each entry of the log is read once."""
        while self._scanned < size:
            found = self._log.entries(self._scanned, min(size, self._scanned + _CHUNK))
            for index, entry in enumerate(found, self._scanned):
                if Envelope.parse(entry).statement().act == "trust-root":
                    self._trust.append((index, entry))
            self._scanned += len(found)
        return [(index, entry) for index, entry in self._trust if index < size]


def _leaf(name: str, promise: Commitment, salts: Mapping[str, bytes], answer: bytes) -> bytes:
    data = _committed(promise) | {"answer": answer}
    return leaf_bytes(name, {label: commit(salts[label], label, data[label]) for label in LABELS})


def _committed(promise: Commitment) -> dict[str, bytes]:
    """What is committed to under each label, but for the answer."""
    documents = {label: canonical(fact) for label, fact in promise.facts.items()}
    return documents | {"request": promise.request, "weights": str(promise.weights).encode()}


def _openings(promise: Commitment, salts: Mapping[str, bytes]) -> dict[str, Opening]:
    data = _committed(promise)
    return {label: Opening(salts[label], None if label in _BROUGHT else data[label]) for label in LABELS}


def _transcript(promise: Commitment, salts: Mapping[str, bytes], answer: bytes | None) -> dict[str, Any]:
    return {
        "model": promise.model,
        "weights": str(promise.weights),
        "request": encode64(promise.request),
        "facts": dict(promise.facts),
        "salts": {label: encode64(salt) for label, salt in salts.items()},
        "answer": None if answer is None else encode64(answer),
    }


def _read_transcript(value: dict[str, Any]) -> tuple[Commitment, dict[str, bytes], bytes | None]:
    request, answer = decode64(value["request"]), value["answer"]
    promise = Commitment(value["model"], Digest.parse(value["weights"]), request, value["facts"])
    salts = {label: decode64(salt) for label, salt in value["salts"].items()}
    return promise, salts, None if answer is None else decode64(answer)


def _file(place: int, held: BatchRow, leaves: list[bytes], openings: Mapping[str, Opening]) -> bytes:
    proof = json.loads(held.proof or b"{}")
    return assemble(
        leaves[place],
        batch(leaves).paths[place],
        place=place,
        count=len(leaves),
        batch_entry=_logged(held.entry, proof),
        trust=[_logged(decode64(root["entry"]), root) for root in proof["trust"]],
        checkpoint=proof["checkpoint"],
        openings=openings,
    )


def _logged(entry: bytes, proof: Mapping[str, Any]) -> Logged:
    return Logged(entry, proof["index"], [decode64(hash_) for hash_ in proof["proof"]])
