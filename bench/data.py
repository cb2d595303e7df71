"""The pipeline beside datatrove's MinHash, in one process and one run, over the same real pages.

    mythos data recipe --out manuals
    pip install --target DT --no-deps datatrove dill multiprocess loguru humanize 'xxhash<4' nltk regex
    python bench/data.py manuals/documents.jsonl --peer DT [--documents 20000]

Pages are cut into documents of about 800 characters; a share of them is planted again with a few words
changed. Time is CPU time of this process. Recall: of planted documents whose true Jaccard similarity (five
words) to their original is at least 0.7, how many were taken out. datatrove runs its four stages with its
default 14 x 8 hashes and a plain regular-expression tokenizer, which is quicker than the spaCy one it ships
with; ours runs every step (NFKC, language, quality, personal data, exact, near with each candidate verified).
"""

import argparse
import json
import random
import re
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa

from mythos.data.run import Pipeline, in_pool, process
from mythos.data.steps import COLUMNS, duplicates


def corpus(path: Path, count: int, seed: int) -> tuple[list[str], dict[int, int]]:
    """Documents of about 800 characters; {planted: original}."""
    draw, found = random.Random(seed), []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["language"] == "en":
            text = " ".join(row["text"].split())
            found += [text[n : n + 800] for n in range(0, len(text) - 800, 800)]
    draw.shuffle(found)
    found = found[: count * 9 // 10]
    planted = {}
    for n in draw.sample(range(len(found)), count - len(found)):
        words = found[n].split()
        for _ in range(draw.randrange(1, 8)):
            words[draw.randrange(len(words))] = "changed"
        planted[len(found)] = n
        found.append(" ".join(words))
    return found, planted


def ours(texts: list[str]) -> set[int]:
    """Every step of the pipeline, in this process; what it found to be a duplicate."""
    body = [{"id": f"{n:08}", "record": "r", "text": text} for n, text in enumerate(texts)]
    done = process(pa.Table.from_pylist(body, schema=pa.schema(COLUMNS)), Pipeline(), in_pool(1), b"salt")
    fates = zip(done.column("id").to_pylist(), done.column("removed").to_pylist(), strict=True)
    steps: dict[str, int] = {}
    gone = set()
    for name, step in fates:
        if step:
            steps[step] = steps.get(step, 0) + 1
        if step in {"exact", "near"}:
            gone.add(int(name))
    print("  removed by step:", steps)
    return gone


def theirs(texts: list[str], folder: str) -> set[int]:
    """datatrove: signatures, buckets, clusters, filter."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup.minhash import (
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.utils.word_tokenizers import WordTokenizer
    from loguru import logger

    class Plain(WordTokenizer):
        def word_tokenize(self, text: str) -> list[str]:
            return re.findall(r"\w+", text)

        def sent_tokenize(self, text: str) -> list[str]:
            return [text]

        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            return [(0, len(text))]

    logger.remove()
    config = MinhashConfig()
    documents = [Document(text=text, id=str(n)) for n, text in enumerate(texts)]
    MinhashDedupSignature(f"{folder}/sig", config=config, language=Plain()).run(iter(documents))
    for bucket in range(config.num_buckets):
        step = MinhashDedupBuckets(f"{folder}/sig", f"{folder}/buckets", config=config)
        step.run(rank=bucket, world_size=config.num_buckets)
    MinhashDedupCluster(f"{folder}/buckets", f"{folder}/remove", config=config).run()
    kept = {int(one.id) for one in MinhashDedupFilter(f"{folder}/remove").run(iter(documents))}
    return set(range(len(texts))) - kept


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("documents_file", type=Path)
    parser.add_argument("--peer", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=20_000)
    options = parser.parse_args()
    sys.path.append(str(options.peer))
    texts, planted = corpus(options.documents_file, options.documents, 7)
    sets = {n: duplicates.shingles(texts[n]) for pair in planted.items() for n in pair}
    true = {a for a, b in planted.items() if duplicates.jaccard(sets[a], sets[b]) >= duplicates.THRESHOLD}
    print(f"{len(texts)} documents, {len(planted)} planted, {len(true)} truly near")
    ours(texts[:200])  # models are loaded once
    with tempfile.TemporaryDirectory() as folder:
        for name, work in (("mythos, every step", ours), ("datatrove minhash", lambda t: theirs(t, folder))):
            start = time.process_time()
            gone = work(texts)
            seconds = time.process_time() - start
            found = {n for n in true if n in gone or planted[n] in gone}
            recall = len(found) / len(true)
            rate = f"{len(texts) / seconds:8.0f} documents/CPU-s"
            print(f"{name:20} {rate}  recall {recall:.3f}  removed {len(gone)}")


if __name__ == "__main__":
    main()
