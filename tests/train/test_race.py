"""The race: what is compared, that sweeps are equal, that rows survive."""

import json
import math
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")

import torch

from mythos.cli import train as train_command
from mythos.errors import InputError, MachineError, TrainError
from mythos.train import Corpus, load_config
from mythos.train import race as race_module
from mythos.train import rows as rows_module
from mythos.train.config import Config, Rates
from mythos.train.race import (
    FACTORS,
    GROUPS,
    PROTOCOLS,
    flop_at,
    flop_ratio,
    interval,
    race,
    race_curves,
    tune,
)
from mythos.train.rows import Bench, Candidate, read_rows, workers

CANDIDATES = PROTOCOLS[1].candidates
SMALL = Path(__file__).parent / "small.toml"


def curve(constant: float, flops: tuple[float, ...] = (1e10, 2e10, 4e10)) -> list[tuple[float, float]]:
    """Loss falls with the logarithm of the operations, and `constant` times less of them do the same."""
    return [(flop, 5 - math.log(flop * constant)) for flop in flops]


@given(st.floats(0.3, 3.3))
def test_a_known_ratio_is_found(ratio: float) -> None:
    found, bound = flop_ratio(curve(1.0), curve(ratio))
    assert found == pytest.approx(ratio, rel=1e-9)
    assert bound == "="


def test_what_no_curve_reaches_is_a_bound() -> None:
    assert flop_ratio(curve(1.0), curve(9.0)) == (4.0, ">")
    assert flop_ratio(curve(9.0), curve(1.0)) == (0.25, "<")
    assert flop_at(curve(1.0), 100.0) is None


def test_the_interval_is_students() -> None:
    mean, low, high = interval([1.2, 1.3, 1.4])
    logs = [math.log(x) for x in (1.2, 1.3, 1.4)]
    middle = sum(logs) / 3
    spread = math.sqrt(sum((x - middle) ** 2 for x in logs) / 2 / 3)
    assert mean == pytest.approx(math.exp(middle))
    assert high / mean == pytest.approx(mean / low) == pytest.approx(math.exp(4.303 * spread))
    assert interval([1.5]) == (pytest.approx(1.5), 0.0, math.inf)


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda c: c.name)
@pytest.mark.parametrize("shift", [0.5, 1.0, 4.0, 16.0])
def test_a_sweep_finds_the_best_and_costs_the_same_for_all(candidate: Candidate, shift: float) -> None:
    asked: list[Rates] = []

    def loss(rates: Rates) -> float:
        asked.append(rates)
        return sum(math.log(getattr(rates, g) / getattr(candidate.rates, g) / shift) ** 2 for g in GROUPS)

    found, edges = tune(candidate, lambda rates: list(map(loss, rates)), equal=False)
    assert edges == (list(GROUPS) if shift == 16.0 else []), "it is said where the grid ended too early"
    for group in GROUPS:
        assert getattr(found, group) == pytest.approx(getattr(candidate.rates, group) * shift)
    if shift == 1.0:
        assert len(set(map(repr, asked))) == len(FACTORS) * len(GROUPS) - len(GROUPS) + 1
    assert replace(found, **{g: getattr(candidate.rates, g) for g in GROUPS}) == candidate.rates


@pytest.mark.parametrize("candidate", PROTOCOLS[2].candidates, ids=lambda c: c.name)
@pytest.mark.parametrize(
    ("shift", "found"), [(1.0, 1.0), (1.4, 2**0.5), (3.9, 4.0), (8.0, 8.0), (40.0, 16.0)]
)
def test_an_equal_sweep_has_as_many_runs_wherever_the_best_is(
    candidate: Candidate, shift: float, found: float
) -> None:
    asked: set[str] = set()

    def loss(rates: Rates) -> float:
        asked.add(repr(rates))
        return sum(math.log(getattr(rates, g) / getattr(candidate.rates, g) / shift) ** 2 for g in GROUPS)

    rates, edges = tune(candidate, lambda rates: list(map(loss, rates)), equal=True)
    assert len(asked) == 7 + 6 + 6
    assert edges == (list(GROUPS) if shift == 40.0 else [])
    for group in GROUPS:
        assert getattr(rates, group) == pytest.approx(getattr(candidate.rates, group) * found)


