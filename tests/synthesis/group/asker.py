"""One question at a time: who asks, in which language, the words, and what is drawn for them."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from . import oracle, said, words
from .documents import Made
from .oracle import Spec, Where
from .periods import Period
from .records import Company, Person
from .schema import BY_NAME

T = TypeVar("T")
Entry = tuple[frozenset[str], Decimal | date | None]


@dataclass(frozen=True, slots=True)
class Expected:
    """The right answer.

    Attributes:
        shape: number, share, list, label, pair, trend, lookup, quote or refusal.
        entries: (texts that name it, its figure), in order where `ordered`.
        also: further figures that are true here and may be shown (differences, shares, totals).
        reasons: for a refusal, the reasons that are right; any other one is a wrong reason.
        sentences: for a quote, the sentence that answers, in either language.
        domain: for a label, what else could have been named.
    """

    shape: str
    entries: tuple[Entry, ...] = ()
    ordered: bool = False
    unit: str | None = None
    also: tuple[Decimal, ...] = ()
    reasons: frozenset[str] = frozenset()
    sentences: tuple[str, ...] = ()
    domain: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One question of one person."""

    id: str
    kind: str
    lang: str
    person: Person
    text: str
    expected: Expected
    spec: Spec | None = None


KINDS = (
    "none",
    "fiscal",
    "fiscal",
    "half",
    "quarter",
    "quarter",
    "month",
    "month",
    "year",
    "months",
    "span",
    "relative",
)


