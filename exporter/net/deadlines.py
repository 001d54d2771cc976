"""The deadlines of all sessions of an event loop, looked at twenty times a second.

No deadline counts as passed while bytes of the peer lie unread: a busy loop would run its timers first.

A timer for each stage of each session, nearly always cancelled before it fires, costs more than the look: with a
thousand sessions under way it takes a tenth of a percent of a core. A deadline is reported a twentieth of a second
late at most.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from exporter.net.poller import Poller, poller_of

_SECONDS: Final = 0.05


class Timed(Protocol):
    """A wait that has a deadline."""

    due: float  # time.perf_counter(); may change at any time

    def deadline_passed(self, now: float) -> None:
        """The moment `due` has come. Must not raise."""


class Deadlines:
    """The waits under way. Used by one event loop."""

    def __init__(self, poller: Poller) -> None:
        """`poller` has the events that the waits are for."""
        self._poller = poller
        self._waits: set[Timed] = set()
        self._looking = False

    def add(self, wait: Timed) -> None:
        """Report each moment `wait.due` that comes, until it is removed."""
        self._waits.add(wait)
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_later(_SECONDS, self._check)

    def remove(self, wait: Timed) -> None:
        """Report nothing more to `wait`."""
        self._waits.discard(wait)

    def _check(self) -> None:
        now = time.perf_counter()
        if any(wait.due <= now for wait in self._waits) and self._poller.dispatch():
            for late in [wait for wait in self._waits if wait.due <= now]:
                late.deadline_passed(now)
        self._looking = bool(self._waits)
        if self._looking:
            asyncio.get_running_loop().call_later(_SECONDS, self._check)


def deadlines_of(loop: asyncio.AbstractEventLoop) -> Deadlines:
    """The deadlines of `loop`."""
    deadlines = _DEADLINES.get(loop)
    if deadlines is None:
        deadlines = _DEADLINES[loop] = Deadlines(poller_of(loop))
    return deadlines


_DEADLINES: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Deadlines]] = WeakKeyDictionary()
