import os
from pathlib import Path

import pytest

from mythos import files
from mythos.errors import FormatError, HomeError


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "head"
    files.write_atomic(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["head"]


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "owner.key"
    files.write_private(path, b"secret")
    assert files.read_private(path) == b"secret"
    path.chmod(0o640)
    with pytest.raises(HomeError, match="others may read") as caught:
        files.read_private(path)
    assert "chmod 600" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_key_has_a_bounded_size(tmp_path: Path) -> None:
    path = tmp_path / "owner.key"
    files.write_private(path, b"x" * 11)
    with pytest.raises(FormatError, match="too large"):
        files.read_private(path, limit=10)


def test_a_missing_key_is_a_home_error(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="cannot read"):
        files.read_private(tmp_path / "none")


def test_a_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    folder = files.private_folder(tmp_path / "a" / "b")
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    with pytest.raises(HomeError, match="others may enter"):
        files.private_folder(folder)


def test_a_file_in_the_way_of_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(HomeError, match="cannot make"):
        files.private_folder(tmp_path / "a" / "b")
