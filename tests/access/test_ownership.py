"""Stakes add up along chains, by a rule that holds on a day; what is unknown stays so."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from mythos.access.ownership import Stake, reach, rules, stake
from mythos.cli import access
from mythos.errors import AccessError, InputError

RULE = rules()["us-bis-affiliates"]
DAY = date(2025, 10, 15)


def stakes(*rows: tuple[str, str, str | None]) -> list[Stake]:
    return [Stake(owner, owned, None if share is None else Decimal(share)) for owner, owned, share in rows]


@pytest.mark.parametrize(
    ("rows", "held"),
    [
        ([("a", "x", "0.5")], True),
        ([("a", "x", "0.499999999999999999")], False),
        ([("a", "x", "0.25"), ("b", "x", "0.25")], True),
        ([("a", "x", "0.25"), ("c", "x", "0.75")], False),
        ([("a", "m", "0.5"), ("m", "x", "0.5")], True),
        ([("a", "m", "0.49"), ("m", "x", "1")], False),
        ([("a", "m", "0.6"), ("m", "x", "0.3"), ("b", "x", "0.2")], True),
        ([("a", "x", None)], None),
        ([("a", "x", "0.4"), ("b", "x", None)], None),
        ([("c", "x", None)], False),
        ([("a", "x", "0.5"), ("c", "x", None)], True),
        ([("a", "m", None), ("m", "x", "1")], None),
        ([("x", "y", "1"), ("y", "x", "1")], False),
        ([("a", "x", "0." + "4" + "9" * 39)], False),
        ([("a", "x", "0.2" + "4" * 30 + "5"), ("b", "x", "0.2" + "5" * 31)], True),
        ([("a", "x", "0.24" + "9" * 30), ("b", "x", "0.25")], False),
        ([("a", "y", "1")], None),
        ([], None),
    ],
)
def test_who_is_reached(rows: list[tuple[str, str, str | None]], held: bool | None) -> None:
    assert reach("x", stakes(*rows), {"a", "b"}, RULE, DAY).held is held


@pytest.mark.parametrize(
    ("day", "held"),
    [
        ("2025-09-28", False),
        ("2025-09-29", True),
        ("2025-11-09", True),
        ("2025-11-10", False),
        ("2026-11-09", False),
        ("2026-11-10", None),
    ],
)
def test_a_rule_holds_on_its_days_and_an_unread_one_is_not_known(day: str, held: bool | None) -> None:
    found = reach("x", stakes(("a", "x", "1")), {"a"}, RULE, date.fromisoformat(day))
    assert found.held is held
    assert (found.needs == (RULE.id,)) is (held is None)


def test_the_answer_names_owners_and_what_would_decide() -> None:
    found = reach("x", stakes(("a", "x", "0.4"), ("b", "x", None), ("c", "x", "0.6")), {"a", "b"}, RULE, DAY)
    assert found.owners == (("a", Decimal("0.4")), ("b", None))
    assert found.share == Decimal("0.4")
    assert found.needs == ("b in x",)


def test_only_what_could_decide_is_asked_for() -> None:
    rows = [("a", "m", None), ("m", "x", "0.6"), ("a", "z", None), ("x", "y", None), ("c", "x", None)]
    assert reach("x", stakes(*rows), {"a"}, RULE, DAY).needs == ("a in m",)
    assert reach("nobody", stakes(*rows), {"a"}, RULE, DAY).needs == ("owners of nobody",)


@pytest.mark.parametrize("day", ["2025-10-15", "2025-12-01", "2026-12-01"])
def test_who_stands_on_the_list_needs_no_owner(day: str) -> None:
    found = reach("a", stakes(("c", "a", "1")), {"a"}, RULE, date.fromisoformat(day))
    assert (found.held, found.needs) == (True, ())


def test_a_stake_that_stands_twice_is_not_counted_twice() -> None:
    with pytest.raises(AccessError, match="stands twice"):
        reach("x", stakes(("a", "x", "0.3"), ("a", "x", "0.3")), {"a"}, RULE, DAY)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abxyz"), st.sampled_from("xyz"), st.sampled_from(["0", "0.3", "0.5", "1", None])
        ),
        max_size=8,
        unique_by=lambda row: row[:2],
    )
)
def test_an_unknown_answer_is_unknown_only_where_both_ends_differ(rows: list[Any]) -> None:
    found = reach("x", stakes(*rows), {"a"}, RULE, DAY).held
    ends = [
        reach("x", stakes(*((o, e, end if s is None else s) for o, e, s in rows)), {"a"}, RULE, DAY).held
        for end in ("0", "1")
    ]
    assert found is (ends[0] if ends[0] is ends[1] else None)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"owner": "a", "owned": "a", "share": "1"},
        {"owner": "a", "owned": "b", "share": 0.5},
        {"owner": "a", "owned": "b", "share": "1.1"},
        {"owner": "a", "owned": "b", "share": "-01"},
        {"owner": "a", "owned": "b", "share": "NaN"},
        {"owner": "a", "owned": "b", "share": " 0.5"},
        {"owner": "a", "owned": "b", "share": "0_5"},
        {"owner": "a", "owned": "b", "share": "1e-999999999"},
        {"owner": "a", "owned": "b", "share": "０.５"},
        {"owner": "a", "owned": "b", "share": "50%"},
        {"owner": 3, "owned": "b"},
    ],
)
def test_wrong_stakes(document: dict[str, Any]) -> None:
    with pytest.raises(AccessError):
        stake(document, where="line 1")


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text('{"owner": "a", "owned": "x", "share": "0.5"}\n')
    arguments = ["ownership", "x", "--stakes", str(tmp_path / "s.jsonl"), "--listed", "a", "--json", "--on"]
    done = CliRunner().invoke(access.command, [*arguments, "2025-10-15"], catch_exceptions=False)
    assert json.loads(done.stdout)["held"] is True
    arguments[5] = " z , a,"
    done = CliRunner().invoke(access.command, [*arguments, "2025-10-15"], catch_exceptions=False)
    assert json.loads(done.stdout)["held"] is True
    assert "own nothing here: z" in done.stderr
    for day in ("soon", "20251015", "2025-W42-3", "2025-02-30"):
        with pytest.raises(InputError, match="not a date"):
            CliRunner().invoke(access.command, [*arguments, day], catch_exceptions=False)
    arguments[5] = " , "
    with pytest.raises(InputError, match="nobody is listed"):
        CliRunner().invoke(access.command, [*arguments, "2025-10-15"], catch_exceptions=False)
    arguments[5] = "a"
    with pytest.raises(AccessError, match="no rule of that id"):
        CliRunner().invoke(access.command, [*arguments, "2025-10-15", "--rule", "x"], catch_exceptions=False)
