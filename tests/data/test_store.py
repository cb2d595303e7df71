"""Bytes by digest in their country; a chain of entries that shows every change."""

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.data import ledger
from mythos.errors import DataError


def test_bytes_come_back_or_the_change_is_told(store):
    digest = store.put("JP", b"text")
    assert store.get("JP", digest) == b"text"
    assert store.put("JP", b"text") == digest
    with pytest.raises(DataError, match="kept in another country"):
        store.get("US", digest)
    store.path("JP", digest).write_bytes(b"test")
    with pytest.raises(DataError, match="changed"):
        store.get("JP", digest)


@pytest.mark.parametrize("country", ["", "jp", "JPN", "..", "J/", "ＪＰ"])
def test_a_region_is_a_country(store, country):
    with pytest.raises(DataError):
        store.put(country, b"text")


def test_a_folder_that_was_renamed_or_links_to_another_country_is_refused(store, tmp_path):
    digest = store.put("JP", b"text")
    (store.root / "JP").rename(store.root / "US")
    with pytest.raises(DataError, match="not that of US") as error:
        store.get("US", digest)
    assert error.value.code == "region_refused"
    (store.root / "JP").symlink_to(store.root / "US")
    assert store.get("JP", digest) == b"text", "what the folder says counts, wherever its disk is"
    (store.root / "DE").symlink_to(store.root / "JP")
    with pytest.raises(DataError, match="not that of DE"):
        store.put("DE", b"text")
    (store.root / "FR").mkdir(mode=0o700)
    (store.root / "FR" / "blobs").mkdir()
    with pytest.raises(DataError, match="not that of FR"):
        store.region("FR")


def test_a_text_that_is_a_link_to_somewhere_else_is_not_read_nor_written_through(store, tmp_path):
    digest = store.put("JP", b"text")
    path = store.path("JP", digest)
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    for act in (
        lambda: store.get("JP", digest),
        lambda: store.put("JP", b"text"),
        lambda: store.deletable("JP", [digest]),
    ):
        with pytest.raises(DataError, match="is a link"):
            act()
    path.unlink()
    folder = path.parent
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(DataError, match="is a link"):
        store.put("JP", b"text")


def test_a_text_with_a_second_name_is_not_said_to_be_deleted(store, tmp_path):
    digest = store.put("JP", b"text")
    (tmp_path / "copy").hardlink_to(store.path("JP", digest))
    with pytest.raises(DataError, match="second name"):
        store.deletable("JP", [digest])
    (tmp_path / "copy").unlink()
    store.deletable("JP", [digest])


def test_what_a_crash_tore_is_written_again(store):
    digest = store.put("JP", b"text")
    for torn in (b"", b"te", b"tExt"):
        store.path("JP", digest).write_bytes(torn)
        assert store.put("JP", b"text") == digest
        assert store.get("JP", digest) == b"text"


def test_a_takedown_is_alone_and_says_so(store):
    with (
        store.held("JP"),
        store.held("JP"),
        pytest.raises(DataError, match="in use"),
        store.held("JP", alone=True),
    ):
        pass
    with store.held("JP", alone=True), pytest.raises(DataError, match="in use"), store.held("JP"):
        pass


def test_a_full_disk_leaves_the_ledger_whole(tmp_path, monkeypatch):
    path = tmp_path / "ledger.jsonl"
    ledger.append(path, "note", {"n": 0})
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        ledger.append(path, "note", {"n": 1})
    monkeypatch.undo()
    ledger.append(path, "note", {"n": 2})
    assert [entry["n"] for entry in ledger.entries(path)] == [0, 2]


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    path = tmp_path_factory.mktemp("ledger") / "ledger.jsonl"
    for n in range(4):
        ledger.append(path, "note", {"n": n})
    return path


def test_entries_come_back_in_order(chain):
    assert [entry["n"] for entry in ledger.entries(chain)] == [0, 1, 2, 3]


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_but_in_the_last_entry_is_found(chain, place, bit):
    data = bytearray(chain.read_bytes())
    last = data[:-1].rfind(b"\n")
    data[place % last] ^= 1 << bit
    copy = chain.with_name("flipped.jsonl")
    copy.write_bytes(data)
    with pytest.raises(DataError, match="broken"):
        list(ledger.entries(copy))


@pytest.mark.parametrize("damage", ["out", "swapped", "cut"])
def test_entries_taken_out_moved_or_cut_are_found(chain, tmp_path, damage):
    lines = chain.read_bytes().splitlines(keepends=True)
    kept = {
        "out": lines[:1] + lines[2:],
        "swapped": [lines[1], lines[0], *lines[2:]],
        "cut": [*lines[:3], lines[3][:-5]],
    }
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"".join(kept[damage]))
    with pytest.raises(DataError, match="broken"):
        list(ledger.entries(path))
    if damage == "cut":
        with pytest.raises(DataError, match="broken"):
            ledger.append(path, "note", {})


def test_a_text_that_is_gone_is_said_to_be(store):
    digest = store.put("JP", b"text")
    assert store.delete("JP", digest)
    assert not store.delete("JP", digest)
    with pytest.raises(DataError, match="taken down"):
        store.get("JP", digest)
    shutil.rmtree(store.root)
