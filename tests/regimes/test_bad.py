"""Every file of tests/bad/regimes is refused, and for the reason its first line names."""

from pathlib import Path
from typing import Any

import pytest

from mythos.errors import MythosError, RegimeError
from mythos.regimes import check, determine, shipped
from mythos.regimes.pack import load
from mythos.regimes.scalar import day
from mythos.regimes.shape import read

BAD = Path(__file__).parents[1] / "bad" / "regimes"
TODAY = day("2026-11-23", "today")


def reason(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# refused: ")


def files(kind: str) -> list[Path]:
    found = sorted((BAD / kind).glob("*.yaml"))
    assert found
    return found


@pytest.mark.parametrize("path", files("instruments"), ids=lambda p: p.stem)
def test_an_instrument_is_refused_with_its_place(path: Path) -> None:
    with pytest.raises(RegimeError) as caught:
        shipped().read(load(path), path.name)
    assert reason(path) in str(caught.value)
    assert path.name in str(caught.value)
    assert caught.value.exit_status == 2


@pytest.mark.parametrize("path", files("facts"), ids=lambda p: p.stem)
def test_facts_are_refused_with_the_reason(path: Path) -> None:
    with pytest.raises(MythosError) as caught:
        determine(read(dict[str, Any], load(path), path.name), TODAY, shipped())
    assert reason(path) in str(caught.value)
    assert caught.value.exit_status == 2


@pytest.mark.parametrize("path", files("cases"), ids=lambda p: p.stem)
def test_a_file_of_cases_is_refused_with_its_place(path: Path) -> None:
    with pytest.raises(RegimeError) as caught:
        check(load(path), shipped(), path.name)
    assert reason(path) in str(caught.value)
    assert path.name in str(caught.value)


def test_a_user_rule_never_overrides_a_shipped_one() -> None:
    with pytest.raises(RegimeError, match="stands twice"):
        shipped().with_folder(BAD / "folder-twice")


def test_nor_does_it_look_like_one(tmp_path: Path) -> None:
    own = next(path for path in sorted((Path(__file__).parent / "mine").glob("*.yaml")))
    lines = own.read_text().splitlines()
    (tmp_path / "own.yaml").write_text(
        "\n".join(["id: eu-gpai" if x.startswith("id:") else x for x in lines])
    )
    with pytest.raises(RegimeError, match="eu-gpai stands twice"):
        shipped().with_folder(tmp_path)


def test_a_document_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_text("id: " + "x" * (5 << 20))
    with pytest.raises(RegimeError, match="too large"):
        load(path)
