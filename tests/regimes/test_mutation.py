"""The project's own cases notice at least 95 of 100 mutants of the shipped rules."""

import importlib.util
import sys
from pathlib import Path
from typing import Any


def bench(root: Path) -> Any:
    path = root / "bench" / "regimes_mutation.py"
    spec = importlib.util.spec_from_file_location("regimes_mutation", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["regimes_mutation"] = module
    spec.loader.exec_module(module)
    return module


def test_mutants_are_noticed(root: Path) -> None:
    result = bench(root).run()
    assert result["mutants"] > 500
    assert result["stale_equivalents"] == []
    assert float(result["kill_rate"].removesuffix(" %")) >= 95, result["survivors"]


def test_the_shared_cases_alone_notice_fewer(root: Path, shared: Path, tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_bytes((shared / "regimes" / "cases.yaml").read_bytes())
    result = bench(root).run(tmp_path)
    assert 0 < float(result["kill_rate"].removesuffix(" %")) < 50
