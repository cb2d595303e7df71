"""Signed tokens as a stranger hands them in: size first, then algorithm, key, signature, and only then words.

Only public-key algorithms exist here, so `none` and an HMAC keyed with a public key are refused before any
key is looked at. The signatures themselves are joserfc's (extra `oidc`). A refusal is a `Rejected`: its
`reason` is for the operator's log; the person is told `PUBLIC` whatever it was, so nobody learns who exists.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

from mythos.access.people import json_object
from mythos.errors import AccessError, MachineError, TokenError
from mythos.units import Digest, Instant

ALGORITHMS: Final = ("ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "RS256")
PUBLIC: Final = "invalid_token"
TOKEN_LIMIT: Final = 64 * 1024
LEEWAY: Final = 60
"""Seconds an issuer's clock may differ from ours."""
_YEAR_10000: Final = 253_402_300_800


@dataclass(frozen=True, slots=True)
class Rejected:
    """A token that proves nothing. `fetch_keys`: its key is not known; the issuer's keys may have rotated."""

    reason: str

    @property
    def fetch_keys(self) -> bool:
        """Whether fetching the issuer's keys anew may help."""
        return self.reason == "unknown_key"


def reject(reason: str) -> TokenError:
    """The exception that carries a reason out of the depths of a check."""
    return TokenError("the token proves nothing", code=reason)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """An issuer's JWKS and when it was fetched; unknown key ids cannot make us fetch more often."""

    jwks: Mapping[str, Any]
    fetched_at: Instant
    pause: float = 60.0

    def may_fetch(self, now: Instant) -> bool:
        """Whether a token with an unknown key id may cause a fetch."""
        return now.since(self.fetched_at) >= self.pause


def digest_of(token: str) -> Digest:
    """What a hub remembers of a used token: what was signed, as an ECDSA signature has two spellings."""
    return Digest.of(token.rpartition(".")[0].encode(errors="surrogatepass"))


def decode64url(text: str) -> bytes:
    """Base64url without padding, in its one spelling (RFC 7515 section 2); raises `TokenError`."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise reject("not_base64url") from error
    if encode64url(data) != text:
        raise reject("not_base64url")
    return data


def encode64url(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def open_jws(token: str, jwks: Mapping[str, Any], *, types: Collection[str] = ()) -> dict[str, Any]:
    """The claims of a compact JWS that one of `jwks` signed.

    Args:
        token: three parts of base64url.
        jwks: the issuer's keys (RFC 7517 section 5); symmetric and encryption keys in it are passed over.
        types: what the header's `typ` must be, one of; any when empty.

    Raises:
        TokenError: malformed, too large, another algorithm, type or key, or a bad signature.
    """
    from joserfc.errors import JoseError
    from joserfc.jws import deserialize_compact

    if len(token) > TOKEN_LIMIT:
        raise reject("too_large")
    parts = token.split(".")
    if len(parts) != 3:
        raise reject("not_a_jws")
    header = _object(decode64url(parts[0]))
    if header.get("alg") not in ALGORITHMS:
        raise reject("algorithm")
    if types and header.get("typ") not in types:
        raise reject("type")
    key = _key(header, jwks)
    try:
        opened = deserialize_compact(token, key, registry=_registry())
    except (JoseError, ValueError, TypeError) as error:
        raise reject("signature") from error
    return _object(opened.payload or b"")


def _key(header: Mapping[str, Any], jwks: Mapping[str, Any]) -> Any:
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    keys = jwks.get("keys")
    listed = cast("list[Any]", keys) if isinstance(keys, list) else []
    usable = [
        cast("dict[str, Any]", key)
        for key in listed
        if isinstance(key, dict)
        and cast("dict[str, Any]", key).get("kty") in ("EC", "RSA", "OKP")
        and cast("dict[str, Any]", key).get("use", "sig") == "sig"
    ]
    kid = header.get("kid")
    chosen = usable if kid is None else [key for key in usable if key.get("kid", kid) == kid]
    if len(chosen) != 1:
        raise reject("unknown_key" if kid else "no_key")
    if chosen[0].get("alg", header["alg"]) != header["alg"]:
        raise reject("algorithm")
    try:
        return import_key(chosen[0])
    except (JoseError, ValueError, TypeError) as error:
        raise reject("key") from error


@cache
def _registry() -> Any:
    try:
        from joserfc.errors import UnsupportedAlgorithmError
        from joserfc.jws import JWSRegistry
    except ImportError as error:
        raise MachineError(
            "tokens cannot be checked on this machine",
            expected="the extra oidc",
            found="no joserfc",
            advice="pip install 'mythos-hub[oidc]'",
        ) from error

    class Registry(JWSRegistry):
        """Our algorithms only; headers may hold a certificate chain."""

        max_header_length = 16 * 1024

        def get_alg(self, name: str) -> Any:
            if name not in ALGORITHMS:
                raise UnsupportedAlgorithmError
            return self.algorithms[name]

    return Registry(strict_check_header=False)


def _object(data: bytes) -> dict[str, Any]:
    try:
        return json_object(data.decode(), where="token")
    except (AccessError, UnicodeDecodeError) as error:
        raise reject("not_json") from error


def check_times(claims: Mapping[str, Any], now: Instant, *, needs_end: bool) -> None:
    """Check `exp`, `nbf` and `iat` (RFC 7519 section 4.1); raises `TokenError`."""
    seconds = now.micros / 1e6
    end, start, issued = (seconds_of(claims, name) for name in ("exp", "nbf", "iat"))
    if end is None and needs_end:
        raise reject("no_expiry")
    if end is not None and seconds >= end + LEEWAY:
        raise reject("expired")
    if max(start or 0.0, issued or 0.0) > seconds + LEEWAY:
        raise reject("not_yet")


def seconds_of(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate; `None` when absent. Raises `TokenError` for any other type."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _YEAR_10000:
        raise reject("claim_type")
    return float(value)


def check_audience(claims: Mapping[str, Any], audience: str) -> None:
    """`aud` names us; where it names others too, `azp` must be us (OpenID Connect Core 3.1.3.7)."""
    value = claims.get("aud")
    named = cast("list[Any]", value) if isinstance(value, list) else [value]
    if (
        audience not in named
        or (claims.get("azp", audience) != audience)
        or (len(named) > 1 and "azp" not in claims)
    ):
        raise reject("audience")


def check_nonce(claims: Mapping[str, Any], nonce: str) -> None:
    """The token answers the nonce that we sent; raises `TokenError`."""
    if not nonce or claims.get("nonce") != nonce:
        raise reject("unbound")
