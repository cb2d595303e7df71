"""The process of one question, as `mythos.hub.desk_start` starts it.

One JSON line in, one out; in between it may ask its hub for completions. Everything slow is loaded before the
question comes. `mythos.hub.desk` ends it after the answer and whenever the answer is cut; it ends by itself
when the hub does. Once it knows the question, it can reach that folder and that person's captures alone, and
no network unless a table is a database's.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from mythos.errors import DataError, MythosError
from mythos.files import private_folder
from mythos.hub.walls import around, no_sockets, of_databases
from mythos.synthesis.answers import refusal
from mythos.synthesis.ask import Asker, Decide
from mythos.synthesis.catalog import NAME, read_catalog
from mythos.synthesis.loop import MAX_TOKENS, model_planner
from mythos.synthesis.opened import opened
from mythos.synthesis.reading import language_of
from mythos.synthesis.search import words
from mythos.synthesis.terms import Catalog, View
from mythos.synthesis.view import view_for

_MOST: Final = 8 << 20
_RECORDS: Final = "records.yaml"


def work(*, walled: bool) -> None:
    """Answer one question, or check one folder.

    Args:
        walled: whether the kernel keeps this process from other files.
    """
    words("語")  # loads the dictionary, where there is one
    line = sys.stdin.readline()
    if not line:
        return
    asked = json.loads(line)
    if "check" in asked:
        _say(_checked(Path(asked["check"])) | {"walled": walled})
        return
    try:
        told: dict[str, Any] = {"answer": _answered(asked)}
    except MythosError as error:
        told = {"failed": error.code}
    _say(told)


def _checked(folder: Path) -> dict[str, Any]:
    try:
        catalog = _catalog(folder)
    except MythosError as error:
        return {"wrong": str(error)}
    return {"wrong": None} if catalog.people else {"wrong": "it lists no people"}


def _catalog(folder: Path) -> Catalog:
    return read_catalog(folder, today=date.today())  # noqa: DTZ011 (the day where the hub is)


def _answered(asked: dict[str, Any]) -> dict[str, Any]:
    folder, question, cache = Path(asked["folder"]), asked["question"], Path(asked["cache"])
    language = asked["language"] or language_of(question)
    catalog = _catalog(folder)
    if any(table.format == "postgresql" for table in catalog.tables):
        around([cache], [folder, *of_databases()])
    else:
        around([cache], [folder])
        no_sockets()
    view = _view(catalog, asked["person"])
    if view is None:
        for path in cache.iterdir():
            shutil.rmtree(path, ignore_errors=True)
        return refusal("not_permitted", language)
    kept = _kept(folder, cache)
    decide = _decide(asked["rights"])
    with Asker(view, cache=kept, model=model_planner(_complete), decide=decide) as asker:
        document = asker.answer(question, asked["language"])
        if asked["sources"]:
            document = document | {"sources": opened(document, view, asker.capture)}
        _tidy(kept, asker.capture.file.stem)
    return document


def _tidy(kept: Path, name: str) -> None:
    """Erase the captures but the one of this name, and the indexes but the newest: no old rows are kept."""
    indexes = sorted(kept.glob("*.index"), key=lambda path: path.stat().st_mtime)
    for path in indexes[:-1]:
        shutil.rmtree(path, ignore_errors=True)
    for path in kept.glob("*.*"):
        if path.is_file() and path.name != "digests.json" and not path.name.startswith(name):
            path.unlink()


def _view(catalog: Catalog, person: str) -> View | None:
    """The person's view; none of who is not listed. Nobody sees all for want of a list of people."""
    listed = any(one.id == person for one in catalog.people)
    return view_for(catalog, person) if listed else None


def _kept(folder: Path, cache: Path) -> Path:
    """Where this person's captures under exactly this catalogue are; those under others are erased."""
    digest = sha256()
    for name in (NAME, _RECORDS):
        path = folder / name
        digest.update(sha256(path.read_bytes() if path.is_file() else b"").digest())
    kept = cache / digest.hexdigest()[:32]
    for path in cache.iterdir():
        if path != kept:
            shutil.rmtree(path, ignore_errors=True)
    os.utime(cache)
    return private_folder(kept)


def _decide(rights: dict[str, list[str]] | None) -> Decide | None:
    if rights is None:
        return None
    files = {purpose: frozenset(listed) for purpose, listed in rights.items()}
    return lambda document, purpose: document.file in files.get(purpose, frozenset())


def _complete(messages: list[dict[str, str]], schema: dict[str, Any]) -> str:
    body = {"messages": messages, "json_schema": schema, "temperature": 0, "max_tokens": MAX_TOKENS}
    _say({"complete": body})
    told = json.loads(sys.stdin.readline())
    if "text" not in told:
        raise DataError("the model gave no plan", found=str(told.get("failed"))[:80])
    return told["text"]


def _say(document: dict[str, Any]) -> None:
    data = json.dumps(document)
    if len(data) > _MOST:
        data = json.dumps({"failed": "too_much"})
    sys.stdout.write(data + "\n")
    sys.stdout.flush()
