"""Thin ASGI apps over pure rooms, one file each: they read a request, call one room, write the answer.

`log` and `witness` serve the evidence room; an app is a function of the objects it serves, so a test calls it
without a socket and a command runs it with uvicorn on a Unix socket or a loopback port:

    app = log_app(log, projection, publisher)
"""

from __future__ import annotations

from starlette.applications import Starlette

__all__ = ["serve"]


def serve(app: Starlette, address: str) -> None:
    """Serve an app on `unix:PATH` or `http://HOST:PORT` until SIGINT or SIGTERM; its lifespan ends first.

    Raises:
        InputError: another kind of address.
    """
    from urllib.parse import urlsplit

    import uvicorn

    from mythos.errors import InputError

    parts = urlsplit(address)
    socket = address.removeprefix("unix:") if address.startswith("unix:") else None
    if socket is None and not (parts.scheme == "http" and parts.hostname and parts.port):
        raise InputError(
            "not an address to serve on", expected="unix:PATH or http://HOST:PORT", found=address
        )
    config = uvicorn.Config(
        app,
        uds=socket,
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 0,
        log_level="warning",
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run()
