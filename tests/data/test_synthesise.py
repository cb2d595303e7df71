"""Every answer is made again another way; the set says what it cost; nothing of a source is in it."""

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.data import synthesise as room
from mythos.errors import DataError
from mythos.regimes import determine, shipped
from mythos.units import Digest, Flop

ROWS = room.synthesise(["table", "units", "dates"], 300, 7)
METRES = {"mm": "1e-3", "cm": "1e-2", "m": "1", "km": "1e3", "in": "254e-4", "ft": "3048e-4", "g": "1e-3", "kg": "1",
          "t": "1e3", "lb": "45359237e-8", "s": "1", "min": "60", "h": "3600", "d": "86400"}  # fmt: skip


def test_the_same_seed_makes_the_same_rows_and_another_does_not():
    assert room.synthesise(["table", "units", "dates"], 300, 7) == ROWS
    assert room.synthesise(["table", "units", "dates"], 300, 8) != ROWS
    assert {row.generator for row in ROWS} == {str(Digest.of(Path(room.__file__).read_bytes()))}


@pytest.mark.parametrize("row", [row for row in ROWS if row.kind == "table"][:40], ids=lambda r: r.id)
def test_another_engine_over_the_shown_table_gives_the_answer(row):
    lines = [line.strip("| ").split(" | ") for line in row.text.splitlines() if line.startswith("| ")]
    (_, column), *cells = lines
    with duckdb.connect() as database:
        database.execute(f'CREATE TABLE t (kind TEXT, "{column}" BIGINT)')
        database.executemany("INSERT INTO t VALUES (?, ?)", [[kind, int(value)] for kind, value in cells])
        [[answer]] = database.execute(row.check["sql"]).fetchall()
    assert str(answer) == row.answer


@pytest.mark.parametrize("row", [row for row in ROWS if row.kind == "units"][:60], ids=lambda r: r.id)
def test_units_go_there_and_back(row):
    there = Fraction(row.answer) * Fraction(Decimal(METRES[row.check["to"]]))
    assert there == Fraction(Decimal(row.check["value"])) * Fraction(Decimal(METRES[row.check["from"]]))


@pytest.mark.parametrize(
    ("day", "shown"),
    [
        (date(2019, 4, 30), "平成31年4月30日"),
        (date(2019, 5, 1), "令和元年5月1日"),
        (date(1989, 1, 7), "昭和64年1月7日"),
        (date(1989, 1, 8), "平成元年1月8日"),
        (date(1926, 12, 24), "大正15年12月24日"),
        (date(1926, 12, 25), "昭和元年12月25日"),
        (date(1912, 7, 29), "明治45年7月29日"),
        (date(1912, 7, 30), "大正元年7月30日"),
        (date(1873, 1, 1), "明治6年1月1日"),
    ],
)
def test_the_first_and_last_day_of_each_era(day, shown):
    assert room.era(day) == shown


def test_before_the_gregorian_calendar_nothing_is_said():
    with pytest.raises(DataError):
        room.era(date(1872, 12, 31))


@given(st.dates(date(1873, 1, 1), date(2028, 1, 1)))
def test_an_era_day_is_one_day(day):
    years = {"令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911, "明治": 1867}
    shown = room.era(day)
    year, rest = shown[2:].split("年")
    month, last = rest.rstrip("日").split("月")
    assert date(years[shown[:2]] + (1 if year == "元" else int(year)), int(month), int(last)) == day


def test_a_determination_counts_what_the_set_says():
    base = {
        "ops": "9.6e25",
        "weights": "closed",
        "subject_to_ear": True,
        "origin": "US",
        "dest": "CN",
        "transfer": "weights",
    }
    free = room.facts(room.program(), "0.2", set_published=False)
    dear = room.facts(
        room.Generator("m", "model", Digest.of(b"m"), published=False, flop=Flop.parse("1e25"), training_flop=Flop.parse("1e25")),
        "0.2",
        set_published=False,
    )  # fmt: skip
    outcomes = []
    for facts in (free, dear):
        found = determine({**base, **facts}, date(2026, 2, 1), shipped())
        assert not found.strangers
        outcomes.append({one.instrument.id: one.outcome for one in found.findings}["US-EAR-4E091"])
    assert outcomes[0] == "below_threshold"
    assert outcomes[1] != "below_threshold"


SOURCE = [
    f"ORD-{n:05},Tanaka Shoji,{n * 37 + 1000},2026-0{n % 9 + 1}-15,canary-{n:04x}-zq" for n in range(200)
]


def test_no_row_of_the_source_comes_out_and_a_planted_one_is_found(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("order,customer,amount,day,note\n" + "\n".join(SOURCE) + "\n")
    columns, source = room.read_columns(path)
    assert columns == ("amount",)
    rows = room.synthesise(["table"], 400, 1, columns)
    assert all("amount" in row.text for row in rows)
    assert room.leaks(rows, source, ["canary-", "Tanaka"]) == []
    body = room.write(tmp_path / "out", rows, source, "0.05")
    assert json.loads((tmp_path / "out" / "set.json").read_text()) == body
    assert body["generator"]["generation_flop"] == "0"
    planted = [
        room.Row("a", "table", "en", f"| {SOURCE[3]} |", "1", {}, "g", 1),
        room.Row("b", "table", "en", "my canary-zq-1", "1", {}, "g", 1),
        room.Row("c", "table", "en", SOURCE[9].replace("Tanaka Shoji", "T-----a-S---i"), "1", {}, "g", 1),
    ]
    assert [name for name, _ in room.leaks([*rows, *planted], source, ["canary-zq"])] == ["a", "b", "c"]
    with pytest.raises(DataError, match="give rows of its source away"):
        room.write(tmp_path / "no", [*rows, planted[0]], source, "0.05")
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("text", ["", "a,b\nx,y\n", 'a\n"open\n'])
def test_a_table_without_numbers_is_refused(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(DataError):
        room.read_columns(path)


def test_nothing_to_make_is_refused():
    wrong: list[Any] = [([], 1), (["poems"], 1), (["units"], 0)]
    for kinds, count in wrong:
        with pytest.raises(DataError):
            room.synthesise(kinds, count, 1)
