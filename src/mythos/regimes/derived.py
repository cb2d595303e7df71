"""Facts that follow from stated facts, each a named function that shows the terms it was made from.

A rule names one where its text counts, adds or divides. No number from a law stands here: shares and floors
are the rule's own (`with:` in its file). Where something is missing the result has bounds, so that a rule is
settled as soon as every possible value agrees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final, cast

from mythos.regimes.facts import Facts
from mythos.regimes.scalar import text
from mythos.regimes.truth import Seen

Given = Mapping[str, Any]
ZERO: Final = Fraction(0)
STAGES: Final = ("ops_pretrain", "ops_rl_and_finetune")
TRAINING: Final = ("ops", *STAGES, "flop")
CLUSTER: Final = ("cluster_us", "cluster_gbps", "cluster_ops_s")


@dataclass(frozen=True, slots=True)
class Derived:
    """A derived fact: its type, the facts it reads, its function, the parameters its rule must give."""

    type: str
    reads: tuple[str, ...]
    function: Callable[[Facts, Given], Seen]
    given: tuple[str, ...] = ()


def operations(facts: Facts, _: Given) -> Seen:
    """All operations of training: as stated, else the stages' sum; FLOP, being among them, are the least."""
    total = facts.number("ops")
    if total is not None:
        return Seen.of(total)
    known = {name: value for name in STAGES if (value := facts.number(name)) is not None}
    flop = facts.number("flop")
    terms = [(name, text(value)) for name, value in known.items()]
    if len(known) == len(STAGES):
        return Seen.of(sum(known.values(), ZERO), *terms)
    terms += [] if flop is None else [("flop", text(flop))]
    least = max(sum(known.values(), ZERO), flop or ZERO)
    return Seen(least, None, frozenset({"ops"}), terms=tuple(terms), stated=bool(terms))


def operations_with_base(facts: Facts, given: Given) -> Seen:
    """Operations of training; whether a base's, another developer's perhaps, are among them is open."""
    own, base, added = operations(facts, given), facts.number("base_ops"), facts.number("mod_ops")
    if not own.stated and added is not None:
        own = Seen.of(added, ("mod_ops", text(added)))
    if not base:
        return own
    return replace(
        own,
        high=None if own.high is None else cast("Fraction", own.high) + base,
        review=("whether the operations of the base count is open",),
        terms=(("own training", str(own)), ("base_ops", text(base))),
        stated=True,
    )


def floating_operations(facts: Facts, given: Given) -> Seen:
    """FLOP of training. Rules that count FLOP do not address integer arithmetic: that is not guessed at."""
    flop, every = facts.number("flop"), operations(facts, given)
    if facts.flag("int_ops_only"):
        most = every.high if flop is None or every.known else flop
        review = ("the text counts FLOP and does not address integer arithmetic",)
        terms = (("int_ops_only", "true"), ("integer operations", text(most) or "unknown"))
        return Seen(ZERO, most, frozenset({"ops"} if most is None else ()), review, terms)
    if flop is not None:
        return Seen.of(flop)
    return Seen(ZERO, every.high, frozenset({"flop"}), terms=every.terms, stated=every.stated)


def cumulative_flop(facts: Facts, given: Given) -> Seen:
    """FLOP, and the forward passes that generated synthetic data unless it is public (Guidelines A.1)."""
    own = floating_operations(facts, given)
    published, share, generated = facts["synth_published"], facts.number("synth_share"), facts["gen_ops"]
    stated = generated.known or published.known or share
    if not stated or published.low is True or share == 0:
        return own
    passes = _summand(facts, "gen_ops", published)
    return _sum(own, passes)


