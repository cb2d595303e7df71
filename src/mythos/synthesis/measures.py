"""What a question measures, seen from one table: which number, added up or not, or how many rows.

Amounts add up over anything; levels, such as stock or a limit, over different things on one day; prices,
rates and ages over nothing.
"""

from __future__ import annotations

import re
from typing import Final

from mythos.synthesis.lexicon import Named, Place
from mythos.synthesis.meaning import Meanings, NoPlanError
from mythos.synthesis.plan import Bucket, Operation

BUCKETS: Final[dict[str, Bucket]] = {
    "by-month": "month", "by-quarter": "quarter", "by-year": "year", "by-fiscal": "fiscal",
}  # fmt: skip
_AMOUNTS: Final = (
    "much", "growth", "share", "difference", "compare", "trend", "limit-desc", "limit-asc", *BUCKETS,
)  # fmt: skip
"""What is asked of a number even where none is named: the table's one amount."""


class Measures(Meanings):
    """The number that a question asks for."""

    _split: Place | None = None
    _numbers: list[tuple[Named, Place]]

    def _absorb_qualifiers(self) -> None:
        """`region Kanto`: a column named for its value; `order date`: one named for the period."""
        of_values = {target.place for _, target in self._values}
        self._columns = [(n, p) for n, p in self._columns if p not in of_values or self._asked_by(n)]
        self._dates = [p for _, p in self._columns if self._column(p).type in {"date", "timestamp"}]
        if self._reading.periods:
            self._columns = [(n, p) for n, p in self._columns if p not in self._dates]

    def _asked_by(self, named: Named) -> bool:
        """Whether the name is what the rows are split by."""
        for op in self._reading.ops:
            if op.kind in {"each", "which", "name", "limit-desc", "limit-asc", "some"}:
                first, last = sorted(((op.start, op.end), (named.start, named.end)))
                if not self._reading.text[first[1] : last[0]].strip(" の"):
                    return True
        return False

    def _measure(self) -> tuple[Operation, Place | None]:
        numbers = list(dict.fromkeys(p for _, p in self._columns if self._numeric(p)))
        if any(p.table != self._table.name for p in numbers):
            raise NoPlanError("a number of another table")
        self._columns = [(n, p) for n, p in self._columns if p not in numbers]
        reading = self._reading
        if reading.bounds and reading.asks("count") and len(numbers) == 1:
            self._bounded = numbers.pop()
        if len(numbers) > 1:
            raise NoPlanError(f"two numbers: {', '.join(p.column for p in numbers)}")
        measure = numbers[0] if numbers else None
        if reading.asks("count") is not None and measure is None:
            return self._counted()
        kinds: tuple[Operation, ...] = ("avg", "sum", "max", "min")
        asked: Operation | None = next((kind for kind in kinds if reading.asks(kind)), None)
        if measure is None and (asked or self._any_number or reading.asks(*_AMOUNTS)):
            if asked in {"max", "min"} and self._only_counts():
                return "count", None
            measure = self._main_number()
        if measure is None:
            return "value", None
        split = self._ranks() or bool(reading.asks("each", *BUCKETS, "trend")) or self._split is not None
        if asked in {"sum", None} or (asked in {"max", "min"} and split):
            return self._summed(measure, split=split, asked=asked)
        return asked or "value", measure

    def _summed(self, measure: Place, *, split: bool, asked: Operation | None) -> tuple[Operation, Place]:
        """Amounts add up; levels only over things of one day; prices and rates never."""
        adds = self._adds_up(measure)
        counted = self._reading.asks("count") is not None
        if not adds and self._is_price(measure):
            if asked == "sum" or counted or (split and self._group_is_coarse()):
                raise NoPlanError(f"{measure.column} does not add up")
            return ("max" if split else "value"), measure
        if not adds and not (split or asked or counted):
            return "value", measure
        if not adds and self._is_count_of_days() and not self._one_day():
            raise NoPlanError(f"{measure.column} of which day?")
        return "sum", measure

    def _group_is_coarse(self) -> bool:
        """Whether several rows fall into one group."""
        return not self._only_itself()

    def _has_date(self) -> bool:
        return any(c.type in {"date", "timestamp"} for c in self._table.columns)

    def _is_count_of_days(self) -> bool:
        """Whether rows repeat the same things day after day: dated, and without names of their own."""
        return self._has_date() and (self._label(self._table) is None or len(self._table.primary_key) != 1)

    def _one_day(self) -> bool:
        return all(p.kind in {"day", "month-end"} for p in self._reading.periods) and bool(
            self._reading.periods
        )

    def _ranks(self) -> bool:
        """Whether "highest" orders groups: there is something to be split by."""
        reading = self._reading
        if reading.asks("which", "each", "name", "limit-desc", "limit-asc", "some", *BUCKETS):
            return True
        if self._of_a_number():
            return False
        return (
            self._said_of_extreme()
            or bool(self._entities())
            or any(not self._numeric(p) for _, p in self._columns)
        )

    def _entities(self) -> list[str]:
        """Other tables that are named for themselves, and not for a value of theirs."""
        held = {target.table for _, target in self._values}
        return [
            table
            for named, table in self._tables
            if table != self._table.name and (table not in held or self._asked_by(named))
        ]

    def _said_of_extreme(self) -> bool:
        """`最大の部門`: the extreme one of this table's own rows."""
        extreme = self._reading.asks("max", "min")
        if extreme is None or self._reading.language != "ja":
            return False
        for named, table in self._tables:
            between = self._reading.text[extreme.end : named.start]
            if table == self._table.name and named.start >= extreme.end and between == "の":
                return all(n.start != named.end for n, _ in self._numbers)
        return False

    def _of_a_number(self) -> bool:
        """`the maximum shipped weight`, 出荷重量の最大値: of single rows, whoever else is named."""
        extreme = self._reading.asks("max", "min")
        if extreme is None:
            return False
        said = self._reading.text[extreme.start : extreme.end]
        if said.endswith("値"):
            return True
        between = (self._reading.text[extreme.end : n.start] for n, _ in self._numbers)
        return said in {"maximum", "minimum", "max", "min"} and any(
            re.fullmatch(r" (?:[a-z]+ )?", words) for words in between
        )

    def _of_the_extreme(self) -> bool:
        """計画人数が最高だった部署, what department has the most: not the extreme number, but whose it is."""
        extreme = self._reading.asks("max", "min")
        asked = re.match(r"(?:what|which)\s+", self._reading.text)
        if extreme is not None and asked is not None and self._no_number_at(asked.end()):
            return True
        after = "" if extreme is None else self._reading.text[extreme.end :]
        clause = re.match(r"(?:だった|である|となった|になった|な|の)?", after)  # 大きかった has its own
        if extreme is None or clause is None:
            return False
        return self._no_number_at(extreme.end + clause.end())

    def _no_number_at(self, begins: int) -> bool:
        """Whether something that is named there is no number."""
        return any(
            named.start == begins
            and not any(t.kind == "column" and self._numeric(t.place) for t in named.targets)
            for named in self._reading.named
        )

    def _only_itself(self) -> bool:
        """`per order` of orders: what an average is of anyway."""
        return (
            not self._entities() and all(self._numeric(p) for _, p in self._columns) and self._split is None
        )

    def _only_counts(self) -> bool:
        """`most orders`: the rows themselves are what there is most of."""
        return self._main_number_or_none() is None or any(
            table == self._table.name and self._most_of(named) for named, table in self._tables
        )

    def _counted(self) -> tuple[Operation, Place | None]:
        """What "how many" is said of: these rows, or the different ones of a table they point to."""
        count = self._reading.asks("count")
        if count is None or not self._tables:
            raise NoPlanError("it is not clear what is counted")
        after = [(n, t) for n, t in self._tables if n.start >= count.end]
        before = [(n, t) for n, t in self._tables if n.end <= count.start]
        if self._reading.language == "ja" and before:
            _, table = before[-1]
        elif after:
            _, table = after[0]
        else:
            _, table = before[-1]
        if table == self._table.name:
            self.cost -= 1
            return "count", None
        path = self._schema.path(self._table.name, table)
        if path is None or len(path) != 1 or not self._event():
            raise NoPlanError(f"{table} are not counted by rows of {self._table.name}")
        self._tables = [(n, t) for n, t in self._tables if t != table]
        return "distinct", Place(path[0][0], path[0][1])
