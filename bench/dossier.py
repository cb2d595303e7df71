"""A dossier of 10,000 acts: how long it takes to build (with the verification it rests on) and to show.

python bench/dossier.py [ACTS]
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.dossier.conftest import LATER, WEIGHTS, Story, make_policy, take

from mythos.dossier import build, render


def main(acts: int) -> None:
    story = Story()
    grant = story.live()
    for number in range((acts - len(story.entries)) // 2):
        story.receipts(number)
        story.lease(grant, number) if number % 20 == 0 else story.usage(number % 500)
    capture = take(story)
    start = time.perf_counter()
    dossier = build(make_policy(), capture, WEIGHTS, LATER)
    built = time.perf_counter()
    page = render(dossier, audience="all")
    shown = time.perf_counter()
    if dossier.problems:
        sys.exit(f"the dossier does not verify: {dossier.problems[0]}")
    print("| acts | dossier.json | build and verify | page | dossier.html | bound |")
    print("|---|---|---|---|---|---|")
    sizes = f"{len(dossier.evidence) / 1e6:.1f} MB"
    print(
        f"| {len(capture.entries):,} | {sizes} | {built - start:.2f} s | {shown - built:.2f} s "
        f"| {len(page.encode()) / 1e3:.0f} kB | 5 s |"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
