"""The room can be entered without torch; what it exports is what it says; its guide names files that exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import mythos.compute

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys
sys.modules["torch"] = None
import mythos.compute as room, mythos.compute.lineage, mythos.compute.declare, mythos.cli.compute
assert room.estimate({"params": 10}, 5, "6nd").flop == 300
try:
    room.ComputeMeter
except ImportError:
    print("ok")
"""


def test_everything_but_the_meter_works_without_torch() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("ok\n", "")


def test_every_exported_name_is_there() -> None:
    pytest.importorskip("transformers", reason="extra missing: pip install transformers")
    assert all(getattr(mythos.compute, name) is not None for name in mythos.compute.__all__)
    with pytest.raises(AttributeError):
        _ = mythos.compute.nothing  # pyright: ignore[reportAttributeAccessIssue]


def test_the_guide_names_examples_that_exist() -> None:
    guide = (ROOT / "docs" / "how-to" / "meter-a-training-run.md").read_text()
    named = set(re.findall(r"`(\w+\.py)`", guide))
    assert named == {path.name for path in (ROOT / "examples" / "metering").glob("*.py")}
