"""The one-third rule and the quarter-or-floor rule, on the edge and a unit beside it."""

import pytest

from mythos.compute.lineage import Graph
from mythos.compute.modified import Limit, Modification, limits, modification
from mythos.errors import ComputeError
from mythos.regimes import shipped

from .family import Family, weights


def change(original: int | None, *added: int) -> Modification:
    family = Family()
    if original is not None:
        family.spent("original", original)
    last = "original"
    for index, flop in enumerate(added):
        family.spent(f"step{index}", flop).made(f"step{index}", "adapt", last)
        last = f"step{index}"
    return modification(Graph.of(family.envelopes), weights(last), weights("original"))


def limit(regime: str, of: Modification, **known: bool) -> Limit:
    [one] = limits(shipped()[regime], of, **known)
    return one


def test_modifications_add_up_against_the_original() -> None:
    family = Family().spent("original", 900).spent("first", 100).spent("second", 150).spent("expert", 7)
    family.made("first", "adapt", "original").made("second", "merge", "first", "expert")
    graph = Graph.of(family.envelopes)
    found = modification(graph, weights("second"), weights("original"))
    assert (found.added.flop, found.before.flop) == (250, 900)
    assert found.facts == {"mod_ops": "250", "mod_flop": "250", "base_ops": "900", "base_flop": "900"}
    for stranger in ("second", "nobody"):
        with pytest.raises(ComputeError, match="not made from"):
            modification(graph, weights("second"), weights(stranger))


@pytest.mark.parametrize(("added", "held"), [((3 * 10**23,), False), ((2 * 10**23, 10**23 + 1), True)])
def test_a_third_is_not_more_than_a_third(added: tuple[int, ...], held: bool) -> None:
    one = limit("EU-MODIFIER", change(9 * 10**23, *added))
    assert (one.comparator, one.held, one.needs) == ("gt", held, ())
    assert one.words == "greater than a third"


def test_an_unknown_original_has_the_threshold_of_its_class() -> None:
    third = 10**25 // 3
    assert limit("EU-MODIFIER", change(None, third), base_is_sr=True).held is False
    assert limit("EU-MODIFIER", change(None, third + 1), base_is_sr=True).held is True
    unknown = limit("EU-MODIFIER", change(None, third))
    assert unknown.held is None
    assert {"base_flop", "base_is_sr"} <= set(unknown.needs)
    assert limit("EU-MODIFIER", change(None, 10**22)).held is False, "below a third of either threshold"


@pytest.mark.parametrize(
    ("original", "added", "excluded"),
    [
        (4 * 10**26, 10**26, True),
        (4 * 10**26, 10**26 + 1, False),
        (10**25, 25 * 10**24, True),
        (10**25, 25 * 10**24 + 1, False),
    ],
)
def test_a_quarter_or_the_floor_whichever_is_higher(original: int, added: int, excluded: bool) -> None:
    one = limit("US-EAR-4E091", change(original, added))
    assert (one.comparator, one.held) == ("le", excluded)


def test_uncertainty_keeps_a_limit_open() -> None:
    family = (
        Family().spent("original", 900).spent("made", 290, uncertainty="30").made("made", "adapt", "original")
    )
    found = modification(Graph.of(family.envelopes), weights("made"), weights("original"))
    assert limit("EU-MODIFIER", found).held is None
