"""What `mythos up` asks again, and what it says of a model of one's own; its commands are not run."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mythos.cli import up
from mythos.cli.life import Life
from mythos.cli.shared import Home

WEIGHTS = f"sha256:{'4d' * 32}"


class Told(Life):
    """A life whose commands answer at once."""

    asked: list[tuple[str, ...]]
    spent: dict[str, Any]

    def command(self, *argv: str, show_progress: bool = False) -> dict[str, Any]:
        del show_progress
        self.asked.append(argv)
        match argv[:2]:
            case ("model", "fetch"):
                return {"path": "m.gguf", "bytes": 9, "digest": WEIGHTS, "weights": WEIGHTS, "name": "m"}
            case ("model", "identify"):
                return {"weights": WEIGHTS}
            case ("compute", "lineage"):
                return self.spent
            case _:
                return {"index": len(self.asked), "instruments": []}


@pytest.fixture
def life(tmp_path: Path) -> Told:
    home = Home(tmp_path)
    found = Told.of(home, Console(record=True, width=200))
    assert isinstance(found, Told)
    found.asked, found.spent = [], {"total": "7", "complete": True}
    return found


def test_facts_that_were_corrected_are_another_question(life: Told, tmp_path: Path) -> None:
    facts = tmp_path / "facts.yaml"
    indices: list[int] = []
    for text in ("modifier: true", "modifier: true", "modifier: true\nbase_flop: 1"):
        facts.write_text(text)
        up._become_known(life, "m.gguf", facts)
        indices.append(life.facts["determination"]["index"])
    assert [argv[:2] for argv in life.asked].count(("regimes", "determine")) == 2
    assert indices[0] == indices[1] != indices[2]


@pytest.mark.parametrize(
    ("spent", "said"),
    [
        ({"total": "1614180098731838275584", "complete": True}, "1614180098731838275584 FLOP"),
        ({"total": "7", "complete": False}, "unknown, and shown as unknown"),
    ],
)
def test_the_compute_of_a_model_of_ones_own_is_what_the_log_knows(
    life: Told, tmp_path: Path, spent: dict[str, Any], said: str
) -> None:
    life.spent = spent
    (tmp_path / "facts.yaml").write_text("modifier: true")
    up._become_known(life, "m.gguf", tmp_path / "facts.yaml")
    assert said in life.console.export_text()
