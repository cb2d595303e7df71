"""The same run, started by Ray Train: what comes out, and what happens when a worker dies."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")

from mythos.errors import InputError
from mythos.train import Config

SMALL = Path(__file__).parent / "small.toml"


def test_without_ray_it_says_what_to_install(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mythos.train.cluster import run_on_ray

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match="ray"):
        run_on_ray(config, tmp_path, workers=2)


@pytest.mark.slow
def test_two_workers_of_ray_do_what_one_process_does(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="extra missing: pip install 'mythos-hub[ray]'")

    def trained(name: str, *more: str) -> dict[str, Any]:
        ran = subprocess.run(
            [sys.executable, "-m", "mythos", "train", str(SMALL), "--out", str(tmp_path / name), "--no-log",
             "--json", *more],
            capture_output=True, text=True, timeout=300, env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr[-3000:]
        return json.loads(ran.stdout)

    alone, both = trained("alone"), trained("ray", "--ray", "2")
    assert both["flop"] == alone["flop"]
    assert both["tokens"] == alone["tokens"]
    bits = [{name: float(value) for name, value in found["bits_per_byte"].items()} for found in (both, alone)]
    assert bits[0] == pytest.approx(bits[1], rel=2e-3)
    assert (tmp_path / "ray" / "run.1.ledger").exists()
