"""What was done, by whom: an in-toto Statement v1 in a DSSE envelope, in its one canonical spelling.

The exact bytes of the envelope are the leaf of the log, so both layers have exactly one spelling: JSON with
sorted keys, no spaces, UTF-8, whole numbers below 2**53 and no floats. Numbers that can grow larger are
decimal strings (`10**26 >= 1e26` is `False` in Python).

    >>> key = SigningKey.generate("owner")
    >>> act = Statement((Subject("weights", Digest.of(b"...")),), predicate_type("seal"), {"release": 1})
    >>> Envelope.sign(act, key).verify([key.verify_key]) == (key.id,)
    True

Sources: in-toto Statement v1 (051624c), DSSE v1 protocol.md (eebf7b5).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NoReturn, Self, cast

from mythos.errors import BadSignatureError, InputError, MalformedError, QuotaError
from mythos.evidence.note import NOTE, SigningKey, VerifyKey, decode64, encode64
from mythos.units import Digest

PREDICATE_BASE: Final = "https://mythos.example/"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
MAX_ENTRY: Final = 65_535
"""Bytes of the largest leaf: tlog-tiles writes an entry's length in 16 bits."""

SALT: Final = 32
"""Bytes of a commitment's salt: as hard to guess as the hash it hides behind."""

MAX_INTEGER: Final = (1 << 53) - 1
MAX_DEPTH: Final = 32

Json = dict[str, Any]


def predicate_type(name: str, version: int = 1) -> str:
    """The predicate type of an act: `seal` gives `https://mythos.example/seal/v1`."""
    return f"{PREDICATE_BASE}{name}/v{version}"


def act_name(predicate_type: str) -> str | None:
    """The act's name of a version this release knows (v1); `None` for any other type."""
    name = predicate_type.removeprefix(PREDICATE_BASE).removesuffix("/v1")
    return name if predicate_type == f"{PREDICATE_BASE}{name}/v1" and "/" not in name else None


def canonical(value: Any) -> bytes:
    """The one JSON spelling of `value`: sorted keys, no spaces, UTF-8.

    Raises:
        InputError: a float, an integer beyond 2**53, a key that is not text, or nesting over 32 levels.
    """
    _check(value, 0)
    try:
        return _dumps(value)
    except UnicodeEncodeError as error:
        raise InputError("text holds a lone surrogate") from error


