"""Which law applies to a model, on a route, on a date: law as dated data, and a small evaluator.

Each instrument is a YAML file (`instruments/`): its states by date, its clauses in the order a lawyer asks
them (scope, exclusion, threshold, transition, review), each with the comparator as the text has it, an exact
number, words of at most a line, a citation, a confidence and the day it was checked. No number from a law
stands in Python.

    pack = shipped()
    found = determine({"us_state_nexus_ca": True, "ops": "1.0e26"}, date(2026, 2, 1), pack)
    [sb53] = [one for one in found.findings if one.instrument.id == "US-CA-SB53"]
    sb53.outcome                               # "below_threshold": greater than, so equality is outside
    [line.held for line in sb53.trace]         # the whole reasoning; the last line is the verdict

Logic is three-valued. A fact that nobody stated is unknown: the outcome is `needs_fact` unless every value it
could take leads to the same one. Where the words do not settle a point, it is `needs_review`. A few facts are
asked only when stated (`unstated:` in a clause: knowledge of an end use, a base model, a generator); a
determination lists which were left out that way. `bars` says what stands in the way of an act; a question
dated after `verified_to` is answered with that warning.

    shape, scalar, facts    a strict reader; exact numbers and days; facts, each of its type
    truth, derived          three values with bounds; facts that follow from others, with their terms
    instrument, pack        one record; the shipped ones, and a user's own beside them
    determine, report       the answer with its trace; as a document, an act, a page
    cases, sweep, picture   what each rule must come to; what if, drawn
"""

from __future__ import annotations

from mythos.regimes.cases import check, lint
from mythos.regimes.determine import Bar, Determination, Finding, Leg, bars, determine, determine_route
from mythos.regimes.instrument import Counts, Instrument
from mythos.regimes.pack import Pack, shipped

__all__ = [
    "Bar",
    "Counts",
    "Determination",
    "Finding",
    "Instrument",
    "Leg",
    "Pack",
    "bars",
    "check",
    "determine",
    "determine_route",
    "lint",
    "shipped",
]