def operations_with_synthetic(facts: Facts, given: Given) -> Seen:
    """Operations as 4E091 counts them: training, a derivative's base, and one closed generator's part.

    15 CFR 774 Supp. 1, 4E091, Technical Notes 2 and 3. `over`: the share above which synthetic data counts. A
    generator of which anything is stated may count for all it did while its share is unknown.
    """
    total = operations(facts, given)
    base, added = facts.number("base_ops"), facts.number("mod_ops")
    if not total.known and base is not None and added is not None:
        total = Seen.of(base + added, ("base_ops", text(base)), ("mod_ops", text(added)))
    share, published, open_weights = (facts[n] for n in ("synth_share", "synth_published", "gen_published"))
    none = not any(facts[name].known for name in _GENERATOR)
    if none or published.low is True or (share.known and cast("Fraction", share.low) <= given["over"]):
        return total
    generation = _summand(facts, "gen_ops", published)
    training = _summand(facts, "gen_train_ops", published, open_weights)
    counted = _sum(total, generation) if open_weights.low is True else _sum(total, generation, training)
    return counted if share.known else replace(counted, low=total.low, needs=counted.needs | {"synth_share"})


def _sum(own: Seen, *others: Seen) -> Seen:
    """The sum of what is known of each, with every summand as a term."""
    parts = (own, *others)
    highs = [part.high for part in parts]
    return Seen(
        sum((cast("Fraction", part.low) for part in parts), ZERO),
        None if None in highs else sum(cast("list[Fraction]", highs), ZERO),
        frozenset[str]().union(*(part.needs for part in parts)),
        own.review,
        (("own training", str(own)), *(term for part in others for term in part.terms)),
    )


def _summand(facts: Facts, name: str, *published: Seen) -> Seen:
    """Operations that count unless something is published: exact, or from zero while that is unknown."""
    amount, sure = facts[name], all(seen.low is False for seen in published)
    needs = amount.needs.union(*(seen.needs for seen in published))
    return Seen(
        amount.low if sure and amount.known else ZERO, amount.high, needs, terms=((name, str(amount)),)
    )


def derivative_limit(facts: Facts, given: Given) -> Seen:
    """Operations a derivative of a published model may add: a floor, or a share of the base's if higher."""
    floor, share, base = given["floor"], given["share"], facts.number("base_ops")
    if base is None:
        return Seen(floor, None, frozenset({"base_ops"}), terms=(("floor", text(floor)),))
    terms = (("floor", text(floor)), (f"{text(share)} of base_ops", text(share * base)))
    return Seen.of(max(floor, share * base), *terms)


def derivative_of_published(facts: Facts, _: Given) -> Seen:
    """Whether the base weights are published; asked for as soon as anything of a derivative is stated."""
    return replace(facts["base_published"], stated=any(name in facts.values for name in _DERIVATIVE))


def original_share(facts: Facts, given: Given) -> Seen:
    """A share of the original's FLOP; where that is unknown, of its class's threshold (Guidelines s.3.2)."""
    original, systemic = facts.number("base_flop"), facts.flag("base_is_sr")
    if original is not None:
        return Seen.of(given["share"] * original, ("base_flop", text(original)))
    high, low = given["share"] * given["systemic"], given["share"] * given["other"]
    if systemic is None:
        return Seen(low, high, frozenset({"base_flop", "base_is_sr"}))
    return Seen.of(high if systemic else low, ("base_flop", "unknown"), ("base_is_sr", text(systemic)))


def total_processing_performance(facts: Facts, _: Given) -> Seen:
    """TPP = 2 x MacTOPS x bit length; TOPS count a multiply-accumulate as two (3A090 Technical Notes 1-3)."""
    tops, bits = facts["tops"], facts["bits"]
    if not (tops.known and bits.known):
        return Seen(ZERO, None, tops.needs | bits.needs, stated=tops.known or bits.known)
    return Seen.of(_fraction(tops) * _fraction(bits), ("tops", str(tops)), ("bits", str(bits)))


def performance_density(facts: Facts, given: Given) -> Seen:
    """TPP divided by the applicable die area in mm² (3A090 Tech. Note 4)."""
    return _per_area(total_processing_performance(facts, given), facts, "die_mm2")


