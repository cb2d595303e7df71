"""The answer: who is named, what is needed, what lifts, and every boundary from both sides."""

from pathlib import Path

import pytest

from mythos.access.decide import Decider, Decision, Plan
from mythos.access.directive import Directive
from mythos.access.directives import Directives
from mythos.access.lineage import Lineage, Model
from mythos.access.people import Entities, Entity, Person
from mythos.errors import AccessError

from .made import FAR, answer, at, directive, plan, reason, someone

GOLDEN = Path(__file__).parents[1] / "golden" / "access"
D11, D12, D13, D14, D15, D16 = (f"2026-06-{day}T00:00:00Z" for day in (11, 12, 13, 14, 15, 16))
FOREIGN = {"foreign_person_of": "US"}
UNSURE = {"located_in": ["US"]}


def letters():
    return [Directive.parse(path.read_bytes()) for path in sorted(GOLDEN.glob("us-bis-*.yaml"))]


# The evening of 12 June 2026, told once.


@pytest.mark.parametrize(
    ("when", "model", "who", "expected"),
    [
        ("2026-06-12T21:20:59.999999Z", "mythos-5", {}, "no_directive"),
        ("2026-06-12T21:21:00Z", "mythos-5", {}, "refused"),
        ("2026-06-12T21:21:00Z", "mythos-5", {"citizenships": ["US"]}, "no_directive"),
        ("2026-06-12T21:21:00Z", "mythos-5", {"citizenships": None}, "needs_fact"),
        ("2026-06-12T21:21:00Z", "haiku", {}, "no_directive"),
        ("2026-06-26T15:59:59Z", "mythos-5", {"entity": "acme"}, "refused"),
        ("2026-06-26T16:00:00Z", "mythos-5", {"entity": "acme"}, "exempt"),
        ("2026-06-26T16:00:00Z", "mythos-5", {"entity": "other"}, "refused"),
        ("2026-06-26T16:00:00Z", "mythos-5", {"entity": None}, "refused"),
        ("2026-06-26T16:00:00Z", "fable-5", {"entity": "acme"}, "refused"),
        ("2026-06-30T23:59:59.999999Z", "fable-5", {}, "refused"),
        ("2026-07-01T00:00:00Z", "fable-5", {}, "no_directive"),
        ("2026-07-01T00:00:00Z", "mythos-5", {"citizenships": None}, "no_directive"),
    ],
)
@pytest.mark.parametrize("act", ["access", "transfer"])
def test_the_evening(when, model, act, who, expected):
    assert reason(someone(**who), *letters(), lo=when, model=model, act=act) == expected


def test_the_other_act_is_not_touched():
    assert reason(someone(), directive(acts=["transfer"])) == "no_directive"
    assert reason(someone(), directive(acts=["transfer"]), act="transfer") == "refused"


# Who is named.


def test_a_true_refusal_is_named_before_an_unknown_one_that_is_earlier():
    unknown = directive("a", effective=D11, who=UNSURE)
    true = directive("b", effective=D12)
    found = answer(someone(located_in=None), unknown, true, lo=D13)
    assert (found.reason, found.directive, found.cite) == ("refused", "b", "cite of b")


@pytest.mark.parametrize(("first", "second", "named"), [(D11, D12, "b"), (D12, D11, "a"), (D11, D11, "a")])
def test_then_the_earlier_then_the_smaller_id(first, second, named):
    found = answer(someone(), directive("b", effective=first), directive("a", effective=second), lo=D13)
    assert found.directive == named


def test_ids_compare_by_code_point():
    assert answer(someone(), directive("b"), directive("B"), directive("é"), lo=D13).directive == "B"


def test_among_unknown_ones_the_earlier_is_named():
    laws = [directive(name, effective=day, who=UNSURE) for name, day in [("a", D12), ("b", D11)]]
    found = answer(someone(located_in=None), *laws, lo=D13)
    assert found == Decision("needs_fact", "b", ("located_in",), "cite of b")


def test_a_lifted_refusal_is_passed_over_when_naming():
    lifted = directive("a", effective=D11)
    relief = directive("r", "allow", effective=D12)
    other = directive("b", effective=D12, authority="jp-meti")
    assert answer(someone(), lifted, relief, other, lo=D13).directive == "b"


