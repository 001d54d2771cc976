"""Waiting for what has no event of its own: look again until it is so, with an end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

_FIRST_PAUSE_SECONDS: Final = 0.005


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Return as soon as `condition()` is true; AssertionError when it is not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"did not happen within {seconds} s"
        await asyncio.sleep(0.005)


def until_sync(condition: Callable[[], object], seconds: float = 30.0, *, pause: float = 0.1) -> None:
    """The same outside an event loop; what is long in coming is looked for less often, until `pause` is in between.

    Many conditions read and parse a whole page of metrics, and other tests need the processor meanwhile.
    """
    end = time.monotonic() + seconds
    wait = min(_FIRST_PAUSE_SECONDS, pause)
    while not condition():
        assert time.monotonic() < end, f"did not happen within {seconds} s"
        time.sleep(wait)
        wait = min(1.5 * wait, pause)
