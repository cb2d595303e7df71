"""Rules as dated data: every file is read whole or the pack is refused; an adoption is of exact bytes."""

import shutil
from datetime import date

import pytest

from mythos.data import Adoption, read_adoption, read_pack, shipped
from mythos.data.pack import HERE
from mythos.errors import DataError


def test_the_shipped_pack_takes_law_as_the_regimes_have_it():
    rules = shipped()
    assert [one.id for one in rules.instruments] == sorted(one.id for one in rules.instruments)
    assert {"JP-APPI-28", "JP-DATA-30-4", "DATA-RESIDENCY"} <= {one.id for one in rules.instruments}
    assert rules.adoption is None
    assert all(clause.cite and clause.confidence for one in rules.instruments for clause in one.clauses)


def test_one_byte_changes_the_digest_and_ends_the_adoption(tmp_path):
    folder = tmp_path / "jp"
    shutil.copytree(HERE / "jp", folder)
    assert read_pack(folder).digest == shipped().digest
    path = folder / "residency.yaml"
    path.write_text(path.read_text() + "# a word\n")
    changed = read_pack(folder)
    assert changed.digest != shipped().digest
    with pytest.raises(DataError, match="adopt again"):
        changed.adopted(Adoption(str(shipped().digest), "Aoi Sato", date(2026, 11, 25)))


@pytest.mark.parametrize(
    "name", ["no-head", "law-unknown", "fact-unknown", "clause-without-cite", "id-twice"]
)
def test_a_wrong_pack_is_refused(root, name):
    with pytest.raises(DataError):
        read_pack(root / "tests" / "bad" / "data" / "packs" / name)


def test_a_wrong_adoption_is_refused(tmp_path):
    path = tmp_path / "adoption.yaml"
    for text in ("", "pack: x\nby: y\n", "pack: x\nby: y\non: 2026-13-01\n", "- a\n"):
        path.write_text(text)
        with pytest.raises(DataError):
            read_adoption(path)
