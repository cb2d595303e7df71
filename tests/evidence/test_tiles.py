"""The static files: which are needed, what they hold, and that readers never see one half-written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.evidence.merkle import TILE, Tree, leaf_hash, tile_path, unpack
from mythos.evidence.tiles import Disk, Projection, changed


def _needed(size):
    """Every file that tlog-tiles wants for a tree of this size, from its definition."""
    found, level = set(), 0
    while size >> 8 * level:
        count = size >> 8 * level
        found |= {(level, i, TILE) for i in range(count // TILE)}
        if count % TILE:
            found.add((level, count // TILE, count % TILE))
        level += 1
    return found | {(None, index, width) for lvl, index, width in found if lvl == 0}


@given(st.integers(0, 70_000), st.integers(0, 70_000))
def test_what_changed_and_what_was_there_is_what_is_needed(old, more):
    new = old + more
    assert _needed(new) <= _needed(old) | set(changed(old, new))
    assert set(changed(old, new)) <= _needed(new)
    assert set(changed(0, new)) == _needed(new)
    assert list(changed(new, new)) == []


def test_the_example_of_the_specification():
    files = set(changed(0, 70_000))
    by_level = {level: [w for lvl, _, w in files if lvl == level] for level in (0, 1, 2)}
    assert (by_level[0].count(TILE), min(by_level[0])) == (273, 112)
    assert sorted(by_level[1]) == [17, TILE]
    assert by_level[2] == [1]


@pytest.fixture
def entries():
    return [f"entry {i}".encode() for i in range(600)]


def _publish(projection, entries, *sizes):
    tree, old = Tree(map(leaf_hash, entries)), 0
    for size in sizes:
        projection.publish(tree, lambda start, end: entries[start:end], old, size, f"checkpoint {size}\n")
        old = size
    return tree


def test_tiles_and_bundles_hold_what_they_should(tmp_path, entries):
    projection = Projection(tmp_path)
    tree = _publish(projection, entries, 1, 255, 256, 300, 600)
    assert projection.read("checkpoint") == b"checkpoint 600\n"
    assert projection.read("tile/0/001") == b"".join(leaf_hash(e) for e in entries[256:512])
    assert unpack(projection.read("tile/entries/002.p/88") or b"") == entries[512:]
    assert projection.read("tile/1/000.p/2") == tree.subtree(8, 0, 2)
    assert tree.subtree(8, 0, 1) == Tree(map(leaf_hash, entries[:256])).root()


def test_partial_tiles_go_once_the_full_one_is_published(tmp_path, entries):
    projection = Projection(tmp_path)
    _publish(projection, entries, 3, 200)
    assert projection.read(tile_path(0, 0, 3)) is not None
    _publish(projection, entries, 3, 200, 256)
    assert not (tmp_path / "tile/0/000.p").exists()
    assert not (tmp_path / "tile/entries/000.p").exists()
    assert list(tmp_path.rglob("*.tmp")) == []


def test_the_checkpoint_is_replaced_last_and_the_tiles_are_durable_before(tmp_path, entries):
    done = []

    class Watched(Disk):
        def write(self, path, data, *, sync):
            done.append(("write", path.name.strip("."), sync))
            super().write(path, data, sync=sync)

        def rename(self, old, new):
            done.append(("rename", new.name, None))
            super().rename(old, new)

        def sync_folder(self, path):
            done.append(("sync-folder", path.name, None))
            super().sync_folder(path)

        def sync_all(self, path):
            done.append(("sync-all", path.name, None))
            super().sync_all(path)

    for sizes in ((3,), (600,)):
        done.clear()
        _publish(Projection(tmp_path, Watched()), entries, *sizes)
        last = [name for kind, name, _ in done if kind == "rename"][-1]
        assert last == "checkpoint"
        at = done.index(("rename", "checkpoint", None))
        before = done[:at]
        assert done[at + 1] == ("sync-folder", tmp_path.name, None)
        if ("sync-all", tmp_path.name, None) in before:
            assert before.index(("sync-all", tmp_path.name, None)) > max(
                i for i, d in enumerate(before) if d[0] == "rename"
            )
        else:
            assert all(sync for kind, _, sync in before if kind == "write")


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path, entries):
    class Full(Disk):
        def write(self, *_arguments, **_options):
            raise OSError(28, "No space left on device")

    _publish(Projection(tmp_path), entries, 5)
    projection = Projection(tmp_path, Full())
    with pytest.raises(OSError, match="No space left"):
        projection.publish(
            Tree(map(leaf_hash, entries)), lambda a, b: entries[a:b], 5, 600, "checkpoint 600\n"
        )
    assert projection.read("checkpoint") == b"checkpoint 5\n"


def test_a_missing_file_is_none(tmp_path):
    assert Projection(tmp_path).read("tile/0/000") is None
    assert Projection(tmp_path).read("..") is None
