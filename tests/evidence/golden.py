"""What release 0.1.0 wrote and every later release must read. `python -m tests.evidence.golden` adds what is missing.

Files that exist are never written again: a format that changes gets a new version and a new file.
"""

import json
from pathlib import Path
from typing import Any

from mythos.evidence.predicates import PREDICATES

from . import samples

GOLDEN = Path(__file__).parents[1] / "golden" / "evidence"
BAD = Path(__file__).parents[1] / "bad" / "evidence"

# What is wrong with the bad file of every act: the path of the field, and the value put there.
WRONG: dict[str, tuple[list[Any], Any]] = {
    "trust-root": (["roles", "root", "threshold"], "2"),
    "model-identity": (["parameters"], 361821120),
    "derivation": (["parents", 0, "weights"], "sha256:00"),
    "evaluation": (["results", 0, "value"], 0),
    "dataset-admitted": (["documents"], -1),
    "data-export": (["exportedAt"], "2026-06-12T17:21:00"),
    "takedown": (["documents"], {}),
    "training-run": (["endedAt"], "2026-06-12T19:21:00+02:00"),
    "training-compute": (["modelFlop"], "2.2e24"),
    "determination": (["barred"], 0),
    "seal": (["files", 0, "keyCommitment"], None),
    "approval": (["notBefore"], "2026-02-30T00:00:00Z"),
    "grant": (["request", "weights"], "sha256:" + "A" * 64),
    "revocation": (["grant"], None),
    "release": (["open"], True),
    "opened": (["bytes"], "1000"),
    "lease": (["renewal"], "0"),
    "wiped": (["wipedAt"], "2026-06-13T17:21:00.250Z"),
    "refused": (["code"], None),
    "directive": (["id"], 7),
    "directive-acknowledgement": (["clock"], 0),
    "decision-root": (["root"], "00" * 32),
    "screening-disposition": (["disposition"], ["no match"]),
    "receipt-batch": (["count"], None),
    "usage": (["tokens"], "128"),
    "audit": (["batches"], "0"),
    "incident": (["acts", 0], "0"),
    "unopened": (["receipt"], None),
}


def golden_files() -> dict[str, bytes]:
    files = {f"{name}.v1.dsse": samples.signed(sample) for name, sample in samples.SAMPLES.items()}
    return files | {
        "dossier.v1.json": samples.dossier(samples.whole_life()),
        "receipt.v1.json": samples.answered().file,
        "trust.policy": samples.POLICY_TEXT.encode(),
    }


def bad_files() -> dict[str, bytes]:
    found = {}
    for name in PREDICATES:
        document = json.loads(json.dumps(samples.SAMPLES[name].to_dict()))
        (*way, last), value = WRONG[name]
        place = document
        for step in way:
            place = place[step]
        place[last] = value
        found[f"{name}.json"] = (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
    return found


if __name__ == "__main__":
    for folder, files in ((GOLDEN, golden_files()), (BAD, bad_files())):
        for file, data in files.items():
            if not (folder / file).exists():
                (folder / file).write_bytes(data)
