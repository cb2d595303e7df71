"""The rates of the access room, each beside the figure it must reach.

    python bench/access.py [PERSONS]

A population of made-up persons, 3,000 entities three levels deep, 30 overlapping directives. The command row
is the wall clock of the real command, from its start to the last line on disk. Exit status 1 below a figure.
"""

import gc
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.access import population

from mythos.access.batch import answer_lines
from mythos.access.countries import COUNTRIES
from mythos.access.decide import Decider, Plan
from mythos.access.directive import Directive
from mythos.access.directives import Directives
from mythos.access.lineage import Lineage, Model
from mythos.access.people import read_entities, read_persons
from mythos.units import Instant

AT = Instant.parse("2026-06-20T00:00:00Z")
MODEL = "mythos-5"


def people(rng, count, ids):
    """Persons with countries from the whole standard and a moment of verification of their own."""
    codes = sorted(COUNTRIES)
    for line in population.persons(rng, count, ids):
        for name in ("citizenships", "permanent_residencies"):
            if line.get(name) and rng.random() < 0.5:
                line[name] = rng.sample(codes, len(line[name]))
        minute, day = rng.randrange(60), rng.randrange(1, 29)
        line["verified_until"] = (
            f"2027-{rng.randrange(1, 13):02d}-{day:02d}T{rng.randrange(24):02d}:{minute:02d}:07Z"
        )
        yield line


def laws(rng, ids):
    """Thirty directives, all in force for the model at the instant asked about."""
    for law in population.directives(rng, 30, ids):
        law |= {
            "models": ["*"],
            "acts": ["access"],
            "ends": None,
            "supersedes": [],
            "effective": population.time(rng, 24),
        }
        yield law


def rate(count, action):
    gc.collect()
    start = time.perf_counter()
    action()
    return count / (time.perf_counter() - start)


def request_path(decider, persons):
    """Nanoseconds of single decisions, as a request takes them; the instant moves with every one."""
    taken = []
    for number, person in enumerate(persons):
        lo = AT.plus(number / 1000)
        hi = lo.plus(0.05)
        start = time.perf_counter_ns()
        decider.decide(person, MODEL, "access", lo, hi)
        taken.append(time.perf_counter_ns() - start)
    taken.sort()
    return taken[len(taken) // 2] / 1000, taken[len(taken) * 99 // 100] / 1000


def command(folder, count):
    out = folder / "out.jsonl"
    arguments = ["--model", MODEL, "--act", "access", "--at", str(AT), "--json"]
    where = ["--persons", "persons.jsonl", "--entities", "entities.jsonl", "--directives", "directives"]
    with out.open("wb") as file:
        full = [sys.executable, "-m", "mythos", "access", "decide", *arguments, *where]
        found = rate(count, lambda: subprocess.run(full, cwd=folder, stdout=file, check=True))
    if out.read_bytes().count(b"\n") != count:
        sys.exit("the command answered other persons")
    return found


def main(count: int) -> int:
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = population.entities(rng, 3_000)
        ids = [line["id"] for line in lines]
        (folder / "entities.jsonl").write_bytes(population.jsonl(lines))
        (folder / "directives").mkdir()
        for number, law in enumerate(laws(rng, ids)):
            (folder / "directives" / f"{number:02d}.yaml").write_bytes(population.document(law))
        (folder / "persons.jsonl").write_bytes(population.jsonl(people(rng, count, ids)))

        law = Directives.of(
            Directive.parse(path.read_bytes()) for path in sorted((folder / "directives").iterdir())
        )
        entities = read_entities((folder / "entities.jsonl").read_bytes())
        some = (folder / "persons.jsonl").read_bytes()[: 8 << 20].rpartition(b"\n")[0]
        plan = Plan(law, entities, Model.named(MODEL), "access", AT, AT)
        alone = rate(some.count(b"\n") + 1, lambda: answer_lines(some, plan, AT, where="persons"))
        persons = list(read_persons(some))[:20_000]
        p50, p99 = request_path(Decider(law, entities, Lineage()), persons)
        cold = Plan(law, entities, Model.named(MODEL), "access", AT, AT)
        closures = rate(len(persons), lambda: [cold.decide(person, AT) for person in persons])
        together = command(folder, count)
        start = time.perf_counter()
        for _ in range(100):
            Plan(law, entities, Model.named(MODEL), "access", AT, AT)
        compiled = (time.perf_counter() - start) * 10

    good = together >= 150_000 and p50 <= 20
    print("| what | measured | figure |")
    print("|---|---|---|")
    rows = f"| the command, {count:,} persons, {os.cpu_count()} cores | {together:,.0f} persons/s "
    print(rows + "| at least 150,000 |")
    print(f"| one process, start excluded | {alone:,.0f} persons/s | |")
    print(f"| decisions alone, from an empty store | {closures:,.0f} persons/s | |")
    print(f"| one request, p50 / p99 | {p50:.1f} / {p99:.1f} us | p50 at most 20 us |")
    print(f"| compiling the plan of a model | {compiled:.2f} ms | |")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
