"""Task data whose answers a program makes and another way checks: tables with SQL, units, Japanese dates.

Every row carries the digest of its generator and its seed, so that anyone can make it again. The set says
what it cost and what a regulation asks of synthetic data (`facts`). Of a real table only its shape is used:
names and types of columns; `leaks` looks for its rows in what came out.
"""

from __future__ import annotations

import csv
import hashlib
import json
import random
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal

from mythos.data.steps.duplicates import jaccard
from mythos.errors import DataError
from mythos.files import write_atomic
from mythos.units import Digest, Flop

Kind = Literal["table", "units", "dates"]

# Exact by definition: SI Brochure (9th ed.) and the international yard and pound agreement of 1959.
UNITS: Final = {
    "length": {"mm": "0.001", "cm": "0.01", "m": "1", "km": "1000", "in": "0.0254", "ft": "0.3048"},
    "mass": {"g": "0.001", "kg": "1", "t": "1000", "lb": "0.45359237"},
    "time": {"s": "1", "min": "60", "h": "3600", "d": "86400"},
}
# Eras by their first day; Meiji follows the Gregorian calendar from 1 January 1873 on.
ERAS: Final = (
    ("令和", date(2019, 5, 1)),
    ("平成", date(1989, 1, 8)),
    ("昭和", date(1926, 12, 25)),
    ("大正", date(1912, 7, 30)),
    ("明治", date(1868, 1, 25)),
)
SHINGLE: Final = 12


@dataclass(frozen=True, slots=True)
class Generator:
    """What made the rows: a program (no parameters, no FLOP) or a model, by digest.

    `flop`: generation; `training_flop`: behind its parameters; None is unknown, not zero.
    """

    name: str
    kind: Literal["program", "model"]
    digest: Digest
    published: bool | None
    flop: Flop | None
    training_flop: Flop | None


@dataclass(frozen=True, slots=True)
class Row:
    """One task. `check` is what a reader needs to make the answer again without the generator."""

    id: str
    kind: Kind
    language: str
    text: str
    answer: str
    check: dict[str, str]
    generator: str
    seed: int

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def program() -> Generator:
    """This file as a generator: its source's digest names it."""
    return Generator(
        "mythos.data.synthesise", "program", Digest.of(Path(__file__).read_bytes()), published=True,
        flop=Flop(0), training_flop=Flop(0),
    )  # fmt: skip


def synthesise(kinds: Sequence[Kind], count: int, seed: int, columns: Sequence[str] = ()) -> tuple[Row, ...]:
    """`count` tasks, the kinds in turn; each is a pure function of its kind, its number and the seed.

    Args:
        kinds: what to make.
        count: how many.
        seed: any whole number.
        columns: names of number columns of a real table, for `table`; never its rows.

    Raises:
        DataError: no kind, an unknown one, or a count out of bounds.
    """
    if not kinds or not set(kinds) <= set(MAKERS) or not 0 < count <= 10_000_000:
        raise DataError("nothing to make", expected=f"kinds of {', '.join(MAKERS)}, 1 to 10 million rows")
    digest = str(program().digest)
    made: list[Row] = []
    for n in range(count):
        kind = kinds[n % len(kinds)]
        mixed = hashlib.sha256(f"{seed}/{kind}/{n}".encode()).digest()
        draw = random.Random(int.from_bytes(mixed, "big"))  # noqa: S311 (no secret: it must be repeatable)
        language, text, answer, check = MAKERS[kind](draw, tuple(columns))
        made.append(Row(f"{kind}-{seed}-{n}", kind, language, text, answer, check, digest, seed))
    return tuple(made)


Made = tuple[str, str, str, dict[str, str]]


def _table(draw: random.Random, columns: tuple[str, ...]) -> Made:
    names = columns or ("quantity", "price", "weight")
    name = draw.choice(names)
    group = draw.sample(["A", "B", "C", "D", "E"], 3)
    rows = [(draw.choice(group), draw.randrange(1, 1000)) for _ in range(draw.randrange(4, 9))]
    wanted, verb = draw.choice(rows)[0], draw.choice(["SUM", "MAX", "MIN", "COUNT"])
    column = '"' + name.replace('"', '""') + '"'
    sql = f"SELECT {verb}({column}) FROM t WHERE kind = '{wanted}'"  # noqa: S608 (our own words and a quoted name)
    with sqlite3.connect(":memory:") as database:
        database.execute(f"CREATE TABLE t (kind TEXT, {column} INTEGER)")
        database.executemany("INSERT INTO t VALUES (?, ?)", rows)
        [answer] = database.execute(sql).fetchone()
    database.close()
    shown = "\n".join(f"| {kind} | {value} |" for kind, value in rows)
    text = f"| kind | {name} |\n|---|---|\n{shown}\n\n"
    said = {"SUM": "total", "MAX": "largest", "MIN": "smallest", "COUNT": "number of"}[verb]
    return "en", f"{text}What is the {said} {name} where kind is {wanted}?", str(answer), {"sql": sql}


