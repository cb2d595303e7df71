"""The evaluator: outcomes, traces, routes, and what stands in the way of an act."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mythos.errors import InputError
from mythos.regimes import Determination, Finding, Leg, bars, determine, determine_route, shipped
from mythos.regimes.derived import DERIVED

TODAY = date(2026, 11, 23)
CLEAN = {
    "us_developer": True,
    "subject_to_ear": True,
    "weights": "open",
    "ops": "1.6e21",
    "flop": "1.6e21",
    "transfer": "weights",
    "origin": "US",
    "dest": "JP",
    "recipient_hq": "JP",
    "recipient_hq_d5": False,
    "recipient_foreign": True,
    "model_name": "Small",
    "meti_inform": False,
    "modifier": False,
    "eu_market": False,
    "kr_market": False,
    "us_state_nexus_ca": False,
    "us_state_nexus_ny": False,
    "us_state_nexus_il": False,
    "data_jp_personal": False,
    "act_in_japan": False,
}
FRONTIER = {**CLEAN, "weights": "closed", "ops": "3e26", "flop": "3e26"}


def of(found: Determination, name: str) -> Finding:
    return next(one for one in found.findings if one.instrument.id == name)


def test_the_last_line_of_a_trace_is_the_verdict_and_every_line_cites() -> None:
    for facts in (CLEAN, FRONTIER, {}):
        for one in determine(facts, TODAY, shipped()).findings:
            assert one.trace[-1].clause == "verdict"
            assert one.trace[-1].saw == one.outcome
            assert all(line.cite for line in one.trace)
            assert all(line.words and line.comparator for line in one.trace[:-1])


def test_a_trace_says_what_was_asked_seen_and_in_whose_words() -> None:
    found = determine(
        {"us_state_nexus_ca": True, "ops_pretrain": "0.9e26", "ops_rl_and_finetune": "0.3e26"},
        TODAY,
        shipped(),
    )
    status, scope, threshold, verdict = of(found, "US-CA-SB53").trace
    assert (status.clause, status.saw, status.held) == ("status", "2026-11-23", True)
    assert (scope.fact, scope.comparator, scope.value, scope.held) == (
        "us_state_nexus_ca",
        "eq",
        "true",
        True,
    )
    assert (threshold.saw, threshold.comparator, threshold.value) == ("1.2e26", "gt", "1e26")
    assert threshold.words == "“greater than 10^26 integer or floating-point operations”"
    assert dict(threshold.terms) == {"ops_pretrain": "9e25", "ops_rl_and_finetune": "3e25"}
    assert (verdict.saw, verdict.held) == ("applies", True)


def test_a_fact_nobody_reads_is_listed_and_a_note_is_for_people() -> None:
    found = determine({**CLEAN, "meti_infrom": True, "route_note": "by air"}, TODAY, shipped())
    assert found.strangers == ("meti_infrom",)


def test_contradictions_are_listed_and_stand_in_the_way() -> None:
    found = determine({**CLEAN, "ops_pretrain": "1e21", "ops_rl_and_finetune": "1e20"}, TODAY, shipped())
    assert found.contradictions == ("ops is not the sum of ops_pretrain and ops_rl_and_finetune",)
    assert [bar.reason for bar in bars(found)] == ["contradiction"]
    more = determine({**CLEAN, "flop": "1.7e21"}, TODAY, shipped())
    assert more.contradictions == ("flop is more than ops, of which it is a part",)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"recipient_hq": "CN", "recipient_hq_d5": False}, "recipient_hq"),
        ({"recipient_hq": "MO", "recipient_hq_d5": False}, "recipient_hq"),
        ({"recipient_hq": "JP", "recipient_hq_d5": True}, "recipient_hq"),
        ({"recipient_hq": "CN", "recipient_hq_d5": True}, None),
        ({"recipient_hq": "CN", "recipient_hq_d5": None}, None),
        ({"recipient_hq": None, "recipient_hq_d5": True}, None),
        ({"primarily_bio": False, "bio_share": "1"}, "primarily_bio"),
        ({"primarily_bio": True, "bio_share": "0"}, "primarily_bio"),
        ({"primarily_bio": False, "bio_share": "0.9"}, None),
    ],
)
def test_what_is_stated_twice_must_agree(facts: dict[str, object], said: str | None) -> None:
    found = determine({**CLEAN, **facts}, TODAY, shipped())
    assert [text.split()[0] for text in found.contradictions] == ([said] if said else [])
    assert ("contradiction" in {bar.reason for bar in bars(found)}) is bool(said)


def test_the_countries_are_those_of_the_standard(root: Path) -> None:
    source = root / "src" / "mythos"
    same = (source / "access" / "iso3166-1.txt").read_bytes()
    assert (source / "regimes" / "countries.txt").read_bytes() == same
    country = shipped().vocabulary["dest"]
    assert all(country.parse(code, "dest") for one in shipped().places.values() for code in one.codes)
    for wrong in ("UK", "EU", "XX", "ZZ", "jp", "JPN", "J", "#", "ＪＰ"):
        with pytest.raises(InputError, match="the fact dest is wrong"):
            determine({"dest": wrong}, TODAY, shipped())


def test_a_cluster_of_which_anything_is_stated_is_asked_where_it_stands() -> None:
    facts = {"cluster_gbps": "101", "cluster_ops_s": "1.0e20"}
    asked = of(determine(facts, date(2024, 6, 1), shipped()), "US-EO14110-4.2")
    assert (asked.outcome, asked.needs) == ("needs_fact", ("cluster_us",))
    model = of(determine({"us_developer": True, "ops": "1"}, date(2024, 6, 1), shipped()), "US-EO14110-4.2")
    assert model.outcome == "below_threshold"


def test_a_float_is_refused() -> None:
    with pytest.raises(InputError, match="binary float"):
        determine({**CLEAN, "ops": 1e26}, TODAY, shipped())


def test_what_was_not_asked_is_said() -> None:
    found = of(determine(CLEAN, TODAY, shipped()), "US-EAR-744.22")
    assert (found.outcome, found.unstated) == ("out_of_scope", ("end_use",))


def test_a_question_after_the_last_check_is_warned_about() -> None:
    finding = of(determine(CLEAN, TODAY, shipped()), "JP-AI-PROMOTION")
    assert "not verified after 2026-10-01" in finding.notes
    assert (
        "not verified after 2026-10-01"
        not in of(determine(CLEAN, date(2026, 10, 1), shipped()), "JP-AI-PROMOTION").notes
    )


def test_obligations_follow_the_facts() -> None:
    eu = {**CLEAN, "eu_market": True, "generates_language_or_t2i_t2v": True, "flop": "5e23", "ops": "5e23"}
    closed = [o.en for o in of(determine({**eu, "foss": False}, TODAY, shipped()), "EU-GPAI").obligations]
    free = [o.en for o in of(determine({**eu, "foss": True}, TODAY, shipped()), "EU-GPAI").obligations]
    assert any("53(1)(a)" in said for said in closed)
    assert not any("53(1)(a)" in said for said in free)
    assert any("(c) copyright policy" in said for said in free)
    assert of(determine({**eu, "eu_market": False}, TODAY, shipped()), "EU-GPAI").obligations == ()


def test_the_lowest_confidence_on_the_way_is_the_finding_s() -> None:
    assert of(determine(FRONTIER, TODAY, shipped()), "US-EAR-4E091").confidence == "M"
    held = determine({**FRONTIER, "us_state_nexus_ca": True}, TODAY, shipped())
    assert of(held, "US-CA-SB53").confidence == "H"


def test_nothing_stands_in_the_way_of_a_small_open_model() -> None:
    assert bars(determine(CLEAN, TODAY, shipped())) == ()


def test_a_codified_rule_that_nobody_enforces_is_shown_and_does_not_bar() -> None:
    found = determine(FRONTIER, TODAY, shipped())
    assert of(found, "US-EAR-4E091").outcome == "applies_not_enforced"
    assert bars(found) == ()


def test_a_reporting_duty_does_not_bar() -> None:
    found = determine(
        {**FRONTIER, "us_state_nexus_ca": True, "revenue_prev_year": 4 * 10**9}, TODAY, shipped()
    )
    assert of(found, "US-CA-SB53-LARGE").outcome == "applies"
    assert bars(found) == ()


@pytest.mark.parametrize(
    ("change", "reason", "instrument"),
    [
        ({"origin": "JP", "dest": "SG", "meti_inform": True}, "barred", "JP-FEFTA-INFORM"),
        ({"origin": "JP", "dest": "SG", "meti_inform": None}, "needs_fact", "JP-FEFTA-INFORM"),
        (
            {"data_jp_personal": True, "foreign_third_party": True, "appi28_gateway": "none"},
            "barred",
            "JP-APPI-28",
        ),
        ({"kr_market": None, "flop": "2e26", "ops": "2e26"}, "needs_fact", "KR-AIBA-32"),
        (
            {"dest": "CN", "cn_public_service": False, "end_use": "military_intelligence"},
            "barred",
            "US-EAR-744.22",
        ),
        ({"origin": "GB"}, "needs_review", "GB-NO-NUMBER"),
        (
            {"act_in_japan": True, "copyright_works": True, "enjoyment_purpose": True},
            "barred",
            "JP-COPYRIGHT-30-4",
        ),
    ],
)
def test_what_bars(change, reason, instrument) -> None:
    found = [
        bar for bar in bars(determine({**CLEAN, **change}, TODAY, shipped())) if bar.instrument == instrument
    ]
    assert [bar.reason for bar in found] == [reason]
    assert (reason == "needs_fact") == bool(found[0].needs)
    assert (reason == "needs_review") == bool(found[0].review)


def test_a_route_asks_each_leg() -> None:
    legs = [
        Leg("US", "US", "none"),
        Leg("US", "JP", "weights"),
        Leg("JP", "SG", "api", {"meti_inform": True}),
    ]
    found = determine_route(legs, FRONTIER, TODAY, shipped())
    by_leg = [{one.instrument.id: one.outcome for one in findings} for _, findings in found.legs]
    assert [leg["US-EAR-4E091"] for leg in by_leg] == ["out_of_scope", "applies_not_enforced", "out_of_scope"]
    assert [leg["JP-FEFTA-INFORM"] for leg in by_leg] == ["out_of_scope", "out_of_scope", "applies"]
    assert of(found, "JP-FEFTA-INFORM").outcome == "applies"
    assert of(found, "US-EAR-4E091").outcome == "applies_not_enforced"
    assert [(bar.reason, bar.instrument, bar.leg) for bar in bars(found)] == [
        ("barred", "JP-FEFTA-INFORM", 2)
    ]


def test_a_route_has_a_leg() -> None:
    with pytest.raises(InputError, match="without a leg"):
        determine_route([], CLEAN, TODAY, shipped())


SILENT = {leaf.fact for one in shipped().instruments for _, leaf in one.leaves() if leaf.unstated}
SPECIAL = {"synth_share", "synth_published", "gen_ops", "cluster_us", "cluster_gbps", "cluster_ops_s"}
CHOICES = {
    "ops": ["1e22", "1e23", "2e25", "1e26", "3e26"],
    "flop": ["1e22", "1e23", "1e25", "1e26"],
    "weights": ["open", "closed"],
    "subject_to_ear": [True, False],
    "us_developer": [True, False],
    "primarily_bio": [True, False],
    "eu_market": [True, False],
    "modifier": [True, False],
    "generates_language_or_t2i_t2v": [True, False],
    "us_state_nexus_ca": [True, False],
    "revenue_prev_year": ["1", "500000001"],
    "kr_market": [True, False],
    "kr_state_of_art": [True, False],
    "kr_broad_risk": [True, False],
    "mod_flop": ["1e22", "1e24", "4e24"],
    "base_is_sr": [True, False],
    "item": ["accelerator", "cpu"],
    "tops": ["1599", "1600", "4800"],
    "bits": ["1"],
    "die_mm2": ["200", "2000"],
    "datacenter": [True, False],
    "recipient_hq": ["CN", "JP"],
    "data_jp_personal": [True, False],
    "foreign_third_party": [True, False],
    "appi28_gateway": ["none", "consent_with_information"],
    "act_in_japan": [True, False],
    "copyright_works": [True, False],
    "enjoyment_purpose": [True, False],
    "unreasonable_prejudice": [True, False],
}
NEGATIVE = {"below_threshold", "excluded", "out_of_scope"}
READ = {name for fact in SILENT if fact in DERIVED for name in DERIVED[fact].reads}
LOOSE = sorted(CHOICES.keys() - SILENT - READ - SPECIAL - {"ops", "flop"})


@settings(max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries({name: st.sampled_from([*values, None]) for name, values in CHOICES.items()}),
    st.sampled_from(LOOSE),
    st.sampled_from([date(2024, 6, 1), date(2026, 3, 1)]),
    st.sampled_from(["weights", "hardware"]),
)
def test_a_verdict_without_a_fact_holds_whatever_the_fact_is(facts, name, on, transfer) -> None:
    asked = {**facts, "transfer": transfer, "dest": "SG", "origin": "US", name: None}
    without = determine(asked, on, shipped()).findings
    for value in CHOICES[name]:
        for before, after in zip(
            without, determine({**asked, name: value}, on, shipped()).findings, strict=True
        ):
            bars_when = before.instrument.bars_when
            if before.outcome in NEGATIVE and before.outcome not in bars_when:
                assert after.outcome in NEGATIVE - set(bars_when), (before.instrument.id, name, value)
            elif before.outcome not in {"needs_fact", "needs_review"}:
                assert after.outcome == before.outcome, (before.instrument.id, name, value)


def test_the_facts_of_the_shipped_preset_are_enough(root: Path) -> None:
    from mythos.regimes.pack import load

    body = load(root / "src" / "mythos" / "cli" / "presets" / "smollm2.yaml")
    assert bars(determine(body["facts"], TODAY, shipped())) == ()
