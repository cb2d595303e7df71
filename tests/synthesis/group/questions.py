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

from . import more, oracle, said
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
        half: 0 or 1 takes only every other wording, so that one half can be kept aside; None takes both. 2 and 3
            are the halves of the third set (`words`), of which 3 is kept aside.
    """
    asker = Asker(company, random.Random(f"questions-{seed}"), half)
    third = asker.words.third
    answered, refused = (ANSWERED | more.ANSWERED, REFUSED | more.REFUSED) if third else (ANSWERED, REFUSED)
    made: list[Question] = []
    while len(made) < count:
        kinds = refused if len(made) % 4 == 3 else answered
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
    text = a.say(a.wording(a.words.said[how]), N=a.noun(made), F=f, P=p)
    expected = Expected("number", ((frozenset(), found[0][1]),), unit=oracle.unit_of(spec))
    return a.question(how, text, expected, spec)


def _edge(a: Asker) -> tuple[str, Where, str]:
    """Rows above or below a round figure, as an accountant would say it."""
    (table, column), (step, _, ja_unit, _, unit) = a.pick(list(said.EDGES.items()))
    edge, op = step * a.rng.randrange(1, 11), a.pick(list(a.words.edge_said))
    size = f"{edge // 10_000:,}" if ja_unit == "万円" else f"{edge:,}"
    million = a.lang and edge >= 1_000_000 and a.rng.random() < 0.5
    if a.words.third and unit == "yen":
        value = more.yen(a, edge)
    elif a.lang:
        value = f"{edge // 1_000_000} million yen" if million else f"{edge:,} {unit}"
    else:
        value = f"{size}{ja_unit}"
    noun = a.one(a.words.edges[table, column][a.lang])
    words = a.wording(a.words.edge_said[op]).replace("{n}", noun).replace("{v}", value)
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
    (_, counter), _ = said.COUNTED[table]
    noun = a.one(a.words.counted[table][a.lang])
    text = a.say(a.wording(a.words.said["count"]), N=noun, C=counter, F=f, P=p)
    return a.question(kind, text, Expected("number", ((frozenset(), found[0][1]),)), spec)


def _grouped(a: Asker, least: int) -> tuple[Spec, dict[str, str], list[tuple[Any, Decimal]]] | None:
    """A figure by group, with at least so many groups; its words."""
    made, _ = a.measure("sum", "avg")
    counted = made.table in said.COUNTED and a.rng.random() < 0.2
    group = a.pick(list(a.words.groups[made.table]))
    how = "sum" if "sum" in made.hows else "avg"
    if "avg" in made.hows and a.rng.random() < 0.25:
        how = "avg"
    how = "count" if counted else how
    where, f = a.condition(made.table, avoid=group) if a.rng.random() < 0.5 else ((), "")
    period, p = a.period(made.table)
    spec = Spec(made.table, how, None if counted else made.column, where, period, group)
    found = oracle.values(a.company, a.person, spec)
    ja, en, plural = a.one(a.words.groups[made.table][group])
    noun = a.noun(made)
    if counted:
        noun = a.one(a.words.number_of[made.table][a.lang])
    elif how == "avg":
        noun = _average(a, noun)
    elif a.lang and a.rng.random() < 0.5:
        noun = a.one(a.words.total[1]).replace("{N}", noun)
    words = {"N": noun, "F": f, "P": p, "G": en if a.lang else ja, "Gs": plural}
    return (spec, words, found) if len(found) >= least else None


def _average(a: Asker, noun: str) -> str:
    return a.one(a.words.average[a.lang]).replace("{N}", noun)


def _entries(a: Asker, spec: Spec, found: Sequence[tuple[Any, Decimal]]) -> tuple[Entry, ...]:
    return tuple((oracle.label_forms(a.company, a.person, spec, key), figure) for key, figure in found)


def _list(a: Asker) -> Question | None:
    drawn = _grouped(a, 2)
    if drawn is None or len(drawn[2]) > 20:
        return None
    spec, words, found = drawn
    total = () if spec.how == "avg" else (sum((v for _, v in found), Decimal(0)),)
    expected = Expected("list", _entries(a, spec, found), unit=oracle.unit_of(spec), also=total)
    return a.question("list", a.say(a.wording(a.words.said["list"]), **words), expected, spec)


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
    text = a.say(a.wording(a.words.said["bottom" if spec.lowest else "top"]), K=spoken, **words)
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
    text = a.say(a.wording(a.words.said["least" if spec.lowest else "label"]), **words)
    shown = _entries(a, spec, oracle.values(a.company, a.person, spec))
    domain = tuple(forms for forms, _ in _entries(a, spec, found))
    expected = Expected("label", shown, unit=oracle.unit_of(spec), domain=domain)
    return a.question("label", text, expected, spec)


def _compare(a: Asker) -> Question | None:
    made, how = a.measure("sum", "avg")
    paths = [path for path in a.words.filters[made.table] if path in a.words.groups[made.table]]
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
    noun = noun if how == "sum" else _average(a, noun)
    spec = Spec(made.table, how, made.column, (Where(path, x),), period, path)
    text = a.say(
        a.wording(a.words.said["compare"]), N=noun, A=a.named(path, say_x), B=a.named(path, say_y), P=p
    )
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
        names = {*period.ja, *period.names, *(text.partition(" ")[2] for text in period.en)}
        entries.append((frozenset(names), found[0][1]))
    changed = a.rng.random() < 0.5
    if changed and not entries[0][1]:
        return None
    noun = a.noun(made)
    noun = noun if how == "sum" else _average(a, noun)
    wordings = [a.said_bare(p) for p in (x, y)]
    at = a.rng.randrange(len(wordings[0]))
    spec = Spec(made.table, how, made.column, where, x)
    text = a.say(
        a.wording(a.words.said["change" if changed else "periods"]),
        N=noun,
        F=f,
        A=wordings[0][at],
        B=wordings[1][at],
    )
    expected = _pair(entries, oracle.unit_of(spec))
    return a.question("change" if changed else "compare periods", text, expected, spec)


def _two_periods(a: Asker) -> tuple[Period, Period]:
    periods, year = a.words.calendar, a.pick((2023, 2024))
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
    noun = noun if how == "sum" else _average(a, noun)
    (ja, ja_adjective), (en, adjective) = (a.one(pairs) for pairs in a.words.grains[grain])
    words = {"N": noun, "F": f, "P": p, "G": en if a.lang else ja, "M": adjective if a.lang else ja_adjective}
    text = a.say(a.wording(a.words.said["trend"]), **words)
    return a.question(
        "trend", text, Expected("trend", _entries(a, spec, found), True, oracle.unit_of(spec)), spec
    )


def _lookup(a: Asker) -> Question | None:
    table, column = a.pick(list(a.words.lookups))
    if not oracle.open_to(a.person, table, column):
        return None
    seen = oracle.rows(a.company, a.person, table)
    if not seen:
        return None
    row = a.pick(seen)
    if row[column] is None:
        return None
    text = a.say(a.wording(a.words.lookups[table, column]), v=row["name_en"] if a.lang else row["name"])
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
    at = a.pick(range(len(document.facts)))
    text = a.say(a.wording(a.words.quoted), t=document.title, q=a.wording(a.asked(document, at)))
    twins = [d for d in readable if (d.topic, d.tenant) == (document.topic, document.tenant)]
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
