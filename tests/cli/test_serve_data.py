"""Which folders a hub answers from, and that what may be used there is decided anew, and never by a gap."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from mythos.cli import cli
from mythos.cli.serve_data import served
from mythos.cli.shared import Home
from mythos.errors import DataError, InputError

RECORD = "open.md: {source: intranet, licence: Apache-2.0, origin: JP, residency: ['*'], subject: none, opt_out: {robots: none, tdmrep: none, c2pa: none}}\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "company"
    made.mkdir()
    return made


@pytest.mark.parametrize(
    "items",
    [
        ["{}"], ["={}"], ["a="], ["A={}"], ["../x={}"], ["a b={}"], ["a" * 41 + "={}"], ["a={}", "a={}"],
        ["a={}/none"], ["a={}/file"],
    ],
)  # fmt: skip
def test_data_has_a_name_of_its_own_and_a_folder(items: list[str], folder: Path, home: Home) -> None:
    (folder / "file").touch()
    with pytest.raises(InputError):
        served([item.format(folder) for item in items], None, home, "host")


def test_names_lead_to_folders_wherever_the_hub_goes(
    folder: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    [one, other] = served(["company=company", "b-2=company"], None, home, "host")
    assert (one.name, one.folder, other.name) == ("company", folder, "b-2")
    assert one.rights() is None


def test_records_are_decided_anew_and_their_absence_allows_nothing(folder: Path, home: Home) -> None:
    records = folder / "records.yaml"
    records.write_text(RECORD, encoding="utf-8")
    with pytest.raises(InputError, match="region"):
        served([f"company={folder}"], None, home, "host")
    [data] = served([f"company={folder}"], "JP", home, "host")
    assert data.rights() == {"retrieve": [], "quote": []}
    adopt = ["data", "adopt", "--by", "Aoi Sato", "--as", "host", "--home", str(home.path)]
    assert CliRunner().invoke(cli, adopt, standalone_mode=False).exception is None
    assert data.rights() == {"retrieve": ["open.md"], "quote": ["open.md"]}
    records.write_text(RECORD.replace("licence: Apache-2.0, ", ""), encoding="utf-8")
    rights = data.rights()
    assert rights is not None
    assert "open.md" not in rights["retrieve"]
    records.write_text("open.md: 7\n", encoding="utf-8")
    with pytest.raises(DataError):
        data.rights()
    records.unlink()
    assert data.rights() == {}


def test_records_that_come_later_without_a_region_allow_nothing(folder: Path, home: Home) -> None:
    [data] = served([f"company={folder}"], None, home, "host")
    (folder / "records.yaml").write_text(RECORD, encoding="utf-8")
    assert data.rights() == {}
