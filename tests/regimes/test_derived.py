"""Each derived fact by the worked examples of its text, with its terms and its bounds."""

from fractions import Fraction
from typing import Any

import pytest

from mythos.regimes import shipped
from mythos.regimes.derived import DERIVED
from mythos.regimes.facts import Facts
from mythos.regimes.truth import Seen


def derive(name: str, given: dict[str, Any] | None = None, **facts: Any) -> Seen:
    return DERIVED[name].function(Facts.parse(facts, shipped().vocabulary), given or {})


OVER = {"over": Fraction(1, 10)}
CLOSED: dict[str, Any] = {
    "ops": "8e25",
    "synth_share": "0.2",
    "synth_published": False,
    "gen_published": False,
}


@pytest.mark.parametrize(
    ("facts", "low", "high", "needs"),
    [
        ({"ops": "1.2e26", "ops_pretrain": "1", "flop": "2"}, "1.2e26", "1.2e26", set()),
        ({"ops_pretrain": "0.9e26", "ops_rl_and_finetune": "0.3e26"}, "1.2e26", "1.2e26", set()),
        ({"ops_pretrain": "0.9e26"}, "0.9e26", None, {"ops"}),
        ({"flop": "2e26", "ops_pretrain": "1e26"}, "2e26", None, {"ops"}),
        ({}, "0", None, {"ops"}),
    ],
)
def test_operations(facts, low, high, needs) -> None:
    seen = derive("operations", **facts)
    assert (seen.low, seen.high) == (Fraction(low), None if high is None else Fraction(high))
    assert seen.needs == needs
    assert seen.stated == bool(facts)


def test_flop_is_bounded_by_operations_and_never_guessed_from_integers() -> None:
    assert derive("floating_operations", flop="3", ops="9").low == 3
    assert (derive("floating_operations", ops="9").low, derive("floating_operations", ops="9").high) == (0, 9)
    integers = derive("floating_operations", flop="9", ops="9", int_ops_only=True)
    assert (integers.low, integers.high, integers.needs) == (0, 9, frozenset())
    assert "integer arithmetic" in integers.review[0]
    assert derive("floating_operations", int_ops_only=True).needs == {"ops"}


def test_4e091_adds_one_closed_generator() -> None:
    name = "operations_with_synthetic"
    seen = derive(name, OVER, **CLOSED, gen_ops="1e25", gen_train_ops="3e26")
    assert seen.low == seen.high == 8 * 10**25 + 10**25 + 3 * 10**26
    assert dict(seen.terms) == {"own training": "8e25", "gen_ops": "1e25", "gen_train_ops": "3e26"}
    open_generator = {**CLOSED, "gen_published": True}
    assert derive(name, OVER, **open_generator, gen_ops="1e25", gen_train_ops="3e26").low == 9 * 10**25
    assert derive(name, OVER, **{**CLOSED, "synth_share": "0.1"}, gen_ops="1e25").low == 8 * 10**25
    assert derive(name, OVER, **{**CLOSED, "synth_published": True}, gen_ops="1e25").low == 8 * 10**25


def test_4e091_keeps_what_is_open() -> None:
    name = "operations_with_synthetic"
    unknown = derive(name, OVER, **{**CLOSED, "synth_published": None}, gen_ops="1e25", gen_train_ops="3e26")
    assert (unknown.low, unknown.high) == (8 * 10**25, 39 * 10**25)
    assert unknown.needs == {"synth_published"}
    assert derive(name, OVER, **CLOSED).needs == {"gen_ops", "gen_train_ops"}
    assert derive(name, OVER, base_ops="1e26", mod_ops="1e25").low == 11 * 10**25


def test_4e091_asks_for_the_share_of_a_generator_of_which_anything_is_stated() -> None:
    name, work = "operations_with_synthetic", {"gen_ops": "1e25", "gen_train_ops": "3e26"}
    seen = derive(name, OVER, **{**CLOSED, "synth_share": None}, **work)
    assert (seen.low, seen.high, seen.needs) == (8 * 10**25, 39 * 10**25, {"synth_share"})
    opened = derive(name, OVER, ops="8e25", gen_published=True, synth_published=False, gen_ops="1e25")
    assert (opened.low, opened.high, opened.needs) == (8 * 10**25, 9 * 10**25, {"synth_share"})
    for stated in ({"gen_ops": "1"}, {"gen_train_ops": "1"}, {"gen_published": False}):
        assert "synth_share" in derive(name, OVER, ops="8e25", **stated).needs
    assert "synth_share" in derive(name, OVER, ops="8e25", synth_published=False).needs
    assert derive(name, OVER, ops="8e25", synth_published=True, gen_ops="9e26").low == 8 * 10**25
    assert derive(name, OVER, ops="8e25").high == 8 * 10**25


