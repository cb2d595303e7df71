"""The directives that are known, checked against each other, and when each is in force.

Order is knowledge: the position of a directive is its index in the log (or its place in a folder), and
`known_at(index)` is the set as it was then, so that a backdated order never rewrites what was decided.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from mythos.access.directive import ANY_MODEL, Directive
from mythos.errors import AccessError
from mythos.units import Instant


class Window(NamedTuple):
    """From `start` (inclusive) to `end` (exclusive; `None`: open)."""

    start: Instant
    end: Instant | None

    def touches(self, lo: Instant, hi: Instant) -> bool:
        """In force at some instant of [lo, hi]: how refusals count."""
        return self.start <= hi and (self.end is None or self.end > lo)

    def spans(self, lo: Instant, hi: Instant) -> bool:
        """In force at every instant of [lo, hi]: how allows count."""
        return self.start <= lo and (self.end is None or self.end > hi)


@dataclass(frozen=True)
class Directives:
    """Directives by log index. Build with `of` or `indexed`, which check them against each other."""

    known: Mapping[int, Directive]

    @classmethod
    def of(cls, directives: Iterable[Directive]) -> Directives:
        """Check directives against each other; a directive's index is its position. Raises as `indexed`."""
        return cls.indexed(dict(enumerate(directives)))

    @classmethod
    def indexed(cls, given: Mapping[int, Directive]) -> Directives:
        """Check directives by log index against each other. A copy of the same bytes counts once.

        Raises:
            AccessError: the same id with other content; `supersedes` or `lifts` naming an unknown id or
                another authority's; circles; superseding more than it covers without `narrows`.
        """
        known: dict[int, Directive] = {}
        by_id: dict[str, Directive] = {}
        for index in sorted(given):
            directive = given[index]
            other = by_id.setdefault(directive.id, directive)
            if other is directive:
                known[index] = directive
            elif other.document != directive.document:
                _wrong(
                    directive, "the same id stands with other content", f"{other.digest}", directive.digest
                )
        for directive in known.values():
            _check_references(directive, by_id)
        _superseders_first(by_id, lambda directive: directive.supersedes)
        _superseders_first(by_id, lambda directive: directive.lifts)
        return cls(known)

    def known_at(self, index: int) -> Directives:
        """The directives whose index is not later than `index`."""
        return Directives({at: directive for at, directive in self.known.items() if at <= index})

    def plus(self, index: int, directive: Directive) -> Directives:
        """This set and one more; raises as `indexed`."""
        return Directives.indexed({**self.known, index: directive})

    def __iter__(self) -> Iterator[Directive]:
        return iter(self.known.values())

    def __len__(self) -> int:
        return len(self.known)

    @cached_property
    def by_id(self) -> Mapping[str, Directive]:
        """Each directive by its id."""
        return {directive.id: directive for directive in self.known.values()}

    @cached_property
    def windows(self) -> Mapping[str, Window]:
        """When each is in force; one that never takes effect has none.

        The end is the earliest of `ends` and the `effective` of any directive that supersedes it and itself
        takes effect, so superseders are worked out before what they supersede.
        """
        ends: dict[str, list[Instant]] = {d.id: [] if d.ends is None else [d.ends] for d in self}
        windows: dict[str, Window] = {}
        for directive in _superseders_first(self.by_id, lambda directive: directive.supersedes):
            end = min(ends[directive.id], default=None)
            if end is not None and end <= directive.effective:
                continue
            windows[directive.id] = Window(directive.effective, end)
            for superseded in directive.supersedes:
                if superseded in ends:
                    ends[superseded].append(directive.effective)
        return windows

    @cached_property
    def boundaries(self) -> tuple[int, ...]:
        """Every instant, in microseconds, at which some directive begins or ends."""
        edges = {window.start.micros for window in self.windows.values()}
        edges |= {window.end.micros for window in self.windows.values() if window.end is not None}
        return tuple(sorted(edges))


def _check_references(directive: Directive, by_id: Mapping[str, Directive]) -> None:
    for field in ("supersedes", "lifts"):
        for name in getattr(directive, field):
            other = by_id.get(name)
            if other is None:
                _wrong(directive, f"{field} names an id that no directive has", "a known id", name)
            if other.authority != directive.authority:
                _wrong(directive, f"{field} reaches another authority", directive.authority, other.authority)
    for name in directive.supersedes:
        freed = uncovered(directive, by_id[name])
        if freed and not directive.narrows:
            _wrong(
                directive,
                f"it supersedes {name!r}, which reaches further",
                "models and acts that cover the old ones, or narrows: true",
                ", ".join(freed),
            )


def uncovered(directive: Directive, old: Directive) -> tuple[str, ...]:
    """The models and acts of `old` that `directive` does not name: what superseding `old` would free."""
    models = frozenset[str]() if ANY_MODEL in directive.models else old.models - directive.models
    return tuple(sorted(models)) + tuple(sorted(old.acts - directive.acts))


def _superseders_first(
    by_id: Mapping[str, Directive], edges: Callable[[Directive], tuple[str, ...]]
) -> list[Directive]:
    """Order directives so that each comes after all that point at it; raises on a circle."""
    pointed: dict[str, int] = dict.fromkeys(by_id, 0)
    for directive in by_id.values():
        for name in edges(directive):
            if name in pointed:
                pointed[name] += 1
    ready = [name for name, count in pointed.items() if count == 0]
    order: list[Directive] = []
    while ready:
        directive = by_id[ready.pop()]
        order.append(directive)
        for name in edges(directive):
            if name in pointed:
                pointed[name] -= 1
                if pointed[name] == 0:
                    ready.append(name)
    if len(order) < len(by_id):
        circle = sorted(name for name, count in pointed.items() if count)
        _wrong(by_id[circle[0]], "directives point at each other in a circle", "no circle", ", ".join(circle))
    return order


def _wrong(directive: Directive, message: str, expected: str, found: object) -> NoReturn:
    raise AccessError(f"directive {directive.id!r}: {message}", expected=expected, found=str(found)[:200])


_NUMBERED: Final = re.compile(r"(\d{12})\..+", re.ASCII)


def file_name(index: int, directive: Directive) -> str:
    """How a folder of directives tells the log index of each: twelve digits before the id."""
    return f"{index:012d}.{re.sub(r'[^A-Za-z0-9._-]', '_', directive.id)[:80]}.yaml"


def read_folder(folder: Path) -> tuple[Directives, tuple[str, ...]]:
    """Read every `.yaml` and `.yml` of a folder: the set, and the names of the files left alone.

    The index of a directive is the twelve digits that its file's name begins with (`file_name`), or, in a
    folder where no name has them, its place in the order of names, from 0.

    Raises:
        AccessError: not a folder, a file that is wrong, or names with and without an index side by side.
    """
    if not folder.is_dir():
        raise AccessError(f"{folder} is not a folder", expected="a folder of directives in YAML")
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    chosen = [name for name in names if name.endswith((".yaml", ".yml")) and (folder / name).is_file()]
    numbers = [match[1] for name in chosen if (match := _NUMBERED.fullmatch(name))]
    if numbers and len(set(numbers)) != len(chosen):
        raise AccessError(
            f"{folder}: some directives say their log index and some do not",
            expected="twelve different digits and a dot before every name, or before none",
            found=", ".join(chosen)[:200],
        )
    indexes = [int(number) for number in numbers] or range(len(chosen))
    parsed = {
        index: Directive.parse((folder / name).read_bytes(), where=str(folder / name))
        for index, name in zip(indexes, chosen, strict=True)
    }
    return Directives.indexed(parsed), tuple(name for name in names if name not in chosen)
