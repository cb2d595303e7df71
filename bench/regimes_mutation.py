"""Mutates every shipped rule and asks whether the project's own cases notice.

Mutants: a comparator flipped, a clause or a condition of a group dropped, a day shifted by one day, a number
by one unit (the last digit of its text; 1 for a whole number), what an unstated fact comes to flipped or left
out. A mutant is killed when a case of tests/regimes/cases has another outcome than it expects. Equivalent
mutants are listed with the reason.

    python bench/regimes_mutation.py [--json] [CASES_FOLDER]
"""

import copy
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from mythos.errors import RegimeError
from mythos.regimes import Pack, shipped
from mythos.regimes.cases import Question, questions
from mythos.regimes.determine import evaluate
from mythos.regimes.facts import Facts
from mythos.regimes.pack import HERE, load
from mythos.regimes.scalar import day

CASES = Path(__file__).parents[1] / "tests" / "regimes" / "cases"
FLIPS = {
    "gt": "ge",
    "ge": "gt",
    "lt": "le",
    "le": "lt",
    "eq": "ne",
    "ne": "eq",
    "in": "not_in",
    "not_in": "in",
}
_UNBORN = "before promulgation the amendment was not in force either: only the citation differs"
_REFORM = "an inform notice binds before and after the reform: only citation and confidence differ"
EQUIVALENT = {
    ("JP-APPI-2026-STAT", "status.0.from: 2026-07-17 -> 2026-07-16"): _UNBORN,
    ("JP-APPI-2026-STAT", "status.0.from: 2026-07-17 -> 2026-07-18"): _UNBORN,
    ("JP-FEFTA-INFORM", "status.1.from: 2025-10-09 -> 2025-10-08"): _REFORM,
    ("JP-FEFTA-INFORM", "status.1.from: 2025-10-09 -> 2025-10-10"): _REFORM,
}


@dataclass(frozen=True)
class Mutant:
    instrument: str
    change: str
    document: dict[str, Any]


def mutants(document: dict[str, Any]) -> Iterator[Mutant]:
    for path, change in _changes(document, ()):
        mutated = copy.deepcopy(document)
        holder: Any = mutated
        for step in path[:-1]:
            holder = holder[step]
        if change is DROP:
            del holder[path[-1]]
            said = "dropped"
        else:
            said = f"{holder[path[-1]]} -> {change}"
            holder[path[-1]] = change
        yield Mutant(document["id"], f"{'.'.join(map(str, path))}: {said}", mutated)


DROP = object()


def _changes(node: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if not path:
        for part in ("status", "clauses"):
            yield from _changes(node[part], (part,))
        return
    if isinstance(node, list):
        for n, one in enumerate(node):
            if path == ("clauses",) or path[-1] in {"all_of", "any_of"}:
                yield (*path, n), DROP
            yield from _changes(one, (*path, n))
        return
    for name, value in node.items():
        here = (*path, name)
        if name == "comparator":
            yield here, FLIPS[value]
        elif name == "unstated":
            yield from ((here, "fails" if value == "holds" else "holds"), (here, DROP))
        elif name in {"from", "until"} and value:
            yield from ((here, shifted) for shifted in _days(value))
        elif name == "value" and isinstance(value, str):
            yield from ((here, shifted) for shifted in _shifted(value))
        elif name == "with":
            for parameter, given in value.items():
                if isinstance(given, str):
                    yield from (((*here, parameter), shifted) for shifted in _shifted(given))
        elif name in {"all_of", "any_of"}:
            yield from _changes(value, here)


def _days(value: str) -> Iterator[str]:
    for step in (-1, 1):
        yield str(day(value, "day") + timedelta(step))


def _shifted(value: str) -> Iterator[str]:
    """A day by a day, a number by one unit; other text has no neighbour."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        yield from _days(value)
    elif re.fullmatch(r"\d+/\d+", value):
        over, _, under = value.partition("/")
        yield from (f"{int(over) * 10**6 + step}/{int(under) * 10**6}" for step in (-1, 1))
    elif re.fullmatch(r"[\d.]+(e\d+)?", value):
        number = Decimal(value)
        whole = number == number.to_integral_value()
        unit = Decimal(1) if whole else Decimal(10) ** int(number.as_tuple().exponent)
        yield from (f"{number + step * unit:f}" for step in (-1, 1))


def killed(mutant: Mutant, asked: list[Question], pack: Pack) -> bool | None:
    """None: the reader itself refuses the mutant."""
    try:
        instrument = pack.read(mutant.document, mutant.instrument)
    except RegimeError:
        return None
    for question in asked:
        for expected in question.expect:
            if expected.instrument == mutant.instrument:
                facts = Facts.parse(question.facts, pack.vocabulary)
                if evaluate(instrument, facts, question.on).outcome != expected.outcome:
                    return True
    return False


def run(folder: Path = CASES) -> dict[str, Any]:
    pack = shipped()
    asked = [q for path in sorted(folder.glob("*.yaml")) for q in questions(load(path), path.name)]
    made = [m for path in sorted((HERE / "instruments").glob("*.yaml")) for m in mutants(load(path))]
    fates = [(mutant, killed(mutant, asked, pack)) for mutant in made]
    refused = sum(fate is None for _, fate in fates)
    alive = [(m.instrument, m.change) for m, fate in fates if fate is False]
    survivors = [one for one in alive if one not in EQUIVALENT]
    counted = len(made) - refused - (len(alive) - len(survivors))
    return {
        "mutants": len(made),
        "refused_by_the_reader": refused,
        "equivalent": len(alive) - len(survivors),
        "killed": counted - len(survivors),
        "kill_rate": f"{100 * (counted - len(survivors)) / counted:.1f} %",
        "survivors": [f"{name} {change}" for name, change in survivors],
        "stale_equivalents": [
            f"{name} {change}" for name, change in EQUIVALENT if (name, change) not in alive
        ],
    }


def main() -> None:
    folders = [Path(one) for one in sys.argv[1:] if not one.startswith("-")]
    result = run(*folders)
    if "--json" in sys.argv:
        print(json.dumps(result, indent=1))
        return
    for name, value in result.items():
        print(f"{name}: {value}" if not isinstance(value, list) else f"{name}:\n  " + "\n  ".join(value))


if __name__ == "__main__":
    main()
