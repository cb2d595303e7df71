"""ID tokens: who they prove, and that a refusal tells nobody who exists."""

import pytest

from mythos.access.oidc import Verified, verify_id_token
from mythos.access.people import Facts
from mythos.access.tokens import PUBLIC, Rejected, digest_of

from . import tokens
from .made import at
from .tokens import ISSUER, JWKS, NONCE, NOW, PROVIDER, SECONDS, token


def check(text, *, used=(), nonce=NONCE, jwks=JWKS, provider=PROVIDER, now=NOW):
    return verify_id_token(text, provider, jwks, now, nonce=nonce, used=used)


def proven(text, **more):
    found = check(text, **more)
    assert isinstance(found, Verified)
    return found


def test_a_token_proves_a_person_for_a_while():
    text = token(acr="high")
    found = proven(text)
    assert found.person.id == f"{ISSUER}|alice"
    assert found.person.facts == Facts(("JP",), None, None, None, None)
    assert found.person.verified_until == at("2026-07-12T12:00:00Z")
    assert (found.assurance, found.source, found.token) == ("high", ISSUER, digest_of(text))
    assert isinstance(check(text, now=found.expires.plus(-1)), Verified)
    assert check(text, now=found.expires) == Rejected("expired"), (
        "when it is forgotten nobody takes it any more"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (tokens.unsigned(), "algorithm"),
        (tokens.symmetric("a public key, long enough to be taken for a secret"), "algorithm"),
        (token(aud="other"), "audience"),
        (token(iss="https://id.example/"), "issuer"),
        (token(iss=...), "issuer"),
        (token(exp=SECONDS - 3600), "expired"),
        (token(exp=...), "no_expiry"),
        (token(nbf=SECONDS + 3600), "not_yet"),
        (token(nonce="another"), "unbound"),
        (token(nonce=...), "unbound"),
        (token(sub=...), "subject"),
        (token(sub=""), "subject"),
        (token(sub=7), "subject"),
        (token(sub="x" * 256), "subject"),
        (token(sub="a\nb"), "subject"),
        (token(nationalities=...), "no_facts"),
        (token(nationalities=["JPN"]), "no_facts"),
        (token(header={"kid": "unknown"}), "unknown_key"),
        ("x" * (10 << 20), "too_large"),
        ("", "not_a_jws"),
    ],
)
def test_what_proves_nobody(text, reason):
    found = check(text)
    assert isinstance(found, Rejected)
    assert found.reason == reason


def test_a_token_counts_once():
    text = token()
    assert isinstance(check(text), Verified)
    assert check(text, used={digest_of(text)}) == Rejected("replayed")
    assert isinstance(check(token(sub="bob"), used={digest_of(text)}), Verified)


def test_the_other_spelling_of_its_signature_does_not_make_it_another_token():
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256, SP 800-186
    signed, _, signature = token().rpartition(".")
    r, s = tokens.decode(signature)[:32], int.from_bytes(tokens.decode(signature)[32:])
    other = f"{signed}.{tokens.encode(r + (order - s).to_bytes(32))}"
    assert other != f"{signed}.{signature}"
    assert isinstance(check(other), Verified), "mathematics, not a defect"
    assert check(other, used={digest_of(f"{signed}.{signature}")}) == Rejected("replayed")


@pytest.mark.parametrize("keys", [5, {"a": 1}, "ec", None, [None, 5, "x", {"kty": "EC"}]])
def test_keys_that_are_none_prove_nothing(keys):
    assert isinstance(check(token(), jwks={"keys": keys}), Rejected)


def test_a_session_without_a_nonce_accepts_nothing():
    assert check(token(nonce=""), nonce="") == Rejected("unbound")


def test_rotated_keys_are_asked_for_and_then_accepted():
    old = {"keys": JWKS["keys"][1:]}
    assert check(token(), jwks=old) == Rejected("unknown_key")
    assert isinstance(check(token(), jwks=JWKS), Verified)


def test_the_time_of_verification_begins_the_lifetime_and_is_not_ahead():
    from mythos.access.claims import ClaimsMapping
    from mythos.access.oidc import Issuer

    dated = ClaimsMapping.of(
        {"paths": {"citizenships": "nationalities", "verified_at": "checked"}, "days": 10}
    )
    provider = Issuer(ISSUER, tokens.US, dated)
    found = proven(token(checked="2026-06-10T00:00:00Z"), provider=provider)
    assert found.person.verified_until == at("2026-06-20T00:00:00Z")
    assert check(token(checked="2026-06-13T00:00:00Z"), provider=provider) == Rejected("not_yet")
    old = proven(token(checked="2020-01-01T00:00:00Z"), provider=provider)
    assert str(old.person.verified_until) == "2020-01-11T00:00:00Z", "an old verification is an expired one"


def test_two_issuers_may_name_the_same_subject_without_being_the_same_person():
    from dataclasses import replace

    other = replace(PROVIDER, issuer="https://other.example")
    found = proven(token(iss="https://other.example"), provider=other)
    assert found.person.id == "https://other.example|alice"


def test_the_public_reason_is_the_same_for_everyone():
    assert PUBLIC == "invalid_token"
