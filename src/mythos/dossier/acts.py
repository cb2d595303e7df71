"""The log's entries as acts: who is proven to have signed, and whether those may say it.

Nothing is dropped. An entry that is malformed, in a version this release does not know, signed wrongly or by
keys that the trust root of that moment does not name for the act is kept with its reason in `distrust`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, cast

from mythos import strict_yaml
from mythos.errors import EvidenceError
from mythos.evidence.merkle import leaf_hash
from mythos.evidence.policy import Entry
from mythos.evidence.predicates import PREDICATES
from mythos.evidence.statement import PREDICATE_BASE, Json, Subject
from mythos.evidence.verify import Report
from mythos.units import Digest


def load(name: str) -> dict[str, Any]:
    """A YAML file of this room."""
    path = files("mythos.dossier").joinpath(name)
    return cast("dict[str, Any]", strict_yaml.loads(path.read_bytes(), where=name))


KINDS: Final = load("acts.yaml")
"""How each kind of act is shown, in the order of a model's life."""


@dataclass(frozen=True, slots=True)
class Act:
    """One entry of the log; `leaf` is its leaf hash, the name by which later acts refer to it.

    `distrust` is empty for an act that counts, else a code that `words.yaml` explains. `organisations` are
    those that answer for the proven signers; for a grant, also those whose approvals it rests on.
    """

    index: int
    leaf: Digest
    kind: str
    subjects: tuple[Subject, ...]
    predicate: Json
    signers: tuple[str, ...]
    organisations: tuple[str, ...]
    distrust: str

    def about(self, digests: Collection[Digest]) -> bool:
        """Whether the act is about any of these."""
        return any(subject.digest in digests for subject in self.subjects)


def read(entries: Sequence[bytes], report: Report) -> tuple[Act, ...]:
    """Every entry of a log as an act, as the verifier judged it."""
    judged = {entry.index: entry for entry in report.entries}
    wrong = {problem.where: problem.code for problem in report.problems}
    holders: dict[str, str] = {}
    approvals: dict[str, tuple[str, ...]] = {}
    acts: list[Act] = []
    for index, data in enumerate(entries):
        if (entry := judged.get(index)) is None:
            code = wrong.get(f"entry {index}", "malformed")
            acts.append(Act(index, Digest(leaf_hash(data)), "?", (), {}, (), (), code))
            continue
        if entry.trusted and entry.act == "trust-root":
            keys = cast("dict[str, dict[str, str]]", entry.statement.predicate["keys"])
            holders |= {keyid: key["organisation"] for keyid, key in keys.items()}
        act = _act(entry, holders, approvals)
        acts.append(act)
        if act.kind == "approval" and not act.distrust:
            approvals[str(act.leaf)] = act.organisations
    return tuple(acts)


def _act(entry: Entry, holders: dict[str, str], approvals: dict[str, tuple[str, ...]]) -> Act:
    statement = entry.statement
    behind = [holders[name] for name in entry.signers if name in holders]
    kind = statement.act or ""
    if kind in PREDICATES:
        distrust = "" if entry.trusted else "not_trusted"
        try:
            PREDICATES[kind].of(statement)
        except EvidenceError:
            distrust = "malformed"
        if kind == "grant" and not distrust:
            behind += [o for a in statement.predicate["approvals"] for o in approvals.get(a["leaf"], ())]
    else:
        kind = statement.predicate_type.removeprefix(PREDICATE_BASE)
        distrust = "unknown_version" if kind.split("/")[0] in PREDICATES else "unknown_act"
    return Act(
        index=entry.index,
        leaf=Digest(entry.leaf),
        kind=kind,
        subjects=statement.subjects,
        predicate=statement.predicate,
        signers=entry.signers,
        organisations=tuple(dict.fromkeys(behind)),
        distrust=distrust,
    )
