"""Who is late: all that wait for a peer, looked at twenty times a second.

Nobody is late whose words lie unread: where this process is behind, a busy loop would see to its timers first.

A timer for each stage of each session, nearly always stopped before it rings, costs more than the look: a thousand
sessions under way are a tenth of a percent of a core. Who is late is told a twentieth of a second late at most.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from exporter.net.poller import Poller, poller_of

_SECONDS: Final = 0.05


class Waiting(Protocol):
    """Somebody who waits until `due` (time.perf_counter())."""

    due: float

    def ring(self, now: float) -> None:
        """It is time. It must not raise."""


class Deadlines:
    """Those who wait. Used by one event loop."""

    def __init__(self, poller: Poller) -> None:
        """`poller` tells what those who wait are waiting for."""
        self._poller = poller
        self._waiting: set[Waiting] = set()
        self._looking = False

    def add(self, waiting: Waiting) -> None:
        """Ring at `waiting.due`, which may change meanwhile, and again whenever a later one has come."""
        self._waiting.add(waiting)
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_later(_SECONDS, self._look)

    def remove(self, waiting: Waiting) -> None:
        """It waits no more."""
        self._waiting.discard(waiting)

    def _look(self) -> None:
        now = time.perf_counter()
        if any(waiting.due <= now for waiting in self._waiting) and self._poller.tell():
            for late in [waiting for waiting in self._waiting if waiting.due <= now]:
                late.ring(now)
        self._looking = bool(self._waiting)
        if self._looking:
            asyncio.get_running_loop().call_later(_SECONDS, self._look)


def deadlines_of(loop: asyncio.AbstractEventLoop) -> Deadlines:
    """Those of `loop`."""
    deadlines = _DEADLINES.get(loop)
    if deadlines is None:
        deadlines = _DEADLINES[loop] = Deadlines(poller_of(loop))
    return deadlines


_DEADLINES: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Deadlines]] = WeakKeyDictionary()
