"""Personal data by pattern and check digit: found, masked, and named by place and salted hash alone.

    e-mail, phone (Japanese, or with a + and a country), Japanese postal code (after 〒 or 郵便番号),
    My Number (mod 11), card (Luhn), IBAN (mod 97), public IPv4 and IPv6 addresses

    and, where it is asked for, personal names in Japanese (`mythos.data.steps.names`)

The salt is the holder's secret: a value has one hash within one holder, which means nothing outside.
The text of a finding is in no column, log or ledger.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from bisect import bisect, insort
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from mythos.data.arrow import Table, pa
from mythos.data.steps import names, put, texts

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
    plain = "".join(filter(str.isalnum, text))
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def ipv4(text: str) -> bool:
    """Whether four octets name a public host: version numbers and private networks are nobody's."""
    first, second, *_ = octets = [int(part) for part in text.split(".")]
    private = first in {0, 10, 127} or (first, second) == (192, 168) or (first == 172 and 16 <= second < 32)
    return all(n < 256 for n in octets) and not private and first < 224 and octets[3] != 0


def ipv6(text: str) -> bool:
    """Whether it is an address of a public host."""
    try:
        return ipaddress.IPv6Address(text).is_global
    except ValueError:
        return False


def phone(text: str) -> bool:
    """Whether there are as many digits as a number in Japan has, without or with its country's code."""
    count = len(digits(text))
    return 11 <= count <= 13 if text.startswith("+") else 10 <= count <= 11


def international(text: str) -> bool:
    """Whether there are as many digits as ITU-T E.164 allows; fewer than nine are no subscriber's."""
    return 9 <= len(digits(text)) <= 15


def _always(_: str) -> bool:
    return True


# Japanese hands write a number's dash in all these ways; NFKC makes one of none of them.
_DASH: Final = "\u2010-\u2015\u2212\u2500\u30fc-"
_BEFORE: Final = rf"(?<!\d)(?<!\d[.{_DASH}])"
_AFTER: Final = rf"(?!\d)(?![.{_DASH}]\d)"
_S: Final = f"[ {_DASH}]"
_T: Final = f"[ .{_DASH}]?"
_B: Final = f"[ (){_DASH}]{{1,3}}"
_JAPAN: Final = rf"\+81{_T}(?:\(0\){_S}?)?"
_LABELS: Final = r"(?:[A-Za-z0-9\u00df-\u9fff-]{1,63}\.){1,8}"
_FOURS: Final = rf"\d{{4}}(?:[ .{_DASH}]\d{{4}}){{3}}"
PATTERNS: Final[tuple[tuple[str, str, Callable[[str], bool]], ...]] = (
    (
        "email",
        rf"[A-Za-z0-9][A-Za-z0-9._%+-]{{0,63}}@{_LABELS}[A-Za-z]{{2,24}}(?!-?[A-Za-z0-9])",
        _always,
    ),
    (
        "iban",
        rf"(?<![A-Za-z0-9])[A-Z]{{2}}\d\d(?:{_S}?[A-Z0-9]{{4}}){{2,7}}(?:{_S}?[A-Z0-9]{{1,3}})?(?![A-Za-z0-9])",
        iban,
    ),
    (
        "card",
        rf"{_BEFORE}(?:{_FOURS}|\d{{4}}{_S}\d{{6}}{_S}\d{{4,5}}|\d{{14,16}}|62\d{{15,17}}){_AFTER}",
        luhn,
    ),
    ("my_number", rf"{_BEFORE}(?<!\d )\d{{4}}{_S}?\d{{4}}{_S}?\d{{4}}{_AFTER}(?! \d)", my_number),
    ("phone", rf"{_BEFORE}(?:{_JAPAN}[1-9]0?|0[5789]0){_T}\d{{4}}{_T}\d{{4}}{_AFTER}", _always),
    (
        "phone",
        rf"{_BEFORE}(?:{_JAPAN}[1-9]\d{{0,3}}|\(0\d{{1,4}}(?=\))|0[1-9]\d{{0,3}}){_B}\d{{1,4}}{_B}\d{{3,4}}{_AFTER}",
        phone,
    ),
    (
        "phone",
        r"(?:(?i:tel|fax|phone)|電話(?:番号)?|携帯(?:電話)?|☎)[:. ]{0,3}(0[1-9]\d{8,9})(?!\d)",
        _always,
    ),
    ("phone", rf"{_BEFORE}\+[1-9]\d{{0,2}}(?:{_T}\(?\d{{1,4}}\)?){{2,6}}{_AFTER}", international),
    ("postal_code", rf"(?:〒|郵便番号[:. ]?) ?\d{{3}}[{_DASH}]?\d{{4}}(?!\d)", _always),
    ("ipv4", r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])", ipv4),
    ("ipv6", r"(?<![\w:.])[23][0-9A-Fa-f]{3}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])", ipv6),
)
_COMPILED: Final = tuple((kind, re.compile(pattern, re.ASCII), right) for kind, pattern, right in PATTERNS)
_DIGITS: Final = re.compile(rf"\d[\d .(){_DASH}]{{5,}}\d", re.ASCII)
_MARKS: Final = {"email": ("@",), "postal_code": ("〒", "郵便番号"), "ipv6": (":",), "iban": ("",)}
"""What a kind cannot be without; the others need a run of seven digits and signs."""


def find(text: str, *, named: bool = False) -> list[tuple[int, int, str]]:
    """Start, end and kind of each finding, in order; an earlier kind wins where two overlap.

    `named`: look for personal names too, last of all.
    """
    found: list[tuple[int, int, str]] = []
    numbers = _DIGITS.search(text) is not None
    for kind, pattern, right in _COMPILED:
        if not (any(mark in text for mark in _MARKS[kind]) if kind in _MARKS else numbers):
            continue
        for match in pattern.finditer(text):
            group = match.lastindex or 0
            if _free(found, *match.span(group)) and right(match[group]):
                insort(found, (*match.span(group), kind))
    for start, end in names.find(text) if named else ():
        if _free(found, start, end):
            insort(found, (start, end, "name"))
    return found


def _free(found: list[tuple[int, int, str]], start: int, end: int) -> bool:
    place = bisect(found, (start, end, ""))
    return (place == 0 or found[place - 1][1] <= start) and (place == len(found) or end <= found[place][0])


def _masked(text: str, found: list[tuple[int, int, str]]) -> Iterator[str]:
    last = 0
    for start, end, kind in found:
        yield text[last:start]
        yield f"[{kind}]"
        last = end
    yield text[last:]


def pii(salt: bytes, table: Table, *, named: bool = False) -> Table:
    """Mask personal data; note kind, place in the normalised text, and a hash under the holder's salt."""
    old = table.column("text").to_pylist()
    rows: list[list[dict[str, Any]] | None] = []
    new: list[str] = []
    for text, kept in zip(texts(table), old, strict=True):
        found = [] if text is None else find(text, named=named)
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


def step(salt: bytes, *, named: bool = False) -> Any:
    """The step under a holder's salt; `named`: with personal names."""
    return partial(pii, salt, named=named)
