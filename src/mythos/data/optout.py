"""Machine-readable opt-outs, read from what was captured beside a copy: robots.txt, TDMRep, C2PA.

found = read(Capture("https://example.jp/a", robots=data, tdmrep=ABSENT, headers=head, page=body))
found.opt_out                       # OptOut(robots="reserved", tdmrep="none", c2pa=None)

Parsers take bytes and fetch nothing. They lean to one side: whoever reserves anywhere has reserved, a file
that cannot be read leaves the answer unknown, and "none" needs every place to have been looked at.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

from mythos.data.c2pa import c2pa
from mythos.data.rights import OptOut, Record, Reserved
from mythos.errors import InputError
from mythos.units import Digest

LIMIT: Final = 512 << 10
"""Bytes that are read of a capture: RFC 9309 asks for at least 500 KiB of a robots.txt."""

ABSENT: Final = None
"""Looked for, and the server said that there is none (404)."""


class _Unlooked:
    """Nobody looked."""


UNLOOKED: Final = _Unlooked()
Captured = bytes | None | _Unlooked

# fmt: off
AGENTS: Final = frozenset({
    "ai2bot", "amazonbot", "anthropic-ai", "applebot-extended", "bytespider", "ccbot", "claude-web",
    "claudebot", "cohere-ai", "cohere-training-data-crawler", "deepseekbot", "diffbot", "facebookbot",
    "google-cloudvertexbot", "google-extended", "gptbot", "imagesiftbot", "kangaroo-bot",
    "meta-externalagent", "omgili", "omgilibot", "pangubot", "timpibot", "webzio-extended",
})
# fmt: on
"""Product tokens by which sites turn away those who gather text to train models on."""

_USE: Final = re.compile(r"\b(?:ai-train\s*=\s*no|train-ai\s*=\s*n)\b", re.IGNORECASE)
# The parser of the standard library can be made to raise and to hang. These cannot; they read comments too.
_META: Final = re.compile(r"<meta\b([^<>]{0,4096})", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"([a-z-]{1,32})\s{0,8}=\s{0,8}(\"[^\"]*\"|'[^']*'|[^\s\"'>]+)", re.IGNORECASE)
_NOAI: Final = re.compile(r"\bno(?:image)?ai\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Capture:
    """What was captured with a copy, on its day; each is bytes, `ABSENT` or `UNLOOKED`.

    Attributes:
        url: of the copy.
        robots: `/robots.txt`.
        tdmrep: `/.well-known/tdmrep.json`.
        headers: of the answer that brought the copy, a line each, as `curl -D` writes them.
        page: the copy, where it is HTML; `ABSENT` where it is another kind of file.
        asset: the copy, where it is a picture, sound or film, which may hold C2PA; `ABSENT` where it is text.
    """

    url: str
    robots: Captured = UNLOOKED
    tdmrep: Captured = UNLOOKED
    headers: Captured = UNLOOKED
    page: Captured = UNLOOKED
    asset: Captured = UNLOOKED


@dataclass(frozen=True, slots=True)
class Found:
    """What the captures say, and their digests as evidence."""

    opt_out: OptOut
    evidence: tuple[Digest, ...]

    def into(self, record: Record, on: date) -> Record:
        """The record with what was found, on the day of the copy.

        A reservation that the record had stays: a second look does not unsay it.
        """
        old, new = record.opt_out, self.opt_out
        joined = OptOut(
            _either(old.robots, new.robots), _either(old.tdmrep, new.tdmrep), _either(old.c2pa, new.c2pa)
        )
        evidence = dict.fromkeys((*record.evidence, *map(str, self.evidence)))
        return replace(record, opt_out=joined, copied_on=on, evidence=tuple(evidence))


def _either(old: Reserved | None, new: Reserved | None) -> Reserved | None:
    return "reserved" if "reserved" in {old, new} else new


def read(capture: Capture) -> Found:
    """What a copy's captures say about training on it.

    Raises:
        InputError: not an address with a host.
    """
    try:
        where = urlsplit(capture.url)
    except ValueError as error:
        raise InputError(
            "not an address", expected="https://HOST/PATH", found=type(error).__name__
        ) from error
    if where.scheme not in {"http", "https"} or not where.hostname:
        raise InputError("not an address of the web", expected="https://HOST/PATH", found=where.scheme[:20])
    path = (where.path or "/") + (f"?{where.query}" if where.query else "")
    head = None if isinstance(capture.headers, _Unlooked) else _headers(capture.headers or b"")
    metas = None if isinstance(capture.page, _Unlooked) else _metas(capture.page or b"")
    files = (capture.robots, capture.tdmrep, capture.headers, capture.page, capture.asset)
    return Found(
        OptOut(
            robots=_together(_file(capture.robots, path, robots), _tags(head, metas)),
            tdmrep=_together(_file(capture.tdmrep, path, tdmrep), _reservation(head), _reservation(metas)),
            c2pa=None if isinstance(capture.asset, _Unlooked) else c2pa(capture.asset),
        ),
        tuple(Digest.of(one) for one in files if isinstance(one, bytes)),
    )


def _together(*told: Reserved | None) -> Reserved | None:
    """Reserved if any place says so; none only if all were looked at."""
    return "reserved" if "reserved" in told else None if None in told else "none"


def _file(held: Captured, path: str, parse: Any) -> Reserved | None:
    if isinstance(held, _Unlooked):
        return None
    found: Reserved | None = "none" if held is None else parse(held, path)
    return found


def robots(data: bytes, path: str, agents: Iterable[str] = AGENTS) -> Reserved | None:
    """Whether a robots.txt turns gatherers of training text away from a path (RFC 9309).

    Reserved when the path is closed to everyone (`*`) or to any of `agents`, or when a line of any group says
    `Content-Signal: ai-train=no` or `Content-Usage: train-ai=n`. None: too long, or no text.
    """
    if len(data) > LIMIT or b"\0" in data:
        return None
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    wanted = {"*", *(agent.lower() for agent in agents)}
    groups: dict[str, list[tuple[str, str]]] = {}
    named: list[str] = []
    open_ = False
    for line in re.split(r"\r\n?|\n", text):
        key, colon, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon:
            continue
        if key == "user-agent":
            named = [*named, _token(value)] if open_ else [_token(value)]
            open_ = True
        elif key in {"content-signal", "content-usage"}:
            if _USE.search(value):
                return "reserved"
        elif key in {"allow", "disallow"}:
            open_ = False
            for name in named:
                groups.setdefault(name, []).append((key, value))
    return "reserved" if any(_closed(groups.get(name, []), path) for name in wanted) else "none"


def _token(value: str) -> str:
    return "*" if value == "*" else value.lower().split("/")[0].replace(" ", "-")


def _closed(rules: list[tuple[str, str]], path: str) -> bool:
    """The longest rule that matches decides; of two as long, `allow`."""
    matching = [(len(value), key == "allow") for key, value in rules if value and matches(value, path)]
    return bool(matching) and not max(matching)[1]


def matches(rule: str, path: str) -> bool:
    """Whether a rule's path, with `*` and an `$` at its end, begins a path; in time that grows with both."""
    whole = rule.endswith("$")
    first, *rest = map(unquote, rule.removesuffix("$").split("*"))
    there = unquote(path)
    if not there.startswith(first):
        return False
    at = len(first)
    for n, piece in enumerate(rest):
        if whole and n == len(rest) - 1:
            return len(there) - len(piece) >= at and there.endswith(piece)
        at = there.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return at == len(there) if whole else True


