"""The room can be entered without torch; what needs it says so."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
sys.modules["torch"] = None
from mythos.errors import InputError
from mythos.model import Shape
assert Shape.of_depth(4, vocab=2048, seq_len=256).layers == 4
import mythos.model, mythos.train
from mythos.train import load_config
assert load_config("tiny").model.depth == 4
for room, name in ((mythos.model, "Mythos"), (mythos.model, "export_gguf"), (mythos.train, "train_tiny")):
    try:
        getattr(room, name)
    except InputError as error:
        assert "pip install 'mythos-hub[torch]'" in str(error), error
    else:
        raise SystemExit(f"{name} did not say what it needs")
try:
    mythos.model.nonsense
except AttributeError:
    print("ok")
"""


def test_without_torch() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.returncode) == ("ok\n", 0), ran.stderr


def test_every_public_name_is_there() -> None:
    pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")
    import mythos.model
    import mythos.train

    for room in (mythos.model, mythos.train):
        for name in room.__all__:
            assert getattr(room, name).__name__ == name
