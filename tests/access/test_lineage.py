"""Which models a directive reaches: names, digests, descendants, and merges of a relieved with a barred one."""

import pytest

from mythos.access.lineage import Lineage, Model, read_lineage
from mythos.errors import AccessError

from .made import directive, reason, someone

A, B, C, Q, M = (f"sha256:{letter * 64}" for letter in "abcde")


def family():
    """mythos-5 (A) is quantised to Q; Q and fable-5 (B) are merged to M; C stands alone."""
    return Lineage.of(
        [("mythos-5", A), ("fable-5", B), ("other", C), ("mythos-5-q4", Q)], [(Q, [A]), (M, [Q, B])]
    )


def names(*models):
    return frozenset(models)


@pytest.mark.parametrize("asked", ["mythos-5", A])
def test_a_name_and_its_digest_are_the_same_model(asked):
    model = family().model(asked)
    assert model.reached_by(names("mythos-5"))
    assert model.reached_by(names(A))
    assert not model.reached_by(names("mythos-5-q4", Q, M, "fable-5"))


def test_a_directive_about_a_model_is_about_what_was_derived_from_it():
    for asked in ("mythos-5-q4", Q, M):
        assert family().model(asked).reached_by(names("mythos-5"))
    assert not family().model("other").reached_by(names("mythos-5", "fable-5", M))
    assert family().model("other").reached_by(names("*"))


def test_a_name_nobody_bound_is_a_model_of_that_name_alone():
    assert Lineage().model("mythos-5").reached_by(names("mythos-5"))
    assert not Lineage().model("Mythos-5").reached_by(names("mythos-5"))


def test_a_name_of_several_weights_must_be_asked_by_digest():
    two = Lineage.of([("m", A), ("m", B)], [])
    with pytest.raises(AccessError, match="several weights"):
        two.model("m")
    assert two.model(A).reached_by(names("m"))
    assert two.model(B).reached_by(names("m"))


@pytest.mark.parametrize(
    "asked", ["", "*", " m", "m\n", "sha256:ab", f"SHA256:{'a' * 64}", f"sha256:{'A' * 64}", f"{A} "]
)
def test_no_model_is_called_everything_or_nothing(asked):
    with pytest.raises(AccessError, match="not one model"):
        Lineage().model(asked)


def test_a_model_is_not_its_own_ancestor():
    with pytest.raises(AccessError, match="derived from itself"):
        Lineage.of([], [(A, [B]), (B, [A])])


def test_a_relief_for_one_parent_does_not_free_a_merge_with_a_barred_one():
    order = directive("order", models=["mythos-5", "fable-5"])
    relief = directive("relief", "allow", models=["mythos-5"], effective="2026-06-13T00:00:00Z")
    when = {"lo": "2026-06-14T00:00:00Z"}
    assert reason(someone(), order, relief, model=family().model(A), **when) == "exempt"
    assert reason(someone(), order, relief, model=family().model(Q), **when) == "exempt"
    assert reason(someone(), order, relief, model=family().model(M), **when) == "refused"
    both = directive("both", "allow", models=["mythos-5", "fable-5"], effective="2026-06-13T00:00:00Z")
    assert reason(someone(), order, both, model=family().model(M), **when) == "exempt"
    alone = directive("alone", "allow", models=[M], effective="2026-06-13T00:00:00Z")
    assert reason(someone(), order, alone, model=family().model(M), **when) == "exempt"


@pytest.mark.parametrize(
    ("refused", "allowed", "asked", "lifted"),
    [
        (["*"], ["mythos-5"], Q, True),
        (["*"], ["mythos-5"], M, False),
        (["*"], ["*"], M, True),
        ([Q], ["mythos-5"], Q, True),
        ([M], ["mythos-5"], M, True),
        (["mythos-5"], ["mythos-5"], M, True),
        (["fable-5"], ["mythos-5"], M, False),
        (["mythos-5"], ["mythos-5-q4"], M, True),
        (["mythos-5"], ["mythos-5-q4"], A, False),
        (["mythos-5"], [C], M, False),
    ],
)
def test_every_line_a_refusal_comes_by_must_be_lifted(refused, allowed, asked, lifted):
    assert family().model(asked).lifted(names(*refused), names(*allowed)) is lifted


def test_a_lattice_of_merges_takes_no_exponential_time():
    model = Model.of(["root"])
    for level in range(60):
        model = Model.of([f"n{level}"], (model, model))
    assert model.lifted(names("root"), names("root"))


def test_lineage_is_read_strictly():
    assert (
        read_lineage(f'{{"names": {{"m": "{A}"}}, "parents": {{"{B}": ["{A}"]}}}}'.encode())
        .model(B)
        .reached_by(names("m"))
    )
    assert read_lineage(b"{}") == Lineage()
    for wrong in (
        b"[]",
        b'{"names": []}',
        b'{"names": {"m": "x"}}',
        b'{"parents": {"x": []}}',
        b'{"more": 1}',
        b"{",
    ):
        with pytest.raises(AccessError):
            read_lineage(wrong)
