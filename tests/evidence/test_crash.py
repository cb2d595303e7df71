"""Crashes: SIGKILL, and power cuts by models that forget what was not synced. bench/evidence.py runs many more."""

import pytest

from . import crashes
from .forgetful import ForgetfulDisk


def test_a_killed_writer_loses_and_doubles_nothing(tmp_path):
    assert crashes.killed(tmp_path, 4) > 0


def test_a_power_cut_leaves_a_projection_that_is_sound(tmp_path):
    assert crashes.unplugged(tmp_path, 150) == 150


def test_the_model_finds_a_projection_that_does_not_sync_folders(tmp_path):
    class NoFolders(ForgetfulDisk):
        def sync_folder(self, path):
            if path == self.root:
                super().sync_folder(path)

    assert crashes.unplugged(tmp_path, 150, disk=NoFolders) < 150


def test_the_model_finds_a_projection_that_does_not_sync_files(tmp_path):
    class NoFiles(ForgetfulDisk):
        def write(self, path, data, *, sync):
            super().write(path, data, sync=sync and path.name == ".checkpoint.tmp")

    assert crashes.unplugged(tmp_path, 150, disk=NoFiles) < 150


def test_a_power_cut_leaves_a_database_that_is_sound(tmp_path):
    assert crashes.forgotten(tmp_path, 40) == 40


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_the_model_finds_a_database_that_does_not_sync(tmp_path, monkeypatch, synchronous):
    monkeypatch.setattr("mythos.evidence.store._SYNC", synchronous)
    assert crashes.forgotten(tmp_path, 40) < 40
