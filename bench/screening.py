"""Screening: names a second, recall on aliases a list gives itself, and recall and false hits per script.

    python bench/screening.py [ENTRIES]

The list is made up (seeded): names from syllables of five languages, with aliases as lists have them (words
in another order, initials, a transposed or lost letter). The other romanisations are `screening_names.tsv`:
public figures, written from general knowledge and not from the matcher's tables, but by its author; so those
figures flatter. False hits are the hits of 500 made-up names that are on no list.
"""

import csv
import random
import sys
import time
from collections import defaultdict
from pathlib import Path

from mythos.access.screening import Screen
from mythos.access.watchlist import Entry, Watchlist
from mythos.units import Digest

SYLLABLES = {
    "ja": "a ka sa ta na ha ma ya ra wa i ki shi chi ni hi mi ri u ku su tsu nu fu mu yu ru o ko so to no ho mo yo ro".split(),
    "zh": (
        "wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he lin gao luo zheng liang xie song "
        "tang han feng yu dong xiao cheng cao yuan deng fu shen zeng peng lü su lu jiang cai jia ding wei xue ye "
        "yan pan du dai xia zhong tian ren fan fang shi yao tan liao zou xiong jin hao kong bai cui kang mao qiu "
        "qin gu hou shao meng long wan duan qian min jun hua xiang ying ping ming hong mei na rui ze kai bo yi qing"
    ).split(),
    "ko": (
        "kim lee park choi jung kang cho yoon jang lim han oh seo shin kwon hwang ahn song ryu hong jeon ko moon "
        "son bae baek heo nam sim noh min jin ji eom chae won cheon bang kong hyun ham byun yeom yeo chu do so seok "
        "soo young jae hoon eun hye woo sung ho kyung mi sook joon seung ki dong tae hee in sang chul il gyu bin ah"
    ).split(),
    "ru": "iv pet sid al mik vas ser dmi ni ko and vik ol bor le gri pav tim zak rom ste fed kuz sok leb moroz".split(),
    "ar": "mu ha ma sa kha li fa ri ab du rah man yu suf ib ra him ka mal na sir ta riq ja mil za id".split(),
    "en": "har wil jo ed ric hen tho mas son ton ley ford man well by den cliff brook wood stone field gate".split(),
}  # fmt: skip
ENDINGS = {"ru": ["ov", "ev", "in", "sky", "enko"], "en": ["", "s", "er"]}
THRESHOLDS = (80, 84, 86, 90)


def word(rng, language):
    count = rng.choice([2, 3]) if language not in {"zh", "ko"} else rng.choice([1, 2])
    made = "".join(rng.choice(SYLLABLES[language]) for _ in range(count)) + rng.choice(
        ENDINGS.get(language, [""])
    )
    return made.capitalize()


def person(rng, language):
    return f"{word(rng, language)} {word(rng, language)}" + (
        f" {word(rng, language)}" if rng.random() < 0.15 else ""
    )


def alias(rng, name):
    words = name.split()
    match rng.randrange(4):
        case 0:
            return " ".join(reversed(words))
        case 1:
            return f"{words[-1]}, {' '.join(words[:-1])}".upper()
        case 2:
            i = rng.randrange(1, max(2, len(words[0]) - 1))
            return (
                " ".join([words[0][:i] + words[0][i + 1 :], *words[1:]])
                if len(words[0]) > 4
                else name.lower()
            )
        case _:
            return "-".join(words)


def made_list(count, known):
    rng = random.Random(7)
    entries, aliases = [], []
    for number in range(count - len(known)):
        name = person(rng, rng.choice(list(SYLLABLES)))
        other = alias(rng, name)
        aliases.append((other, str(number)))
        entries.append(Entry("made", str(number), (name, other), (), (), Digest.of(name.encode())))
    for number, name in enumerate(known):
        entries.append(Entry("known", str(number), (name,), (), (), Digest.of(name.encode())))
    return Watchlist(tuple(entries), Digest.of(b"made")), aliases


def main(count):
    rows = list(
        csv.DictReader(Path(__file__).with_name("screening_names.tsv").open(encoding="utf-8"), delimiter="\t")
    )
    watchlist, aliases = made_list(count, [row["listed"] for row in rows])
    start = time.perf_counter()
    screen = Screen(watchlist)
    built = time.perf_counter() - start
    rng = random.Random(11)
    sample = rng.sample(aliases, 1_000)
    start, cpu = time.perf_counter(), time.process_time()
    found = sum(
        any(hit.entry.id == identity and hit.entry.source == "made" for hit in screen.search(name))
        for name, identity in sample
    )
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(f"{count:,} entries, index built in {built:.1f} s")
    print("| what | measured | figure |\n|---|---|---|")
    print(f"| names a second, one process, wall / CPU | {1000 / wall:.0f} / {1000 / cpu:.0f} | 200 |")
    print(f"| recall on aliases the list gives | {found / 1000:.3f} | 0.98 |\n")
    strangers = [person(random.Random(f"stranger {i}"), rng.choice(list(SYLLABLES))) for i in range(500)]
    hits = {name: screen.search(name, threshold=min(THRESHOLDS)) for name in strangers}
    false = {
        t: sum(sum(h.score >= t for h in found) for found in hits.values()) / len(hits) for t in THRESHOLDS
    }
    recall = defaultdict(lambda: defaultdict(list))
    missed = []
    for number, row in enumerate(rows):
        for other in row["others"].split("|"):
            scores = [
                h.score
                for h in screen.search(other, threshold=min(THRESHOLDS))
                if h.entry.key == ("known", str(number))
            ]
            kind = row["script"] + (" Latin" if other.isascii() or other[0].isascii() else " native")
            for threshold in THRESHOLDS:
                recall[kind][threshold].append(bool(scores and scores[0] >= threshold))
            if not scores:
                missed.append(f"{row['listed']} / {other}")
    print("| other romanisations and scripts | queries | " + " | ".join(f"at {t}" for t in THRESHOLDS) + " |")
    print("|---|---|" + "---|" * len(THRESHOLDS))
    for kind, by in sorted(recall.items()):
        print(
            f"| {kind} | {len(by[THRESHOLDS[0]])} | "
            + " | ".join(f"{sum(by[t]) / len(by[t]):.2f}" for t in THRESHOLDS)
            + " |"
        )
    every = {t: [x for by in recall.values() for x in by[t]] for t in THRESHOLDS}
    print(
        f"| all | {len(every[THRESHOLDS[0]])} | "
        + " | ".join(f"{sum(every[t]) / len(every[t]):.3f}" for t in THRESHOLDS)
        + " |"
    )
    print("| false hits a query | 500 | " + " | ".join(f"{false[t]:.2f}" for t in THRESHOLDS) + " |")
    print("\nmissed at the lowest threshold:", "; ".join(missed))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
