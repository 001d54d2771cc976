"""One piece of work at a time, for all who want it: the first who asks does it, the others wait.

There is no task of its own for the work, for each probe and each question would need one. If who does it is given up,
the next who waits begins anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """What is under way. Used by one event loop."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        # Who waits while somebody works: told whether the work was done, and then of its result.
        self._waiting: list[asyncio.Future[tuple[T] | None]] | None = None

    @property
    def under_way(self) -> bool:
        """Whether :meth:`join` would wait for what another has begun."""
        return self._waiting is not None

    async def join(self, work: Callable[[], Awaitable[T]]) -> T:
        """The result of the work that is under way, or is begun now. What it raises, all are told."""
        while self._waiting is not None:
            turn: asyncio.Future[tuple[T] | None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            done = await turn
            if done is not None:
                return done[0]
        self._waiting = []
        try:
            result = await work()
        except asyncio.CancelledError:
            self._land(lambda turn: turn.set_result(None))
            raise
        except Exception as error:
            bug = error
            self._land(lambda turn: turn.set_exception(bug))
            raise
        self._land(lambda turn: turn.set_result((result,)))
        return result

    def _land(self, tell: Callable[[asyncio.Future[tuple[T] | None]], None]) -> None:
        waiting, self._waiting = self._waiting, None
        for turn in waiting or ():
            if not turn.done():
                tell(turn)
