"""The size at which the project stays readable: files, functions and rooms have a budget."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "mythos"

# Lines of code and text a room may hold. The sum is the budget of the whole package.
ROOMS = {
    "evidence": 4_800,
    "custody": 2_850,
    "hub": 5_000,
    "engines": 1_850,
    "access": 4_900,
    "regimes": 2_400,
    "watch": 1_000,
    "data": 4_100,
    "synthesis": 8_250,
    "model": 1_000,
    "train": 3_350,
    "compute": 3_600,
    "cli": 8_600,
    "console": 300,
    "services": 1_200,
    "dossier": 1_800,
    "weights": 1_000,
}


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_file_holds_one_idea(path: Path) -> None:
    assert lines(path) <= 400, f"{path.name} has {lines(path)} lines: it holds two ideas"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 90, f"{path.name}: {node.name} needs a scroll ({length} lines)"


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_stays_in_its_budget(room: str) -> None:
    total = sum(lines(path) for path in (SOURCE / room).rglob("*.py"))
    assert total <= ROOMS[room], f"{room} has {total} lines, {ROOMS[room]} are allowed"


def test_every_room_has_a_budget_and_an_essay() -> None:
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms == set(ROOMS)
    for room in rooms:
        essay = ast.get_docstring(ast.parse((SOURCE / room / "__init__.py").read_text(encoding="utf-8")))
        assert essay is not None, room
        assert len(essay) > 100, f"{room}/__init__.py is the essay that explains the room"
