"""Shared Signals: what an identity provider says after a person signed in, and what it makes unknown.

A security event token (RFC 8417) names one subject (RFC 9493) and one event. A revoked session, a changed
claim, credential or level of assurance (OpenID CAEP 1.0), and a disabled or purged account (OpenID RISC 1.0)
all mean the same here: the facts that rest on the old sign-in are unknown from now on, until they are
verified anew. Pure: keys, time and what was heard before are arguments.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from mythos.access.people import UNKNOWN, Person
from mythos.access.tokens import LEEWAY, Rejected, open_jws, reject, seconds_of
from mythos.errors import TokenError
from mythos.units import Digest, Instant

_CAEP: Final = "https://schemas.openid.net/secevent/caep/event-type/"
_RISC: Final = "https://schemas.openid.net/secevent/risc/event-type/"
EVENTS: Final = frozenset(
    {
        *(f"{_CAEP}{name}" for name in ("session-revoked", "token-claims-change", "credential-change")),
        f"{_CAEP}assurance-level-change",
        *(
            f"{_RISC}{name}"
            for name in ("account-disabled", "account-purged", "account-credential-change-required")
        ),
    }
)
_VERIFICATION: Final = "https://schemas.openid.net/secevent/ssf/event-type/verification"


@dataclass(frozen=True, slots=True)
class Transmitter:
    """Who may send signals to this hub: its issuer, and the audience that means us."""

    issuer: str
    audience: str


@dataclass(frozen=True, slots=True)
class Signal:
    """One event about one person.

    Attributes:
        person: the id of a person as ID tokens give it, `ISSUER|SUBJECT`; `None` for a test of the stream.
        event: the event's type.
        at: when the transmitter said it.
        token: of its issuer and `jti`; keep it where signals that were heard are remembered.
    """

    person: str | None
    event: str
    at: Instant
    token: Digest


def read_signal(
    token: str, transmitter: Transmitter, jwks: Mapping[str, Any], now: Instant, *, heard: Container[Digest]
) -> Signal | Rejected:
    """Check a security event token.

    Args:
        token: as it was pushed (RFC 8935).
        transmitter: whom we listen to.
        jwks: the transmitter's keys.
        now: the time.
        heard: the `token` of signals that were taken before.

    Ours may be one of several audiences: a signal grants nothing, so nobody is authorised by it (`azp`). Nor
    is one from the future refused: to doubt somebody is safe, and it may be our clock that is slow.
    """
    try:
        claims = open_jws(token, jwks, types=("secevent+jwt",))
        if claims.get("iss") != transmitter.issuer:
            raise reject("issuer")
        audience = claims.get("aud")
        if transmitter.audience not in (audience if isinstance(audience, list) else [audience]):
            raise reject("audience")
        end, issued, name = seconds_of(claims, "exp"), seconds_of(claims, "iat"), claims.get("jti")
        if end is not None and now.micros / 1e6 >= end + LEEWAY:
            raise reject("expired")
        if not (isinstance(name, str) and name) or issued is None:
            raise reject("no_identity")
        token_id = Digest.of(f"{transmitter.issuer} {name}".encode(errors="surrogatepass"))
        if token_id in heard:
            raise reject("replayed")
        event = _event(claims)
        person = None if event == _VERIFICATION else _subject(claims, event)
    except TokenError as error:
        return Rejected(error.code)
    return Signal(person, event, Instant(int(issued * 1_000_000)), token_id)


def forget(person: Person) -> Person:
    """The person of whom nothing is known any more."""
    return Person(person.id, UNKNOWN)


def _event(claims: Mapping[str, Any]) -> str:
    events = claims.get("events")
    if not isinstance(events, dict) or len(cast("dict[str, Any]", events)) != 1:
        raise reject("events")
    [event] = cast("dict[str, Any]", events)
    if event not in EVENTS and event != _VERIFICATION:
        raise reject("event")
    return event


def _subject(claims: Mapping[str, Any], event: str) -> str:
    """`sub_id` of format `iss_sub`; CAEP drafts put the same object into the event as `subject`."""
    said, told = claims.get("sub_id"), claims["events"][event]
    if said is None and isinstance(told, dict):
        said = cast("dict[str, Any]", told).get("subject")
    if isinstance(said, dict):
        said = cast("dict[str, Any]", said).get("user", cast("Any", said))
    if not isinstance(said, dict):
        raise reject("subject")
    subject = cast("dict[str, Any]", said)
    issuer, name = subject.get("iss"), subject.get("sub")
    named = isinstance(issuer, str) and isinstance(name, str) and issuer and 0 < len(name) <= 255
    if subject.get("format", "iss_sub") != "iss_sub" or not named:
        raise reject("subject")
    if issuer != claims["iss"]:
        raise reject("issuer")  # nobody speaks about the people of another issuer
    return f"{issuer}|{name}"
