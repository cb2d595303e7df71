"""Made-up persons, entities three levels deep and overlapping directives, from one seed.

Everything is plain data as it stands in the files, so that the oracle and the room each read it their way.
Codes are drawn from a few countries on purpose: everything must collide with everything.
"""

import json
from datetime import UTC, datetime, timedelta

CODES = ("US", "CN", "HK", "JP", "GB", "DE", "IR", "KR")
AUTHORITIES = ("us-bis", "jp-meti", "operator")
MODELS = ("mythos-5", "fable-5", "sha256:" + "ab" * 32)
START = datetime(2026, 6, 1, tzinfo=UTC)
HOURS = 24 * 40
LISTS = ("annex-a", "annex-b")


def time(rng, hours=None):
    moment = START + timedelta(hours=rng.randrange(HOURS) if hours is None else hours)
    if rng.random() < 0.3:
        shift = rng.choice((-4, 9))
        text = (moment + timedelta(hours=shift)).replace(tzinfo=None).isoformat()
        return f"{text}{shift:+03d}:00"
    return moment.isoformat().replace("+00:00", "Z")


def who(rng, depth=0):
    word = rng.choice(
        ("foreign_person_of", "citizen_of", "located_in", "entity_in", "headquartered_in", "any")
        + (("all_of", "any_of", "not") * 2 if depth < 3 else ())
    )
    if word == "any":
        return {"any": True}
    if word == "foreign_person_of":
        return {word: rng.choice(CODES)}
    if word == "entity_in":
        return {word: rng.choice(LISTS)}
    if word == "not":
        return {word: who(rng, depth + 1)}
    if word in ("all_of", "any_of"):
        return {word: [who(rng, depth + 1) for _ in range(rng.randint(1, 3))]}
    return {word: rng.sample(CODES, rng.randint(1, 3))}


def entities(rng, count):
    """Top companies, their children and grandchildren; some chains are unknown, one parent is a ghost."""
    lines = []
    for number in range(count):
        level = number % 3
        parent = rng.choice(lines)["id"] if level and lines else "none"
        line = {"id": f"e{number}", "name": f"Entity {number}"}
        line["headquartered_in"] = rng.choice((*CODES, None))
        line["parent"] = rng.choice((parent,) * 8 + (None, "ghost"))
        if rng.random() < 0.05:
            del line[rng.choice(("headquartered_in", "parent"))]
        lines.append(line)
    return lines


def persons(rng, count, entity_ids):
    for number in range(count):
        line: dict[str, object] = {"id": f"p{number}"}
        for name in ("citizenships", "permanent_residencies", "protected_in"):
            line[name] = rng.choice(
                (None, [], rng.sample(CODES, 1), rng.sample(CODES, 1), rng.sample(CODES, 2))
            )
        line["entity"] = rng.choice((None, "none", "ghost", *rng.sample(entity_ids, 3)))
        line["located_in"] = rng.choice((None, *CODES))
        line["verified_until"] = rng.choice((None,) + (time(rng),) * 3 + ("2027-01-01T00:00:00Z",) * 6)
        yield {name: known for name, known in line.items() if known is not None or rng.random() < 0.5}


def directives(rng, count, entity_ids):
    made = []
    for number in range(count):
        authority = rng.choice(AUTHORITIES)
        effect = rng.choice(("refuse", "refuse", "allow"))
        same = [d for d in made if d["authority"] == authority]
        directive = {
            "id": f"d{rng.randrange(100):02d}-{number}",
            "authority": authority,
            "kind": rng.choice(("is-informed", "licence", "order", "policy")),
            "effective": time(rng, rng.choice((None, 24, 48, 72))),
            "ends": rng.choice((None, None, time(rng))),
            "models": rng.choice((["*"], [MODELS[0]], list(MODELS[:2]), [MODELS[2]])),
            "acts": rng.choice((["access"], ["transfer"], ["access", "transfer"])),
            "who": who(rng),
            "effect": effect,
            "supersedes": [d["id"] for d in rng.sample(same, min(len(same), rng.choice((0, 0, 1, 2))))],
            "narrows": True,
            "lists": {name: rng.sample(entity_ids, min(5, len(entity_ids))) for name in LISTS},
            "cite": rng.choice((None, f"Order {number} § 1")),
            "text": rng.choice(("read", "reported", "confidential")),
        }
        if effect == "allow":
            refusals = [d["id"] for d in same if d["effect"] == "refuse"]
            directive["lifts"] = rng.sample(refusals, min(len(refusals), rng.choice((0, 1))))
        made.append(directive)
    return made


def instants(rng, laws, count):
    """Instants to ask about: many of them exactly where a directive begins or ends."""
    edges = [d["effective"] for d in laws] + [d["ends"] for d in laws if d["ends"]]
    return [rng.choice(edges) if rng.random() < 0.6 else time(rng) for _ in range(count)]


def document(directive):
    """The exact bytes: JSON is YAML too."""
    return json.dumps(directive, ensure_ascii=False, indent=1).encode()


def jsonl(lines):
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
