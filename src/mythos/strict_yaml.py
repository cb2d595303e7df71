"""YAML as a lawyer would read it: scalars are their text, nothing is guessed, nothing is said twice.

Only `null`/`~`/empty, `true` and `false` are not strings. `NO` stays Norway, `2026-06-12` stays text,
`1.0e26` keeps every digit. Duplicate keys, anchors, aliases, tags, other types and documents over the
limit are refused.
"""

from __future__ import annotations

from typing import Any, Final, cast

import yaml
from yaml.composer import ComposerError

from mythos.errors import FormatError

LIMIT: Final = 4 << 20
DEPTH: Final = 40

_PLAIN: Final = {"null": None, "~": None, "": None, "true": True, "false": False}


def loads(text: str | bytes, *, where: str = "YAML", limit: int = LIMIT) -> Any:
    """Read one document into dict, list, str, None and bool.

    Args:
        text: the document; bytes must be UTF-8.
        where: how errors name the document.
        limit: refuse more bytes than this.

    Raises:
        FormatError: not YAML, or anything this dialect refuses; says the line.
    """
    if len(text) > limit:
        raise FormatError(f"{where} is too large", expected=f"at most {limit} bytes", found=f"{len(text)}")
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        node: yaml.Node | None = yaml.compose(decoded, Loader=_Plain)  # pyright: ignore[reportUnknownMemberType]
        return None if node is None else _value(node, where, 0)
    except UnicodeDecodeError as error:
        raise FormatError(f"{where} is not UTF-8", found=f"byte {error.start}") from error
    except yaml.YAMLError as error:
        raise FormatError(f"{where} is not YAML", found=" ".join(str(error).split())[:300]) from error
    except RecursionError as error:
        raise FormatError(f"{where} is nested too deeply", expected=f"at most {DEPTH} levels") from error


class _Plain(yaml.SafeLoader):
    """Refuses aliases, anchors and explicit tags where the parser meets them."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = cast("Any", self.peek_event())  # pyright: ignore[reportUnknownMemberType]
        named: Any = getattr(event, "anchor", None) or getattr(event, "tag", None)
        if isinstance(event, yaml.AliasEvent) or named:
            raise ComposerError(
                None, None, "aliases, anchors and tags are not allowed", cast("Any", event).start_mark
            )
        return super().compose_node(parent, index)  # pyright: ignore[reportUnknownMemberType]


def _value(node: yaml.Node, where: str, depth: int) -> Any:
    line = node.start_mark.line + 1
    if depth > DEPTH:
        raise FormatError(f"{where} line {line} is nested too deeply", expected=f"at most {DEPTH} levels")
    match node:
        case yaml.ScalarNode():
            text: str = node.value
            return _PLAIN.get(text, text) if node.style is None else text
        case yaml.SequenceNode():
            return [_value(child, where, depth + 1) for child in node.value]
        case yaml.MappingNode():
            mapping: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key_line = key_node.start_mark.line + 1
                if not isinstance(key_node, yaml.ScalarNode):
                    raise FormatError(f"{where} line {key_line}: a key must be plain text")
                key: str = key_node.value
                if key in mapping:
                    raise FormatError(f"{where} line {key_line}: the key {key!r} stands twice")
                mapping[key] = _value(value_node, where, depth + 1)
            return mapping
        case _:
            raise FormatError(f"{where} line {line}: not a scalar, list or mapping")
