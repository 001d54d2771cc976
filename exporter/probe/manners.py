"""How we behave towards one address: few sessions at once, not too often, and one session for all who share it.

Big providers answer for thousands of domains with the same addresses. What one session shows of an address holds for
every domain behind it, so the domains share it for the length of an interval.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Final, Generic, TypeVar

from exporter.flights import Flight

T = TypeVar("T")

# Timers and loops are a little early or late. Without slack the domain whose turn it is would now and then find its
# own last session a millisecond too young, and see results twice as old as it should.
_SHARE_FRACTION: Final = 0.95
# Sessions begun before the forgotten are looked for again; a purge walks all that are remembered.
_PURGE_EVERY: Final = 10_000


class Turnstile:
    """Lets at most `at_once` sessions through to one address, starts at least `interval` seconds apart."""

    def __init__(self, at_once: int, interval: float) -> None:
        self._at_once = at_once
        self._interval = interval
        self._loop = asyncio.get_running_loop()
        self._inside: dict[str, int] = {}
        self._next_start: dict[str, float] = {}
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}
        self._alarms: set[str] = set()  # addresses whose queue a timer looks after
        self._entered = 0

    def enter_nowait(self, address: str) -> bool:
        """Go through if nobody is in the way."""
        if self._queues.get(address) or self._wait(address) > 0 or self._inside.get(address, 0) >= self._at_once:
            return False
        self._go(address)
        return True

    async def enter(self, address: str) -> None:
        """Go through, in the order of asking; every enter needs its :meth:`leave`."""
        if self.enter_nowait(address):
            return
        turn: asyncio.Future[None] = self._loop.create_future()
        queue = self._queues.setdefault(address, deque())
        queue.append(turn)
        self._admit(address)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(address)
            elif turn in queue:
                queue.remove(turn)
            raise

    def leave(self, address: str) -> None:
        """The session is over."""
        left = self._inside[address] - 1
        if left:
            self._inside[address] = left
        else:
            del self._inside[address]
        self._admit(address)

    def _wait(self, address: str) -> float:
        return self._next_start.get(address, 0.0) - self._loop.time() if self._interval else 0.0

    def _go(self, address: str) -> None:
        self._inside[address] = self._inside.get(address, 0) + 1
        if self._interval:
            now = self._loop.time()
            self._next_start[address] = now + self._interval
            self._entered += 1
            if self._entered % _PURGE_EVERY == 0:
                self._next_start = {kept: when for kept, when in self._next_start.items() if when > now}

    def _admit(self, address: str) -> None:
        """Let the first of the queue through, now or when the interval is over."""
        queue = self._queues.get(address)
        while queue and queue[0].done():
            queue.popleft()
        if not queue:
            self._queues.pop(address, None)
            return
        if self._inside.get(address, 0) >= self._at_once:
            return  # whoever leaves admits the next
        if (wait := self._wait(address)) > 0:
            if address not in self._alarms:
                self._alarms.add(address)
                self._loop.call_later(wait, self._ring, address)
            return
        self._go(address)
        queue.popleft().set_result(None)
        self._admit(address)

    def _ring(self, address: str) -> None:
        self._alarms.discard(address)
        self._admit(address)


class Slots:
    """How many probes may be under way. Whoever waits here was under way before, so goes before the newly due."""

    def __init__(self, limit: int, on_free: Callable[[], None] = lambda: None) -> None:
        self.limit = limit
        self.used = 0
        self._on_free = on_free
        self._waiting: deque[asyncio.Future[None]] = deque()

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
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.free()
            raise

    def take_over(self) -> None:
        """Take a slot even if none is free: for one that is given back at once."""
        self.used += 1

    def free(self) -> None:
        """Give a slot back."""
        self.used -= 1
        while self._waiting and self.used < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.used += 1
                turn.set_result(None)
        if self.used < self.limit:
            self._on_free()


class Lease:
    """A probe's hold on its slot, while its parts, the sessions with its addresses, may wait for others.

    The slot is given back while no part is at work. So whoever holds one gets on: if a slot were held by who waits for
    a turn, and that turn by who waits for a slot, they would wait for each other for good.
    """

    def __init__(self, slots: Slots, parts: int) -> None:
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


class _Entry(Generic[T]):
    """What is known of one key: the flight under way, and the latest result if somebody may want it."""

    __slots__ = ("began", "flight", "interval", "result", "wanted")

    def __init__(self) -> None:
        self.flight: Flight[T] = Flight()
        self.result: T | None = None
        self.began = -math.inf
        self.interval = 0.0
        self.wanted = True  # by another than who began it, as far as is known


class Shared(Generic[T]):
    """One piece of work per key and interval, whoever asks; askers meanwhile wait for the one under way.

    A result that nobody else asked for in its interval is the last that is kept, until somebody does: most hosts serve
    one domain, and 100,000 results would be as many kilobytes.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._entries: dict[Hashable, _Entry[T]] = {}
        self._begun = 0
        self._since = -math.inf

    def expire(self) -> None:
        """No result of what was begun before now is given to anybody any more."""
        self._since = self._loop.time()

    async def get(
        self,
        key: Hashable,
        interval: float,
        begin: Callable[[], Awaitable[T]],
        while_waiting: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> T:
        """The result of the work for `key` begun within the last `interval` seconds, or of one begun now.

        Where another has begun it, that is waited for within `while_waiting`.
        """
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry()
        now = self._loop.time()
        if entry.began >= self._since and now - entry.began < interval * _SHARE_FRACTION:
            entry.wanted = True
            if entry.result is not None:
                return entry.result
        if entry.flight.under_way:
            entry.wanted = True
            async with while_waiting():
                return await entry.flight.join(begin)
        keep, entry.wanted = entry.wanted, False
        entry.interval = interval
        result = await entry.flight.join(begin)
        entry.began = now
        entry.result = result if keep or entry.wanted else None
        self._begun += 1
        if self._begun % _PURGE_EVERY == 0:
            self._purge(now)
        return result

    def _purge(self, now: float) -> None:
        self._entries = {
            key: entry
            for key, entry in self._entries.items()
            if entry.flight.under_way or now - entry.began < entry.interval
        }
