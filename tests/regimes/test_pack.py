"""The shipped instruments themselves, and a folder beside them."""

from pathlib import Path

import pytest

from mythos.errors import RegimeError
from mythos.regimes import Counts, determine, shipped
from mythos.regimes.derived import DERIVED
from mythos.regimes.instrument import Outcome
from mythos.regimes.pack import HERE, load
from mythos.regimes.scalar import day

MINE = Path(__file__).parent / "mine"
NAMED = [
    "US-EO14110-4.2",
    "US-EAR-4E091",
    "US-EAR-740.27-AIA",
    "US-EAR-3A090-HQ",
    "US-EAR-3A090-WORLDWIDE",
    "US-EAR-H200-2026",
    "US-EAR-744.6",
    "US-EAR-744.22",
    "US-EAR-744.23",
    "US-ISINFORMED-ANTHROPIC-2026",
    "US-CA-SB53",
    "US-CA-SB53-LARGE",
    "US-NY-RAISE-LARGE",
    "US-IL-SB315",
    "EU-GPAI",
    "EU-GPAI-SR",
    "EU-GPAI-TRANSITION",
    "EU-MODIFIER",
    "KR-AIBA-32",
    "JP-AI-PROMOTION",
    "JP-FEFTA-LIST",
    "JP-FEFTA-CATCHALL",
    "JP-FEFTA-INFORM",
    "JP-COPYRIGHT-30-4",
    "JP-APPI-28",
    "JP-APPI-2026-STAT",
    "CN-GENAI-2023",
    "TW-AI-BASIC",
    "GB-NO-NUMBER",
    "SG-NO-NUMBER",
    "AU-NO-NUMBER",
    "US-EAR-3A090-HBM",
]


def test_every_instrument_that_others_name_is_there() -> None:
    assert set(NAMED) <= {one.id for one in shipped().instruments}


def test_the_vocabulary_that_others_use_is_there(shared: Path) -> None:
    text = (shared / "regimes" / "vocabulary.md").read_text(encoding="utf-8")
    rows = [
        line.split("|")[1] for line in text.splitlines() if line.startswith("| ") and "instrument" not in line
    ]
    names = {name.strip(" `") for row in rows for part in row.split(";") for name in part.split(",")}
    facts = {name for name in names if name.islower() and " " not in name and name not in {"fact", "---"}}
    assert len(facts) > 40
    assert facts <= shipped().vocabulary.keys()


@pytest.mark.parametrize("one", shipped().instruments, ids=lambda one: one.id)
def test_each_says_where_it_stands_and_how_sure_it_is(one) -> None:
    assert one.title.ja
    assert one.source.startswith("https://")
    assert one.verified_to <= day("2026-11-23", "as of")
    assert all(clause.cite and clause.source and clause.checked_on for clause in one.clauses)
    assert all(duty.ja for duty in one.obligations)
    if any(clause.confidence == "L" for clause in one.clauses):
        assert one.unverified or any(i.note for i in one.status) or one.effect == "bars"


def test_quoted_words_are_only_claimed_where_the_text_was_read() -> None:
    for one in shipped().instruments:
        for clause in one.clauses:
            assert not (clause.words and clause.confidence == "L"), (one.id, clause.words)


def test_no_number_from_a_law_stands_in_python() -> None:
    for path in HERE.glob("*.py"):
        code = path.read_text(encoding="utf-8")
        for number in ("4800", "5.92", "21000", "500000000", "10**25", "10**26", "1e25", "2.5e25", "0.25"):
            assert number not in code.replace("1.0e26", ""), (path.name, number)


def test_what_counts_is_data() -> None:
    eu, sr, us = (shipped()[name].counts for name in ("EU-GPAI", "EU-GPAI-SR", "US-EAR-4E091"))
    assert isinstance(eu, Counts)
    assert isinstance(sr, Counts)
    assert isinstance(us, Counts)
    assert (eu.synthetic_generation, sr.synthetic_generation) == ("not_counted", "unpublished")
    assert (sr.generator_training, us.generator_training) == ("not_counted", "unpublished")
    assert (us.unit, us.synthetic_over, us.data_processing) == ("operations", "0.10", "not_counted")


def test_the_letters_name_a_directive_only() -> None:
    assert shipped()["US-ISINFORMED-ANTHROPIC-2026"].directive == "us-bis-2026-06-12"


def test_a_user_rule_stands_beside_the_shipped_and_is_labelled() -> None:
    pack = shipped().with_folder(MINE)
    assert len(pack.instruments) == len(shipped().instruments) + 1
    assert pack["MY-EXPORT-BOARD"].user
    assert not pack["EU-GPAI"].user
    assert pack.digest != shipped().digest
    facts = {"transfer": "weights", "ops": "1e23", "board_approved": False}
    found = determine(facts, day("2026-05-01", "d"), pack)
    mine = next(one for one in found.findings if one.instrument.user)
    assert (mine.outcome, [duty.en for duty in mine.obligations][1]) == ("applies", "keep the minutes")
    assert determine(facts, day("2026-05-01", "d"), shipped()).strangers == ("board_approved",)


def test_a_fact_described_twice_differently_is_refused(tmp_path: Path) -> None:
    rule = (MINE / "in-house.yaml").read_text(encoding="utf-8")
    (tmp_path / "a.yaml").write_text(rule, encoding="utf-8")
    other = rule.replace("MY-EXPORT-BOARD", "MY-OTHER").replace('has approved"', 'approved"')
    (tmp_path / "b.yaml").write_text(other, encoding="utf-8")
    with pytest.raises(RegimeError, match="described twice"):
        shipped().with_folder(tmp_path)


def test_an_unknown_id_and_an_empty_folder_say_so(tmp_path: Path) -> None:
    with pytest.raises(RegimeError, match="no instrument 'EU-X'"):
        shipped()["EU-X"]
    with pytest.raises(RegimeError, match="holds no instrument"):
        shipped().with_folder(tmp_path)


def test_the_digest_follows_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text((MINE / "in-house.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    first = shipped().with_folder(tmp_path).digest
    assert first == shipped().with_folder(tmp_path).digest
    text = (tmp_path / "a.yaml").read_text(encoding="utf-8")
    (tmp_path / "a.yaml").write_text(text.replace("1.0e22", "1.1e22"), encoding="utf-8")
    assert shipped().with_folder(tmp_path).digest != first


def test_places_are_codes_of_two_letters() -> None:
    for places in shipped().places.values():
        assert all(len(code) == 2 and code.isupper() for code in places.codes)
        assert len(set(places.codes)) == len(places.codes)
    assert "NO" in shipped().places["jp-appi-equivalent"].codes
    assert load(HERE / "places.yaml").keys() == shipped().places.keys()


def test_derived_facts_are_all_used() -> None:
    named = {leaf.fact for one in shipped().instruments for _, leaf in one.leaves()}
    named |= {leaf.value_of for one in shipped().instruments for _, leaf in one.leaves()}
    assert DERIVED.keys() <= named
    assert Outcome
