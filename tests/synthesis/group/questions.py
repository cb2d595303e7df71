"""Questions of a seed: who asks, the words, and what the oracle says the answer is.

    questions(company, count=400, seed=1)

Three in four can be answered from what the person may see; the rest must be refused. A draw whose answer
would be ambiguous (ties at the edge of a ranking, no rows where rows were meant) is thrown away.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from . import oracle, periods, said
from .asker import Asker, Entry, Expected, Question
from .oracle import Spec, Where
from .periods import Period
from .records import Company
from .refused import REFUSED
from .schema import BY_NAME


def questions(company: Company, *, count: int, seed: int, half: int | None = None) -> list[Question]:
    """So many questions of this seed.

    Args:
        company: whose.
        count: how many.
        seed: the same seed, the same questions.
        half: 0 or 1 takes only every other wording, so that one half can be kept aside; None takes all.
    """
    asker = Asker(company, random.Random(f"questions-{seed}"), half)
    made: list[Question] = []
    while len(made) < count:
        kinds = REFUSED if len(made) % 4 == 3 else ANSWERED
        name = asker.rng.choices(list(kinds), [weight for weight, _ in kinds.values()])[0]
        asker.turn()
        question = kinds[name][1](asker)
        if made and len(made) % 4 != 3 and asker.rng.random() < 0.06:
            question = _again(asker, made[-1])
        if question is not None and all((q.text, q.person) != (question.text, question.person) for q in made):
            made.append(replace(question, id=f"{seed}-{len(made):04}"))
    return made


def _number(a: Asker) -> Question | None:
    made, how = a.measure()
    where, f = a.condition(made.table)
    period, p = a.period(made.table)
    spec = Spec(made.table, how, made.column, where, period)
    found = oracle.values(a.company, a.person, spec)
    if not found:
        return None
    text = a.say(a.wording(said.SAID[how]), N=a.noun(made), F=f, P=p)
    expected = Expected("number", ((frozenset(), found[0][1]),), unit=oracle.unit_of(spec))
    return a.question(how, text, expected, spec)


def _edge(a: Asker) -> tuple[str, Where, str]:
    """Rows above or below a round figure, as an accountant would say it."""
    (table, column), (step, ja, ja_unit, en, unit) = a.pick(list(said.EDGES.items()))
    edge, op = step * a.rng.randrange(1, 11), a.pick("><")
    size = f"{edge // 10_000:,}" if ja_unit == "万円" else f"{edge:,}"
    million = a.lang and edge >= 1_000_000 and a.rng.random() < 0.5
    value = (
        f"{edge // 1_000_000} million yen"
        if million
        else f"{edge:,} {unit}"
        if a.lang
        else f"{size}{ja_unit}"
    )
    words = a.wording(said.EDGE_SAID[op]).replace("{n}", en if a.lang else ja).replace("{v}", value)
    return table, Where(column, edge, op), words


def _count(a: Asker) -> Question | None:
    table = a.pick(list(said.COUNTED))
    where, f = a.condition(table)
    kind = "count"
    if a.rng.random() < 0.25:
        kind = "count over"
        table, edge, words = _edge(a)
        where, f = ((), "") if a.rng.random() < 0.6 else a.condition(table)
        where, f = (*where, edge), f"{f} {words}" if a.lang else f"{words}{f}"
    period, p = a.period(table)
    spec = Spec(table, "count", None, where, period)
    found = oracle.values(a.company, a.person, spec)
    if not found[0][1]:
        return None
    (ja, counter), en = said.COUNTED[table]
    text = a.say(a.wording(said.SAID["count"]), N=en if a.lang else ja, C=counter, F=f, P=p)
    return a.question(kind, text, Expected("number", ((frozenset(), found[0][1]),)), spec)


def _grouped(a: Asker, least: int) -> tuple[Spec, dict[str, str], list[tuple[Any, Decimal]]] | None:
    """A figure by group, with at least so many groups; its words."""
    made, _ = a.measure("sum", "avg")
    counted = made.table in said.COUNTED and a.rng.random() < 0.2
    group = a.pick(list(said.GROUPS[made.table]))
    how = "sum" if "sum" in made.hows else "avg"
    if "avg" in made.hows and a.rng.random() < 0.25:
        how = "avg"
    how = "count" if counted else how
    where, f = a.condition(made.table, avoid=group) if a.rng.random() < 0.5 else ((), "")
    period, p = a.period(made.table)
    spec = Spec(made.table, how, None if counted else made.column, where, period, group)
    found = oracle.values(a.company, a.person, spec)
    ja, en, plural = said.GROUPS[made.table][group]
    noun = a.noun(made)
    if counted:
        (rows, _), plural_rows = said.COUNTED[made.table]
        noun = f"number of {plural_rows}" if a.lang else said.NUMBER_OF.get(made.table, f"{rows}件数")
    elif how == "avg":
        noun = f"average {noun}" if a.lang else f"平均{noun}"
    elif a.lang and a.rng.random() < 0.5:
        noun = f"total {noun}"
    words = {"N": noun, "F": f, "P": p, "G": en if a.lang else ja, "Gs": plural}
    return (spec, words, found) if len(found) >= least else None


def _entries(a: Asker, spec: Spec, found: Sequence[tuple[Any, Decimal]]) -> tuple[Entry, ...]:
    return tuple((oracle.label_forms(a.company, a.person, spec, key), figure) for key, figure in found)


def _list(a: Asker) -> Question | None:
    drawn = _grouped(a, 2)
    if drawn is None or len(drawn[2]) > 20:
        return None
    spec, words, found = drawn
    total = () if spec.how == "avg" else (sum((v for _, v in found), Decimal(0)),)
    expected = Expected("list", _entries(a, spec, found), unit=oracle.unit_of(spec), also=total)
    return a.question("list", a.say(a.wording(said.SAID["list"]), **words), expected, spec)


def _top(a: Asker) -> Question | None:
    drawn = _grouped(a, 3)
    if drawn is None:
        return None
    spec, words, found = drawn
    k = a.rng.randrange(2, min(len(found), 6))
    spec = replace(spec, top=k, lowest=a.rng.random() < 0.25)
    if oracle.tied(a.company, a.person, spec):
        return None
    spoken = ("", "one", "two", "three", "four", "five")[k] if a.lang and a.rng.random() < 0.3 else str(k)
    text = a.say(a.wording(said.SAID["bottom" if spec.lowest else "top"]), K=spoken, **words)
    shown = _entries(a, spec, oracle.values(a.company, a.person, spec))
    return a.question("top", text, Expected("list", shown, True, oracle.unit_of(spec)), spec)


def _label(a: Asker) -> Question | None:
    drawn = _grouped(a, 3)
    if drawn is None:
        return None
    spec, words, found = drawn
    if (
        a.rng.random() < 0.2
        and spec.table != "inventory"
        and BY_NAME[spec.table].dated
        and spec.period is not None
    ):
        spec = replace(spec, group="month")
        words |= {"G": "month" if a.lang else "月", "Gs": "months"}
        found = oracle.values(a.company, a.person, spec)
        if len(found) < 3:
            return None
    spec = replace(spec, top=1, lowest=a.rng.random() < 0.25)
    if oracle.tied(a.company, a.person, spec):
        return None
    text = a.say(a.wording(said.SAID["least" if spec.lowest else "label"]), **words)
    shown = _entries(a, spec, oracle.values(a.company, a.person, spec))
    domain = tuple(forms for forms, _ in _entries(a, spec, found))
    expected = Expected("label", shown, unit=oracle.unit_of(spec), domain=domain)
    return a.question("label", text, expected, spec)


def _compare(a: Asker) -> Question | None:
    made, how = a.measure("sum", "avg")
    paths = [path for path in said.FILTERS[made.table] if path in said.GROUPS[made.table]]
    if not paths:
        return None
    path = a.pick(paths)
    drawn = {a.value(made.table, path) for _ in range(4)}
    if len(drawn) < 2:
        return None
    (x, say_x), (y, say_y) = a.rng.sample(sorted(drawn, key=str), 2)
    period, p = a.period(made.table)
    entries: list[Entry] = []
    for value in (x, y):
        spec = Spec(made.table, how, made.column, (Where(path, value),), period)
        found = oracle.values(a.company, a.person, spec)
        if not found:
            return None
        entries.append((oracle.value_forms(a.company, a.person, made.table, path, value), found[0][1]))
    noun = a.noun(made)
    noun = noun if how == "sum" else f"average {noun}" if a.lang else f"平均{noun}"
    spec = Spec(made.table, how, made.column, (Where(path, x),), period, path)
    text = a.say(a.wording(said.SAID["compare"]), N=noun, A=say_x, B=say_y, P=p)
    return a.question("compare", text, _pair(entries, oracle.unit_of(spec)), spec)


def _pair(entries: Sequence[Entry], unit: str | None) -> Expected:
    (_, x), (_, y) = entries
    assert isinstance(x, Decimal)
    assert isinstance(y, Decimal)
    also = [x - y, y - x]
    also += [value for p, q in ((x, y), (y, x)) if q for value in (p / q, (p - q) / q * 100, p / q * 100)]
    return Expected("pair", tuple(entries), unit=unit, also=tuple(also))


def _periods(a: Asker) -> Question | None:
    made, how = a.measure("sum", "avg")
    if BY_NAME[made.table].dated is None or made.table in {
        "inventory",
        "customers",
        "employees",
        "warehouses",
        "products",
    }:
        return None
    x, y = _two_periods(a)
    where, f = a.condition(made.table)
    entries: list[Entry] = []
    for period in (x, y):
        found = oracle.values(a.company, a.person, Spec(made.table, how, made.column, where, period))
        if not found:
            return None
        entries.append((frozenset(period.ja) | {text.partition(" ")[2] for text in period.en}, found[0][1]))
    changed = a.rng.random() < 0.5
    if changed and not entries[0][1]:
        return None
    noun = a.noun(made)
    noun = noun if how == "sum" else f"average {noun}" if a.lang else f"平均{noun}"
    wordings = [
        p.ja if a.lang == 0 else [t.partition(" ")[2] for t in p.en if t.startswith("in ")] for p in (x, y)
    ]
    at = a.rng.randrange(len(wordings[0]))
    spec = Spec(made.table, how, made.column, where, x)
    text = a.say(
        a.wording(said.SAID["change" if changed else "periods"]),
        N=noun,
        F=f,
        A=wordings[0][at],
        B=wordings[1][at],
    )
    expected = _pair(entries, oracle.unit_of(spec))
    return a.question("change" if changed else "compare periods", text, expected, spec)


def _two_periods(a: Asker) -> tuple[Period, Period]:
    year = a.pick((2023, 2024))
    match a.rng.randrange(4):
        case 0 | 1:
            return periods.fiscal_year(year), periods.fiscal_year(year + 1)
        case 2:
            n = a.rng.randrange(1, 5)
            return periods.quarter(year, n), periods.quarter(year + 1, n)
        case _:
            n = a.rng.randrange(4, 13)
            return periods.month(year, n), periods.month(year + 1, n)


def _trend(a: Asker) -> Question | None:
    made, how = a.measure("sum", "avg")
    if made.table not in {"orders", "expenses", "shipments", "inspections", "tickets", "budgets"}:
        return None
    grain = a.pick(("month", "quarter", "quarter", "fiscal_year"))
    period, p = (None, "") if grain == "fiscal_year" else a.period(made.table, long=grain == "quarter")
    where, f = a.condition(made.table) if a.rng.random() < 0.5 else ((), "")
    spec = Spec(made.table, how, made.column, where, period, grain)
    found = oracle.values(a.company, a.person, spec)
    keys = [key for key, _ in found]
    steps = {"month": 1, "quarter": 3, "fiscal_year": 12}[grain]
    if not 3 <= len(found) <= 36:
        return None
    gaps = {(y.year - x.year) * 12 + y.month - x.month for x, y in pairwise(keys)}
    if gaps != {steps}:
        return None
    noun = a.noun(made)
    noun = noun if how == "sum" else f"average {noun}" if a.lang else f"平均{noun}"
    (ja, ja_adjective), (en, adjective) = said.GRAIN_WORDS[grain]
    words = {"N": noun, "F": f, "P": p, "G": en if a.lang else ja, "M": adjective if a.lang else ja_adjective}
    text = a.say(a.wording(said.SAID["trend"]), **words)
    return a.question(
        "trend", text, Expected("trend", _entries(a, spec, found), True, oracle.unit_of(spec)), spec
    )


def _lookup(a: Asker) -> Question | None:
    table, column = a.pick(list(said.LOOKUPS))
    if not oracle.open_to(a.person, table, column):
        return None
    seen = oracle.rows(a.company, a.person, table)
    if not seen:
        return None
    row = a.pick(seen)
    if row[column] is None:
        return None
    text = a.say(a.wording(said.LOOKUPS[table, column]), v=row["name_en"] if a.lang else row["name"])
    col = BY_NAME[table].col(column)
    if col.values:
        domain = tuple(frozenset({code, *words}) for code, words in col.values.items())
        entry: Entry = (oracle.value_forms(a.company, a.person, table, column, row[column]), None)
        return a.question("lookup", text, Expected("label", (entry,), domain=domain))
    value = row[column] if isinstance(row[column], date) else Decimal(row[column])
    return a.question("lookup", text, Expected("lookup", ((frozenset(), value),), unit=col.unit))


def _quote(a: Asker) -> Question | None:
    readable = [d for d in a.company.documents if oracle.may_read(a.person, d)]
    document = a.pick([d for d in readable if d.lang == ("ja", "en")[a.lang]])
    fact = a.pick(document.facts)
    text = a.say(a.wording(said.QUOTED), t=document.title, q=a.wording((fact.questions, fact.questions)))
    twins = [d for d in readable if (d.topic, d.tenant) == (document.topic, document.tenant)]
    at = document.facts.index(fact)
    return a.question("quote", text, Expected("quote", sentences=tuple(d.facts[at].sentence for d in twins)))


def _again(a: Asker, before: Question) -> Question | None:
    """The same words from somebody else, whose rows are others and whose answer is another."""
    spec = before.spec
    if spec is None or before.expected.shape != "number" or any("name" in where.path for where in spec.where):
        return None
    if spec.measure is not None and not oracle.open_to(a.person, spec.table, spec.measure):
        return None
    a.lang = 0 if before.lang == "ja" else 1
    found = oracle.values(a.company, a.person, spec)
    if not found or found[0][1] in {Decimal(0), before.expected.entries[0][1]}:
        return None
    expected = replace(before.expected, entries=((frozenset(), found[0][1]),))
    return replace(before, person=a.person, expected=expected)


ANSWERED: dict[str, tuple[int, Callable[[Asker], Question | None]]] = {
    "number": (26, _number),
    "count": (9, _count),
    "list": (12, _list),
    "top": (10, _top),
    "label": (10, _label),
    "compare": (8, _compare),
    "periods": (10, _periods),
    "trend": (10, _trend),
    "lookup": (6, _lookup),
    "quote": (14, _quote),
}
