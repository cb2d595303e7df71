"""The room's front door: its names exist, are loaded late, and deciding a file needs no cryptography."""

import subprocess
import sys

import pytest

import mythos.access as room


def test_every_public_name_is_there_and_is_sorted():
    assert sorted(room.__all__) == room.__all__
    for name in room.__all__:
        assert getattr(room, name).__name__ == name


def test_no_other_name_is():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = room.nothing  # pyright: ignore[reportAttributeAccessIssue]


def test_deciding_a_file_imports_no_cryptography():
    code = "import sys, mythos.access.batch; print([m for m in sys.modules if 'cryptography' in m or 'joserfc' in m])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_the_example_of_the_essay():
    from mythos.access import Directive, Directives, Entities, Facts, Model, Person, Plan
    from mythos.units import Instant

    yaml = b"""{id: d, authority: us-bis, kind: order, effective: 2026-06-12T17:21:00-04:00, models: [mythos-5],
      acts: [access], who: {foreign_person_of: US}, effect: refuse}"""
    at = Instant.parse("2026-06-13T00:00:00Z")
    law = Directives.of([Directive.parse(yaml)])
    plan = Plan(law, Entities.of([]), Model.named("mythos-5"), "access", at, at)
    decision = plan.decide(Person("p", Facts(None, (), (), None, None), at.plus(60)), at)
    assert (decision.reason, decision.needs) == ("needs_fact", ("citizenships",))
