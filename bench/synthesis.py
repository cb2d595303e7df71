"""Questions to a made-up bilingual group of companies, judged by an oracle that never reads a file.

    python bench/synthesis.py [--count 400] [--seeds 1 2 3] [--half 0|1|2|3] [--model MODULE:MAKER]
                              [--answer MODULE:FUNCTION] [--missed FILE.jsonl]

Each seed makes another group (12 tables, 60 documents, 3 companies, 13 people) and other questions, a quarter
of which must be refused. `--half` takes every other wording alone, so one half can be kept aside; 2 and 3
are the halves of another set of wordings, whose 3 nobody who works on the product reads.
`--model` names a function without arguments that makes the model; then both are shown, without and with it.
Figures: right of what can be answered, refused of what cannot, wrong numbers of all answers, and numerals
in texts that no cell holds. Exit status 1 below a figure.
"""

import argparse
import importlib
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.synthesis.group import records, schema
from tests.synthesis.group.questions import questions
from tests.synthesis.group.score import Verdict, score
from tests.synthesis.group.words import HALVES

from mythos.synthesis.catalog import read_catalog
from mythos.synthesis.view import view_for

OUTCOMES = ("right", "wrong", "refused rightly", "refused wrongly")


def run(seed: int, count: int, half: int | None, answer, model=None) -> list:
    """Ask every question of this seed: (question, answer, verdict) of each."""
    company = records.make(seed)
    done = []
    with tempfile.TemporaryDirectory() as working:
        folder = Path(working) / "group"
        records.write(company, folder)
        catalog = read_catalog(folder, today=schema.TODAY)
        for question in questions(company, count=count, seed=seed, half=half):
            view = view_for(catalog, question.person.id)
            try:
                found = answer(question.text, view, cache=Path(working) / "cache", model=model)
                verdict = score(question, json.loads(json.dumps(found)), company)
            except Exception as error:  # noqa: BLE001 (a defect of the product is counted, not the run's end)
                found = {"error": f"{type(error).__name__}: {error}"}
                verdict = Verdict("wrong", found["error"])
            done.append((question, found, verdict))
    return done


def table(done: list) -> None:
    """Counts and shares per kind and language."""
    counts: dict[tuple[bool, str, str], Counter] = {}
    for question, _, verdict in done:
        key = (question.expected.shape == "refusal", question.kind, question.lang)
        counts.setdefault(key, Counter())[verdict.outcome] += 1
    print(f"{'kind':28}{'lang':5}{'asked':>6}{'right':>8}{'wrong':>8}{'refused':>9}")
    for (refusal, kind, lang), found in sorted(counts.items()):
        total = found.total()
        right = found["refused rightly" if refusal else "right"]
        refused = found["refused rightly"] + found["refused wrongly"]
        print(
            f"{'- ' * refusal + kind:28}{lang:5}{total:6}{right / total:8.0%}"
            f"{found['wrong'] / total:8.0%}{refused / total:9.0%}"
        )


def figures(done: list) -> bool:
    """The figures that the room must reach; whether it does."""
    can = [v for q, _, v in done if q.expected.shape != "refusal"]
    cannot = [v for q, _, v in done if q.expected.shape == "refusal"]
    answered = [v for _, a, v in done if a.get("kind") == "answer"]
    refused = [v for v in cannot if v.outcome == "refused rightly"]
    rows = [
        ("right, of what can be answered", sum(v.outcome == "right" for v in can), len(can), 0.60, True),
        *(_of_language(lang, done) for lang in ("en", "ja")),
        ("refused, of what cannot be", len(refused), len(cannot), 0.98, True),
        ("  of these with a right reason", sum(v.reason_right for v in refused), len(refused), None, True),
        (
            "wrong answers, of all given",
            sum(v.outcome == "wrong" for v in answered),
            len(answered),
            None,
            False,
        ),
        ("wrong numbers, of all given", sum(v.wrong_number for v in answered), len(answered), 0.01, False),
        ("answers with unbound numbers", sum(bool(v.unbound) for _, _, v in done), len(done), 0, False),
        ("answers that leak", sum(bool(v.leaks) for _, _, v in done), len(done), 0, False),
        ("errors", sum("error" in a for _, a, _ in done), len(done), 0, False),
    ]
    reached = True
    for name, found, total, limit, least in rows:
        share = found / total if total else 0.0
        good = limit is None or (share >= limit if least else share <= limit)
        reached &= good
        wanted = "" if limit is None else f"{'at least' if least else 'at most'} {limit:.0%}"
        print(f"{name:34}{found:6} of {total:5}{share:9.2%}  {wanted}{'' if good else '  NOT REACHED'}")
    return reached


def _of_language(lang: str, done: list) -> tuple:
    can = [v for q, _, v in done if q.expected.shape != "refusal" and q.lang == lang]
    name = {"en": "English", "ja": "Japanese"}[lang]
    return f"  asked in {name}", sum(v.outcome == "right" for v in can), len(can), None, True


def _named(place: str):
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--half", type=int, choices=HALVES)
    parser.add_argument("--answer", default="mythos.synthesis.ask:answer")
    parser.add_argument("--model", help="MODULE:MAKER")
    parser.add_argument("--missed", type=Path, help="what was missed in the last run, a JSON object a line")
    options = parser.parse_args()
    answer = _named(options.answer)
    models = {"without a model": None} | (
        {"with the model": _named(options.model)()} if options.model else {}
    )
    done, reached = [], True
    for title, model in models.items():
        started, done = time.monotonic(), []
        for seed in options.seeds:
            done += run(seed, options.count, options.half, answer, model)
        print(f"{title}: {len(done)} questions in {time.monotonic() - started:.0f} s\n")
        table(done)
        print()
        reached = figures(done)
        print()
    if options.missed is not None:
        with options.missed.open("w", encoding="utf-8") as file:
            for question, found, verdict in done:
                if verdict.outcome not in {"right", "refused rightly"} or verdict.unbound or verdict.leaks:
                    file.write(json.dumps(line(question, found, verdict), ensure_ascii=False) + "\n")
    return 0 if reached else 1


def line(question, found, verdict) -> dict:
    """One missed question, for a person to read."""
    shown = "".join(str(p.get("text", p.get("shown"))) for p in found.get("parts", []))
    expected = question.expected
    return {
        "id": question.id, "kind": question.kind, "person": question.person.id, "question": question.text,
        "outcome": verdict.outcome, "why": verdict.why, "unbound": verdict.unbound, "leaks": verdict.leaks,
        "reason": found.get("reason", found.get("error")), "shown": shown,
        "expected": [[sorted(f)[:3], None if v is None else str(v)[:24]] for f, v in expected.entries]
        or list(expected.sentences) or sorted(expected.reasons),
        "sql": [ref["sql"] for ref in found.get("refs", {}).values() if "sql" in ref][:1],
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
