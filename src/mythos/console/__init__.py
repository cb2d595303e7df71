"""The web pages over the rooms' views.

A page is files of this package, one folder each: HTML that says what there is, CSS, and one script that asks
the hub's own API and writes what it gets as text. A page holds nothing of anybody: whoever opens it types an
API key, which stays in that page's memory, and everything it shows came through the API under that key, with
its decisions and receipts. So a page can be given to everyone who may reach the hub, and needs no session, no
cookie and no right of its own.

    settings = Settings(..., pages=pages())        # `mythos serve` gives them to its hub

`routes` holds the pages' addresses and the policy under which a browser runs them: only files of this hub,
only calls to this hub, no inline script, and no way to make HTML out of a string. The room stands above
`services` and below `cli`, so that pages can read every room's views and no room depends on a page.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mythos.console.routes import pages

__all__ = ["pages"]


def __getattr__(name: str) -> Any:
    if name == "pages":
        return importlib.import_module(f"{__name__}.routes").pages
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
