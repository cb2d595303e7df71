"""The race's text: the recipe of `mythos data recipe`, as the one JSONL file that `mythos train` reads.

    python bench/efficiency/corpus.py --out corpus.jsonl             # permissive licences only
    python bench/efficiency/corpus.py --out corpus.jsonl --copyleft  # adds manuals under GPL and GFDL

Each line is {"id", "language", "licence", "text"}. A Japanese page and its English twin carry one id, so that
a split by id keeps both on one side.
"""

import argparse
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from mythos.data import recipe


def main() -> None:
    """Download, extract, clean, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--copyleft", action="store_true")
    parser.add_argument(
        "--english", type=float, help="At most so many bytes of English for each of Japanese, twins first."
    )
    parser.add_argument("--family", action="append", help="only this family, such as httpd; may be repeated")
    options = parser.parse_args()
    chosen = recipe.choose(copyleft=options.copyleft, families=options.family or ())
    with tempfile.TemporaryDirectory() as folder:
        corpus = recipe.gather(chosen, Path(folder), datetime.now(UTC).date(), print)
    if options.english is not None:
        corpus = recipe.balanced(corpus, options.english)
    with open(options.out, "w", encoding="utf-8") as out:
        for page in corpus.pages:
            licence = corpus.records[page.record].licence or "per page, see the package"
            line = {"id": page.id, "language": page.language, "licence": licence, "text": page.text}
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
    for key, size in recipe.sizes(corpus).items():
        print(f"{key:30} {size / 1e6:8.2f} MB")


if __name__ == "__main__":
    main()
