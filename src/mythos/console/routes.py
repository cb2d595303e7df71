"""The routes of the console's pages, and the policy under which a browser runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FOLDER: Final = Path(__file__).parent
_KINDS: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Final = {
    "content-security-policy": _POLICY,
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def pages() -> list[Route]:
    """The pages as routes: `/console/ask` and its files. None needs a key, or holds anybody's data."""
    ask = _FOLDER / "ask"
    return [
        _route("/console/ask", ask / "ask.html"),
        _route("/console/ask.css", ask / "ask.css"),
        _route("/console/ask.js", ask / "ask.js"),
    ]


def _route(path: str, file: Path) -> Route:
    body, kind = file.read_bytes(), _KINDS[file.suffix]

    async def page(_request: Request) -> Response:
        return Response(body, media_type=kind, headers=HEADERS)

    return Route(path, page)
