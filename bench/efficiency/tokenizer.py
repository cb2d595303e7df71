"""Bytes a token carries, ours against SmolLM2's, at equal vocabulary size, on held-out text.

    python bench/efficiency/tokenizer.py --documents corpus.jsonl --theirs SmolLM2-135M-Instruct.Q4_1.gguf

At equal vocabulary and equal body a token costs the same operations, head included, so operations per byte of
text stand in the inverse ratio of bytes per token. Prints one JSON document.
"""

import argparse
import json
import warnings
from pathlib import Path

from mythos.model import Tokenizer
from mythos.train import read_corpus


def main() -> None:
    """Train ours, read theirs, count both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", default="bundled")
    parser.add_argument("--theirs", type=Path, required=True, help="A GGUF file with a tokenizer.")
    parser.add_argument("--held-out", help="Text of another kind to count on. Default: held-out DOCUMENTS.")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(options.theirs.parent, gguf_file=options.theirs.name)
    vocab = len(theirs)
    training, held = read_corpus(options.documents).split(0.05)
    if options.held_out:
        held = list(read_corpus(options.held_out).documents)
    ours = Tokenizer.train((d.text for d in training), vocab)
    document: dict[str, object] = {"vocabulary": vocab}
    for language in ("ja", "en"):
        texts = [d.text for d in held if d.language == language]
        size = sum(len(text.encode()) for text in texts)
        mine = size / sum(len(ours.encode(text)) for text in texts)
        other = size / sum(len(theirs(text, add_special_tokens=False)["input_ids"]) for text in texts)
        document[language] = {
            "bytes": size,
            "bytes_per_token": round(mine, 3),
            "bytes_per_token_smollm2": round(other, 3),
            "ratio": round(mine / other, 3),
            "flop_per_byte_ratio": round(other / mine, 3),
        }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
