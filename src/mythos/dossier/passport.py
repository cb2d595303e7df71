"""The passport: what one log knows about one model, and how well it knows it.

Nobody edits a passport. It is a fold over the log's acts about one weights digest and what was derived from
it; the same log gives the same passport, and an act that is not trusted changes nothing but the list of
acts that are not trusted.

"Not revoked" is claimed up to the last witnessed time, and not at all without one or where an act that may
be a revocation is in a version that nobody here can read. The clock is the witnesses', never this machine's.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, cast

from mythos import strict_yaml
from mythos.dossier.acts import KINDS, Act
from mythos.dossier.reach import Reach, State, reaches
from mythos.dossier.values import dig
from mythos.errors import MythosError
from mythos.evidence.statement import Json
from mythos.units import Digest, Instant

WANTED: Final = ("model-identity", "training-compute", "training-run", "evaluation", "determination", "seal")
"""The acts whose absence a reader must be told."""


class Level(StrEnum):
    """How well a fact is known."""

    DECLARED = "declared"
    SIGNED = "signed"
    WITNESSED = "witnessed"
    COUNTED = "counted"
    ATTESTED = "attested"


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The quorum that the reader's policy asks for cosigned this head: who, and when at the latest."""

    at: Instant
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One field of one act."""

    field: str
    value: Any
    level: Level
    kind: str
    index: int


@dataclass(frozen=True, slots=True)
class Passport:
    """Everything the log says about `weights`. `acts` holds those acts in order, trusted or not."""

    weights: Digest
    name: str
    version: str
    size: int
    witnessed: Witnessed | None
    family: tuple[Digest, ...]
    parents: tuple[Digest, ...]
    acts: tuple[Act, ...]
    facts: tuple[Fact, ...]
    reach: tuple[Reach, ...]
    revocations: tuple[Act, ...]
    missing: tuple[str, ...]

    @property
    def trusted(self) -> tuple[Act, ...]:
        """The acts that count."""
        return tuple(act for act in self.acts if not act.distrust)

    @property
    def distrusted(self) -> tuple[Act, ...]:
        """The acts that are kept and shown, and change nothing."""
        return tuple(act for act in self.acts if act.distrust)

    @property
    def clear_until(self) -> Instant | None:
        """The time up to which no revocation stands in the log; `None` when that cannot be claimed."""
        hidden = any(act.kind.partition("/")[0] in {"revocation", "?"} for act in self.distrusted)
        return self.witnessed.at if self.witnessed and not hidden and not self.revocations else None

    def of(self, kind: str) -> list[Act]:
        """The trusted acts of a kind, without those about derived weights."""
        derived = self.family[1:]
        return [act for act in self.trusted if act.kind == kind and not act.about(derived)]


def fold(log: Sequence[Act], weights: Digest, witnessed: Witnessed | None) -> Passport:
    """Read the passport of `weights` out of the whole log, in order.

    Args:
        log: every entry, as `mythos.dossier.acts.read` gives them.
        weights: the model's root digest.
        witnessed: what the reader's own policy found on the head; `None` when the quorum is not met.
    """
    trusted = [act for act in log if not act.distrust]
    family, parents = _lineage(trusted, weights)
    chosen = _about(log, trusted, set(family))
    kept = [act for act in chosen if not act.distrust]
    own = [act for act in kept if act.about({weights})]
    identity = next((a.predicate for a in reversed(own) if a.kind == "model-identity"), Json())
    reach = reaches(trusted, set(family))
    return Passport(
        weights=weights,
        name=identity.get("name", ""),
        version=identity.get("version", ""),
        size=len(log),
        witnessed=witnessed,
        family=family,
        parents=parents,
        acts=tuple(chosen),
        facts=tuple(fact for act in kept for fact in facts(act)),
        reach=reach,
        revocations=tuple(act for act in kept if act.kind == "revocation"),
        missing=_missing(own, reach, witnessed),
    )


def facts(act: Act) -> list[Fact]:
    """The facts of one act: each field that its row names and that is not empty."""
    values = ((field, dig(act.predicate, field)) for field in KINDS[act.kind]["fields"])
    return [
        Fact(field, value, level(act, field), act.kind, act.index)
        for field, value in values
        if value not in (None, [], "")
    ]


def level(act: Act, field: str) -> Level:
    """How well a field of an act is known; the digest an act is about is its signer's own."""
    rule: Any = KINDS[act.kind]["level"]
    named = rule if isinstance(rule, str) else rule.get(act.predicate[rule["by"]], "declared")
    found = Level.SIGNED if field.startswith("@") else Level(named)
    return Level.WITNESSED if found is Level.SIGNED and len(act.organisations) > 1 else found


