from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dossier.conftest import KEYS, START, WEIGHTS, Story, digest

from mythos.dossier.acts import Act
from mythos.dossier.passport import Passport
from mythos.dossier.reach import MARGIN, State, reaches
from mythos.units import Digest, Instant

Make = Callable[..., Passport]


def only(passport: Passport) -> Any:
    (reach,) = passport.reach
    return reach


def state(found: Passport) -> State:
    assert found.witnessed is not None
    return only(found).state(found.witnessed.at)


def test_a_grant_without_a_release_says_until_when_it_may_be_opened(story: Story, passport: Make) -> None:
    story.trust()
    story.grant(until=600)
    found = passport(story)
    assert state(found) is State.GRANTED
    assert (
        only(passport(story, at=only(found).closes.plus(MARGIN + 2))).state(
            only(found).closes.plus(MARGIN + 2)
        )
        is State.UNUSED
    )


def test_readable_until_the_lease_ends_and_the_margin_passed(story: Story, passport: Make) -> None:
    story.live()
    end = only(passport(story)).until
    for seconds, expected in ((0, State.READABLE), (MARGIN, State.READABLE), (MARGIN + 1, State.ENDED)):
        found = passport(story, at=end.plus(seconds))
        assert state(found) is expected
        assert ("no-wiped" in found.missing) == (expected is State.ENDED)


def test_without_witnesses_no_time_has_passed(story: Story, passport: Make) -> None:
    story.live()
    found = passport(story, witnesses=(), at=START.plus(1e9))
    assert found.witnessed is None
    assert only(found).state(None) is State.READABLE


def test_a_renewal_prolongs_and_never_shortens(story: Story, passport: Make) -> None:
    grant = story.live()
    story.lease(grant, seconds=7200)
    until = only(passport(story)).until
    story.lease(grant, seconds=60)
    assert only(passport(story)).until == until


@pytest.mark.parametrize(("signer", "expected"), [("host", State.WIPED), ("other-host", State.READABLE)])
def test_only_the_grants_own_hub_says_wiped(
    signer: str, expected: State, story: Story, passport: Make
) -> None:
    grant = story.live()
    story.wiped(grant, signer)
    found = passport(story)
    assert state(found) is expected


def test_every_opening_must_be_wiped(story: Story, passport: Make) -> None:
    grant = story.live()
    story.release(grant, opening=2)
    story.wiped(grant)
    found = passport(story)
    assert state(found) is State.READABLE
    story.wiped(grant)
    found = passport(story)
    assert state(found) is State.WIPED


def test_an_opening_without_its_release_must_be_wiped_too(story: Story, passport: Make) -> None:
    grant = story.live()
    story.opened(grant)
    story.wiped(grant)
    assert state(passport(story)) is State.READABLE
    story.wiped(grant)
    assert state(passport(story)) is State.WIPED


def test_a_lease_after_the_wipe_opens_it_again(story: Story, passport: Make) -> None:
    grant = story.live()
    story.wiped(grant)
    story.lease(grant)
    found = passport(story)
    assert state(found) is State.READABLE


def test_a_revoked_grant_stays_readable_until_its_lease_ends(story: Story, passport: Make) -> None:
    grant = story.live()
    story.revocation(grant)
    found = passport(story)
    assert state(found) is State.READABLE
    assert only(found).revoked == len(story.entries) - 1


def test_an_unknown_version_of_wiped_changes_nothing(story: Story, passport: Make) -> None:
    grant = story.live()
    story.add("wiped", "host", {"grant": grant}, version=2)
    found = passport(story)
    assert state(found) is State.READABLE


def test_a_grant_over_derived_weights_counts(story: Story, passport: Make) -> None:
    child = digest("child")
    story.live()
    story.derivation(child, WEIGHTS)
    request = story.request(hub="other-host") | {"weights": str(child)}
    story.add(
        "grant",
        "owner",
        {"request": request, "approvals": [], "shares": [], "keyEpoch": 0, "grantedAt": story.now},
    )
    assert [r.weights for r in passport(story).reach] == [WEIGHTS, child]


def test_a_hub_without_a_sound_key_can_wipe_nothing(story: Story, passport: Make) -> None:
    story.trust()
    request = story.request()
    request["hub"]["key"] = "nonsense"
    body = {"request": request, "approvals": [], "shares": [], "keyEpoch": 0, "grantedAt": story.now}
    grant = story.add("grant", "owner", body)
    story.release(grant)
    story.wiped(grant)
    found = passport(story)
    assert state(found) is State.READABLE


GRANT = Digest.of(b"the grant")


def grant_act() -> Act:
    request = Story().request()
    return Act(0, GRANT, "grant", (), {"request": request}, (), (), "")


def act(index: int, kind: str, signer: str, number: int) -> Act:
    at = START.plus(index * 10)
    body = {
        "grant": str(GRANT),
        "leaseUntil": str(at.plus(number)),
        "until": str(at.plus(number)),
        "open": number % 3,
        "openedAt": str(at),
    }
    return Act(index, Digest.of(b"%d" % index), kind, (), body, (KEYS[signer].id,), (), "")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["release", "opened", "lease", "wiped", "revocation", "usage"]),
        st.sampled_from(["host", "other-host"]),
        st.integers(0, 5000),
    ),
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(STEPS, st.integers(-100, 10_000))
def test_never_not_readable_before_the_wipe_or_the_end(
    steps: list[tuple[str, str, int]], seconds: int
) -> None:
    log = [grant_act(), *(act(i, *step) for i, step in enumerate(steps, 1))]
    (reach,) = reaches(log, {WEIGHTS})
    at = START.plus(seconds)
    lived = [a for a in log if a.kind in {"release", "opened", "lease"}]
    ends = [Instant.parse(a.predicate["leaseUntil"]) for a in lived if a.kind != "opened"]
    if not lived:
        assert reach.state(at) in {State.GRANTED, State.UNUSED}
        return
    wiped = [a for a in log if a.kind == "wiped" and KEYS["host"].id in a.signers]
    opens = {a.predicate["open"] for a in lived if a.kind == "release"}
    openings = max(len(opens), sum(a.kind == "opened" for a in lived))
    ended = all(at > end.plus(MARGIN) for end in ends)
    gone = bool(wiped) and len(wiped) >= openings and wiped[-1].index > lived[-1].index
    if reach.state(at) is not State.READABLE:
        assert gone or ended
    assert reach.state(None) is (State.WIPED if gone else State.READABLE)
    # A later instant never makes weights readable again.
    order = [State.READABLE, State.ENDED, State.WIPED]
    assert order.index(reach.state(at.plus(1e6))) >= order.index(reach.state(at))
