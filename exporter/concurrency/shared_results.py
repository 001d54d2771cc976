"""One piece of work per key and interval, shared by all that ask for it."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final, Generic, TypeVar

from exporter.concurrency.single_flight import SingleFlight

T = TypeVar("T")

# Timers and loops are a little early or late. Without slack a domain whose probe is due would now and then find its own
# last session a millisecond too young, and see results twice as old as it should.
_SHARE_FRACTION: Final = 0.95
# Addresses of which something is known at once, for strangers may invent them: of more the oldest are forgotten. An
# entry without a result takes 300 bytes.
MAX_ENTRIES: Final = 200_000


class _SharedEntry(Generic[T]):
    """One key: the work under way, and the latest result if another asker may want it."""

    __slots__ = ("began", "flight", "interval", "result", "wanted")

    def __init__(self) -> None:
        self.flight: SingleFlight[T] = SingleFlight()
        self.result: T | None = None
        self.began = -math.inf
        self.interval = 0.0
        self.wanted = True  # by another asker than the one that began it, as far as is known


class SharedResults(Generic[T]):
    """One piece of work per key and interval; all that ask meanwhile wait for the one under way.

    A result that no other asker wanted in its interval is the last that is kept, until one does: most hosts serve one
    domain, and 100,000 results would be as many kilobytes.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._entries: OrderedDict[Hashable, _SharedEntry[T]] = OrderedDict()
        self._since = -math.inf

    def __len__(self) -> int:
        return len(self._entries)

    def expire(self) -> None:
        """Give out no result any more whose work began before now."""
        self._since = self._loop.time()

    async def get(
        self,
        key: Hashable,
        interval: float,
        begin: Callable[[], Awaitable[T]],
        while_waiting: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> T:
        """The result of the work for `key` begun within the last `interval` seconds, or of one begun now.

        Work that another asker has begun is waited for within `while_waiting`.
        """
        now = self._loop.time()
        entry = self._entries.get(key)
        if entry is None:
            self._forget_some(now)
            entry = self._entries[key] = _SharedEntry()
        if entry.began >= self._since and now - entry.began < interval * _SHARE_FRACTION:
            entry.wanted = True
            if entry.result is not None:
                return entry.result
        if entry.flight.under_way:
            entry.wanted = True
            async with while_waiting():
                return await entry.flight.run(begin)
        keep, entry.wanted = entry.wanted, False
        entry.interval = interval
        result = await entry.flight.run(begin)
        entry.began = now
        entry.result = result if keep or entry.wanted else None
        return result

    def _forget_some(self, now: float) -> None:
        """Look at the two entries not looked at for longest: so at most twice as many are kept as are of use."""
        for _ in range(min(2, len(self._entries))):
            key, entry = next(iter(self._entries.items()))
            fresh = now - entry.began < entry.interval and len(self._entries) < MAX_ENTRIES
            if fresh or entry.flight.under_way:
                self._entries.move_to_end(key)
            else:
                del self._entries[key]
