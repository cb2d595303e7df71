"""What a model cost to train: counted while it trains, kept so that a crash loses nothing, added up by law.

A threshold in a law is a number of operations, so the number must be right to the last digit and its origin
must be plain. Four parts:

    meter      ComputeMeter: counts a step once with torch's dispatch counter and formulas for what that
               misses, then replays the count for about a tenth of a millisecond a step
    ledger     one hash-chained line for every few steps; kill -9 at any point loses and doubles nothing
    estimate   the same figure from an architecture, term by term, in four named conventions
    lineage    a graph over weights: every ancestor once, an unknown parent is a bound and never zero

Always two numbers. `model_flop` is canonical: forward, and twice that where it was differentiated; no
recomputation. `executed_flop` is what ran. What cannot be known is said: an operator without a formula
makes a record incomplete, and work that depends on data is counted every step and never called exact.

    with ComputeMeter(model, optimizer=optimizer, ledger="run.ledger", run_id="tiny-1") as meter:
        for batch in loader:
            with meter.step(tokens=batch.numel()):
                model(batch).loss.backward()
                optimizer.step()
    meter.model_flop, meter.executed_flop, meter.exact, meter.complete

Only the meter needs torch (and its callback transformers); their names are loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from mythos.compute.estimate import (
    CONVENTIONS,
    Architecture,
    Convention,
    Estimate,
    estimate,
    estimate_hardware,
)
from mythos.compute.ledger import Ledger, read, total
from mythos.compute.record import Counts, Head, History, Work

if TYPE_CHECKING:
    from mythos.compute.huggingface import ComputeCallback
    from mythos.compute.meter import ComputeMeter
    from mythos.compute.ops import formulas

_WITH_TORCH: Final = {"ComputeCallback": "huggingface", "ComputeMeter": "meter", "formulas": "ops"}

__all__ = [
    "CONVENTIONS",
    "Architecture",
    "ComputeCallback",
    "ComputeMeter",
    "Convention",
    "Counts",
    "Estimate",
    "Head",
    "History",
    "Ledger",
    "Work",
    "estimate",
    "estimate_hardware",
    "formulas",
    "read",
    "total",
]


def __getattr__(name: str) -> Any:
    if name not in _WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WITH_TORCH[name]}"), name)
