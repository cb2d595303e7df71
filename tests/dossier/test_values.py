from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.dossier.values import ITEMS, dig, show, total


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("1614180096000000000000", "FLOP", "1.61 × 10²¹ FLOP (1,614,180,096,000,000,000,000)"),
        ("9999999", "FLOP", "1.00 × 10⁷ FLOP (9,999,999)"),
        ("12", "FLOP", "12 FLOP"),
        ("134515008", "number", "134,515,008"),
        (98362432, "bytes", "98.4 MB (98,362,432 bytes)"),
        ("1834500", "Wh", "1,834,500 Wh"),
        ("3.5", "percent", "3.5 percent"),
        (True, "", "yes"),
        (False, "", "no"),
        ("2026-11-23T09:00:00.25Z", "", "2026-11-23 09:00:00 UTC"),
        ([{"from": "US", "to": "JP", "act": "transfer"}], "", "US → JP (transfer)"),
        ({"id": "EU-GPAI", "outcome": "applies", "cite": "art. 53"}, "", "EU-GPAI applies (art. 53)"),
        (
            {"name": "accuracy", "value": "0.3", "unit": "share", "count": 10},
            "",
            "accuracy 0.3 share (n = 10)",
        ),
        ({"weights": "sha256:ab", "role": "base"}, "", "base sha256:ab"),
        (
            {"title": "A paper", "url": "https://x.example", "digest": None},
            "",
            "title A paper, url https://x.example",
        ),
        ([], "", ""),
        ("²", "Wh", "² Wh"),
        ("9" * 61, "FLOP", "9" * 61 + " FLOP"),
    ],
)
def test_a_value_reads_as_one_line(value: Any, unit: str, text: str) -> None:
    assert show(value, unit) == text


def test_a_long_list_is_counted() -> None:
    assert show([str(i) for i in range(ITEMS)]) == "0; 1; 2; 3; 4; 5"
    assert show([str(i) for i in range(100)]).endswith("5; … (100)")


@given(st.integers(0, 10**60))
def test_every_digit_of_a_large_count_stays(number: int) -> None:
    assert str(number) in show(str(number), "FLOP").replace(",", "")


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    assert total([1, "2", 3]) == 6
    assert total([1, None]) is None
    assert total(["1.5"]) is None
    assert total(["²"]) is None
    assert total(["9" * 5000]) is None


def test_dig_looks_into_parts_and_lists() -> None:
    value = {"request": {"hub": {"name": "h"}}, "approvals": [{"organisation": "A"}, {"organisation": "B"}]}
    assert dig(value, "request.hub.name") == "h"
    assert dig(value, "approvals.organisation") == ["A", "B"]
    with pytest.raises(KeyError):
        dig(value, "request.nothing")
