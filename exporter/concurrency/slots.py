"""The slots of probes: so many are under way at once, and a probe that waits for others gives its slot away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from exporter.concurrency.waiters import Waiters


class ProbeSlots:
    """The probes that may be under way. One that waits here was under way before, so it goes before the newly due."""

    def __init__(self, limit: int, on_free: Callable[[], None] = lambda: None) -> None:
        self.limit = limit
        self.used = 0
        self._on_free = on_free
        self._waiting: Waiters[None] = Waiters(lambda _: self.free())

    def take_nowait(self) -> bool:
        """Take a slot if one is free."""
        if self.used >= self.limit or self._waiting:
            return False
        self.used += 1
        return True

    async def take(self) -> None:
        """Take a slot; every take needs its :meth:`free`."""
        if self.take_nowait():
            return
        await self._waiting.wait()

    def take_over(self) -> None:
        """Take a slot even if none is free: for one that is given back at once."""
        self.used += 1

    def free(self) -> None:
        """Give a slot back."""
        self.used -= 1
        while self.used < self.limit and self._waiting.serve(None):
            self.used += 1
        if self.used < self.limit:
            self._on_free()


class HeldSlot:
    """The slot of one probe, while its parts, the sessions with its addresses, may wait for others.

    The slot is given back while no part is at work, so that every holder of a slot gets on: a holder that waited for a
    permit, and a permit whose owner waited for a slot, would wait for each other for good.
    """

    def __init__(self, slots: ProbeSlots, parts: int) -> None:
        """The slot is held already, and every part at work."""
        self._slots = slots
        self._left = self._at_work = parts
        self._held = True
        self._closed = False

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Within it a part waits for other sessions, and at its end for the slot if that was given away."""
        self._at_work -= 1
        self._give_back_idle()
        try:
            yield
            if self._lacks_slot():
                await self._slots.take()
                if self._lacks_slot():
                    self._held = True
                else:  # another part was first, or all is over
                    self._slots.free()
        finally:
            self._at_work += 1

    def part_ended(self) -> None:
        """One part is done; the others may all be waiting."""
        self._left -= 1
        self._at_work -= 1
        self._give_back_idle()

    def close(self) -> None:
        """End the probe: its slot is there for the caller to give back."""
        self._closed = True
        if not self._held:
            self._held = True
            self._slots.take_over()

    def _lacks_slot(self) -> bool:
        return not self._held and not self._closed

    def _give_back_idle(self) -> None:
        if not self._at_work and self._left and self._held and not self._closed:
            self._held = False
            self._slots.free()
