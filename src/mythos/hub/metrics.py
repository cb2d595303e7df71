"""Counters in Prometheus's text format. No label ever holds what a person wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

__all__ = ["Metrics"]

_HELP: Final = {
    "mythos_requests_total": "Answers asked for, by API and how they ended.",
    "mythos_tokens_total": "Tokens, by direction.",
    "mythos_answer_bytes_total": "Bytes of answers that left the hub.",
    "mythos_cut_total": "Answers ended from outside, by reason.",
}


class Metrics:
    """Counters since the start of this process."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, name: str, labels: str = "", amount: int = 1) -> None:
        """Count; `labels` as they stand between the braces."""
        self._counts[name, labels] += amount

    def text(self, gauges: Mapping[str, float]) -> str:
        """Everything counted, and the gauges given, as `text/plain; version=0.0.4`."""
        lines: list[str] = []
        for name, help_ in _HELP.items():
            lines += [f"# HELP {name} {help_}", f"# TYPE {name} counter"]
            counted = sorted((labels, n) for (other, labels), n in self._counts.items() if other == name)
            lines += [f"{name}{{{labels}}} {n}" if labels else f"{name} {n}" for labels, n in counted]
        for name, value in gauges.items():
            lines += [f"# TYPE {name} gauge", f"{name} {value:g}"]
        return "\n".join(lines) + "\n"
