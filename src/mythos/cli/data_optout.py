"""`mythos data opt-outs`: what robots.txt, TDMRep and C2PA said on the day of a copy, into its record."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from mythos.cli.data_shared import FILE, day_option
from mythos.cli.shared import emit, json_option

if TYPE_CHECKING:
    from mythos.data.optout import Captured

_ABSENT: Final = "absent"
_PLACES: Final = ("robots", "tdmrep", "headers", "page", "asset")


@click.command("opt-outs")
@click.argument("records", type=FILE)
@click.option("--record", "name", required=True, metavar="NAME", help="The record that the copy came under.")
@click.option("--url", required=True, metavar="URL", help="Of the copy.")
@click.option("--robots", metavar="FILE", help="/robots.txt, as captured; `absent`: the server has none.")
@click.option("--tdmrep", metavar="FILE", help="/.well-known/tdmrep.json, as captured, or `absent`.")
@click.option("--headers", metavar="FILE", help="Headers of the answer, as `curl -D FILE` writes them.")
@click.option("--page", metavar="FILE", help="The copy where it is HTML; `absent`: it is another kind.")
@click.option("--asset", metavar="FILE", help="The copy where it is a picture, sound or film, or `absent`.")
@day_option
@json_option
def opt_outs(records: Path, name: str, url: str, on: date, as_json: bool, **places: str | None) -> None:
    r"""Read opt-outs from what was captured with a copy, and write them into its record, with the day.

    Nothing is fetched. What was not captured stays unknown, and unknown is not allowed. RECORDS is written
    again as JSON, which is YAML; a reservation that stands in it stays.

    \b
    curl -sS -D head.txt -o page.html https://example.jp/a
    curl -sS -o robots.txt https://example.jp/robots.txt
    mythos data opt-outs records.yaml --record example --url https://example.jp/a --robots robots.txt \
      --tdmrep absent --headers head.txt --page page.html --asset absent
    """
    from mythos.data.admit import read_records
    from mythos.data.optout import Capture, read
    from mythos.errors import InputError
    from mythos.files import write_atomic

    known = read_records(records)
    if name not in known:
        raise InputError("no such record", expected=", ".join(sorted(known))[:200], found=name[:80])
    found = read(Capture(url, **{place: _captured(places[place]) for place in _PLACES}))
    known[name] = found.into(known[name], on)
    body = {key: one.document() for key, one in known.items()}
    write_atomic(records, json.dumps(body, ensure_ascii=False, indent=1).encode() + b"\n")
    told = {key: getattr(found.opt_out, key) for key in ("robots", "tdmrep", "c2pa")}
    evidence = [str(one) for one in found.evidence]
    said = ", ".join(f"{key}: {value or 'not known'}" for key, value in told.items())
    emit({"record": name, "opt_out": told, "on": str(on), "evidence": evidence}, as_json=as_json, line=said)


def _captured(value: str | None) -> Captured:
    from mythos.data.c2pa import LARGEST
    from mythos.data.optout import ABSENT, UNLOOKED
    from mythos.errors import InputError

    if value is None:
        return UNLOOKED
    if value == _ABSENT:
        return ABSENT
    try:
        with open(value, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise InputError(
            "no such capture", expected=f"a file, or {_ABSENT}", found=f"{value[:200]}: {error.strerror}"
        ) from error
    return data
