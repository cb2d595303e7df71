"""Signals of an identity provider: checked like every token; what they name is unknown from then on."""

import json

import pytest

pytest.importorskip("joserfc", reason="the extra oidc is not installed: pip install 'mythos-hub[oidc]'")

from mythos.access.people import UNKNOWN, Facts, Person
from mythos.access.signals import EVENTS, Signal, Transmitter, forget, read_signal
from mythos.access.tokens import Rejected

from .tokens import ISSUER, JWKS, NOW, SECONDS, US, token

REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
LISTENING = Transmitter(ISSUER, US)


def event(kind=REVOKED, **more):
    return {
        "iss": ISSUER, "aud": US, "iat": SECONDS - 5, "jti": "j1",
        "sub_id": {"format": "iss_sub", "iss": ISSUER, "sub": "alice"}, "events": {kind: {}},
    } | more  # fmt: skip


def make(said, *, typ="secevent+jwt"):
    said = {name: value for name, value in said.items() if value is not None}
    return token(header={"typ": typ}, payload=json.dumps(said).encode())


def heard(said, *, typ="secevent+jwt"):
    return read_signal(make(said, typ=typ), LISTENING, JWKS, NOW, heard=())


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_every_event_names_a_person(kind):
    found = heard(event(kind))
    assert isinstance(found, Signal)
    assert (found.person, found.event) == (f"{ISSUER}|alice", kind)


def test_a_drafts_subject_inside_the_event_is_read():
    inside = {"subject": {"user": {"format": "iss_sub", "iss": ISSUER, "sub": "bob"}}}
    found = heard(event(sub_id=None, events={REVOKED: inside}))
    assert isinstance(found, Signal)
    assert found.person == f"{ISSUER}|bob"


@pytest.mark.parametrize("change", [{"aud": ["another", US]}, {"iat": SECONDS + 600}, {"nbf": SECONDS + 600}])
def test_nothing_that_makes_no_difference_keeps_a_signal_from_being_heard(change):
    found = heard(event(**change))
    assert isinstance(found, Signal)
    assert found.person == f"{ISSUER}|alice"


def test_a_test_of_the_stream_names_nobody():
    found = heard(event("https://schemas.openid.net/secevent/ssf/event-type/verification", sub_id=None))
    assert isinstance(found, Signal)
    assert found.person is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"iss": "https://other.example"}, "issuer"),
        ({"aud": "somebody"}, "audience"),
        ({"aud": None}, "audience"),
        ({"iat": None}, "no_identity"),
        ({"jti": None}, "no_identity"),
        ({"jti": ""}, "no_identity"),
        ({"aud": ["somebody", {}]}, "audience"),
        ({"sub_id": {}}, "subject"),
        ({"sub_id": None, "events": {REVOKED: None}}, "subject"),
        ({"sub_id": None, "events": {REVOKED: ["subject"]}}, "subject"),
        ({"sub_id": None, "sub": "alice"}, "subject"),
        ({"exp": SECONDS - 3600}, "expired"),
        ({"events": {}}, "events"),
        ({"events": {REVOKED: {}, "x": {}}}, "events"),
        ({"events": {"https://example/unheard": {}}}, "event"),
        ({"sub_id": {"format": "email", "email": "a@b"}}, "subject"),
        ({"sub_id": {"format": "iss_sub", "iss": ISSUER, "sub": ""}}, "subject"),
        ({"sub_id": "alice"}, "subject"),
        ({"sub_id": {"format": "iss_sub", "iss": "https://other.example", "sub": "alice"}}, "issuer"),
    ],
)
def test_what_proves_nothing_changes_nothing(change, reason):
    assert heard(event(**change)) == Rejected(reason)


def test_another_type_of_token_is_no_signal_and_a_signal_counts_once():
    assert heard(event(), typ="JWT") == Rejected("type")
    pushed = make(event())
    first = read_signal(pushed, LISTENING, JWKS, NOW, heard=())
    assert isinstance(first, Signal)
    assert read_signal(pushed, LISTENING, JWKS, NOW, heard={first.token}) == Rejected("replayed")


def test_ten_megabytes_are_not_read():
    assert read_signal("x" * 10_000_000, LISTENING, JWKS, NOW, heard=()) == Rejected("too_large")


def test_who_is_forgotten_is_somebody_of_whom_nothing_is_known():
    assert forget(Person("a", Facts(("US",), (), (), None, None), NOW)) == Person("a", UNKNOWN)