def test_the_second_protocol_starts_between_the_first_and_what_it_found() -> None:
    folder = Path(__file__).parents[2] / "bench" / "efficiency"
    swept = json.loads((folder / "result.json").read_text())["sweep"]
    for before, after in zip(CANDIDATES, PROTOCOLS[2].candidates, strict=True):
        for group in GROUPS:
            middle = math.sqrt(getattr(before.rates, group) * swept[before.name]["rates"][group])
            assert getattr(after.rates, group) == float(f"{middle:.1e}"), (after.name, group)
        assert replace(after.rates, **dict.fromkeys(GROUPS, 1.0)) == replace(
            before.rates, **dict.fromkeys(GROUPS, 1.0)
        )


def test_every_row_of_the_first_race_is_what_its_protocol_asks_and_counts_as_the_closed_form() -> None:
    rows = read_rows(Path(__file__).parents[2] / "bench" / "efficiency" / "rows.jsonl").values()
    bench = Bench(load_config("race"), Path("none"), print)
    for candidate in CANDIDATES:
        first = bench.configure(candidate, candidate.rates, 1e13 / 4, 0)
        asked = (candidate.name, 0, first.run.steps, asdict(first.rates))
        assert asked in [(row.candidate, row.seed, row.steps, row.rates) for row in rows]
    assert all(row.device == "cpu" and bench.closed(row) for row in rows)
    assert not any(bench.closed(replace(row, flop=row.flop + 1)) for row in rows)


def test_candidates_differ_only_as_they_say() -> None:
    bench = Bench(load_config("race"), Path("none"), print)
    made = {c.name: bench.configure(c, c.rates, 1e13, 1) for c in CANDIDATES}
    assert {c.model.family for c in made.values()} == {"llama", "mythos"}
    assert len({c.digest for c in made.values()}) == 3
    for name, config in made.items():
        same = replace(
            config, name="x", rates=Rates(), model=replace(config.model, family="mythos"), run=config.run
        )
        assert same.data == bench.base.data, name
        muon = name == "mythos"
        spent = config.run.steps * config.model.shape.step_flop(16, 256, muon=muon)
        assert spent == pytest.approx(1e13, rel=0.005)
    assert made["llama"].model.shape.matrix_parameters == made["mythos"].model.shape.matrix_parameters
    blocks = made["mythos"].model.shape.layers * sum(
        m * n for m, n in made["mythos"].model.shape.block_matrices
    )
    assert 1.0e6 <= blocks <= 1.6e6


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, corpus: Corpus) -> Config:
    text = tmp_path / "text.jsonl"
    text.write_text("".join(json.dumps(asdict(document)) + "\n" for document in corpus.documents))
    monkeypatch.setattr(race_module, "FACTORS", (0.5, 1.0))
    monkeypatch.setattr(race_module, "EXTENSIONS", 0)
    base = load_config(SMALL)
    return replace(
        base,
        data=replace(base.data, documents=str(text), evaluation_tokens=100),
        rates=replace(base.rates, reference_depth=2),
    )


