"""What the log says about access, in one pass: the directives, who acknowledged them, what models are called.

The owner's service, `mythos directive status` and an auditor's replay all fold the same entries with this
one function, so they find the same set, the same void links and the same silences.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from mythos.access.follow import DirectiveSet, Link
from mythos.access.lineage import Lineage
from mythos.errors import EvidenceError, MythosError
from mythos.evidence.client import LogClient
from mythos.evidence.note import VerifyKey
from mythos.evidence.policy import Entry, Policy, Trust, admit
from mythos.evidence.predicates import (
    DecisionRoot,
    Derivation,
    Directive,
    DirectiveAcknowledgement,
    Grant,
    Lease,
    ModelIdentity,
    Wiped,
)
from mythos.units import Digest, Instant

Documents = Callable[[Digest], bytes | None]

_FOLLOWED: Final = {
    kind.NAME: kind
    for kind in (
        DecisionRoot,
        Derivation,
        Directive,
        DirectiveAcknowledgement,
        Grant,
        Lease,
        ModelIdentity,
        Wiped,
    )
}


@dataclass(slots=True)
class Hub:
    """A hub that grants name: its signing key, until when each grant lets it serve, and what it signed."""

    key: str
    grants: dict[Digest, Instant] = field(default_factory=dict[Digest, Instant])
    acknowledged: list[DirectiveAcknowledgement] = field(default_factory=list[DirectiveAcknowledgement])
    roots: list[DecisionRoot] = field(default_factory=list[DecisionRoot])

    def serves(self, now: Instant) -> bool:
        """Some grant's lease has not ended."""
        return any(now < until for until in self.grants.values())


@dataclass(slots=True)
class Ledger:
    """A fold over the log; give it every entry in order.

    Attributes:
        policy: whom the reader trusts.
        documents: finds the bytes of a directive whose statement holds the digest alone.
        held: the directives so far, as every hub should hold them.
        hubs: by name.
        problems: entries that nobody trusted signed, or that contradict what is held; they change nothing.
    """

    policy: Policy
    documents: Documents = lambda _digest: None
    held: DirectiveSet = field(default_factory=DirectiveSet)
    size: int = 0
    hubs: dict[str, Hub] = field(default_factory=dict[str, Hub])
    problems: list[str] = field(default_factory=list[str])
    _trusts: list[tuple[int, Trust]] = field(default_factory=list[tuple[int, Trust]])
    _names: list[tuple[int, str, str]] = field(default_factory=list[tuple[int, str, str]])
    _parents: list[tuple[int, str, list[str]]] = field(default_factory=list[tuple[int, str, list[str]]])

    @classmethod
    def read(cls, policy: Policy, entries: Iterable[bytes], documents: Documents | None = None) -> Ledger:
        """Fold a whole log from index 0."""
        ledger = cls(policy, documents) if documents else cls(policy)
        for data in entries:
            ledger.add(data)
        return ledger

    @classmethod
    def fetch(cls, client: LogClient, policy: Policy, documents: Documents | None = None) -> Ledger:
        """Fold the log that a service holds now."""
        return cls.read(policy, client.entries(0, client.status()["acknowledged"]), documents)

    def add(self, data: bytes) -> None:
        """Take the next entry."""
        index, self.size = self.size, self.size + 1
        before = self._trusts[-1][1] if self._trusts else None
        try:
            entry, after = admit(self.policy, before, index, data)
            if after is not before:
                self._trusts.append((index, after))
            if entry.trusted and entry.act in _FOLLOWED:
                self._fold(entry, _FOLLOWED[entry.act].of(entry.statement), after)
        except MythosError as error:
            self.problems.append(f"entry {index}: {error}")

    def trust_at(self, index: int) -> Trust:
        """The trust root in force at an index of the log."""
        place = bisect_right(self._trusts, index, key=lambda item: item[0])
        if not place:
            raise EvidenceError(f"no trust root is in force at index {index}")
        return self._trusts[place - 1][1]

    def lineage_at(self, size: int) -> Lineage:
        """Names and parents as the first `size` entries tell them."""
        return Lineage.of(
            [(name, digest) for at, name, digest in self._names if at < size],
            [(digest, parents) for at, digest, parents in self._parents if at < size],
        )

    def _fold(self, entry: Entry, act: Any, trust: Trust) -> None:
        subject = str(entry.statement.subjects[0].digest)
        match act:
            case Directive():
                self._follow(entry, act, trust)
            case ModelIdentity():
                self._names.append((entry.index, act.name, subject))
            case Derivation():
                self._parents.append((entry.index, subject, [str(parent.weights) for parent in act.parents]))
            case Grant():
                key = VerifyKey.parse(act.request.hub.key).id
                hub = self.hubs.setdefault(act.request.hub.name, Hub(key))
                hub.key = key
                hub.grants[Digest(entry.leaf)] = act.request.not_after
            case Lease() | Wiped():  # a revocation ends renewals, not what is open
                for hub in self.hubs.values():
                    if act.grant in hub.grants and hub.key in entry.signers:
                        hub.grants[act.grant] = act.until if isinstance(act, Lease) else act.wiped_at
            case DirectiveAcknowledgement() | DecisionRoot():
                hub = self.hubs.setdefault(act.hub, Hub(entry.signers[0]))
                if hub.key not in entry.signers:
                    self.problems.append(f"entry {entry.index}: not signed by the hub {act.hub!r}")
                elif isinstance(act, DecisionRoot):
                    hub.roots.append(act)
                else:
                    hub.acknowledged.append(act)
            case _:
                pass

    def _follow(self, entry: Entry, act: Directive, trust: Trust) -> None:
        document = None if act.document is not None else self.documents(entry.statement.subjects[0].digest)
        link = Link(len(self.held.links), entry.index, self.held.head, entry.data, document)
        step = self.held.apply(link, trust)
        self.held = step.after
        if step.reason:
            self.problems.append(f"entry {entry.index}: {step.reason}")


def status(ledger: Ledger, directive: str, now: Instant) -> dict[str, Any] | None:
    """How far a directive reached; `None` when the log holds no such directive.

    A hub acknowledged it when it signed for it or for a later one, with the head that the log gives. A hub
    that did not is `red` until its lease has ended, then `stopped`.
    """
    links = ledger.held.links
    index = next((at for at, known in ledger.held.law.known.items() if known.id == directive), None)
    if index is None:
        return None
    heads = {link.index: link.head for link in links}
    rows: list[dict[str, Any]] = []
    for name, hub in sorted(ledger.hubs.items()):
        signed = [act for act in hub.acknowledged if act.index >= index]
        good = [act for act in signed if heads.get(act.index) == act.head]
        first = good[0] if good else None
        if first is None and not hub.serves(now) and not signed:
            state = "stopped"
        else:
            state = "green" if first and len(good) == len(signed) else "red"
        rows.append(
            {
                "hub": name,
                "acknowledged_at": first and str(first.acknowledged_at),
                "streams_cut": first and first.streams_cut,
                "persons_refused": first and first.persons_refused,
                "state": state,
            }
        )
    issued_at = next(at for place, at in ledger.held.issued if place == index)
    complete = all(row["state"] != "red" for row in rows)
    return {"issued_at": str(issued_at), "hubs": rows, "complete": complete, "index": index}
