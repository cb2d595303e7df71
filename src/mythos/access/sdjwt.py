"""SD-JWT credentials with key binding (RFC 9901): only what the holder chose to show, shown to us alone.

    ISSUER-SIGNED-JWT ~ DISCLOSURE ~ … ~ KEY-BINDING-JWT

The issuer signed digests of salted claims; a disclosure opens one of them. The last part, signed by the key
that the issuer named in `cnf`, binds the presentation to our nonce and to exactly these bytes. A credential
without it is refused: whoever copied it could show it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Container, Mapping
from typing import Any, Final, cast

from mythos.access.oidc import Issuer, Verified, verified
from mythos.access.tokens import (
    LEEWAY,
    TOKEN_LIMIT,
    Rejected,
    check_nonce,
    check_times,
    decode64url,
    digest_of,
    encode64url,
    open_jws,
    reject,
    seconds_of,
)
from mythos.errors import TokenError
from mythos.units import Digest, Instant

TYPES: Final = ("dc+sd-jwt", "vc+sd-jwt")
BINDING_TYPE: Final = "kb+jwt"
BINDING_SECONDS: Final = 300
"""How old a key binding may be."""

_HASHES: Final = {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}
_DEPTH: Final = 32


def verify_sd_jwt(
    presentation: str,
    issuer: Issuer,
    jwks: Mapping[str, Any],
    now: Instant,
    *,
    nonce: str,
    used: Container[Digest],
    types: Collection[str] = TYPES,
) -> Verified | Rejected:
    """Check a presentation.

    Args:
        presentation: as the holder sent it.
        issuer: whom we believe; `audience` is what the key binding must name.
        jwks: the issuer's keys.
        now: the time.
        nonce: what we sent to this holder.
        used: digests of presentations that were accepted before.
        types: accepted `typ` of the issuer's JWT.
    """
    digest = digest_of(presentation[: TOKEN_LIMIT + 1])
    try:
        claims = open_sd_jwt(
            presentation, jwks, now, audience=issuer.audience, nonce=nonce, types=types, gaps=True
        )
        return verified(claims, issuer, now, digest, used)
    except TokenError as error:
        return Rejected(error.code)


def open_sd_jwt(
    presentation: str,
    jwks: Mapping[str, Any],
    now: Instant,
    *,
    audience: str,
    nonce: str,
    types: Collection[str] = TYPES,
    gaps: bool = False,
) -> dict[str, Any]:
    """The claims that were disclosed (section 7.1), with the key binding checked (section 7.3).

    With `gaps` a list has `None` for what was withheld of it: one citizenship shown of two is not all.

    Raises:
        TokenError: anything the RFC tells a verifier to reject.
    """
    if len(presentation) > TOKEN_LIMIT:
        raise reject("too_large")
    signed, *disclosures = presentation.split("~")
    binding = disclosures.pop() if disclosures else ""
    if not binding:
        raise reject("unbound")
    claims, algorithm = open_disclosed(signed, disclosures, jwks, now, types=types, gaps=gaps)
    confirmation = claims.get("cnf")
    key = cast("dict[str, Any]", confirmation).get("jwk") if isinstance(confirmation, dict) else None
    if not isinstance(key, dict):
        raise reject("unbound")
    holder = {
        name: value for name, value in cast("dict[str, Any]", key).items() if name not in {"kid", "use"}
    }
    bound = open_jws(binding, {"keys": [holder]}, types=(BINDING_TYPE,))
    check_nonce(bound, nonce)
    if bound.get("aud") != audience:
        raise reject("audience")
    if abs(now.micros / 1e6 - (seconds_of(bound, "iat") or 0)) > BINDING_SECONDS + LEEWAY:
        raise reject("binding_time")
    if bound.get("sd_hash") != _hash(algorithm, presentation.removesuffix(binding)):
        raise reject("binding_hash")
    return claims


def open_disclosed(
    signed: str,
    disclosures: list[str],
    jwks: Mapping[str, Any],
    now: Instant,
    *,
    types: Collection[str],
    gaps: bool = False,
) -> tuple[dict[str, Any], str]:
    """The claims behind the disclosures and the hash's name; not who shows them (section 7.1)."""
    payload = open_jws(signed, jwks, types=types)
    algorithm = payload.pop("_sd_alg", "sha-256")
    if not isinstance(algorithm, str) or algorithm not in _HASHES:
        raise reject("hash")
    opened = _Opened(algorithm, disclosures, gaps)
    claims = cast("dict[str, Any]", opened.reveal(payload, 0))
    opened.check_all_used()
    check_times(claims, now, needs_end=False)
    return claims, algorithm