# What lifts (section 7 of the research, row by row).


def test_row_1_an_old_relief_does_not_lift_a_later_stop_everything():
    relief = directive("r", "allow", effective=D12)
    for effective, expected in [(D11, "exempt"), (D12, "exempt"), (D13, "refused")]:
        assert reason(someone(), directive("stop", effective=effective), relief, lo=D14) == expected
    named = directive("r", "allow", effective=D12, lifts=["stop"])
    assert reason(someone(), directive("stop", effective=D13), named, lo=D14) == "exempt"


def test_row_2_a_lifting_that_ended_before_it_began_lifts_nothing():
    order, lifting = directive("o", effective=D11), directive("l", "allow", effective=D12, supersedes=["o"])
    assert reason(someone(), order, lifting, lo=D13) == "no_directive"
    withdrawn = directive("w", effective=D12, supersedes=["l"], who=UNSURE)
    assert reason(someone(), order, lifting, withdrawn, lo=D13) == "refused"


def test_row_3_another_authority_neither_supersedes_nor_lifts():
    order = directive("o", effective=D11)
    with pytest.raises(AccessError, match="another authority"):
        Directives.of([order, directive("p", authority="operator", supersedes=["o"])])
    assert (
        reason(someone(), order, directive("p", "allow", authority="operator", effective=D12), lo=D13)
        == "refused"
    )


def test_row_4_narrowing_frees_the_rest_only_when_it_says_so():
    order = directive("o", effective=D11, models=["m", "n"])
    with pytest.raises(AccessError, match="reaches further"):
        Directives.of([order, directive("p", effective=D12, supersedes=["o"])])
    narrow = directive("p", effective=D12, supersedes=["o"], narrows=True)
    assert reason(someone(), order, narrow, lo=D13, model="m") == "refused"
    assert reason(someone(), order, narrow, lo=D13, model="n") == "no_directive"


def test_row_7_ids_are_exact_bytes():
    relief = directive("r", "allow", who={"entity_in": "annex"}, lists={"annex": ["E1"]}, effective=D12)
    assert reason(someone(entity="E1"), directive("o", effective=D11), relief, lo=D13) == "exempt"
    assert reason(someone(entity="e1"), directive("o", effective=D11), relief, lo=D13) == "refused"


def test_row_11_a_legal_person_is_judged_by_incorporation_not_by_headquarters():
    order = directive("o", acts=["transfer"], who=FOREIGN)
    seat = [Entity("acme", "Acme", "JP", "none")]
    company = someone("acme", citizenships=["US"], entity="acme")
    assert reason(company, order, act="transfer", entities=seat) == "no_directive"
    abroad = directive("o", acts=["transfer"], who={"headquartered_in": ["JP"]})
    assert reason(company, abroad, act="transfer", entities=seat) == "refused"


def test_row_18_two_authorities_both_hold():
    refusal, allow = directive("a"), directive("b", "allow", authority="jp-meti")
    assert reason(someone(), refusal, allow, lo=D13) == "refused"


def test_an_unknown_allow_lifts_nothing():
    relief = directive("r", "allow", effective=D12, who=UNSURE)
    for place, expected in [("US", "exempt"), ("JP", "refused"), (None, "refused")]:
        assert reason(someone(located_in=place), directive("o", effective=D11), relief, lo=D13) == expected


def test_exempt_cites_the_earliest_lifting_directive():
    laws = [directive("o", effective=D11), directive("p", effective=D11, who=UNSURE)]
    laws += [directive(name, "allow", effective=day) for name, day in [("z", D12), ("y", D12), ("x", D13)]]
    assert answer(someone(located_in=None), *laws, lo=D14) == Decision("exempt", cite="cite of y")


def test_stateless_people_are_foreign_and_dual_citizens_are_not():
    assert reason(someone(citizenships=[]), directive(who=FOREIGN)) == "refused"
    assert reason(someone(citizenships=["IR", "US"]), directive(who=FOREIGN)) == "no_directive"


# What is needed.


