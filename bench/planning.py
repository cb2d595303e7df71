"""How well a model fills the form of `mythos ask`, and a set of tasks that teaches it.

    python bench/planning.py make OUT.jsonl [--count 600]      # questions to made-up tables, with their forms
    python bench/planning.py measure [MODEL.gguf ...]          # the model alone plans what it never saw

`make` draws small companies of other trades than the group of the tests, writes their tables, asks in English
and Japanese, and keeps a question when the form that was meant passes the check of `mythos ask` itself: a
program knows each answer. Then `mythos adapt smollm2 --data OUT.jsonl` teaches a model. `measure` puts the
questions of the tests' group that the form can say to the model, with the plain planner off.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from mythos.errors import DataError
from mythos.synthesis.ask import answered
from mythos.synthesis.capture import capture
from mythos.synthesis.catalog import read_catalog
from mythos.synthesis.cell import Cells
from mythos.synthesis.lexicon import Lexicon
from mythos.synthesis.loop import (
    INSTRUCTIONS,
    MAX_TOKENS,
    checked,
    choices_of,
    fits_form,
    model_planner,
)
from mythos.synthesis.plan import Schema
from mythos.synthesis.planner import Refusal
from mythos.synthesis.reading import language_of, read
from mythos.synthesis.view import view_for

TODAY = date(2026, 4, 15)
TRADES = [
    json.loads(line) for line in (Path(__file__).parent / "planning_trades.jsonl").open(encoding="utf-8")
]
"""Tables with their names, numbers, splits and a date; none is a table of the tests' group."""
COMMON = (
    {"name": "amount", "en": "amount", "ja": "金額", "unit": "JPY"},
    {"name": "city", "en": "city", "ja": "都市", "values": ["Osaka", "Kobe", "Sendai"]},
)
"""Columns that several tables of a company have, so that the table must be chosen."""
VERBS = {
    "sum": (["total {m}", "the sum of {m}", "overall {m}"], ["{m}の合計", "合計{m}", "{m}の総計"]),
    "avg": (["average {m}", "the mean {m}", "the average of {m}"], ["平均{m}", "{m}の平均", "{m}の平均値"]),
    "count": (["how many {t}", "the number of {t}", "number of {t}"], ["{t}の件数", "{t}は何件", "{t}数"]),
    "max": (["the highest {m}", "the largest {m}", "maximum {m}"], ["最大の{m}", "{m}の最大値"]),
    "min": (["the lowest {m}", "the smallest {m}", "minimum {m}"], ["最小の{m}", "{m}の最小値"]),
}  # fmt: skip
SPLITS = ([" by {g}", " per {g}", " for each {g}"], ["{g}別の", "{g}ごとの", "各{g}の"])
WHERES = ([" for {v}", " of {v}", " in {v}"], ["{v}の", "{v}における"])
WHENS = ([" in {y}", " during {y}", " in FY{y}"], ["{y}年の", "{y}年度の"])
SHELLS = (
    ["What is {q}?", "{q}", "Show me {q}.", "Please give {q}.", "Tell me {q}", "{q}, please", "I need {q}."],
    ["{q}は?", "{q}", "{q}を教えてください", "{q}を見せて", "{q}が知りたい", "{q}を出してください"],
)


def named(node: dict) -> dict:
    """A name with its description in both languages."""
    return {"name": node.get("name"), "description": {"en": node["en"], "ja": node["ja"]}}


