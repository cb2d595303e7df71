"""Documentation is tested: links lead somewhere, and the README's output is what the command says."""

import re
import shlex
from pathlib import Path

import click
import pytest

from mythos.cli import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").rglob("*.md")])
HOW_TO = sorted((ROOT / "docs" / "how-to").glob("*.md"))
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
STEPS = (
    "Model", "Identity", "Compute", "Determination", "Seal", "Approve and grant", "Release and lease", "Serve",
    "Receipt", "Dossier",
)  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_pages_speak_of_the_product_alone(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "/work/" not in text
    assert "/root/" not in text


def test_the_readme_shows_the_ten_steps() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = text.partition("<!-- up:begin -->")[2].partition("<!-- up:end -->")[0]
    for number, title in enumerate(STEPS, start=1):
        assert re.search(rf"^ ?{number}  {title}$", shown, re.MULTILINE), f"step {number}: {title}"


def commands(page: Path) -> list[list[str]]:
    """The `mythos` commands of a page, as a shell would split them."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (
        re.sub(r"^(\$ |[A-Z_]+=\S* )+", "", line.strip()) for line in text.splitlines() if line[:4] == "    "
    )
    found = [shlex.split(line, comments=True) for line in lines if re.match(r"mythos [a-z]", line)]
    return [words[1:] for words in found if not {"…", "..."} & set(words)]


def accept(argv: list[str]) -> None:
    """Parse as the command line would, without looking at what files are there."""
    context, found = click.Context(cli), cli
    while isinstance(found, click.Group):
        name, command, argv = found.resolve_command(context, list(argv))
        assert command is not None, name
        context, found = click.Context(command, parent=context, info_name=name), command
    given, left, _ = found.make_parser(context).parse_args(args=list(argv))
    missing = [p.name for p in found.params if p.required and given.get(p.name or "") is None]
    assert not left, f"too many: {left}"
    assert not missing, f"missing: {missing}"


@pytest.mark.parametrize("page", HOW_TO, ids=lambda p: p.name)
def test_the_commands_of_a_page_are_commands(page: Path) -> None:
    found = commands(page)
    assert found, "a how-to says what to type"
    for argv in found:
        try:
            accept(argv)
        except (click.UsageError, AssertionError) as error:
            pytest.fail(f"mythos {' '.join(argv)}: {error}")
