"""OpenID Connect ID tokens (OpenID Connect Core 1.0 section 3.1.3.7): from a token to a person, or a refusal.

Pure: the issuer's keys, the time and what was used before are arguments. A token counts once and only for
the session that asked for it (`nonce`): replayed and unbound tokens are refused.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from mythos.access.claims import ClaimsMapping
from mythos.access.people import Person
from mythos.access.tokens import (
    LEEWAY,
    TOKEN_LIMIT,
    Rejected,
    check_audience,
    check_nonce,
    check_times,
    digest_of,
    open_jws,
    reject,
)
from mythos.errors import TokenError
from mythos.units import Digest, Instant


@dataclass(frozen=True, slots=True)
class Issuer:
    """An identity provider as configured."""

    issuer: str
    audience: str
    mapping: ClaimsMapping


@dataclass(frozen=True, slots=True)
class Verified:
    """What a token or credential proved. Remember `token` as used until `expires`: then nobody takes it."""

    person: Person
    assurance: str | None
    source: str
    token: Digest
    expires: Instant


def verify_id_token(
    token: str,
    issuer: Issuer,
    jwks: Mapping[str, Any],
    now: Instant,
    *,
    nonce: str,
    used: Container[Digest],
) -> Verified | Rejected:
    """Check an ID token.

    Args:
        token: as the provider sent it.
        issuer: whom we asked.
        jwks: the provider's keys; on `Rejected.fetch_keys` fetch them anew (see `KeyRing`) and ask again.
        now: the time.
        nonce: what this session sent; a token without it is bound to no session.
        used: digests of tokens that were accepted before and have not expired.
    """
    digest = digest_of(token[: TOKEN_LIMIT + 1])
    try:
        claims = open_jws(token, jwks)
        check_audience(claims, issuer.audience)
        check_times(claims, now, needs_end=True)
        check_nonce(claims, nonce)
        return verified(claims, issuer, now, digest, used)
    except TokenError as error:
        return Rejected(error.code)


def verified(
    claims: Mapping[str, Any], issuer: Issuer, now: Instant, token: Digest, used: Container[Digest]
) -> Verified:
    """Map checked claims to a person.

    Raises:
        TokenError: another issuer, a token that was used before, claims that name nobody or say nothing.
    """
    if claims.get("iss") != issuer.issuer:
        raise reject("issuer")
    if token in used:
        raise reject("replayed")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise reject("subject")
    mapped = issuer.mapping.apply(claims)
    if mapped is None:
        raise reject("no_facts")
    at = mapped.verified_at or now
    if at > now.plus(60):
        raise reject("not_yet")
    until = at.plus(issuer.mapping.seconds)
    person = Person(f"{issuer.issuer}|{subject}", mapped.facts, until)
    end = claims.get("exp")
    expires = until if end is None else Instant(int(float(end) * 1_000_000))
    return Verified(person, mapped.assurance, issuer.issuer, token, expires.plus(LEEWAY))
