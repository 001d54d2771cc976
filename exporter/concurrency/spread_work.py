"""Work on many things that would stop the event loop, done some milliseconds at a time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import Final, Generic, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T", bound=Hashable)

# Seconds of work in one pass of the loop, one thing at least.
_AT_ONCE: Final = 0.002
# Seconds from one such piece to the next, which belong to everything else.
_PAUSE: Final = 0.002


class SpreadWork(Generic[T]):
    """Things that wait for work on them, each once, in the order in which they were added. One event loop's."""

    def __init__(self, name: str, work: Callable[[T], None], on_internal_error: Callable[[], None]) -> None:
        """`name`: of the work, in the log. An exception costs one thing its turn: it is logged and told of."""
        self._name = name
        self._work = work
        self._on_internal_error = on_internal_error
        self._loop = asyncio.get_running_loop()
        self._waiting: set[T] = set()
        self._order: deque[T] = deque()  # also things that wait no more
        self._timer: asyncio.Handle | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, things: Iterable[T]) -> None:
        """Have these worked on soon; those that wait already keep their place."""
        for thing in things:
            if thing not in self._waiting:
                self._waiting.add(thing)
                self._order.append(thing)
        if self._waiting and self._timer is None:
            self._timer = self._loop.call_soon(self._do_some)

    def do_now(self, thing: T) -> None:
        """Work on a thing at once, if it waits."""
        if thing in self._waiting:
            self._waiting.remove(thing)
            self._do(thing)

    def do_all_now(self) -> None:
        """Work at once on everything that waits, however long that takes."""
        while self._order:
            self.do_now(self._order.popleft())

    def drop(self, thing: T) -> None:
        """Do not work on this any more."""
        self._waiting.discard(thing)

    def close(self) -> None:
        """Work on nothing any more."""
        self._waiting.clear()
        self._order.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _do_some(self) -> None:
        self._timer = None
        ends = time.perf_counter() + _AT_ONCE
        while self._order:
            self.do_now(self._order.popleft())
            if time.perf_counter() >= ends:
                break
        if not self._order:
            self._waiting.clear()  # of a hundred thousand things an empty set would keep the places
        elif self._timer is None:
            self._timer = self._loop.call_later(_PAUSE, self._do_some)

    def _do(self, thing: T) -> None:
        try:
            self._work(thing)
        except Exception:
            log.exception("internal error in a piece of work", extra={"fields": {"work": self._name}})
            self._on_internal_error()
