"""Turns beside the schedule, in their order and some at a time.

All hosts behind a blocked egress are probed again when it opens, and neither our uplink nor other people's servers
shall take that for an attack.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from exporter.schedule.scheduled import SESSION_WORK, Scheduled

# Sessions that are begun a second, and the seconds from some to the next.
_A_SECOND: Final = 500
_SECONDS: Final = 0.02


class ExtraTurns:
    """The turns that are wished for. One event loop's."""

    def __init__(self, begin: Callable[[float, Scheduled], int | None]) -> None:
        """`begin` gets the moment of a wish and the turn; it returns the work that it was, None without a slot."""
        self._begin = begin
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[float, Scheduled]] = deque()  # with the moment of the wish
        self._wished: set[Scheduled] = set()  # those that wait
        self._timer: asyncio.Handle | None = None
        self._stopped = False

    def add(self, turns: Iterable[Scheduled]) -> None:
        """Have these begin soon."""
        now = self._loop.time()
        new = [(now, turn) for turn in turns if turn not in self._wished]
        self._wished.update([turn for _, turn in new])
        self._waiting.extend(new)
        if new and self._timer is None and not self._stopped:
            self._timer = self._loop.call_soon(self._begin_some)

    def stop(self) -> None:
        """Begin no more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def _begin_some(self) -> None:
        self._timer = None
        left = int(_A_SECOND * _SECONDS) * SESSION_WORK
        while self._waiting and left > 0 and not self._stopped:
            wished, turn = self._waiting[0]
            work = 0 if turn.was_due >= wished else self._begin(wished, turn)
            if work is None:
                break
            left -= work
            self._waiting.popleft()
            self._wished.discard(turn)
        if self._waiting and not self._stopped:
            self._timer = self._loop.call_later(_SECONDS, self._begin_some)
