"""The event loop's clock, which never jumps, beside Unix time, which may be set at any moment."""

from __future__ import annotations

import asyncio
import time
from typing import Final, NamedTuple

# A clock that is steered is never so far off from one look to the next.
_STEP_SECONDS: Final = 0.5


class Now(NamedTuple):
    """One moment by both clocks."""

    loop: float
    unix: float

    @property
    def offset(self) -> float:
        """Unix time less the loop's."""
        return self.unix - self.loop


class Clocks:
    """Both clocks, and the steps of Unix time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._offset = self.now().offset

    def now(self) -> Now:
        """The present moment."""
        return Now(self._loop.time(), time.time())

    def step(self, now: Now) -> float:
        """Seconds by which Unix time was set ahead (or back, below 0) since the last call; 0 where it was not set."""
        ahead, self._offset = now.offset - self._offset, now.offset
        return ahead if abs(ahead) > _STEP_SECONDS else 0.0
