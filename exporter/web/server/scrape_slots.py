"""The scrapes under way: a few at a time, and no place is kept by who does not read.

Where all places are taken a scrape waits for a moment, and for it those are cut who have kept their answers waiting for
longest. The addresses from which scrapes wait take turns, so that who asks for a thousand stands in the way of nobody
else; of one address the newest comes first, for whoever has waited longer is likelier to have given up.
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

# For a place; beyond it the oldest of the address from which most wait is told to come again.
MAX_WAITING: Final = 64
# How long; half of what Prometheus waits for an answer by default.
PLACE_SECONDS: Final = 5.0
# How long an answer may have waited for its client, all in all, before it may be cut for another.
PATIENCE_SECONDS: Final = 0.1
_LOOK_SECONDS: Final = 0.02


class TooManyScrapesError(Exception):
    """There is no place; the message says so."""


@dataclass(frozen=True, slots=True, eq=False)
class _ScrapeSlot:
    """One that waits."""

    client: Client | None
    came: asyncio.Future[None]

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.came.done() or (self.client is not None and self.client.is_gone)


class ScrapeSlots:
    """The places. Used in one event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._under_way: dict[object, Client] = {}
        self._uncuttable = 0  # places of those that are no connection
        self._line: dict[str, deque[_ScrapeSlot]] = {}  # the next address first, its newest last
        self._looking: asyncio.TimerHandle | None = None

    @contextlib.asynccontextmanager
    async def place(self, client: Client | None, address: str = "") -> AsyncIterator[None]:
        """A place for the answer to `client`, which is at `address`. Raises TooManyScrapesError."""
        if self._taken < self._limit:
            self._taken += 1
        else:
            await self._wait(client, address)
        mark = object()
        if client is not None:
            self._under_way[mark] = client
        self._uncuttable += client is None
        try:
            yield
        finally:
            self._uncuttable -= client is None
            self._under_way.pop(mark, None)
            self._hand_on()

    async def _wait(self, client: Client | None, address: str) -> None:
        # Not whether any is under way: a place that was handed on has nobody until its turn has woken.
        if self._uncuttable >= self._limit:
            raise self._too_many()  # there is nobody who could be cut
        came = self._stand_in_line(client, address).came
        self._look()
        try:
            async with asyncio.timeout(PLACE_SECONDS):
                await granted(came, lambda _: self._hand_on())
        except TimeoutError:
            raise self._too_many() from None

    def _too_many(self) -> TooManyScrapesError:
        return TooManyScrapesError(f"{self._limit} scrapes are under way")

    def _stand_in_line(self, client: Client | None, address: str) -> _ScrapeSlot:
        if self._waiting() >= MAX_WAITING:
            oldest = max(self._line.values(), key=len).popleft()
            oldest.came.set_exception(self._too_many())
        turn = _ScrapeSlot(client, asyncio.get_running_loop().create_future())
        self._line.setdefault(address, deque()).append(turn)
        return turn

    def _waiting(self) -> int:
        for address, turns in list(self._line.items()):
            left = deque(turn for turn in turns if not turn.is_over)
            for turn in turns:
                if turn.is_over and not turn.came.done():
                    # Who has hung up waits no longer: thousands would be all requests that there may be.
                    turn.came.set_exception(self._too_many())
            if left:
                self._line[address] = left
            else:
                del self._line[address]
        return sum(map(len, self._line.values()))

    def _hand_on(self) -> None:
        """A place is free: it is the next one's."""
        if not self._waiting():
            self._taken -= 1
            return
        address = next(iter(self._line))
        turns = self._line.pop(address)
        turns.pop().came.set_result(None)
        if turns:
            self._line[address] = turns  # behind the others

    def _look(self) -> None:
        """Cut who keeps others waiting, for as long as anybody is in line."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        waiting = self._waiting()
        if not waiting:
            return
        unread = [client for client in self._under_way.values() if not client.is_reading]
        slow = sorted(
            (client for client in unread if client.waited() > PATIENCE_SECONDS), key=lambda each: -each.waited()
        )
        for client in slow[:waiting]:
            client.cut()
        self._looking = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)