def _hash(algorithm: str, text: str) -> str:
    return encode64url(_HASHES[algorithm](text.encode("ascii", errors="replace")).digest())


class _Opened:
    """The disclosures by digest; each must be met exactly once."""

    def __init__(self, algorithm: str, disclosures: list[str], gaps: bool) -> None:
        self._gaps = gaps
        self._by_digest: dict[str, list[Any]] = {}
        self._met: set[str] = set()
        for disclosure in disclosures:
            digest = _hash(algorithm, disclosure)
            if digest in self._by_digest:
                raise reject("disclosure_twice")
            self._by_digest[digest] = _disclosure(disclosure)

    def reveal(self, value: Any, depth: int) -> Any:
        """`value` with every digest replaced by what was disclosed for it, or left out."""
        if depth > _DEPTH:
            raise reject("too_deep")
        if isinstance(value, list):
            return self._list(cast("list[Any]", value), depth)
        if not isinstance(value, dict):
            return value
        document = cast("dict[str, Any]", value)
        if "..." in document or "_sd_alg" in document:
            raise reject("reserved_name")
        revealed = {name: self.reveal(child, depth + 1) for name, child in document.items() if name != "_sd"}
        digests = document.get("_sd", [])
        if not isinstance(digests, list):
            raise reject("digests")
        for digest in cast("list[Any]", digests):
            found = self._meet(digest, 3)
            if found is not None:
                _, name, inner = found
                if name in revealed or name in {"_sd", "...", "_sd_alg"}:
                    raise reject("claim_twice")
                revealed[name] = self.reveal(inner, depth + 1)
        return revealed

    def _list(self, items: list[Any], depth: int) -> list[Any]:
        revealed: list[Any] = []
        for item in items:
            if isinstance(item, dict) and "..." in item:
                document = cast("dict[str, Any]", item)
                found = self._meet(document["..."], 2) if len(document) == 1 else None
                if len(document) != 1:
                    raise reject("reserved_name")
                if found is not None or self._gaps:
                    revealed.append(None if found is None else self.reveal(found[1], depth + 1))
            else:
                revealed.append(self.reveal(item, depth + 1))
        return revealed

    def _meet(self, digest: Any, length: int) -> list[Any] | None:
        if not isinstance(digest, str):
            raise reject("digests")
        if digest in self._met:
            raise reject("digest_twice")
        self._met.add(digest)
        found = self._by_digest.get(digest)
        if found is not None and len(found) != length:
            raise reject("disclosure_kind")
        return found

    def check_all_used(self) -> None:
        """Every disclosure belongs to some digest."""
        if not self._by_digest.keys() <= self._met:
            raise reject("disclosure_unused")


def _disclosure(text: str) -> list[Any]:
    try:
        value: Any = json.loads(decode64url(text))
    except (ValueError, RecursionError) as error:
        raise reject("disclosure") from error
    if not isinstance(value, list):
        raise reject("disclosure")
    parts = cast("list[Any]", value)
    names = parts[:-1]
    if len(parts) not in {2, 3} or not all(isinstance(name, str) for name in names):
        raise reject("disclosure")
    return parts
