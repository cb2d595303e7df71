"""Sources with rights and residency, the pipeline, shards, takedown: what a model may learn from.

Right is per document and purpose, not per document: analysis for training can be permitted where showing the
same text in an answer is not. So every document comes in under a `Record` (licence, terms on the day of the
copy, opt-outs, subject, origin, residency, consent; any of them may be unknown), and `decide` answers for
`train`, `retrieve`, `quote` or `export`, from a dated pack of rules that an operator's counsel adopts.
What is unknown is not allowed.

    record = Record(source="debian:apache2-doc", licence="Apache-2.0", residency=("*",), …)
    decide(record, "train", Place("JP", "JP"), pack, on).words
    # "permitted under pack JP-DATA-2026-11 clause DATA-LICENCE-PERMISSIVE, adopted by … on 2026-11-25"

    rights, pack, packs/    decisions; rules as data, in the shape of `mythos.regimes`
    optout, c2pa            what robots.txt, TDMRep and C2PA said on the day of the copy, as captured
    admit, store, ledger    documents come in, by digest, one folder a country; the record of every act
    steps/, run, ray        Arrow tables in, the same rows out: in a process pool or on a Ray cluster
    shards, lineage         tokens that know their document; where, takedown down to the models
    export                  the one door out, decided before a byte moves; Croissant, provenance
    recipe                  a real corpus from Debian's manuals
    synthesise, check       task data that a program makes, and another way to each answer

Nothing is deleted by the pipeline: a removal is a row with its reason and the document that stays. Two runs
over the same rows have the same digest. Personal data is in no log: offsets and salted hashes only.
"""

from __future__ import annotations

from mythos.data.pack import Adoption, Pack, read_adoption, read_pack, shipped
from mythos.data.rights import PURPOSES, Decision, OptOut, Place, Purpose, Record, decide

__all__ = [
    "PURPOSES",
    "Adoption",
    "Decision",
    "OptOut",
    "Pack",
    "Place",
    "Purpose",
    "Record",
    "decide",
    "read_adoption",
    "read_pack",
    "shipped",
]
