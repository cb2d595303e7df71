"""May this document be used for this purpose, here? Right is per document and purpose; unknown is refused.

    record = Record(source="https://…", licence="Apache-2.0", origin="US", residency=("*",), subject="none")
    decide(record, "train", Place("JP", "JP"), pack, on).words
    # "permitted under pack JP-DATA-2026-11 clause DATA-LICENCE-PERMISSIVE, adopted by Counsel on 2026-11-25"

A bar that applies denies. A bar that cannot be ruled out, for want of a fact, denies and says which fact.
Unsettled words give `needs_review`. Without a clause that permits, nothing is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Final, Literal, get_args

from mythos.data.pack import Pack
from mythos.errors import DataError, InputError, RegimeError
from mythos.evidence.statement import canonical
from mythos.regimes.determine import Finding, evaluate
from mythos.regimes.facts import Facts
from mythos.regimes.shape import read
from mythos.units import Digest

Purpose = Literal["train", "retrieve", "quote", "export"]
Outcome = Literal["allow", "needs_review", "deny"]
Reserved = Literal["none", "reserved"]
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
ANYWHERE: Final = "*"


@dataclass(frozen=True, slots=True)
class OptOut:
    """Machine-readable reservations on the day of the copy; None: nobody looked."""

    robots: Reserved | None = None
    tdmrep: Reserved | None = None
    c2pa: Reserved | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Where a document comes from and under what; every field but `source` may be unknown (None).

    Attributes:
        source: address or package, as the copy was taken.
        licence: SPDX identifiers joined by AND or OR; one with brackets is no licence that a pack knows.
        terms: digest of the terms as they stood when copied (`sha256:…`).
        copied_on: the day of the copy.
        opt_out: reservations on that day.
        subject: whom it is about.
        origin: country it comes from.
        residency: countries where it may be kept and processed; `*` is anywhere.
        consent: purposes that the rights holder, and every person concerned, agreed to.
        analysis_licence_offered: a licence for data analysis of this work is on the market.
        gateway: what opens APPI art. 28, as `mythos regimes facts` names it.
        evidence: digests of consents, contracts and captures.
    """

    source: str
    licence: str | None = None
    terms: str | None = None
    copied_on: date | None = None
    opt_out: OptOut = field(default_factory=OptOut)
    subject: Literal["none", "personal"] | None = None
    origin: str | None = None
    residency: tuple[str, ...] | None = None
    consent: tuple[Purpose, ...] | None = None
    analysis_licence_offered: bool | None = None
    gateway: Literal["consent_with_information", "equivalent_system", "equivalent_country"] | None = None
    evidence: tuple[str, ...] = ()

    @classmethod
    def parse(cls, document: Any, where: str) -> Record:
        """Read a mapping strictly.

        Raises:
            DataError: an unknown field, or a value of another type; says where.
        """
        try:
            found: Record = read(cls, document, where)
            for digest in (*found.evidence, *([found.terms] if found.terms else [])):
                Digest.parse(digest)
        except (RegimeError, InputError) as error:
            raise DataError(
                error.message if isinstance(error, RegimeError) else f"{where}: {error.message}",
                expected=error.expected,
                found=error.found,
                advice="Leave a field out when it is not known.",
            ) from error
        return found

    def document(self) -> dict[str, Any]:
        """The record as JSON, without what is unknown."""
        body = {name: value for name, value in asdict(self).items() if value is not None and value != ()}
        body["opt_out"] = {name: value for name, value in body["opt_out"].items() if value}
        if self.copied_on:
            body["copied_on"] = str(self.copied_on)
        return body if body["opt_out"] else {k: v for k, v in body.items() if k != "opt_out"}

    @property
    def digest(self) -> Digest:
        """Names exactly this record."""
        return Digest.of(canonical(self.document()))


