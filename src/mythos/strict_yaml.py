"""YAML as a lawyer would read it: scalars are their text, nothing is guessed, nothing is said twice.

Only `null`/`~`/empty, `true` and `false` are not strings. `NO` stays Norway, `2026-06-12` stays text,
`1.0e26` keeps every digit. Duplicate keys, anchors, aliases, tags, other types and documents over the
limit are refused. A reader of files that other programs write may allow anchors; what they expand to is
bounded.
"""

from __future__ import annotations

from typing import Any, Final, cast

import yaml
from yaml.composer import ComposerError

from mythos.errors import FormatError

LIMIT: Final = 4 << 20
DEPTH: Final = 40
NODES: Final = 1_000_000

_PLAIN: Final = {"null": None, "~": None, "": None, "true": True, "false": False}


def loads(text: str | bytes, *, where: str = "YAML", limit: int = LIMIT, anchors: bool = False) -> Any:
    """Read one document into dict, list, str, None and bool.

    Args:
        text: the document; bytes must be UTF-8.
        where: how errors name the document.
        limit: refuse more bytes than this.
        anchors: take anchors and aliases; together they may stand for at most `NODES` nodes.

    Raises:
        FormatError: not YAML, or anything this dialect refuses; says the line.
    """
    if len(text) > limit:
        raise FormatError(f"{where} is too large", expected=f"at most {limit} bytes", found=f"{len(text)}")
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        loader = _Anchored if anchors else _Plain
        node: yaml.Node | None = yaml.compose(decoded, Loader=loader)  # pyright: ignore[reportUnknownMemberType]
        return None if node is None else _Reader(where).value(node, 0)
    except UnicodeDecodeError as error:
        raise FormatError(f"{where} is not UTF-8", found=f"byte {error.start}") from error
    except yaml.YAMLError as error:
        raise FormatError(f"{where} is not YAML", found=" ".join(str(error).split())[:300]) from error
    except RecursionError as error:
        raise FormatError(f"{where} is nested too deeply", expected=f"at most {DEPTH} levels") from error


class _Plain(yaml.SafeLoader):
    """Refuses aliases, anchors and explicit tags where the parser meets them."""

    refused = ("anchor", "tag")

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = cast("Any", self.peek_event())  # pyright: ignore[reportUnknownMemberType]
        if any(getattr(event, name, None) for name in self.refused):
            raise ComposerError(None, None, "aliases, anchors and tags are not allowed", event.start_mark)
        return super().compose_node(parent, index)  # pyright: ignore[reportUnknownMemberType]


class _Anchored(_Plain):
    """Refuses explicit tags alone."""

    refused = ("tag",)


class _Reader:
    """Turns nodes into values, and counts them: an alias counts each time it is used."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._left = NODES

    def value(self, node: yaml.Node, depth: int) -> Any:
        where, line = self._where, node.start_mark.line + 1
        self._left -= 1
        if depth > DEPTH or self._left < 0:
            raise FormatError(
                f"{where} line {line} is nested too deeply or too large",
                expected=f"at most {DEPTH} levels and {NODES} nodes",
            )
        match node:
            case yaml.ScalarNode():
                text: str = node.value
                return _PLAIN.get(text, text) if node.style is None else text
            case yaml.SequenceNode():
                return [self.value(child, depth + 1) for child in node.value]
            case yaml.MappingNode():
                return self._mapping(node, depth)
            case _:
                raise FormatError(f"{where} line {line}: not a scalar, list or mapping")

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            where = f"{self._where} line {key_node.start_mark.line + 1}"
            if not isinstance(key_node, yaml.ScalarNode):
                raise FormatError(f"{where}: a key must be plain text")
            key: str = key_node.value
            if key in mapping:
                raise FormatError(f"{where}: the key {key!r} stands twice")
            mapping[key] = self.value(value_node, depth + 1)
        return mapping
