"""The facts of a question, each of its type; nothing is guessed, and what is not stated is unknown."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal, cast

from mythos.errors import InputError
from mythos.regimes.scalar import Scalar, day, number
from mythos.regimes.truth import Seen

_COUNTRIES: Final = frozenset(
    code
    for line in Path(__file__).with_name("countries.txt").read_text("ascii").splitlines()
    if not line.startswith("#")
    for code in line.split()
)
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class FactType:
    """What a fact may be and what it means. A `name` is compared as `plain` writes it."""

    type: Literal["boolean", "number", "share", "text", "name", "country", "date", "choice"]
    en: str
    ja: str = ""
    max: str = "1e60"
    one_of: tuple[str, ...] = ()

    def parse(self, value: object, name: str) -> Scalar | None:
        """The value, or None when it is stated to be unknown.

        Raises:
            InputError: another type, a binary float, a negative or absurd number.
        """
        expected = {
            "boolean": "true or false",
            "share": "a share from 0 to 1",
            "number": f"a number up to {self.max}",
            "country": "an ISO 3166-1 alpha-2 code",
            "choice": f"one of {', '.join(self.one_of)}",
        }.get(self.type, "text")
        match self.type:
            case "boolean":
                right = value is None or isinstance(value, bool)
            case "number" | "share":
                value = None if value is None else number(value, name)
                right = value is None or value <= number("1" if self.type == "share" else self.max, name)
            case "date":
                return None if value is None else day(value, name)
            case _:
                words = value if isinstance(value, str) and 0 < len(value) <= _LONGEST else None
                value = plain(words) if words and self.type == "name" else value
                right = value is None or (
                    words is not None
                    and (self.type != "country" or words in _COUNTRIES)
                    and (self.type != "choice" or words in self.one_of)
                )
        if not right:
            raise InputError(
                f"the fact {name} is wrong", expected=expected, found=repr(value)[:60], advice=f"{self.en}."
            )
        return cast("Scalar | None", value)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is stated: known values. `strangers` are names that no rule reads."""

    values: Mapping[str, Scalar]
    strangers: tuple[str, ...] = ()

    @classmethod
    def parse(cls, stated: Mapping[str, object], vocabulary: Mapping[str, FactType]) -> Facts:
        """Type every fact; names ending in `_note` are for people."""
        names = [name for name in stated if not name.endswith("_note")]
        parsed = {name: vocabulary[name].parse(stated[name], name) for name in names if name in vocabulary}
        strangers = tuple(sorted(name for name in names if name not in vocabulary))
        return cls({name: value for name, value in parsed.items() if value is not None}, strangers)

    def __getitem__(self, name: str) -> Seen:
        value = self.values.get(name)
        return Seen.unknown(name) if value is None else Seen.of(value)

    def number(self, name: str) -> Fraction | None:
        """A known number, or None."""
        return cast("Fraction | None", self.values.get(name))

    def flag(self, name: str) -> bool | None:
        """A known truth, or None."""
        return cast("bool | None", self.values.get(name))

    def contradictions(self, d5_macau: Collection[str]) -> tuple[str, ...]:
        """Facts that cannot all be true, as sentences. `d5_macau`: the countries `recipient_hq_d5` means."""
        ops, flop = self.number("ops"), self.number("flop")
        stages = [self.number("ops_pretrain"), self.number("ops_rl_and_finetune")]
        total = sum((stage for stage in stages if stage is not None), Fraction(0))
        found: list[str] = []
        if ops is not None and (total > ops or (None not in stages and total != ops)):
            found.append("ops is not the sum of ops_pretrain and ops_rl_and_finetune")
        if ops is not None and flop is not None and flop > ops:
            found.append("flop is more than ops, of which it is a part")
        country, listed = self.values.get("recipient_hq"), self.flag("recipient_hq_d5")
        if country is not None and listed is not None and (country in d5_macau) is not listed:
            found.append("recipient_hq and recipient_hq_d5 disagree on Country Group D:5 and Macau")
        share, mainly = self.number("bio_share"), self.flag("primarily_bio")
        if (mainly is False and share == 1) or (mainly is True and share == 0):
            found.append("primarily_bio is not what bio_share says")
        return tuple(found)


def plain(name: str) -> str:
    """A name as it is compared: NFKC and lower case, letters and digits only."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(letter for letter in folded if letter.isalnum())
