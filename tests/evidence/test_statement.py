"""Statements and envelopes: one spelling, exact numbers, and the DSSE protocol."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as Oracle

from mythos.errors import BadSignatureError, InputError, MalformedError, QuotaError
from mythos.evidence.note import SigningKey, encode64
from mythos.evidence.statement import (
    MAX_ENTRY,
    Envelope,
    Statement,
    Subject,
    act_name,
    canonical,
    commit,
    pae,
    parse_canonical,
    predicate_type,
)
from mythos.units import Digest

from . import samples

KEY = samples.KEYS["owner"]
STATEMENT = Statement((Subject("weights", Digest.of(b"w")),), predicate_type("seal"), {"release": 1})

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8"), max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(values)
def test_json_has_one_spelling_and_comes_back(value):
    assert parse_canonical(canonical(value)) == value
    assert canonical(parse_canonical(canonical(value))) == canonical(value)


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", max_codepoint=0xD7FF), max_size=8), st.integers(0, 9), max_size=6
    )
)
def test_it_is_rfc_8785_wherever_both_are_defined(value):
    # JCS sorts by UTF-16 units and we by code points: the same below the surrogates.
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        {"a": [0.5]},
        float("nan"),
        2**53,
        -(2**53),
        {1: "a"},
        {"a": {None: 1}},
        b"bytes",
        {1, 2},
        "\ud800",
        object(),
    ],
)
def test_what_json_would_lose_is_refused_when_writing(value):
    with pytest.raises(InputError):
        canonical(value)


def test_nesting_has_a_limit_when_writing_and_when_reading():
    deep = []
    for _ in range(40):
        deep = [deep]
    with pytest.raises(InputError, match="nested"):
        canonical(deep)
    with pytest.raises(MalformedError):
        parse_canonical(b"[" * 60_000 + b"]" * 60_000, 1 << 20)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"a":1,"a":1}', "not canonical"), (b'{"b":1,"a":1}', "not canonical"), (b'{"a": 1}', "not canonical"),
        (b'"\\u0041"', "not canonical"), (b'"\\/"', "not canonical"), (b"-0", "not canonical"), (b"01", "not JSON"),
        (b"1.0", "not a whole number"), (b"1e3", "not a whole number"), (b"NaN", "not a whole number"),
        (b"9007199254740992", "beyond"), (b"9" * 5000, "beyond"), (b'\xff"', "UTF-8"), (b'"\\ud800"', "UTF-8"),
        (b"", "not JSON"), (b"{", "not JSON"), (b"1\n", "not canonical"), (b"\xef\xbb\xbf1", "not JSON"), (b'"' + b"a" * 100 + b'"', "too large"),
    ],
)  # fmt: skip
def test_other_spellings_are_refused_when_reading(data, why):
    with pytest.raises(MalformedError, match=why):
        parse_canonical(data, 5001 if data[:1] == b"9" else 60)


def test_duplicate_keys_say_where():
    with pytest.raises(MalformedError, match=r"byte 6, near .*duplicate"):
        parse_canonical(b'{"a":1,"a":1}')


def test_a_statement_and_its_envelope_come_back_byte_for_byte():
    envelope = Envelope.sign(STATEMENT, KEY)
    data = envelope.to_bytes()
    assert Envelope.parse(data) == envelope
    assert Envelope.parse(data).statement() == STATEMENT
    assert Envelope.parse(data).verify([KEY.verify_key]) == (KEY.id,)
    assert STATEMENT.act == "seal"


def test_the_dsse_vector_and_an_independent_implementation():
    assert (
        pae("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    document = json.loads(Envelope.sign(STATEMENT, KEY).to_bytes())
    oracle = Oracle.from_dict(document)
    assert oracle.pae() == pae(oracle.payload_type, oracle.payload)
    signature = bytes.fromhex(oracle.signatures[KEY.id].signature)
    assert KEY.verify_key.verify(signature, oracle.pae())


def test_several_sign_the_same_bytes_in_one_order():
    first = Envelope.sign(STATEMENT, samples.KEYS["host"], KEY)
    second = Envelope.sign(STATEMENT, KEY).add_signature(samples.KEYS["host"]).add_signature(KEY)
    assert first.to_bytes() == second.to_bytes()
    assert first.verify([KEY.verify_key]) == (KEY.id,)
    assert first.signers == tuple(sorted([KEY.id, samples.KEYS["host"].id]))


def test_a_known_key_over_other_bytes_is_refused():
    good = Envelope.sign(STATEMENT, KEY)
    other = Statement(STATEMENT.subjects, STATEMENT.predicate_type, {"release": 2})
    forged = Envelope(other.to_bytes(), good.signatures)
    with pytest.raises(BadSignatureError, match="other bytes"):
        forged.verify([KEY.verify_key])
    assert forged.verify([samples.KEYS["host"].verify_key]) == ()


def test_a_signature_for_another_payload_type_does_not_hold():
    good = Envelope.sign(STATEMENT, KEY)
    with pytest.raises(BadSignatureError):
        Envelope(good.payload, good.signatures, "application/json").verify([KEY.verify_key])


def _envelope(**changes):
    return canonical(json.loads(Envelope.sign(STATEMENT, KEY).to_bytes()) | changes)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (_envelope(payloadType="application/json"), "payload type"),
        (_envelope(signatures=[]), "signatures are missing"),
        (_envelope(signatures=[{"keyid": "a", "sig": "AAAA"}] * 2), "doubled"),
        (_envelope(signatures=[{"keyid": "b", "sig": "AAAA"}, {"keyid": "a", "sig": "AAAA"}]), "out of order"),
        (_envelope(signatures=[{"keyid": "a", "sig": "AAAA", "cert": ""}]), "other fields"),
        (_envelope(signatures={}), "not a list"), (_envelope(payload=1), "not text"), (_envelope(payload="e30"), "base64"),
        (_envelope(more=1), "other fields"), (b"[]", "not an object"),
    ],
)  # fmt: skip
def test_a_malformed_envelope_says_why(data, why):
    with pytest.raises(MalformedError, match=why):
        Envelope.parse(data)


def _statement(**changes):
    return canonical(json.loads(STATEMENT.to_bytes()) | changes)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (_statement(_type="https://in-toto.io/Statement/v0.1"), "not a statement"),
        (_statement(subject=[]), "about nothing"),
        (_statement(subject=[{"name": "a", "digest": {"sha1": "00"}}]), "other fields"),
        (_statement(subject=[{"name": "a", "digest": {"sha256": "00"}}]), "without a SHA-256"),
        (_statement(predicate=[]), "predicate is not an object"),
        (_statement(predicateType=None), "not text"),
    ],
)
def test_a_malformed_statement_says_why(payload, why):
    with pytest.raises(MalformedError, match=why):
        Statement.parse(payload)


def test_an_entry_over_the_limit_is_refused_before_it_is_signed_for_nothing():
    large = Statement(STATEMENT.subjects, STATEMENT.predicate_type, {"text": "a" * 50_000})
    with pytest.raises(QuotaError, match="too large"):
        Envelope.sign(large, KEY).to_bytes()
    with pytest.raises(QuotaError, match="too large"):
        Envelope.parse(b"a" * (MAX_ENTRY + 1))


def test_a_witness_key_signs_no_statement():
    with pytest.raises(InputError, match="witness key"):
        Envelope.sign(STATEMENT, SigningKey.generate("w", cosigner=True))


@pytest.mark.parametrize(
    ("kind", "act"),
    [
        ("https://mythos.example/seal/v1", "seal"), ("https://mythos.example/seal/v2", None), ("seal", None),
        ("https://mythos.example/a/b/v1", None), ("https://slsa.dev/provenance/v1", None),
    ],
)  # fmt: skip
def test_acts_of_other_versions_are_unknown(kind, act):
    assert act_name(kind) == act


def test_a_commitment_binds_salt_label_and_data():
    salt = b"\1" * 32
    made = {
        commit(salt, "answer", b"x"),
        commit(salt, "request", b"x"),
        commit(b"\2" * 32, "answer", b"x"),
        commit(salt, "answe", b"rx"),
    }
    assert len(made) == 4
    for wrong in (b"", b"\1" * 31):
        with pytest.raises(InputError):
            commit(wrong, "answer", b"")
    with pytest.raises(InputError):
        commit(salt, "a\0b", b"")


def test_encoding_is_standard_base64():
    assert json.loads(Envelope.sign(STATEMENT, KEY).to_bytes())["payload"] == encode64(STATEMENT.to_bytes())
