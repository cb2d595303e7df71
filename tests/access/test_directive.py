"""The format of a directive: what the contract allows is read, everything else is refused with its place."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.access.directive import Directive, Who
from mythos.errors import AccessError, FormatError, InputError
from mythos.units import Digest, Instant

BAD = sorted((Path(__file__).parents[1] / "bad" / "access" / "directive").glob("*.yaml"))
GOLDEN = Path(__file__).parents[1] / "golden" / "access"


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_wrong_directives_are_refused(path):
    data = path.read_bytes()
    expected = data.split(b"\n")[0].removeprefix(b"# expected: ").decode()
    with pytest.raises((AccessError, FormatError)) as caught:
        Directive.parse(data, where=path.name)
    assert expected in str(caught.value)
    assert path.name in str(caught.value)
    assert caught.value.exit_status == 2


def test_the_letter_of_12_june_as_the_contract_writes_it():
    data = (GOLDEN / "us-bis-2026-06-12.yaml").read_bytes()
    letter = Directive.parse(data)
    assert letter.effective == Instant.parse("2026-06-12T21:21:00Z")
    assert letter.ends is None
    assert letter.models == {"mythos-5", "fable-5"}
    assert letter.acts == {"access", "transfer"}
    assert letter.who == Who("foreign_person_of", ("US",))
    assert (letter.supersedes, letter.lifts, letter.narrows, letter.lists) == ((), (), False, {})
    assert letter.document == data
    assert letter.digest == Digest.of(data)


def test_the_relief_of_26_june_names_its_list():
    relief = Directive.parse((GOLDEN / "us-bis-2026-06-26.yaml").read_bytes())
    assert relief.effect == "allow"
    assert relief.who.atoms() == (Who("entity_in", ("acme", "initech"), "annex-a"),)
    assert str(relief.who) == "entity_in annex-a"


def test_scalars_stay_their_text():
    data = b"""{id: NO, authority: 007, kind: order, effective: 2026-06-12T00:00:00Z, models: ["1.0e26"],
      acts: [access], who: {citizen_of: [NO]}, effect: allow, cite: 2026-06-12}"""
    read = Directive.parse(data)
    assert (read.id, read.authority, read.cite) == ("NO", "007", "2026-06-12")
    assert read.models == {"1.0e26"}
    assert read.who.values == ("NO",)


def test_one_byte_more_is_another_digest():
    data = (GOLDEN / "us-bis-2026-06-12.yaml").read_bytes()
    assert Directive.parse(data).digest != Directive.parse(data + b"\n").digest


def test_a_who_reads_as_a_sentence():
    data = b"""{id: d, authority: a, kind: order, effective: 2026-06-12T00:00:00Z, models: ["*"], acts: [access],
      who: {all_of: [{citizen_of: [CN, HK]}, {not: {any_of: [{located_in: [JP]}, {any: true}]}}]}, effect: refuse}"""
    assert str(Directive.parse(data).who) == "citizen_of CN, HK and (not (located_in JP or anyone))"


@given(st.binary(max_size=200))
def test_any_bytes_give_a_directive_or_a_clear_refusal(data):
    with pytest.raises((AccessError, InputError)):
        Directive.parse(data)


@given(st.data())
def test_one_changed_character_never_breaks_anything_but_the_directive(data):
    document = (GOLDEN / "us-bis-2026-06-26.yaml").read_bytes()
    place = data.draw(st.integers(0, len(document) - 1))
    changed = document[:place] + bytes([data.draw(st.integers(0, 255))]) + document[place + 1 :]
    try:
        Directive.parse(changed)
    except (AccessError, InputError) as error:
        assert error.exit_status == 2  # noqa: PT017 (either outcome is right; no other exception is)
