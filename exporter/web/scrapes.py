"""The scrapes under way: a few at a time, and no place is kept by who does not read.

Where all places are taken a scrape waits in line for a moment, and for it those are cut who have kept their answers
waiting for longest. The line is one for each address, and these take turns: who asks for a thousand scrapes stands in
the way of nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from exporter.web.unread import Client

# In line; who comes then is told to come again, or the last of the address that has most there.
MAX_WAITING: Final = 64
# For a place; half of what Prometheus waits for an answer by default.
PLACE_SECONDS: Final = 5.0
# How long an answer may have waited for its client, all in all, before it may be cut for somebody in line.
PATIENCE_SECONDS: Final = 0.1
_LOOK_SECONDS: Final = 0.05


class TooManyScrapesError(Exception):
    """There is no place; the message says so."""


class Scrapes:
    """The places. Used in one event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._under_way: dict[object, Client] = {}
        self._line: dict[str, deque[asyncio.Future[None]]] = {}  # by address, the next first
        self._looking: asyncio.TimerHandle | None = None

    @contextlib.asynccontextmanager
    async def place(self, client: Client | None, address: str = "") -> AsyncIterator[None]:
        """A place for the answer to `client`, which is at `address`. Raises TooManyScrapesError."""
        if self._taken < self._limit:
            self._taken += 1
        else:
            await self._wait(address)
        mark = object()
        if client is not None:
            self._under_way[mark] = client
        try:
            yield
        finally:
            self._under_way.pop(mark, None)
            self._hand_on()

    async def _wait(self, address: str) -> None:
        if not self._under_way:
            raise self._too_many()  # there is nobody who could be cut
        turn = self._stand_in_line(address)
        self._look()
        try:
            async with asyncio.timeout(PLACE_SECONDS):
                await asyncio.shield(turn)  # so that a place given at the last moment is not lost
        except BaseException as error:
            if not turn.cancel() and not turn.cancelled() and turn.exception() is None:
                self._hand_on()
            if isinstance(error, TimeoutError):
                raise self._too_many() from None
            raise

    def _too_many(self) -> TooManyScrapesError:
        return TooManyScrapesError(f"{self._limit} scrapes are under way")

    def _stand_in_line(self, address: str) -> asyncio.Future[None]:
        for turns in self._line.values():  # some have left
            while turns and turns[0].done():
                turns.popleft()
        turn = asyncio.get_running_loop().create_future()
        waiting = sum(map(len, self._line.values()))
        if waiting >= MAX_WAITING:
            longest = max(self._line.values(), key=len)
            if len(longest) <= len(self._line.get(address, ())) + 1:
                raise self._too_many()
            last = longest.pop()
            if not last.done():
                last.set_exception(self._too_many())
        self._line.setdefault(address, deque()).append(turn)
        return turn

    def _hand_on(self) -> None:
        """A place is free: it is the next one's in line."""
        while self._line:
            address = next(iter(self._line))
            turns = self._line.pop(address)
            turn = turns.popleft() if turns else None
            if turns:
                self._line[address] = turns  # behind the others
            if turn is not None and not turn.done():
                turn.set_result(None)
                return
        self._taken -= 1

    def _look(self) -> None:
        """Cut who keeps others waiting, for as long as anybody is in line."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        waiting = sum(not turn.done() for turns in self._line.values() for turn in turns)
        if not waiting:
            return
        unread = [client for client in self._under_way.values() if not client.is_reading]
        slow = sorted(
            (client for client in unread if client.waited() > PATIENCE_SECONDS), key=lambda each: -each.waited()
        )
        for client in slow[:waiting]:
            client.cut()
        self._looking = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)
