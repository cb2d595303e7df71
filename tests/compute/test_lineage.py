"""Every ancestor once, unknown is never zero, and what counts is read from the instrument's own file."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.compute.draw import mermaid, rounded, svg
from mythos.compute.lineage import Graph, Total, to_document, total
from mythos.errors import ComputeError
from mythos.regimes.facts import Facts
from mythos.regimes.pack import shipped

from .family import Family, weights


def found(family: Family, name: str, regime: str | None = None, **facts: Any) -> Total:
    graph = Graph.of(family.envelopes)
    if regime is None:
        return total(graph, weights(name))
    stated = {n: Fraction(v) if not isinstance(v, bool) else v for n, v in facts.items()}
    counts = shipped()[regime].counts
    assert counts is not None
    return total(graph, weights(name), counts, Facts(stated))


def parts(one: Total) -> dict[str, tuple[str, str]]:
    return {part.name or str(part.weights)[:12]: (part.way, part.rule) for part in one.parts}


def test_a_diamond_is_not_counted_twice() -> None:
    family = Family().spent("base", 1000).spent("left", 10).spent("right", 20).spent("merged", 1)
    family.made("left", "adapt", "base").made("right", "adapt", "base").made(
        "merged", "merge", "left", "right"
    )
    one = found(family, "merged")
    assert (one.flop, one.least, one.most, one.complete) == (1031, 1031, 1031, True)
    assert parts(one)["base"] == ("ancestors", "counted")
    assert found(family, "base").flop == 1000


def test_an_unknown_parent_is_a_bound_and_never_zero() -> None:
    family = Family().spent("child", 5).made("child", "adapt", "parent")
    one = found(family, "child")
    assert (one.flop, one.least, one.most, one.complete) == (5, 5, None, False)
    assert one.needs == (f"training compute of {weights('parent')}",)
    nobody = found(Family(), "stranger")
    assert (nobody.flop, nobody.most, nobody.complete) == (0, None, False)


def test_an_incomplete_count_makes_the_total_incomplete() -> None:
    assert not found(Family().spent("a", 5, complete=False), "a").complete


def test_uncertainty_travels() -> None:
    family = Family().spent("base", 1000, uncertainty="30").spent("child", 10, uncertainty="0.5")
    one = found(family.made("child", "adapt", "base"), "child")
    assert (one.least, one.flop, one.most) == (700 + 9, 1010, 1300 + 10)


def test_the_better_method_counts_and_then_the_later_word() -> None:
    family = (
        Family()
        .spent("a", 1, method="hardware")
        .spent("a", 2, method="declared")
        .spent("a", 3, method="formula")
    )
    assert found(family, "a").flop == 2
    assert found(family.spent("a", 4, method="counted").spent("a", 5, method="declared"), "a").flop == 4
    assert found(family.spent("a", 6, method="counted"), "a").flop == 6


def test_a_circle_is_hostile() -> None:
    family = Family().made("a", "adapt", "b").made("b", "adapt", "c").made("c", "adapt", "a")
    with pytest.raises(ComputeError, match="circle"):
        found(family, "a")


DISTILLED = (
    Family()
    .spent("root", 100)
    .spent("teacher", 7000, by="lab")
    .spent("teacher-base", 90000, by="lab")
    .spent("student", 3, by="owner")
    .made("teacher", "adapt", "teacher-base")
    .made("student", "distil", base="root", teacher="teacher")
)


def test_the_commission_drops_a_teacher_s_training() -> None:
    assert found(DISTILLED, "student").flop == 97103
    systemic = found(DISTILLED, "student", "EU-GPAI-SR")
    assert (systemic.flop, systemic.complete) == (103, True)
    assert parts(systemic)["teacher-base"] == ("distillation_teacher", "not_counted")
    ordinary = found(DISTILLED, "student", "EU-GPAI")
    assert ordinary.flop == 3, "what initialising weights had cost is not in the ordinary reckoning"


def test_weights_that_are_base_and_teacher_count_as_base() -> None:
    family = Family().spent("t", 100).spent("s", 1).made("s", "distil", base="t", teacher="t")
    assert found(family, "s", "EU-GPAI-SR").flop == 101


SYNTHETIC = (
    Family()
    .spent("generator", 5000, by="lab")
    .spent("model", 100, by="owner")
    .made("model", "synthetic", generator="generator")
)


@pytest.mark.parametrize(
    ("regime", "facts", "flop", "complete"),
    [
        ("EU-GPAI-SR", {"gen_ops": 40, "synth_published": False}, 140, True),
        ("EU-GPAI-SR", {"gen_ops": 40, "synth_published": True}, 100, True),
        ("EU-GPAI-SR", {"gen_ops": 40}, 140, False),
        ("EU-GPAI-SR", {"synth_published": False}, 100, False),
        ("EU-GPAI", {}, 100, True),
        ("US-EAR-4E091", {"gen_ops": 40, "synth_published": False, "gen_published": False}, 5140, True),
        ("US-EAR-4E091", {"gen_ops": 40, "synth_published": False, "gen_published": True}, 140, True),
        ("US-EAR-4E091", {"synth_published": True}, 100, True),
        ("US-EAR-4E091", {"synth_share": "0.10"}, 100, True),
        (
            "US-EAR-4E091",
            {"synth_share": "0.11", "gen_ops": 40, "synth_published": False, "gen_published": False},
            5140,
            True,
        ),
    ],
)
def test_synthetic_data(regime: str, facts: dict[str, Any], flop: int, complete: bool) -> None:
    one = found(SYNTHETIC, "model", regime, **facts)
    assert (one.flop, one.complete) == (flop, complete)


def test_what_is_not_known_of_synthetic_data_is_asked_for() -> None:
    one = found(SYNTHETIC, "model", "US-EAR-4E091")
    assert one.needs == ("gen_ops", "gen_published", "synth_published")
    assert (one.least, one.flop, one.most) == (100, 5100, None)


def test_a_question_the_text_leaves_open_is_the_higher_figure_and_a_review() -> None:
    family = (
        Family().spent("base", 1000, by="lab").spent("model", 10, by="owner").made("model", "adapt", "base")
    )
    one = found(family, "model", "US-CA-SB53")
    assert (one.least, one.flop, one.most) == (10, 1010, 1010)
    assert one.review == ("whether ancestors counts",)
    assert one.complete


def test_earlier_stages_by_the_same_party_are_the_same_model() -> None:
    family = Family().spent("pretrained", 1000, by="owner").spent("tuned", 10, by="owner")
    family.made("tuned", "adapt", "pretrained")
    assert found(family, "tuned", "EU-GPAI").flop == 1010
    family = Family().spent("pretrained", 1000, by="owner", method="declared").spent("tuned", 10, by="owner")
    family.made("tuned", "adapt", "pretrained")
    assert found(family, "tuned", "EU-GPAI").flop == 10, (
        "declaring another's figure does not make it one's own"
    )


def test_recomputation_counts_where_the_instrument_does_not_say() -> None:
    family = Family().spent("a", 100, executed=130)
    assert found(family, "a", "EU-GPAI-SR").most == 100
    assert found(family, "a", "US-EAR-4E091").most == 130


@given(
    st.lists(
        st.tuples(st.integers(0, 10**27), st.sets(st.integers(0, 11), max_size=4)), min_size=1, max_size=12
    )
)
def test_any_family_counts_each_member_once(members: list[tuple[int, set[int]]]) -> None:
    family = Family()
    for index, (flop, parents) in enumerate(members):
        family.spent(str(index), flop)
        if earlier := [str(p) for p in parents if p < index]:
            family.made(str(index), "merge", *earlier)
    last = len(members) - 1
    reached = {last}
    for index in range(last, -1, -1):
        if index in reached:
            reached |= {p for p in members[index][1] if p < index}
    one = found(family, str(last))
    assert one.flop == one.least == one.most == sum(members[i][0] for i in reached)
    assert one.complete


GOLDEN = Path(__file__).parents[1] / "golden" / "compute"


def pictures() -> Iterable[tuple[str, str]]:
    graph = Graph.of(DISTILLED.envelopes)
    one = total(graph, weights("student"), shipped()["EU-GPAI-SR"].counts or pytest.fail("no counts"))
    return (("lineage.mmd", mermaid(graph, one)), ("lineage.svg", svg(graph, one)))


@pytest.mark.parametrize("picture", list(pictures()), ids=lambda p: p[0])
def test_the_pictures(picture: tuple[str, str]) -> None:
    name, drawn = picture
    assert drawn == (GOLDEN / name).read_text()


def test_a_name_cannot_break_out_of_a_picture() -> None:
    evil = '"]--><script>alert(1)</script>'
    family = Family().spent(evil, 5).made(evil, "adapt", "x&<y>")
    graph = Graph.of(family.envelopes)
    one = total(graph, weights(evil))
    assert "<script>" not in mermaid(graph, one)
    drawn = svg(graph, one)
    assert "<script>" not in drawn
    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314 (our own picture)


def test_three_figures_for_people() -> None:
    assert [rounded(n) for n in (None, 7, 1_614_180_096_000_000_000_000)] == ["unknown", "7", "1.61e21"]


def test_the_document() -> None:
    document = to_document(found(DISTILLED, "student"))
    assert document["total"] == "97103"
    assert document["complete"] is True
    assert document["parts"][0]["as"] == "later_training"


def test_a_circle_elsewhere_in_the_log_stops_nobody() -> None:
    family = Family().spent("base", 7).spent("m", 5).made("m", "adapt", "base")
    family.made("p", "adapt", "q").made("q", "adapt", "p")
    graph = Graph.of(family.envelopes)
    assert total(graph, weights("m")).flop == 12
    with pytest.raises(ComputeError, match="circle"):
        total(graph, weights("p"))
    family.made("base", "adapt", "m")
    with pytest.raises(ComputeError, match="circle"):
        total(Graph.of(family.envelopes), weights("m"))
