"""Two processes compute what one does, and count it together."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")

from mythos.compute import read, total
from mythos.train import Row

SPREAD = Path(__file__).parent / "spread_run.py"


def spread(out: Path, processes: int, how: str, steps: int, *, resume: bool = False) -> list[Row]:
    launcher = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        str(processes),
    ]
    command = launcher if processes > 1 else [sys.executable]
    ran = subprocess.run(
        [*command, str(SPREAD), str(out), how, str(steps), "resume" if resume else "new"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return [Row.from_line(line) for line in (out / "curve.jsonl").read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["ddp", "fsdp"])
def test_two_processes_do_what_one_does(how: str, tmp_path: Path) -> None:
    alone = spread(tmp_path / "alone", 1, "ddp", 6)
    both = spread(tmp_path / how, 2, how, 6)
    assert [row.loss for row in both] == pytest.approx([row.loss for row in alone], rel=2e-4)
    assert both[-1].bits == pytest.approx(alone[-1].bits, rel=2e-4)
    counted = total([tmp_path / how / f"run.{rank}.ledger" for rank in (0, 1)])[0]
    assert counted.model == read(tmp_path / "alone" / "run.0.ledger").effective.model
    said = [json.loads((tmp_path / name / "said.json").read_bytes()) for name in ("alone", how)]
    assert said[1]["flop"] == said[0]["flop"] == str(counted.model), "all processes, not the one that speaks"
    assert said[1]["tokens"] == said[0]["tokens"] == str(6 * 4 * 32)
    on = spread(tmp_path / how, 2, how, 6, resume=True)
    assert [row.loss for row in on] == [row.loss for row in both]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["ddp", "fsdp"])
def test_two_processes_resume_to_the_bit(how: str, tmp_path: Path) -> None:
    whole = spread(tmp_path / "whole", 2, how, 6)
    spread(tmp_path / "cut", 2, how, 6)
    newest = tmp_path / "cut" / "snapshots" / "step-00000006" / "state.pt"
    newest.write_bytes(b"")
    resumed = spread(tmp_path / "cut", 2, how, 6, resume=True)
    assert [row.loss for row in resumed] == [row.loss for row in whole]
    assert resumed[-1].bits == whole[-1].bits
