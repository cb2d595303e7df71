"""An identity provider for tests: keys of every kind, and tokens as honest and dishonest parties make them."""

import base64
import hmac
import json

import pytest

pytest.importorskip("joserfc", reason="the extra oidc is not installed: pip install 'mythos-hub[oidc]'")

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from mythos.access.claims import ClaimsMapping
from mythos.access.oidc import Issuer

from .made import at

NOW = at("2026-06-12T12:00:00Z")
SECONDS = NOW.micros // 1_000_000
ISSUER = "https://id.example"
US = "mythos-hub"
NONCE = "n-0S6_WzA2Mj"

MAPPING = ClaimsMapping.of({"paths": {"citizenships": "nationalities", "assurance": "acr"}, "days": 30})
PROVIDER = Issuer(ISSUER, US, MAPPING)

KEYS = {
    "ES256": ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"}),
    "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "okp", "use": "sig"}),
    "RS256": RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"}),
}
JWKS = {"keys": [key.as_dict(private=False) for key in KEYS.values()]}


class _Any(JWSRegistry):
    def get_alg(self, name):
        return self.algorithms[name]

    def check_header(self, header):
        """A dishonest party checks nothing."""


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims(**more):
    said = {
        "iss": ISSUER,
        "aud": US,
        "sub": "alice",
        "nonce": NONCE,
        "iat": SECONDS - 5,
        "exp": SECONDS + 300,
        "nationalities": ["JP"],
    } | more
    return {name: value for name, value in said.items() if value is not ...}


def token(algorithm="ES256", *, key=None, header=None, payload=None, **more):
    key = key or KEYS[algorithm if algorithm != "EdDSA" else "Ed25519"]
    said = {"alg": algorithm, "kid": key.kid} | (header or {})
    said = {name: value for name, value in said.items() if value is not ...}
    data = payload if payload is not None else json.dumps(claims(**more)).encode()
    return jws.serialize_compact(said, data, key, registry=_Any(strict_check_header=False))


def unsigned(algorithm="none", **more):
    parts = [encode(json.dumps(part).encode()) for part in ({"alg": algorithm}, claims(**more))]
    return ".".join([*parts, ""])


def symmetric(public):
    """An HMAC token keyed with a public key's text: the oldest attack on JWT."""
    head = encode(json.dumps({"alg": "HS256", "kid": "ec"}).encode())
    message = f"{head}.{encode(json.dumps(claims()).encode())}"
    return f"{message}.{encode(hmac.digest(public.encode(), message.encode(), 'sha256'))}"
