"""The event loops the exporter runs on: both must behave alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def _factories() -> list[Any]:
    found = [pytest.param(asyncio.SelectorEventLoop, id="asyncio")]
    try:
        import uvloop
    except ImportError:
        return found
    return [*found, pytest.param(uvloop.Loop, id="uvloop")]


on_every_loop = pytest.mark.parametrize("loop_factory", _factories())


def run_on(loop_factory: LoopFactory, main: Coroutine[Any, Any, T], timeout: float = 30.0) -> T:
    """Run `main` on a fresh loop, with an end."""

    async def bounded() -> T:
        async with asyncio.timeout(timeout):
            return await main

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(bounded())
