"""A real hub for a real browser."""

from tests.hub.conftest import start_hub, world

__all__ = ["start_hub", "world"]
