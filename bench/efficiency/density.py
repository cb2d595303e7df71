"""What a byte of weights buys: bits per byte of held-out text over the size of the file, for each precision.

    python bench/efficiency/density.py --theirs SmolLM2-135M-Instruct.Q4_1.gguf

Trains `tiny` as `mythos train tiny` does, exports it at every precision, reads each file back as an
adaptation would, and scores it on the held-out pages of the bundled text; `--theirs` is scored on the same
pages. Prints one JSON document: bytes of the file, bits per byte by language, perplexity per byte of text
(2 to that power), bytes that one token leaves in the cache at 16 bits.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, get_args

from mythos.model import Mythos, export_gguf
from mythos.model.gguf import Precision
from mythos.train import load_config, read_corpus, train
from mythos.train.adapt import load_base
from mythos.train.run import prepare_tokenizer
from mythos.train.score import score


def scored(path: Path, pages: list[Any], size: int) -> dict[str, Any]:
    """A file's row."""
    base = load_base(path)
    config = base.model.config
    found = score(base, pages, size=size, length=256)
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return {
        "file_bytes": path.stat().st_size,
        "bits_per_byte": {language: round(one.value, 4) for language, one in found.items()},
        "perplexity_per_byte": {language: round(2**one.value, 3) for language, one in found.items()},
        "cache_bytes_per_token": 4 * config.num_hidden_layers * config.num_key_value_heads * head,
    }


def main() -> None:
    """Train, export, score."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=0, help="Steps of tiny; 0: what its seconds allow.")
    parser.add_argument("--bytes", type=int, default=24_000, help="Of each language's held-out text.")
    parser.add_argument("--theirs", type=Path, help="A GGUF file to score on the same pages.")
    options = parser.parse_args()
    config = load_config("tiny")
    if options.steps:
        config = replace(config, run=replace(config.run, steps=options.steps, seconds=0.0, threads=1))
    corpus = read_corpus(config.data.documents)
    _, held = corpus.split(config.data.held_out)
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokenizer = prepare_tokenizer(config, corpus, folder)
        trained = train(config, corpus, tokenizer, folder)
        for precision in get_args(Precision):
            path = folder / f"{precision}.gguf"
            export_gguf(
                cast("Mythos", trained.model),
                tokenizer,
                path,
                name="tiny",
                licence="none",
                precision=precision,
            )
            rows[precision] = scored(path, held, options.bytes)
        rows["steps"] = trained.rows[-1].step
    if options.theirs:
        rows[options.theirs.stem] = scored(options.theirs, held, options.bytes)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