def company(draw: random.Random, folder: Path) -> None:
    """Two or three tables of some trades, as CSV with a catalogue."""
    tables, shared = [], draw.random() < 0.6
    for trade in draw.sample(TRADES, draw.choice([2, 3])):
        name, numbers, splits = trade["table"], [*trade["numbers"]], [*trade["splits"]]
        if shared:
            numbers.append(COMMON[0])
            splits.append(COMMON[1])
        columns = [{"name": "id", "type": "code"}]
        columns += [named(n) | {"type": "integer", "unit": n["unit"]} for n in numbers]
        columns += [named(n) | {"type": "code"} for n in splits]
        columns.append(named(trade["day"]) | {"type": "date"})
        tables.append(
            {"name": name, "file": f"{name}.csv", "format": "csv", "primary_key": ["id"], "columns": columns}
            | {"description": named(trade)["description"]}
        )
        rows = [",".join(c["name"] for c in columns)]
        for n in range(40):
            cells = [f"{name[:2]}{n}", *(str(draw.randrange(1, 900)) for _ in numbers)]
            cells += [draw.choice(n["values"]) for n in splits]
            rows.append(",".join([*cells, f"{draw.choice([2024, 2025])}-{draw.randrange(1, 13):02}-15"]))
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    tenants = [{"id": "t", "name": {"en": "Mine", "ja": "自社"}}]
    people = [{"id": "me", "tenant": "t", "roles": [], "limits": {}}]
    head = {"today": TODAY.isoformat(), "tenants": tenants, "people": people, "tables": tables}
    (folder / "catalog.yaml").write_text(json.dumps(head, ensure_ascii=False), encoding="utf-8")


def asked(draw: random.Random, view) -> tuple[str, dict]:
    """A question and the form that is meant."""
    table = draw.choice(view.tables)
    lang = draw.randrange(2)
    say = lambda words: (words.en, words.ja)[lang]  # noqa: E731
    operation = draw.choice(["sum", "sum", "avg", "avg", "count", "max", "min"])
    number = draw.choice([c for c in table.columns if c.type == "integer"])
    split = draw.choice([c for c in table.columns if c.type == "code" and c.name != "id"])
    spoken, owner = say(number.description), say(table.description)
    if number.name == "amount" or draw.random() < 0.2:
        spoken = f"{owner}の{spoken}" if lang else f"{spoken} of {owner}"
    phrase = draw.choice(VERBS[operation][lang]).format(m=spoken, t=owner)
    before, after = "", ""
    grouped = operation in {"sum", "avg", "count"} and draw.random() < 0.5
    trade = next(t for t in TRADES if t["table"] == table.name)
    parts = []
    if grouped:
        parts.append(draw.choice(SPLITS[lang]).format(g=say(split.description)))
    if draw.random() < 0.45:
        other = draw.choice([s for s in trade["splits"] if s["name"] != split.name])
        parts.append(draw.choice(WHERES[lang]).format(v=draw.choice(other["values"])))
    if draw.random() < 0.4:
        parts.append(draw.choice(WHENS[lang]).format(y=draw.choice([2024, 2025])))
    draw.shuffle(parts)
    if lang:
        before = "".join(parts)
    else:
        after = "".join(parts)
    question = draw.choice(SHELLS[lang]).format(q=before + phrase + after)
    measure = None if operation == "count" else f"{table.name}.{number.name}"
    group = f"{table.name}.{split.name}" if grouped else None
    return question, {"table": table.name, "operation": operation, "measure": measure, "group": group}


def make(out: Path, count: int, seed: int) -> None:
    """Write tasks until there are enough, and say how many questions were not understood."""
    draw, made, passed = random.Random(f"planning-{seed}"), [], Counter()
    while len(made) < count:
        with tempfile.TemporaryDirectory() as working:
            folder = Path(working) / "data"
            folder.mkdir()
            company(draw, folder)
            view = view_for(read_catalog(folder, today=TODAY), "me")
            schema = Schema({table.name: table for table in view.tables})
            with Cells(capture(view, Path(working) / "cache")) as cells:
                lexicon = Lexicon(view, cells)
                for _ in range(30):
                    question, form = asked(draw, view)
                    reading = read(question, lexicon, TODAY)
                    text = json.dumps(form)
                    try:
                        checked(text, reading, schema)
                    except DataError as error:
                        passed[error.message.split(" ")[-1]] += 1
                        continue
                    system = INSTRUCTIONS + choices_of(reading, schema).described(view)
                    turns = [("system", system), ("user", reading.text), ("assistant", text)]
                    messages = [{"role": role, "content": words} for role, words in turns]
                    made.append(
                        {"id": f"{seed}-{len(made)}", "language": language_of(question), "messages": messages}
                    )
    out.write_text("".join(json.dumps(m, ensure_ascii=False) + "\n" for m in made[:count]), encoding="utf-8")
    print(f"{count} tasks in {out}; {passed.total()} questions passed over")


