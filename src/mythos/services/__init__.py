"""Thin ASGI apps over pure rooms, one file each: they read a request, call one room, write the answer.

`log` and `witness` serve the evidence room; an app is a function of the objects it serves, so a test calls it
without a socket and a command runs it with uvicorn on a Unix socket or a loopback port:

    app = log_app(log, projection, publisher)
"""
