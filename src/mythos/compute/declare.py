"""The `training-compute` statement: a figure that was published, or one that a ledger counted."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from mythos import strict_yaml
from mythos.compute.estimate import Architecture, estimate
from mythos.compute.record import CONVENTION, History, missing_ranks
from mythos.errors import InputError
from mythos.evidence.predicates import Count, Reading, TrainingCompute
from mythos.evidence.statement import canonical
from mythos.regimes.scalar import day
from mythos.units import Digest, Flop, Instant

PRESETS: Final = Path(__file__).parent / "declared"


def declared(
    arch: Architecture, tokens: str | int, convention: str, sources: Sequence[Reading], now: Instant
) -> TrainingCompute:
    """What a developer published, reckoned by a named convention and shown as declared.

    Raises:
        InputError: nothing is cited, or the convention needs what was not published.
    """
    if not sources:
        raise InputError(
            "a declared figure without a source",
            expected="where the parameters and tokens were published",
            advice='Give --source "TITLE|https://…|YYYY-MM-DD" for each.',
        )
    found = estimate(arch, tokens, convention)
    return TrainingCompute(
        method="declared",
        convention=convention,
        model_flop=found.flop,
        executed_flop=None,
        complete=True,
        uncertainty_percent=None,
        parameters=None if arch.params is None else Count(arch.params),
        tokens=Count(Flop.parse(tokens)),
        sources=tuple(sources),
        energy_watt_hours=None,
        energy_method=None,
        unregistered=(),
        record_digest=None,
        declared_at=now,
        started_at=None,
        ended_at=None,
    )


def preset(name: str) -> tuple[Architecture, str, str, tuple[Reading, ...]]:
    """(shape, tokens, convention, sources) of a model whose developer published them.

    Raises:
        InputError: no such preset.
    """
    path = PRESETS / f"{name}.yaml"
    known = sorted(p.stem for p in PRESETS.glob("*.yaml"))
    if name not in known:
        raise InputError(
            f"nothing is known of {name!r}",
            expected=", ".join(known),
            advice="Say --params, --tokens and --source.",
        )
    said: dict[str, Any] = strict_yaml.loads(path.read_bytes(), where=path.name)
    sources = tuple(Reading(s["title"], s["url"], s["read_on"]) for s in said["sources"])
    return Architecture.of(said), said["tokens"], said["convention"], sources


def source(text: str) -> Reading:
    """Read `TITLE|URL|YYYY-MM-DD`.

    Raises:
        InputError: not these three.
    """
    parts = [part.strip() for part in text.split("|")]
    if len(parts) != 3 or not parts[0] or not parts[1].startswith(("https://", "http://")):
        raise InputError("not a source", expected="TITLE|https://…|YYYY-MM-DD", found=repr(text[:120]))
    return Reading(parts[0], parts[1], str(day(parts[2], "the day of a source")))


def counted(*histories: History, parameters: int | None = None) -> TrainingCompute:
    """What the ledgers of a run counted, one for each rank; `record_digest` is of the one, or of all heads.

    Superseded work is in the executed figure and not in the model figure. A rank without a ledger makes the
    figure incomplete.
    """
    done = [(work, gone) for history in histories for work, gone in history.works if work.phase != "eval"]
    methods = {work.method for work, _ in done}
    energy = sum(work.energy_uj for work, _ in done)
    heads = [history.head.digest for history in histories]
    missing = missing_ranks(histories)
    return TrainingCompute(
        method="counted" if methods <= {"counted"} else "replayed",
        convention=CONVENTION,
        model_flop=Flop(sum(history.effective.model for history in histories)),
        executed_flop=Flop(sum(history.executed.executed for history in histories)),
        complete=not missing and not any(history.unregistered for history in histories),
        uncertainty_percent="0" if not missing and all(history.exact for history in histories) else None,
        parameters=None if parameters is None else Count(parameters),
        tokens=Count(sum(work.tokens for work, gone in done if not gone)),
        sources=(),
        energy_watt_hours=f"{Decimal(energy) / Decimal(3_600_000_000):.6f}" if energy else None,
        energy_method=", ".join(sorted({work.energy_method for work, _ in done})) if energy else None,
        unregistered=tuple(sorted({name for history in histories for name in history.unregistered})),
        record_digest=heads[0] if len(heads) == 1 else Digest.of(canonical(sorted(map(str, heads)))),
        declared_at=None,
        started_at=min(history.began for history in histories),
        ended_at=max(history.ended for history in histories),
    )
