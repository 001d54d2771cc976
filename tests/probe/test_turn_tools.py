"""The parts that turns have in common."""

from __future__ import annotations

import asyncio

from tests.probe.turning import Turns


async def test_the_clock_is_that_of_the_loop() -> None:
    loop = asyncio.get_running_loop()
    before = loop.time()
    assert before <= Turns().tools.clock() <= loop.time()