def test_the_european_count_adds_generation_only() -> None:
    facts: dict[str, Any] = {
        "flop": "9e24",
        "synth_published": False,
        "gen_ops": "2e24",
        "gen_train_ops": "9e26",
    }
    assert derive("cumulative_flop", **facts).low == 11 * 10**24
    assert derive("cumulative_flop", None, **{**facts, "synth_published": True}).low == 9 * 10**24
    assert derive("cumulative_flop", flop="9e24").low == 9 * 10**24
    assert derive("cumulative_flop", flop="9e24", synth_published=False).needs == {"gen_ops"}


def test_whether_the_operations_of_a_base_count_is_open() -> None:
    seen = derive("operations_with_base", ops="5e25", base_ops="6e25")
    assert (seen.low, seen.high, seen.needs) == (5 * 10**25, 11 * 10**25, frozenset())
    assert seen.review
    assert dict(seen.terms) == {"own training": "5e25", "base_ops": "6e25"}
    assert derive("operations_with_base", ops="5e25") == derive("operations", ops="5e25")
    added = derive("operations_with_base", mod_ops="1e25", base_ops="6e25")
    assert (added.low, added.high) == (10**25, 7 * 10**25)
    unknown = derive("operations_with_base", base_ops="6e25")
    assert (unknown.high, unknown.needs) == (None, {"ops"})


def test_a_derivative_is_asked_whether_its_base_is_published() -> None:
    name = "derivative_of_published"
    assert derive(name, base_published=True).low is True
    asked = derive(name, mod_ops="1e25")
    assert (asked.needs, asked.stated) == ({"base_published"}, True)
    assert derive(name, ops="1e26").stated is False


def test_limits_of_derivatives() -> None:
    given = {"floor": Fraction(25 * 10**24), "share": Fraction(1, 4)}
    assert derive("derivative_limit", given, base_ops="2e26").low == 5 * 10**25
    assert derive("derivative_limit", given, base_ops="4e25").low == 25 * 10**24
    unknown = derive("derivative_limit", given)
    assert (unknown.low, unknown.high, unknown.needs) == (25 * 10**24, None, {"base_ops"})


def test_one_third_of_the_original_or_of_its_class() -> None:
    given = {"share": Fraction(1, 3), "systemic": Fraction(10**25), "other": Fraction(10**23)}
    assert derive("original_share", given, base_flop="9e23", base_is_sr=True).low == 3 * 10**23
    assert derive("original_share", given, base_is_sr=True).low == Fraction(10**25, 3)
    assert derive("original_share", given, base_is_sr=False).low == Fraction(10**23, 3)
    unknown = derive("original_share", given)
    assert (unknown.low, unknown.high) == (Fraction(10**23, 3), Fraction(10**25, 3))
    assert unknown.needs == {"base_flop", "base_is_sr"}


def test_total_processing_performance_by_the_examples_of_the_text() -> None:
    assert derive("total_processing_performance", tops="600", bits="8").low == 4800
    assert derive("total_processing_performance", tops="300", bits="16").low == 4800
    assert derive("performance_density", tops="600", bits="8", die_mm2="814").low == Fraction(4800, 814)
    assert derive("performance_density", tops="600", bits="8").needs == {"die_mm2"}
    assert derive("performance_density", tops="600", bits="8", die_mm2="0").needs == {"die_mm2"}
    assert derive("performance_density").needs == {"tops", "bits", "die_mm2"}
    assert derive("memory_bandwidth_density", hbm_gb_s="819", hbm_mm2="110").low == Fraction(819, 110)


def test_headquarters_as_stated_or_by_country() -> None:
    given = {"countries": ("CN", "MO")}
    assert derive("headquartered_in", given, recipient_hq="MO").low is True
    assert derive("headquartered_in", given, recipient_hq="JP").low is False
    assert derive("headquartered_in", given, recipient_hq="JP", recipient_hq_d5=True).low is True
    assert derive("headquartered_in", given).needs == {"recipient_hq_d5"}


def test_primarily_is_not_defined() -> None:
    assert derive("primarily_biological", primarily_bio=True, bio_share="0.1").low is True
    assert derive("primarily_biological", bio_share="1").low is True
    assert derive("primarily_biological", bio_share="0").low is False
    assert derive("primarily_biological", bio_share="0.5").review
    assert derive("primarily_biological").needs == {"primarily_bio"}


@pytest.mark.parametrize(
    ("facts", "subject"),
    [
        ({}, "model"),
        ({"flop": "1"}, "model"),
        ({"cluster_us": True}, "cluster"),
        ({"ops": "1", "cluster_gbps": "1"}, "both"),
    ],
)
def test_what_a_question_is_about(facts, subject) -> None:
    assert derive("subject_of_question", **facts).low == subject


def test_every_derived_fact_reads_facts_of_the_vocabulary() -> None:
    for derived in DERIVED.values():
        assert set(derived.reads) <= shipped().vocabulary.keys()
