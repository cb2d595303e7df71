"""Whom a list reaches through ownership: stakes added up, step by step, by a rule that holds on a date.

An owned entity counts as listed once listed owners together hold the rule's share, and then its own stakes
count too. A stake of unknown size is unknown, never nothing: where it could decide, so is the answer. The
rules and their days are data (`ownership.yaml`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Final

from mythos import strict_yaml
from mythos.errors import AccessError

_SHARE: Final = re.compile(r"(?:0|1)(?:\.[0-9]{1,40})?", re.ASCII)
_FILE: Final = Path(__file__).with_name("ownership.yaml")


@dataclass(frozen=True, slots=True)
class Stake:
    """What `owner` holds of `owned`; `None` when the size is not known."""

    owner: str
    owned: str
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class Interval:
    """Days on which a rule holds, `until` exclusive; `checked` is false where no source was read."""

    start: date
    until: date | None
    checked: bool
    note: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One ownership rule, with its source."""

    id: str
    share: Decimal
    aggregate: bool
    cite: str
    intervals: tuple[Interval, ...]

    def on(self, day: date) -> Interval | None:
        """The interval that a day lies in."""
        found = (i for i in self.intervals if i.start <= day and (i.until is None or day < i.until))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Owned:
    """What the rule says of one entity.

    Attributes:
        held: whether it is listed or listed owners hold enough; `None` when that depends on something
            unknown, such as who owns an entity of which no stake is known.
        share: what they are known to hold.
        owners: who they are, with what each holds.
        needs: stakes whose size would decide, or the date's rule when nobody has read it.
    """

    held: bool | None
    share: Decimal
    owners: tuple[tuple[str, Decimal | None], ...]
    cite: str
    needs: tuple[str, ...]


@cache
def rules() -> Mapping[str, Rule]:
    """The shipped rules by id."""
    return {rule.id: rule for rule in map(_rule, strict_yaml.loads(_FILE.read_bytes(), where=_FILE.name))}


def _rule(document: dict[str, Any]) -> Rule:
    intervals = tuple(
        Interval(
            date.fromisoformat(one["from"]),
            None if one["to"] is None else date.fromisoformat(one["to"]),
            one["checked"],
            one["note"],
        )
        for one in document["intervals"]
    )
    share = Decimal(document["share"])
    return Rule(document["id"], share, document["aggregate"], document["cite"], intervals)


def stake(document: Mapping[str, Any], *, where: str) -> Stake:
    """Read `{"owner", "owned", "share"}`; a share is decimal text from 0 to 1, or null.

    Raises:
        AccessError: anything else.
    """
    owner, owned, share = (document.get(name) for name in ("owner", "owned", "share"))
    if not (isinstance(owner, str) and owner and isinstance(owned, str) and owned) or owner == owned:
        raise AccessError(
            f"{where} is no stake", expected="owner and owned, two ids", found=str(document)[:80]
        )
    if share is None:
        return Stake(owner, owned, None)
    if not isinstance(share, str) or not _SHARE.fullmatch(share) or Decimal(share) > 1:
        raise AccessError(
            f"{where}: share is no part of a whole", expected='text from "0" to "1"', found=str(share)[:40]
        )
    return Stake(owner, owned, Decimal(share))


def reach(entity: str, stakes: Iterable[Stake], listed: Collection[str], rule: Rule, on: date) -> Owned:
    """Whether a list reaches `entity` through ownership on a day.

    Args:
        entity: whose owners are asked about.
        stakes: everything known of who holds what.
        listed: ids on the list.
        rule: which rule.
        on: the day.

    Raises:
        AccessError: a stake that is told twice.
    """
    if entity in listed:
        return Owned(True, Decimal(0), (), "it is on the list itself", ())
    held_by: defaultdict[str, list[Stake]] = defaultdict(list)
    told: set[tuple[str, str]] = set()
    for one in stakes:
        if (one.owner, one.owned) in told:
            twice = f"{one.owner} in {one.owned}"[:80]
            raise AccessError("a stake stands twice", expected="one line each", found=twice)
        told.add((one.owner, one.owned))
        held_by[one.owned].append(one)
    surely = _spread(held_by, listed, rule, Decimal(0))
    perhaps = _spread(held_by, listed, rule, Decimal(1))
    holders = [one for one in held_by[entity] if one.owner in perhaps]
    known = sum(
        (Fraction(one.share) for one in holders if one.share is not None and one.owner in surely), Fraction()
    )
    share = Decimal(known.numerator) / known.denominator
    owners = tuple((one.owner, one.share) for one in sorted(holders, key=lambda one: one.owner))
    interval = rule.on(on)
    if interval is None:
        return Owned(False, share, owners, f"{rule.cite}: not in force on {on}", ())
    held = True if entity in surely else None if entity in perhaps or not held_by[entity] else False
    needs = _deciding(entity, held_by, surely, perhaps) if held is None else []
    if not interval.checked and held is not False:
        return Owned(None, share, owners, f"{rule.cite}: {interval.note}", (*needs, rule.id))
    return Owned(held, share, owners, rule.cite, tuple(needs))


def _deciding(
    entity: str, held_by: Mapping[str, list[Stake]], surely: Collection[str], perhaps: Collection[str]
) -> list[str]:
    """The stakes of unknown size by which the list may reach an entity, directly or through others."""
    if not held_by.get(entity):
        return [f"owners of {entity}"]
    found: set[str] = set()
    ahead, seen = [entity], {entity}
    while ahead:
        for one in held_by.get(ahead.pop(), ()):
            if one.owner not in perhaps:
                continue
            if one.share is None:
                found.add(f"{one.owner} in {one.owned}")
            if one.owner not in surely and one.owner not in seen:
                seen.add(one.owner)
                ahead.append(one.owner)
    return sorted(found)


def _spread(
    held_by: Mapping[str, list[Stake]], listed: Collection[str], rule: Rule, unknown: Decimal
) -> set[str]:
    """Everyone whom the list reaches when a stake of unknown size is taken as `unknown`."""
    reached = set(listed)
    while True:
        more = {
            owned
            for owned, stakes in held_by.items()
            if owned not in reached and _enough(stakes, reached, rule, unknown)
        }
        if not more:
            return reached
        reached |= more


def _enough(stakes: Iterable[Stake], reached: Collection[str], rule: Rule, unknown: Decimal) -> bool:
    sizes = [Fraction(unknown if one.share is None else one.share) for one in stakes if one.owner in reached]
    return bool(sizes) and (sum(sizes) if rule.aggregate else max(sizes)) >= rule.share