def embedded(path: Path):
    """The engine's library with a model, as the hub runs it; what it was asked is counted."""
    from mythos.engines.llama import Llama, LoadOptions

    used: Counter = Counter()
    weights = os.open(path, os.O_RDONLY)
    listen = Path(tempfile.mkdtemp()) / "planner.sock"
    options = LoadOptions(context=8192, slots=1, batch=512)
    llama = Llama.start(weights, alias="planner", listen=str(listen), options=options)

    def complete(messages, schema):
        started, said = time.monotonic(), []
        body = {"messages": messages, "json_schema": schema, "temperature": 0, "max_tokens": MAX_TOKENS}
        llama.generate("chat", body, lambda piece: piece is not None and said.append(piece.text) is not None)
        used.update(calls=1, seconds=time.monotonic() - started)
        return "".join(said)

    return complete, used


def default_model() -> Path:
    """The model that `mythos up` serves."""
    from mythos.weights import resolve

    return resolve("smollm2", Path.home() / ".mythos" / "cache")


def measure(models: list[Path], count: int, halves: list[int], seed: int) -> None:
    """The same questions to each model, the plain planner off."""
    from tests.synthesis.group import records, schema
    from tests.synthesis.group.questions import questions
    from tests.synthesis.group.score import score

    group = records.make(seed)
    with tempfile.TemporaryDirectory() as working:
        folder = Path(working) / "group"
        records.write(group, folder)
        catalog = read_catalog(folder, today=schema.TODAY)
        chosen, askers = [], {}
        for half in halves:
            for question in questions(group, count=400, seed=seed, half=half):
                person = question.person.id
                if person not in askers:
                    view = view_for(catalog, person)
                    cells = Cells(capture(view, Path(working) / "cache"))
                    askers[person] = (view, cells, Lexicon(view, cells))
                view, cells, lexicon = askers[person]
                reading = read(question.text, lexicon, schema.TODAY)
                if question.expected.shape != "refusal" and fits_form(reading):
                    chosen.append((question, reading, view, cells))
        chosen = random.Random(seed).sample(chosen, min(count, len(chosen)))
        print(f"{len(chosen)} questions of the tests' group that the form can say, wordings {halves}")
        for path in models or [default_model()]:
            complete, used = embedded(path)
            planned, outcomes = model_planner(complete), Counter()
            for question, reading, view, cells in chosen:
                tables = Schema({table.name: table for table in view.tables})
                found = planned(reading, view, tables)
                if isinstance(found, Refusal):
                    outcomes["refused"] += 1
                    continue
                given = answered(found, tables, cells, reading.language)
                verdict = score(question, json.loads(json.dumps(given)), group)
                outcomes[
                    "right"
                    if verdict.outcome == "right"
                    else "refused"
                    if given["kind"] == "refusal"
                    else "wrong"
                ] += 1
            shares = ", ".join(f"{name} {outcomes[name]}" for name in ("right", "wrong", "refused"))
            tries, seconds = used["calls"] / len(chosen), used["seconds"] / used["calls"]
            print(f"{path.name}: {shares}; {tries:.2f} tries a question, {seconds:.1f} s each")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    actions = parser.add_subparsers(required=True, dest="action")
    making = actions.add_parser("make")
    making.add_argument("out", type=Path)
    making.add_argument("--count", type=int, default=600)
    making.add_argument("--seed", type=int, default=1)
    measuring = actions.add_parser("measure")
    measuring.add_argument("models", type=Path, nargs="*")
    measuring.add_argument("--count", type=int, default=100)
    measuring.add_argument("--halves", type=int, nargs="+", default=[1])
    measuring.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.action == "make":
        make(options.out, options.count, options.seed)
    else:
        measure(options.models, options.count, options.halves, options.seed)


if __name__ == "__main__":
    main()
