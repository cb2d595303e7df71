"""What a hub holds of the log about people and models: it only ever grows, and survives a power cut.

Directives come as links of their chain (`mythos.access.follow`); beside them come the entries that say who
may speak and what models are called: trust roots, identities, derivations. Every one of them proves itself:
nothing is believed because of who carried it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from mythos.access.follow import DirectiveSet, Link
from mythos.access.lineage import Lineage
from mythos.errors import AccessError, EvidenceError, MythosError
from mythos.evidence.note import VerifyKey, decode64, encode64
from mythos.evidence.policy import Policy, Trust, admit
from mythos.evidence.predicates import Derivation, ModelIdentity
from mythos.evidence.statement import Envelope, canonical, parse_canonical
from mythos.files import write_atomic
from mythos.hub.enforcement_wire import News

__all__ = ["FOLLOWED", "Followed"]

FOLLOWED: Final = frozenset({"trust-root", ModelIdentity.NAME, Derivation.NAME})
"""Acts that travel whole beside the directives."""

_OWNER: Final = "owner"
_SET: Final = "directives.json"
_BESIDE: Final = "directives-beside.json"
_LIMIT: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Followed:
    """A value; `take` yields the next one.

    Attributes:
        policy: who may sign the first trust root.
        held: the chain of directives.
        entries: the other entries, by their index of the log.
        size: how many entries of the log the owner had read when it told us.
        refused: why links were refused, the newest last; they changed nothing.
    """

    policy: Policy
    held: DirectiveSet = field(default_factory=DirectiveSet)
    entries: tuple[tuple[int, bytes], ...] = ()
    size: int = 0
    trusts: tuple[tuple[int, Trust], ...] = ()
    lineage: Lineage = field(default_factory=Lineage)
    refused: tuple[str, ...] = ()

    def owners(self) -> list[VerifyKey]:
        """The keys that may sign leases and news now: those of the role `owner`."""
        trust = self.trusts[-1][1] if self.trusts else None
        role = trust.roles.get(_OWNER) if trust else None
        return [] if trust is None or role is None else [trust.keys[name] for name in sorted(role.keys)]

    def trust_at(self, index: int) -> Trust:
        """The trust root in force at an index of the log; raises `EvidenceError` before the first."""
        place = bisect_right(self.trusts, index, key=lambda item: item[0])
        if not place:
            raise EvidenceError(f"no trust root is in force at index {index}")
        return self.trusts[place - 1][1]

    def learn(self, entries: Iterable[tuple[int, bytes]]) -> Followed:
        """Take trust roots, identities and derivations; those held already are passed over.

        Raises:
            EvidenceError, AccessError: one that does not hold.
        """
        known = {index for index, _ in self.entries}
        news = sorted((index, data) for index, data in entries if index not in known)
        if not news:
            return self
        trusts = list(self.trusts)
        for index, data in news:
            if self.entries and index < self.entries[-1][0]:
                raise EvidenceError("an entry from before what is held", found=str(index))
            entry, after = admit(self.policy, trusts[-1][1] if trusts else None, index, data)
            if not entry.trusted or entry.act not in FOLLOWED:
                raise EvidenceError("an entry that nobody asked for", found=str(entry.act))
            if entry.act == "trust-root":
                trusts.append((index, after))
        held = (*self.entries, *news)
        return replace(self, entries=held, trusts=tuple(trusts), lineage=_lineage(held))

    def take(self, news: News) -> tuple[Followed, str, str]:
        """Take news: the state after it, `applied`, `nothing`, `gap` or `fork`, and why.

        Raises:
            EvidenceError, FormatError, AccessError: news that is not sound; nothing was taken.
        """
        after, outcome = self.learn(news.entries), "nothing"
        for value in news.links:
            link = Link.from_dict(value)
            step = after.held.apply(link, after.trust_at(link.index))
            match step.outcome:
                case "applied":
                    after, outcome = replace(after, held=step.after), "applied"
                case "refused":
                    reason = f"place {link.position}: {step.reason}"
                    after = replace(after, refused=(*after.refused, reason)[-100:])
                    break
                case "gap" | "fork":
                    return after, step.outcome, step.reason
                case "replayed":
                    continue
        return replace(after, size=max(self.size, news.size)), outcome, ""

    def save(self, folder: Path, saved: Followed) -> None:
        """Make it durable; only then may the set be acknowledged. `saved` is what the folder holds."""
        if self.entries != saved.entries:
            entries = [[index, encode64(data)] for index, data in self.entries]
            write_atomic(folder / _BESIDE, canonical({"entries": entries}), mode=0o600)
        self.held.save(folder / _SET)

    @classmethod
    def load(cls, folder: Path, policy: Policy) -> Followed:
        """What was saved; nothing when nothing was.

        Raises:
            AccessError: the files are damaged or were tampered with.
        """
        empty = cls(policy)
        if not (folder / _SET).exists():
            return empty
        try:
            document: Any = parse_canonical((folder / _BESIDE).read_bytes(), _LIMIT)
            state = empty.learn((int(index), decode64(data)) for index, data in document["entries"])
            held = DirectiveSet.from_bytes((folder / _SET).read_bytes(), state.trust_at)
            size = max(held.size, state.entries[-1][0] + 1 if state.entries else 0)
            return replace(state, held=held, size=size)
        except (MythosError, OSError, KeyError, TypeError, ValueError) as error:
            raise AccessError(
                f"what this hub held of the directives is damaged: {folder / _SET}",
                found=str(error)[:300],
                advice="Move the file away; the owner then has to admit the hub again "
                "(mythos directive serve --readmit HUB).",
            ) from error


def _lineage(entries: tuple[tuple[int, bytes], ...]) -> Lineage:
    names: list[tuple[str, str]] = []
    parents: list[tuple[str, list[str]]] = []
    for _, data in entries:
        statement = Envelope.parse(data).statement()
        subject = str(statement.subjects[0].digest)
        if statement.act == ModelIdentity.NAME:
            names.append((ModelIdentity.of(statement).name, subject))
        elif statement.act == Derivation.NAME:
            parents.append((subject, [str(parent.weights) for parent in Derivation.of(statement).parents]))
    return Lineage.of(names, parents)
