"""Slots for the scrapes in progress: a few at a time, and a client that does not read keeps none.

Where all slots are taken, a scrape waits for a moment, and the clients that have kept their answers waiting longest are
disconnected for it. Slots go to the addresses of the waiting scrapes in rotation, so that a client that sends a
thousand requests does not keep others out; of one address the newest scrape is first, because an older one is more
likely to have timed out at its client.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from exporter.concurrency.waiters import granted
from exporter.web.server.unread_bytes import Client

# Above it, the oldest scrape of the address with most waiting scrapes is refused.
MAX_WAITING: Final = 64
# The wait for a slot; half of the time that Prometheus waits for an answer by default.
SLOT_SECONDS: Final = 5.0
# The wait for its client, in all, after which an answer may be aborted for another scrape.
PATIENCE_SECONDS: Final = 0.1
_CHECK_SECONDS: Final = 0.02


class TooManyScrapesError(Exception):
    """No slot was free in time; the message says so."""


@dataclass(frozen=True, slots=True, eq=False)
class _WaitingScrape:
    """A scrape in the queue; the result of `slot` is the slot."""

    client: Client | None
    slot: asyncio.Future[None]

    @property
    def is_over(self) -> bool:
        """The scrape has its slot, or is cancelled, or its client is gone."""
        return self.slot.done() or (self.client is not None and self.client.is_gone)


class ScrapeSlots:
    """The slots. Used in one event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._in_progress: dict[object, Client] = {}
        self._without_client = 0  # slots of scrapes whose client cannot be disconnected
        self._queue: dict[str, deque[_WaitingScrape]] = {}  # the next address first, its newest scrape last
        self._check: asyncio.TimerHandle | None = None

    @contextlib.asynccontextmanager
    async def slot(self, client: Client | None, address: str = "") -> AsyncIterator[None]:
        """A slot for the answer to `client` at `address`. Raises TooManyScrapesError."""
        if self._taken < self._limit:
            self._taken += 1
        else:
            await self._wait(client, address)
        mark = object()
        if client is not None:
            self._in_progress[mark] = client
        self._without_client += client is None
        try:
            yield
        finally:
            self._without_client -= client is None
            self._in_progress.pop(mark, None)
            self._release()

    async def _wait(self, client: Client | None, address: str) -> None:
        # Decided by the slots without a client, not by the scrapes in progress: a slot that was just passed on has no
        # scrape in progress until its task runs.
        if self._without_client >= self._limit:
            raise self._too_many()  # there is no client to disconnect
        slot = self._enqueue(client, address).slot
        self._disconnect_slow_clients()
        try:
            async with asyncio.timeout(SLOT_SECONDS):
                await granted(slot, lambda _: self._release())
        except TimeoutError:
            raise self._too_many() from None

    def _too_many(self) -> TooManyScrapesError:
        return TooManyScrapesError(f"{self._limit} scrapes are in progress")

    def _enqueue(self, client: Client | None, address: str) -> _WaitingScrape:
        if self._waiting() >= MAX_WAITING:
            oldest = max(self._queue.values(), key=len).popleft()
            oldest.slot.set_exception(self._too_many())
        scrape = _WaitingScrape(client, asyncio.get_running_loop().create_future())
        self._queue.setdefault(address, deque()).append(scrape)
        return scrape

    def _waiting(self) -> int:
        """Remove the scrapes that wait no longer, and count the others."""
        for address, scrapes in list(self._queue.items()):
            left = deque(scrape for scrape in scrapes if not scrape.is_over)
            for scrape in scrapes:
                if scrape.is_over and not scrape.slot.done():
                    # Its client is gone. The request must end too: thousands would use up all requests allowed.
                    scrape.slot.set_exception(self._too_many())
            if left:
                self._queue[address] = left
            else:
                del self._queue[address]
        return sum(map(len, self._queue.values()))

    def _release(self) -> None:
        """Pass a free slot to the next scrape in the queue."""
        if not self._waiting():
            self._taken -= 1
            return
        address = next(iter(self._queue))
        scrapes = self._queue.pop(address)
        scrapes.pop().slot.set_result(None)
        if scrapes:
            self._queue[address] = scrapes  # behind the other addresses

    def _disconnect_slow_clients(self) -> None:
        """Disconnect the clients that keep others waiting, again and again while a scrape is in the queue."""
        if self._check is not None:
            self._check.cancel()
            self._check = None
        waiting = self._waiting()
        if not waiting:
            return
        unread = [client for client in self._in_progress.values() if not client.is_reading]
        slow = sorted(
            (client for client in unread if client.waited() > PATIENCE_SECONDS), key=lambda each: -each.waited()
        )
        for client in slow[:waiting]:
            client.reset()
        self._check = asyncio.get_running_loop().call_later(_CHECK_SECONDS, self._disconnect_slow_clients)