def test_needs_are_the_unknown_facts_that_the_named_directive_and_what_could_lift_it_read():
    order = directive("o", effective=D11, who=FOREIGN)
    relief = directive("r", "allow", effective=D12, who={"entity_in": "a"}, lists={"a": ["e"]})
    other = directive("x", "allow", effective=D12, authority="jp-meti", who=UNSURE)
    older = directive("y", "allow", effective="2026-06-10T00:00:00Z", who=UNSURE)
    unknown = someone(citizenships=None, protected_in=None, entity=None, located_in=None)
    found = answer(unknown, order, relief, other, older, lo=D13)
    assert found.needs == ("citizenships", "entity", "protected_in")
    assert answer(someone(entity=None), order, relief, lo=D13) == Decision(
        "refused", "o", ("entity",), "cite of o"
    )
    assert answer(someone(), order, lo=D13).needs == ()


def test_needs_name_the_facts_of_the_entity_chain():
    law = directive(who={"headquartered_in": ["CN"]})
    known = [
        Entity("sub", None, None, "top"),
        Entity("top", None, "JP", None),
        Entity("seat", None, None, "none"),
    ]
    for entity, needs in [
        (None, ("entity",)),
        ("ghost", ("headquartered_in", "parent")),
        ("sub", ("headquartered_in", "parent")),
        ("top", ("parent",)),
        ("seat", ("headquartered_in",)),
    ]:
        assert answer(someone(entity=entity), law, entities=known).needs == needs
    assert answer(someone(), law, entities=known) == Decision("no_directive")


# Verification and boundaries.


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (None, ("needs_fact", ("verified_until",))),
        (D11, ("needs_fact", ("verified_until",))),
        (D12, ("needs_fact", ("verified_until",))),
        ("2026-06-12T00:00:00.000001Z", ("refused", ())),
        ("2026-06-12T09:00:00+09:00", ("needs_fact", ("verified_until",))),
        (FAR, ("refused", ())),
    ],
)
def test_facts_are_believed_until_a_moment_and_not_at_it(until, expected):
    found = answer(someone(verified_until=until), directive(who=FOREIGN))
    assert (found.reason, found.needs) == expected


def test_an_expired_citizen_is_not_a_citizen():
    assert reason(someone(citizenships=["US"], verified_until=D11), directive(who=FOREIGN)) == "needs_fact"


def test_a_stop_everything_refuses_the_unverified_too_as_refused():
    assert answer(someone(verified_until=None), directive()) == Decision(
        "refused", "d", ("verified_until",), "cite of d"
    )


def test_where_nothing_holds_nothing_is_needed():
    assert answer(someone(verified_until=None), directive(models=["other"])) == Decision("no_directive")
    relief = directive("r", "allow", effective=D12)
    assert answer(someone(verified_until=None), directive(who=FOREIGN), relief, lo=D13).reason == "exempt"


@pytest.mark.parametrize(
    ("lo", "expected"),
    [
        ("2026-06-12T23:59:59.999999Z", "no_directive"),
        (D13, "refused"),
        ("2026-06-13T23:59:59.999999Z", "refused"),
        (D14, "no_directive"),
    ],
)
def test_a_refusal_is_in_force_from_its_beginning_until_before_its_end(lo, expected):
    assert reason(someone(), directive(effective=D13, ends=D14), lo=lo) == expected


@pytest.mark.parametrize(
    ("lo", "hi", "refusal", "relief"),
    [
        (D11, D12, False, False),
        (D11, D13, True, False),
        (D13, D14, True, True),
        (D13, D15, True, False),
        (D15, D16, False, False),
        (D12, D16, True, False),
    ],
)
def test_on_an_interval_refusals_count_at_any_instant_and_allows_only_at_all(lo, hi, refusal, relief):
    timed = {"effective": D13, "ends": D15}
    assert (reason(someone(), directive("a", **timed), lo=lo, hi=hi) == "refused") is refusal
    always = directive("o", effective="2026-01-01T00:00:00Z")
    lifted = reason(someone(), always, directive("r", "allow", **timed), lo=lo, hi=hi) == "exempt"
    assert lifted is relief


