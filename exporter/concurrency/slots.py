"""How we behave towards one address and one MX name: few sessions at once, not too often, one for all who share it.

Big providers answer for thousands of domains with the same addresses. What one session shows of an address holds for
every domain behind it, so the domains share it for the length of an interval.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from exporter.concurrency.waiters import Waiters


class ProbeSlots:
    """How many probes may be under way. Whoever waits here was under way before, so goes before the newly due."""

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
    """A probe's hold on its slot, while its parts, the sessions with its addresses, may wait for others.

    The slot is given back while no part is at work. So whoever holds one gets on: if a slot were held by who waits for
    a turn, and that turn by who waits for a slot, they would wait for each other for good.
    """

    def __init__(self, slots: ProbeSlots, parts: int) -> None:
        """The slot is held already, and every part at work."""
        self._slots = slots
        self._left = self._at_work = parts
        self._held = True
        self._closed = False

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """A part waits for somebody else meanwhile, and then for the slot if that was given away."""
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
        """A part is done; the others may all be waiting."""
        self._left -= 1
        self._at_work -= 1
        self._give_back_idle()

    def close(self) -> None:
        """The probe is over, or given up: its slot is there for the caller to give back."""
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
