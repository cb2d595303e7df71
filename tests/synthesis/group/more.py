"""Kinds of questions that only the third set asks: shares, all but one, and what no column holds."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from . import oracle, third_refused, third_said
from .asker import Asker, Expected, Question
from .oracle import Spec, Where

ABSENT, NO_DATA, VAGUE = "not_in_hub", "no_data", "cannot_plan"


def yen(a: Asker, edge: int) -> str:
    """A round amount as people write it."""
    millions, rest = divmod(edge, 1_000_000)
    if a.lang:
        return a.one(
            (
                f"JPY {edge:,}",
                f"{edge:,} yen" if rest else f"JPY {millions} million",
                f"¥{edge:,}",
                f"{edge} yen",
            )
        )
    return a.one((f"{edge:,}円", f"{edge // 10_000}万円", f"{edge // 10_000}万円", f"¥{edge:,}"))


def _except(a: Asker) -> Question | None:
    made, how = a.measure("sum", "avg")
    paths = list(a.words.filters[made.table])
    if not paths:
        return None
    path = a.pick(paths)
    value, words = a.value(made.table, path)
    if value is None:
        return None
    period, p = a.period(made.table)
    spec = Spec(made.table, how, made.column, (Where(path, value, "!="),), period)
    found = oracle.values(a.company, a.person, spec)
    if not found or found == oracle.values(
        a.company, a.person, Spec(made.table, how, made.column, (), period)
    ):
        return None
    f = a.wording(third_said.EXCEPT_SAID).replace("{v}", a.named(path, words))
    text = a.say(a.wording(a.words.said[how]), N=a.noun(made), F=f, P=p)
    expected = Expected("number", ((frozenset(), found[0][1]),), unit=oracle.unit_of(spec))
    return a.question("except", text, expected, spec)


def _share(a: Asker) -> Question | None:
    """What percentage of a total one value of a column has."""
    made, how = a.measure("sum")
    paths = list(a.words.filters[made.table])
    if not paths:
        return None
    path = a.pick(paths)
    value, words = a.value(made.table, path)
    period, p = a.period(made.table)
    part = oracle.values(
        a.company, a.person, Spec(made.table, how, made.column, (Where(path, value),), period)
    )
    whole = oracle.values(a.company, a.person, Spec(made.table, how, made.column, (), period))
    if value is None or not part or part[0][1] in {Decimal(0), whole[0][1]}:
        return None
    x, total = part[0][1], whole[0][1]
    f = a.phrase(a.words.filters[made.table][path][a.lang]).replace("{v}", words)
    text = a.say(a.wording(a.words.said["share"]), N=a.noun(made), F=f, P=p)
    expected = Expected("share", ((frozenset(), x / total * 100),), unit="%", also=(x, total))
    return a.question(
        "share", text, expected, Spec(made.table, how, made.column, (Where(path, value),), period)
    )


def _unknown_group(a: Asker) -> Question:
    table = a.pick(list(third_refused.UNKNOWN_GROUPS))
    made, _ = a.measure("sum", table=table)
    ja, en, plural = a.one(third_refused.UNKNOWN_GROUPS[table])
    _, p = a.period(table)
    words = {"N": a.noun(made), "F": "", "P": p, "G": en if a.lang else ja, "Gs": plural, "K": "3"}
    text = a.say(a.wording(a.words.said[a.pick(("list", "list", "top", "label"))]), **words)
    return a.question("unknown group", text, Expected("refusal", reasons=frozenset({ABSENT, NO_DATA, VAGUE})))


def _unknown_attribute(a: Asker) -> Question | None:
    table = a.pick(list(third_refused.UNKNOWN_ATTRIBUTES))
    seen = oracle.rows(a.company, a.person, table)
    if not seen:
        return None
    name = a.pick(seen)["name_en" if a.lang else "name"]
    text = a.say(a.wording(third_refused.UNKNOWN_ATTRIBUTES[table]), v=name)
    return a.question(
        "unknown attribute", text, Expected("refusal", reasons=frozenset({ABSENT, NO_DATA, VAGUE}))
    )


Maker = Callable[[Asker], Question | None]
ANSWERED: dict[str, tuple[int, Maker]] = {"except": (7, _except), "share": (7, _share)}
REFUSED: dict[str, tuple[int, Maker]] = {
    "unknown group": (10, _unknown_group),
    "unknown attribute": (10, _unknown_attribute),
}
