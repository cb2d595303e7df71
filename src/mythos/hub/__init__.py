"""The front: an OpenAI-compatible API whose every answer leaves a receipt, and which never sees a weight.

A hub is two processes. This one parses HTTP and holds keys of callers, admission and receipts; the engine
(see `mythos.engines`) holds the lease and the plain weights. The front starts it, relays its release, and
when it dies states so and starts another.

    sock = listen("127.0.0.1", 8642)                      # a taken port costs no release
    await serve(Settings(folder, log, key), sock, make_opener, ready, stop)

A request goes through `app` (who calls) and `shapes` (what is asked) into `answer`, which is its whole life:
`admission` decides, makes it wait and can cut it at any moment; `receipts` promises before the first token
and commits at the end; the engine answers. `keeper` keeps an engine open, `release` is how it gets opened,
`store` is hub.db, `server` puts it all together. A question to data (`questions`) has the same life, with the
`desk` in the engine's place.

Three rules. A receipt's journal line is durable before the first token, so a kill leaves a signed `lost` and
never an answer that was not given. Whatever ends an answer early goes through `Admission.cut`. Nothing that a
person wrote or read stands in a log, a metric or, unencrypted, in a file; only the rows of the tenant's own
tables, which the desk keeps for a person's next question, are as plain as those tables.

Names are loaded on first use: making an API key needs no HTTP server.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mythos.hub.admission import Admission, Asking, Decider, Decision, allow
    from mythos.hub.answer import Limits, Parts
    from mythos.hub.keeper import Keeper, Opener, Serving
    from mythos.hub.receipts import Receipts
    from mythos.hub.server import Settings, listen, serve
    from mythos.hub.store import Store, open_store

_HOME: Final = {
    "Admission": "admission",
    "Asking": "admission",
    "Decider": "admission",
    "Decision": "admission",
    "Keeper": "keeper",
    "Limits": "answer",
    "Opener": "keeper",
    "Parts": "answer",
    "Receipts": "receipts",
    "Serving": "keeper",
    "Settings": "server",
    "Store": "store",
    "allow": "admission",
    "listen": "server",
    "open_store": "store",
    "serve": "server",
}

__all__ = [
    "Admission",
    "Asking",
    "Decider",
    "Decision",
    "Keeper",
    "Limits",
    "Opener",
    "Parts",
    "Receipts",
    "Serving",
    "Settings",
    "Store",
    "allow",
    "listen",
    "open_store",
    "serve",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