def memory_bandwidth_density(facts: Facts, _: Given) -> Seen:
    """GB/s for each mm² of the package or stack (3A090.c Tech. Note)."""
    bandwidth = facts["hbm_gb_s"]
    return _per_area(bandwidth.made_of(("hbm_gb_s", str(bandwidth))), facts, "hbm_mm2")


def _per_area(amount: Seen, facts: Facts, name: str) -> Seen:
    area = facts[name]
    if not amount.known or not area.low:
        needs = amount.needs if area.low else amount.needs | {name}
        return Seen(ZERO, None, needs, stated=amount.stated or area.known)
    return Seen.of(_fraction(amount) / _fraction(area), *amount.terms, (name, str(area)))


def _fraction(seen: Seen) -> Fraction:
    return cast("Fraction", seen.low)


def headquartered_in(facts: Facts, given: Given) -> Seen:
    """Whether the recipient's ultimate headquarters are in D:5 or Macau: as stated, else from the country."""
    country = facts["recipient_hq"]
    if facts.flag("recipient_hq_d5") is not None or not country.known:
        return facts["recipient_hq_d5"]
    return Seen.of(country.low in given["countries"], ("recipient_hq", str(country)))


def primarily_biological(facts: Facts, _: Given) -> Seen:
    """Whether training used primarily biological sequence data; the order does not define "primarily"."""
    share = facts["bio_share"]
    if facts.flag("primarily_bio") is not None or not share.known:
        return facts["primarily_bio"]
    terms = (("bio_share", str(share)),)
    if share.low in {0, 1}:
        return Seen.of(share.low == 1, *terms)
    return Seen(review=('the text does not define "primarily"',), terms=terms)


def subject_of_question(facts: Facts, _: Given) -> Seen:
    """Whether a question is about a `model`, a computing `cluster` or `both`, by what is stated."""
    cluster = any(name in facts.values for name in CLUSTER)
    model = any(name in facts.values for name in TRAINING)
    return Seen.of("both" if cluster and model else "cluster" if cluster else "model")


_GENERATOR: Final = ("synth_share", "synth_published", "gen_ops", "gen_train_ops", "gen_published")

_DERIVATIVE: Final = ("base_published", "base_ops", "mod_ops")

DERIVED: Final[Mapping[str, Derived]] = {
    "operations": Derived("number", TRAINING, operations),
    "operations_with_base": Derived("number", (*TRAINING, "base_ops", "mod_ops"), operations_with_base),
    "floating_operations": Derived("number", (*TRAINING, "int_ops_only"), floating_operations),
    "cumulative_flop": Derived(
        "number", (*TRAINING, "int_ops_only", "synth_share", "synth_published", "gen_ops"), cumulative_flop
    ),
    "operations_with_synthetic": Derived(
        "number", (*TRAINING, "base_ops", "mod_ops", *_GENERATOR), operations_with_synthetic, ("over",)
    ),
    "derivative_of_published": Derived("boolean", _DERIVATIVE, derivative_of_published),
    "derivative_limit": Derived("number", ("base_ops",), derivative_limit, ("floor", "share")),
    "original_share": Derived(
        "number", ("base_flop", "base_is_sr"), original_share, ("share", "systemic", "other")
    ),
    "total_processing_performance": Derived("number", ("tops", "bits"), total_processing_performance),
    "performance_density": Derived("number", ("tops", "bits", "die_mm2"), performance_density),
    "memory_bandwidth_density": Derived("number", ("hbm_gb_s", "hbm_mm2"), memory_bandwidth_density),
    "headquartered_in": Derived(
        "boolean", ("recipient_hq_d5", "recipient_hq"), headquartered_in, ("countries",)
    ),
    "primarily_biological": Derived("boolean", ("primarily_bio", "bio_share"), primarily_biological),
    "subject_of_question": Derived("text", (*TRAINING, *CLUSTER), subject_of_question),
}
