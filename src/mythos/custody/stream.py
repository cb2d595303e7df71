"""The body of a sealed file: Tink's AES256-GCM-HKDF streaming wire format, segment by segment.

    header    1 byte length (40) | 32 bytes salt | 7 bytes nonce prefix
    key       HKDF-SHA256(DEK, salt, info = associated data), 32 bytes
    nonce     prefix | segment index, 4 bytes big-endian | 1 when it is the last segment, else 0
    segments  AES-256-GCM; in the file, segment i stands at i x segment size and the first shares its place
              with the header

Source: Tink, "AES-GCM-HKDF streaming AEAD" wire format; analysed by Hoang and Shen (eprint 2020/1019). Stock
Tink opens what this writes, and the reverse. The derived key is fresh for each salt, so no nonce is ever
used twice under one key; order, number and end of the segments are in the nonce, so none can be moved,
dropped, repeated or appended.

GCM does not commit to its key. `commitment` does: it goes into the manifest that approvers sign.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mythos.errors import InputError, SealError
from mythos.units import Digest

SUITE: Final = "AES256_GCM_HKDF_4MB"
SEGMENT: Final = 4 << 20
HEADER: Final = 40
SALT: Final = 32
PREFIX: Final = 7
TAG: Final = 16
KEY: Final = 32
_COMMIT: Final = b"mythos-commit/v1\x00"

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the segments of one file lie. All numbers are bytes.

    Attributes:
        plaintext: length of the plain file.
        segment: length of a full ciphertext segment; the first holds the header too.
    """

    plaintext: int
    segment: int = SEGMENT

    def __post_init__(self) -> None:
        if self.segment <= HEADER + TAG or self.plaintext < 0 or self.segments > 1 << 32:
            raise InputError(
                "no such stream", expected="at most 2^32 segments", found=f"{self.plaintext} bytes"
            )

    @property
    def first(self) -> int:
        """Plain bytes in the first segment when it is full."""
        return self.segment - HEADER - TAG

    @property
    def full(self) -> int:
        """Plain bytes in every later full segment."""
        return self.segment - TAG

    @property
    def segments(self) -> int:
        """How many segments; an empty file has one."""
        return 1 + max(0, -(-(self.plaintext - self.first) // self.full))

    @property
    def sealed(self) -> int:
        """Length of the sealed file."""
        return HEADER + self.plaintext + TAG * self.segments

    def plain(self, index: int) -> tuple[int, int]:
        """First plain byte and plain length of a segment."""
        start = 0 if index == 0 else self.first + (index - 1) * self.full
        return start, min(self.first if index == 0 else self.full, self.plaintext - start)

    def cipher(self, index: int) -> tuple[int, int]:
        """First byte in the sealed file and length of a segment, without the header."""
        start = HEADER if index == 0 else index * self.segment
        return start, self.plain(index)[1] + TAG


def new_header(random: Callable[[int], bytes]) -> bytes:
    """A header with a fresh salt and nonce prefix."""
    return bytes([HEADER]) + random(SALT) + random(PREFIX)


def check_header(header: Buffer, where: str) -> None:
    """Refuse a header of another length or format."""
    if len(header) != HEADER or header[0] != HEADER:
        raise SealError(f"{where}: not a sealed file", expected="a header of 40 bytes", found="another one")


def commitment(dek: Buffer, associated_data: bytes, header: Buffer) -> Digest:
    """What a manifest says of a file's key: no other key opens the file and has this commitment."""
    return Digest(_hkdf(dek, header, _COMMIT + associated_data))


def check_commitment(
    dek: Buffer, associated_data: bytes, header: Buffer, expected: Digest, where: str
) -> None:
    """Refuse a key (or a header) that is not the one the manifest commits to.

    Raises:
        SealError: the key, the salt or anything in the associated data is another.
    """
    if not hmac.compare_digest(commitment(dek, associated_data, header).value, expected.value):
        raise SealError(
            f"{where}: the key is not the one that the manifest commits to",
            expected=str(expected),
            found="another key, header or manifest",
        )


class SegmentCipher:
    """Seals and opens the segments of one file, in any order, into memory of the caller.

    Opening writes into the caller's memory before the tag is checked (as every streaming AES-GCM does); when
    `open_into` raises, what it wrote must be wiped and never used.
    """

    __slots__ = ("_aead", "_last", "_prefix")

    def __init__(self, dek: Buffer, associated_data: bytes, header: Buffer, layout: Layout) -> None:
        if len(dek) != KEY:
            raise InputError("not a data key", expected="32 bytes", found=f"{len(dek)} bytes")
        self._aead = AESGCM(_hkdf(dek, header, associated_data))
        self._prefix = bytes(header[1 + SALT :])
        self._last = layout.segments - 1

    def _nonce(self, index: int) -> bytes:
        return self._prefix + index.to_bytes(4, "big") + bytes([index == self._last])

    def seal_into(self, index: int, plain: Buffer, target: Buffer) -> None:
        """Encrypt one segment; `target` takes 16 bytes more than `plain` has."""
        self._aead.encrypt_into(self._nonce(index), plain, None, target)

    def open_into(self, index: int, sealed: Buffer, target: Buffer) -> None:
        """Decrypt and authenticate one segment; `target` takes 16 bytes fewer.

        Raises:
            InvalidTag: flipped, moved, of another file, or under another key.
        """
        self._aead.decrypt_into(self._nonce(index), sealed, None, target)


def _hkdf(dek: Buffer, header: Buffer, info: bytes) -> bytes:
    return HKDF(SHA256(), KEY, bytes(header[1 : 1 + SALT]), info).derive(dek)


__all__ = [
    "HEADER",
    "SEGMENT",
    "SUITE",
    "TAG",
    "InvalidTag",
    "Layout",
    "SegmentCipher",
    "check_commitment",
    "check_header",
    "commitment",
    "new_header",
]
