"""Waiting for what has no event of its own: look again until it is so, with an end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Return as soon as `condition()` is true; AssertionError when it is not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"did not happen within {seconds} s"
        await asyncio.sleep(0.005)


def until_sync(condition: Callable[[], object], seconds: float = 30.0, *, pause: float = 0.02) -> None:
    """The same outside an event loop, with `pause` seconds between two looks."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"did not happen within {seconds} s"
        time.sleep(pause)
