"""What a drill tells: events with their time, promises kept or not, and the facts behind both."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["ready", "broke", "stopped", "went on", "returned", "injected"]


@dataclass(slots=True)
class Report:
    """The course of one drill.

    Attributes:
        started: monotonic seconds; every event is told relative to it.
        told: receives every line for people as it happens.
        events: {"at": seconds, "what": kind, "text"} in order.
        promises: {"promise", "kept", "found"} in order.
        facts: figures that the promises rest on, by name.
    """

    name: str
    title: str
    started: float
    told: Callable[[str], None]
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    promises: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def kept(self) -> bool:
        """Whether promises were checked and every one of them was seen."""
        return bool(self.promises) and all(promise["kept"] for promise in self.promises)

    def event(self, kind: Kind, text: str) -> None:
        """Something happened now."""
        at = round(time.monotonic() - self.started, 2)
        self.events.append({"at": at, "what": kind, "text": text})
        self.told(f"{at:6.2f} s  {kind:9} {text}")

    def promise(self, text: str, *, kept: bool, found: object) -> None:
        """A promise of the design, whether it was seen, and what was found."""
        at = time.monotonic() - self.started
        self.promises.append({"promise": text, "kept": kept, "found": str(found)})
        self.told(f"{at:6.2f} s  {'kept' if kept else 'BROKEN':9} {text} ({found})")

    def document(self) -> dict[str, Any]:
        """The report as one JSON document."""
        seconds = round(time.monotonic() - self.started, 2)
        return {
            "drill": self.name, "title": self.title, "kept": self.kept, "seconds": seconds,
            "events": self.events, "promises": self.promises, "facts": self.facts,
        }  # fmt: skip
