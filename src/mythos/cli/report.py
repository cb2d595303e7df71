"""`mythos report`: a file of questions answered in one document, every number and quote with its source."""

from __future__ import annotations

from datetime import date
from importlib.util import find_spec
from pathlib import Path

import click

from mythos.cli.ask_shared import decision, place_option
from mythos.cli.shared import Home, emit, home_option, json_option, say


@click.command()
@click.argument("file", metavar="QUESTIONS.md", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--data",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    help="A folder of tables and documents.",
)
@click.option("--as", "person", metavar="PERSON", help="Who asks: an id of `people` in catalog.yaml.")
@click.option(
    "--format", "kind", type=click.Choice(["md", "html"]), help="Default: as the name of --out ends."
)
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Written anew.")
@click.option(
    "--hub",
    metavar="URL",
    help="A hub whose model plans what the plain planner cannot; it sees names, no rows.",
)
@place_option
@home_option
@json_option
def command(
    file: Path,
    folder: Path,
    person: str | None,
    kind: str | None,
    out: Path,
    hub: str | None,
    region: str | None,
    home: Home,
    as_json: bool,
) -> None:
    r"""Answer every question of QUESTIONS.md in one report: Markdown, or one HTML page with charts.

    One question a line, in English or Japanese; lines with `#` are headings. Every cell and quote carries the
    number of its source; what cannot be answered is shown with its reason. Only PERSON may be meant to read
    the file: it is written for its owner alone (mode 0600).

    \b
    mythos report questions.md --data company --as aoi --out report.html
    mythos report 質問.md --data company --as aoi --format md --out report.md
    """
    from mythos.errors import InputError
    from mythos.files import private_folder, write_private
    from mythos.synthesis.ask import Asker
    from mythos.synthesis.draft import load_catalog
    from mythos.synthesis.pages import html, markdown
    from mythos.synthesis.report import questions, report
    from mythos.synthesis.sources import bounded_bytes
    from mythos.synthesis.view import view_for

    try:
        entries = questions(bounded_bytes(file).decode())
    except UnicodeDecodeError as error:
        raise InputError("the questions are not UTF-8", found=str(file)) from error
    today = date.today()  # noqa: DTZ011 (the asker's own day)
    catalog = load_catalog(folder, today=today)
    if out.exists() and out.samefile(file):
        raise InputError("the report would replace its questions", found=str(out))
    if catalog.everybody_sees_all and out.resolve().is_relative_to(folder.resolve()):
        raise InputError("the report would become one of the folder's documents", found=str(out))
    model = None
    if hub is not None:
        from mythos.synthesis.loop import hub_planner

        model = hub_planner(hub)
    view = view_for(catalog, person)
    decide = decision(folder, region, home, today)
    with Asker(view, cache=private_folder(home.cache / "ask"), model=model, decide=decide) as asker:
        made = report(entries, asker, view, say)
    kind = kind or ("html" if out.suffix.lower() in {".html", ".htm"} else "md")
    write_private(out, (html(made) if kind == "html" else markdown(made)).encode())
    if kind == "html" and any(a.chart for a in made.asked) and find_spec("vl_convert") is None:
        say("charts are left out; to have them: pip install 'mythos-hub[synthesis]'")
    answers = [{"question": a.question, "answer": a.found, "chart": a.chart} for a in made.asked]
    refused = sum(a.found["kind"] == "refusal" for a in made.asked)
    body = {"out": str(out), "format": kind, "asked": len(answers), "refused": refused, "answers": answers}
    line = f"{out}: {len(answers)} questions, {refused} refused, {len(made.notes)} sources"
    emit(body, as_json=as_json, line=line)
