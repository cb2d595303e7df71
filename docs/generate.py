"""Write docs/reference from the code; with --check, fail when a page is not what the code says.

Pages: every command's help, the tree of errors, the table of statements, the instruments of law.
"""

import ast
import importlib
import os
import sys
from pathlib import Path

os.environ["COLUMNS"] = "100"

import click

from mythos import errors
from mythos.cli import COMMANDS, cli

HERE = Path(__file__).parent / "reference"
SOURCE = Path(__file__).parents[1] / "src" / "mythos"
README = Path(__file__).parents[1] / "README.md"
MADE = "<!-- Made by docs/generate.py from the code; edit the code instead. -->\n\n"


def commands() -> str:
    """Every command with its help, groups opened."""
    parts = [
        "# Commands\n",
        "Exit status: 0 done; 1 not verified or refused; 2 wrong call or input; 3 broken.\n",
    ]

    def visit(command: click.Command, path: str) -> None:
        context = click.Context(command, info_name=path, max_content_width=100, terminal_width=100)
        parts.append(f"## {path}\n\n```text\n{command.get_help(context)}\n```\n")
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                child = command.get_command(context, name)
                if child is not None:
                    visit(child, f"{path} {name}")

    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        if command is not None:
            visit(command, f"mythos {name}")
    return "\n".join(parts)


def error_tree() -> str:
    """The tree of exceptions as their module draws it."""
    return f"# Errors\n\n```text\n{(errors.__doc__ or '').strip()}\n```\n"


def statements() -> str:
    """The table of statements, from the predicates."""
    page: str = importlib.import_module("mythos.evidence.predicates").table()
    return page


def dossier_fields() -> str:
    """Every field of the forms a dossier answers."""
    page: str = importlib.import_module("mythos.dossier.forms").table()
    return page


def instruments() -> str:
    """The instruments of law that travel with Mythos."""
    page: str = importlib.import_module("mythos.regimes.report").reference(
        importlib.import_module("mythos.regimes").shipped()
    )
    return page


PAGES = {
    "commands.md": commands,
    "dossier-fields.md": dossier_fields,
    "errors.md": error_tree,
    "instruments.md": instruments,
    "statements.md": statements,
}


def tree() -> str:
    """README's tree: every module with the first sentence of its docstring."""
    lines = ["<details><summary>Every module in one line</summary>\n", "```text"]
    for folder in sorted({path.parent for path in SOURCE.rglob("*.py")}):
        for path in sorted(folder.glob("*.py")):
            said = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0]
            sentence = " ".join(said.split()).split(". ")[0].rstrip(".")
            name = str(path.relative_to(SOURCE.parent)).removesuffix("__init__.py")
            lines.append(f"{name:44} {sentence[:110]}")
    return "\n".join([*lines, "```", "</details>"])


def readme() -> str:
    """README.md with its tree made anew."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition("<!-- tree:begin -->")
    after = rest.partition("<!-- tree:end -->")[2]
    return f"{before}<!-- tree:begin -->\n{tree()}\n<!-- tree:end -->{after}"


def main() -> int:
    """Write or check every page."""
    stale: list[str] = []
    if "--check" not in sys.argv:
        README.write_text(readme(), encoding="utf-8")
    elif README.read_text(encoding="utf-8") != readme():
        stale.append("README.md")
    for name, make in PAGES.items():
        text = MADE + make().rstrip() + "\n"
        path = HERE / name
        if "--check" in sys.argv:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"docs/reference is not what the code says: {', '.join(stale)}. Run: make docs")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
