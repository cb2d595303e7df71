"""Tokens as strangers hand them in: refused before they cost anything, whatever they say of themselves."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mythos.access.tokens import (
    LEEWAY,
    TOKEN_LIMIT,
    KeyRing,
    Rejected,
    check_audience,
    check_nonce,
    check_times,
    decode64url,
    encode64url,
    open_jws,
)
from mythos.errors import TokenError

from . import tokens
from .tokens import JWKS, KEYS, NOW, SECONDS, token


def reason(text, jwks=JWKS, **more):
    with pytest.raises(TokenError) as caught:
        open_jws(text, jwks, **more)
    return caught.value.code


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519", "EdDSA", "RS256"])
def test_signed_claims_come_out(algorithm):
    assert open_jws(token(algorithm), JWKS) == tokens.claims()


def test_none_and_symmetric_algorithms_do_not_exist_here():
    assert reason(tokens.unsigned()) == "algorithm"
    assert reason(tokens.unsigned("None")) == "algorithm"
    for key in JWKS["keys"]:
        assert reason(tokens.symmetric(json.dumps(key))) == "algorithm"
    assert reason(tokens.symmetric(KEYS["RS256"].as_pem(private=False).decode())) == "algorithm"


def test_a_symmetric_key_in_the_issuers_set_is_passed_over():
    secret = {"kty": "oct", "k": "AAAA", "kid": "ec"}
    assert reason(token(), {"keys": [secret]}) == "unknown_key"


def test_an_encryption_key_signs_nothing():
    encrypting = JWKS["keys"][0] | {"use": "enc"}
    assert reason(token(), {"keys": [encrypting]}) == "unknown_key"


def test_the_key_of_another_algorithm_is_not_used():
    mixed = token("ES256", header={"kid": "rsa"})
    assert reason(mixed) == "signature"
    assert reason(token(), {"keys": [JWKS["keys"][0] | {"alg": "ES384"}]}) == "algorithm"


def test_another_key_under_the_same_id():
    other = tokens.ECKey.generate_key("P-256", {"kid": "ec"})
    assert reason(token(key=other)) == "signature"


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_part_is_refused(part):
    parts = token().split(".")
    data = bytearray(tokens.decode(parts[part]))
    data[len(data) // 2] ^= 1
    parts[part] = tokens.encode(bytes(data))
    assert reason(".".join(parts)) in {"signature", "not_json", "algorithm", "unknown_key"}


def test_an_unknown_key_asks_for_the_keys_and_one_without_name_does_not():
    with pytest.raises(TokenError) as caught:
        open_jws(token(header={"kid": "new"}), JWKS)
    assert Rejected(caught.value.code).fetch_keys
    with pytest.raises(TokenError) as caught:
        open_jws(token(header={"kid": ...}), JWKS)
    assert not Rejected(caught.value.code).fetch_keys
    alone = {"keys": [JWKS["keys"][0]]}
    assert open_jws(token(header={"kid": ...}), alone)["sub"] == "alice"


def test_two_keys_of_one_id_are_ambiguous():
    assert reason(token(), {"keys": [JWKS["keys"][0], JWKS["keys"][0]]}) == "unknown_key"


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"keys": None},
        {"keys": [7, None, "x"]},
        {"keys": [{"kty": "EC", "kid": "ec", "crv": "P-256", "x": "AA", "y": "AA"}]},
    ],
)
def test_a_broken_key_set_opens_nothing(keys):
    assert reason(token(), keys) in {"unknown_key", "key", "signature"}


def test_a_token_of_ten_megabytes_costs_nothing():
    huge = token() + "A" * (10 << 20)
    started = time.perf_counter()
    assert reason(huge) == "too_large"
    assert time.perf_counter() - started < 0.05
    assert reason("A" * (TOKEN_LIMIT + 1)) == "too_large"


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b", "a.b.c.d", "!!.??.~~", "e30.e30.", "bnVsbA.e30.AA", "W10.e30.AA"]
)
def test_what_is_no_jws(text):
    assert reason(text) in {"not_a_jws", "not_base64url", "not_json", "algorithm"}


def test_duplicate_names_are_refused_in_header_and_claims():
    double = b'{"iss": "https://id.example", "sub": "alice", "sub": "bob"}'
    assert reason(token(payload=double)) == "not_json"
    parts = token().split(".")
    parts[0] = tokens.encode(b'{"alg": "ES256", "kid": "ec", "alg": "ES256"}')
    assert reason(".".join(parts)) == "not_json"


@pytest.mark.parametrize("payload", [b"[]", b"null", b"7", b'"x"', b"", b"\xff", b"{} {}"])
def test_claims_are_one_object(payload):
    assert reason(token(payload=payload)) == "not_json"


def test_the_type_of_the_header():
    typed = token(header={"typ": "kb+jwt"})
    assert open_jws(typed, JWKS, types=("kb+jwt",))["sub"] == "alice"
    assert reason(typed, types=("dc+sd-jwt",)) == "type"
    assert reason(token(), types=("dc+sd-jwt",)) == "type"


def test_a_critical_header_that_we_do_not_know_is_refused():
    assert reason(token(header={"crit": ["exotic"], "exotic": 1})) == "signature"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, None),
        ({"exp": SECONDS - LEEWAY + 1}, None),
        ({"exp": SECONDS - LEEWAY}, "expired"),
        ({"nbf": SECONDS + LEEWAY}, None),
        ({"nbf": SECONDS + LEEWAY + 1}, "not_yet"),
        ({"iat": SECONDS + LEEWAY + 1}, "not_yet"),
        ({"exp": ...}, "no_expiry"),
        ({"exp": "tomorrow"}, "claim_type"),
        ({"exp": True}, "claim_type"),
        ({"exp": 1e400}, "claim_type"),
        ({"exp": float("nan")}, "claim_type"),
        ({"exp": -1}, "claim_type"),
        ({"exp": 10**30}, "claim_type"),
        ({"exp": SECONDS + 0.5}, None),
    ],
)
def test_times(said, expected):
    found = None
    try:
        check_times(tokens.claims(**said), NOW, needs_end=True)
    except TokenError as error:
        found = error.code
    assert found == expected


@pytest.mark.parametrize(
    ("said", "good"),
    [
        ({"aud": "mythos-hub"}, True),
        ({"aud": ["mythos-hub"]}, True),
        ({"aud": ["mythos-hub", "other"], "azp": "mythos-hub"}, True),
        ({"aud": ["mythos-hub", "other"]}, False),
        ({"aud": ["mythos-hub", "other"], "azp": "other"}, False),
        ({"aud": "mythos-hub", "azp": "other"}, False),
        ({"aud": "Mythos-hub"}, False),
        ({"aud": "other"}, False),
        ({"aud": []}, False),
        ({"aud": None}, False),
        ({"aud": {"mythos-hub": 1}}, False),
        ({"aud": ...}, False),
    ],
)
def test_audiences(said, good):
    try:
        check_audience(tokens.claims(**said), tokens.US)
        found = True
    except TokenError as error:
        found = error.code != "audience"
    assert found is good


def test_nonces():
    check_nonce({"nonce": "x"}, "x")
    for said, expected in [({"nonce": "y"}, "x"), ({}, "x"), ({"nonce": ""}, ""), ({"nonce": None}, "")]:
        with pytest.raises(TokenError):
            check_nonce(said, expected)


def test_unknown_key_ids_cannot_make_us_fetch_often():
    ring = KeyRing(JWKS, NOW)
    assert not ring.may_fetch(NOW.plus(59.9))
    assert ring.may_fetch(NOW.plus(60))


@given(st.binary(max_size=60))
def test_base64url_has_one_spelling(data):
    assert decode64url(encode64url(data)) == data
    for wrong in (encode64url(data) + "=", encode64url(data) + "\n", encode64url(data) + "+"):
        with pytest.raises(TokenError):
            decode64url(wrong)


@given(st.text(max_size=300))
@settings(max_examples=150)
def test_any_text_is_refused_and_nothing_else_happens(text):
    with pytest.raises(TokenError):
        open_jws(text, JWKS)
