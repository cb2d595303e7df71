"""The lease ends by itself, goes on only by signed renewals, and no clock of the host moves it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.custody.lease import Clock, Ended, Lease, Live, Renewal, Term
from mythos.custody.release import sign_message
from mythos.errors import LeaseError
from mythos.units import Digest, Instant

from .world import KEYS, NOW

GRANT, REQUEST = Digest.of(b"grant"), Digest.of(b"request")
A, B, C = (KEYS[name] for name in ("approver-a", "approver-b", "approver-c"))


def lease(a: float = 100, b: float = 200, not_after: float = 1000) -> Lease:
    terms = (Term(A.verify_key, NOW.plus(a)), Term(B.verify_key, NOW.plus(b)))
    return Lease(GRANT, REQUEST, NOW.plus(not_after), terms, Clock(NOW, 50.0))


def token(signer: object = A, *, until: float = 500, renewal: int = 1, **changes: object) -> bytes:
    base = Renewal(
        grant=GRANT, release_request=REQUEST, approver=str(signer.verify_key), renewal=renewal,  # type: ignore[attr-defined]
        lease_until=NOW.plus(until), signed_at=NOW.plus(10),
    )  # fmt: skip
    return sign_message(replace(base, **changes), REQUEST, signer)  # type: ignore[arg-type]


def test_it_ends_with_the_earliest_approver() -> None:
    held = lease()
    assert held.until == NOW.plus(100)
    assert held.check(NOW) == Live(NOW.plus(100), 100.0)
    ended = held.check(NOW.plus(100))
    assert isinstance(ended, Ended)
    assert ended.code == "lease_ended"
    assert "approver-a did not renew" in ended.reason
    assert isinstance(held.check(NOW.plus(99.999)), Live)


def test_it_never_passes_the_grant() -> None:
    held = lease(5000, 5000)
    assert held.until == NOW.plus(1000)
    ended = held.check(NOW.plus(1000))
    assert isinstance(ended, Ended)
    assert ended.code == "grant_ended"
    renewed = held.renewed(token(until=9000), 50.0)
    assert renewed.until == NOW.plus(1000)


def test_every_approver_renews_for_itself() -> None:
    held = lease().renewed(token(A), 60.0)
    assert held.until == NOW.plus(200)
    held = held.renewed(token(B, until=600), 61.0)
    assert held.until == NOW.plus(500)
    assert [term.renewal for term in held.terms] == [1, 1]


def test_an_approver_may_shorten() -> None:
    assert lease().renewed(token(A, until=20), 50.0).until == NOW.plus(20)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (token(C), "no approver"),
        (token(A, approver=str(B.verify_key)), "no approver"),
        (token(A, grant=Digest(bytes(32))), "another engine"),
        (token(A, release_request=Digest(bytes(32))), "another engine"),
        (token(A, renewal=0), "came before"),
        (b"", "not a renewal"),
        (b"{}", "not a renewal"),
        (token(A)[:-2], "not a renewal"),
        (
            token(A).replace(b'"sig":"A', b'"sig":"B', 1).replace(b'"sig":"', b'"sig":"AAAA', 1),
            "not a renewal",
        ),
    ],
)
def test_other_tokens_change_nothing(data: bytes, message: str) -> None:
    with pytest.raises(LeaseError, match=message):
        lease().renewed(data, 50.0)


def test_a_renewal_is_used_once_and_in_order() -> None:
    held = lease().renewed(token(A, renewal=2), 50.0)
    for old in (1, 2):
        with pytest.raises(LeaseError, match="came before"):
            held.renewed(token(A, renewal=old), 50.0)
    assert held.renewed(token(A, renewal=3, until=700), 50.0).terms[0].until == NOW.plus(700)


def test_an_ended_lease_is_not_revived() -> None:
    held = lease()
    with pytest.raises(LeaseError, match="ended lease"):
        held.renewed(token(A), 151.0)
    assert held.renewed(token(A), 149.0).until == NOW.plus(200)


def test_time_runs_by_the_boot_clock_and_jumps_only_ahead() -> None:
    held = lease()
    assert held.now(50.0) == NOW
    assert held.now(80.0) == NOW.plus(30)
    assert held.now(10.0) == NOW, "a boot clock set back does not give time back"
    ahead = held.renewed(token(A, signed_at=NOW.plus(70)), 60.0)
    assert ahead.now(60.0) == NOW.plus(70)
    behind = held.renewed(token(A, signed_at=NOW.plus(-70)), 60.0)
    assert behind.now(60.0) == NOW.plus(10)


@given(st.lists(st.tuples(st.floats(0, 1000), st.integers(-500, 1500)), max_size=8))
def test_the_clock_never_runs_backwards(seen: list[tuple[float, int]]) -> None:
    clock, boot, latest = Clock(NOW, 0.0), 0.0, NOW
    for step, signed in seen:
        boot += step
        clock = clock.seen(NOW.plus(signed), boot)
        now = clock.now(boot)
        assert now >= latest
        assert now >= NOW.plus(signed)
        latest = now


@given(
    st.lists(
        st.tuples(st.sampled_from([A, B]), st.integers(0, 5), st.integers(-50, 1500), st.integers(0, 200)),
        max_size=8,
    )
)
def test_no_sequence_of_tokens_outlives_what_was_signed(steps: list[tuple[object, int, int, int]]) -> None:
    held, boot = lease(), 50.0
    signed = {str(A.verify_key): [100], str(B.verify_key): [200]}
    for signer, renewal, until, step in steps:
        boot += step
        signed[str(signer.verify_key)].append(until)  # type: ignore[attr-defined]
        try:
            held = held.renewed(token(signer, renewal=renewal, until=until), boot)
        except LeaseError:
            continue
    latest = min(*(max(ends) for ends in signed.values()), 1000)
    assert held.until <= NOW.plus(latest)
    assert isinstance(held.check(NOW.plus(latest)), Ended)


def test_instants_are_exact() -> None:
    assert Instant.parse("2026-06-12T12:01:40Z") == lease().until
