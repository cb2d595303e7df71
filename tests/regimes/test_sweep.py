"""What if: exact edges over time and compute, a picture that parses, and what changed."""

from datetime import date
from xml.etree import ElementTree as ET

import pytest

from mythos.errors import InputError
from mythos.regimes import shipped
from mythos.regimes.picture import draw
from mythos.regimes.sweep import changes, own_compute, sweep

FACTS = {
    "us_state_nexus_ca": True,
    "ops": "3e26",
    "revenue_prev_year": "4000000000",
    "eu_market": True,
    "modifier": False,
    "generates_language_or_t2i_t2v": True,
    "kr_market": True,
    "kr_state_of_art": True,
    "kr_broad_risk": True,
    "flop": "3e26",
    "origin": "JP",
    "dest": "SG",
    "transfer": "weights",
    "meti_inform": True,
}


def rows() -> dict:
    found = sweep(FACTS, date(2026, 6, 1), date(2025, 1, 1), date(2027, 1, 1), shipped())
    return {row.instrument.id: row for row in found}


def test_edges_are_the_rules_own() -> None:
    by_id = rows()
    assert [(s.outcome, s.says) for s in by_id["US-CA-SB53"].time] == [
        ("not_in_force", "2025-01-01"),
        ("applies", "2026-01-01"),
    ]
    assert [(s.outcome, s.says) for s in by_id["US-CA-SB53"].compute] == [
        ("below_threshold", "≥ 1e22"),
        ("applies", "> 1e26"),
    ]
    assert [(s.outcome, s.says) for s in by_id["KR-AIBA-32"].compute][1] == ("applies", "≥ 1e26")
    assert [(s.outcome, s.says) for s in by_id["EU-GPAI"].compute][1] == ("applies", "> 1e23")


def test_the_picture_is_xml_with_a_bar_for_each_span() -> None:
    found = list(rows().values())
    picture = draw(found, date(2026, 6, 1), "A <model> & its law")
    tree = ET.fromstring(picture)  # noqa: S314 (our own picture)
    titles = [node.text for node in tree.iter("{http://www.w3.org/2000/svg}title")]
    assert "US-CA-SB53: applies from 2026-01-01" in titles
    assert "JP-FEFTA-INFORM: applies from 2025-01-01" in titles
    assert not any("US-IL-SB315" in str(title) for title in titles)
    assert "#b91c1c" in picture


def test_the_model_s_own_compute_is_marked_where_it_is_known() -> None:
    assert own_compute({"ops_pretrain": "9e25", "ops_rl_and_finetune": "1e25"}, shipped()) == 26
    assert own_compute({"flop": "1e26"}, shipped()) is None
    found = list(rows().values())
    marked = draw(found, date(2026, 6, 1), "m", 26.0)
    assert (
        marked.count("stroke-dasharray") == draw(found, date(2026, 6, 1), "m").count("stroke-dasharray") + 1
    )
    assert draw(found, date(2026, 6, 1), "m", 21.0).count("stroke-dasharray") == 1


def test_a_picture_of_nothing_still_draws() -> None:
    found = sweep({}, date(2015, 6, 1), date(2015, 1, 1), date(2016, 1, 1), shipped())
    assert ET.fromstring(draw(found, date(2015, 6, 1), "before")) is not None  # noqa: S314


def test_changes_between_two_days() -> None:
    found = changes(date(2026, 6, 1), date(2026, 7, 1), shipped())
    said = [(str(one.on), one.instrument, one.was, one.becomes) for one in found]
    assert said[0] == ("2026-06-12", "US-ISINFORMED-ANTHROPIC-2026", "not_in_force", "in_force")
    assert said[1][:2] == ("2026-06-26", "US-ISINFORMED-ANTHROPIC-2026")
    assert said[1][3].startswith("begins, exclusion")
    assert said[2] == ("2026-07-01", "US-ISINFORMED-ANTHROPIC-2026", "in_force", "not_in_force")
    assert changes(date(2026, 7, 1), date(2026, 7, 16), shipped()) == ()


def test_days_in_order() -> None:
    for wrong in (lambda d: changes(d, d, shipped()), lambda d: sweep({}, d, d, d, shipped())):
        with pytest.raises(InputError, match="not in order"):
            wrong(date(2026, 1, 1))
