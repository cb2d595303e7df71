"""Quantities that must not be mistaken for one another: `Digest`, `Instant`, `Flop`, `Bytes`.

Numbers that can pass 2**53 travel through JSON as decimal strings; `Flop.parse` reads them exactly and
refuses a binary float, because `10**26 >= 1e26` is `False` in Python.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Self

from mythos.errors import InputError

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})\Z")
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:[0-5]\d)\Z", re.ASCII
)


_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""Microseconds of the first and the last instant that RFC 3339 can write."""


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256 digest, 32 bytes; written `sha256:` and 64 lower-case hex digits."""

    value: bytes

    def __post_init__(self) -> None:
        if len(self.value) != 32:
            raise InputError("not a SHA-256 digest", expected="32 bytes", found=f"{len(self.value)} bytes")

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> Self:
        """Hash `data`."""
        return cls(hashlib.sha256(data).digest())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `sha256:HEX`."""
        match = _DIGEST.match(text)
        if match is None:
            raise InputError("not a digest", expected="sha256: and 64 hex digits", found=repr(text[:80]))
        return cls(bytes.fromhex(match[1]))

    @property
    def hex(self) -> str:
        """The 64 hex digits alone."""
        return self.value.hex()

    def __str__(self) -> str:
        return f"sha256:{self.value.hex()}"


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    """A point in time, in microseconds since 1970-01-01T00:00:00Z; written in RFC 3339 with `Z`."""

    micros: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read RFC 3339 with a zone. `60` as seconds, a lower-case `z` and a missing zone are refused."""
        match = _RFC3339.match(text)
        if match is None:
            raise InputError(
                "not a time",
                expected="RFC 3339 with a zone, such as 2026-06-12T17:21:00-04:00",
                found=repr(text[:80]),
            )
        try:
            return cls.of(datetime.fromisoformat(text).astimezone(UTC))  # raises outside years 1 to 9999
        except (ValueError, OverflowError) as error:
            raise InputError("not a time", expected="a date and time that exist", found=repr(text)) from error

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """Convert an aware `datetime`."""
        if moment.tzinfo is None:
            raise InputError("a time without a zone", expected="an aware datetime", found=str(moment))
        delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
        return cls((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds)

    @classmethod
    def now(cls) -> Self:
        """The wall clock. Only the edge calls this; decisions take an `Instant`."""
        return cls.of(datetime.now(UTC))

    def plus(self, seconds: float) -> Instant:
        """This instant and `seconds` (negative: earlier), as far as the years 1 to 9999 go."""
        return Instant(min(max(self.micros + round(seconds * 1_000_000), _FIRST), _LAST))

    def since(self, earlier: Instant) -> float:
        """Seconds from `earlier` to this instant."""
        return (self.micros - earlier.micros) / 1_000_000

    @property
    def datetime(self) -> datetime:
        """The same instant as an aware `datetime` in UTC."""
        seconds, micros = divmod(self.micros, 1_000_000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)

    def __str__(self) -> str:
        moment = self.datetime
        text = moment.replace(tzinfo=None, microsecond=0).isoformat()
        if moment.microsecond:
            text += f".{moment.microsecond:06d}".rstrip("0")
        return text + "Z"


def exact(value: str | int | Decimal, *, what: str = "number") -> Decimal:
    """Read an exact decimal from its text; a binary float is refused with the reason."""
    if isinstance(value, float | bool):
        raise InputError(
            f"{what} is a binary {type(value).__name__}",
            expected="decimal text or an integer",
            found=repr(value),
            advice="Write it as text: binary floats lose digits, and 10**26 >= 1e26 is False.",
        )
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise InputError(f"{what} is not a number", expected="decimal text", found=repr(value)) from error
    if not number.is_finite():
        raise InputError(f"{what} is not finite", expected="a finite decimal", found=repr(value))
    if number.adjusted() > 60:
        raise InputError(f"{what} is absurd", expected="less than 10^60", found=str(value)[:40])
    return number


class Flop(int):
    """Arithmetic operations of training (a count, not a rate). Exact; JSON carries it as decimal text."""

    __slots__ = ()

    @classmethod
    def parse(cls, value: str | int | Decimal) -> Self:
        """Read a whole, non-negative number of operations from exact text such as `2.2e24`."""
        number = exact(value, what="FLOP")
        if number < 0 or number != number.to_integral_value():
            raise InputError("not a FLOP count", expected="a whole number from 0", found=str(value))
        return cls(int(number))

    def __str__(self) -> str:
        return int.__repr__(self)


class Bytes(int):
    """A size in bytes."""

    __slots__ = ()

    @property
    def human(self) -> str:
        """For people: decimal multiples, as disks are sold."""
        size = float(self)
        for unit in ("B", "kB", "MB", "GB"):
            if abs(size) < 1000:
                return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
            size /= 1000
        return f"{size:.1f} TB"
