import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dossier.conftest import LATER, WEIGHTS, Story, digest, make_policy, take

from mythos.dossier.acts import KINDS, Act, read
from mythos.dossier.build import Dossier, build
from mythos.dossier.passport import Level, Passport, fold, level, when
from mythos.dossier.terminal import document
from mythos.evidence.statement import Subject
from mythos.evidence.verify import verify
from mythos.units import Digest

Make = Callable[..., Passport]
GOLDEN = Path(__file__).parents[1] / "golden" / "dossier"


def test_the_golden_life_gives_the_golden_passport(story: Story, dossier: Callable[..., Dossier]) -> None:
    story.everything()
    found = dossier(story)
    assert found.evidence == (GOLDEN / "everything.dossier.json").read_bytes()
    assert document(found) == json.loads((GOLDEN / "everything.passport.json").read_bytes())


def test_facts_carry_their_level_act_and_index(story: Story, passport: Make) -> None:
    story.live()
    found = {(f.kind, f.field): f for f in passport(story).facts}
    assert found["model-identity", "licence"].level is Level.DECLARED
    assert found["training-compute", "modelFlop"].level is Level.DECLARED
    assert found["training-compute", "modelFlop"].value == "1614180096000000000000"
    assert found["seal", "suite"].level is Level.SIGNED
    assert found["grant", "request.hub.name"].level is Level.WITNESSED
    assert found["grant", "request.hub.name"].index == 7
    assert ("training-compute", "energyWattHours") not in found  # empty stays empty


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("declared", "declared"),
        ("formula", "signed"),
        ("hardware", "signed"),
        ("counted", "counted"),
        ("replayed", "counted"),
        ("divined", "declared"),
    ],
)
def test_how_compute_was_known_decides_its_level(
    method: str, expected: str, story: Story, passport: Make
) -> None:
    story.trust()
    story.compute(method=method)
    (act,) = passport(story).of("training-compute")
    assert level(act, "modelFlop") == expected


def test_not_revoked_is_claimed_up_to_the_last_witnessed_time(story: Story, passport: Make) -> None:
    grant = story.live()
    found = passport(story)
    assert found.witnessed is not None
    assert found.clear_until == found.witnessed.at == story.clock.plus(1)
    assert passport(story, witnesses=("witness",)).clear_until is None  # no quorum
    story.revocation(grant)
    assert passport(story).clear_until is None
    assert [act.kind for act in passport(story).revocations] == ["revocation"]


def test_the_witnessed_time_is_the_oldest_of_the_quorum(story: Story, passport: Make) -> None:
    story.live()
    at = story.clock.plus(100)
    found = passport(story, at=at).witnessed
    assert found is not None
    assert found.at == at
    assert set(found.names) == {"witness", "host-witness"}


def test_a_revocation_in_an_unknown_version_withholds_the_claim(story: Story, passport: Make) -> None:
    grant = story.live()
    story.add("revocation", "owner", {"grant": grant}, version=2)
    found = passport(story)
    assert found.clear_until is None
    assert found.revocations == ()
    assert [(a.kind, a.distrust) for a in found.distrusted] == [("revocation/v2", "unknown_version")]


def test_what_a_revocation_of_another_version_is_about_cannot_be_known(story: Story, passport: Make) -> None:
    """Its subject may be a grant, a hub or an estate; only one about another model is not about this."""
    story.live()
    identity = passport(story).of("model-identity")[0].predicate
    other = Subject("other", digest("other"))
    story.add("model-identity", "owner", identity | {"name": "other"}, other)
    story.add("revocation", "owner", {"everything": True}, other, version=2)
    assert passport(story).clear_until is not None
    story.add("revocation", "owner", {"everything": True}, Subject("grant", digest("a grant")), version=2)
    assert passport(story).clear_until is None


def test_an_entry_that_cannot_be_read_withholds_the_claim(story: Story, passport: Make) -> None:
    story.live()
    story.entries.append(b"noise")
    assert passport(story).clear_until is None


def test_other_models_stay_out(story: Story, passport: Make) -> None:
    story.live()
    before = passport(story)
    story.add(
        "model-identity",
        "owner",
        before.of("model-identity")[0].predicate | {"name": "other"},
        Subject("other", digest("other")),
    )
    after = passport(story)
    assert (after.name, after.facts, after.acts) == (before.name, before.facts, before.acts)
    assert after.size == before.size + 1


def test_derived_weights_belong_to_the_family_and_not_to_the_facts(story: Story, passport: Make) -> None:
    child, grandchild = digest("child"), digest("grandchild")
    story.live()
    story.derivation(grandchild, child)
    story.derivation(child, WEIGHTS)  # logged later: the order of derivations does not matter
    story.add(
        "evaluation",
        "owner",
        {"suite": "s", "results": [], "evaluatedAt": story.now},
        Subject("child", child),
    )
    found = passport(story)
    assert found.family == (WEIGHTS, child, grandchild)
    assert found.of("evaluation") == []
    assert "no-evaluation" in found.missing
    assert passport(story, child).parents == (WEIGHTS,)


