"""The sockets that are ready: one epoll instance of our own within the event loop, and one call for each event.

An event loop's own reader and writer callbacks cost a handle and several system calls for each socket and change of
mind. A descriptor that is registered once, edge-triggered, brings a whole session down to the work of a raw C client
and a tenth more. Events that came together carry the one time at which they were found, so the work
for the first does not count as the second's latency.

Where there is no epoll the loop's own callbacks do the same work.
"""

from __future__ import annotations

import asyncio
import select
import sys
import time
from collections.abc import Callable
from functools import cache
from typing import Final, Protocol
from weakref import WeakKeyDictionary

# The events of a socket; several may come at once.
READABLE: Final = 1  # data, the end, or an error
WRITABLE: Final = 2
ENDED: Final = 4  # whatever there is to read, the end comes after it
# `ready` is the sum of the events, `now` time.perf_counter() when they were found. It must not raise.
Ready = Callable[[int, float], None]
# Events taken at once; the loop's own timers and callbacks run in between.
_MAX_EVENTS: Final = 256


class Poller(Protocol):
    """Reports changes only: after READABLE read until a short read, and after ENDED to the end."""

    def watch(self, descriptor: int, ready: Ready) -> None:
        """Report the events of a socket that begins to connect: first WRITABLE, when it is connected or has failed.

        Or report again, after :meth:`forget`.
        """

    def forget(self, descriptor: int) -> None:
        """Report nothing more of the socket. To be called before it is closed."""

    def want_to_write(self, descriptor: int) -> None:
        """Report when there is room again for a write that found too little."""

    def dispatch(self) -> bool:
        """Report the events that are there now; True: those were all."""


def poller_of(loop: asyncio.AbstractEventLoop) -> Poller:
    """The one poller of `loop`."""
    poller = _POLLERS.get(loop)
    if poller is None:
        poller = _POLLERS[loop] = EpollPoller(loop) if sys.platform == "linux" else LoopPoller()
    return poller


class LoopPoller:
    """The callbacks of the running loop."""

    def __init__(self) -> None:
        self._watched: dict[int, Ready] = {}

    def watch(self, descriptor: int, ready: Ready) -> None:
        """See Poller."""
        self._watched[descriptor] = ready
        asyncio.get_running_loop().add_writer(descriptor, self._connected, descriptor)

    def forget(self, descriptor: int) -> None:
        """See Poller."""
        if self._watched.pop(descriptor, None) is not None:
            loop = asyncio.get_running_loop()
            loop.remove_writer(descriptor)
            loop.remove_reader(descriptor)

    def want_to_write(self, descriptor: int) -> None:
        """See Poller."""
        asyncio.get_running_loop().add_writer(descriptor, self._writable, descriptor)

    def dispatch(self) -> bool:
        """See Poller: the loop reports events by itself."""
        return True

    def _connected(self, descriptor: int) -> None:
        now = time.perf_counter()
        loop = asyncio.get_running_loop()
        loop.remove_writer(descriptor)
        loop.add_reader(descriptor, self._readable, descriptor)
        self._watched[descriptor](WRITABLE, now)

    def _writable(self, descriptor: int) -> None:
        asyncio.get_running_loop().remove_writer(descriptor)
        self._watched[descriptor](WRITABLE, time.perf_counter())

    def _readable(self, descriptor: int) -> None:
        self._watched[descriptor](READABLE, time.perf_counter())


if sys.platform == "linux":
    # RDHUP: data and the end may come as one change, and a short read would hide the end.
    _EDGES: Final = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
    _END: Final = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR

    @cache
    def _said(mask: int) -> int:
        readable = READABLE if mask & (select.EPOLLIN | _END) else 0
        return readable | (WRITABLE if mask & select.EPOLLOUT else 0) | (ENDED if mask & _END else 0)

    class EpollPoller:
        """epoll(7), edge-triggered."""

        def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
            self._epoll = select.epoll()
            self._watched: dict[int, Ready] = {}
            self._forgotten: set[int] = set()
            # The loop keeps this, and must not be kept by it.
            loop.add_reader(self._epoll.fileno(), self.dispatch)

        def watch(self, descriptor: int, ready: Ready) -> None:
            """See Poller."""
            self._watched[descriptor] = ready
            try:
                self._epoll.register(descriptor, _EDGES)
            except FileExistsError:  # forgotten and still open: events that came meanwhile count as changes
                self._forgotten.discard(descriptor)
                self._epoll.modify(descriptor, _EDGES)

        def forget(self, descriptor: int) -> None:
            """See Poller."""
            # It leaves the epoll set as it is closed.
            if self._watched.pop(descriptor, None) is not None:
                self._forgotten.add(descriptor)

        def want_to_write(self, descriptor: int) -> None:
            """Do nothing: it is reported anyway."""

        def dispatch(self) -> bool:
            """See Poller."""
            self._forgotten.clear()
            events = self._epoll.poll(0, _MAX_EVENTS)
            now = time.perf_counter()
            for descriptor, mask in events:
                # A descriptor forgotten a moment ago may be another socket's by now: the event is not for that one. One
                # forgotten before and still open has changes that are not wanted.
                ready = self._watched.get(descriptor)
                if ready is not None and descriptor not in self._forgotten:
                    ready(_said(mask), now)
            return len(events) < _MAX_EVENTS


_POLLERS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Poller]] = WeakKeyDictionary()
