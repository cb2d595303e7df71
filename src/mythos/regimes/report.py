"""A determination as a document and as the predicate of its act; the instruments as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from mythos.evidence.predicates.regimes import Determination as Act
from mythos.evidence.predicates.regimes import Finding as ActFinding
from mythos.evidence.predicates.regimes import Leg as ActLeg
from mythos.evidence.statement import canonical
from mythos.regimes.determine import Determination, Finding, Leg, bars
from mythos.regimes.instrument import Condition
from mythos.regimes.pack import Pack
from mythos.regimes.scalar import text
from mythos.units import Digest, Instant

ACTS: Final = {"weights": "transfer", "api": "access"}
"""What a leg's `transfer` is called in statements."""


def document(determination: Determination, facts: Digest) -> dict[str, Any]:
    """The whole result with its reasoning. For a route, `instruments` is the most binding finding of each."""
    found = bars(determination)
    review = {bar.instrument or "facts" for bar in found if bar.reason in {"needs_review", "contradiction"}}
    legs = [(leg, findings) for leg, findings in determination.legs if leg]
    return {
        "date": str(determination.on),
        "instruments": [_finding(one) for one in determination.findings],
        "legs": [
            {
                "from": leg.from_,
                "to": leg.to,
                "act": leg.act,
                "instruments": [_finding(one) for one in findings],
            }
            for leg, findings in legs
        ],
        "barred": any(bar.reason == "barred" for bar in found),
        "needs": sorted({fact for bar in found for fact in bar.needs}),
        "review": sorted(review),
        "bars": [{**asdict(bar), "needs": list(bar.needs), "review": list(bar.review)} for bar in found],
        "unstated": sorted({fact for one in determination.findings for fact in one.unstated}),
        "unknown_facts": list(determination.strangers),
        "contradictions": list(determination.contradictions),
        "facts": str(facts),
        "pack": str(determination.pack),
    }


def _finding(one: Finding) -> dict[str, Any]:
    instrument = one.instrument
    return {
        "id": instrument.id,
        "outcome": one.outcome,
        "cite": one.cite,
        "title": {"en": instrument.title.en, "ja": instrument.title.ja or instrument.title.en},
        "jurisdiction": instrument.jurisdiction,
        "effect": instrument.effect,
        "enforced": one.outcome != "applies_not_enforced",
        "confidence": one.confidence,
        "obligations": [duty.en for duty in one.obligations],
        "obligations_ja": [duty.ja or duty.en for duty in one.obligations],
        "needs": list(one.needs),
        "review": list(one.review),
        "notes": list(one.notes),
        "directive": instrument.directive,
        "verified_to": str(instrument.verified_to),
        "user": instrument.user,
        "trace": [{**asdict(line), "terms": dict(line.terms)} for line in one.trace],
    }


def act(body: dict[str, Any], legs: Sequence[Leg], now: Instant) -> Act:
    """The predicate of a determination's act, from its document."""
    return Act(
        on=body["date"],
        legs=tuple(ActLeg(leg.from_, leg.to, ACTS.get(leg.act, leg.act)) for leg in legs),
        facts=Digest.parse(body["facts"]),
        document=Digest.of(canonical(body)),
        instruments=tuple(ActFinding(one["id"], one["outcome"], one["cite"]) for one in body["instruments"]),
        barred=body["barred"],
        needs=tuple(body["needs"]),
        review=tuple(body["review"]),
        pack_digest=Digest.parse(body["pack"]),
        decided_at=now,
    )


def _asked(leaf: Condition) -> str:
    if leaf.value_of:
        return leaf.value_of
    values: tuple[Any, ...] = leaf.value if leaf.comparator in {"in", "not_in"} else (leaf.value,)
    return "|".join(text(value) for value in values)


def reference(pack: Pack) -> str:
    """The instruments as a page of Markdown."""
    confidence = "H the text was read, M a good secondary source, L thin, contested or from memory"
    parts = [
        f"# Instruments\n\n{len(pack.instruments)} records. Confidence: {confidence}.\n",
        "Words in quotation marks are the text's own; a reading of it, or of a report of it, has none.\n",
    ]
    for one in pack.instruments:
        read_on = f"checked {one.checked_on}, verified to {one.verified_to}, effect: {one.effect}"
        parts += [
            f"## {one.id}\n\n{one.title.en} / {one.title.ja}\n",
            f"{one.cite} ([source]({one.source})); {read_on}\n",
        ]
        parts += ["| from | state | cite | confidence |\n|---|---|---|---|"]
        parts += [
            f"| {i.from_ or 'not verified'} | {i.state} | {i.cite} | {i.confidence} |" for i in one.status
        ]
        parts += ["\n| clause | asks | words | cite | confidence |\n|---|---|---|---|---|"]
        for clause in one.clauses:
            asks = ", ".join(
                f"`{leaf.fact} {leaf.comparator} {_asked(leaf)}`" for _, leaf in clause.leaves("")
            )
            words = f"“{clause.words}”" if clause.words else clause.reading
            parts += [f"| {clause.kind} | {asks} | {words} | {clause.cite} | {clause.confidence} |"]
        parts += ["", *(f"* Not verified: {gap}" for gap in one.unverified), ""]
    return "\n".join(parts)