def test_a_circle_of_derivations_ends(story: Story, passport: Make) -> None:
    a, b = digest("a"), digest("b")
    story.trust()
    story.derivation(a, b)
    story.derivation(b, a)
    assert set(passport(story, a).family) == {a, b}


def test_data_of_its_training_counts_and_other_data_does_not(story: Story, passport: Make) -> None:
    story.trust()
    used = story.dataset()
    story.add(
        "dataset-admitted",
        "owner",
        passport(story, used).acts[-1].predicate,
        Subject("unused", digest("unused")),
    )
    story.run(used)
    assert [act.subjects[0].digest for act in passport(story).of("dataset-admitted")] == [used]


@pytest.mark.parametrize(
    ("models", "counts"),
    [
        ("'*'", True),
        ("SmolLM2-135M-Instruct", True),
        (str(WEIGHTS), True),
        ("another", False),
        ("broken: [", True),
    ],
)
def test_a_directive_counts_when_it_may_name_the_model(
    models: str, counts: bool, story: Story, passport: Make
) -> None:
    story.live()
    story.directive(models)
    assert ("directive" in {act.kind for act in passport(story).acts}) is counts


def test_what_is_missing_is_said(story: Story, passport: Make) -> None:
    story.trust()
    story.compute(complete=False, unregistered=["custom kernel"])
    story.determination(needs=["recipient_hq"])
    assert passport(story, witnesses=()).missing == (
        "no-model-identity",
        "no-training-run",
        "no-evaluation",
        "no-seal",
        "no-witness",
        "needs-facts",
        "compute-incomplete",
    )


def test_the_newest_identity_names_the_model(story: Story, passport: Make) -> None:
    story.trust()
    story.identity(version="1.0")
    story.identity(version="1.1")
    assert passport(story).version == "1.1"


def test_every_act_of_the_full_life_has_a_time_or_says_none(story: Story, passport: Make) -> None:
    story.everything()
    found = passport(story)
    assert {act.kind for act in found.trusted} == set(KINDS)
    assert all(when(act) for act in found.trusted)


def log_of(story: Story) -> tuple[Act, ...]:
    evidence = build(make_policy(), take(story), WEIGHTS, LATER).evidence
    return read(story.entries, verify(evidence, make_policy(), now=2_000_000_000))


FULL = Story()
FULL.everything()
LOG = log_of(FULL)
SEEN = build(make_policy(), take(FULL), WEIGHTS, LATER).passport.witnessed

NOISE = st.builds(
    lambda kind, reason, subject, grant: Act(
        10_000,
        Digest.of(b"noise"),
        kind,
        (Subject("m", subject),),
        {"grant": grant, "until": "9999-12-31T00:00:00Z"},
        (),
        ("Another Hub GmbH",),
        reason,
    ),
    st.sampled_from(
        ["wiped/v2", "revocation/v2", "seal", "grant", "revocation", "lease", "?", "model-identity/v9"]
    ),
    st.sampled_from(["unknown_version", "unknown_act", "malformed", "not_trusted", "bad_signature"]),
    st.sampled_from([WEIGHTS, digest("child"), digest("elsewhere")]),
    st.sampled_from([str(next(a.leaf for a in LOG if a.kind == "grant")), "sha256:" + "0" * 64]),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(LOG)), NOISE), max_size=6))
def test_acts_that_are_not_trusted_never_raise_trust(noise: list[tuple[int, Act]]) -> None:
    mixed = list(LOG)
    for place, act in noise:
        mixed.insert(place, act)
    before, after = fold(LOG, WEIGHTS, SEEN), fold(mixed, WEIGHTS, SEEN)
    assert after.trusted == before.trusted
    untouched = ("name", "version", "family", "parents", "facts", "reach", "revocations", "missing")
    assert [getattr(after, n) for n in untouched] == [getattr(before, n) for n in untouched]
    assert after.clear_until in {before.clear_until, None}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(LOG)))
def test_the_fold_is_deterministic_and_reads_in_order(size: int) -> None:
    whole, prefix = fold(LOG, WEIGHTS, SEEN), fold(LOG[:size], WEIGHTS, SEEN)
    assert prefix == fold(list(LOG[:size]), WEIGHTS, SEEN)
    # What a shorter log said stays said: facts are only ever added.
    kept = [f for f in whole.facts if f.index < size]
    assert [f for f in prefix.facts if f in kept] == list(prefix.facts)
    assert prefix.revocations == whole.revocations[: len(prefix.revocations)]


def test_the_order_of_wiping_and_opening_matters() -> None:
    states: list[Any] = []
    for kinds in (("release", "wiped"), ("wiped", "release")):
        story = Story()
        story.trust()
        grant = story.grant()
        for kind in kinds:
            getattr(story, kind)(grant)
        (reach,) = fold(log_of(story), WEIGHTS, None).reach
        states.append(reach.state(None))
    assert states == ["wiped", "readable"]


def test_a_passport_is_frozen(story: Story, passport: Make) -> None:
    story.live()
    with pytest.raises(AttributeError):
        passport(story).name = "other"  # pyright: ignore[reportAttributeAccessIssue]
    assert replace(passport(story), name="other").name == "other"
