"""Documentation is tested: links lead somewhere, and the README's output is what the command says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").rglob("*.md")])
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
