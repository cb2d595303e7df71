"""Task data whose answers a program makes and `check` counts another way: tables, units, Japanese dates.

Every row carries the digest of its generator and its seed, so that anyone can make it again. The set says
what it cost and what a regulation asks of synthetic data (`facts`). Of a real table only its shape is used:
names and types of columns; `leaks` looks for its rows in what came out.
"""

from __future__ import annotations

import csv
import hashlib
import json
import random
import re
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal

from mythos.data.check import Kind, Row, check
from mythos.data.steps import pii
from mythos.errors import DataError
from mythos.files import write_atomic
from mythos.units import Digest, Flop

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
SHORTEST: Final = 6
WORDS: Final = 4
"""Of a cell that is looked for."""

SHARE: Final = re.compile(r"\d{1,3}(?:\.\d{1,30})?\Z", re.ASCII)
SOURCE: Final = 16 << 20
NAME: Final = re.compile(r"[^\W\d][\w ()/.%-]{0,59}\Z")


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

    Raises:
        DataError: a share that is no number from 0 to 1.
    """
    if not SHARE.match(share) or Decimal(share) > 1:
        raise DataError("not a share", expected="decimal text from 0 to 1, such as 0.05", found=share[:40])
    known: dict[str, object | None] = {
        "synth_share": share,
        "synth_published": set_published,
        "gen_ops": None if generator.flop is None else str(generator.flop),
        "gen_train_ops": None if generator.training_flop is None else str(generator.training_flop),
        "gen_published": generator.published,
    }
    return {name: value for name, value in known.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Leaks:
    """Rows too close to the source, as (id, why); and how many source rows were too short to look for."""

    found: tuple[tuple[str, str], ...]
    unchecked: int


def leaks(rows: Iterable[Row], source: Collection[str], canaries: Collection[str] = ()) -> Leaks:
    """Look for rows of a source, and for canaries, in what was made; letters and digits count, and no signs.

    A row is too close when it holds a whole source row of at least 6 letters and digits, a run of 12 of a
    longer one, or, in any order, half the cells of its nearest source row (by length, 12 at least).
    """
    plain = [one for one in source if len(_folded(one)) >= SHORTEST]
    runs: dict[int, set[str]] = {}
    cells: dict[str, list[int]] = {}
    weights: list[int] = []
    for n, one in enumerate(plain):
        whole = _folded(one)
        size = min(len(whole), SHINGLE)
        runs.setdefault(size, set()).update(_runs(whole, size))
        own = {folded for cell in one.split(",") if len(folded := _folded(cell)) >= 3}
        weights.append(sum(map(len, own)))
        for cell in own:
            cells.setdefault(cell, []).append(n)
    hidden = [_folded(canary) or canary for canary in canaries]
    found: list[tuple[str, str]] = []
    for row in rows:
        told = f"{row.text}\n{row.answer}"
        text = _folded(told)
        if any(canary in text for canary in hidden):
            found.append((row.id, "a canary"))
        elif size := next((k for k, held in runs.items() if not held.isdisjoint(_runs(text, k))), 0):
            found.append((row.id, f"{size} characters of a source row"))
        elif _near(told, cells, weights):
            found.append((row.id, "near a source row"))
    return Leaks(tuple(found), len(source) - len(plain))


def _folded(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).lower()))


def _runs(text: str, size: int) -> Iterator[str]:
    return (text[i : i + size] for i in range(max(1, len(text) - size + 1)))


def _near(text: str, cells: Mapping[str, list[int]], weights: Sequence[int]) -> bool:
    words = [folded for word in text.split() if (folded := _folded(word))]
    told = {"".join(words[n : n + k]) for n in range(len(words)) for k in range(1, WORDS + 1)}
    both: Counter[int] = Counter()
    for cell in told & cells.keys():
        both.update(dict.fromkeys(cells[cell], len(cell)))
    return any(held >= SHINGLE and 2 * held >= weights[n] for n, held in both.items())


def read_columns(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a CSV's number columns, and its rows as lines for `leaks`.

    A name is used only if it is plain: it begins with a letter, has no sign of a table, and holds no personal
    data by its pattern. So a file without a header gives no row away by its first one.

    Raises:
        DataError: too large, not UTF-8, no header, or no number column with a plain name.
    """
    if (size := path.stat().st_size) > SOURCE:
        raise DataError(f"{path.name} is too large", expected=f"at most {SOURCE} bytes", found=str(size))
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
        if rows and _plain(name) and all(len(row) > n and _number(row[n]) for row in rows)
    )
    if not numbers:
        raise DataError(
            f"{path.name} has no column of numbers with a plain name",
            expected="at least one",
            found=f"{len(header)} columns",
        )
    return numbers, tuple(",".join(row) for row in rows)


def _plain(name: str) -> bool:
    return bool(NAME.match(name)) and name.strip().lower() != "kind" and not pii.find(name)


def _number(cell: str) -> bool:
    return cell.lstrip("-").replace(".", "", 1).isdecimal()


def write(
    out: Path, rows: Sequence[Row], source: Collection[str], share: str, canaries: Collection[str] = ()
) -> dict[str, Any]:
    """Write `documents.jsonl` and `set.json` (generator, cost, share, facts for a determination).

    Raises:
        DataError: an answer that is wrong by another way of counting, a row too close to a row of the source,
            or a share that is none; nothing is written.
    """
    made = program()
    said = facts(made, share, set_published=False)
    seen = leaks(rows, source, canaries)
    if seen.found:
        raise DataError(
            "the set would give rows of its source away",
            expected="no row near a source row",
            found=f"{len(seen.found)}, first {seen.found[0][0]}: {seen.found[0][1]}",
            advice="Use fewer rows, or a source whose rows are longer than their names.",
            code="leaks",
        )
    if wrong := [row.id for row in rows if not check(row)]:
        raise DataError(
            "an answer is wrong by another way of counting",
            expected="every row checked",
            found=f"{len(wrong)}, first {wrong[0]}",
            code="unchecked",
        )
    lines = "".join(json.dumps(row.document(), ensure_ascii=False) + "\n" for row in rows).encode()
    body = {
        "documents": str(out / "documents.jsonl"),
        "digest": str(Digest.of(lines)),
        "rows": len(rows),
        "checked": len(rows),
        "source": {"rows": len(source), "too_short_to_look_for": seen.unchecked},
        "generator": {
            "name": made.name,
            "kind": made.kind,
            "digest": str(made.digest),
            "generation_flop": str(made.flop),
        },
        "seed": rows[0].seed,
        "share": share,
        "facts": said,
    }
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(out / "documents.jsonl", lines)
    write_atomic(out / "set.json", json.dumps(body, ensure_ascii=False, indent=1).encode() + b"\n")
    return body
