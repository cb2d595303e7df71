"""Bytes by digest in their country; a chain of entries that shows every change."""

import shutil
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.data import Place, decide, ledger
from mythos.errors import DataError

from .conftest import ON, OPEN


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


def test_nothing_leaves_without_a_decision_to_export_this_record(store, pack, monkeypatch):
    digest = store.put("JP", b"text")
    abroad = Place("JP", "US", third_party=True)
    refused = [
        decide(OPEN, "train", Place("JP", "JP"), pack, ON),
        decide(OPEN, "export", Place("JP", "SG", third_party=True), pack, ON),
        decide(replace(OPEN, source="another"), "export", abroad, pack, ON),
        replace(decide(OPEN, "export", abroad, pack, ON), outcome="needs_review"),
    ]
    opened = []
    monkeypatch.setattr(type(store), "get", lambda *a: opened.append(a))
    for decision in refused:
        with pytest.raises(DataError, match="may not leave") as error:
            store.move(digest, OPEN, decision)
        assert error.value.code == "export_refused"
    assert not opened
    assert not (store.root / "US").exists()
    monkeypatch.undo()
    store.move(digest, OPEN, decide(OPEN, "export", abroad, pack, ON))
    assert store.get("US", digest) == b"text"


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
