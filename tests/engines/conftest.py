"""The real model and a real engine over it."""

import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mythos.engines.client import Engine

PLAIN_ENGINE = Path(__file__).parent / "plain_engine.py"
LOAD = {"context": 2048, "slots": 2, "threads": 0, "batch": 128}


@pytest.fixture(scope="session")
def plain_command() -> tuple[str, ...]:
    """The engine that opens plain files."""
    return (sys.executable, "-I", str(PLAIN_ENGINE))


@pytest.fixture(scope="session")
def engine_starter(
    smollm2: Path, plain_command: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Any]:
    """Starts the confined process with plain weights open, as a context."""

    @asynccontextmanager
    async def start(*, seconds: float = 600.0, **load: int) -> AsyncGenerator[Engine]:
        listen = tmp_path_factory.mktemp("run") / "e.sock"
        engine = await Engine.launch(command=plain_command)
        try:
            message = {
                "plain": str(smollm2),
                "alias": "smollm2",
                "listen": str(listen),
                "load": LOAD | load,
                "seconds": seconds,
            }
            await engine.open(message, timeout=60)
            listen.unlink()
            yield engine
        finally:
            await engine.close()

    return start
