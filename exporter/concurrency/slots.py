"""The slots of turns: so many are under way at once, and one that waits for others gives its slot away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from exporter.concurrency.waiters import Waiters


class ProbeSlots:
    """The turns that may be under way. One that waits here was under way before, so it goes before the newly due."""

    def __init__(self, limit: int, on_free: Callable[[], None] = lambda: None) -> None:
        self.limit = limit
        self.used = 0
        self.on_free = on_free  # the schedule's, once there is one
        self._waiting: Waiters[None] = Waiters(lambda _: self.free())

    @property
    def has_free(self) -> bool:
        """True where one can be taken now."""
        return self.used < self.limit and not self._waiting.queue

    def take_nowait(self) -> bool:
        """Take a slot if one is free."""
        if self.used >= self.limit or self._waiting.queue:
            return False
        self.used += 1
        return True

    async def take(self) -> None:
        """Take a slot; every take needs its :meth:`free`."""
        if self.take_nowait():
            return
        await self._waiting.wait()

    def free(self) -> None:
        """Give a slot back."""
        self.used -= 1
        if self._waiting.queue:
            self._serve()
        elif self.used < self.limit:
            self.on_free()

    def resize(self, limit: int) -> None:
        """Set another limit; turns beyond it end as they would have."""
        self.limit = limit
        self._serve()

    @asynccontextmanager
    async def given_back(self) -> AsyncIterator[None]:
        """Within it the slot that the caller holds is free for others; at its end the caller has one again.

        A caller that is cancelled or fails has one at once, though none is free: it gives it back without delay.
        """
        self.free()
        try:
            yield
            await self.take()
        except BaseException:
            self.used += 1
            raise

    def _serve(self) -> None:
        while self.used < self.limit and self._waiting.serve(None):
            self.used += 1
        if self.used < self.limit:
            self.on_free()
