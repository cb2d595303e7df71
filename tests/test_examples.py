"""The examples are programs that people run first: they must run."""

import subprocess
import sys
from pathlib import Path


def test_the_life_of_a_model_ends_with_a_flipped_byte_refused(root: Path, smollm2: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(root / "examples" / "life_of_a_model.py"), str(smollm2)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    facts = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert "the very weights: True" in facts["release"]
    assert "verified: True" in facts["dossier"]
    assert "verified: False" in done.stdout.splitlines()[-1]
