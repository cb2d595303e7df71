"""The set of wordings that a question is said in: the first one (halves 0 and 1) or the third (2 and 3).

The first set is `said`, `refused` and `periods` as they stand, a draw for a draw; the third was written by
somebody who had not read the product. Half 3 is kept aside: nobody who works on the product reads its questions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from . import periods, said, third_asked, third_nouns, third_periods, third_said
from .periods import MONTHS, Period
from .said import Both, Measure

HALVES = (0, 1, 2, 3)
Triples = tuple[tuple[str, str, str], ...]
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Who makes the periods, and how a stocktaking day is said (Japanese, English)."""

    month: Callable[[int, int], Period]
    quarter: Callable[[int, int], Period]
    half: Callable[[int, int], Period]
    fiscal_year: Callable[[int], Period]
    year: Callable[[int], Period]
    span: Callable[[date, date], Period]
    months: Callable[[Period, Period], Period]
    relative: Callable[[], list[Period]]
    counted: Callable[[date], Both]


@dataclass(frozen=True, slots=True)
class Words:
    """One set. `third`: every list is halved, not only the sentences; and there are more kinds of questions.

    Attributes:
        counted: rows in the plural, of each table.
        number_of: the number of such rows as a noun.
        average, total: around a noun; `total` is for English alone in the first set.
        edges: the figure that rows are above or below of.
        named: a value as a thing, by the column's path; a bare value where there is none.
        asked: questions of a document's facts, by topic; none in the first set, where the document holds them.
    """

    third: bool
    said: Mapping[str, Both]
    quoted: Both
    lookups: Mapping[tuple[str, str], Both]
    measures: tuple[Measure, ...]
    counted: Mapping[str, Both]
    number_of: Mapping[str, Both]
    average: Both
    total: Both
    edges: Mapping[tuple[str, str], Both]
    edge_said: Mapping[str, Both]
    filters: Mapping[str, Mapping[str, Both]]
    groups: Mapping[str, Mapping[str, Triples]]
    grains: Mapping[str, tuple[Pairs, Pairs]]
    calendar: Calendar
    named: Mapping[str, Both]
    asked: Mapping[str, tuple[Both, ...]]


def _counted_on(day: date) -> Both:
    return (
        (f"{day.year}年{day.month}月{day.day}日", f"{day:%Y/%m/%d}時点"),
        (f"as of {day}", f"on {day}", f"as of {MONTHS[day.month]} {day.day}, {day.year}"),
    )


def _calendar(module: Any, counted: Callable[[date], Both]) -> Calendar:
    return Calendar(
        module.month,
        module.quarter,
        module.half,
        module.fiscal_year,
        module.year,
        module.span,
        module.months,
        module.relative,
        counted,
    )


FIRST = Words(
    third=False,
    said=said.SAID,
    quoted=said.QUOTED,
    lookups=said.LOOKUPS,
    measures=said.MEASURES,
    counted={table: ((ja,), (en,)) for table, ((ja, _), en) in said.COUNTED.items()},
    number_of={
        table: ((said.NUMBER_OF.get(table, f"{ja}件数"),), (f"number of {en}",))
        for table, ((ja, _), en) in said.COUNTED.items()
    },
    average=(("平均{N}",), ("average {N}",)),
    total=(("{N}",), ("total {N}",)),
    edges={key: ((ja,), (en,)) for key, (_, ja, _, en, _) in said.EDGES.items()},
    edge_said=said.EDGE_SAID,
    filters=said.FILTERS,
    groups={
        table: {path: (triple,) for path, triple in paths.items()} for table, paths in said.GROUPS.items()
    },
    grains={grain: ((ja,), (en,)) for grain, (ja, en) in said.GRAIN_WORDS.items()},
    calendar=_calendar(periods, _counted_on),
    named={},
    asked={},
)
THIRD = Words(
    third=True,
    said=third_said.SAID,
    quoted=third_said.QUOTED,
    lookups=third_asked.LOOKUPS,
    measures=third_nouns.MEASURES,
    counted=third_nouns.COUNTED,
    number_of=third_nouns.NUMBER_OF,
    average=third_said.AVERAGE,
    total=third_said.TOTAL,
    edges=third_nouns.EDGES,
    edge_said=third_said.EDGE_SAID,
    filters=third_nouns.FILTERS,
    groups=third_nouns.GROUPS,
    grains=third_said.GRAIN_WORDS,
    calendar=_calendar(third_periods, third_periods.counted),
    named=third_nouns.NAMED,
    asked=third_asked.ASKED,
)


def of(half: int | None) -> Words:
    """The set that a half belongs to; the first without one."""
    return THIRD if half is not None and half >= 2 else FIRST
