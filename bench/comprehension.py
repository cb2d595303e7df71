"""Reading with the hub's own model: JSQuAD and TAT-QA through `lm-eval` and the hub's OpenAI API.

    pip install lm-eval                                   # not a dependency of the product
    MYTHOS_API_KEY=... python bench/comprehension.py ../shared/vectors/data --hub URL [--count 100]

Each question comes with its context; the answer is compared after NFKC, without case, spaces and punctuation.
Exact match, and F1 over characters (Japanese) or words (English), the best of the answers that people gave.
Intervals are 95 %: Wilson's of the exact matches, lm-eval's standard error of F1. Nothing is fetched.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import tempfile
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

KEY = "MYTHOS_API_KEY"
ASKED = {
    "jsquad": "文章中の言葉だけで短く答えてください。\n\n文章: {context}\n\n質問: {question}\n答え:",
    "tatqa": "Answer briefly from the text.\n\nText: {context}\n\nQuestion: {question}\nAnswer:",
}


def jsquad(path: Path) -> list[dict[str, Any]]:
    """Questions to a paragraph each."""
    return [
        {"context": paragraph["context"].partition("[SEP]")[2].strip(), "question": qa["question"]}
        | {"answers": [answer["text"] for answer in qa["answers"]]}
        for article in json.loads(path.read_bytes())["data"]
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    ]


def tatqa(path: Path) -> list[dict[str, Any]]:
    """Questions whose answer is one stretch of a table or text; what must be computed is the planner's."""
    found: list[dict[str, Any]] = []
    for page in json.loads(path.read_bytes()):
        table = "\n".join(" | ".join(row) for row in page["table"]["table"])
        text = "\n".join([table, *(each["text"] for each in page["paragraphs"])])
        found += [
            {"context": text, "question": asked["question"], "answers": asked["answer"]}
            for asked in page["questions"]
            if asked["answer_type"] == "span"
        ]
    return found


def units(text: str) -> list[str]:
    """What is compared: characters of Japanese, words of English."""
    bare = re.sub(r"[^\w%.]+", " ", unicodedata.normalize("NFKC", text).lower()).strip(" .")
    return list(bare.replace(" ", "")) if re.search(r"[ぁ-ヿ一-鿿]", bare) else bare.split()


def scores(document: dict[str, Any], results: list[str]) -> dict[str, float]:
    """Exact match and F1 of the first line of an answer."""
    said = units(results[0].strip().partition("\n")[0])
    best = {"exact": 0.0, "f1": 0.0}
    for answer in document["answers"]:
        true = units(answer)
        common = (Counter(said) & Counter(true)).total()
        f1 = 2 * common / (len(said) + len(true)) if common else 0.0
        best = {"exact": max(best["exact"], float(said == true)), "f1": max(best["f1"], f1)}
    return best


def wilson(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share (1927), which is not empty where nothing was right."""
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * (share * (1 - share) / count + z * z / (4 * count * count)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def task(name: str, rows: list[dict[str, Any]], folder: Path) -> Any:
    """A task of lm-eval over rows in a file."""
    from lm_eval.api.task import ConfigurableTask

    path = folder / f"{name}.json"
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    metrics = [
        {"metric": metric, "aggregation": "mean", "higher_is_better": True} for metric in ("exact", "f1")
    ]
    return ConfigurableTask(
        config={
            "task": name,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": str(path)}},
            "test_split": "test",
            "output_type": "generate_until",
            "doc_to_text": lambda row: ASKED[name].format(**row),
            "doc_to_target": lambda row: row["answers"][0],
            "process_results": scores,
            "generation_kwargs": {"until": ["\n"], "max_gen_toks": 48, "do_sample": False},
            "metric_list": metrics,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--hub", default="http://127.0.0.1:8642")
    parser.add_argument("--model", default="default")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--longest", type=int, default=4_000, help="characters of a context")
    options = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
    os.environ["OPENAI_API_KEY"] = os.environ.get(KEY, "")
    from lm_eval import evaluator
    from lm_eval.models.openai_completions import LocalChatCompletion

    sets = {
        "jsquad": jsquad(options.data / "jglue/datasets/jsquad-v1.3/valid-v1.3.json"),
        "tatqa": tatqa(options.data / "tatqa/dataset_raw/tatqa_dataset_dev.json"),
    }
    model = LocalChatCompletion(
        base_url=f"{options.hub}/v1/chat/completions", model=options.model, num_concurrent=1, max_retries=1
    )
    with tempfile.TemporaryDirectory() as working:
        for name, rows in sets.items():
            fitting = [row for row in rows if len(row["context"]) <= options.longest]
            chosen = random.Random(1).sample(fitting, min(options.count, len(fitting)))
            found = evaluator.simple_evaluate(
                model=model, tasks=[task(name, chosen, Path(working))], apply_chat_template=True,
                bootstrap_iters=1_000, log_samples=False, verbosity="ERROR",
            )  # fmt: skip
            print(
                f"{name}: {len(chosen)} of {len(rows)} questions, contexts up to {options.longest} characters"
            )
            results = found["results"][name]
            low, high = wilson(results["exact,none"], len(chosen))
            print(f"  exact  {results['exact,none']:.3f}  ({low:.3f} to {high:.3f})")
            mean, wide = results["f1,none"], 1.96 * results["f1_stderr,none"]
            print(f"  f1     {mean:.3f}  ({max(0, mean - wide):.3f} to {min(1, mean + wide):.3f})")


if __name__ == "__main__":
    main()
