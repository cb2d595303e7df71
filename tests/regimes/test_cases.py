"""The cases: shared, our own, and what the linter asks of both shipped and user rules."""

import json
from pathlib import Path

import pytest

from mythos.regimes import check, lint, shipped
from mythos.regimes.cases import questions, uncovered
from mythos.regimes.pack import load

OWN = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
MINE = Path(__file__).parent / "mine"


def test_every_shared_case_and_variant(shared: Path) -> None:
    result = check(load(shared / "regimes" / "cases.yaml"), shipped())
    assert result["failed"] == []
    assert result["checked"] == result["passed"] >= 84


@pytest.mark.parametrize("path", OWN, ids=lambda p: p.stem)
def test_our_own_cases(path: Path) -> None:
    result = check(load(path), shipped(), path.name)
    assert result["failed"] == []
    assert result["checked"] > 20


def test_shipped_rules_meet_the_linter_s_bar() -> None:
    asked = [question for path in OWN for question in questions(load(path), path.name)]
    assert [problem for one in shipped().instruments for problem in uncovered(one, asked, shipped())] == []


def test_nothing_is_skipped() -> None:
    case = {
        "id": "x",
        "date": "2026-01-01",
        "facts": {"ops": "many"},
        "expect": [
            {"instrument": "NO-SUCH-LAW", "outcome": "applies"},
            {"instrument": "US-CA-SB53", "outcome": "apply"},
            {"instrument": "EU-GPAI", "outcome": "needs_fact"},
        ],
        "variants": [
            {"set": {"ops": None}, "expect": [{"instrument": "EU-GPAI", "outcome": "applies", "why": "no"}]}
        ],
    }
    result = check({"cases": [case], "as_of": "2026-11-23"}, shipped())
    assert (result["checked"], result["passed"]) == (4, 0)
    got = {(one["variant"], one["instrument"]): one["got"] for one in result["failed"]}
    assert got[None, "NO-SUCH-LAW"] == "unknown instrument"
    assert got[None, "US-CA-SB53"].startswith("wrong facts: ops is not a number")
    assert got[0, "EU-GPAI"] == "needs_fact"


def test_a_good_folder_lacks_nothing() -> None:
    assert lint(MINE, shipped()) == []


def test_the_linter_says_which_side_is_missing(tmp_path: Path) -> None:
    rule = (MINE / "in-house.yaml").read_text(encoding="utf-8")
    (tmp_path / "rule.yaml").write_text(rule, encoding="utf-8")
    assert len(lint(tmp_path, shipped())) == 4
    (tmp_path / "cases").mkdir()
    one = {
        "id": "one",
        "date": "2026-05-01",
        "facts": {"transfer": "weights", "ops": "1e23", "board_approved": False},
    }
    expected = {"instrument": "MY-EXPORT-BOARD", "outcome": "below_threshold"}
    (tmp_path / "cases" / "a.yaml").write_text(json.dumps({"cases": [{**one, "expect": [expected]}]}))
    assert lint(tmp_path, shipped()) == [
        "one: MY-EXPORT-BOARD is applies, expected below_threshold",
        "MY-EXPORT-BOARD: no case before 2026-04-01",
        "MY-EXPORT-BOARD: no case where operations ge … fails (3 threshold)",
    ]


def test_a_rule_without_numbers_or_days_still_needs_a_case(tmp_path: Path) -> None:
    rule = (MINE / "in-house.yaml").read_text(encoding="utf-8").replace("from: 2026-04-01", "from: null")
    lines = [line for line in rule.splitlines() if "threshold" not in line]
    (tmp_path / "rule.yaml").write_text("\n".join(lines), encoding="utf-8")
    assert lint(tmp_path, shipped()) == ["MY-EXPORT-BOARD: no case names it"]
