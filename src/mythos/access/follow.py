"""The directives a hub follows: a hash chain inside the log that only ever grows.

Every directive in the log is one link. A link names the head before it, so a hub that holds a head knows
whether what arrives extends it, was there already, left something out, or belongs to another history:

    applied    it extends the head; the new set is in force, and must be on disk before it is acknowledged
    replayed   it is held already, byte for byte; nothing changes
    gap        links before it are missing: pull from `len(set.links)`
    refused    nobody whom the trust root names for this authority signed it; nothing changes
    fork       the place is held by another signed link, or it continues another history: stop serving

Links come over the owner's authenticated channel: what says where a link stands is not signed, its leaf is.

The set's version is the log index of its last link. There is no way back: no step yields a shorter set.
A link that is signed but wrong (an id that stands with other content, an unknown id in `supersedes`) is
*void*: it stands in the chain and changes nothing, and everyone who folds the log finds the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, cast

from mythos.access.directive import Directive
from mythos.access.directives import Directives
from mythos.errors import AccessError, EvidenceError, FormatError, InputError, MythosError
from mythos.evidence.merkle import leaf_hash
from mythos.evidence.note import decode64, encode64
from mythos.evidence.policy import Trust
from mythos.evidence.predicates import Directive as Act
from mythos.evidence.predicates import DirectiveAcknowledgement
from mythos.evidence.statement import Envelope, canonical, parse_canonical
from mythos.files import write_atomic
from mythos.units import Digest, Instant

GENESIS: Final = Digest.of(b"mythos directive chain v1\n")
STATE_LIMIT: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Link:
    """A directive as it travels: its place in the chain and in the log, the head before it, its exact leaf.

    `document` is set when the statement holds the digest alone (a large or a confidential document).
    """

    position: int
    index: int
    before: Digest
    leaf: bytes
    document: bytes | None = None

    @property
    def head(self) -> Digest:
        """The head after it."""
        return Digest.of(self.before.value + self.index.to_bytes(8) + leaf_hash(self.leaf))

    def to_dict(self) -> dict[str, Any]:
        """How a link travels and how it is kept."""
        return {
            "position": self.position,
            "index": self.index,
            "before": str(self.before),
            "leaf": encode64(self.leaf),
            "document": None if self.document is None else encode64(self.document),
        }

    @classmethod
    def from_dict(cls, value: Any) -> Link:
        """The inverse of `to_dict`; raises `FormatError`."""
        try:
            document = value["document"]
            return cls(
                int(value["position"]),
                int(value["index"]),
                Digest.parse(value["before"]),
                decode64(value["leaf"]),
                None if document is None else decode64(document),
            )
        except (KeyError, TypeError, ValueError, InputError, EvidenceError) as error:
            raise FormatError("not a link of the directive chain", found=repr(value)[:120]) from error


@dataclass(frozen=True, slots=True)
class Step:
    """What came of a link, and the set after it (the same one, unless it was applied)."""

    outcome: Literal["applied", "replayed", "gap", "refused", "fork"]
    after: DirectiveSet
    directive: Directive | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DirectiveSet:
    """What a hub holds. A value: `apply` yields the next one."""

    links: tuple[Link, ...] = ()
    law: Directives = field(default_factory=lambda: Directives({}))
    void: tuple[tuple[int, str], ...] = ()
    """Log indexes of void links, and why."""
    issued: tuple[tuple[int, Instant], ...] = ()
    """Log indexes and when each directive says that it was issued."""

    @property
    def head(self) -> Digest:
        """The hash over everything held."""
        return self.links[-1].head if self.links else GENESIS

    @property
    def size(self) -> int:
        """The version: one more than the log index of the last link; 0 before the first."""
        return self.links[-1].index + 1 if self.links else 0

    def apply(self, link: Link, trust: Trust) -> Step:
        """Judge a link.

        Args:
            link: as it arrived.
            trust: the trust root in force at the link's index of the log.
        """
        place = len(self.links)
        held = self.links[link.position] if link.position < place else None
        if held is not None and (link.index, link.before, link.leaf) == (held.index, held.before, held.leaf):
            return Step("replayed", self)
        if link.position > place:
            return Step("gap", self, reason=f"links {place} to {link.position - 1} are missing")
        try:
            act, document = read_link(link, trust)
        except MythosError as error:
            return Step("refused", self, reason=str(error))
        if held is not None or link.before != self.head or link.index < self.size:
            return Step("fork", self, reason=f"the link at place {link.position} is of another history")
        after = replace(self, links=(*self.links, link), issued=(*self.issued, (link.index, act.issued_at)))
        try:
            directive = _directive(act, document)
            return Step("applied", replace(after, law=self.law.plus(link.index, directive)), directive)
        except (AccessError, FormatError) as error:
            reason = str(error)
            return Step("applied", replace(after, void=(*self.void, (link.index, reason))), reason=reason)

    def to_bytes(self) -> bytes:
        """The state file."""
        return canonical({"head": str(self.head), "links": [link.to_dict() for link in self.links]})

    @classmethod
    def from_bytes(cls, data: bytes, trust_at: Callable[[int], Trust]) -> DirectiveSet:
        """Read a state file, link by link.

        Args:
            data: the file.
            trust_at: the trust root in force at an index of the log.

        Raises:
            AccessError: a link is missing, changed or not signed by whom it should be; the file is damaged or
                was tampered with, and the hub starts from an empty set.
        """
        state = cls()
        try:
            document: dict[str, Any] = parse_canonical(data, STATE_LIMIT)
            links = [Link.from_dict(value) for value in cast("list[Any]", document["links"])]
            head = document["head"]
        except (EvidenceError, FormatError, KeyError, TypeError) as error:
            raise AccessError("the directive state is damaged", found=str(error)[:200]) from error
        for link in links:
            step = state.apply(link, trust_at(link.index))
            if step.outcome != "applied":
                raise AccessError("the directive state is damaged", found=f"{step.outcome}: {step.reason}")
            state = step.after
        if str(state.head) != head:
            raise AccessError("the directive state is damaged", expected=str(head), found=str(state.head))
        return state

    def save(self, path: Path) -> None:
        """Write the state durably; only after this may the set be acknowledged or served under."""
        write_atomic(path, self.to_bytes(), mode=0o600)


def acknowledge(
    held: DirectiveSet, hub: str, *, streams_cut: int, persons_refused: int, clock: Instant, now: Instant
) -> DirectiveAcknowledgement:
    """What a hub signs once a set is on disk, in force, and every stream that it refuses has ended.

    Args:
        held: the set in force.
        hub: its name in the grant.
        streams_cut: streams that this set ended.
        persons_refused: persons behind them.
        clock: the earliest instant it may be by the signed lease.
        now: what the hub's own wall clock says; nothing rests on it.
    """
    if not held.links:
        raise InputError("an empty set needs no acknowledgement", expected="at least one link")
    return DirectiveAcknowledgement(
        hub, held.links[-1].index, held.head, streams_cut, persons_refused, clock, now
    )


def read_link(link: Link, trust: Trust) -> tuple[Act, bytes]:
    """The statement of a link and the exact bytes of its document, signed by whom the trust root names.

    Where the trust root has a role of the authority's own name for directives, only that role speaks for it.

    Raises:
        EvidenceError: not a directive's envelope, or the wrong signers.
        AccessError: the document is missing or is not the one that was signed.
    """
    envelope = Envelope.parse(link.leaf)
    signers = envelope.verify(trust.keys.values())
    statement = envelope.statement()
    act = Act.of(statement)
    own = trust.roles.get(act.authority)
    if own is not None and Act.NAME in own.acts:
        speaks = len(own.keys.intersection(signers)) >= own.threshold
    else:
        speaks = trust.may(signers, Act.NAME)
    if not speaks:
        raise AccessError(
            f"nobody who may speak for {act.authority!r} signed this directive",
            expected=f"the role {act.authority!r} of the trust root, or one that may sign directives",
            found=", ".join(envelope.signers)[:200],
        )
    document = link.document if act.document is None else decode64(act.document, what="the document")
    digest = statement.subjects[0].digest
    if document is None or Digest.of(document) != digest:
        raise AccessError(
            "the document of the directive is not here",
            expected=str(digest),
            found="nothing" if document is None else str(Digest.of(document)),
        )
    return act, document


def _directive(act: Act, document: bytes) -> Directive:
    directive = Directive.parse(document, where=f"directive {act.id}")
    if (directive.id, directive.authority) != (act.id, act.authority):
        raise AccessError(
            "the statement and its document name different directives",
            expected=f"{act.id} of {act.authority}",
            found=f"{directive.id} of {directive.authority}",
        )
    return directive
