"""`mythos regimes`: which law applies, with the whole reasoning; cases, what-if, and rules of one's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click

from mythos.cli.shared import Home, as_option, emit, home_option, json_option, log_option, say

if TYPE_CHECKING:
    from mythos.regimes import Leg, Pack

OUTCOMES: Final = {
    "applies": "適用",
    "needs_fact": "事実不足",
    "needs_review": "要検討",
    "applies_not_enforced": "規定あり・執行なし",
    "compliance_pending": "遵守日前",
    "transition": "経過措置",
    "voluntary": "任意",
    "below_threshold": "閾値未満",
    "excluded": "適用除外",
    "out_of_scope": "対象外",
    "not_in_force": "効力なし",
}
SIGNS: Final = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤", "eq": "=", "ne": "≠", "in": "∈", "not_in": "∉"}
QUIET: Final = ("below_threshold", "excluded", "out_of_scope", "not_in_force")
BESIDE_FACTS: Final = frozenset({"name", "licence", "source", "route", "facts"})
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


def _to_day(_context: click.Context, parameter: click.Parameter, value: str | None) -> date | None:
    from mythos.regimes.scalar import day

    return None if value is None else day(value, f"--{parameter.name}")


def _day(name: str, *, required: bool = True, help_: str = "") -> Callable[[Any], Any]:
    return click.option(name, required=required, metavar="DATE", callback=_to_day, help=help_)


regimes_option = click.option(
    "--regimes", "folder", type=_FOLDER, help="A folder of your own instruments, shown beside the shipped."
)


def _pack(folder: Path | None) -> Pack:
    from mythos.regimes import shipped

    return shipped() if folder is None else shipped().with_folder(folder)


def _question(path: Path, route: str | None) -> tuple[dict[str, Any], list[Leg]]:
    """The facts and the legs of a file: facts alone, or `facts:` beside a `route:` and a name."""
    from mythos.errors import InputError
    from mythos.regimes import Leg
    from mythos.regimes.pack import load
    from mythos.regimes.shape import read

    body: dict[str, Any] = read(dict[str, Any], load(path), path.name)
    strangers = sorted(body.keys() - BESIDE_FACTS) if "facts" in body else []
    if strangers:
        expected = f"beside facts: only {', '.join(sorted(BESIDE_FACTS - {'facts'}))}"
        raise InputError(f"{path.name} is wrong", expected=expected, found=", ".join(strangers))
    facts: dict[str, Any] = read(dict[str, Any], body["facts"], "facts") if "facts" in body else body
    legs: list[Leg] = []
    for part in filter(None, str(route or (body.get("route") if "facts" in body else None) or "").split(",")):
        fields = part.strip().split(":")
        act = fields[2] if len(fields) == 3 else facts.get("transfer")
        if not 2 <= len(fields) <= 3 or not isinstance(act, str):
            raise InputError("a leg is wrong", expected="FROM:TO:weights|api|hardware|none", found=part)
        legs.append(Leg(fields[0], fields[1], act))
    for place, said in (("origin", {leg.from_ for leg in legs}), ("dest", {leg.to for leg in legs}),
                        ("transfer", {leg.act for leg in legs})):  # fmt: skip
        if legs and facts.get(place) is not None and said != {facts[place]}:
            say(f"mythos: the route replaces the fact {place} ({facts[place]}) in its legs")
    return facts, legs


@click.group(short_help="Which law applies, on a route, on a date.")
def command() -> None:
    r"""Which law applies to a model, on a route, on a date, with the whole reasoning.

    \b
    mythos regimes determine facts.yaml --on 2026-05-02
    mythos regimes determine facts.yaml --on 2026-05-02 --route US:JP:weights,JP:SG:api --json
    mythos regimes sweep facts.yaml --on 2026-05-02 --out sweep.svg
    """


@command.command()
@click.argument("facts", type=_FILE)
@_day("--on", help_="The day asked about.")
@click.option("--route", metavar="FROM:TO[:ACT],…", help="Legs; ACT is weights, api, hardware or none.")
@regimes_option
@click.option("--trace", is_flag=True, help="Print every line of reasoning.")
@click.option("--append", is_flag=True, help="Sign the determination and append it to the log.")
@click.option("--weights", metavar="DIGEST", help="With --append: the weights it is about.")
@click.option("--name", metavar="NAME", help="With --append: the model's name.")
@as_option("owner")
@home_option
@log_option
@json_option
def determine(
    facts: Path,
    on: date,
    route: str | None,
    folder: Path | None,
    trace: bool,
    append: bool,
    weights: str | None,
    name: str | None,
    party: str,
    home: Home,
    log: str | None,
    as_json: bool,
) -> None:
    r"""Every instrument over the facts on a day.

    FACTS.yaml names facts as `mythos regimes facts` prints them; what is absent is unknown. Exit status 0: a
    determination was reached, whatever it says.

    \b
    mythos regimes determine facts.yaml --on 2026-11-23 --trace
    mythos regimes determine facts.yaml --on 2026-11-23 --append --weights sha256:… --name my-model
    """
    from mythos.evidence.statement import canonical
    from mythos.regimes import determine as over_facts
    from mythos.regimes import determine_route
    from mythos.regimes.report import document
    from mythos.units import Digest

    pack = _pack(folder)
    stated, legs = _question(facts, route)
    found = determine_route(legs, stated, on, pack) if legs else over_facts(stated, on, pack)
    body = document(found, Digest.of(canonical(stated)))
    if append:
        body |= _append(body, legs, stated, home, party, log, weights, name)
    for stranger in body["unknown_facts"]:
        say(f"mythos: no rule reads the fact {stranger!r}: check its spelling (mythos regimes facts)")
    for said in body["contradictions"]:
        say(f"mythos: the facts contradict each other: {said}")
    if as_json:
        emit(body, as_json=True)
    else:
        _show(body, trace=trace)


def _append(
    body: dict[str, Any],
    legs: list[Leg],
    stated: dict[str, Any],
    home: Home,
    party: str,
    log: str | None,
    weights: str | None,
    name: str | None,
) -> dict[str, Any]:
    from mythos.cli.shared import act_once
    from mythos.errors import InputError
    from mythos.evidence.note import SigningKey
    from mythos.evidence.statement import Envelope, Subject, canonical
    from mythos.files import private_folder, read_private, write_private
    from mythos.regimes import Leg
    from mythos.regimes.report import act
    from mythos.units import Digest, Instant

    if weights is None or name is None:
        raise InputError("nothing to append to", expected="--weights DIGEST and --name NAME with --append")
    subject = Subject(name, Digest.parse(weights))
    said = [str(stated.get(fact) or "") for fact in ("origin", "dest", "transfer")]
    about = legs or ([Leg(said[0], said[1], said[2])] if all(said) else [])
    text = canonical(body)
    digest = Digest.of(text)
    path = private_folder(home.party(party) / "documents") / f"{digest.hex}.json"
    if not path.exists():
        write_private(path, text)

    def make() -> bytes:
        key = SigningKey.parse(read_private(home.key(party)).decode())
        return Envelope.sign(act(body, about, Instant.now()).statement(subject), key).to_bytes()

    appended = act_once(home, party, log, f"determination:{weights}:{digest}", make)
    leaf = f"sha256:{appended.leaf_hash.hex()}"
    return {"index": appended.index, "digest": leaf, "document": str(digest), "path": str(path)}


def _show(body: dict[str, Any], *, trace: bool) -> None:
    for leg in body["legs"] or [body]:
        place = f" {leg['from']} → {leg['to']} ({leg['act']})" if leg is not body else ""
        click.secho(f"{body['date']}{place}", bold=True)
        found = sorted(leg["instruments"], key=lambda one: list(OUTCOMES).index(one["outcome"]))
        for one in found:
            if trace or one["outcome"] not in QUIET:
                _show_one(one, trace=trace)
        for outcome in () if trace else QUIET:
            ids = [one["id"] for one in found if one["outcome"] == outcome]
            if ids:
                click.echo(f"  {OUTCOMES[outcome]} / {outcome}: {', '.join(ids)}")
    if body["unstated"]:
        click.echo(f"  記載なし・質問せず / not stated, and so not asked: {', '.join(body['unstated'])}")
    for bar in body["bars"]:
        what = ", ".join(bar["needs"] or bar["review"]) or bar["cite"]
        click.secho(f"  ✗ {bar['reason']} {bar['instrument']}: {what}", fg="red")
    if not body["bars"]:
        click.secho("  ✓ 妨げなし / nothing here stands in the way; this is not legal advice", fg="green")


def _show_one(one: dict[str, Any], *, trace: bool) -> None:
    own = " [利用者規則 / your rule]" if one["user"] else ""
    title = f"{one['title']['ja']} / {one['title']['en']}{own}"
    click.echo(f"  {OUTCOMES[one['outcome']]} / {one['outcome']}  {one['id']}  {title}")
    click.secho(f"      {one['cite']}  [{one['confidence']}]", dim=True)
    for en, ja in zip(one["obligations"], one["obligations_ja"], strict=True):
        click.echo(f"      · {ja} / {en}" if ja != en else f"      · {en}")
    for note in one["notes"]:
        click.secho(f"      注 / note: {note}", dim=True)
    for line in one["trace"] if trace else ():
        mark = {True: "✓", False: "✗", None: "?"}[line["held"]]
        sign = SIGNS.get(line["comparator"], line["comparator"])
        asked = f"{line['fact']} {line['saw']} {sign} {line['value']}".strip()
        click.secho(f"      {mark} {line['clause']}: {asked}  {line['words']}  ({line['cite']})", dim=True)


@command.command()
@click.argument("file", type=_FILE)
@regimes_option
@json_option
def cases(file: Path, folder: Path | None, as_json: bool) -> None:
    r"""Check a file of cases, variants included; exit status 1 when any fails.

    \b
    mythos regimes cases cases.yaml --json
    """
    from mythos.regimes import check
    from mythos.regimes.pack import load

    result = check(load(file), _pack(folder), file.name)
    for one in result["failed"]:
        variant = "" if one["variant"] is None else f" variant {one['variant']}"
        say(f"{one['case']}{variant}: {one['instrument']} is {one['got']}, expected {one['expected']}")
    emit(result, as_json=as_json, line=f"{result['passed']} of {result['checked']} outcomes as expected")
    if result["failed"]:
        sys.exit(1)


@command.command()
@click.argument("folder", type=_FOLDER)
@json_option
def lint(folder: Path, as_json: bool) -> None:
    r"""Check your own instruments (DIR/*.yaml) and their cases (DIR/cases/*.yaml).

    \b
    mythos regimes lint my-regimes
    """
    from mythos.regimes import lint as over_folder
    from mythos.regimes import shipped

    problems = over_folder(folder, shipped())
    emit({"problems": problems}, as_json=as_json, line="\n".join(problems) or "nothing is missing")
    if problems:
        sys.exit(1)


@command.command()
@click.argument("facts", type=_FILE)
@_day("--on", help_="The day of the compute panel.")
@_day("--from", required=False, help_="First day. Default: 2023-10-01.")
@_day("--to", required=False, help_="Last day. Default: 2028-01-01.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the picture (SVG).")
@regimes_option
@json_option
def sweep(
    facts: Path, on: date, out: Path | None, folder: Path | None, as_json: bool, **days: date | None
) -> None:
    r"""Draw which instruments bind one model over time and over compute.

    \b
    mythos regimes sweep facts.yaml --on 2026-11-23 --out sweep.svg
    """
    from mythos.files import write_atomic
    from mythos.regimes.picture import draw
    from mythos.regimes.sweep import own_compute
    from mythos.regimes.sweep import sweep as over

    stated, legs = _question(facts, None)
    if legs:
        stated = {**stated, "origin": legs[0].from_, "dest": legs[0].to, "transfer": legs[0].act}
    first, last = days["from"] or date(2023, 10, 1), days["to"] or date(2028, 1, 1)
    pack = _pack(folder)
    rows = over(stated, on, first, last, pack)
    if out is not None:
        name = str(stated.get("model_name") or facts.stem)
        title = f"{name}: which instruments bind / 適用法令"
        write_atomic(out, draw(rows, on, title, own_compute(stated, pack)).encode())
    table = {
        row.instrument.id: {
            "time": [{"from": span.says, "outcome": span.outcome} for span in row.time],
            "compute": [{"operations": span.says, "outcome": span.outcome} for span in row.compute],
        }
        for row in rows
    }
    lines = [
        f"{row.instrument.id}\n  "
        + "\n  ".join(f"{s.says:>14}  {s.outcome}" for s in (*row.time, *row.compute))
        for row in rows
        if row.alive
    ]
    picture = None if out is None else str(out)
    emit({"on": str(on), "instruments": table, "picture": picture}, as_json=as_json, line="\n".join(lines))


@command.command()
@_day("--from", help_="After this day.")
@_day("--to", help_="Until this day.")
@regimes_option
@json_option
def diff(folder: Path | None, as_json: bool, **days: date) -> None:
    r"""Say what changed in the instruments between two days.

    \b
    mythos regimes diff --from 2025-12-31 --to 2026-11-23
    """
    from mythos.regimes.sweep import changes

    found = [
        {"on": str(c.on), "instrument": c.instrument, "was": c.was, "becomes": c.becomes, "cite": c.cite}
        for c in changes(days["from"], days["to"], _pack(folder))
    ]
    lines = [
        f"{c['on']}  {c['instrument']}  {c['was'] or '·'} → {c['becomes']}  ({c['cite']})" for c in found
    ]
    emit({"changes": found}, as_json=as_json, line="\n".join(lines) or "nothing changed")


@command.command(name="list")
@regimes_option
@json_option
def list_(folder: Path | None, as_json: bool) -> None:
    """List every instrument, what it is, and until when it was verified."""
    pack = _pack(folder)
    found = [
        {
            "id": one.id,
            "title": {"en": one.title.en, "ja": one.title.ja or one.title.en},
            "jurisdiction": one.jurisdiction,
            "effect": one.effect,
            "verified_to": str(one.verified_to),
            "user": one.user,
        }
        for one in pack.instruments
    ]
    lines = [
        f"{one['id']:30} {cast('Any', one['title'])['ja']} / {cast('Any', one['title'])['en']}"
        for one in found
    ]
    emit({"instruments": found, "pack": str(pack.digest)}, as_json=as_json, line="\n".join(lines))


@command.command()
@regimes_option
@json_option
def facts(folder: Path | None, as_json: bool) -> None:
    """Print every fact a question may state, as a file to fill in; what stays null is unknown."""
    pack = _pack(folder)
    described = {
        name: {"type": fact.type, "one_of": list(fact.one_of), "en": fact.en, "ja": fact.ja}
        for name, fact in pack.vocabulary.items()
    }
    lines: list[str] = []
    for name, fact in pack.vocabulary.items():
        kind = " | ".join(fact.one_of) or fact.type
        lines.append(f"{name + ': null':34} # {kind}. {fact.en} / {fact.ja}")
    emit(json.loads(json.dumps(described)), as_json=as_json, line="\n".join(lines))
