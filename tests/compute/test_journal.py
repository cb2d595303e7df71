"""Steps become records: by number, by phase, with their time, energy and bound."""

from pathlib import Path

import pytest

from mythos.compute import Ledger, read
from mythos.compute.hardware import CEILING, Energy, default_peak, host_peak
from mythos.compute.journal import Journal, Step
from mythos.errors import ComputeError, InputError


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += 10**9
        return self.now


def step(flop: int = 10, *, phase: str = "pretrain", steps: int = 1, tokens: int = 4) -> Step:
    return Step(
        phase, "train", tokens, ("sha256:aa",), steps, forward=flop, model_flop=3 * flop, spans=1,
        samples_generated=5, samples_kept=2,
    )  # fmt: skip


def test_a_record_for_every_few_steps_and_for_each_change_of_phase(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "run", run="r") as ledger:
        journal = Journal(ledger=ledger, every=2, clock=Clock(), peak=10**6, precision="bfloat16")
        for phase, steps in (("pretrain", 1), ("pretrain", 1), ("pretrain", 1), ("eval", 0), ("sft", 1)):
            journal.enter(step(phase=phase, steps=steps))
        journal.flush()
        head = journal.snapshot()
    works = [work for work, _ in read(tmp_path / "run").works]
    assert [(w.phase, w.steps, w.tokens, w.counts.forward) for w in works] == [
        ("pretrain", 2, 8, 20),
        ("pretrain", 1, 4, 10),
        ("eval", 0, 4, 10),
        ("sft", 1, 4, 10),
    ]
    assert sum(w.samples_generated for w in works) == 25
    assert {(w.precision, w.method, w.datasets) for w in works} == {("bfloat16", "replayed", ("sha256:aa",))}
    assert all(
        w.wall_ns > 0 and w.bound is not None and w.energy_method.startswith(("estimated", "rapl", "nvml"))
        for w in works
    )
    assert read(tmp_path / "run").head == head
    assert (journal.model_flop, journal.total.steps, set(journal.done)) == (
        120,
        4,
        {"pretrain", "eval", "sft"},
    )


def test_a_count_above_the_bound_stops_the_run(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "run", run="r") as ledger:
        journal = Journal(ledger=ledger, every=1, clock=Clock(), peak=5)
        with pytest.raises(ComputeError) as caught:
            journal.enter(step(100))
    assert caught.value.code == "impossible"


def test_totals_need_no_ledger() -> None:
    journal = Journal()
    journal.enter(step(7))
    journal.flush()
    assert journal.executed_flop == 7
    with pytest.raises(InputError, match="without a ledger"):
        journal.snapshot()
    for wrong in ({"every": 0}, {"devices": 0}, {"peak": 0}):
        with pytest.raises(InputError):
            Journal(**wrong)  # pyright: ignore[reportArgumentType]


def test_the_bound_of_a_host_and_of_anything_else() -> None:
    assert host_peak("flags: avx512f", 2) == 2 * 6 * 10**9 * 256
    assert host_peak("flags: amx_int8", 2) == 8 * host_peak("", 2)
    assert default_peak("cuda") == CEILING
    assert 10**9 < default_peak("cpu") < CEILING


def domain(root: Path, name: str, energy: int) -> None:
    (root / name).mkdir(parents=True, exist_ok=True)
    (root / name / "energy_uj").write_text(f"{energy}\n")
    (root / name / "max_energy_range_uj").write_text("1000\n")


def test_energy_is_read_where_it_can_be(tmp_path: Path) -> None:
    domain(tmp_path, "intel-rapl:0", 900)
    domain(tmp_path, "intel-rapl:1", 100)
    domain(tmp_path, "intel-rapl:0:0", 5)
    energy = Energy(rapl=tmp_path, clock=Clock())
    domain(tmp_path, "intel-rapl:0", 50)
    domain(tmp_path, "intel-rapl:1", 130)
    domain(tmp_path, "intel-rapl:0:0", 500)
    used, how = energy.take()
    assert how.startswith("rapl")
    assert used == 150 + 30, (
        "a counter that passed its range goes on from zero; a part of a package counts once"
    )


def test_energy_is_otherwise_estimated_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mythos.compute.hardware._nvml", lambda: None)
    energy = Energy(rapl=tmp_path, clock=Clock(), watts=30)
    assert energy.take() == (30_000_000, "estimated: 30 W")


def test_a_step_that_cannot_be_is_refused_before_it_runs() -> None:
    journal = Journal()
    for given in ({"tokens": -1}, {"phase": "evil"}, {"role": "evil"}):
        with pytest.raises(InputError, match="cannot be"):
            journal.new(**given)  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError):
        journal.new(tokens=1.5)  # pyright: ignore[reportArgumentType]


def test_many_datasets_make_more_records(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with Ledger.create(path, run="r") as ledger:
        journal = Journal(ledger=ledger, every=10_000, clock=Clock())
        for number in range(3000):
            made = step()
            made.datasets = (f"sha256:{number:064}",)
            journal.enter(made)
        journal.flush()
    works = [work for work, _ in read(path).works]
    assert sum(work.steps for work in works) == 3000
    assert len({name for work in works for name in work.datasets}) == 3000
