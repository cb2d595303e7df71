r"""Signed notes, checkpoints and witness cosignatures, exactly as C2SP writes them.

Sources: C2SP signed-note v1.0.0, tlog-checkpoint v1.0.0, tlog-cosignature v1.1.0-rc.1 (Ed25519 forms).
A key is a name and 32 bytes; its kind says what it may sign: 0x01 notes (and statements), 0x04 cosignatures.

    >>> key = SigningKey.generate("log.example")
    >>> note = Checkpoint("log.example", 0, b"\0" * 32).sign(key)
    >>> Checkpoint.parse(note.text).size
    0
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mythos.errors import BadSignatureError, MalformedError

NOTE: Final = 0x01
COSIGNATURE: Final = 0x04
MAX_NOTE: Final = 64 * 1024
MAX_SIGNATURES: Final = 64
_KINDS: Final = (NOTE, COSIGNATURE)
_DECIMAL: Final = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z", re.ASCII)
_DASH: Final = "\u2014 "


def encode64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 section 4)."""
    return base64.b64encode(data).decode("ascii")


def decode64(text: str, *, what: str = "base64") -> bytes:
    """Read base64 in its one canonical form: spare bits, spaces and missing padding are refused.

    Raises:
        MalformedError: any other spelling.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedError(f"{what} is not base64", found=repr(text[:60])) from error
    if encode64(data) != text:
        raise MalformedError(f"{what} is not canonical base64", expected=encode64(data)[:60], found=text[:60])
    return data


def decimal(text: str, *, what: str = "number") -> int:
    """Read an ASCII decimal below 2**63 without leading zeroes."""
    if _DECIMAL.match(text) is None or (value := int(text)) >= 1 << 63:
        raise MalformedError(f"{what} is not a canonical decimal", found=repr(text[:40]))
    return value


def check_name(name: str) -> str:
    """A key name: not empty, no Unicode space, no plus, no control character."""
    if not name or len(name) > 255 or "+" in name or any(c.isspace() or ord(c) < 0x20 for c in name):
        raise MalformedError("not a key name", expected="text without spaces or plus", found=repr(name[:80]))
    return name


@lru_cache(maxsize=1024)
def _public(data: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(data)


def _key_id(name: str, kind: int, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A public key under its name. `str(VerifyKey.parse(text)) == text`."""

    name: str
    public: bytes
    kind: int = NOTE
    key_id: bytes = field(init=False, compare=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public) != 32 or self.kind not in _KINDS:
            raise MalformedError("not an Ed25519 verifier key", found=f"kind {self.kind:#04x}")
        object.__setattr__(self, "key_id", _key_id(self.name, self.kind, self.public))

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Read `NAME+HASH+BASE64` (signed-note, section "Verifier keys")."""
        parts = vkey.split("+", 2)
        if len(parts) != 3:
            raise MalformedError("not a verifier key", expected="NAME+HASH+BASE64", found=repr(vkey[:80]))
        data = decode64(parts[2], what="verifier key")
        if len(data) != 33 or data[0] not in _KINDS:
            raise MalformedError(
                "not a supported verifier key",
                expected="an Ed25519 key of type 0x01 or 0x04",
                found=f"type {data[0]:#04x}, {len(data)} bytes" if data else "nothing",
            )
        key = cls(parts[0], data[1:], data[0])
        if key.key_id.hex() != parts[1]:
            raise MalformedError("the verifier key's hash differs", expected=key.key_id.hex(), found=parts[1])
        return key

    @property
    def id(self) -> str:
        """`NAME+HASH`: how statements, trust roots and quotas name this key."""
        return f"{self.name}+{self.key_id.hex()}"

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether the 64-byte Ed25519 signature holds (RFC 8032)."""
        try:
            _public(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def __str__(self) -> str:
        return f"{self.id}+{encode64(bytes([self.kind]) + self.public)}"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key under its name. `SigningKey.parse(key.to_text()) == key`; never printed by `repr`."""

    name: str
    seed: bytes = field(repr=False)
    kind: int = NOTE
    verify_key: VerifyKey = field(init=False, compare=False)
    _private: Ed25519PrivateKey = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.seed) != 32 or self.kind not in _KINDS:
            raise MalformedError("not an Ed25519 signing key", expected="a seed of 32 bytes")
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        public = private.public_key().public_bytes_raw()
        object.__setattr__(self, "_private", private)
        object.__setattr__(self, "verify_key", VerifyKey(self.name, public, self.kind))

    @classmethod
    def generate(cls, name: str, *, cosigner: bool = False) -> Self:
        """A new key; `cosigner` makes a witness's key (0x04), which can sign nothing but cosignatures."""
        seed = Ed25519PrivateKey.generate().private_bytes_raw()
        return cls(name, seed, COSIGNATURE if cosigner else NOTE)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `PRIVATE+KEY+NAME+HASH+BASE64`, as Go's sumdb/note writes it."""
        parts = text.strip().split("+", 4)
        if len(parts) != 5 or parts[:2] != ["PRIVATE", "KEY"]:
            raise MalformedError("not a signing key", expected="PRIVATE+KEY+NAME+HASH+BASE64")
        data = decode64(parts[4], what="signing key")
        if len(data) != 33:
            raise MalformedError("not a signing key", expected="33 bytes", found=f"{len(data)} bytes")
        key = cls(parts[2], data[1:], data[0])
        if key.verify_key.key_id.hex() != parts[3]:
            raise MalformedError("the signing key's hash differs", found=parts[3])
        return key

    def to_text(self) -> str:
        """The text of the key file; keep it 0600."""
        return f"PRIVATE+KEY+{self.verify_key.id}+{encode64(bytes([self.kind]) + self.seed)}"

    @property
    def id(self) -> str:
        """`NAME+HASH` of the public half."""
        return self.verify_key.id

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature (RFC 8032, deterministic)."""
        return self._private.sign(message)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line of a note: who claims to have signed, and the bytes after the key id."""

    name: str
    key_id: bytes
    data: bytes

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read `— NAME BASE64`."""
        parts = line.removeprefix(_DASH).split(" ")
        if not line.startswith(_DASH) or len(parts) != 2:
            raise MalformedError(
                "not a signature line", expected=f"{_DASH}NAME BASE64", found=repr(line[:80])
            )
        data = decode64(parts[1], what="signature")
        if len(data) < 5:
            raise MalformedError("a signature is cut short", found=f"{len(data)} bytes")
        return cls(check_name(parts[0]), data[:4], data[4:])

    @property
    def id(self) -> str:
        """`NAME+HASH` of the key that is said to have signed."""
        return f"{self.name}+{self.key_id.hex()}"

    @property
    def time(self) -> int:
        """The POSIX time of a cosignature, in seconds."""
        return int.from_bytes(self.data[:8], "big")

    def holds(self, key: VerifyKey, text: str) -> bool:
        """Whether `key` made this signature over the note text."""
        if key.kind == NOTE:
            return len(self.data) == 64 and key.verify(self.data, text.encode())
        if len(self.data) != 72 or self.time >= 1 << 63:
            return False
        return key.verify(self.data[8:], _cosigned(text, self.time))

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {encode64(self.key_id + self.data)}"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signature lines. `Note.parse(str(note)) == note`, byte for byte."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: str | bytes) -> Self:
        """Read a signed note; anything but its one spelling is refused.

        Raises:
            MalformedError: not UTF-8, a control character, no blank line, no signature, or too large.
        """
        if len(data) > MAX_NOTE:
            raise MalformedError("the note is too large", expected=f"at most {MAX_NOTE} bytes")
        try:
            whole = data.decode() if isinstance(data, bytes) else data
            whole.encode()
        except UnicodeError as error:
            raise MalformedError("the note is not UTF-8") from error
        if any(c < " " and c != "\n" for c in whole):
            raise MalformedError("the note holds a control character")
        text, blank, lines = whole.rpartition("\n\n")
        if not blank or not text or not lines.endswith("\n"):
            raise MalformedError("not a signed note", expected="a text, a blank line and signature lines")
        signatures = tuple(Signature.parse(line) for line in lines[:-1].split("\n"))
        if len(signatures) > MAX_SIGNATURES:
            raise MalformedError("too many signatures", expected=f"at most {MAX_SIGNATURES}")
        return cls(text + "\n", signatures)

    def verified(self, keys: Iterable[VerifyKey]) -> tuple[Signature, ...]:
        """The signatures made by `keys`; those of unknown keys are ignored.

        Raises:
            BadSignatureError: a line names one of `keys`, by name and id, and does not verify.
        """
        known = {(key.name, key.key_id): key for key in keys}
        good: list[Signature] = []
        for signature in self.signatures:
            key = known.get((signature.name, signature.key_id))
            if key is None:
                continue
            if not signature.holds(key, self.text):
                raise BadSignatureError("a signature of a known key does not verify", found=signature.id)
            good.append(signature)
        return tuple(good)

    def with_signatures(self, more: Sequence[Signature]) -> Note:
        """The same text with further lines; a key that already signed is replaced."""
        named = {(s.name, s.key_id): s for s in (*self.signatures, *more)}
        return Note(self.text, tuple(named.values()))

    def __str__(self) -> str:
        return self.text + "\n" + "".join(f"{signature}\n" for signature in self.signatures)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's head: who, how many entries, which root. `Checkpoint.parse(c.text) == c`."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a note text of exactly three lines; extension lines are refused (nobody could audit them)."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0]:
            raise MalformedError("not a checkpoint", expected="origin, size and root, one line each")
        root = decode64(lines[2], what="root")
        if len(root) != 32:
            raise MalformedError("not a SHA-256 root", found=f"{len(root)} bytes")
        return cls(lines[0], decimal(lines[1], what="tree size"), root)

    @property
    def text(self) -> str:
        """The note text: three lines, each ended by a newline."""
        return f"{self.origin}\n{self.size}\n{encode64(self.root)}\n"

    def sign(self, key: SigningKey) -> Note:
        """The checkpoint as a note signed by the log."""
        signature = Signature(key.name, key.verify_key.key_id, key.sign(self.text.encode()))
        return Note(self.text, (signature,))


def cosign(key: SigningKey, text: str, seconds: int) -> Signature:
    """A witness's cosignature/v1 over a checkpoint's text at a POSIX time."""
    if key.kind != COSIGNATURE or not 0 <= seconds < 1 << 63:
        raise MalformedError("cannot cosign", expected="a witness key (type 0x04) and a time from 1970")
    data = seconds.to_bytes(8, "big") + key.sign(_cosigned(text, seconds))
    return Signature(key.name, key.verify_key.key_id, data)


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
