"""Every answer is made again another way; the set says what it cost; nothing of a source is in it."""

import json
from dataclasses import replace
from datetime import date, timedelta
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
    assert room.leaks(rows, source, ["canary-", "Tanaka"]) == room.Leaks((), 0)
    body = room.write(tmp_path / "out", rows, source, "0.05")
    assert json.loads((tmp_path / "out" / "set.json").read_text()) == body
    assert body["generator"]["generation_flop"] == "0"
    planted = [
        room.Row("a", "table", "en", f"| {SOURCE[3]} |", "1", {}, "g", 1),
        room.Row("b", "table", "en", "my canary-zq-1", "1", {}, "g", 1),
        room.Row("c", "table", "en", SOURCE[9].replace("Tanaka Shoji", "T-----a-S---i"), "1", {}, "g", 1),
    ]
    assert [name for name, _ in room.leaks([*rows, *planted], source, ["canary-zq"]).found] == ["a", "b", "c"]
    with pytest.raises(DataError, match="give rows of its source away"):
        room.write(tmp_path / "no", [*rows, planted[0]], source, "0.05")
    assert not (tmp_path / "no").exists()


SHORT = ["Sato Ken,5000", "Ito Mai,7", "佐藤健,5000", "x,1"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("| Sato Ken | 5000 |", True),
        ("what did SATO KEN pay? ５０００", False),
        ("SATO\tKEN: ５,000", True),
        ("| Ito Mai | 7 |", True),
        ("| 佐藤 健 | 5,000 |", True),
        ("| Sato | 5001 |", False),
        ("| x | 1 |", False),
    ],
)
def test_a_short_row_is_found_whole_whatever_signs_stand_between(text, found):
    seen = room.leaks([room.Row("a", "table", "en", text, "1", {}, "g", 1)], SHORT)
    assert bool(seen.found) is found
    assert seen.unchecked == 1, "x,1 is too short to look for, and that is said"


SHEET = [
    f"{n * 7919 % 100_003:06},Sato {chr(97 + n % 26)}{n},{n * 31},2026-01-{n % 28 + 1:02},memo{n}"
    for n in range(10_000)
]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("| 2026-01-10 | Sato f4321 | 133951 | x |", True),
        ("On 2026-01-10 Sato f4321 paid 133,951.", True),
        ("| 2026-01-10 | 133951 |", False),
        ("| Sato f4321 | something | else |", False),
    ],
)
def test_the_cells_of_a_source_row_are_found_in_another_order_among_ten_thousand(text, found):
    made = room.Row("a", "table", "en", text, "", {}, "g", 1)
    assert bool(room.leaks([made], SHEET).found) is found


@pytest.mark.parametrize("row", ROWS[:90], ids=lambda row: row.id)
def test_each_row_is_checked_and_a_changed_answer_is_not_right(row):
    assert room.check(row)
    for wrong in (row.answer + "1", "-" + row.answer, "", "0", "令和1年1月1日", "1/0", "x"):
        assert not room.check(replace(row, answer=wrong))
    for text in (row.text.replace("1", "7").replace("2", "9"), row.text[:-3], ""):
        if text != row.text and row.kind != "table":
            assert not room.check(replace(row, text=text))


def test_the_checker_does_not_share_the_generators_calendar_or_database(monkeypatch):
    monkeypatch.setattr(room, "ERAS", tuple((name, first + timedelta(days=40)) for name, first in room.ERAS))
    monkeypatch.setitem(room.UNITS, "length", {**room.UNITS["length"], "ft": "0.3"})
    assert not all(map(room.check, room.synthesise(["units"], 100, 3)))
    rows = room.synthesise(["dates"], 400, 3)
    assert not all(room.check(row) for row in rows)
    monkeypatch.setattr(room, "MAKERS", {"table": lambda *_: ("en", rows[0].text, "1", {})})
    with pytest.raises(DataError, match="wrong by another way"):
        room.write(Path("/nowhere"), room.synthesise(["table"], 3, 1), (), "0")


@pytest.mark.parametrize("share", ["banana", "", "-0.1", "1.01", "NaN", "1e-3", "0x1", "５", "2", "Infinity"])
def test_a_share_that_is_none_is_refused(share, tmp_path):
    with pytest.raises(DataError, match="not a share"):
        room.write(tmp_path / "out", ROWS, (), share)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a,kind\n1,2\n", ("a",)),
        ("a,KIND \n1,2\n", ("a",)),
        ("a,b|c\n1,2\n", ("a",)),
        ('a,"x\ny"\n1,2\n', ("a",)),
        ("a,b\0c\n1,2\n", ("a",)),
        ("a,taro@example.co.jp\n1,2\n", ("a",)),
        ("a,2024\n1,2\n", ("a",)),
        ("数量,price (JPY)\n1,2\n", ("数量", "price (JPY)")),
    ],
)
def test_only_a_plain_name_of_a_column_is_used(tmp_path, text, columns):
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert room.read_columns(path)[0] == columns
    assert all(map(room.check, room.synthesise(["table"], 30, 1, columns)))


def test_a_file_without_a_header_gives_no_row_away(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("5000,17\n6000,18\n")
    with pytest.raises(DataError, match="no column of numbers with a plain name") as error:
        room.read_columns(path)
    assert "5000" not in str(error.value)


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