def test_on_an_interval_facts_must_be_verified_beyond_its_end():
    until = someone(citizenships=["US"], verified_until=D14)
    assert reason(until, directive(who=FOREIGN), lo=D12, hi=D13) == "no_directive"
    assert reason(until, directive(who=FOREIGN), lo=D12, hi=D14) == "needs_fact"


def test_a_clock_ten_minutes_wide_never_ends_a_refusal_early():
    order = directive("o", effective=D11, ends=D13)
    assert reason(someone(), order, lo="2026-06-12T23:55:00Z", hi="2026-06-13T00:05:00Z") == "refused"


def test_an_interval_must_not_end_before_it_begins():
    with pytest.raises(AccessError, match="ends before it begins"):
        plan(directive(), lo=D13, hi=D12)


def test_there_are_two_acts():
    with pytest.raises(AccessError, match="not an act"):
        plan(directive(), act="Access")


# Keeping plans and answers.


def test_a_decider_keeps_one_plan_for_each_stretch_and_never_a_stale_answer():
    law = Directives.of([directive("a", effective=D12, ends=D14, who=FOREIGN)])
    decider = Decider(law, Entities.of([]), Lineage())
    person = someone(citizenships=["US"], verified_until=D13)
    first = "2026-06-12T00:00:01Z"
    assert decider.plan("m", "access", at(D12), at(first)) is decider.plan(
        "m", "access", at(first), at(first)
    )
    assert decider.plan("m", "access", at(D12), at(D14)) is not decider.plan(
        "m", "access", at(D12), at(first)
    )
    for hi, expected in [(first, "no_directive"), (D13, "needs_fact"), (first, "no_directive")]:
        assert decider.decide(person, "m", "access", at(D12), at(hi)).reason == expected
    assert decider.decide(someone(), "m", "access", at(D11), at(D11)).reason == "no_directive"
    assert decider.decide(someone(), "m", "access", at(D14), at(D14)).reason == "no_directive"
    assert decider.decide(someone(), "m", "access", at(D12), at(D14)).reason == "refused"


def test_a_full_store_of_answers_is_emptied_not_grown(monkeypatch):
    monkeypatch.setattr("mythos.access.truth.KEPT", 4)
    monkeypatch.setattr("mythos.access.decide._PLANS_KEPT", 2)
    law = Directives.of([directive(who={"entity_in": "a"}, lists={"a": [f"e{n}" for n in range(9)]})])
    decider = Decider(law, Entities.of([]), Lineage())
    for model in ("m", "n", "o"):
        for number in range(20):
            person = someone(entity=f"e{number}")
            expected = "refused" if model == "m" and number < 9 else "no_directive"
            assert decider.decide(person, model, "access", at(D13), at(D13)).reason == expected
            kept = decider.plan(model, "access", at(D13), at(D13))._answers
            assert 0 < len(kept) <= 4
    assert len(decider._plans) <= 2


def test_the_trace_shows_every_question_and_what_was_found():
    law = directive(who={"all_of": [FOREIGN, {"not": {"citizen_of": ["JP"]}}]})
    relief = directive("r", "allow", effective=D13, who=UNSURE)
    trace = plan(law, relief, lo=D14).explain(someone(citizenships=["JP"], located_in=None).facts)
    assert [(clause.directive, clause.text, clause.value) for clause in trace] == [
        ("d", "foreign_person_of US and (not (citizen_of JP))", False),
        ("d", "foreign_person_of US", True),
        ("d", "citizen_of JP", True),
        ("r", "located_in US", None),
    ]


def test_the_line_of_the_contract():
    found = answer(someone("p1", citizenships=None), directive(who=FOREIGN))
    assert list(found.to_dict("p1").items()) == [
        ("id", "p1"),
        ("decision", "refuse"),
        ("reason", "needs_fact"),
        ("directive", "d"),
        ("needs", ["citizenships"]),
        ("cite", "cite of d"),
    ]


def test_a_plan_answers_a_person_of_whom_nothing_is_known():
    law = Directives.of([directive(who=FOREIGN)])
    one = Plan(law, Entities.of([]), Model.named("m"), "access", at(D13), at(D13))
    assert one.decide(Person("x", someone().facts), at(D13)) == one.unverified
