"""Directives against each other: what a set refuses, and when each is in force, to the microsecond."""

from pathlib import Path

import pytest

from mythos.access.directives import Directives, file_name, read_folder, uncovered
from mythos.errors import AccessError

from .made import at, directive

BAD = sorted((Path(__file__).parents[1] / "bad" / "access" / "set").iterdir())


@pytest.mark.parametrize("folder", BAD, ids=lambda path: path.name)
def test_wrong_sets_are_refused(folder):
    first = sorted(folder.glob("*.yaml"))
    expected = next(line for path in first for line in path.read_text().splitlines() if "# expected" in line)
    with pytest.raises(AccessError) as caught:
        read_folder(folder)
    assert expected.removeprefix("# expected: ") in str(caught.value)
    assert caught.value.exit_status == 2


def window(name, *directives):
    found = Directives.of(directives).windows.get(name)
    return None if found is None else (str(found.start), None if found.end is None else str(found.end))


D1, D2, D3, D4 = (f"2026-06-{day}T00:00:00Z" for day in (12, 14, 16, 18))


def test_a_window_is_open_until_it_ends():
    assert window("a", directive("a", effective=D1)) == (D1, None)
    assert window("a", directive("a", effective=D1, ends=D2)) == (D1, D2)


def test_the_earliest_end_counts():
    later = directive("b", effective=D3, supersedes=["a"])
    assert window("a", directive("a", effective=D1, ends=D2), later) == (D1, D2)
    assert window("a", directive("a", effective=D1, ends=D4), later) == (D1, D3)
    assert window(
        "a", directive("a", effective=D1), later, directive("c", effective=D2, supersedes=["a"])
    ) == (D1, D2)


@pytest.mark.parametrize("end", [D2, D1])
def test_one_that_ends_before_it_begins_never_takes_effect_and_supersedes_nothing(end):
    lifting = directive("b", "allow", effective=D2, ends=end, supersedes=["a"])
    assert window("b", directive("a", effective=D1), lifting) is None
    assert window("a", directive("a", effective=D1), lifting) == (D1, None)


def test_a_lifting_withdrawn_before_it_began_leaves_the_order_in_force():
    order = directive("order", effective=D1)
    lifting = directive("lifting", "allow", effective=D3, supersedes=["order"])
    withdrawal = directive("withdrawal", effective=D2, supersedes=["lifting"])
    assert window("order", order, lifting, withdrawal) == (D1, None)
    assert window("lifting", order, lifting, withdrawal) is None


def test_a_superseder_effective_at_the_same_instant_stops_it_from_taking_effect():
    assert window("a", directive("a", effective=D1), directive("b", effective=D1, supersedes=["a"])) is None


def test_a_long_chain_of_superseding_is_worked_out_without_recursion():
    chain = [directive("n0", effective=D1)]
    for number in range(1, 3000):
        day = f"2026-07-01T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
        chain.append(directive(f"n{number}", effective=day, supersedes=[f"n{number - 1}"]))
    windows = Directives.of(chain).windows
    assert len(windows) == 3000
    assert windows["n2999"].end is None
    assert windows["n2998"].end == windows["n2999"].start


def test_in_force_at_some_or_at_every_instant():
    [found] = Directives.of([directive("a", effective=D2, ends=D3)]).windows.values()
    for lo, hi, some, every in [
        (D1, D1, False, False),
        (D1, D2, True, False),
        (D2, D2, True, True),
        (D2, D3, True, False),
        (D3, D3, False, False),
        (D3, D4, False, False),
        (D1, D4, True, False),
    ]:
        assert (found.touches(at(lo), at(hi)), found.spans(at(lo), at(hi))) == (some, every), (lo, hi)


def test_superseding_covers_or_says_that_it_narrows():
    old = directive("old", models=["m", "n"], acts=["access", "transfer"])
    narrow = directive("new", models=["m"], acts=["access"], effective=D2, supersedes=["old"], narrows=True)
    assert Directives.of([old, narrow]).windows["old"].end == at(D2)
    assert uncovered(narrow, old) == ("n", "transfer")
    star = directive("new", models=["*"], acts=["access", "transfer"], effective=D2, supersedes=["old"])
    assert uncovered(star, old) == ()
    Directives.of([old, star])


def test_the_same_bytes_twice_are_one_directive():
    found = Directives.of([directive("a"), directive("b"), directive("a")])
    assert list(found.known) == [0, 1]


def test_what_was_known_at_an_index():
    order, lifting = directive("order", effective=D1), directive("lift", effective=D2, supersedes=["order"])
    found = Directives.indexed({7: order, 9: lifting})
    assert [d.id for d in found.known_at(6)] == []
    assert [d.id for d in found.known_at(7)] == ["order"]
    assert found.known_at(8).windows["order"].end is None
    assert found.known_at(9).windows["order"].end == at(D2)


def test_a_reference_to_what_was_not_known_yet_has_no_effect_then():
    lifting = directive("lift", effective=D1, supersedes=["order"])
    found = Directives.indexed({1: lifting, 2: directive("order", effective=D2)})
    assert [d.id for d in found.known_at(1)] == ["lift"]
    assert list(found.known_at(1).windows) == ["lift"]


def test_a_folder_in_the_order_of_its_names(tmp_path):
    for number, name in enumerate(["b", "a"]):
        (tmp_path / f"{number}.yaml").write_bytes(directive(name).document)
    (tmp_path / "README.md").write_text("not a directive")
    (tmp_path / "c.yml").write_bytes(directive("c").document)
    law, ignored = read_folder(tmp_path)
    assert [d.id for d in law] == ["b", "a", "c"]
    assert ignored == ("README.md",)


def test_a_folder_whose_names_tell_the_log_index(tmp_path):
    for index, name in [(41, "a/b"), (1007, "b")]:
        (tmp_path / file_name(index, directive(name))).write_bytes(directive(name).document)
    law, _ = read_folder(tmp_path)
    assert {index: d.id for index, d in law.known.items()} == {41: "a/b", 1007: "b"}


def test_an_empty_folder_is_an_empty_set(tmp_path):
    assert len(read_folder(tmp_path)[0]) == 0


def test_a_missing_folder_is_wrong_input(tmp_path):
    with pytest.raises(AccessError, match="not a folder"):
        read_folder(tmp_path / "nothing")