class Asker:
    """What the makers of questions share: the draw, the person of this turn, the language of this turn."""

    def __init__(self, company: Company, rng: random.Random, half: int | None = None) -> None:
        self.company, self.rng, self.words = company, rng, words.of(half)
        self.half = None if half is None else half % 2
        self.lang, self.person = 0, company.people[0]

    def turn(self) -> None:
        """Another person, another language."""
        self.lang = self.rng.randrange(2)
        self.person = self.rng.choice([p for p in self.company.people if p.tenant is not None])

    def pick(self, values: Sequence[Any]) -> Any:
        return self.rng.choice(list(values))

    def wording(self, both: said.Both) -> str:
        """One of the wordings in the language of this turn."""
        return self.pick(self.mine(both[self.lang]))

    def mine(self, listed: Sequence[T]) -> Sequence[T]:
        """Every other one of several, where a half is asked."""
        return listed if self.half is None or len(listed) < 2 else listed[self.half :: 2]

    def one(self, listed: Sequence[T]) -> T:
        """One of mine; without a draw where there is but one."""
        listed = self.mine(listed)
        return listed[0] if len(listed) == 1 else self.pick(listed)

    def phrase(self, listed: Sequence[str]) -> str:
        """A condition or a period in words, which the first set does not halve."""
        return self.pick(self.mine(listed) if self.words.third else listed)

    def asked(self, document: Made, at: int) -> said.Both:
        """The questions of a document's fact; it is in one language alone."""
        own = self.words.asked.get(document.topic)
        questions = document.facts[at].questions
        return (questions, questions) if own is None else own[at]

    def said_bare(self, period: Period) -> Sequence[str]:
        """Names of a period without a preposition, in one order for periods of one kind."""
        said_in = [text.partition(" ")[2] for text in period.en if text.startswith("in ")]
        listed = said_in if self.lang else period.ja
        return self.mine(listed) if self.words.third else listed

    def named(self, path: str, value: str) -> str:
        """A value as a thing."""
        both = self.words.named.get(path)
        return value if both is None else self.one(both[self.lang]).replace("{v}", value)

    def question(self, kind: str, text: str, expected: Expected, spec: Spec | None = None) -> Question:
        joined = spec is not None and any(
            "." in path for path in (spec.group or "", *(w.path for w in spec.where))
        )
        name = f"{kind} + join" if joined else kind
        return Question("", name, ("ja", "en")[self.lang], self.person, text, expected, spec)

    def say(self, sentence: str, **parts: str) -> str:
        """Fill a wording; Japanese particles vanish with an absent period."""
        period = parts.get("P", "")
        for particle in ("の", "に", "で", "は", "における"):
            sentence = sentence.replace(f"{{P{particle}}}", period + particle if period else "")
        sentence = sentence.replace("（{P}）", f"（{period}）" if period else "")
        for name, value in parts.items():
            sentence = sentence.replace(f"{{{name}}}", value)
        sentence = re.sub(r"\s+", " ", sentence).strip(" ,")
        sentence = re.sub(r" ([.,?:])", r"\1", sentence)
        return sentence[0].upper() + sentence[1:] if self.lang and self.rng.random() < 0.8 else sentence

    def value(self, table: str, path: str) -> tuple[Any, str]:
        """A value of a column that the person can see, and how it is said."""
        target, _, column = path.rpartition(".")
        name = target or table
        col = BY_NAME[name].col(column)
        seen = oracle.rows(self.company, self.person, name)
        if not seen:
            return None, ""
        row = self.pick(seen)
        if col.values:
            return row[column], col.values[row[column]][self.lang]
        return row[column], row["name"] if column == "name_en" and self.lang == 0 else str(row[column])

    def condition(self, table: str, avoid: str | None = None) -> tuple[tuple[Where, ...], str]:
        """Usually one condition, sometimes none or two; never on the column that the answer is grouped by."""
        paths = [path for path in self.words.filters[table] if path != avoid]
        if avoid is not None and avoid.endswith("name_en"):
            paths = [p for p in paths if not p.startswith(avoid.partition(".")[0])]
        count = min(len(paths), self.rng.choices((0, 1, 2), (3, 5, 1))[0])
        made: list[Where] = []
        phrases: list[str] = []
        for path in self.rng.sample(paths, count):
            if path.partition(".")[0] in {w.path.partition(".")[0] for w in made}:
                continue
            value, words = self.value(table, path)
            made.append(Where(path, value))
            phrases.append(self.phrase(self.words.filters[table][path][self.lang]).replace("{v}", words))
        return tuple(made), ("" if self.lang == 0 else " ").join(phrases)

    def period(self, table: str, *, long: bool = False) -> tuple[Period | None, str]:
        """A period for the table's date, or none; exact days for stock, which must not be added over time."""
        if table in {"customers", "products", "warehouses", "departments", "employees"}:
            return None, ""
        if table == "inventory":
            day = self.pick(sorted({row["counted_on"] for row in self.company.tables[table]}))
            return Period(day, day), self.phrase(self.words.calendar.counted(day)[self.lang])
        kind = self.rng.choice(("none", "fiscal", "fiscal", "year", "months") if long else KINDS)
        if table == "budgets" and kind == "span":  # a budget is of a month: no day cuts it
            kind = "fiscal"
        made = self._period(kind)
        return made, "" if made is None else self.phrase(made.en if self.lang else made.ja)

    def _period(self, kind: str) -> Period | None:
        year, number = self.pick((2023, 2024, 2025)), self.rng.randrange(1, 13)
        start, periods = date(year, 4, 1), self.words.calendar
        match kind:
            case "none":
                return None
            case "fiscal":
                return periods.fiscal_year(year)
            case "half":
                return periods.half(year, self.rng.randrange(1, 3))
            case "quarter":
                return periods.quarter(year, self.rng.randrange(1, 5))
            case "year":
                return periods.year(self.pick((2024, 2025)))
            case "month":
                return periods.month(year + (number < 4), number)
            case "months":
                first = periods.month(year, self.rng.randrange(4, 10))
                return periods.months(
                    first, periods.month(year, first.first.month + self.rng.randrange(1, 4))
                )
            case "span":
                first = start.replace(month=self.rng.randrange(4, 8), day=self.rng.randrange(1, 28))
                return periods.span(
                    first, first.replace(month=first.month + 3, day=self.rng.randrange(1, 28))
                )
            case _:
                return self.pick(periods.relative())

    def measure(self, *hows: str, table: str | None = None) -> tuple[said.Measure, str]:
        """A figure that the person may see, and how it is taken."""
        while True:
            made = self.pick(self.words.measures)
            how = self.pick(made.hows)
            if (
                oracle.open_to(self.person, made.table, made.column)
                and (not hows or how in hows)
                and table in {None, made.table}
            ):
                return made, how

    def noun(self, made: said.Measure) -> str:
        return self.wording((made.ja, made.en))
