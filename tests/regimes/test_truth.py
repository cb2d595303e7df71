"""Comparisons and Kleene logic against brute force over everything that is still possible."""

from fractions import Fraction
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from mythos.regimes.truth import Comparator, Held, Seen, all_of, any_of, compare

NUMBERS = range(5)
ORDERED: tuple[Comparator, ...] = ("gt", "ge", "lt", "le", "eq", "ne")
PLAIN = {
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
}

bounds = st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)).map(sorted)
values = st.sampled_from([True, False, None])


def between(low: int, high: int) -> Seen:
    return Seen(Fraction(low), Fraction(high), frozenset({f"{low}{high}"}))


@given(bounds, st.sampled_from(ORDERED), bounds)
def test_a_comparison_is_settled_exactly_when_every_possible_value_agrees(a, sign, b) -> None:
    answers = {PLAIN[sign](x, y) for x, y in product(range(a[0], a[1] + 1), range(b[0], b[1] + 1))}
    held = compare(between(*a), sign, between(*b))
    assert held.value == (answers.pop() if len(answers) == 1 else None)
    assert bool(held.needs) == (held.value is None)


@given(st.sampled_from(ORDERED))
def test_nothing_follows_from_nothing(sign) -> None:
    held = compare(Seen.unknown("ops"), sign, Seen.of(Fraction(1)))
    assert held == Held(None, frozenset({"ops"}))


def test_membership_needs_the_value() -> None:
    assert compare(Seen.of("JP"), "in", ("JP", "US")).value is True
    assert compare(Seen.of("JP"), "not_in", ("JP", "US")).value is False
    assert compare(Seen.of("SG"), "not_in", ("JP", "US")).value is True
    assert compare(Seen.unknown("dest"), "not_in", ("JP",)).value is None


@given(st.lists(values, max_size=4))
def test_groups_are_what_every_completion_agrees_on(parts) -> None:
    held = [Held(part, frozenset({str(n)} if part is None else ())) for n, part in enumerate(parts)]
    choices = [[True, False] if part is None else [part] for part in parts]
    for fold, plain in ((all_of, all), (any_of, any)):
        answers = {plain(completion) for completion in product(*choices)}
        result = fold(held)
        assert result.value == (answers.pop() if len(answers) == 1 else None)
        assert bool(result.needs) == (result.value is None)


def test_an_unknown_keeps_what_would_settle_it_and_what_the_text_leaves_open() -> None:
    parts = [Held(None, frozenset({"a"})), Held(True), Held(None, frozenset({"b"}), ("words",))]
    assert all_of(parts) == Held(None, frozenset({"a", "b"}), ("words",))


def test_how_it_is_shown() -> None:
    assert str(Seen.of(Fraction(10**26))) == "1e26"
    assert str(Seen(Fraction(1), None)) == "1 to unknown"
    assert str(Seen.unknown("x")) == "unknown"
    assert str(Seen(review=("unclear",))) == "unsettled"
