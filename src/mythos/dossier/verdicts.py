"""The six questions a lawyer asks first, answered from the passport alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from mythos.dossier.acts import Act
from mythos.dossier.passport import Passport, level
from mythos.dossier.reach import Reach, State
from mythos.dossier.values import show
from mythos.dossier.words import Phrase, phrase

Tone = Literal["good", "open", "bad", "plain"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A question, its answer, how it reads (`good`, `open`, `bad`, `plain`), and the acts it rests on."""

    question: str
    tone: Tone
    answer: Phrase
    acts: tuple[int, ...] = ()


def verdicts(passport: Passport) -> tuple[Verdict, ...]:
    """The verdicts, in the order they are shown."""
    return (
        _identity(passport),
        *_law(passport),
        _readable(passport),
        _revoked(passport),
        _compute(passport),
        _missing(passport),
    )


def determinations(passport: Passport) -> list[Act]:
    """The newest determination of each route."""
    return list({str(act.predicate["legs"]): act for act in passport.of("determination")}.values())


def _answer(key: str, **values: str | Phrase | tuple[Phrase, ...]) -> Phrase:
    return phrase("verdicts", key, **values)


def _identity(passport: Passport) -> Verdict:
    acts = passport.of("model-identity")
    if not acts:
        return Verdict("identity", "bad", _answer("identity-unknown"))
    answer = _answer(
        "identity-known",
        name=passport.name,
        version=passport.version,
        by=", ".join(acts[-1].organisations),
    )
    return Verdict("identity", "plain", answer, (acts[-1].index,))


def _law(passport: Passport) -> list[Verdict]:
    found = determinations(passport)
    return [_determined(act) for act in found] or [Verdict("law", "open", _answer("law-none"))]


def _determined(act: Act) -> Verdict:
    body = act.predicate
    place = {"route": show(body["legs"]), "on": body["on"]}
    instruments: list[dict[str, Any]] = body["instruments"]
    if body["barred"]:
        return Verdict("law", "bad", _answer("law-barred", **place), (act.index,))
    if body["needs"] or body["review"]:
        counts = {"needs": str(len(body["needs"])), "review": str(len(body["review"]))}
        return Verdict("law", "open", _answer("law-open", **place, **counts), (act.index,))
    applies = sum(item["outcome"] in {"applies", "applies_not_enforced"} for item in instruments)
    counts = {"n": str(len(instruments)), "applies": str(applies)}
    return Verdict("law", "good", _answer("law-clear", **place, **counts), (act.index,))


def _readable(passport: Passport) -> Verdict:
    at = passport.witnessed.at if passport.witnessed else None
    states = [(reach, reach.state(at)) for reach in passport.reach]
    last = tuple(reach.acts for reach in passport.reach)
    if not states:
        return Verdict("reach", "plain", _answer("reach-none"))
    if hubs := tuple(_until(reach) for reach, state in states if state is State.READABLE):
        return Verdict("reach", "plain", _answer("reach-open", hubs=hubs), last)
    if names := ", ".join(reach.hub for reach, state in states if state is State.GRANTED):
        return Verdict("reach", "plain", _answer("reach-granted", hubs=names), last)
    return Verdict("reach", "plain", _answer("reach-over"), last)


def _until(reach: Reach) -> Phrase:
    return _answer("reach-hub", hub=reach.hub, until=show(str(reach.until)))


def _revoked(passport: Passport) -> Verdict:
    if acts := passport.revocations:
        on = show(acts[-1].predicate["revokedAt"])
        return Verdict(
            "revoked", "bad", _answer("revoked-yes", n=str(len(acts)), on=on), tuple(a.index for a in acts)
        )
    if (at := passport.clear_until) is None:
        return Verdict("revoked", "open", _answer("revoked-unknown"))
    return Verdict("revoked", "good", _answer("revoked-no", at=show(str(at))))


def _compute(passport: Passport) -> Verdict:
    acts = passport.of("training-compute")
    if not acts:
        return Verdict("compute", "open", _answer("compute-none"))
    body = acts[-1].predicate
    answer = _answer(
        "compute-known" if body["complete"] else "compute-part",
        flop=show(body["modelFlop"], "FLOP").partition(" (")[0],
        level=phrase("levels", level(acts[-1], "modelFlop")),
        method=body["method"],
        convention=body["convention"],
    )
    return Verdict("compute", "plain" if body["complete"] else "open", answer, (acts[-1].index,))


def _missing(passport: Passport) -> Verdict:
    count = len(passport.missing)
    answer = _answer("missing-some", n=str(count)) if count else _answer("missing-none")
    return Verdict("missing", "open" if count else "good", answer)
