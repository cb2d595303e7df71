"""`mythos ask`: a question to a folder's tables and documents; every number of the answer is a cell."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from mythos.cli.ask_shared import decision, place_option
from mythos.cli.shared import Home, emit, home_option, json_option


@click.command()
@click.argument("question")
@click.option(
    "--data",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    help="A folder of tables and documents.",
)
@click.option("--as", "person", metavar="PERSON", help="Who asks: an id of `people` in catalog.yaml.")
@click.option(
    "--hub",
    metavar="URL",
    help="A hub whose model plans what the plain planner cannot; it sees names, no rows.",
)
@place_option
@click.option("--show-sources", is_flag=True, help="Print the query or document of every part.")
@home_option
@json_option
def command(
    question: str,
    folder: Path,
    person: str | None,
    hub: str | None,
    region: str | None,
    show_sources: bool,
    home: Home,
    as_json: bool,
) -> None:
    r"""Answer QUESTION, in English or Japanese, from the tables and documents of a folder.

    Every number shown is a cell of the rows that PERSON may see, or computed from such cells, twice. What
    cannot be answered so is refused, with the reason: no_data, not_permitted, not_in_hub or cannot_plan.

    \b
    mythos ask "What were total sales in FY2024?" --data company --as aoi
    mythos ask "2024年度の地域別の売上は?" --data company --as aoi --show-sources
    mythos ask "How many orders were shipped in April 2025?" --data folder-of-csv --json
    """
    from mythos.files import private_folder
    from mythos.synthesis.ask import answer
    from mythos.synthesis.draft import load_catalog
    from mythos.synthesis.view import view_for

    model = None
    if hub is not None:
        from mythos.synthesis.loop import hub_planner

        model = hub_planner(hub)
    today = date.today()  # noqa: DTZ011 (the asker's own day)
    view = view_for(load_catalog(folder, today=today), person)
    decide = decision(folder, region, home, today)
    found = answer(question, view, cache=private_folder(home.cache / "ask"), model=model, decide=decide)
    emit(found, as_json=as_json, line=_line(found, sources=show_sources))


def _line(found: dict[str, Any], *, sources: bool) -> str:
    text = "".join(part.get("text") or part.get("shown", "") for part in found["parts"])
    if found["kind"] == "refusal":
        return (
            f"{text}\n  {found['reason']}: {found['why']}" if found["why"] else f"{text}\n  {found['reason']}"
        )
    lines = [text, f"  read as: {found['read_as']}"] if found["read_as"] else [text]
    if sources:
        for ref, source in found["refs"].items():
            place = (
                source.get("sql")
                or source.get("expression")
                or f"{source.get('file')} bytes {source.get('span')}"
            )
            lines.append(f"  {ref}: {place}")
    return "\n".join(lines)