def parse_canonical(data: bytes, limit: int = MAX_ENTRY) -> Any:
    """Read JSON that is in its one spelling: `canonical(parse_canonical(data)) == data`.

    Raises:
        MalformedError: not JSON, over `limit` bytes, a float, or any byte that differs after re-encoding
            (spaces, unsorted or duplicate keys, escapes that are not needed).
    """
    if len(data) > limit:
        raise MalformedError("the JSON is too large", expected=f"at most {limit} bytes", found=f"{len(data)}")
    try:
        value: Any = json.loads(
            data.decode(), parse_float=_refuse, parse_constant=_refuse, parse_int=_integer
        )
        again = _dumps(value)
    except UnicodeError as error:
        raise MalformedError("the JSON is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise MalformedError("not JSON", found=str(error)[:120]) from error
    if again != data:
        raise MalformedError("the JSON is not canonical", found=_difference(again, data))
    return value


def _dumps(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InputError("nested too deeply", expected=f"at most {MAX_DEPTH} levels")
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise InputError(
                "an integer beyond 2**53", found=str(value), advice="Write it as a decimal string."
            )
    elif isinstance(value, dict):
        for key, child in cast("dict[Any, Any]", value).items():
            if not isinstance(key, str):
                raise InputError("a key that is not text", found=repr(key))
            _check(child, depth + 1)
    elif isinstance(value, list | tuple):
        for child in cast("list[Any]", value):
            _check(child, depth + 1)
    else:
        raise InputError(
            f"{type(value).__name__} has no canonical JSON",
            expected="text, whole numbers, lists, objects",
            found=repr(value)[:80],
            advice="Write other numbers as decimal strings.",
        )


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"the number {text} is not a whole number")


def _integer(text: str) -> int:
    if len(text) > 17 or abs(value := int(text)) > MAX_INTEGER:
        raise ValueError(f"the number {text[:20]} is beyond 2**53")
    return value


def _difference(expected: bytes, found: bytes) -> str:
    at = next((i for i, (a, b) in enumerate(zip(expected, found, strict=False)) if a != b), len(expected))
    near = found[max(0, at - 12) : at + 12].decode(errors="replace")
    return f"byte {at}, near {near!r} (duplicate or unsorted keys, spaces, or a needless escape)"


def fields(value: Any, *names: str, what: str) -> Json:
    """`value` as an object with exactly these keys.

    Raises:
        MalformedError: another type, a missing or an unknown key.
    """
    document = mapping(value, what=what)
    if document.keys() != set(names):
        raise MalformedError(
            f"{what} has other fields", expected=", ".join(sorted(names)), found=", ".join(sorted(document))
        )
    return document


def text(value: Any, *, what: str) -> str:
    """`value` as text, or `MalformedError`."""
    if not isinstance(value, str):
        raise MalformedError(f"{what} is not text", found=type(value).__name__)
    return value


def integer(value: Any, *, what: str) -> int:
    """`value` as a whole number from 0, or `MalformedError`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise MalformedError(f"{what} is not a whole number from 0", found=repr(value)[:40])
    return value


def mapping(value: Any, *, what: str) -> Json:
    """`value` as an object with any keys, or `MalformedError`."""
    if not isinstance(value, dict):
        raise MalformedError(f"{what} is not an object", found=type(value).__name__)
    return cast("Json", value)


def items(value: Any, *, what: str) -> list[Any]:
    """`value` as a list, or `MalformedError`."""
    if not isinstance(value, list):
        raise MalformedError(f"{what} is not a list", found=type(value).__name__)
    return cast("list[Any]", value)


def binary(value: Any, *, what: str) -> bytes:
    """The bytes that `value` is the base64 of, or `MalformedError`."""
    return decode64(text(value, what=what), what=what)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a statement is about: a name for people and the digest that counts."""

    name: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Statement:
    """An in-toto Statement v1. `Statement.parse(s.to_bytes()) == s`."""

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: Json

    def to_bytes(self) -> bytes:
        """The canonical payload."""
        subjects = [{"digest": {"sha256": s.digest.hex}, "name": s.name} for s in self.subjects]
        return canonical(
            {
                "_type": STATEMENT_TYPE,
                "predicate": self.predicate,
                "predicateType": self.predicate_type,
                "subject": subjects,
            }
        )

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read a canonical payload.

        Raises:
            MalformedError: not canonical, not a Statement v1, no subject, or a subject without SHA-256.
        """
        names = ("_type", "predicate", "predicateType", "subject")
        document = fields(parse_canonical(payload), *names, what="the statement")
        if document["_type"] != STATEMENT_TYPE:
            raise MalformedError(
                "not a statement", expected=STATEMENT_TYPE, found=repr(document["_type"])[:80]
            )
        if not isinstance(document["predicate"], dict):
            raise MalformedError("the predicate is not an object")
        subjects = tuple(_subject(item) for item in items(document["subject"], what="subject"))
        if not subjects:
            raise MalformedError("a statement about nothing", expected="at least one subject")
        kind = text(document["predicateType"], what="predicateType")
        return cls(subjects, kind, cast("Json", document["predicate"]))

    @property
    def act(self) -> str | None:
        """The act's name, or `None` for a predicate type or version this release does not know."""
        return act_name(self.predicate_type)


def _subject(value: Any) -> Subject:
    document = fields(value, "digest", "name", what="a subject")
    digest = text(fields(document["digest"], "sha256", what="a subject's digest")["sha256"], what="sha256")
    try:
        return Subject(text(document["name"], what="a subject's name"), Digest.parse(f"sha256:{digest}"))
    except InputError as error:
        raise MalformedError("a subject without a SHA-256 digest", found=digest[:80]) from error


def pae(payload_type: str, payload: bytes) -> bytes:
    """What DSSE signs: `DSSEv1 LEN TYPE LEN PAYLOAD`, lengths in bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload and who signed it: (`NAME+HASH`, 64-byte signature), sorted. Its bytes are the leaf."""

    payload: bytes
    signatures: tuple[tuple[str, bytes], ...]
    payload_type: str = PAYLOAD_TYPE

    @classmethod
    def sign(cls, statement: Statement, *keys: SigningKey) -> Envelope:
        """Sign a statement with one or more keys."""
        envelope = Envelope(statement.to_bytes(), ())
        for key in keys:
            envelope = envelope.add_signature(key)
        return envelope

    def add_signature(self, key: SigningKey) -> Envelope:
        """The same payload, signed by one key more; a key signs once."""
        if key.kind != NOTE:
            raise InputError("a witness key signs no statements", found=key.id)
        added = (key.id, key.sign(pae(self.payload_type, self.payload)))
        others = [s for s in self.signatures if s[0] != key.id]
        return Envelope(self.payload, tuple(sorted([*others, added])), self.payload_type)

    def to_bytes(self) -> bytes:
        """The exact leaf.

        Raises:
            QuotaError: over 65,535 bytes; name larger things by their digest.
        """
        signatures = [{"keyid": keyid, "sig": encode64(sig)} for keyid, sig in self.signatures]
        data = canonical(
            {"payload": encode64(self.payload), "payloadType": self.payload_type, "signatures": signatures}
        )
        return check_size(data)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read an envelope in its one spelling.

        Raises:
            MalformedError: not canonical, another payload type, no signature, or signatures out of order.
            QuotaError: over 65,535 bytes.
        """
        document = fields(
            parse_canonical(check_size(data)), "payload", "payloadType", "signatures", what="the envelope"
        )
        if document["payloadType"] != PAYLOAD_TYPE:
            raise MalformedError(
                "another payload type", expected=PAYLOAD_TYPE, found=repr(document["payloadType"])[:80]
            )
        signatures = tuple(_signature(item) for item in items(document["signatures"], what="signatures"))
        names = [keyid for keyid, _ in signatures]
        if not names or names != sorted(set(names)):
            raise MalformedError(
                "signatures are missing, doubled or out of order", found=", ".join(names)[:200]
            )
        return cls(binary(document["payload"], what="payload"), signatures)

    @property
    def signers(self) -> tuple[str, ...]:
        """Who claims to have signed; proven only by `verify`."""
        return tuple(keyid for keyid, _ in self.signatures)

    def statement(self) -> Statement:
        """The statement inside."""
        return Statement.parse(self.payload)

    def verify(self, keys: Iterable[VerifyKey]) -> tuple[str, ...]:
        """The ids (`NAME+HASH`) of `keys` that signed; unknown signers are left out.

        Raises:
            BadSignatureError: one of `keys` is named and its signature is over other bytes.
        """
        known = {key.id: key for key in keys}
        message = pae(self.payload_type, self.payload)
        good: list[str] = []
        for keyid, signature in self.signatures:
            key = known.get(keyid)
            if key is None or key.kind != NOTE:
                continue
            if len(signature) != 64 or not key.verify(signature, message):
                raise BadSignatureError("the signature is over other bytes", found=keyid)
            good.append(keyid)
        return tuple(good)


def _signature(value: Any) -> tuple[str, bytes]:
    document = fields(value, "keyid", "sig", what="a signature")
    return text(document["keyid"], what="keyid"), binary(document["sig"], what="sig")


def commit(salt: bytes, label: str, data: bytes) -> bytes:
    """SHA-256(salt || label || 0x00 || data): hides the data, binds to it and to its place.

    Raises:
        InputError: the salt is not 32 bytes, or the label is empty or holds a zero byte.
    """
    if len(salt) != SALT or not label or "\0" in label:
        raise InputError("not a commitment", expected=f"a salt of {SALT} bytes and a label")
    return sha256(salt + label.encode() + b"\0" + data).digest()


def check_size(data: bytes) -> bytes:
    """`data` if it fits a leaf, else `QuotaError`."""
    if len(data) > MAX_ENTRY:
        raise QuotaError(
            "the entry is too large",
            expected=f"at most {MAX_ENTRY} bytes",
            found=f"{len(data)}",
            advice="Keep the document by its digest and name the digest.",
        )
    return data
