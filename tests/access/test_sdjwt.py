"""SD-JWT: the RFC's own examples first, then every presentation that a verifier must refuse."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mythos.access.claims import ClaimsMapping
from mythos.access.oidc import Issuer, Verified
from mythos.access.sdjwt import BINDING_SECONDS, open_disclosed, open_sd_jwt, verify_sd_jwt
from mythos.access.tokens import LEEWAY, Rejected, digest_of
from mythos.errors import TokenError
from mythos.units import Instant

from . import tokens
from .made import at
from .tokens import ISSUER, JWKS, KEYS, NOW, SECONDS, token

RFC = json.loads((Path(__file__).parents[1] / "golden" / "access" / "sd-jwt-rfc9901.json").read_text())
RFC_KEYS = {"keys": [RFC["issuer_key"]]}
HOLDER = tokens.ECKey.generate_key("P-256")
US, NONCE = "https://verifier.example", "1234567890"


def rfc(vector, presentation="", *, now=None, jwks=RFC_KEYS, audience="", nonce=RFC["nonce"], types=()):
    return open_sd_jwt(
        presentation or vector["presentation"],
        jwks,
        now or at(vector["time"]),
        audience=audience or RFC["audience"],
        nonce=nonce,
        types=types or (vector["type"],),
    )


@pytest.mark.parametrize("vector", RFC["bound"], ids=lambda vector: vector["where"])
def test_the_rfcs_presentations(vector):
    assert rfc(vector) == vector["claims"]


@pytest.mark.parametrize("vector", RFC["unbound"], ids=lambda vector: vector["where"])
def test_the_rfcs_disclosures(vector):
    signed, *disclosures = vector["presentation"].split("~")
    claims, algorithm = open_disclosed(
        signed, disclosures[:-1], RFC_KEYS, at("2025-05-29T00:00:00Z"), types=(vector["type"],)
    )
    assert (claims, algorithm) == (vector["claims"], "sha-256")


@pytest.mark.parametrize("vector", RFC["unbound"], ids=lambda vector: vector["where"])
def test_the_rfcs_presentations_without_binding_are_refused_as_unbound(vector):
    with pytest.raises(TokenError, match="proves nothing"):
        rfc(vector | {"time": "2025-05-29T00:00:00Z"})


@pytest.mark.parametrize("vector", RFC["bound"], ids=lambda vector: vector["where"])
def test_every_changed_character_of_the_rfcs_presentations_is_refused(vector):
    text = vector["presentation"]
    for place in range(0, len(text), 7):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(TokenError):
            rfc(vector, presentation=changed)


@pytest.mark.parametrize("vector", RFC["bound"], ids=lambda vector: vector["where"])
def test_the_rfcs_presentations_for_someone_else_or_another_time(vector):
    for more, reason in [
        ({"nonce": "0987654321"}, "unbound"),
        ({"nonce": ""}, "unbound"),
        ({"audience": "https://other.example"}, "audience"),
        ({"types": ("jwt",)}, "type"),
        ({"now": at(vector["time"]).plus(BINDING_SECONDS + LEEWAY + 60)}, "binding_time"),
        ({"now": Instant(1_883_000_100_000_000)}, "expired"),
        ({"jwks": JWKS}, "no_key"),
    ]:
        with pytest.raises(TokenError) as caught:
            rfc(vector, **cast("dict[str, Any]", more))
        assert caught.value.code == reason


# A credential of our own, to bend.


def disclosure(*parts):
    return tokens.encode(json.dumps(list(parts)).encode())


def digest(text):
    import hashlib

    return tokens.encode(hashlib.sha256(text.encode()).digest())


NATIONS = disclosure("salt-1", "nationalities", ["JP"])
NAME = disclosure("salt-2", "name", "Alice")
ELEMENT = disclosure("salt-3", "US")


def credential(payload=None, *, key="ES256", header=None, **more):
    said = {
        "iss": ISSUER,
        "sub": "alice",
        "exp": SECONDS + 9_000,
        "_sd": [digest(NATIONS), digest(NAME)],
        "_sd_alg": "sha-256",
        "cnf": {"jwk": HOLDER.as_dict(private=False)},
    } | more
    said = {name: value for name, value in (payload or said).items() if value is not ...}
    return token(key, payload=json.dumps(said).encode(), header={"typ": "dc+sd-jwt"} | (header or {}))


def bind(text, *, key=HOLDER, header=None, **more):
    said = {"nonce": NONCE, "aud": US, "iat": SECONDS, "sd_hash": digest(text)} | more
    said = {name: value for name, value in said.items() if value is not ...}
    return text + token(
        key=key, payload=json.dumps(said).encode(), header={"typ": "kb+jwt", "kid": ...} | (header or {})
    )


def present(*disclosures, issued=None, **more):
    return bind("~".join([issued or credential(), *disclosures]) + "~", **more)


def opened(text, **more):
    return open_sd_jwt(text, JWKS, NOW, **cast("Any", {"audience": US, "nonce": NONCE} | more))


def reason(text, **more):
    with pytest.raises(TokenError) as caught:
        opened(text, **more)
    return caught.value.code


def test_the_holder_shows_what_they_choose():
    assert opened(present(NATIONS))["nationalities"] == ["JP"]
    assert "name" not in opened(present(NATIONS))
    assert opened(present(NATIONS, NAME))["name"] == "Alice"
    everything = opened(present())
    assert not {"nationalities", "name", "_sd", "_sd_alg"} & everything.keys()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (credential() + "~" + NATIONS + "~", "unbound"),
        (credential(), "unbound"),
        ("", "unbound"),
        ("~", "unbound"),
        ("~~", "unbound"),
        (present(NATIONS, issued=credential(cnf=...)), "unbound"),
        (present(NATIONS, issued=credential(cnf={"jwk": "x"})), "unbound"),
        (present(NATIONS, issued=credential(cnf={"kid": "x"})), "unbound"),
        (present(NATIONS, issued=credential(cnf={"jwk": {"kty": "oct", "k": "AAAA"}})), "no_key"),
        (present(NATIONS, issued=credential(cnf={"jwk": {"kty": []}})), "no_key"),
        (present(NATIONS, issued=credential(cnf={"jwk": {"kty": "EC", "use": []}})), "key"),
        (present(NATIONS, issued=credential(_sd_alg=["sha-256"])), "hash"),
        (present(NATIONS, key=KEYS["ES256"]), "signature"),
        (present(NATIONS, header={"typ": "jwt"}), "type"),
        (present(NATIONS, header={"typ": ...}), "type"),
        (present(NATIONS, nonce="other"), "unbound"),
        (present(NATIONS, nonce=...), "unbound"),
        (present(NATIONS, aud="https://other.example"), "audience"),
        (present(NATIONS, aud=[US]), "audience"),
        (present(NATIONS, iat=SECONDS - BINDING_SECONDS - LEEWAY - 1), "binding_time"),
        (present(NATIONS, iat=SECONDS + BINDING_SECONDS + LEEWAY + 1), "binding_time"),
        (present(NATIONS, iat=...), "binding_time"),
        (present(NATIONS, iat="now"), "claim_type"),
        (present(NATIONS, sd_hash=digest("other")), "binding_hash"),
        (present(NATIONS, sd_hash=...), "binding_hash"),
        (present(NATIONS, issued=credential(exp=SECONDS - 3600)), "expired"),
        (present(NATIONS, issued=credential(nbf=SECONDS + 3600)), "not_yet"),
        (present(NATIONS, issued=credential(_sd_alg="md5")), "hash"),
        (present(NATIONS, issued=credential(_sd_alg=None)), "hash"),
        (present(NATIONS, issued=credential(header={"typ": "JWT"})), "type"),
        (present(NATIONS, NATIONS), "disclosure_twice"),
        (present(disclosure("s", "admin", True)), "disclosure_unused"),
        (present(NATIONS, issued=credential(_sd=[digest(NATIONS)] * 2)), "digest_twice"),
        (present(NATIONS, issued=credential(nationalities=["US"])), "claim_twice"),
        (present(NATIONS, issued=credential(_sd=digest(NATIONS))), "digests"),
        (present(NATIONS, issued=credential(_sd=[7])), "digests"),
        (present(ELEMENT, issued=credential(_sd=[digest(ELEMENT)])), "disclosure_kind"),
        (present(NATIONS, issued=credential(_sd=[], list=[{"...": digest(NATIONS)}])), "disclosure_kind"),
        (present(issued=credential(list=[{"...": digest(ELEMENT), "more": 1}])), "reserved_name"),
        (present(issued=credential(inner={"...": digest(ELEMENT)})), "reserved_name"),
        (present(issued=credential(inner={"_sd_alg": "sha-256"})), "reserved_name"),
        (present("!!"), "not_base64url"),
        (present(tokens.encode(b"{}")), "disclosure"),
        (present(tokens.encode(b'["salt"]')), "disclosure"),
        (present(tokens.encode(b'["a", "b", "c", "d"]')), "disclosure"),
        (present(tokens.encode(b'["salt", 7, "x"]')), "disclosure"),
        (present(tokens.encode(b'[7, "name", "x"]')), "disclosure"),
        (present(tokens.encode(b"\xff")), "disclosure"),
        (present(*["A"] * 70_000), "too_large"),
    ],
)
def test_what_a_verifier_refuses(text, expected):
    assert reason(text) == expected


def test_a_disclosure_swapped_after_binding_is_refused():
    text = present(NATIONS)
    assert reason(text.replace(NATIONS, NAME)) == "binding_hash"
    assert reason(text.replace(NATIONS + "~", "")) == "binding_hash"


@pytest.mark.parametrize("name", ["_sd", "...", "_sd_alg"])
def test_a_disclosure_must_not_bear_a_reserved_name(name):
    evil = disclosure("salt", name, ["x"])
    assert reason(present(evil, issued=credential(_sd=[digest(evil)]))) == "claim_twice"


def test_elements_nested_disclosures_and_decoys():
    inner = disclosure("s1", "city", "Kyoto")
    outer = disclosure("s2", "address", {"_sd": [digest(inner)], "country": "JP"})
    issued = credential(
        _sd=[digest(outer), digest("decoy")],
        nationalities=["DE", {"...": digest(ELEMENT)}, {"...": digest("decoy 2")}],
    )
    assert opened(present(outer, inner, ELEMENT, issued=issued)) | {} == {
        "iss": ISSUER,
        "sub": "alice",
        "exp": SECONDS + 9_000,
        "cnf": {"jwk": HOLDER.as_dict(private=False)},
        "nationalities": ["DE", "US"],
        "address": {"country": "JP", "city": "Kyoto"},
    }
    assert opened(present(outer, issued=issued))["address"] == {"country": "JP"}
    assert opened(present(issued=issued))["nationalities"] == ["DE"]
    assert reason(present(inner, issued=issued)) == "disclosure_unused"


def test_nesting_has_a_limit():
    deep = {"x": 1}
    for _ in range(40):
        deep = {"x": deep}
    assert reason(present(issued=credential(deep=deep))) == "too_deep"


@pytest.mark.parametrize("algorithm", ["sha-384", "sha-512"])
def test_other_hashes_of_the_registry(algorithm):
    import hashlib

    strong = tokens.encode(hashlib.new(algorithm.replace("-", ""), NATIONS.encode()).digest())
    text = credential(_sd=[strong], _sd_alg=algorithm) + "~" + NATIONS + "~"
    sd_hash = tokens.encode(hashlib.new(algorithm.replace("-", ""), text.encode()).digest())
    assert opened(bind(text, sd_hash=sd_hash))["nationalities"] == ["JP"]


def test_a_credential_proves_a_person_once():
    issuer = Issuer(ISSUER, US, ClaimsMapping.of({"paths": {"citizenships": "nationalities"}, "days": 30}))

    def check(text, **more):
        return verify_sd_jwt(text, issuer, JWKS, NOW, nonce=NONCE, **({"used": ()} | more))

    text = present(NATIONS)
    found = check(text)
    assert isinstance(found, Verified)
    assert found.person.facts.citizenships == ("JP",)
    assert check(text, used={digest_of(text)}) == Rejected("replayed")
    assert check(present(NAME)) == Rejected("no_facts")
    assert check(present(NATIONS, issued=credential(iss="https://other.example"))) == Rejected("issuer")
    assert check("x" * (10 << 20)) == Rejected("too_large")
    assert check(present(NATIONS, issued=credential(sub=...))) == Rejected("subject")
    endless = check(present(NATIONS, issued=credential(exp=...)))
    assert isinstance(endless, Verified)
    assert endless.person.verified_until is not None
    assert endless.expires == endless.person.verified_until.plus(LEEWAY)
    signed, _, signature = text.rpartition(".")
    assert check(f"{signed}.{signature}", used={digest_of(f"{signed}.another")}) == Rejected("replayed")


def test_whoever_withholds_a_citizenship_or_the_time_has_shown_nothing():
    mapping = {
        "paths": {"citizenships": "nationalities", "located_in": "country"},
        "days": 30,
        "empty_is_none": True,
    }
    issuer = Issuer(ISSUER, US, ClaimsMapping.of(mapping))
    other = disclosure("salt-4", "IR")
    listed = [{"...": digest(ELEMENT)}, {"...": digest(other)}]
    issued = credential(nationalities=listed, country="JP", _sd=[])

    def citizenships(*shown):
        found = verify_sd_jwt(present(*shown, issued=issued), issuer, JWKS, NOW, nonce=NONCE, used=())
        assert isinstance(found, Verified)
        return found.person.facts.citizenships

    assert citizenships(ELEMENT, other) == ("US", "IR")
    assert citizenships(ELEMENT) is None
    assert citizenships() is None
    dated = Issuer(
        ISSUER,
        US,
        ClaimsMapping.of({"paths": {"citizenships": "nationalities", "verified_at": "at"}, "days": 30}),
    )
    when = disclosure("salt-5", "at", "2012-01-01T00:00:00Z")
    old = credential(_sd=[digest(NATIONS), digest(when)])
    shown = verify_sd_jwt(present(NATIONS, when, issued=old), dated, JWKS, NOW, nonce=NONCE, used=())
    assert isinstance(shown, Verified)
    assert shown.person.verified_until == at("2012-01-31T00:00:00Z")
    hidden = verify_sd_jwt(present(NATIONS, issued=old), dated, JWKS, NOW, nonce=NONCE, used=())
    assert hidden == Rejected("no_facts")


@given(st.text(alphabet="~.ABab01-_ !", max_size=120))
@settings(max_examples=150)
def test_any_text_is_refused(text):
    with pytest.raises(TokenError):
        opened(text)