@dataclass(frozen=True, slots=True)
class Place:
    """From which country to which; the same twice where nothing moves.

    `third_party`: who receives it there is somebody else; None: not known.
    """

    from_: str
    to: str
    third_party: bool | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What came out, under which clause, of which pack; `needs` and `review` say what would change it."""

    outcome: Outcome
    purpose: Purpose
    place: Place
    clause: str
    cite: str
    needs: tuple[str, ...]
    review: tuple[str, ...]
    notes: tuple[str, ...]
    obligations: tuple[str, ...]
    record: Digest
    pack: str
    pack_digest: Digest
    adopted_by: str | None
    adopted_on: date | None
    on: date

    @property
    def allowed(self) -> bool:
        """Whether the act may happen."""
        return self.outcome == "allow"

    @property
    def words(self) -> str:
        """One line for people. It never says that something is legal."""
        under = f"under pack {self.pack} clause {self.clause}"
        if self.allowed:
            return f"permitted {under}, adopted by {self.adopted_by} on {self.adopted_on}"
        if self.outcome == "needs_review":
            return f"needs a review {under}: {'; '.join(self.review)}"
        missing = f"; not known: {', '.join(self.needs)}" if self.needs else ""
        if not self.clause:
            under = f"under pack {self.pack}: no clause permits it"
        return f"not permitted {under}{missing}"

    def document(self) -> dict[str, Any]:
        """The decision as JSON."""
        return {
            "outcome": self.outcome,
            "purpose": self.purpose,
            "from": self.place.from_,
            "to": self.place.to,
            "third_party": self.place.third_party,
            "clause": self.clause,
            "cite": self.cite,
            "needs": list(self.needs),
            "review": list(self.review),
            "notes": list(self.notes),
            "obligations": list(self.obligations),
            "record": str(self.record),
            "pack": self.pack,
            "pack_digest": str(self.pack_digest),
            "adopted_by": self.adopted_by,
            "adopted_on": str(self.adopted_on) if self.adopted_on else None,
            "on": str(self.on),
            "words": self.words,
        }

    @property
    def digest(self) -> Digest:
        """The name a statement or a ledger gives this decision."""
        return Digest.of(canonical(self.document()))


def decide(record: Record, purpose: Purpose, where: Place, pack: Pack, on: date) -> Decision:
    """Whether `record` may be used for `purpose` at `where` on a day. Pure and total; deny by default.

    Raises:
        DataError: an unknown purpose, or a fact of the wrong type such as a country that is no country.
    """
    if purpose not in PURPOSES:
        raise DataError("not a purpose", expected=", ".join(PURPOSES), found=repr(purpose)[:60])
    if where.from_ != where.to and purpose != "export":
        raise DataError(
            "data does not move for this purpose", expected="one place", found=f"{where.from_} to {where.to}"
        )
    rank = get_args(Outcome).index
    choices = [
        max((_one(record, name, purpose, where, pack, on) for name in group), key=lambda d: rank(d.outcome))
        for group in _alternatives(record.licence)
    ]
    return min(choices, key=lambda d: rank(d.outcome))


def _alternatives(licence: str | None) -> list[list[str | None]]:
    """`A AND B OR C`: any one group suffices, and in it every licence must allow (SPDX precedence)."""
    # Cut at its ORs, `odd AND (A OR MIT OR B)` would read as MIT: with brackets it stays one unknown name.
    if licence is None or "(" in licence or ")" in licence:
        return [[licence]]
    return [[name.strip() for name in group.split(" AND ")] for group in licence.split(" OR ")]


def _facts(
    record: Record, licence: str | None, purpose: Purpose, where: Place, on: date
) -> dict[str, object]:
    kept = record.residency
    # What a later copy showed is not known on this day.
    told = OptOut() if record.copied_on and record.copied_on > on else record.opt_out
    known: Mapping[str, object] = {
        "purpose": purpose,
        "licence": licence,
        "origin": where.from_,
        "dest": where.to,
        "act_in_japan": where.from_ == "JP",
        "analysis_licence_offered": record.analysis_licence_offered,
        "opt_out_robots": told.robots,
        "opt_out_tdmrep": told.tdmrep,
        "opt_out_c2pa": told.c2pa,
        "consent_covers": None if record.consent is None else purpose in record.consent,
        "leaves_residency": None if kept is None else not {ANYWHERE, where.to} & set(kept),
        "personal_subject": None if record.subject is None else record.subject == "personal",
        "data_jp_personal": None if record.subject is None else record.subject == "personal",
        "foreign_third_party": False if where.to in {"JP", where.from_} else where.third_party,
        "appi28_gateway": record.gateway,
    }
    return {name: value for name, value in known.items() if value is not None}


def _one(
    record: Record, licence: str | None, purpose: Purpose, where: Place, pack: Pack, on: date
) -> Decision:
    try:
        facts = Facts.parse(_facts(record, licence, purpose, where, on), pack.law.vocabulary)
    except InputError as error:
        raise DataError(
            f"{record.source}: {error.message}", expected=error.expected, found=error.found
        ) from error
    findings = [evaluate(instrument, facts, on) for instrument in pack.instruments]
    outcome, shown = _weigh(findings)
    adoption = pack.adoption if pack.adoption and pack.adoption.on <= on else None
    one = shown[0] if shown else None
    review = _each(shown, "review") if outcome == "needs_review" else ()
    if outcome == "allow" and adoption is None:
        outcome, review = "needs_review", (f"nobody has adopted the pack {pack.head.id} by {on}",)
    return Decision(
        outcome,
        purpose,
        where,
        one.instrument.id if one and (outcome != "deny" or one.instrument.effect == "bars") else "",
        one.cite if one else "",
        tuple(sorted(_each(shown, "needs"))) if outcome == "deny" else (),
        review,
        one.notes if one else (),
        tuple(duty.en for finding in shown for duty in finding.obligations) if outcome == "allow" else (),
        record.digest,
        pack.head.id,
        pack.digest,
        adoption.by if adoption else None,
        adoption.on if adoption else None,
        on,
    )


def _weigh(findings: Iterable[Finding]) -> tuple[Outcome, list[Finding]]:
    """The outcome, and the findings it rests on: bars before permissions, known before unknown."""
    by: dict[tuple[bool, str], list[Finding]] = {}
    for f in findings:
        bars = f.instrument.effect == "bars"
        outcome = "applies" if bars and f.outcome in f.instrument.bars_when else f.outcome
        if bars or f.instrument.effect == "permission":
            by.setdefault((bars, outcome), []).append(f)
    steps: tuple[tuple[bool, str, Outcome], ...] = (
        (True, "applies", "deny"),
        (True, "needs_fact", "deny"),
        (True, "needs_review", "needs_review"),
        (False, "applies", "allow"),
        (False, "needs_review", "needs_review"),
        (False, "needs_fact", "deny"),
    )
    permits = {outcome for bars, outcome in by if not bars}
    for bars, seen, outcome in steps:
        if (bars, seen) in by:
            if bars and outcome == "needs_review" and not permits & {"applies", "needs_review"}:
                continue
            return outcome, by[bars, seen]
    return "deny", []


def _each(findings: Iterable[Finding], name: Literal["needs", "review"]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(said for finding in findings for said in getattr(finding, name)))
