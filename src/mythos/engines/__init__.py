"""The confined process that alone holds plain weights, and the front's handle on it.

Wiping is ending a process. So the plain weights live in one process that can do nothing but compute: no
network, no file that it could write, no way to hand a descriptor to anybody, no dump, no tracer, no child.
It speaks to its front over one socket pair, and dies with it, with its lease, or with anything that breaks.

    engine = await Engine.launch()
    opened = await engine.open(message, timeout=60)      # shares in, weights open, llama.cpp started
    async with aclosing(engine.generate("chat", {"messages": [...], "max_tokens": 32})) as answer:
        async for frame in answer:                       # delta, delta, ..., done | failed
            print(frame)

`confine` is what the process gives up and when; `process` its life; `custodian` how it opens sealed weights
and proves renewals; `llama` the library and its traps; `frames` the bytes on the pair; `client` the front's
side. Chat templates, grammars and model files are parsed only inside. A request that kills the library kills
the requests in flight and nothing else: the front starts another engine under a new release.

`machine` is apart: what a computer lacks for all this, found before anything is downloaded. Names are loaded
on first use: the confined process imports nothing of the front's side.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mythos.engines.client import Ended, Engine
    from mythos.engines.frames import Frame
    from mythos.engines.llama import LoadOptions
    from mythos.engines.machine import Finding, examine

_HOME: Final = {
    "Ended": "client",
    "Engine": "client",
    "Finding": "machine",
    "Frame": "frames",
    "LoadOptions": "llama",
    "examine": "machine",
}

__all__ = ["Ended", "Engine", "Finding", "Frame", "LoadOptions", "examine"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
