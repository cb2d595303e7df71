"""Personal data by pattern and check digit: found, masked, and named by place and salted hash alone.

    e-mail, Japanese phone and postal code (with 〒), My Number (mod 11), card (Luhn), IBAN (mod 97), IPv4

The salt is the holder's secret: a value has one hash within one holder, which means nothing outside.
The text of a finding is in no column, log or ledger.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from mythos.data.arrow import Table, pa
from mythos.data.steps import put, texts

KIND: Final = pa.list_(
    pa.struct([("kind", pa.string()), ("start", pa.int64()), ("end", pa.int64()), ("hash", pa.string())])
)


def digits(text: str) -> list[int]:
    """The digits of a text."""
    return [int(letter) for letter in text if letter.isdigit()]


def luhn(text: str) -> bool:
    """Whether a card's first digit is that of payment and travel, and its last Luhn's (ISO/IEC 7812-1)."""
    numbers = digits(text)[::-1]
    total = sum(numbers[::2]) + sum(sum(divmod(2 * n, 10)) for n in numbers[1::2])
    return total % 10 == 0 and len(set(numbers)) > 1 and numbers[-1] in {3, 4, 5, 6}


def my_number(text: str) -> bool:
    """Whether 12 digits are an individual number: MIC ordinance 85 of 2014, article 5, modulus 11."""
    *body, check = digits(text)
    total = sum(p * (n + 1 if n <= 6 else n - 5) for n, p in enumerate(reversed(body), 1))
    rest = total % 11
    return check == (0 if rest <= 1 else 11 - rest) and len(set(body)) > 1


def iban(text: str) -> bool:
    """Whether ISO 7064 mod 97-10 holds."""
    plain = text.replace(" ", "")
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def ipv4(text: str) -> bool:
    """Whether four octets name a public host: version numbers and private networks are nobody's."""
    first, second, *_ = octets = [int(part) for part in text.split(".")]
    private = first in {0, 10, 127} or (first, second) == (192, 168) or (first == 172 and 16 <= second < 32)
    return all(n < 256 for n in octets) and not private and first < 224 and octets[3] != 0


def _always(_: str) -> bool:
    return True


PATTERNS: Final[tuple[tuple[str, str, Callable[[str], bool]], ...]] = (
    (
        "email",
        r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])",
        _always,
    ),
    ("iban", r"(?<![A-Za-z0-9])[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])", iban),
    (
        "card",
        r"(?<![\d.-])(?:\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}|\d{4}[ -]\d{6}[ -]\d{5}|\d{14,16})(?![\d-])",
        luhn,
    ),
    ("my_number", r"(?<![\d.-])(?<!\d )\d{4}[ -]?\d{4}[ -]?\d{4}(?![\d.-]| \d)", my_number),
    ("phone", r"(?<![\d.-])(?:\+81[ -]?[1-9]0?|0[5789]0)[ -]?\d{4}[ -]?\d{4}(?![\d-])", _always),
    (
        "phone",
        r"(?<![\d.-])(?:\+81[ -]?[1-9]\d{0,3}|0[1-9]\d{0,3})[ (-]{1,2}\d{1,4}[ )-]{1,2}\d{4}(?![\d-])",
        _always,
    ),
    ("postal_code", r"〒 ?\d{3}-?\d{4}(?!\d)", _always),
    ("ipv4", r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])", ipv4),
)
_COMPILED: Final = tuple((kind, re.compile(pattern, re.ASCII), right) for kind, pattern, right in PATTERNS)
_DIGITS: Final = re.compile(r"\d[\d .()-]{5,}\d", re.ASCII)
_MARKS: Final = {"email": "@", "postal_code": "〒"}
"""What a kind cannot be without; the others, but for an IBAN, need a run of seven digits and signs."""


def find(text: str) -> list[tuple[int, int, str]]:
    """Start, end and kind of each finding, in order; an earlier kind wins where two overlap."""
    found: list[tuple[int, int, str]] = []
    numbers = _DIGITS.search(text) is not None
    for kind, pattern, right in _COMPILED:
        if not (_MARKS[kind] in text if kind in _MARKS else numbers or kind == "iban"):
            continue
        for match in pattern.finditer(text):
            start, end = match.span()
            if right(match[0]) and all(end <= a or b <= start for a, b, _ in found):
                found.append((start, end, kind))
    return sorted(found)


def _masked(text: str, found: list[tuple[int, int, str]]) -> Iterator[str]:
    last = 0
    for start, end, kind in found:
        yield text[last:start]
        yield f"[{kind}]"
        last = end
    yield text[last:]


def pii(salt: bytes, table: Table) -> Table:
    """Mask personal data; note kind, place in the normalised text, and a hash under the holder's salt."""
    old = table.column("text").to_pylist()
    rows: list[list[dict[str, Any]] | None] = []
    new: list[str] = []
    for text, kept in zip(texts(table), old, strict=True):
        found = [] if text is None else find(text)
        rows.append(
            None
            if text is None
            else [
                {
                    "kind": k,
                    "start": a,
                    "end": b,
                    "hash": hmac.digest(salt, text[a:b].encode(), "sha256").hex(),
                }
                for a, b, k in found
            ]
        )
        new.append("".join(_masked(kept, found)) if found else kept)
    return put(put(table, "pii", rows, KIND), "text", new, pa.large_string())


def step(salt: bytes) -> Any:
    """The step under a holder's salt."""
    return partial(pii, salt)
