"""Recall of search on questions that others wrote: JSQuAD (Japanese) and TAT-QA (English tables and text).

    python bench/retrieval.py ../shared/vectors/data

Each context is one passage; a hit is the context that the question was written for. All questions are asked.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from mythos.synthesis.search import Index
from mythos.synthesis.terms import Passage
from mythos.units import Digest

Set = tuple[list[Passage], list[tuple[str, str]]]


def passage(name: str, text: str) -> Passage:
    """A whole context as one passage."""
    return Passage(name, "", None, Digest.of(text.encode()), 0, len(text.encode()), text)


def jsquad(path: Path) -> Set:
    """Contexts and (question, context) of a JSQuAD file."""
    held: dict[str, Passage] = {}
    asked: list[tuple[str, str]] = []
    for article in json.loads(path.read_bytes())["data"]:
        for paragraph in article["paragraphs"]:
            text = paragraph["context"]
            held.setdefault(text, passage(str(len(held)), text))
            asked += [(qa["question"], held[text].file) for qa in paragraph["qas"]]
    return list(held.values()), asked


def tatqa(path: Path) -> Set:
    """Contexts, tables written out row by row, and (question, context) of a TAT-QA file."""
    held: list[Passage] = []
    asked: list[tuple[str, str]] = []
    for number, context in enumerate(json.loads(path.read_bytes())):
        table = "\n".join(" | ".join(row) for row in context["table"]["table"])
        text = "\n".join([*(p["text"] for p in context["paragraphs"]), table])
        held.append(passage(str(number), text))
        asked += [(question["question"], str(number)) for question in context["questions"]]
    return held, asked


def measure(name: str, held: list[Passage], asked: list[tuple[str, str]], *, dictionary: bool) -> None:
    """Print recall at 1, 5 and 20, mean reciprocal rank, and times."""
    started = time.process_time()
    index = Index.of(held, dictionary=dictionary)
    indexed = time.process_time() - started
    started = time.process_time()
    ranks: list[int] = []
    for question, gold in asked:
        files = [hit.passage.file for hit in index.search(question, limit=20)]
        ranks.append(files.index(gold) + 1 if gold in files else 0)
    each = (time.process_time() - started) / len(asked) * 1000
    recall = " ".join(f"R@{k} {sum(0 < r <= k for r in ranks) / len(ranks):.3f}" for k in (1, 5, 20))
    reciprocal = sum(1 / r for r in ranks if r) / len(ranks)
    print(
        f"{name:28} {len(held):5} passages {len(asked):5} questions  {recall}  MRR {reciprocal:.3f}  "
        f"index {indexed:.1f} s  {each:.2f} ms a question",
        flush=True,
    )


def main(folder: str = "../shared/vectors/data") -> None:
    """Measure both sets."""
    root = Path(folder)
    japanese = jsquad(root / "jglue/datasets/jsquad-v1.3/valid-v1.3.json")
    english = tatqa(root / "tatqa/dataset_raw/tatqa_dataset_dev.json")
    measure("TAT-QA dev, words", *english, dictionary=False)
    measure("JSQuAD valid, bigrams", *japanese, dictionary=False)
    measure("JSQuAD valid, Sudachi", *japanese, dictionary=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