def _units(draw: random.Random, _: tuple[str, ...]) -> Made:
    quantity = draw.choice(sorted(UNITS))
    a, b = draw.sample(sorted(UNITS[quantity]), 2)
    value = Decimal(draw.randrange(1, 100_000)) / draw.choice([1, 10, 100])
    exact = Fraction(value) * Fraction(UNITS[quantity][a]) / Fraction(UNITS[quantity][b])
    answer = str(exact.numerator) if exact.denominator == 1 else f"{exact.numerator}/{exact.denominator}"
    check = {"value": str(value), "from": a, "to": b, "quantity": quantity}
    if draw.random() < 0.5:
        return "ja", f"{value} {a} は何 {b} ですか。分数で正確に答えてください。", answer, check
    return "en", f"How many {b} are {value} {a}? Answer exactly, as a fraction.", answer, check


def era(day: date) -> str:
    """A day in the Japanese calendar, such as 令和元年5月1日.

    Raises:
        DataError: before 1873, when Japan's calendar was another one.
    """
    if day < date(1873, 1, 1):
        raise DataError(
            "before the Gregorian calendar in Japan", expected="1873-01-01 or later", found=str(day)
        )
    name, first = next((name, first) for name, first in ERAS if first <= day)
    year = day.year - first.year + 1
    return f"{name}{'元' if year == 1 else year}年{day.month}月{day.day}日"


def _dates(draw: random.Random, _: tuple[str, ...]) -> Made:
    day = date(1873, 1, 1) + timedelta(days=draw.randrange(57_000))
    shown = era(day)
    if draw.random() < 0.5:
        return "ja", f"{day.year}年{day.month}月{day.day}日を和暦で書いてください。", shown, {"day": str(day)}
    return "ja", f"{shown}を西暦(ISO 8601)で書いてください。", str(day), {"era": shown}


MAKERS: Final[dict[Kind, Callable[[random.Random, tuple[str, ...]], Made]]] = {
    "table": _table,
    "units": _units,
    "dates": _dates,
}


def facts(generator: Generator, share: str, *, set_published: bool) -> dict[str, object]:
    """The set as facts for `mythos regimes determine` (ECCN 4E091 technical note 3; EU: synthetic data).

    Args:
        generator: what made it.
        share: of the training operations, how many train on it, as decimal text from 0 to 1.
        set_published: whether the set is published.
    """
    known: dict[str, object | None] = {
        "synth_share": share,
        "synth_published": set_published,
        "gen_ops": None if generator.flop is None else str(generator.flop),
        "gen_train_ops": None if generator.training_flop is None else str(generator.training_flop),
        "gen_published": generator.published,
    }
    return {name: value for name, value in known.items() if value is not None}


def leaks(
    rows: Iterable[Row], source: Collection[str], canaries: Collection[str] = ()
) -> list[tuple[str, str]]:
    """Rows too close to a source row, or with a canary in them: (id, why).

    A row is too close when it holds a run of 12 characters of a source row, or when two thirds of its pieces
    of five characters are those of its nearest source row.
    """
    runs = {one[i : i + SHINGLE] for one in source for i in range(len(one) - SHINGLE + 1)}
    near = [{one[i : i + 5] for i in range(max(1, len(one) - 4))} for one in source]
    found: list[tuple[str, str]] = []
    for row in rows:
        text = f"{row.text}\n{row.answer}"
        mine = {text[i : i + 5] for i in range(max(1, len(text) - 4))}
        if any(canary in text for canary in canaries):
            found.append((row.id, "a canary"))
        elif any(text[i : i + SHINGLE] in runs for i in range(len(text) - SHINGLE + 1)):
            found.append((row.id, f"{SHINGLE} characters of a source row"))
        elif any(jaccard(mine, other) > 2 / 3 for other in near):
            found.append((row.id, "near a source row"))
    return found


def read_columns(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a CSV's number columns, and its rows as lines for `leaks`.

    Raises:
        DataError: not UTF-8, no header, or no number column.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            header, *rows = csv.reader(file, strict=True)
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise DataError(
            f"{path.name} is not a CSV in UTF-8 with a header", found=type(error).__name__
        ) from error
    numbers = tuple(
        name
        for n, name in enumerate(header)
        if name
        and rows
        and all(len(row) > n and row[n].lstrip("-").replace(".", "", 1).isdecimal() for row in rows)
    )
    if not numbers:
        raise DataError(
            f"{path.name} has no column of numbers", expected="at least one", found=", ".join(header)[:200]
        )
    return numbers, tuple(",".join(row) for row in rows)


def write(out: Path, rows: Sequence[Row], source: Collection[str], share: str) -> dict[str, Any]:
    """Write `documents.jsonl` and `set.json` (generator, cost, share, facts for a determination).

    Raises:
        DataError: a row is too close to a row of the source; nothing is written.
    """
    if found := leaks(rows, source):
        raise DataError(
            "the set would give rows of its source away",
            expected="no row near a source row",
            found=f"{len(found)}, first {found[0][0]}: {found[0][1]}",
            advice="Use fewer rows, or a source whose rows are longer than their names.",
            code="leaks",
        )
    made = program()
    lines = "".join(json.dumps(row.document(), ensure_ascii=False) + "\n" for row in rows).encode()
    body = {
        "documents": str(out / "documents.jsonl"),
        "digest": str(Digest.of(lines)),
        "rows": len(rows),
        "generator": {
            "name": made.name,
            "kind": made.kind,
            "digest": str(made.digest),
            "generation_flop": str(made.flop),
        },
        "seed": rows[0].seed,
        "share": share,
        "facts": facts(made, share, set_published=False),
    }
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(out / "documents.jsonl", lines)
    write_atomic(out / "set.json", json.dumps(body, ensure_ascii=False, indent=1).encode() + b"\n")
    return body