def when(act: Act) -> str:
    """The time an act states, or nothing when it states none that this version can read."""
    names: Any = KINDS[act.kind]["time"] if act.kind in KINDS else []
    listed = [names] if isinstance(names, str) else names
    return next((str(act.predicate[name]) for name in listed if act.predicate.get(name)), "")


def _lineage(acts: Sequence[Act], weights: Digest) -> tuple[tuple[Digest, ...], tuple[Digest, ...]]:
    """The weights with everything derived from them, and what they were themselves made from."""
    edges = [
        (Digest.parse(parent["weights"]), child.digest)
        for act in acts
        if act.kind == "derivation"
        for parent in act.predicate["parents"]
        for child in act.subjects
    ]
    family = {weights: None}
    for _ in edges:
        found = {child: None for parent, child in edges if parent in family}
        if found.keys() <= family.keys():
            break
        family |= found
    return tuple(family), tuple(dict.fromkeys(parent for parent, child in edges if child == weights))


def _about(log: Sequence[Act], trusted: Sequence[Act], family: set[Digest]) -> list[Act]:
    """The acts that concern the family: by subject, by the data it was trained on, by name, grant or hub."""
    own = [act for act in trusted if act.about(family)]
    names = {act.predicate["name"] for act in own if act.kind == "model-identity"}
    data = {Digest.parse(d) for act in own if act.kind == "training-run" for d in act.predicate["datasets"]}
    grants = {str(act.leaf): act.predicate["request"]["hub"]["name"] for act in own if act.kind == "grant"}
    others = {s.digest for act in trusted if act.kind == "model-identity" for s in act.subjects} - family
    orders = {a.index for a in trusted if a.kind == "directive" and _orders(a.predicate, family, names)}

    def concerns(act: Act) -> bool:
        body = act.predicate
        if act.about(family | data) or body.get("grant") in grants:
            return True
        if act.distrust:
            revokes = act.kind.partition("/")[0] == "revocation"  # of what, only its version can say
            return not act.subjects or (revokes and not act.about(others))
        match act.kind:
            case "directive":
                return act.index in orders
            case "directive-acknowledgement":
                return body["index"] in orders
            case "decision-root":
                return body["hub"] in grants.values()
            case "takedown":
                return not family.isdisjoint(map(Digest.parse, body["models"]))
            case _:
                return act.kind in {"trust-root", "screening-disposition"}

    return [act for act in log if concerns(act)]


def _orders(body: Json, family: Collection[Digest], names: Collection[str]) -> bool:
    """Whether a directive may name this model; one that cannot be read here may."""
    try:
        order = strict_yaml.loads(base64.b64decode(body["document"] or "", validate=True), where="directive")
        models = {str(model) for model in cast("dict[str, list[Any]]", order)["models"]}
    except (MythosError, ValueError, KeyError, TypeError):
        return True
    return not models.isdisjoint({"*", *names, *map(str, family)})


def _missing(acts: Sequence[Act], reach: Sequence[Reach], witnessed: Witnessed | None) -> tuple[str, ...]:
    """Codes of what a reader would look for and does not find; `words.yaml` has the sentences."""
    kinds = {act.kind for act in acts}
    needs = any(act.predicate["needs"] for act in acts if act.kind == "determination")
    partial = any(not act.predicate["complete"] for act in acts if act.kind == "training-compute")
    ended = witnessed is not None and any(r.state(witnessed.at) is State.ENDED for r in reach)
    found = {
        **{f"no-{kind}": kind not in kinds for kind in WANTED},
        "no-witness": witnessed is None,
        "needs-facts": needs,
        "compute-incomplete": partial,
        "no-wiped": ended,
    }
    return tuple(code for code, holds in found.items() if holds)