def tdmrep(data: bytes, path: str) -> Reserved | None:
    """Whether a tdmrep.json reserves a path: any rule for it that says other than 0. None: no such file."""
    try:
        rules = json.loads(data) if len(data) <= LIMIT else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(rules, list):
        return None
    told: Reserved = "none"
    for rule in cast("list[Any]", rules):
        if not isinstance(rule, dict):
            return None
        fields = cast("dict[str, Any]", rule)
        where = fields.get("location")
        if not isinstance(where, str) or not where.startswith(("/", "*")):
            return None
        if matches(where, path) and not _zero(fields.get("tdm-reservation")):
            told = "reserved"
    return told


def _zero(value: object) -> bool:
    return not isinstance(value, bool) and str(value).strip() == "0"


Named = Mapping[str, list[str]]


def _headers(data: bytes) -> Named | None:
    return None if len(data) > LIMIT else _grouped(_lines(data.decode("latin-1")))


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield name, value


def _metas(data: bytes) -> Named | None:
    """The `meta` elements of the first 512 KiB of a page, by name; None where its marks are not ASCII."""
    if b"\0" in data[:LIMIT]:
        return None
    tags = _META.finditer(data[:LIMIT].decode("utf-8", "replace"))
    return _grouped(_meta(tag[1]) for tag in tags)


def _meta(tag: str) -> tuple[str, str]:
    held = {key.lower(): html.unescape(value.strip("\"'")) for key, value in _ATTRIBUTE.findall(tag)}
    return held.get("name") or held.get("http-equiv") or held.get("property") or "", held.get("content", "")


def _grouped(pairs: Iterable[tuple[str, str]]) -> Named:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name.strip().lower(), []).append(value.strip())
    return found


def _reservation(held: Named | None) -> Reserved | None:
    if held is None:
        return None
    return "none" if all(_zero(value) for value in held.get("tdm-reservation", ())) else "reserved"


def _tags(head: Named | None, metas: Named | None) -> Reserved | None:
    """`X-Robots-Tag`, `Content-Usage`, `Content-Signal`, `<meta name=robots>`: they add to a robots.txt."""
    held = [*(head or {}).items(), *(metas or {}).items()]
    for name, values in held:
        for value in values:
            if name in {"robots", "x-robots-tag"} and _NOAI.search(value):
                return "reserved"
            if name in {"content-usage", "content-signal"} and _USE.search(value):
                return "reserved"
    return "none"