def test_a_race_stops_and_goes_on(quick: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tmp_path / "rows.jsonl"
    told: list[str] = []
    found = race(Bench(quick, rows, told.append), PROTOCOLS[1], flop=2e9, seeds=1)
    assert len(told) == len(read_rows(rows))
    assert {len(found[name]) for name in ("baseline", "same_shape", "mythos")} == {3}
    assert {swept["runs"] for swept in found["sweep"].values()} == {4}, "1 + a step for each group"
    assert found["flop_ratio_at_equal_loss"] > 0
    assert found["counted_is_closed_form"] is True
    assert len(race_curves(found)) == 3
    assert json.loads(json.dumps(found)) == found

    kept = rows.read_bytes().splitlines(keepends=True)
    rows.write_bytes(b"".join(kept[:-1]) + kept[-1][:20])  # the last row was being written
    again: list[str] = []
    assert (
        race(Bench(quick, rows, again.append), PROTOCOLS[1], flop=2e9, seeds=1)["mythos"][-1]["bits"]
        == found["mythos"][-1]["bits"]
    )
    assert len(again) == 1
    assert [row.configuration for row in read_rows(rows).values()] == [
        json.loads(row)["configuration"] for row in kept
    ]

    def unasked(*_: object, **__: object) -> None:
        raise AssertionError("a finished run was run again")

    monkeypatch.setattr(rows_module, "train", unasked)
    third = race(Bench(quick, rows, unasked), PROTOCOLS[1], flop=2e9, seeds=1)
    assert third["baseline"] == found["baseline"]
    assert third["mythos"][-1]["flop"] == found["mythos"][-1]["flop"]


def test_a_run_that_diverges_loses_and_costs(
    quick: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(quick, tmp_path / "rows.jsonl", print)
    real = rows_module.train

    def diverges(*arguments: object, **named: object) -> None:
        real(*arguments, **named)  # pyright: ignore[reportArgumentType]
        raise TrainError("the loss is nan", code="not_finite")

    monkeypatch.setattr(rows_module, "train", diverges)
    (result,) = bench.measure(CANDIDATES[0], [(CANDIDATES[0].rates, 1e8, 0)])
    assert math.isinf(result.mean)
    assert result.flop > 0
    assert read_rows(tmp_path / "rows.jsonl")[result.configuration] == result


@pytest.mark.slow
def test_processes_side_by_side_find_what_one_finds_and_stop_in_time(quick: Config, tmp_path: Path) -> None:
    alone = race(Bench(quick, tmp_path / "alone.jsonl", print, "cpu"), PROTOCOLS[2], flop=1e9, seeds=1)
    rows = tmp_path / "rows.jsonl"
    with workers(2) as pool:
        over = Bench(quick, rows, print, "cpu", until=time.monotonic(), pool=pool)
        with pytest.raises(TrainError, match="the time is over"):
            race(over, PROTOCOLS[2], flop=1e9, seeds=1)
    assert read_rows(rows) == {}
    with workers(2) as pool:
        found = race(Bench(quick, rows, print, "cpu", pool=pool), PROTOCOLS[2], flop=1e9, seeds=1)
    assert len(read_rows(rows)) == len(rows.read_text().splitlines())
    assert not list((tmp_path / "rows.work").glob("*/run.0.ledger"))
    for name in ("baseline", "same_shape", "mythos"):
        assert [row["bits"] for row in found[name]] == [row["bits"] for row in alone[name]]
        assert [row["flop"] for row in found[name]] == [row["flop"] for row in alone[name]]
    assert found["sweep"] == alone["sweep"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_missed(quick: Config, tmp_path: Path) -> None:
    bench = Bench(quick, tmp_path / "rows.jsonl", print, "cuda")
    with pytest.raises(MachineError, match="no GPU"):
        bench.measure(CANDIDATES[0], [(CANDIDATES[0].rates, 1e8, 0)])


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n')
    with pytest.raises(InputError, match="line 1"):
        read_rows(path)
    path.write_text("not json\n")
    with pytest.raises(InputError, match="line 1"):
        read_rows(path)


def test_the_command_draws_and_prints(quick: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = [
        "race",
        str(SMALL),
        "--budget-flop",
        "2e9",
        "--seeds",
        "1",
        "--protocol",
        "1",
        "--rows",
        str(tmp_path / "r.jsonl"),
    ]
    arguments += ["--documents", quick.data.documents]
    done = CliRunner().invoke(
        train_command.command,
        [*arguments, "--svg", str(tmp_path / "r.svg"), "--json"],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert {"baseline", "mythos", "flop_ratio_at_equal_loss"} <= document.keys()
    assert (tmp_path / "r.svg").read_text().count("<polyline") == 3
