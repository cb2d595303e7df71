"""A snapshot is whole or not there."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")
import torch

from mythos.errors import TrainError
from mythos.train.snapshot import latest_snapshot, save_snapshot


def save(folder: Path, step: int) -> None:
    save_snapshot(
        folder, step, {"model": {"w": torch.full((3,), float(step))}, "seconds": 1.5}, {"who": "me"}
    )


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    save(tmp_path, 7)
    found = latest_snapshot(tmp_path, pytest.fail)
    assert found is not None
    assert (found.step, found.facts["who"], found.state["seconds"]) == (7, "me", 1.5)
    assert found.state["model"]["w"].tolist() == [7.0, 7.0, 7.0]
    assert (tmp_path / "latest").read_text() == "step-00000007"


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    for step in (2, 4, 6, 10):
        save(tmp_path, step)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["latest", "step-00000006", "step-00000010"]


def test_an_empty_folder_holds_none(tmp_path: Path) -> None:
    assert latest_snapshot(tmp_path / "nothing", pytest.fail) is None


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


DAMAGE: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "the state cut": ("state.pt", cut),
    "a bit of the state": ("state.pt", flip),
    "no state": ("state.pt", Path.unlink),
    "the facts cut": ("facts.json", cut),
    "no facts": ("facts.json", Path.unlink),
    "empty facts": ("facts.json", empty),
    "other facts": ("facts.json", lambda path: path.write_text("[]")),
}


@pytest.mark.parametrize(("name", "damage"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_torn_one_falls_back_and_says_so(name: str, damage: Callable[[Path], Any], tmp_path: Path) -> None:
    save(tmp_path, 2)
    save(tmp_path, 4)
    damage(tmp_path / "step-00000004" / name)
    said: list[str] = []
    found = latest_snapshot(tmp_path, said.append)
    assert found is not None
    assert found.step == 2
    assert len(said) == 1
    assert "step-00000004 is torn" in said[0]
    damage(tmp_path / "step-00000002" / name)
    with pytest.raises(TrainError, match="no snapshot is whole"):
        latest_snapshot(tmp_path, said.append)


def test_a_draft_is_not_a_snapshot(tmp_path: Path) -> None:
    save(tmp_path, 2)
    (tmp_path / "step-00000002").rename(tmp_path / ".step-00000004.tmp")
    assert latest_snapshot(tmp_path, pytest.fail) is None
    save(tmp_path, 4)
    assert not (tmp_path / ".step-00000004.tmp").exists()


@pytest.mark.parametrize("call", range(6))
def test_a_full_disk_leaves_the_one_before(
    call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 2)
    real, calls = os.fsync, [0]

    def full(descriptor: int) -> None:
        calls[0] += 1
        if calls[0] > call:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainError, match="disk is full") as caught:
        save(tmp_path, 4)
    assert caught.value.code == "disk_full"
    monkeypatch.undo()
    found = latest_snapshot(tmp_path, pytest.fail)
    assert found is not None
    assert found.step == (2 if call < 3 else 4), "whole once it is renamed"
    assert not list(tmp_path.glob("*.tmp"))
    assert (tmp_path / "step-00000002").exists()
