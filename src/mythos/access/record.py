"""Decisions that can be proven later: salted records, one Merkle root for each minute and hub.

A record holds what the decision read and what it said, and 16 random bytes, so its leaf hash tells nothing
to someone who was not shown the record. The hub keeps the records and logs a `decision-root`; to prove one
decision it shows that record and an inclusion proof. The minute stands inside the record: it cannot be moved.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from mythos.access.decide import Decision
from mythos.access.follow import DirectiveSet
from mythos.access.people import NONE, Entities, Entity, Person, person
from mythos.errors import AccessError, MythosError, NotIncludedError
from mythos.evidence.merkle import inclusion_proof, leaf_hash, root, verify_inclusion
from mythos.evidence.note import decode64, encode64
from mythos.evidence.predicates import DecisionRoot
from mythos.evidence.statement import canonical, fields, integer, items, parse_canonical, text
from mythos.units import Digest, Instant

MINUTE: Final = 60_000_000
RECORD_LIMIT: Final = 1 << 18


def minute_of(instant: Instant) -> Instant:
    """The beginning of an instant's minute (UTC)."""
    return Instant(instant.micros - instant.micros % MINUTE)


@dataclass(frozen=True, slots=True)
class Record:
    """One decision with all that it was taken from, so that anyone who is shown it can take it again."""

    hub: str
    request: str
    model: str
    act: str
    lo: Instant
    hi: Instant
    size: int
    head: Digest
    log_size: int
    """How many entries of the log the hub had read, for names and derivations of models."""
    person: Person
    chain: tuple[Entity, ...]
    """The lines of the person's entity and its ancestors, as far as the hub knew them."""
    decision: Decision
    salt: str

    @classmethod
    def of(
        cls,
        held: DirectiveSet,
        entities: Entities,
        person: Person,
        decision: Decision,
        *,
        hub: str,
        request: str,
        model: str,
        act: str,
        lo: Instant,
        hi: Instant,
        log_size: int,
        salt: str | None = None,
    ) -> Record:
        """Keep a decision just taken; `salt` is 32 hex digits, drawn when not given."""
        return cls(
            hub=hub,
            request=request,
            model=model,
            act=act,
            lo=lo,
            hi=hi,
            size=held.size,
            head=held.head,
            log_size=log_size,
            person=person,
            chain=ancestry(person, entities),
            decision=decision,
            salt=secrets.token_hex(16) if salt is None else salt,
        )

    @property
    def minute(self) -> Instant:
        """The minute whose root holds it: that of `lo`."""
        return minute_of(self.lo)

    def to_bytes(self) -> bytes:
        """The exact bytes of the leaf."""
        return canonical(
            {
                "hub": self.hub,
                "request": self.request,
                "model": self.model,
                "act": self.act,
                "minute": str(self.minute),
                "lo": str(self.lo),
                "hi": str(self.hi),
                "size": self.size,
                "head": str(self.head),
                "logSize": self.log_size,
                "person": self.person.to_dict(),
                "chain": [entity.to_dict() for entity in self.chain],
                "answer": self.decision.to_dict(self.person.id),
                "salt": self.salt,
            }
        )

    @property
    def leaf(self) -> bytes:
        """Its leaf hash."""
        return leaf_hash(self.to_bytes())

    @classmethod
    def parse(cls, data: bytes) -> Record:
        """Read a record; `Record.parse(r.to_bytes()) == r`, and any other bytes are refused."""
        try:
            value = cast("dict[str, Any]", parse_canonical(data, RECORD_LIMIT))
            answer = value["answer"]
            record = cls(
                hub=text(value["hub"], what="hub"),
                request=text(value["request"], what="request"),
                model=text(value["model"], what="model"),
                act=text(value["act"], what="act"),
                lo=Instant.parse(value["lo"]),
                hi=Instant.parse(value["hi"]),
                size=integer(value["size"], what="size"),
                head=Digest.parse(value["head"]),
                log_size=integer(value["logSize"], what="logSize"),
                person=person(value["person"]),
                chain=tuple(Entity(**line) for line in value["chain"]),
                decision=Decision(
                    answer["reason"], answer["directive"], tuple(answer["needs"]), answer["cite"]
                ),
                salt=value["salt"],
            )
            salt = bytes.fromhex(record.salt)
            sound = len(salt) >= 16 and salt.hex() == record.salt and record.to_bytes() == data
        except (MythosError, KeyError, TypeError, ValueError) as error:
            raise AccessError("not a decision record", found=str(error)[:200]) from error
        if not sound:
            raise AccessError("not a decision record in its one spelling, with a salt of 16 bytes")
        return record


def ancestry(person: Person, entities: Entities) -> tuple[Entity, ...]:
    """The known lines from a person's entity upwards."""
    lines: list[Entity] = []
    at = person.facts.entity
    while at is not None and at != NONE and at in entities.lines:
        lines.append(entities.lines[at])
        at = lines[-1].parent
    return tuple(lines)


def minute_root(records: Sequence[Record]) -> DecisionRoot:
    """The predicate over the records of one minute of one hub, in their order."""
    if len({(record.hub, record.minute) for record in records}) != 1:
        raise AccessError("not one minute of one hub", expected="records that share both")
    first = records[0]
    tree = Digest(root([record.leaf for record in records]))
    return DecisionRoot(first.hub, first.minute, first.minute.plus(60), tree, len(records))


def prove(records: Sequence[Record], request: str) -> bytes:
    """The proof of one decision: its record and the path to the root of its minute.

    Args:
        records: a hub's records; those of the decision's minute, whole and in their order, are used.
        request: which decision.

    Raises:
        AccessError: no record, or several, of that request.
    """
    found = [record for record in records if record.request == request]
    if len(found) != 1:
        raise AccessError("no such decision", expected=f"one record of {request!r}", found=f"{len(found)}")
    [record] = found
    minute = [other for other in records if (other.hub, other.minute) == (record.hub, record.minute)]
    index = minute.index(record)
    hashes = inclusion_proof([other.leaf for other in minute], index)
    return canonical(
        {
            "record": encode64(record.to_bytes()),
            "index": index,
            "hashes": [encode64(step) for step in hashes],
        }
    )


def open_proof(proof: bytes, root_of: Callable[[str, Instant], DecisionRoot | None]) -> Record:
    """The decision that a proof proves under a logged root.

    Args:
        proof: what `prove` made.
        root_of: the logged root of a hub's minute.

    Raises:
        EvidenceError: not a proof, no root was logged for its minute, or the path does not lead there.
        AccessError: the record is not one.
    """
    document = fields(parse_canonical(proof, RECORD_LIMIT * 2), "record", "index", "hashes", what="the proof")
    record = Record.parse(decode64(text(document["record"], what="record")))
    logged = root_of(record.hub, record.minute)
    if logged is None:
        raise NotIncludedError("no root was logged for this minute", found=f"{record.hub} {record.minute}")
    hashes = [decode64(text(step, what="a hash")) for step in items(document["hashes"], what="hashes")]
    index = integer(document["index"], what="index")
    verify_inclusion(record.leaf, index, logged.count, hashes, logged.root.value)
    return record
